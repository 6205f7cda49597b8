package dev.muster.k8s;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The settings, their defaults, and what is refused at the start. */
class K8sProvisionerTest {

    @TempDir
    private Path folder;

    private static Map<String, K8sAccounts.Account> accounts(Map<String, String> settings) {
        var keys = new TreeMap<String, String>();
        settings.forEach((key, value) -> keys.put("muster.k8s.accounts.lab." + key, value));
        return K8sProvisioner.accounts(new SmallRyeConfigBuilder().withMapping(K8sConfig.class).withSources(new PropertiesConfigSource(keys, "test", 100)).build()
                .getConfigMapping(K8sConfig.class));
    }

    private static void refuses(Map<String, String> settings, String sentence) {
        assertThatThrownBy(() -> accounts(settings)).isInstanceOf(IllegalArgumentException.class).hasMessage(sentence);
    }

    @Test
    void aClusterNeedsNoMoreThanAName() {
        assertThat(accounts(Map.of("image", "lab/agent:1"))).isEqualTo(Map.of("lab", new K8sAccounts.Account(Optional.empty(), Optional.empty(), Optional.empty(),
                Optional.empty(), List.of(), Optional.of("lab/agent:1"), "muster-machines", "muster-machines")));
    }

    @Test
    void eachSettingIsRead() throws IOException {
        var kubeconfig = Files.writeString(folder.resolve("kubeconfig"), "");
        var ca = Files.writeString(folder.resolve("ca.crt"), "");

        assertThat(accounts(Map.of("kubeconfig", kubeconfig.toString(), "context", "prod", "namespaces", "ml,ml-2", "service-account", "pods", "secret", "keys")))
                .isEqualTo(Map.of("lab", new K8sAccounts.Account(Optional.of(kubeconfig), Optional.of("prod"), Optional.empty(), Optional.empty(), List.of("ml", "ml-2"),
                        Optional.empty(), "pods", "keys")));
        assertThat(accounts(Map.of("server", "https://10.0.0.1:6443", "ca-file", ca.toString())).get("lab")).satisfies(account -> {
            assertThat(account.server()).contains(URI.create("https://10.0.0.1:6443"));
            assertThat(account.caFile()).contains(ca);
        });
    }

    @Test
    void aScopeIsANamespaceOfAnAccount() {
        var accounts = new K8sAccounts(accounts(Map.of("namespaces", "ml,ml-2")), name -> null);

        assertThat(accounts.scopes()).containsExactly(new Scope("k8s", "lab", "ml"), new Scope("k8s", "lab", "ml-2"));
        assertThatThrownBy(() -> accounts.account(new Scope("k8s", "other", "ml"))).isInstanceOf(ProviderException.class).hasMessage(
                "no Kubernetes cluster 'other' is configured here; known are [lab]: set muster.k8s.accounts.other.kubeconfig, or name one of these in the offer");
    }

    @Test
    void whatIsWrongIsRefusedWithItsKeyAndTheFix() {
        var at = "muster.k8s.accounts.lab.";
        refuses(Map.of("kubeconfig", "/none", "server", "https://s"), at + "kubeconfig and " + at + "server are both set; leave one of them out");
        refuses(Map.of("context", "prod", "server", "https://s"), at + "context is of a kubeconfig, and " + at + "server stands in place of one; leave one of them out");
        refuses(Map.of("ca-file", "/none"), at + "ca-file goes with " + at + "server, which is missing; a kubeconfig names its own");
        refuses(Map.of("kubeconfig", "/none"), at + "kubeconfig is '/none', which can't be read; name a file that this process may read");
        refuses(Map.of("server", "cluster"), at + "server is 'cluster'; it must be a URL such as https://10.0.0.1:6443");
        refuses(Map.of("namespaces", "ML"), at + "namespaces has 'ML'; use lower-case letters, digits and '-', such as ml-training");
        refuses(Map.of("service-account", "Pods"), at + "service-account has 'Pods'; use lower-case letters, digits and '-', such as muster-machines");
        refuses(Map.of("secret", "-"), at + "secret has '-'; use lower-case letters, digits and '-', such as muster-machines");
    }
}
