package dev.muster.aws;

import software.amazon.awssdk.services.ec2.model.CreateTagsRequest;
import software.amazon.awssdk.services.ec2.model.DeleteTagsRequest;
import software.amazon.awssdk.services.ec2.model.DescribeInstanceStatusRequest;
import software.amazon.awssdk.services.ec2.model.DescribeInstanceStatusResponse;
import software.amazon.awssdk.services.ec2.model.DescribeInstancesRequest;
import software.amazon.awssdk.services.ec2.model.DescribeInstancesResponse;
import software.amazon.awssdk.services.ec2.model.DescribeSpotPriceHistoryRequest;
import software.amazon.awssdk.services.ec2.model.DescribeSpotPriceHistoryResponse;
import software.amazon.awssdk.services.ec2.model.DescribeSubnetsRequest;
import software.amazon.awssdk.services.ec2.model.DescribeSubnetsResponse;
import software.amazon.awssdk.services.ec2.model.GetConsoleOutputRequest;
import software.amazon.awssdk.services.ec2.model.GetConsoleOutputResponse;
import software.amazon.awssdk.services.ec2.model.RunInstancesRequest;
import software.amazon.awssdk.services.ec2.model.RunInstancesResponse;
import software.amazon.awssdk.services.ec2.model.TerminateInstancesRequest;
import software.amazon.awssdk.services.ec2.model.TerminateInstancesResponse;

/**
 * The calls of EC2 that Muster makes in one region with one account: these, those of {@link ImageApi}, and no others. Each is made once; nothing is repeated
 * behind the caller's back. Failures are the SDK's exceptions, see {@link Ec2Failures}. Thread-safe.
 */
interface Ec2Api {

    RunInstancesResponse runInstances(RunInstancesRequest request);

    DescribeInstancesResponse describeInstances(DescribeInstancesRequest request);

    DescribeInstanceStatusResponse describeInstanceStatus(DescribeInstanceStatusRequest request);

    TerminateInstancesResponse terminateInstances(TerminateInstancesRequest request);

    void createTags(CreateTagsRequest request);

    void deleteTags(DeleteTagsRequest request);

    DescribeSpotPriceHistoryResponse describeSpotPriceHistory(DescribeSpotPriceHistoryRequest request);

    DescribeSubnetsResponse describeSubnets(DescribeSubnetsRequest request);

    GetConsoleOutputResponse getConsoleOutput(GetConsoleOutputRequest request);
}
