package dev.muster.aws;

import software.amazon.awssdk.services.ec2.model.DescribeImagesRequest;
import software.amazon.awssdk.services.ec2.model.DescribeImagesResponse;
import software.amazon.awssdk.services.ec2.model.DescribeInstanceTypesRequest;
import software.amazon.awssdk.services.ec2.model.DescribeInstanceTypesResponse;
import software.amazon.awssdk.services.ssm.model.GetParameterRequest;
import software.amazon.awssdk.services.ssm.model.GetParameterResponse;

/** The calls by which an image is found and held against a machine type, in one region with one account. As {@link Ec2Api}. */
interface ImageApi {

    DescribeImagesResponse describeImages(DescribeImagesRequest request);

    DescribeInstanceTypesResponse describeInstanceTypes(DescribeInstanceTypesRequest request);

    GetParameterResponse getParameter(GetParameterRequest request);
}
