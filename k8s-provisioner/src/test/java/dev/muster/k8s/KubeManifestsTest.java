package dev.muster.k8s;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.sandbox.k8s.UnknownFields;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.networking.v1.IPBlock;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import io.fabric8.kubernetes.api.model.rbac.PolicyRule;
import io.fabric8.kubernetes.api.model.rbac.Role;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.WatcherException;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.lang.reflect.Modifier;
import java.math.BigInteger;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The manifests of deploy/k8s: objects as Kubernetes 1.20 to 1.33 knows them, and roles that are what the code calls: nothing lacks, nothing is too much. */
class KubeManifestsTest {

    static final Path FOLDER = Path.of("..", "deploy", "k8s");
    /** Served by 1.20 and by 1.33 alike: "Deprecated API Migration Guide" of Kubernetes' documentation. */
    private static final List<String> APIS = List.of("v1", "networking.k8s.io/v1", "rbac.authorization.k8s.io/v1", "scheduling.k8s.io/v1");

    static List<HasMetadata> manifest(String file) {
        try {
            return Stream.of(Files.readString(FOLDER.resolve(file)).split("(?m)^---$")).map(one -> (HasMetadata) Serialization.unmarshal("---\n" + one)).toList();
        } catch (IOException unreadable) {
            throw new java.io.UncheckedIOException(unreadable);
        }
    }

    static List<String> files() throws IOException {
        try (var files = Files.list(FOLDER)) {
            return files.map(file -> file.getFileName().toString()).filter(name -> name.endsWith(".yaml")).sorted().toList();
        }
    }

    private static <T extends HasMetadata> T only(String file, Class<T> type) {
        var found = manifest(file).stream().filter(type::isInstance).map(type::cast).toList();
        assertThat(found).as(file).hasSize(1);
        return found.get(0);
    }

    @Test
    void theyAreWhatKubernetesKnows() throws Exception {
        assertThat(files()).hasSize(7);
        for (var file : files()) {
            for (var object : manifest(file)) {
                assertThat(object.getApiVersion()).as(file).isIn(APIS);
                assertThat(UnknownFields.of(object, file + ": " + object.getKind())).isEmpty();
            }
        }
    }

    @Test
    void rolesAreWhatCallsNeed() {
        assertThat(rights(only("rights.yaml", Role.class).getRules(), true)).isEqualTo(KubeRight.PROVISIONER);
        assertThat(rights(only("nodes.yaml", ClusterRole.class).getRules(), false)).isEqualTo(KubeRight.NODES);
        assertThat(Stream.concat(rights(only("doctor.yaml", Role.class).getRules(), true).stream(), rights(only("doctor.yaml", ClusterRole.class).getRules(), false).stream()).sorted())
                .isEqualTo(KubeRight.DOCTOR);
    }

    /** Each call of the provisioner, by the method that it is. */
    private interface Call {
        void make(PodCalls calls) throws ProviderException;
    }

    @Test
    void eachCallOfTheProvisionerIsOneOfItsRights() throws Exception {
        var pod = new PodBuilder().withNewMetadata().withName("m-1").withNamespace("ml").withUid("u-1").withResourceVersion("7").endMetadata().build();
        Map<String, Call> all = Map.of(
                "pods create", calls -> calls.create("ml", pod),
                "pods get", calls -> calls.pod("ml", "m-1"),
                "pods list", calls -> calls.list("ml", Map.of("a", "b")),
                "pods watch", calls -> calls.watch("ml", Map.of("a", "b"), "7", Duration.ofSeconds(1), new NoWatcher()),
                "pods patch", calls -> calls.patch(pod, Map.of(), Map.of("a", "b")),
                "pods delete", calls -> calls.delete(pod, true),
                "pods/log get", calls -> calls.log(pod, "machine"),
                "configmaps get", calls -> calls.configMap("ml", "templates", "template.yaml"),
                "nodes list", PodCalls::nodes);
        var lookedAt = Map.<String, Call>of("pods list", calls -> calls.look("ml"), "pods create", calls -> calls.tryCreate("ml", pod));
        assertThat(Arrays.stream(PodCalls.class.getDeclaredMethods()).filter(method -> !Modifier.isPrivate(method.getModifiers()) && !Modifier.isStatic(method.getModifiers()) && !method.isSynthetic()))
                .as("as many as it has").hasSize(all.size() + lookedAt.size());
        try (var cluster = new DoctorCluster(); var client = cluster.client()) {
            for (var call : Stream.concat(all.entrySet().stream(), lookedAt.entrySet().stream()).toList()) {
                cluster.reset();
                cluster.has(pod);
                cluster.deny(call.getKey());
                assertThatThrownBy(() -> call.getValue().make(new PodCalls(client))).as(call.getKey()).isInstanceOfSatisfying(ProviderException.class,
                        refused -> assertThat(refused.kind()).isEqualTo(FailureKind.UNAUTHORIZED));
                // Some are more than one request of the client's.
                assertThat(cluster.called()).as(call.getKey()).contains(call.getKey()).isSubsetOf(all.keySet());
            }
        }
        var rights = Stream.concat(KubeRight.PROVISIONER.stream(), KubeRight.NODES.stream()).map(KubeRight::toString).toList();
        assertThat(rights).containsExactlyInAnyOrderElementsOf(all.keySet());
    }

    private static final class NoWatcher implements Watcher<Pod> {
        @Override
        public void eventReceived(Action action, Pod pod) {}

        @Override
        public void onClose(WatcherException cause) {}
    }

    @Test
    void noRoleHasSecretsOrAnyOfAll() throws IOException {
        for (var file : files()) {
            for (var object : manifest(file)) {
                var rules = object instanceof Role role ? role.getRules() : object instanceof ClusterRole role ? role.getRules() : List.<PolicyRule>of();
                assertThat(rules).allSatisfy(rule -> assertThat(Stream.of(rule.getApiGroups(), rule.getResources(), rule.getVerbs()).flatMap(List::stream))
                        .as(file).doesNotContain("*", "secrets", "pods/exec", "serviceaccounts/token", "impersonate", "escalate", "bind"));
            }
        }
    }

    private static List<KubeRight> rights(List<PolicyRule> rules, boolean namespaced) {
        var rights = new TreeSet<KubeRight>();
        for (var rule : rules) {
            rule.getApiGroups().forEach(group -> rule.getResources().forEach(resource -> rule.getVerbs().forEach(verb ->
                    assertThat(rights.add(new KubeRight(verb, group, resource, namespaced))).as(resource + " " + verb + " once").isTrue())));
        }
        return List.copyOf(rights);
    }

    @Test
    void podsAreAnAccountWithoutToken() {
        var account = only("machines.yaml", ServiceAccount.class);
        assertThat(account.getAutomountServiceAccountToken()).isFalse();
        assertThat(account.getMetadata().getName()).isEqualTo("muster-machines");
    }

    @Test
    void podsReachTheWebAndNeitherNodesNorMetadata() throws Exception {
        var policy = only("network.yaml", NetworkPolicy.class);

        assertThat(policy.getSpec().getPodSelector().getMatchLabels()).isEqualTo(Map.of("app.kubernetes.io/managed-by", "muster"));
        assertThat(policy.getSpec().getPolicyTypes()).containsExactly("Ingress", "Egress");
        assertThat(policy.getSpec().getIngress()).as("nobody calls a machine").isEmpty();
        for (var inside : List.of("169.254.169.254", "169.254.170.2", "10.0.0.1", "10.96.0.1", "172.20.0.1", "192.168.1.5", "100.64.0.9", "fd00:ec2::254", "fe80::1")) {
            assertThat(ports(policy, inside)).as(inside).isEmpty();
        }
        assertThat(ports(policy, "151.101.0.223")).isEqualTo(List.of(80, 443));
        assertThat(ports(policy, "2a04:4e42::223")).isEqualTo(List.of(80, 443));
        assertThat(ports(policy, "169.254.20.10")).as("NodeLocal DNSCache").isEqualTo(List.of(53, 53));
    }

    /** That pods may call there. */
    private static List<Integer> ports(NetworkPolicy policy, String address) throws IOException {
        var ports = new java.util.ArrayList<Integer>();
        for (var rule : policy.getSpec().getEgress()) {
            for (var to : rule.getTo()) {
                if (to.getIpBlock() != null && holds(to.getIpBlock(), address)) {
                    rule.getPorts().forEach(port -> ports.add(port.getPort().getIntVal()));
                }
            }
        }
        return ports;
    }

    private static boolean holds(IPBlock block, String address) throws IOException {
        for (var except : block.getExcept()) {
            assertThat(holds(except.split("/")[0], block.getCidr())).as(except + " is within " + block.getCidr() + ", or the API server refuses it").isTrue();
            if (holds(address, except)) {
                return false;
            }
        }
        return holds(address, block.getCidr());
    }

    private static boolean holds(String address, String cidr) throws IOException {
        var bytes = InetAddress.getByName(address).getAddress();
        var net = InetAddress.getByName(cidr.split("/")[0]).getAddress();
        int rest = bytes.length * 8 - Integer.parseInt(cidr.split("/")[1]);
        return bytes.length == net.length && new BigInteger(1, bytes).shiftRight(rest).equals(new BigInteger(1, net).shiftRight(rest));
    }

    @Test
    void theReadmeHasEveryRightAndFile() throws IOException {
        var readme = Files.readString(FOLDER.resolve("README.md"));
        assertThat(KubeRight.PROVISIONER).allSatisfy(right -> assertThat(readme).contains("`" + right.resource() + "` " + right.verb()));
        assertThat(files()).allSatisfy(file -> assertThat(readme).contains(file));
        assertThat(readme).contains("`" + dev.muster.contracts.SecretsFolder.machineAccessKey("<connection>") + "`", "`" + dev.muster.contracts.SecretsFolder.clearmlSecretKey("<connection>") + "`");
    }
}
