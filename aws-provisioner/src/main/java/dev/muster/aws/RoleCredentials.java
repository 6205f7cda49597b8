package dev.muster.aws;

import java.net.URI;
import java.util.Optional;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sts.StsClient;
import software.amazon.awssdk.services.sts.auth.StsAssumeRoleCredentialsProvider;

/** Temporary keys of a role, taken on anew some minutes before they end. */
final class RoleCredentials {

    /** An hour, which every role allows. Seconds. */
    private static final int LASTS = 3_600;

    /**
     * @param externalId what the role's owner asks for, so that nobody else's Muster can be talked into using it
     * @param sessionName what the owner reads in the log of the account
     */
    record Role(String arn, Optional<String> externalId, String sessionName) {}

    private RoleCredentials() {}

    /** @param base whose keys take on the role */
    static AwsCredentialsProvider of(Role role, AwsCredentialsProvider base, Region region, Optional<URI> endpoint) {
        var sts = SdkEc2Api.configured(StsClient.builder(), region, endpoint, base).build();
        return StsAssumeRoleCredentialsProvider.builder().stsClient(sts).refreshRequest(request -> {
            request.roleArn(role.arn()).roleSessionName(role.sessionName()).durationSeconds(LASTS);
            role.externalId().ifPresent(request::externalId);
        }).build();
    }
}
