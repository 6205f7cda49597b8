package dev.muster.k8s;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.muster.contracts.SecretRef;
import dev.muster.provisioner.boot.BootPlan;
import dev.muster.provisioner.boot.Given;
import dev.muster.provisioner.spi.Await;
import dev.muster.provisioner.spi.CloudStatus;
import dev.muster.provisioner.spi.EndedBy;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.KeepUntil;
import dev.muster.provisioner.spi.LaunchSettings;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.MachineRef;
import dev.muster.provisioner.spi.MachineSeen;
import dev.muster.provisioner.spi.Mark;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import io.fabric8.kubernetes.api.model.PodBuilder;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What only Kubernetes' provider has to do: pods that wait, calls that count, a watch that breaks, pods that have ended. */
class PodLivesTest {

    private final FakeCluster cluster = new FakeCluster();
    private final PodMachines machines = cluster.machines();
    private int batches;

    @AfterEach
    void end() {
        cluster.close();
    }

    private MachineBatch batch(int size, Duration completedDelay, MachineBatch.Cause cause) {
        int first = 1_000 * ++batches;
        var ids = IntStream.range(first, first + size).mapToObj(i -> "mk3v9x2aq-" + i).toList();
        var key = Given.kept(new SecretRef(SecretRef.Store.KUBERNETES, "key", ""));
        var plan = new BootPlan("lab-train:gpu:any", 1, List.of("q1"), new BootPlan.Hosts("http://api", "http://web", "http://files"), new BootPlan.Keys(key, key), false, "",
                "3.0.3", false, new TreeMap<>(), Given.NOTHING, Given.NOTHING, Given.NOTHING, false, BootPlan.Storage.NONE, Optional.empty());
        var k8s = new LaunchSettings.K8s(!cause.task().isEmpty(), "", "", Map.of(), Map.of(), Map.of(), List.of(), "", "", List.of(), Map.of(), "", completedDelay, false,
                false, "");
        return new MachineBatch(ids.get(0), ids, "train", "gpu", FakeCluster.OFFER, 0, new LaunchSettings("", List.of(), Map.of(), Optional.empty(), Optional.empty(),
                Optional.of(k8s)), plan, new KeepUntil(Instant.ofEpochSecond(1_795_444_800), "q1Sh"), cause);
    }

    private MachineBatch batch(int size) {
        return batch(size, Duration.ZERO, MachineBatch.Cause.NONE);
    }

    private MachineSeen launched() throws ProviderException {
        return machines.launch(batch(1)).machines().get(0);
    }

    private MachineSeen placed() throws ProviderException {
        var machine = launched();
        cluster.place(machine.machineId());
        return listedAs(machine, CloudStatus.RUNNING);
    }

    private MachineSeen listedAs(MachineSeen machine, CloudStatus status) {
        return Await.until(() -> machines.list(FakeCluster.SCOPE).machines().stream().filter(each -> each.cloudId().equals(machine.cloudId())).findFirst(),
                found -> found.map(MachineSeen::status).filter(status::equals).isPresent()).orElseThrow();
    }

    // Pods that wait.

    @Test
    void aPodThatNoNodeTakesWaitsAndSaysWhy() throws ProviderException {
        var machine = launched();
        assertThat(machine.status()).isEqualTo(CloudStatus.WAITING);

        cluster.client.pods().inNamespace("ml").withName(machine.machineId()).edit(pod -> new PodBuilder(pod).editOrNewStatus().addNewCondition().withType("PodScheduled")
                .withStatus("False").withReason("Unschedulable").withMessage("0/1 nodes are available: 1 Insufficient nvidia.com/gpu.").endCondition().endStatus().build());

        var note = Await.until(() -> machines.list(FakeCluster.SCOPE).machines().get(0).note(), Optional::isPresent);
        assertThat(note).contains(new MachineSeen.Note("Unschedulable", "0/1 nodes are available: 1 Insufficient nvidia.com/gpu.", false));
    }

    @Test
    void aPodThatWaitsIsDeletedToDrainIt() throws ProviderException {
        var machine = launched();
        machines.list(FakeCluster.SCOPE);

        assertThat(machines.mark(machine.ref(), new Mark(Mark.Word.DRAIN, 1))).isEqualTo(CloudStatus.SHUTTING_DOWN);

        assertThat(cluster.pod(machine.machineId())).isNull();
        assertThat(listedAs(machine, CloudStatus.TERMINATED).endedBy()).isEqualTo(EndedBy.ASKED);
        assertThat(machines.mark(machine.ref(), new Mark(Mark.Word.DRAIN, 1))).isEqualTo(CloudStatus.NOT_FOUND);
    }

    @Test
    void aPodThatHasGotANodeMeanwhileIsMarkedInstead() throws ProviderException {
        var machine = launched();
        // No list so far: it is known as it was made, without a node.
        cluster.place(machine.machineId());

        assertThat(machines.mark(machine.ref(), new Mark(Mark.Word.DRAIN, 1))).isEqualTo(CloudStatus.UNKNOWN);

        assertThat(cluster.pod(machine.machineId()).getMetadata().getAnnotations()).containsEntry("muster.dev/mark", "drain:1");
        assertThat(cluster.count("DELETE pod")).isEqualTo(1);
    }

    @Test
    void whatATaskWritesIsNotItsPodsConsole() {
        var boot = "MUSTER-BOOT machine=1b2c worker=lab-train:gpu:pod:1b2c\nMUSTER-GUARD task 0a1b is claimed by lab-train:gpu:pod:1b2c\n";

        assertThat(PodMachines.beforeItsTask(boot + "password: hunter2\n")).isEqualTo(boot);
        assertThat(PodMachines.beforeItsTask("MUSTER-BOOT-FAILED step=agent reason=no python\n")).isEqualTo("MUSTER-BOOT-FAILED step=agent reason=no python\n");
        assertThat(PodMachines.beforeItsTask("password: hunter2\n")).as("the end of a long log").isEmpty();
    }

    @Test
    void aNameThatIsAnothersIsThePoolsMistake() {
        cluster.strange("mk3v9x2aq-1000");

        var refused = catchThrowableOfType(ProviderException.class, this::launched);

        assertThat(refused.kind()).isEqualTo(FailureKind.INVALID_SPEC);
        assertThat(refused.getMessage()).contains("has the name mk3v9x2aq-1000 in k8s/lab/ml; delete it");
    }

    @Test
    void aPodOfTheSameNameMadeLaterIsAnotherMachine() throws ProviderException {
        var first = placed();
        cluster.client.pods().inNamespace("ml").withName(first.machineId()).delete();
        cluster.strange(first.machineId());

        assertThat(machines.terminate(first.ref())).isEqualTo(CloudStatus.NOT_FOUND);
        assertThat(cluster.pod(first.machineId())).isNotNull();
    }

    @Test
    void aQuotaThatEndsABatchSaysSoOfTheRest() throws ProviderException {
        cluster.room(2);

        var delivery = machines.launch(batch(5));

        assertThat(delivery.undelivered()).containsExactly(2, 3, 4);
        assertThat(delivery.why().map(ProviderException::kind)).contains(FailureKind.QUOTA_EXCEEDED);
        assertThat(cluster.count("POST pods")).isEqualTo(3);
    }

    @Test
    void aBatchThatWasMadeIsFoundAlsoWhereItsOwnPodsFillTheQuota() throws ProviderException {
        var batch = batch(2);
        machines.launch(batch);
        cluster.room(2);

        assertThat(cluster.machines().launch(batch).machines()).hasSize(2);
    }

    @Test
    void aServerThatIsTooBusyInTheMiddleOfABatchIsAskedForAllAgain() throws ProviderException {
        var batch = batch(2);
        cluster.next("POST pods", cluster::passed);
        cluster.refuseNext("POST pods", 429, "TooManyRequests", "Too many requests, please try again later.");

        assertThat(catchThrowableOfType(ProviderException.class, () -> machines.launch(batch)).kind()).isEqualTo(FailureKind.UNAVAILABLE);
        assertThat(machines.launch(batch).machines()).hasSize(2);
        assertThat(cluster.live()).isEqualTo(2);
    }

    @Test
    void whoeverHasNoRightsAtAllIsToldOfTheOneThatALaunchNeeds() {
        var create = "pods is forbidden: User \"muster\" cannot create resource \"pods\" in API group \"\" in the namespace \"ml\"";
        cluster.refuseNext("POST pods", 403, "Forbidden", create);
        cluster.refuseNext("GET pod", 403, "Forbidden", "pods \"m\" is forbidden: User \"muster\" cannot get resource \"pods\" in API group \"\" in the namespace \"ml\"");

        var refused = catchThrowableOfType(ProviderException.class, () -> machines.launch(batch(1)));
        assertThat(refused.kind()).isEqualTo(FailureKind.UNAUTHORIZED);
        assertThat(refused.getMessage()).isEqualTo(create);
        assertThat(cluster.count("GET pod")).isEqualTo(1);
    }

    // Task pods.

    @Test
    void aTaskThatIsGoneGetsNoPodUnlessItsPodIsThere() throws ProviderException {
        var waits = new java.util.concurrent.atomic.AtomicBoolean(true);
        var ofTasks = cluster.machines((connection, task) -> {
            if (!waits.get()) {
                throw new ProviderException(FailureKind.EXPIRED, "TaskGone", "the task is no longer queued");
            }
            return new TaskWish(task, "train", "p", "project", "u", "lab/task:1", List.of(), "", new TreeMap<>());
        }, Clock.systemUTC());
        var batch = batch(1, Duration.ZERO, new MachineBatch.Cause("t1", "gpu", "q1", "main"));
        var made = ofTasks.launch(batch).machines().get(0);
        waits.set(false);

        assertThat(made.task()).isEqualTo("t1");
        assertThat(ofTasks.launch(batch).machines()).extracting(MachineSeen::cloudId).containsExactly(made.cloudId());
        var gone = catchThrowableOfType(ProviderException.class, () -> ofTasks.launch(batch(1, Duration.ZERO, new MachineBatch.Cause("t2", "gpu", "q1", "main"))));
        assertThat(gone.kind()).isEqualTo(FailureKind.EXPIRED);
    }

    private static final String NOT_ALLOWED = "pods \"mk3v9x2aq-1000\" is forbidden: violates PodSecurity \"baseline:latest\": host namespaces (hostIPC=true)";

    private ProviderException refusedFor(TaskWish wish) {
        var ofTasks = cluster.machines((connection, task) -> wish, Clock.systemUTC());
        cluster.refuseNext("POST pods", 403, "Forbidden", NOT_ALLOWED);
        return catchThrowableOfType(ProviderException.class, () -> ofTasks.launch(batch(1, Duration.ZERO, new MachineBatch.Cause("t1", "gpu", "q1", "main"))));
    }

    @Test
    void whatTheServerRefusesATasksPodForIsTheTasksFaultIfItWouldTakeThePoolsOwn() {
        var refused = refusedFor(new TaskWish("t1", "train", "p", "project", "u", "", List.of("--ipc=host"), "", new TreeMap<>()));

        assertThat(refused.isFaultOfTask()).isTrue();
        assertThat(refused.code()).isEqualTo("PodSecurity");
        assertThat(refused.getMessage()).isEqualTo("the pod is refused for what its task asks of it: " + NOT_ALLOWED);
        assertThat(cluster.count("POST trial")).isEqualTo(1);
        assertThat(cluster.live()).isZero();
    }

    @Test
    void whatTheServerRefusesWhateverTheTaskAsksIsThePools() {
        cluster.refuseNext("POST trial", 403, "Forbidden", NOT_ALLOWED);

        assertThat(refusedFor(new TaskWish("t1", "train", "p", "project", "u", "lab/task:1", List.of(), "", new TreeMap<>())).isFaultOfTask()).isFalse();
    }

    @Test
    void whereAServerIsTooBusyToSayWhoseFaultItIsAllIsAskedForAgain() {
        cluster.refuseNext("POST trial", 429, "TooManyRequests", "Too many requests, please try again later.");

        assertThat(refusedFor(new TaskWish("t1", "train", "p", "project", "u", "lab/task:1", List.of(), "", new TreeMap<>())).kind()).isEqualTo(FailureKind.THROTTLED);
    }

    @Test
    void aTaskThatAsksNothingIsNotToBlame() {
        assertThat(refusedFor(new TaskWish("t1", "train", "p", "project", "u", "", List.of(), "", new TreeMap<>())).isFaultOfTask()).isFalse();
        assertThat(cluster.count("POST trial")).isZero();
    }

    // Marks.

    @Test
    void aMarkMeetsAPodThatHasChangedMeanwhileAndLooksAgain() throws ProviderException {
        var machine = placed();
        cluster.refuseNext("PATCH pod", 409, "Conflict", "Operation cannot be fulfilled on pods: the object has been modified");

        machines.mark(machine.ref(), new Mark(Mark.Word.DRAIN, 3));

        assertThat(cluster.pod(machine.machineId()).getMetadata().getAnnotations()).containsEntry("muster.dev/mark", "drain:3");
    }

    @Test
    void aMarkIsNeverLoweredByWhoeverHasAnOlderPicture() throws ProviderException {
        var machine = placed();
        var other = cluster.machines();
        other.mark(machine.ref(), new Mark(Mark.Word.DRAIN, 9));

        machines.mark(machine.ref(), new Mark(Mark.Word.NONE, 8));

        assertThat(cluster.pod(machine.machineId()).getMetadata().getAnnotations()).containsEntry("muster.dev/mark", "drain:9");
    }

    @Test
    void aLifeCostsOneCreateOnePatchAMarkAndOneDelete() throws ProviderException {
        machines.list(FakeCluster.SCOPE);
        var batch = batch(3);
        cluster.forgetCounts();
        var made = machines.launch(batch).machines();
        assertThat(cluster.counts()).isEqualTo(Map.of("POST pods", 3));

        made.forEach(machine -> cluster.place(machine.machineId()));
        var running = made.stream().map(machine -> listedAs(machine, CloudStatus.RUNNING)).toList();
        cluster.forgetCounts();
        for (var machine : running) {
            machines.mark(machine.ref(), new Mark(Mark.Word.DRAIN, 1));
        }
        machines.renewKeepUntil(FakeCluster.SCOPE, running.stream().map(MachineSeen::cloudId).toList(), new KeepUntil(Instant.ofEpochSecond(1_795_450_000), "q1Sh"));
        for (var machine : running) {
            machines.terminate(machine.ref());
        }

        assertThat(cluster.counts()).isEqualTo(Map.of("PATCH pod", 6, "DELETE pod", 3));
    }

    // The watch.

    @Test
    void aChangeIsToldAtOnce() throws ProviderException {
        var told = Collections.synchronizedList(new ArrayList<Scope>());
        machines.onChange(told::add);
        machines.list(FakeCluster.SCOPE);
        cluster.machines().launch(batch(1));

        Await.until(() -> told.size(), size -> size > 0);

        assertThat(told).containsOnly(FakeCluster.SCOPE);
        assertThat(machines.list(FakeCluster.SCOPE).machines()).hasSize(1);
    }

    @Test
    void whatWasJustMadeIsListedWhateverTheWatchHasHeard() throws ProviderException {
        machines.list(FakeCluster.SCOPE);

        for (int i = 1; i <= 20; i++) {
            launched();
            assertThat(machines.list(FakeCluster.SCOPE).machines()).hasSize(i);
        }
    }

    @Test
    void aListenerIsToldOfEachPodAndItsTasksServer() throws ProviderException {
        var told = Collections.synchronizedList(new ArrayList<String>());
        machines.telling((connection, machine, node, console) -> told.add(connection + " " + machine.machineId() + " " + machine.status() + " " + node));
        var machine = machines.launch(batch(1, Duration.ZERO, new MachineBatch.Cause("", "gpu", "q1", "main"))).machines().get(0);
        machines.list(FakeCluster.SCOPE);
        cluster.place(machine.machineId());

        Await.until(() -> List.copyOf(told), all -> all.contains("main " + machine.machineId() + " RUNNING node-1"));

        assertThat(told).startsWith("main " + machine.machineId() + " WAITING ");
    }

    @Test
    void aScopeThatMayNotBeReadIsUnknownAndSaysWhy() {
        cluster.refuseNext("GET pods", 403, "Forbidden", "pods is forbidden: User \"muster\" cannot list resource \"pods\" in API group \"\" in the namespace \"ml\"");

        assertThat(catchThrowableOfType(ProviderException.class, () -> machines.list(FakeCluster.SCOPE)).kind()).isEqualTo(FailureKind.UNAUTHORIZED);
    }

    // Pods that have ended.

    @Test
    void whatAPodWroteIsItsConsoleAlsoAfterItIsGone() throws ProviderException {
        var machine = placed();
        cluster.log(machine.machineId(), "machine", "hello\nMUSTER-BOOT-FAILED step=agent reason=no python\n");
        assertThat(machines.console(machine.ref())).isEqualTo("hello\nMUSTER-BOOT-FAILED step=agent reason=no python\n");
        assertThat(machines.console(new MachineRef(FakeCluster.SCOPE, "mk3v9x2aq-99", "none"))).isEmpty();

        cluster.exit(machine.machineId(), 78, "Error");

        assertThat(listedAs(machine, CloudStatus.TERMINATED).note().map(MachineSeen.Note::reason)).contains("BootFailed");
        // The reaper's time is tested by due(); here it is what it keeps.
        assertThat(machines.terminate(machine.ref())).isEqualTo(CloudStatus.TERMINATED);
        assertThat(cluster.pod(machine.machineId())).isNotNull();
    }

    @Test
    void onlyTheEndOfALongConsoleIsRead() throws ProviderException {
        var machine = placed();
        cluster.log(machine.machineId(), "machine", "x".repeat(100_000) + "the end");

        assertThat(machines.console(machine.ref())).hasSize(64 * 1024).endsWith("the end");
    }

    /** A clock that a test moves. */
    private static final class TestClock extends Clock {
        private volatile Instant now = Instant.now();

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneOffset getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(java.time.ZoneId zone) {
            return this;
        }
    }

    @Test
    void anEndedPodStaysAsLongAsItsPoolSaysAndIsThenDeletedByWhoeverWatches() throws ProviderException {
        var clock = new TestClock();
        var batch = batch(1, Duration.ofMinutes(5), MachineBatch.Cause.NONE);
        var machine = machines.launch(batch).machines().get(0);
        cluster.place(machine.machineId());
        cluster.log(machine.machineId(), "machine", "last words");
        cluster.exit(machine.machineId(), 1, "Error");
        machines.close();

        var restarted = cluster.machines((connection, task) -> null, clock);
        restarted.list(FakeCluster.SCOPE);
        clock.now = clock.now.plus(Duration.ofMinutes(4));
        assertThat(Await.until(() -> cluster.pod(machine.machineId()), pod -> pod != null)).isNotNull();
        clock.now = clock.now.plus(Duration.ofMinutes(2));

        Await.until(() -> Optional.ofNullable(cluster.pod(machine.machineId())), Optional::isEmpty);
        assertThat(restarted.console(machine.ref())).isEqualTo("last words");
        var last = Await.until(() -> restarted.list(FakeCluster.SCOPE).machines(), all -> !all.isEmpty()).get(0);
        assertThat(last.status()).isEqualTo(CloudStatus.TERMINATED);
        assertThat(last.note().map(MachineSeen.Note::reason)).contains("Error");
    }

    @Test
    void anEndedPodsLogIsReadOnceWhoeverAsks() throws ProviderException {
        var clock = new TestClock();
        var lasting = cluster.machines((connection, task) -> null, clock);
        var machine = lasting.launch(batch(1)).machines().get(0);
        cluster.place(machine.machineId());
        cluster.log(machine.machineId(), "machine", "done\n");
        cluster.exit(machine.machineId(), 0, "Completed");
        Await.until(() -> lasting.list(FakeCluster.SCOPE).machines(), all -> all.stream().allMatch(each -> each.status() == CloudStatus.TERMINATED));
        for (int look = 0; look < 3; look++) {
            assertThat(lasting.console(machine.ref())).isEqualTo("done\n");
        }
        clock.now = clock.now.plus(Duration.ofMinutes(1));
        Await.until(() -> cluster.pod(machine.machineId()), gone -> gone == null);

        assertThat(lasting.console(machine.ref())).isEqualTo("done\n");
        assertThat(cluster.count("GET log")).isEqualTo(1);
    }

    @Test
    void endedPodsOfALostNodeAreDeletedThoughTheirLogsCantBeRead() throws ProviderException {
        var clock = new TestClock();
        var lasting = cluster.machines((connection, task) -> null, clock);
        var made = lasting.launch(batch(3)).machines();
        for (var machine : made) {
            cluster.place(machine.machineId());
            cluster.exit(machine.machineId(), 0, "Completed");
            listedAs(machine, CloudStatus.TERMINATED);
        }
        for (int i = 0; i < 20; i++) {
            cluster.refuseNext("GET log", 500, "InternalError", "Get \"https://10.0.0.5:10250/containerLogs/ml/m/machine\": dial tcp: i/o timeout");
        }
        Await.until(() -> lasting.list(FakeCluster.SCOPE).machines(), all -> all.stream().allMatch(machine -> machine.status() == CloudStatus.TERMINATED));
        clock.now = clock.now.plus(Duration.ofMinutes(1));

        Await.until(() -> made.stream().filter(machine -> cluster.pod(machine.machineId()) != null).count(), left -> left == 0);
        assertThat(cluster.count("GET log")).as("a node that is silent is asked once a look").isLessThan(3);
    }

    @Test
    void anEndedPodStaysUntilItsEndCanHaveBeenRead() {
        var ended = new PodBuilder().withNewMetadata().withName("m-1").addToAnnotations("muster.dev/completed-delay", "0").endMetadata().withNewStatus().withPhase("Succeeded")
                .endStatus().build();
        var seenAt = Instant.parse("2026-03-01T10:00:00Z");

        assertThat(Reaper.due(new PodWatch.Seen(ended, false, null, seenAt))).isEqualTo(seenAt.plusSeconds(30));
    }
}
