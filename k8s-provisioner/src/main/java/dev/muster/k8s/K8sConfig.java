package dev.muster.k8s;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Settings of the Kubernetes provisioner, beside those of every provisioner. */
@ConfigMapping(prefix = "muster.k8s")
interface K8sConfig {

    /**
     * Clusters by the names that fleets use as accounts. Where neither {@code kubeconfig} nor {@code server} is set, the service account of the
     * provisioner's own pod is used, or else the user's own kubeconfig.
     */
    Map<String, AccountConfig> accounts();

    interface AccountConfig {
        /** File that says where the cluster is and who calls. Not with {@code server}. */
        Optional<String> kubeconfig();

        /** Context of the kubeconfig; its current one unless set. */
        Optional<String> context();

        /** URL of the API server; the token is the secret {@code k8s-<account>-token}. */
        Optional<String> server();

        /** File with the certificate that the server's is signed with; with {@code server} only. The system's own unless set. */
        Optional<String> caFile();

        /** Namespaces that must answer before the service is ready. */
        Optional<List<String>> namespaces();

        /** For pools whose spec and template name none. The agents' default image unless set. */
        Optional<String> image();

        /** That pods run as, which needs no right at all. */
        @WithDefault("muster-machines")
        String serviceAccount();

        /** Secret of the namespace that holds what pods are given. */
        @WithDefault("muster-machines")
        String secret();
    }
}
