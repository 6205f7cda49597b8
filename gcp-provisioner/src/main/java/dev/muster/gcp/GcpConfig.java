package dev.muster.gcp;

import io.smallrye.config.ConfigMapping;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Settings of the Google Cloud provisioner, beside those of every provisioner. */
@ConfigMapping(prefix = "muster.gcp")
interface GcpConfig {

    /**
     * Google Cloud accounts by the names that fleets use. The key file of an account is the secret {@code gcp-<account>-key}; where there is none,
     * Application Default Credentials are used: workload identity, the machine's service account, or {@code GOOGLE_APPLICATION_CREDENTIALS}.
     */
    Map<String, AccountConfig> accounts();

    interface AccountConfig {
        /** Id of the project that machines run in. Required. */
        Optional<String> project();

        /** URL used instead of Google's endpoint. */
        Optional<String> endpoint();

        /** For pools that name none: {@code projects/<project>/global/images/<name>} or {@code .../images/family/<family>}, or an image of the project. */
        Optional<String> image();

        /** Regions that must answer before the service is ready. */
        Optional<List<String>> regions();
    }
}
