package dev.muster.sandbox.gce;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.sandbox.gce.Faults.BootFault;
import dev.muster.sandbox.gce.Faults.LaunchFault;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

final class MachineLifeTest {

    private static final String OPERATIONS = "projects/muster-sandbox/zones/us-central1-a/operations";

    private final Cloud cloud = new Cloud();

    @Test
    void deletingCutsPowerAndTheInstanceIsGoneOnceItsOperationIsDone() {
        // Given
        cloud.insert("m-1");
        cloud.untilRunning();

        // When
        var started = cloud.delete(Cloud.INSTANCES + "/m-1");
        cloud.time.pass(Duration.ofSeconds(1));
        var stopping = cloud.status("m-1");
        var cutThen = List.copyOf(cloud.cut);
        var running = cloud.operation(started).text("status");
        cloud.untilStopped();

        // Then
        assertThat(stopping).isEqualTo("STOPPING");
        assertThat(cutThen).containsExactly("m-1");
        assertThat(running).isEqualTo("RUNNING");
        assertThat(cloud.operation(started).text("status")).isEqualTo("DONE");
        assertThat(cloud.status("m-1")).isEqualTo("gone");
        assertThat(cloud.delete(Cloud.INSTANCES + "/m-1").message()).isEqualTo("The resource '" + Cloud.INSTANCES + "/m-1' was not found");
        assertThat(cloud.gce.books().live()).isZero();
    }

    @Test
    void deletedBeforeItRunsNeverBoots() {
        // Given
        var inserted = cloud.insert("m-1");

        // When
        cloud.delete(Cloud.INSTANCES + "/m-1");
        cloud.time.pass(Duration.ofMinutes(1));

        // Then
        assertThat(cloud.booted).isEmpty();
        assertThat(cloud.status("m-1")).isEqualTo("gone");
        assertThat(cloud.operation(inserted).text("status")).isEqualTo("DONE");
        assertThat(cloud.operation(inserted).text("httpErrorMessage")).isEqualTo("CONFLICT");
        assertThat(cloud.gce.books().live()).isZero();
    }

    @Test
    void aStoppedInstanceStaysIsListedAndStartsAgain() {
        // Given
        cloud.insert("m-1");
        cloud.untilRunning();
        var old = cloud.booted.remove("m-1");

        // When
        var stopped = cloud.post(Cloud.INSTANCES + "/m-1/stop", new JsonObject());
        cloud.untilStopped();
        var terminated = cloud.status("m-1");
        var listed = cloud.get(Cloud.INSTANCES).names();
        var live = cloud.gce.books().live();
        cloud.post(Cloud.INSTANCES + "/m-1/start", new JsonObject());
        cloud.untilRunning();
        old.powerOff();

        // Then
        assertThat(cloud.operation(stopped).text("status")).isEqualTo("DONE");
        assertThat(terminated).isEqualTo("TERMINATED");
        assertThat(listed).containsExactly("m-1");
        assertThat(live).isZero();
        assertThat(cloud.status("m-1")).isEqualTo("RUNNING");
        assertThat(cloud.booted).containsKey("m-1");
    }

    @Test
    void aStartThatFindsNoMachineLeavesItStopped() {
        // Given
        cloud.insert("m-1");
        cloud.untilRunning();
        cloud.post(Cloud.INSTANCES + "/m-1/stop", new JsonObject());
        cloud.untilStopped();
        cloud.gce.capacity().none(OfferFilter.any());

        // When
        var started = cloud.post(Cloud.INSTANCES + "/m-1/start", new JsonObject());
        cloud.untilRunning();

        // Then
        assertThat(cloud.operation(started).text("error/errors/0/code")).isEqualTo("ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS");
        assertThat(cloud.status("m-1")).isEqualTo("TERMINATED");
        cloud.gce.capacity().reset();
        cloud.gce.faults().onLaunch(OfferFilter.any(), 1, LaunchFault.Fail.internalError());
        cloud.post(Cloud.INSTANCES + "/m-1/start", new JsonObject());
        cloud.untilRunning();
        assertThat(cloud.status("m-1")).isEqualTo("TERMINATED");
        cloud.post(Cloud.INSTANCES + "/m-1/start", new JsonObject());
        cloud.untilRunning();
        assertThat(cloud.status("m-1")).isEqualTo("RUNNING");
        assertThat(cloud.gce.books().instances(cloud.time.now())).hasSize(1);
        assertThat(cloud.gce.books().live()).isEqualTo(1);
    }

    @Test
    void powerOffFromInsideStopsItWithAnOperationThatSaysSo() {
        // Given
        cloud.insert("m-1");
        cloud.untilRunning();

        // When
        cloud.booted.get("m-1").powerOff();
        cloud.untilStopped();
        var operation = cloud.get(OPERATIONS, "filter", "operationType=compute.instances.guestTerminate");

        // Then
        assertThat(cloud.status("m-1")).isEqualTo("TERMINATED");
        assertThat(operation.text("items/0/status")).isEqualTo("DONE");
        assertThat(operation.text("items/0/user")).isEqualTo("system");
        assertThat(operation.text("items/0/name")).startsWith("systemevent-");
        assertThat(operation.text("items/0/targetLink")).endsWith("/instances/m-1");
        assertThat(operation.text("items/0/targetId")).isEqualTo(cloud.instanceNamed("m-1").text("id"));
        assertThat(operation.text("items/0/statusMessage")).isEqualTo("Instance terminated by guest OS shutdown.");
        cloud.time.pass(Duration.ofHours(1));
        assertThat(cloud.status("m-1")).isEqualTo("TERMINATED");
    }

    @Test
    void aPreemptedSpotInstanceGetsThirtySecondsAndIsDeletedOrStoppedAsItsLaunchSaid() {
        // Given
        cloud.post(Cloud.INSTANCES, Cloud.spot(Cloud.instance("d-1"), "DELETE"));
        cloud.post(Cloud.INSTANCES, Cloud.spot(Cloud.instance("s-1"), "STOP"));
        cloud.post(Cloud.INSTANCES, Cloud.instance("p-1").put("scheduling", new JsonObject().put("preemptible", true)));
        cloud.insert("m-1");
        cloud.untilRunning();

        // When
        int taken = cloud.gce.preemptAll(OfferFilter.any());
        var noticed = cloud.status("d-1");
        cloud.time.pass(Duration.ofSeconds(29));
        var before = List.copyOf(cloud.cut);
        cloud.time.pass(Duration.ofSeconds(1));

        // Then
        assertThat(taken).isEqualTo(3);
        assertThat(noticed).isEqualTo("STOPPING");
        assertThat(before).isEmpty();
        assertThat(cloud.cut).containsExactlyInAnyOrder("d-1", "s-1", "p-1");
        assertThat(cloud.status("d-1")).isEqualTo("gone");
        assertThat(cloud.status("s-1")).isEqualTo("TERMINATED");
        assertThat(cloud.status("p-1")).isEqualTo("TERMINATED");
        assertThat(cloud.status("m-1")).isEqualTo("RUNNING");
        var operations = cloud.get(OPERATIONS, "filter", "operationType=\"compute.instances.preempted\"");
        assertThat(operations.names()).hasSize(3);
        assertThat(operations.text("items/0/statusMessage")).isEqualTo("Instance was preempted.");
        assertThat(cloud.gce.books().instances(cloud.time.now())).extracting(Books.Entry::endReason)
                .containsExactly("compute.instances.preempted", "compute.instances.preempted", "compute.instances.preempted", null);
    }

    @Test
    void aPreemptedMachineThatObeysIsThereNoLonger() {
        // Given
        cloud.post(Cloud.INSTANCES, Cloud.spot(Cloud.instance("s-1"), "DELETE"));
        cloud.untilRunning();
        cloud.gce.preempt("s-1");

        // When
        cloud.booted.get("s-1").powerOff();
        cloud.time.pass(Duration.ofSeconds(2));

        // Then
        assertThat(cloud.status("s-1")).isEqualTo("gone");
        assertThat(cloud.get(OPERATIONS, "filter", "operationType=compute.instances.guestTerminate").names()).isEmpty();
    }

    @Test
    void onlyASpotInstanceThatRunsIsPreempted() {
        cloud.insert("m-1");
        cloud.post(Cloud.INSTANCES, Cloud.spot(Cloud.instance("s-1"), "STOP"));

        assertThatThrownBy(() -> cloud.gce.preempt("s-1")).hasMessage("s-1 is PROVISIONING; only a running instance is preempted");
        assertThatThrownBy(() -> cloud.gce.preempt("m-1")).hasMessage("m-1 is a standard instance; only spot instances are preempted");
        assertThatThrownBy(() -> cloud.gce.preempt("m-2")).hasMessage("there is no instance m-2");
    }

    @Test
    void afterAHostErrorAStandardInstanceStartsAgainByItselfUnlessToldNotTo() {
        // Given
        cloud.insert("m-1");
        cloud.post(Cloud.INSTANCES, Cloud.instance("m-2").put("scheduling", new JsonObject().put("automaticRestart", false)));
        cloud.untilRunning();
        cloud.booted.clear();

        // When
        cloud.gce.hostError("m-1");
        cloud.gce.hostError("m-2");
        cloud.untilStopped();
        cloud.untilRunning();

        // Then
        assertThat(cloud.status("m-1")).isEqualTo("RUNNING");
        assertThat(cloud.status("m-2")).isEqualTo("TERMINATED");
        assertThat(cloud.booted).containsOnlyKeys("m-1");
        assertThat(cloud.get(OPERATIONS, "filter", "operationType=compute.instances.hostError").names()).hasSize(2);
        assertThat(cloud.get(OPERATIONS, "filter", "operationType=compute.instances.automaticRestart").names()).hasSize(1);
        assertThat(cloud.gce.books().live()).isEqualTo(1);
    }

    @Test
    void aLimitedRunTimeEndsIt() {
        // Given
        cloud.post(Cloud.INSTANCES, Cloud.instance("m-1").put("scheduling", new JsonObject().put("maxRunDuration", new JsonObject().put("seconds", "3600"))
                .put("instanceTerminationAction", "DELETE")));
        cloud.untilRunning();

        // When
        cloud.time.pass(Duration.ofMinutes(59));
        var before = cloud.status("m-1");
        cloud.time.pass(Duration.ofMinutes(2));

        // Then
        assertThat(before).isEqualTo("RUNNING");
        assertThat(cloud.status("m-1")).isEqualTo("gone");
    }

    @Test
    void machinesThatNeverBootOrDieGoOnRunningAsComputeEngineSeesIt() {
        // Given
        cloud.gce.faults().onBoot(OfferFilter.any(), 1, new BootFault.NeverBoots());
        cloud.gce.faults().onBoot(OfferFilter.any(), 1, new BootFault.Dies(Duration.ofMinutes(1)));
        cloud.gce.faults().onBoot(OfferFilter.any(), 1, new BootFault.HostError(Duration.ofMinutes(1)));
        cloud.gce.faults().onBoot(OfferFilter.any(), 1, new BootFault.Slow(Duration.ofMinutes(1)));
        for (int i = 1; i <= 4; i++) {
            cloud.post(Cloud.INSTANCES, Cloud.instance("m-" + i).put("scheduling", new JsonObject().put("automaticRestart", false)));
        }

        // When
        cloud.untilRunning();
        var bootedAtOnce = List.copyOf(cloud.booted.keySet());
        cloud.time.pass(Duration.ofMinutes(2));

        // Then
        assertThat(bootedAtOnce).containsExactly("m-2", "m-3");
        assertThat(cloud.booted).containsOnlyKeys("m-2", "m-3", "m-4");
        assertThat(cloud.cut).containsExactlyInAnyOrder("m-2", "m-3");
        assertThat(List.of(cloud.status("m-1"), cloud.status("m-2"), cloud.status("m-3"), cloud.status("m-4"))).containsExactly("RUNNING", "RUNNING", "TERMINATED", "RUNNING");
        assertThat(cloud.gce.console("m-1")).contains("Kernel panic");
    }

    @Test
    void operationsThatEndMachinesFailAsOrderedOrBeginLate() {
        // Given
        cloud.insert("m-1");
        cloud.untilRunning();
        cloud.gce.faults().onOperation("delete", 1, LaunchFault.Fail.internalError());
        cloud.gce.faults().onOperation("delete", 2, new LaunchFault.Slow(Duration.ofMinutes(1)));

        // When
        var failing = cloud.delete(Cloud.INSTANCES + "/m-1");
        cloud.time.pass(Duration.ofSeconds(62));
        var failed = cloud.operation(failing);
        var after = cloud.status("m-1");
        var slow = cloud.delete(Cloud.INSTANCES + "/m-1");
        cloud.time.pass(Duration.ofSeconds(59));
        var meanwhile = cloud.status("m-1");
        cloud.time.pass(Duration.ofSeconds(22));

        // Then
        assertThat(failed.text("error/errors/0/code")).isEqualTo("INTERNAL_ERROR");
        assertThat(after).isEqualTo("RUNNING");
        assertThat(meanwhile).isEqualTo("RUNNING");
        assertThat(cloud.operation(slow).text("status")).isEqualTo("DONE");
        assertThat(cloud.status("m-1")).isEqualTo("gone");
    }

    @Test
    void aProtectedInstanceIsNotDeleted() {
        cloud.post(Cloud.INSTANCES, Cloud.instance("m-1").put("deletionProtection", true));
        cloud.untilRunning();

        var refused = cloud.delete(Cloud.INSTANCES + "/m-1");

        assertThat(refused.status).isEqualTo(400);
        assertThat(cloud.status("m-1")).isEqualTo("RUNNING");
    }

    @Test
    void theSerialPortTellsWhatTheMachineWroteFromAnyPlaceOn() {
        // Given
        cloud.insert("m-1");
        cloud.untilRunning();
        cloud.booted.get("m-1").writeConsole("first");

        // When
        var all = cloud.get(Cloud.INSTANCES + "/m-1/serialPort");
        cloud.booted.get("m-1").writeConsole("second");
        var more = cloud.get(Cloud.INSTANCES + "/m-1/serialPort", "start", all.text("next"));

        // Then
        assertThat(all.text("contents")).endsWith("first\n");
        assertThat(more.text("contents")).isEqualTo("second\n");
        assertThat(more.text("start")).isEqualTo(all.text("next"));
    }
}
