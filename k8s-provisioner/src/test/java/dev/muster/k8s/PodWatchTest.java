package dev.muster.k8s;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.muster.provisioner.spi.Await;
import dev.muster.provisioner.spi.CloudStatus;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.MachineRef;
import dev.muster.provisioner.spi.ProviderException;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodListBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.fabric8.mockwebserver.http.MockResponse;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** When a list may be believed, and what a watch does that has lost its place. Time moves only when a test moves it. */
class PodWatchTest {

    private final FakeCluster cluster = new FakeCluster();
    private final AtomicLong nanos = new AtomicLong(1_000_000_000_000L);
    private final PodMachines machines = cluster.machines((connection, task) -> null, Clock.systemUTC(), nanos::get);

    @AfterEach
    void end() {
        cluster.close();
    }

    private void pass(Duration time) {
        nanos.addAndGet(time.toNanos());
    }

    private int listed() throws ProviderException {
        return machines.list(FakeCluster.SCOPE).machines().size();
    }

    /** One of ours that another process has made. */
    private void appear(String name) {
        cluster.client.pods().inNamespace("ml").resource(new PodBuilder().withNewMetadata().withName(name).withNamespace("ml").addToLabels(Map.of(
                "muster.dev/installation", "lab", "muster.dev/fleet", "train", "muster.dev/pool", "gpu", "muster.dev/batch", name, "muster.dev/index", "0")).endMetadata()
                .withNewSpec().addNewContainer().withName("machine").withImage("x").endContainer().endSpec().build()).create();
    }

    private void refuseMany(String what) {
        for (int i = 0; i < 200; i++) {
            cluster.refuseNext(what, 503, "ServiceUnavailable", "apiserver is shutting down");
        }
    }

    @Test
    void aShortBreakOfTheWatchIsNoReasonToKnowNothing() throws ProviderException {
        refuseMany("GET watch");
        appear("m-1");

        assertThat(listed()).isEqualTo(1);
        pass(PodWatch.OUT_OF_STEP.minusMillis(1));
        assertThat(listed()).isEqualTo(1);
    }

    @Test
    void aLongBreakIsAndSaysWhyUntilTheWatchGoesOn() throws ProviderException {
        refuseMany("GET watch");
        listed();
        refuseMany("GET pods");

        var unknown = Await.until(() -> {
            pass(Duration.ofMillis(20));
            return Optional.ofNullable(catchThrowableOfType(ProviderException.class, this::listed));
        }, Optional::isPresent).orElseThrow();
        assertThat(unknown.kind()).isEqualTo(FailureKind.UNAVAILABLE);
        assertThat(unknown.getMessage()).startsWith("the watch of k8s/lab/ml has been down for more than 10 s: UNAVAILABLE (");

        appear("m-1");
        cluster.heal();
        pass(Duration.ofSeconds(10));
        assertThat(Await.until(() -> {
            pass(Duration.ofMillis(20));
            try {
                return listed();
            } catch (ProviderException notYet) {
                return -1;
            }
        }, size -> size == 1)).isEqualTo(1);
    }

    @Test
    void aWatchThatIsTooOldListsAgain() throws ProviderException {
        cluster.refuseNext("GET watch", 410, "Expired", "The resourceVersion for the provided watch is too old.");
        listed();
        appear("m-1");

        Await.until(() -> {
            pass(Duration.ofMillis(20));
            return listed();
        }, size -> size == 1);

        assertThat(cluster.count("GET pods")).isEqualTo(2);
    }

    @Test
    void aWatchThatSaysNothingForTooLongIsBegunAnew() throws ProviderException {
        listed();
        Await.until(() -> cluster.count("GET watch"), watches -> watches == 1);

        pass(PodWatch.LASTS.multipliedBy(2));

        Await.until(() -> cluster.count("GET watch"), watches -> watches == 2);
        assertThat(cluster.count("GET pods")).isEqualTo(2);
        assertThat(listed()).isZero();
    }

    @Test
    void whatWentWhileNobodyWatchedIsGone() throws ProviderException {
        refuseMany("GET watch");
        appear("m-1");
        listed();
        cluster.client.pods().inNamespace("ml").withName("m-1").delete();
        cluster.heal();
        cluster.refuseNext("GET watch", 410, "Expired", "The resourceVersion for the provided watch is too old.");

        Await.until(() -> {
            pass(Duration.ofMillis(20));
            return machines.list(FakeCluster.SCOPE).machines().get(0).status().isGone();
        }, gone -> gone);
    }

    @Test
    void aServerThatWasRestoredFromABackupIsBelievedThoughItsVersionsAreOlder() throws ProviderException {
        appear("m-1");
        appear("m-2");
        cluster.refuseNext("GET watch", 410, "Expired", "The resourceVersion for the provided watch is too old.");
        refuseMany("GET watch");
        assertThat(listed()).isEqualTo(2);
        var before = new PodBuilder(cluster.pod("m-1")).editMetadata().withResourceVersion("0").endMetadata().withNewStatus().withPhase("Running").endStatus()
                .editSpec().withNodeName("node-1").endSpec().build();
        cluster.next("GET pods", request -> new MockResponse().setResponseCode(200).setHeader("Content-Type", "application/json").setBody(Serialization.asJson(
                new PodListBuilder().withNewMetadata().withResourceVersion("0").endMetadata().withItems(before).build())));

        var seen = Await.until(() -> {
            pass(Duration.ofMillis(20));
            return machines.list(FakeCluster.SCOPE).machines();
        }, all -> all.size() == 1);

        assertThat(seen.get(0).machineId()).isEqualTo("m-1");
        assertThat(seen.get(0).status()).isEqualTo(CloudStatus.RUNNING);
    }

    @Test
    void aPodThatIsFoundAndThenNotThereToBeDeletedIsNotListed() throws ProviderException {
        refuseMany("GET watch");
        listed();
        appear("m-1");
        cluster.refuseNext("DELETE pod", 404, "NotFound", "pods \"m-1\" not found");

        var answer = machines.terminate(new MachineRef(FakeCluster.SCOPE, "m-1", cluster.pod("m-1").getMetadata().getUid()));

        assertThat(answer).isEqualTo(CloudStatus.NOT_FOUND);
        assertThat(listed()).isZero();
    }

    @Test
    void aPodThatOnlyLostItsLabelsIsNotTakenForGone() throws ProviderException {
        appear("m-1");
        listed();
        cluster.place("m-1");
        Await.until(() -> machines.list(FakeCluster.SCOPE).machines().get(0).status(), status -> status == CloudStatus.RUNNING);

        cluster.client.pods().inNamespace("ml").withName("m-1").edit(pod -> new PodBuilder(pod).editMetadata().removeFromLabels("muster.dev/installation").endMetadata().build());

        var shown = Await.until(() -> machines.list(FakeCluster.SCOPE).machines(), all -> all.isEmpty() || all.get(0).status() != CloudStatus.RUNNING);
        assertThat(shown).isEmpty();
    }

    @Test
    void whatNobodyAsksOfAPodAgainIsNotKept() throws ProviderException {
        var timer = Executors.newSingleThreadScheduledExecutor();
        var watch = new PodWatch(cluster.accounts().calls(FakeCluster.SCOPE), FakeCluster.SCOPE, Map.of("muster.dev/installation", "lab"), Clock.systemUTC(), nanos::get,
                timer, seen -> { });
        try {
            cluster.client.pods().inNamespace("ml").resource(new PodBuilder().withNewMetadata().withName("m-1").withNamespace("ml").addToLabels("muster.dev/installation", "lab")
                    .endMetadata().withNewSpec().addNewContainer().withName("machine").withImage("x").addNewEnv().withName("MUSTER_BOOT").withValue("x".repeat(28_000)).endEnv()
                    .withNewResources().addToRequests("cpu", new Quantity("2")).endResources().endContainer().endSpec().build()).create();

            var container = watch.pods().get(0).pod().getSpec().getContainers().get(0);

            assertThat(container.getEnv()).isEmpty();
            assertThat(container.getResources().getRequests()).isEqualTo(Map.of("cpu", new Quantity("2")));
        } finally {
            watch.close();
            timer.shutdownNow();
        }
    }

    @Test
    void atRestAScopeCostsNothingButItsWatch() throws ProviderException {
        listed();
        Await.until(() -> cluster.count("GET watch"), watches -> watches == 1);
        cluster.forgetCounts();

        for (int i = 0; i < 50; i++) {
            listed();
        }

        assertThat(cluster.counts()).isEmpty();
    }
}
