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
 * kill -9 of the provisioner in the middle of every call that Muster makes of Compute Engine. What such a call begins, Google works on afterwards:
 * so also between the call and its outcome. The broker's death is the same for every cloud, and {@link CloudCallCrashIT} has it.
 */
@Tag("long")
class GcpCallCrashIT {

    /** In one zone, and wherever Google likes. */
    private static final String ZONE = "zone";
    private static final String REGION = "region";
    private static final List<Call> LAUNCHES = List.of(
            new Call("instances.bulkInsert", ZONE, Cause.TASKS, Effect.MACHINES),
            new Call("regionInstances.bulkInsert", REGION, Cause.TASKS, Effect.MACHINES),
            new Call("zoneOperations.get", ZONE, Cause.TASKS, Effect.NONE),
            new Call("regionOperations.get", REGION, Cause.TASKS, Effect.NONE),
            new Call("instances.aggregatedList", ZONE, Cause.TASKS, Effect.NONE));
    private static final List<Call> ENDS = List.of(
            new Call("instances.get", ZONE, Cause.IDLE_MACHINE, Effect.NONE),
            new Call("instances.setMetadata", ZONE, Cause.IDLE_MACHINE, Effect.MARK),
            new Call("instances.delete", ZONE, Cause.STOPPED_MACHINE, Effect.END),
            new Call("instances.getSerialPortOutput", ZONE, Cause.POWERED_OFF_MACHINE, Effect.NONE),
            new Call("zoneOperations.list", ZONE, Cause.POWERED_OFF_MACHINE, Effect.NONE));

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
        crashes = new CallCrashes(folder, CloudStandIn.Kind.GOOGLE, "method", List.of(ZONE, REGION), """
                  zone: {provider: gcp, account: google, region: us-central1, zone: us-central1-a, type: n2-standard-4, max: 4, idle: 4s}
                  region: {provider: gcp, account: google, region: us-central1, type: n2-standard-4, max: 4, idle: 4s}
                """);
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
