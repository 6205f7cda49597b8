package dev.muster.sandbox.ec2;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.sandbox.TimeScale;
import dev.muster.sandbox.ec2.Faults.BootFault;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;

final class MachineLifeTest {

    private final Cloud cloud = new Cloud();

    @Test
    void bootsItsImageWhenItRunsAndNotBefore() {
        // Given
        var id = cloud.launch(1, "UserData", Base64.getEncoder().encodeToString("#!/bin/sh".getBytes())).get(0);

        // When
        cloud.time.pass(Duration.ofSeconds(19));
        var before = cloud.state(id);
        var bootedBefore = cloud.booted.containsKey(id);
        cloud.time.pass(Duration.ofSeconds(1));

        // Then
        assertThat(before).isEqualTo("pending");
        assertThat(bootedBefore).isFalse();
        assertThat(cloud.state(id)).isEqualTo("running");
        assertThat(cloud.booted.get(id).userData()).isEqualTo("#!/bin/sh");
        assertThat(cloud.booted.get(id).metadataUrl()).endsWith("/machines/" + id);
    }

    @Test
    void terminatingCutsPowerBeforeItSaysTerminatedAndMayBeRepeated() {
        // Given
        var id = cloud.launch(1).get(0);
        cloud.untilRunning();

        // When
        var first = cloud.call("TerminateInstances", "InstanceId.1", id);
        cloud.time.pass(Duration.ZERO);
        var shuttingDown = cloud.state(id);
        var cutThen = cloud.cut.contains(id);
        cloud.untilTerminated();
        var again = cloud.call("TerminateInstances", "InstanceId.1", id);

        // Then
        assertThat(first.one("//previousState/name")).isEqualTo("running");
        assertThat(first.one("//currentState/name")).isEqualTo("shutting-down");
        assertThat(shuttingDown).isEqualTo("shutting-down");
        assertThat(cutThen).isTrue();
        assertThat(again.one("//currentState/name")).isEqualTo("terminated");
        assertThat(reason(id)).isEqualTo("Client.UserInitiatedShutdown");
    }

    @Test
    void terminatedWhilePendingNeverBoots() {
        // Given
        var id = cloud.launch(1).get(0);

        // When
        cloud.call("TerminateInstances", "InstanceId.1", id);
        cloud.time.pass(Duration.ofMinutes(1));

        // Then
        assertThat(cloud.booted).isEmpty();
        assertThat(cloud.state(id)).isEqualTo("terminated");
    }

    @Test
    void powerOffFromInsideTerminatesOrStopsAsTheLaunchSaid() {
        // Given
        var ending = cloud.launch(1, "InstanceInitiatedShutdownBehavior", "terminate").get(0);
        var stopping = cloud.launch(1).get(0);
        cloud.untilRunning();

        // When
        cloud.booted.get(ending).powerOff();
        cloud.booted.get(stopping).powerOff();
        cloud.untilTerminated();

        // Then
        assertThat(cloud.state(ending)).isEqualTo("terminated");
        assertThat(reason(ending)).isEqualTo("Client.InstanceInitiatedShutdown");
        assertThat(cloud.state(stopping)).isEqualTo("stopped");
        assertThat(cloud.ec2.books().live()).isZero();
        assertThat(cloud.cut).contains(ending, stopping);
    }

    @Test
    void anInstanceThatAPersonTerminatesLosesItsPowerAtOnce() {
        // Given
        var id = cloud.launch(1).get(0);
        cloud.untilRunning();

        // When
        cloud.ec2.terminate(id);
        cloud.time.pass(Duration.ofMillis(1));

        // Then
        assertThat(cloud.cut).containsExactly(id);
        assertThat(cloud.state(id)).isEqualTo("shutting-down");
        cloud.untilTerminated();
        assertThat(cloud.state(id)).isEqualTo("terminated");
        assertThat(reason(id)).isEqualTo("Client.UserInitiatedShutdown");
    }

    @Test
    void aStoppedInstanceStartsAgainAndItsOldSelfCanDoNothing() {
        // Given
        var id = cloud.launch(1).get(0);
        cloud.untilRunning();
        var old = cloud.booted.remove(id);
        cloud.ec2.stop(id);
        cloud.untilTerminated();

        // When
        var started = cloud.call("StartInstances", "InstanceId.1", id);
        cloud.untilRunning();
        old.powerOff();

        // Then
        assertThat(started.one("//currentState/name")).isEqualTo("pending");
        assertThat(cloud.state(id)).isEqualTo("running");
        assertThat(cloud.booted).containsKey(id);
    }

    @Test
    void anInterruptedSpotInstanceGetsTwoMinutes() {
        // Given
        var spot = cloud.run("g5.xlarge", 1, 1, "InstanceMarketOptions.MarketType", "spot").one("//instanceId");
        var onDemand = cloud.launch(1).get(0);
        cloud.untilRunning();

        // When
        var end = cloud.ec2.interrupt(spot);
        cloud.time.pass(Duration.ofSeconds(119));
        var noticed = cloud.state(spot);
        cloud.time.pass(Duration.ofSeconds(10));

        // Then
        assertThat(end).isEqualTo(cloud.time.now().minusSeconds(9));
        assertThat(noticed).isEqualTo("running");
        assertThat(cloud.state(spot)).isEqualTo("terminated");
        assertThat(reason(spot)).isEqualTo("Server.SpotInstanceTermination");
        assertThatThrownBy(() -> cloud.ec2.interrupt(onDemand)).hasMessageContaining("on-demand");
    }

    @Test
    void aBadImageRunsForEc2AndNeverBoots() {
        // Given
        cloud.ec2.faults().onBoot(OfferFilter.type("m5.large"), 1, new BootFault.NeverBoots());
        var id = cloud.launch(1).get(0);

        // When
        cloud.untilRunning();

        // Then
        assertThat(cloud.state(id)).isEqualTo("running");
        assertThat(cloud.booted).isEmpty();
        assertThat(cloud.call("DescribeInstanceStatus", "InstanceId.1", id).one("//instanceStatus/status")).isEqualTo("ok");
        cloud.time.pass(Duration.ofMinutes(1));
        assertThat(cloud.call("DescribeInstanceStatus", "InstanceId.1", id).one("//instanceStatus/status")).isEqualTo("impaired");
        assertThat(console(id)).contains("Kernel panic");
    }

    @Test
    void aLaunchMayFailWhilePending() {
        // Given
        cloud.ec2.faults().onBoot(OfferFilter.any(), 1, new BootFault.FailsToLaunch());
        cloud.ec2.faults().onBoot(OfferFilter.any(), 1, new BootFault.NoCapacityAfterAll());
        var ids = cloud.launch(2);

        // When
        cloud.untilRunning();

        // Then
        assertThat(cloud.state(ids.get(0))).isEqualTo("terminated");
        assertThat(reason(ids.get(0))).isEqualTo("Server.InternalError");
        assertThat(reason(ids.get(1))).isEqualTo("Server.InsufficientInstanceCapacity");
        assertThat(cloud.ec2.books().live()).isZero();
    }

    @Test
    void aMachineMayDieOrBootSlowly() {
        // Given
        cloud.ec2.faults().onBoot(OfferFilter.type("m5.large"), 1, new BootFault.Dies(Duration.ofSeconds(30)));
        cloud.ec2.faults().onBoot(OfferFilter.type("c5.large"), 1, new BootFault.Slow(Duration.ofMinutes(5)));
        var dying = cloud.launch(1).get(0);
        var slow = cloud.run("c5.large", 1, 1).one("//instanceId");

        // When
        cloud.time.pass(Duration.ofMinutes(1));

        // Then
        assertThat(cloud.cut).contains(dying);
        assertThat(cloud.state(dying)).isEqualTo("running");
        assertThat(cloud.state(slow)).isEqualTo("pending");
        cloud.time.pass(Duration.ofMinutes(5));
        assertThat(cloud.state(slow)).isEqualTo("running");
    }

    @Test
    void aPowerLossShowsInEc2sChecksAfterAMinute() {
        // Given
        var ids = cloud.launch(2);
        cloud.untilRunning();

        // When
        cloud.ec2.die(ids.get(0));
        cloud.time.pass(Duration.ofSeconds(59));
        var unnoticed = failing();
        cloud.time.pass(Duration.ofSeconds(2));

        // Then
        assertThat(unnoticed).isEmpty();
        assertThat(failing()).containsExactly(ids.get(0));
        assertThat(cloud.call("DescribeInstanceStatus", "InstanceId.1", ids.get(0)).one("//systemStatus/status")).isEqualTo("impaired");
        assertThat(cloud.call("DescribeInstanceStatus", "InstanceId.1", ids.get(1)).one("//instanceStatus/status")).isEqualTo("ok");
        cloud.call("TerminateInstances", "InstanceId.1", ids.get(0));
        assertThat(failing()).isEmpty();
    }

    private List<String> failing() {
        return cloud.call("DescribeInstanceStatus", "Filter.1.Name", "instance-status.status", "Filter.1.Value.1", "impaired").all("//item/instanceId");
    }

    @Test
    void aMachinesLifeIsScaledAndEc2sOwnClockIsNot() {
        // Given
        var fast = new Cloud(Ec2Config.defaults().withTimeScale(new TimeScale(100)).withDescribeDelay(Duration.ofMillis(150)));
        var id = fast.launch(1).get(0);

        // When
        fast.time.pass(Duration.ofMillis(149));
        var hidden = fast.call("DescribeInstances", "InstanceId.1", id).code();
        fast.time.pass(Duration.ofMillis(51));

        // Then
        assertThat(hidden).isEqualTo("InvalidInstanceID.NotFound");
        assertThat(fast.state(id)).isEqualTo("running");
    }

    @Test
    void protectedInstancesAreNotTerminated() {
        // Given
        var free = cloud.launch(1).get(0);
        var held = cloud.launch(1, "DisableApiTermination", "true").get(0);
        cloud.untilRunning();

        // When
        var refused = cloud.call("TerminateInstances", "InstanceId.1", free, "InstanceId.2", held);

        // Then
        assertThat(refused.code()).isEqualTo("OperationNotPermitted");
        assertThat(cloud.state(free)).isEqualTo("running");
    }

    @Test
    void theConsoleShowsWhatTheMachineWrote() {
        // Given
        var id = cloud.launch(1).get(0);
        cloud.untilRunning();

        // When
        cloud.booted.get(id).writeConsole("cloud-init: <done> & ready");

        // Then
        assertThat(console(id)).contains("cloud-init: <done> & ready");
    }

    private String reason(String id) {
        return cloud.call("DescribeInstances", "InstanceId.1", id).one("//stateReason/code");
    }

    private String console(String id) {
        return new String(Base64.getDecoder().decode(cloud.call("GetConsoleOutput", "InstanceId", id).one("//output")));
    }
}
