package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.muster.v1.Phase;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * kill -9 of the provisioner, and of the broker, in the middle of every call that Muster makes of EC2: while EC2 has received it and done nothing
 * yet, and while it has done it and not answered. EC2 may still do what it has received when the caller is long dead, so that is played too,
 * after whoever came next has asked anew. After each: one machine an id, all of them in the planner's books and decided by it, each task run once.
 */
@Tag("long")
class CloudCallCrashIT {

    private static final int SPEED = 20;
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    enum Call {
        RUN_INSTANCES("RunInstances"), DESCRIBE_INSTANCES("DescribeInstances"), CREATE_TAGS("CreateTags"), TERMINATE_INSTANCES("TerminateInstances"),
        GET_CONSOLE_OUTPUT("GetConsoleOutput");

        private final String action;

        Call(String action) {
            this.action = action;
        }

        /** What only reads has no effect to come before or after. */
        List<Moment> moments() {
            return this == DESCRIBE_INSTANCES || this == GET_CONSOLE_OUTPUT ? List.of(Moment.UNANSWERED) : List.of(Moment.values());
        }
    }

    enum Moment {
        /** EC2 has the call, and nothing ever comes of it. */
        NEVER_DONE("held", "forget"),
        /** EC2 has the call, and does it after its caller's end. */
        DONE_LATE("held", "act"),
        /** EC2 has done it, and the answer isn't out. */
        UNANSWERED("held-answer", "act");

        private final String fault;
        private final String fate;

        Moment(String fault, String fate) {
            this.fault = fault;
            this.fate = fate;
        }
    }

    enum Victim {
        PROVISIONER("aws-provisioner"), BROKER("kafka");

        private final String process;

        Victim(String process) {
            this.process = process;
        }
    }

    @TempDir
    static Path folder;

    private static Ec2Sandbox muster;
    private static final List<String> REPORT = new ArrayList<>();

    static Stream<Arguments> crashes() {
        // Victims take turns: one that dies again soon after its start is started again later each time.
        return Stream.of(Call.values()).flatMap(call -> call.moments().stream().flatMap(moment -> Stream.of(Victim.values())
                .map(victim -> Arguments.of(call, moment, victim))));
    }

    @BeforeAll
    static void up() throws Exception {
        muster = new Ec2Sandbox(folder, SPEED, Map.of("MUSTER_INVENTORY_FAST", "1s", "MUSTER_INVENTORY_SLOW", "4s"));
        muster.apply("crash", """
                name: crash
                queues: {cpu: [cpu]}
                pools:
                  cpu: {provider: aws, region: us-east-1, type: c5.xlarge, max: 4, idle: 4s}
                """);
        muster.enqueue("cpu", 1, 1);
        settle();
    }

    @AfterAll
    static void down() {
        if (muster != null) {
            muster.close();
        }
        REPORT.forEach(System.out::println);
    }

    @ParameterizedTest(name = "{0} {1}, the {2} killed")
    @MethodSource("crashes")
    void nothingIsLostDoubledOrForgotten(Call call, Moment moment, Victim victim) throws Exception {
        muster.await(PATIENCE, "all to be well", muster::allReady);
        var began = Instant.now();
        var machine = needsMachine(call) ? oneThatIsDone() : null;
        muster.standIns.post("/ec2/faults/calls", "{\"action\": \"%s\", \"kind\": \"%s\"}".formatted(call.action, moment.fault));
        switch (call) {
            case RUN_INSTANCES -> muster.enqueue("cpu", 2, 1);
            case DESCRIBE_INSTANCES -> muster.enqueue("cpu", 1, 1);
            // It will be idle for long enough, and is marked.
            case CREATE_TAGS -> { }
            case TERMINATE_INSTANCES -> muster.standIns.post("/ec2/instances/" + machine + "/stop", "");
            case GET_CONSOLE_OUTPUT -> muster.standIns.post("/ec2/instances/" + machine + "/power-off", "");
        }
        muster.await(PATIENCE, "the call to be held", () -> held().size() == 1);
        var restarts = muster.process(victim.process).path("restarts").asInt();

        muster.kill(victim.process);
        var killed = Instant.now();
        muster.await(PATIENCE, "its end to be seen", () -> muster.process(victim.process).path("restarts").asInt() > restarts);
        if (victim == Victim.PROVISIONER) {
            muster.await(PATIENCE, "the next one to be starting", () -> !muster.process(victim.process).path("ready").asBoolean());
            muster.await(PATIENCE, "the caller to be gone", () -> held().stream().noneMatch(one -> one.path("connected").asBoolean()));
            if (moment == Moment.DONE_LATE) {
                muster.await(PATIENCE, "the next one to have asked anew", () -> isDone(call, machine));
            }
        }
        muster.await(PATIENCE, "it to be back", muster::allReady);
        muster.standIns.post("/ec2/held", "{\"fate\": \"" + moment.fate + "\"}");
        settle();

        REPORT.add("%s %s, the %s killed: all done and gone %.1f s after that; %.1f s in all".formatted(call.action, moment, victim, seconds(killed), seconds(began)));
        judge();
    }

    private static double seconds(Instant since) {
        return Duration.between(since, Instant.now()).toMillis() / 1000.0;
    }

    private static boolean needsMachine(Call call) {
        return call == Call.CREATE_TAGS || call == Call.TERMINATE_INSTANCES || call == Call.GET_CONSOLE_OUTPUT;
    }

    /** A machine whose task has ended, and that has not been idle for long; EC2's id. */
    private String oneThatIsDone() throws Exception {
        muster.enqueue("cpu", 1, 1);
        muster.await(PATIENCE, "a task to be done", () -> muster.tasks("completed") == muster.enqueued());
        return StormBooks.machines(muster.ec2()).stream().filter(machine -> machine.state().equals("running")).findFirst().orElseThrow().id();
    }

    private List<JsonNode> held() throws Exception {
        return Ec2Sandbox.list(muster.standIns.get("/ec2/held").path("calls"));
    }

    /** What the call is for has come about. */
    private boolean isDone(Call call, String machine) throws Exception {
        return switch (call) {
            case RUN_INSTANCES -> muster.live() > 0 || muster.tasks("completed") == muster.enqueued();
            case CREATE_TAGS -> !machine(machine).marks().isEmpty();
            case TERMINATE_INSTANCES -> machine(machine).state().equals("terminated");
            case DESCRIBE_INSTANCES, GET_CONSOLE_OUTPUT -> throw new IllegalStateException(call + " does nothing");
        };
    }

    private StormBooks.Machine machine(String id) throws Exception {
        return StormBooks.machines(muster.ec2()).stream().filter(machine -> machine.id().equals(id)).findFirst().orElseThrow();
    }

    /** Every task has ended, every machine has gone, and the planner knows. */
    private static void settle() throws Exception {
        muster.await(PATIENCE, "all tasks to be done and all machines gone", () -> muster.tasks("completed") == muster.enqueued() && muster.live() == 0);
        muster.await(PATIENCE, "the planner to know", () -> muster.machines().values().stream().noneMatch(machine -> machine.getCounted()));
    }

    /** All that there ever was, by EC2's and ClearML's books, against the planner's books and decisions. */
    private void judge() throws Exception {
        var there = StormBooks.machines(muster.ec2());
        assertThat(there).extracting(StormBooks.Machine::machineId).as("one machine an id").doesNotHaveDuplicates();

        var decided = new HashMap<String, Integer>();
        muster.trail("crash").launches().forEach(step -> step.launched().forEach(id -> decided.merge(id, 1, Integer::sum)));
        assertThat(decided.values()).as("an id is decided once").containsOnly(1);
        assertThat(there).allSatisfy(machine -> assertThat(decided).as("decided, so that budgets and limits counted it").containsKey(machine.machineId()));

        var books = muster.machines();
        var byId = there.stream().collect(Collectors.toMap(StormBooks.Machine::machineId, machine -> machine));
        assertThat(byId).allSatisfy((id, machine) -> {
            assertThat(books).as("in the planner's books").containsKey(id);
            assertThat(books.get(id).getCloudId()).isEqualTo(machine.id());
            assertThat(books.get(id).getPhase()).isEqualTo(Phase.GONE);
        });
        assertThat(decided.keySet()).as("what was decided is there: nothing was refused").isEqualTo(byId.keySet());
        assertThat(muster.ec2().path("peakByTag").path("muster-pool").path("cpu").asInt()).as("at once").isLessThanOrEqualTo(4);
        muster.everyTaskRanOnce();
    }
}
