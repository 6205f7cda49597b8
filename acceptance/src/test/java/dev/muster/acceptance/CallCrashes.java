package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.Arguments;

/**
 * kill -9 of a process in the middle of a call that Muster makes of a cloud: while the cloud has received it and done nothing yet, and while it has
 * done it and not answered. The cloud may still do what it has received when the caller is long dead, so that is played too, after whoever came
 * next has asked anew. After each: one machine an id, all of them in the planner's books and decided by it, each task run once.
 */
final class CallCrashes implements AutoCloseable {

    private static final int SPEED = 20;
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    /**
     * Until all is at rest. Google shows nothing of a machine that was deleted: the end of one that no living process saw is an absence, which the
     * planner believes two minutes after the launch has expired, and that is two minutes after the launch.
     */
    private static final Duration REST = Duration.ofMinutes(5);
    private static final String FLEET = "crash";
    /** Machines of a pool. */
    private static final int MOST = 4;

    /** What makes Muster call. */
    enum Cause {
        TASKS, IDLE_MACHINE, STOPPED_MACHINE, POWERED_OFF_MACHINE,
        /** Asked for by a person; idle. */
        ENDED_MACHINE,
        /** Kubernetes: tasks, and the watch is told to begin anew. */
        EXPIRED_WATCH,
        /** Kubernetes: there is no room for the queue's pod, and a person has it drained. */
        WAITING_POD,
        /** Kubernetes: a pod that ended stays for half a minute, and is then deleted. */
        ENDED_POD;

        private boolean needsMachine() {
            return this == IDLE_MACHINE || this == STOPPED_MACHINE || this == POWERED_OFF_MACHINE || this == ENDED_MACHINE;
        }
    }

    /** What the call is for, and so what the next process brings about without it. */
    enum Effect {
        MACHINES, MARK, END, NONE,
        /** Kubernetes: the pod's object is no more. */
        REMOVAL
    }

    /**
     * One call of a cloud's API.
     *
     * @param name  as the stand-in's faults name it
     * @param queue whose tasks or machine make Muster call
     */
    record Call(String name, String queue, Cause cause, Effect effect) {

        /** What only reads has no effect to come before or after. */
        List<Moment> moments() {
            return effect == Effect.NONE ? List.of(Moment.UNANSWERED) : List.of(Moment.values());
        }

        @Override
        public String toString() {
            return name + " (" + queue + ", " + cause + ")";
        }
    }

    enum Moment {
        /** The cloud has the call, and nothing ever comes of it. */
        NEVER_DONE("held", "forget"),
        /** The cloud has the call, and does it after its caller's end. */
        DONE_LATE("held", "act"),
        /** The cloud has done it, and the answer isn't out. */
        UNANSWERED("held-answer", "act");

        private final String fault;
        private final String fate;

        Moment(String fault, String fate) {
            this.fault = fault;
            this.fate = fate;
        }
    }

    enum Victim { PROVISIONER, BROKER }

    private final Sandbox muster;
    private final CloudStandIn cloud;
    /** How a fault of the stand-in says which call it is for. */
    private final String callField;
    private final List<String> report = new ArrayList<>();

    /** @param pools of a fleet named crash, each with a queue of its name, as YAML that is indented by two */
    CallCrashes(Path folder, CloudStandIn.Kind kind, String callField, List<String> queues, String pools) throws Exception {
        muster = new Sandbox(folder, SPEED, Map.of("MUSTER_INVENTORY_FAST", "1s", "MUSTER_INVENTORY_SLOW", "4s"), kind);
        cloud = muster.cloud(kind);
        this.callField = callField;
        try {
            muster.apply(FLEET, "name: " + FLEET + "\nqueues: {" + String.join(", ", queues.stream().map(queue -> queue + ": [" + queue + "]").toList()) + "}\npools:\n" + pools);
            muster.enqueue(queues.get(0), 1, 1);
            muster.awaitRest(REST);
        } catch (Exception | AssertionError notAtRest) {
            close();
            throw notAtRest;
        }
    }

    /** Victims take turns: one that dies again soon after its start is started again later each time. */
    static Stream<Arguments> of(List<Call> calls, Victim... victims) {
        return calls.stream().flatMap(call -> call.moments().stream().flatMap(moment -> Stream.of(victims).map(victim -> Arguments.of(call, moment, victim))));
    }

    void nothingIsLostDoubledOrForgotten(Call call, Moment moment, Victim victim) throws Exception {
        muster.await(PATIENCE, "all to be well", muster::allReady);
        var began = Instant.now();
        var machine = prepared(call);
        cloud.post("/faults/calls", "{\"%s\": \"%s\", \"kind\": \"%s\"}".formatted(callField, call.name, moment.fault));
        switch (call.cause) {
            case TASKS -> muster.enqueue(call.queue, 2, 1);
            // It will be idle for long enough, and is marked.
            case IDLE_MACHINE -> { }
            case STOPPED_MACHINE -> cloud.post("/instances/" + machine + "/stop", "");
            case POWERED_OFF_MACHINE -> cloud.post("/instances/" + machine + "/power-off", "");
            case ENDED_MACHINE -> muster.shell.run("./muster machine terminate " + cloud.machine(machine).machineId()).succeeded();
            case EXPIRED_WATCH -> {
                muster.enqueue(call.queue, 2, 1);
                cloud.post("/watches", "{\"kind\": \"expire\"}");
            }
            case WAITING_POD -> muster.shell.run("./muster machine drain " + cloud.machine(machine).machineId()).succeeded();
            // It is removed by itself, half a minute after its end.
            case ENDED_POD -> { }
        }
        muster.await(PATIENCE, "the call to be held", () -> cloud.held().size() == 1);
        var process = victim == Victim.BROKER ? "kafka" : cloud.kind().provisioner();
        var restarts = muster.process(process).path("restarts").asInt();

        muster.kill(process);
        var killed = Instant.now();
        muster.await(PATIENCE, "its end to be seen", () -> muster.process(process).path("restarts").asInt() > restarts);
        if (victim == Victim.PROVISIONER) {
            muster.await(PATIENCE, "the next one to be starting", () -> !muster.process(process).path("ready").asBoolean());
            muster.await(PATIENCE, "the caller to be gone", () -> cloud.held().stream().noneMatch(one -> one.path("connected").asBoolean()));
            if (moment == Moment.DONE_LATE) {
                muster.await(PATIENCE, "the next one to have asked anew", () -> hasHappened(call.effect, machine));
            }
        }
        muster.await(PATIENCE, "it to be back", muster::allReady);
        cloud.post("/held", "{\"fate\": \"" + moment.fate + "\"}");
        var node = call.cause == Cause.WAITING_POD ? cluster().addNode() : null;
        muster.awaitRest(REST);
        if (node != null) {
            cluster().node(node, "remove");
        }
        if (call.effect == Effect.REMOVAL) {
            muster.await(PATIENCE, "no pod to be left", cluster()::isSwept);
        }

        report.add("%s %s, the %s killed: all done and gone %.1f s after that; %.1f s in all".formatted(call, moment, victim, seconds(killed), seconds(began)));
        muster.everyMachineIsOne(FLEET);
        assertThat(muster.refused()).as("nothing was refused").isEmpty();
        assertThat(peak(call.queue)).as("at once").isLessThanOrEqualTo(MOST);
        muster.everyTaskRanOnce();
    }

    private static double seconds(Instant since) {
        return Duration.between(since, Instant.now()).toMillis() / 1000.0;
    }

    /** What the call is about, by the cloud's id; null: it needs nothing that is there. */
    private String prepared(Call call) throws Exception {
        if (call.cause == Cause.WAITING_POD || call.cause == Cause.ENDED_POD) {
            // Those of earlier calls are removed by calls of the same name.
            muster.await(PATIENCE, "no pod to be left", cluster()::isSwept);
        }
        if (call.cause == Cause.WAITING_POD) {
            muster.enqueue(call.queue, 1, 1);
            muster.await(PATIENCE, "a pod to wait for room", () -> cluster().waiting().stream().anyMatch(pod -> pod.reason().equals("Unschedulable")));
            return cluster().waiting().get(0).uid();
        }
        if (call.cause == Cause.ENDED_POD) {
            var before = cluster().pods().size();
            muster.enqueue(call.queue, 1, 1);
            muster.awaitRest(PATIENCE);
            return cluster().pods().get(before).uid();
        }
        return call.cause.needsMachine() ? oneThatIsDone(call.queue) : null;
    }

    private Cluster cluster() {
        return new Cluster(cloud);
    }

    /** A machine whose task has ended, and that has not been idle for long; the cloud's id. */
    private String oneThatIsDone(String queue) throws Exception {
        muster.enqueue(queue, 1, 1);
        muster.await(PATIENCE, "a task to be done", () -> muster.tasks("completed") == muster.enqueued());
        return cloud.machines().stream().filter(machine -> machine.state().equalsIgnoreCase("running")).findFirst().orElseThrow().id();
    }

    /** What the call is for has come about. */
    private boolean hasHappened(Effect effect, String machine) throws Exception {
        return switch (effect) {
            case MACHINES -> cloud.live() > 0 || muster.tasks("completed") == muster.enqueued();
            case MARK -> !cloud.machine(machine).marks().isEmpty();
            case END -> cloud.machine(machine).ended() != null;
            case REMOVAL -> cluster().pods().stream().anyMatch(pod -> pod.uid().equals(machine) && pod.gone() != null);
            case NONE -> throw new IllegalStateException("what only reads does nothing");
        };
    }

    private int peak(String pool) throws Exception {
        var peaks = cloud.books().path(cloud.kind() == CloudStandIn.Kind.AWS ? "peakByTag" : "peakByLabel");
        return peaks.path("muster-pool").path(pool).asInt();
    }

    /** How long each took. */
    @Override
    public void close() {
        muster.close();
        report.forEach(System.out::println);
    }
}
