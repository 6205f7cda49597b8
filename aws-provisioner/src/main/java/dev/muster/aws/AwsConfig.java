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

        /** AMI id for pools that name none. */
        Optional<String> image();

        /** Regions that must answer before the service is ready. */
        Optional<List<String>> regions();
    }
}
