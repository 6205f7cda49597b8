package dev.muster.k8s;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.muster.contracts.SecretsFolder;
import dev.muster.provisioner.spi.Await;
import dev.muster.provisioner.spi.CloudStatus;
import dev.muster.provisioner.spi.EndedBy;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.LaunchSettings;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.MachineProvider;
import dev.muster.provisioner.spi.MachineProviderContract;
import dev.muster.provisioner.spi.MachineSeen;
import dev.muster.provisioner.spi.Mark;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceQuotaBuilder;
import io.fabric8.kubernetes.api.model.ServiceAccountBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;

/**
 * The cases of the provider contract that ask nothing but good behaviour, against a real API server whose cluster has a scheduler and a node. Skipped
 * unless MUSTER_TEST_KUBECONFIG names the kubeconfig of a cluster in which namespaces may be made.
 */
class KubeConformanceTest extends MachineProviderContract {

    private static final String KUBECONFIG = "MUSTER_TEST_KUBECONFIG";

    private static Path kubeconfig;
    private static KubernetesClient client;
    private static final List<String> namespaces = new ArrayList<>();

    @BeforeAll
    static void findCluster() {
        var named = System.getenv(KUBECONFIG);
        if (named == null || !Files.isReadable(Path.of(named))) {
            System.out.println("skipped: no cluster; " + KUBECONFIG + " must name the kubeconfig of one in which namespaces may be made");
        }
        Assumptions.assumeTrue(named != null && Files.isReadable(Path.of(named)), KUBECONFIG + " names no file");
        kubeconfig = Path.of(named);
        client = new KubernetesClientBuilder().withConfig(Config.fromKubeconfig(kubeconfig.toFile())).build();
    }

    @AfterAll
    static void leaveNothing() {
        if (client != null) {
            namespaces.forEach(namespace -> client.namespaces().withName(namespace).delete());
            client.close();
        }
    }

    @BeforeEach
    void onlyConformance(TestInfo test) {
        Assumptions.assumeTrue(test.getTags().contains("conformance"), "a real cluster is not made to misbehave");
    }

    private String namespace;
    private K8sAccounts accounts;
    private final List<PodMachines> made = new ArrayList<>();

    /** As after a restart. */
    private PodMachines machines() {
        var machines = new PodMachines(accounts, "lab", (connection, task) -> {
            throw new ProviderException(FailureKind.EXPIRED, "TaskGone", "no task is queued here");
        }, Optional.empty());
        made.add(machines);
        return machines;
    }

    /** A batch of one pod that wants so many GPUs. */
    private MachineBatch wanting(int gpus) {
        var plain = PlacedMachines.withKeptKeys(batch(1));
        var k8s = new LaunchSettings.K8s(false, "", "", Map.of(), Map.of("nvidia.com/gpu", Integer.toString(gpus)), Map.of(), List.of(), "", "", List.of(), Map.of(), "",
                Duration.ZERO, false, false, "");
        return new MachineBatch(plain.batchId(), plain.machineIds(), plain.fleet(), plain.pool(), plain.offer(), 0, new LaunchSettings("", List.of(), Map.of(),
                Optional.empty(), Optional.empty(), Optional.of(k8s)), plain.boot(), plain.keepUntil());
    }

    @Test
    @Tag("conformance")
    void aPodWithoutRoomWaitsAndIsDeletedToDrainIt() throws ProviderException {
        var machines = machines();
        var machine = machines.launch(wanting(64)).machines().get(0);

        var note = Await.until(() -> machines.list(machine.offer().scope()).machines().get(0).note(), Optional::isPresent).orElseThrow();
        assertThat(note.reason()).isEqualTo("Unschedulable");
        assertThat(note.message()).contains("Insufficient nvidia.com/gpu");
        assertThat(machines.mark(machine.ref(), new Mark(Mark.Word.DRAIN, 1))).isEqualTo(CloudStatus.SHUTTING_DOWN);

        assertThat(client.pods().inNamespace(namespace).withName(machine.machineId()).get()).isNull();
        var gone = Await.until(() -> machines.list(machine.offer().scope()).machines().get(0), seen -> seen.status() == CloudStatus.TERMINATED);
        assertThat(gone.endedBy()).isEqualTo(EndedBy.ASKED);
    }

    @Test
    @Tag("conformance")
    void aQuotaIsOneAlsoForAPodThatIsThere() throws ProviderException {
        var machines = machines();
        var first = wanting(1);
        var made = machines.launch(first).machines().get(0);
        client.resource(new ResourceQuotaBuilder().withNewMetadata().withName("gpus").withNamespace(namespace).endMetadata().withNewSpec()
                .addToHard("requests.nvidia.com/gpu", new Quantity("1")).endSpec().build()).create();

        // The server reads quotas from a cache, and lets some pass until it has.
        var refused = Await.until(() -> {
            try {
                machines.launch(wanting(1));
                return Optional.<ProviderException>empty();
            } catch (ProviderException full) {
                return Optional.of(full);
            }
        }, Optional::isPresent).orElseThrow();

        assertThat(refused.kind()).isEqualTo(FailureKind.QUOTA_EXCEEDED);
        assertThat(refused.code()).isEqualTo("ExceededQuota");
        assertThat(machines().launch(first).machines()).extracting(MachineSeen::cloudId).containsExactly(made.cloudId());
    }

    @Test
    @Tag("conformance")
    void whatHasChangedMeanwhileIsAConflict() throws ProviderException {
        var machines = machines();
        var machine = machines.launch(wanting(64)).machines().get(0);
        var calls = accounts.calls(machine.offer().scope());
        var old = calls.pod(namespace, machine.machineId()).orElseThrow();
        calls.patch(old, Map.of(), Map.of("note", "x"));
        var another = new PodBuilder(old).editMetadata().withUid("00000000-0000-4000-8000-000000000000").endMetadata().build();

        assertThat(catchThrowableOfType(ProviderException.class, () -> calls.patch(old, Map.of(), Map.of("note", "y"))).code()).isEqualTo("Conflict");
        assertThat(catchThrowableOfType(ProviderException.class, () -> calls.delete(old, true)).code()).isEqualTo("Conflict");
        assertThat(catchThrowableOfType(ProviderException.class, () -> calls.delete(another, false)).code()).isEqualTo("Conflict");
        assertThat(calls.delete(old, false)).isTrue();
        assertThat(calls.delete(old, false)).isFalse();
    }

    @Test
    @Tag("conformance")
    void aWatchThatTheServerEndedGoesOn() throws ProviderException {
        var machines = machines();
        var scope = wanting(1).offer().scope();
        machines.list(scope);
        LockSupport.parkNanos(PodWatch.LASTS.plusSeconds(3).toNanos());

        var told = new AtomicInteger();
        machines.onChange(changed -> told.incrementAndGet());
        machines().launch(wanting(64));

        Await.until(told::get, times -> times > 0);
        assertThat(machines.list(scope).machines()).hasSize(1);
    }

    @Override
    protected Cloud open() {
        namespace = "muster-test-" + Long.toString(System.nanoTime(), 36);
        client.resource(new NamespaceBuilder().withNewMetadata().withName(namespace).endMetadata().build()).create();
        namespaces.add(namespace);
        client.resource(new ServiceAccountBuilder().withNewMetadata().withName("muster-machines").withNamespace(namespace).endMetadata().build()).create();
        var account = new K8sAccounts.Account(Optional.of(kubeconfig), Optional.empty(), Optional.empty(), Optional.empty(), List.of(namespace), Optional.of("busybox"),
                "muster-machines", "muster-machines");
        accounts = new K8sAccounts(Map.of("lab", account), (SecretsFolder) null);
        return new Cloud() {
            private int strangers;

            @Override
            public MachineProvider newProvider() {
                return PlacedMachines.of(machines());
            }

            @Override
            public Offer offer() {
                return new Offer(new Scope("k8s", "lab", namespace), "", "", "pod", Offer.Market.ON_DEMAND);
            }

            @Override
            public String image() {
                return "";
            }

            @Override
            public int liveMachines() {
                throw new UnsupportedOperationException();
            }

            @Override
            public void capacity(int machines) {
                throw new UnsupportedOperationException();
            }

            @Override
            public boolean refuseNextLaunch(FailureKind kind) {
                throw new UnsupportedOperationException();
            }

            @Override
            public void loseNextLaunchAnswer() {
                throw new UnsupportedOperationException();
            }

            @Override
            public void failNextList() {
                throw new UnsupportedOperationException();
            }

            @Override
            public void powerOff(String cloudId) {
                throw new UnsupportedOperationException();
            }

            @Override
            public String strange() {
                var pod = client.pods().inNamespace(namespace).resource(new PodBuilder().withNewMetadata().withName("desk-" + ++strangers).withNamespace(namespace).endMetadata()
                        .withNewSpec().withTerminationGracePeriodSeconds(1L).addNewContainer().withName("desk").withImage("busybox").endContainer().endSpec().build()).create();
                Await.until(() -> client.resource(pod).get(), now -> now.getStatus() != null && "Running".equals(now.getStatus().getPhase()));
                return pod.getMetadata().getUid();
            }

            @Override
            public void close() {
                made.forEach(PodMachines::close);
                client.pods().inNamespace(namespace).withGracePeriod(0).delete();
            }
        };
    }
}
