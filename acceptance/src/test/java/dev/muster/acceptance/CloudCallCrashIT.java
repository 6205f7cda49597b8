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

/** kill -9 of the provisioner, and of the broker, in the middle of every call that Muster makes of EC2. */
@Tag("long")
class CloudCallCrashIT {

    private static final String QUEUE = "cpu";
    private static final List<Call> CALLS = List.of(
            new Call("RunInstances", QUEUE, Cause.TASKS, Effect.MACHINES),
            new Call("DescribeInstances", QUEUE, Cause.TASKS, Effect.NONE),
            new Call("CreateTags", QUEUE, Cause.IDLE_MACHINE, Effect.MARK),
            new Call("TerminateInstances", QUEUE, Cause.STOPPED_MACHINE, Effect.END),
            new Call("GetConsoleOutput", QUEUE, Cause.POWERED_OFF_MACHINE, Effect.NONE));

    @TempDir
    static Path folder;

    private static CallCrashes crashes;

    static Stream<Arguments> crashes() {
        return CallCrashes.of(CALLS, Victim.values());
    }

    @BeforeAll
    static void up() throws Exception {
        crashes = new CallCrashes(folder, CloudStandIn.Kind.AWS, "action", List.of(QUEUE), """
                  cpu: {provider: aws, region: us-east-1, type: c5.xlarge, max: 4, idle: 4s}
                """);
    }

    @AfterAll
    static void down() {
        if (crashes != null) {
            crashes.close();
        }
    }

    @ParameterizedTest(name = "{0} {1}, the {2} killed")
    @MethodSource("crashes")
    void nothingIsLostDoubledOrForgotten(Call call, Moment moment, Victim victim) throws Exception {
        crashes.nothingIsLostDoubledOrForgotten(call, moment, victim);
    }
}
