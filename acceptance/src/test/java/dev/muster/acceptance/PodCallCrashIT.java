package dev.muster.acceptance;

import dev.muster.acceptance.CallCrashes.Call;
import dev.muster.acceptance.CallCrashes.Cause;
import dev.muster.acceptance.CallCrashes.Effect;
import dev.muster.acceptance.CallCrashes.Moment;
import dev.muster.acceptance.CallCrashes.Victim;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * kill -9 of the provisioner in the middle of every call that Muster makes of a cluster's API server while it runs pods. The broker's death is the
 * same for every cloud, and {@link CloudCallCrashIT} has it.
 */
@Tag("long")
class PodCallCrashIT {

    /** Task pods, agent pods, and task pods that no node has room for. */
    private static final String TASKS = "tasks";
    private static final String AGENTS = "agents";
    private static final String BIG = "big";
    private static final List<Call> LAUNCHES = List.of(
            new Call("create pods", TASKS, Cause.TASKS, Effect.MACHINES),
            new Call("create pods", AGENTS, Cause.TASKS, Effect.MACHINES),
            new Call("list pods", TASKS, Cause.EXPIRED_WATCH, Effect.NONE),
            new Call("watch pods", TASKS, Cause.EXPIRED_WATCH, Effect.NONE));
    private static final List<Call> ENDS = List.of(
            new Call("patch pods", AGENTS, Cause.IDLE_MACHINE, Effect.MARK),
            new Call("delete pods", BIG, Cause.WAITING_POD, Effect.END),
            new Call("delete pods", AGENTS, Cause.ENDED_MACHINE, Effect.END),
            new Call("delete pods", TASKS, Cause.ENDED_POD, Effect.REMOVAL));

    @TempDir
    static Path folder;

    private static CallCrashes crashes;

    static Stream<Arguments> launches() {
        return CallCrashes.of(LAUNCHES, Victim.PROVISIONER);
    }

    static Stream<Arguments> ends() {
        return CallCrashes.of(ENDS, Victim.PROVISIONER);
    }

    @BeforeAll
    static void up() throws Exception {
        var pool = "{provider: k8s, account: " + Cluster.ACCOUNT + ", namespace: " + Cluster.NAMESPACE + ", max: 4, idle: 4s, k8s: ";
        crashes = new CallCrashes(folder, CloudStandIn.Kind.KUBERNETES, "action", List.of(TASKS, AGENTS, BIG),
                "  tasks: " + pool + "{pods: task, requests: {cpu: 1}}}\n  agents: " + pool + "{requests: {cpu: 1}}}\n  big: " + pool + "{pods: task, " + Cluster.TWO_GPUS + "}}\n");
    }

    @AfterAll
    static void down() {
        if (crashes != null) {
            crashes.close();
        }
    }

    @ParameterizedTest(name = "{0} {1}, the {2} killed")
    @MethodSource("launches")
    void noMachineIsLostDoubledOrForgottenInALaunch(Call call, Moment moment, Victim victim) throws Exception {
        crashes.nothingIsLostDoubledOrForgotten(call, moment, victim);
    }

    @ParameterizedTest(name = "{0} {1}, the {2} killed")
    @MethodSource("ends")
    void noMachineIsLostDoubledOrForgottenAtItsEnd(Call call, Moment moment, Victim victim) throws Exception {
        crashes.nothingIsLostDoubledOrForgotten(call, moment, victim);
    }
}
