package dev.muster.k8s;

import io.fabric8.kubernetes.client.Config;
import java.io.File;
import java.util.Optional;

/** The cluster that {@code MUSTER_TEST_KUBECONFIG} names: tests make and delete namespaces there, which nobody wants of the cluster that he works with. */
final class TestCluster {

    private static final String KUBECONFIG = "MUSTER_TEST_KUBECONFIG";

    private TestCluster() {}

    /** @param what is skipped where there is none */
    static Optional<Config> config(String what) {
        var named = System.getenv(KUBECONFIG);
        if (named == null) {
            System.out.println("skipped: " + what + "; " + KUBECONFIG + " must name the kubeconfig of a cluster in which namespaces may be made");
            return Optional.empty();
        }
        return Optional.of(Config.fromKubeconfig(new File(named)));
    }
}
