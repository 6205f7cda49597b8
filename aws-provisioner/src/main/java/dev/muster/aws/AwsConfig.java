package dev.muster.aws;

import io.smallrye.config.ConfigMapping;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Settings of the AWS provisioner, beside those of every provisioner. */
@ConfigMapping(prefix = "muster.aws")
interface AwsConfig {

    /** AWS accounts by the names that fleets use. Their keys are in the secrets folder, or Amazon's default chain gives them. */
    Map<String, AccountConfig> accounts();

    interface AccountConfig {
        /** URL used instead of Amazon's endpoints. */
        Optional<String> endpoint();

        /** For pools that name none: an AMI id, an image's name, or {@code ssm:} and a parameter's path. */
        Optional<String> image();

        /** Role that is taken on with the account's keys, or with those of Amazon's default chain; its account is the one that machines run in. */
        Optional<String> roleArn();

        /** What the role's trust policy asks for as {@code sts:ExternalId}. */
        Optional<String> externalId();

        /** How the role's owner sees Muster in the account's log; {@code muster-<installation>} unless set. */
        Optional<String> roleSessionName();

        /** Regions that must answer before the service is ready. */
        Optional<List<String>> regions();
    }
}
