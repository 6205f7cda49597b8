package dev.muster.aws;

import java.net.URI;
import java.util.Optional;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.ec2.Ec2Client;
import software.amazon.awssdk.services.ec2.model.DescribeImagesRequest;
import software.amazon.awssdk.services.ec2.model.DescribeImagesResponse;
import software.amazon.awssdk.services.ec2.model.DescribeInstanceTypesRequest;
import software.amazon.awssdk.services.ec2.model.DescribeInstanceTypesResponse;
import software.amazon.awssdk.services.ssm.SsmClient;
import software.amazon.awssdk.services.ssm.model.GetParameterRequest;
import software.amazon.awssdk.services.ssm.model.GetParameterResponse;

/** EC2 and SSM by Amazon's SDK, without its retries. */
final class SdkImageApi implements ImageApi {

    private final Ec2Client ec2;
    private final SsmClient ssm;

    SdkImageApi(Region region, Optional<URI> endpoint, AwsCredentialsProvider credentials) {
        this.ec2 = SdkEc2Api.configured(Ec2Client.builder(), region, endpoint, credentials).build();
        this.ssm = SdkEc2Api.configured(SsmClient.builder(), region, endpoint, credentials).build();
    }

    @Override
    public DescribeImagesResponse describeImages(DescribeImagesRequest request) {
        return ec2.describeImages(request);
    }

    @Override
    public DescribeInstanceTypesResponse describeInstanceTypes(DescribeInstanceTypesRequest request) {
        return ec2.describeInstanceTypes(request);
    }

    @Override
    public GetParameterResponse getParameter(GetParameterRequest request) {
        return ssm.getParameter(request);
    }
}
