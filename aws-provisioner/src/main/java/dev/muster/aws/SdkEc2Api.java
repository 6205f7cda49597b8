package dev.muster.aws;

import dev.muster.contracts.SecretsFolder;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.awscore.client.builder.AwsClientBuilder;
import software.amazon.awssdk.awscore.client.builder.AwsSyncClientBuilder;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.ec2.Ec2Client;
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

/** EC2 by Amazon's SDK, without its retries: how often and when a call is repeated is the host's to say. */
final class SdkEc2Api implements Ec2Api {

    /** A launch of 100 machines takes EC2 a few seconds; what takes longer than this is not answered, and asked again. */
    private static final Duration CALL_TIMEOUT = Duration.ofSeconds(30);
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);

    static {
        // The JDK keeps five connections a host unless told otherwise before its first; launches and lists need more.
        if (System.getProperty("http.maxConnections") == null) {
            System.setProperty("http.maxConnections", "32");
        }
    }

    private final Ec2Client client;

    SdkEc2Api(Region region, Optional<URI> endpoint, AwsCredentialsProvider credentials) {
        this.client = configured(Ec2Client.builder(), region, endpoint, credentials).build();
    }

    /** As every client of Amazon's here is. */
    static <B extends AwsSyncClientBuilder<B, C> & AwsClientBuilder<B, C>, C> B configured(B builder, Region region, Optional<URI> endpoint,
            AwsCredentialsProvider credentials) {
        builder.region(region).credentialsProvider(credentials)
                .httpClient(UrlConnectionHttpClient.builder().connectionTimeout(CONNECT_TIMEOUT).socketTimeout(CALL_TIMEOUT).build())
                .overrideConfiguration(config -> config.retryStrategy(AwsRetryStrategy.doNotRetry()).apiCallTimeout(CALL_TIMEOUT));
        endpoint.ifPresent(builder::endpointOverride);
        return builder;
    }

    /** The account's keys from the secrets folder, looked at for every call; Amazon's default chain where there are none. */
    static AwsCredentialsProvider credentials(SecretsFolder secrets, String account) {
        return new AwsCredentialsProvider() {
            private DefaultCredentialsProvider chain;

            @Override
            public AwsCredentials resolveCredentials() {
                var id = secrets.find("aws-" + account + "-access-key-id");
                var key = secrets.find("aws-" + account + "-secret-access-key");
                if (id.isPresent() && key.isPresent()) {
                    var token = secrets.find("aws-" + account + "-session-token");
                    return token.isPresent() ? AwsSessionCredentials.create(id.get().value(), key.get().value(), token.get().value())
                            : AwsBasicCredentials.create(id.get().value(), key.get().value());
                }
                return chain().resolveCredentials();
            }

            private synchronized DefaultCredentialsProvider chain() {
                if (chain == null) {
                    chain = DefaultCredentialsProvider.builder().build();
                }
                return chain;
            }

            @Override
            public String toString() {
                return "credentials of account " + account;
            }
        };
    }

    @Override
    public RunInstancesResponse runInstances(RunInstancesRequest request) {
        return client.runInstances(request);
    }

    @Override
    public DescribeInstancesResponse describeInstances(DescribeInstancesRequest request) {
        return client.describeInstances(request);
    }

    @Override
    public DescribeInstanceStatusResponse describeInstanceStatus(DescribeInstanceStatusRequest request) {
        return client.describeInstanceStatus(request);
    }

    @Override
    public TerminateInstancesResponse terminateInstances(TerminateInstancesRequest request) {
        return client.terminateInstances(request);
    }

    @Override
    public void createTags(CreateTagsRequest request) {
        client.createTags(request);
    }

    @Override
    public void deleteTags(DeleteTagsRequest request) {
        client.deleteTags(request);
    }

    @Override
    public DescribeSpotPriceHistoryResponse describeSpotPriceHistory(DescribeSpotPriceHistoryRequest request) {
        return client.describeSpotPriceHistory(request);
    }

    @Override
    public DescribeSubnetsResponse describeSubnets(DescribeSubnetsRequest request) {
        return client.describeSubnets(request);
    }

    @Override
    public GetConsoleOutputResponse getConsoleOutput(GetConsoleOutputRequest request) {
        return client.getConsoleOutput(request);
    }
}
