package dev.muster.aws;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.provisioner.spi.CloudStatus;
import dev.muster.provisioner.spi.EndedBy;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import software.amazon.awssdk.services.ec2.model.Instance;
import software.amazon.awssdk.services.ec2.model.InstanceStateName;
import software.amazon.awssdk.services.ec2.model.StateReason;
import software.amazon.awssdk.services.ec2.model.Tag;

/** What EC2's states and the codes of its state reasons ("StateReason" in the EC2 API reference) are to Muster. */
class InstanceTranslatorTest {

    private static Instance instance(String state, String code) {
        return Instance.builder().instanceId("i-1").instanceType("m5.large").amiLaunchIndex(0).state(shown -> shown.name(state))
                .stateReason(code == null ? null : StateReason.builder().code(code).build())
                .tags(Tag.builder().key(Ec2Tags.BATCH).value("mabcdefgh-1").build()).build();
    }

    private static List<Object> shown(Instance instance, Set<String> impaired) {
        var machine = InstanceTranslator.machine(Ec2StandIn.SCOPE, instance, impaired).orElseThrow();
        return List.of(machine.status(), machine.endedBy());
    }

    @ParameterizedTest
    @CsvSource(nullValues = "-", value = {
        "pending,       -,                                   PENDING,       UNKNOWN",
        "running,       -,                                   RUNNING,       UNKNOWN",
        "shutting-down, Client.InstanceInitiatedShutdown,    SHUTTING_DOWN, INSIDE",
        "terminated,    Client.InstanceInitiatedShutdown,    TERMINATED,    INSIDE",
        "shutting-down, Client.UserInitiatedShutdown,        SHUTTING_DOWN, ASKED",
        "terminated,    Client.UserInitiatedShutdown,        TERMINATED,    ASKED",
        "shutting-down, Server.SpotInstanceTermination,      SHUTTING_DOWN, INTERRUPTED",
        "terminated,    Server.SpotInstanceTermination,      TERMINATED,    INTERRUPTED",
        "stopping,      Server.SpotInstanceShutdown,         STOPPED,       INTERRUPTED",
        "stopped,       Server.SpotInstanceShutdown,         STOPPED,       INTERRUPTED",
        "stopping,      Client.UserInitiatedShutdown,        STOPPED,       ASKED",
        "stopped,       Client.UserInitiatedShutdown,        STOPPED,       ASKED",
        "stopped,       Client.UserInitiatedHibernate,       STOPPED,       ASKED",
        "stopped,       Client.InstanceInitiatedShutdown,    STOPPED,       INSIDE",
        "stopped,       Server.ScheduledStop,                STOPPED,       CLOUD",
        "terminated,    Server.InternalError,                TERMINATED,    CLOUD",
        "terminated,    Server.InsufficientInstanceCapacity, TERMINATED,    CLOUD",
        "terminated,    Client.VolumeLimitExceeded,          TERMINATED,    CLOUD",
        "terminated,    -,                                   TERMINATED,    UNKNOWN",
        // A reason of an earlier stop stays for a while after a start.
        "running,       Client.UserInitiatedShutdown,        RUNNING,       UNKNOWN",
        "a-new-state,   -,                                   UNKNOWN,       UNKNOWN"})
    void statesAndReasons(String state, String code, CloudStatus status, EndedBy endedBy) {
        assertThat(shown(instance(state, code), Set.of())).containsExactly(status, endedBy);
    }

    @ParameterizedTest
    @EnumSource(value = InstanceStateName.class, mode = EnumSource.Mode.EXCLUDE, names = "UNKNOWN_TO_SDK_VERSION")
    void onlyARunningOneIsImpaired(InstanceStateName state) {
        var plain = shown(instance(state.toString(), null), Set.of());
        assertThat(shown(instance(state.toString(), null), Set.of("i-1")))
                .isEqualTo(state == InstanceStateName.RUNNING ? List.of(CloudStatus.IMPAIRED, EndedBy.UNKNOWN) : plain);
    }

    @Test
    void anotherInstancesChecksAreNotThisOnes() {
        assertThat(shown(instance("running", null), Set.of("i-2"))).containsExactly(CloudStatus.RUNNING, EndedBy.UNKNOWN);
    }
}
