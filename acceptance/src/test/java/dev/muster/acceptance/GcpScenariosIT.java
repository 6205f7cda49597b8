package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.v1.Phase;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What Google does to whoever starts machines there: zones run dry, a quota is reached, a permission is taken away, a zone can't be listed, a start
 * fails late, a machine is preempted or stopped. Each is played to the real processes by Compute Engine's stand-in and judged by its books; the
 * decisions that led through it are printed and held against what they should be. Holds last what they last, by the clock: machines and tasks are 20
 * times as fast, and at rest a list comes every five seconds.
 */
@Tag("long")
class GcpScenariosIT {

    private static final int SPEED = 20;
    private static final List<String> ZONES = List.of("us-central1-a", "us-central1-b");
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    /** The first hold of an offer without capacity; the planner's own number. */
    private static final Duration HOLD = Duration.ofMinutes(1);
    /** From a moment that was waited for to the call that follows it, on a computer that does other things; an operation is looked at each 2 s. */
    private static final Duration SOON = Duration.ofSeconds(10);

    @TempDir
    Path folder;

    private Sandbox muster;
    private CloudStandIn gce;

    @BeforeEach
    void up() throws Exception {
        muster = new Sandbox(folder, SPEED, Map.of("MUSTER_INVENTORY_SLOW", "5s"), CloudStandIn.Kind.GOOGLE);
        gce = muster.cloud(CloudStandIn.Kind.GOOGLE);
    }

    @AfterEach
    void down() {
        muster.close();
    }

    /** A fleet of one queue, gpu, and one pool. @param more keys of the pool, offers among them */
    private void apply(String fleet, String more) throws Exception {
        muster.apply(fleet, """
                name: %s
                queues: {gpu: [gpu]}
                pools:
                  gpu:
                    provider: gcp
                    account: google
                    region: us-central1
                    type: n1-standard-4
                    max: 5
                    idle: 3s
                    gcp: {gpuType: nvidia-tesla-t4, serviceAccount: none}
                    %s
                """.formatted(fleet, more));
    }

    private void everyMachineIsOneAndEveryTaskRanOnce(String fleet) throws Exception {
        muster.awaitRest(PATIENCE);
        muster.everyMachineIsOne(fleet);
        muster.everyTaskRanOnce();
    }

    @Test
    void aZoneRunsDry() throws Exception {
        gce.post("/capacity", "{\"zone\": \"us-central1-a\", \"most\": 0}");
        apply("dry", "offers: [{zone: us-central1-a}, {zone: us-central1-b}]");
        muster.enqueue("gpu", 1, 5);
        muster.await(PATIENCE, "the second zone to be asked", () -> gce.launchCalls().size() == 2);
        System.out.println("from the call that fails to the next zone's: " + gce.between(0, 1).toMillis() + " ms");
        var began = gce.launchCalls().get(0).at();
        assertThat(gce.between(0, 1)).isLessThan(SOON);
        muster.awaitRest(PATIENCE);

        gce.delete("/capacity");
        muster.await(HOLD.plus(SOON), "the zone's hold to be over", () -> Instant.now().isAfter(began.plus(HOLD).plus(Duration.ofSeconds(5))));
        muster.enqueue("gpu", 3, 30);
        muster.await(PATIENCE, "three more machines", () -> gce.live() == 3);
        muster.awaitRest(PATIENCE);

        var trail = muster.trail("dry").fromFirstLaunch();
        trail.print("One zone is dry, and has room again after a minute:");
        assertThat(gce.briefly().subList(0, 2)).containsExactly("us-central1-a standard x 1: 0 started", "us-central1-b standard x 1: Success");
        // The probe and what goes to the other zone beside it are on their way at once.
        assertThat(gce.briefly().stream().skip(2).filter(call -> call.startsWith("us-central1-a")).findFirst()).contains("us-central1-a standard x 1: Success");
        assertThat(muster.refused()).singleElement().satisfies(refused -> {
            assertThat(refused.what()).isEqualTo("OUT_OF_CAPACITY n1-standard-4 us-central1-a");
            assertThat(refused.said()).startsWith("ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS: ")
                    .endsWith("Google says that these have it: us-central1-b, us-central1-c, us-central1-f");
        });
        assertThat(trail.launches().subList(0, 3)).extracting(Trail.Step::brief).containsExactly("TASKS_WAIT 1 x n1-standard-4 us-central1-a",
                "LAUNCH_WAS_REFUSED 1 x n1-standard-4 us-central1-b", "TASKS_WAIT 1 x n1-standard-4 us-central1-a probe");
        everyMachineIsOneAndEveryTaskRanOnce("dry");
    }

    @Test
    void allZonesRunDry() throws Exception {
        for (var zone : ZONES) {
            gce.post("/capacity", "{\"market\": \"spot\", \"zone\": \"" + zone + "\", \"most\": 0}");
        }
        // All wait before anybody looks.
        muster.enqueue("gpu", 3, 20);
        apply("drought", "offers: [{zone: us-central1-a, market: spot}, {zone: us-central1-b, market: spot}]");
        muster.await(PATIENCE, "both zones to be asked", () -> gce.launchCalls().size() == 2);
        var began = gce.launchCalls().get(0).at();
        muster.await(HOLD.plus(SOON), "the first probes", () -> gce.launchCalls().size() == 4);
        // The second hold is twice as long; one zone has spot again in the middle of it, and that is noticed at its end.
        muster.await(HOLD.plus(SOON), "two minutes to pass", () -> Instant.now().isAfter(began.plus(HOLD.multipliedBy(2)).plusSeconds(5)));
        gce.post("/capacity", "{\"market\": \"spot\", \"zone\": \"us-central1-b\"}");
        assertThat(gce.launchCalls()).as("calls in two minutes").hasSize(4);
        muster.await(HOLD.multipliedBy(2), "spot to be found again", () -> gce.live() == 3);
        muster.awaitRest(PATIENCE);

        var trail = muster.trail("drought").fromFirstLaunch();
        trail.print("All spot is dry, and one zone has some again after two minutes:");
        assertThat(gce.briefly().subList(0, 4)).containsExactly("us-central1-a spot x 3: 0 started", "us-central1-b spot x 3: 0 started",
                "us-central1-a spot x 1: 0 started", "us-central1-b spot x 1: 0 started");
        for (var zone : ZONES) {
            var asked = gce.launchCalls().stream().filter(call -> call.place().equals(zone)).map(CloudStandIn.LaunchCall::at).toList();
            System.out.println(zone + " was asked after " + asked.stream().map(at -> Duration.between(began, at).toMillis() + " ms").toList());
            assertThat(Duration.between(asked.get(0), asked.get(1))).isBetween(HOLD, HOLD.plus(SOON));
            assertThat(Duration.between(asked.get(1), asked.get(2))).isBetween(HOLD.multipliedBy(2), HOLD.multipliedBy(2).plus(SOON));
        }
        assertThat(muster.refused()).hasSizeGreaterThanOrEqualTo(9).allSatisfy(refused -> assertThat(refused.what()).startsWith("OUT_OF_CAPACITY n1-standard-4 us-central1-"));
        assertThat(trail.briefly()).startsWith("TASKS_WAIT 3 x n1-standard-4 us-central1-a spot", "LAUNCH_WAS_REFUSED 3 x n1-standard-4 us-central1-b spot",
                "! OFFERS_EXHAUSTED", "LAUNCH_WAS_REFUSED 1 x n1-standard-4 us-central1-a spot probe", "LAUNCH_WAS_REFUSED 1 x n1-standard-4 us-central1-b spot probe",
                "LAUNCH_WAS_REFUSED 1 x n1-standard-4 us-central1-a spot probe", "LAUNCH_WAS_REFUSED 1 x n1-standard-4 us-central1-b spot probe");
        everyMachineIsOneAndEveryTaskRanOnce("drought");
    }

    @ParameterizedTest(name = "told by the {0}")
    @ValueSource(strings = {"call", "operation"})
    void theQuotaIsReached(String refusedBy) throws Exception {
        gce.post("/quotas", "{\"region\": \"us-central1\", \"metric\": \"NVIDIA_T4_GPUS\", \"limit\": 1, \"refusedBy\": \"" + refusedBy + "\"}");
        gce.post("/quotas", "{\"region\": \"us-central1\", \"metric\": \"PREEMPTIBLE_NVIDIA_T4_GPUS\", \"limit\": 1}");
        apply("quota", "offers: [{zone: us-central1-a}, {zone: us-central1-b}, {zone: us-central1-a, market: spot}, {zone: us-central1-b, market: spot},"
                + " {region: europe-west4, zone: europe-west4-a}]");
        muster.enqueue("gpu", 1, 40);
        muster.await(PATIENCE, "the first task to run", () -> muster.tasks("in_progress") == 1);
        muster.enqueue("gpu", 1, 90);
        muster.await(PATIENCE, "another market", () -> muster.tasks("in_progress") == 2);
        muster.enqueue("gpu", 1, 90);
        muster.await(PATIENCE, "another region", () -> muster.tasks("in_progress") == 3);
        var first = gce.machines().get(0).machineId();
        muster.await(PATIENCE, "the first machine to be gone, and the planner to know", () -> muster.machines().get(first).getPhase() == Phase.GONE);
        muster.enqueue("gpu", 1, 5);
        muster.awaitRest(PATIENCE);

        var trail = muster.trail("quota").fromFirstLaunch();
        trail.print("The project's quota is reached, which the " + refusedBy + " says:");
        var refusal = refusedBy.equals("call") ? "quotaExceeded" : "0 started";
        assertThat(gce.briefly()).containsExactly("us-central1-a standard x 1: Success", "us-central1-a standard x 1: " + refusal, "us-central1-a spot x 1: Success",
                "us-central1-a spot x 1: " + refusal, "europe-west4-a standard x 1: Success", "us-central1-a standard x 1: Success");
        assertThat(muster.refused()).extracting(PlannerRecords.Refused::what).containsExactly("QUOTA_EXCEEDED n1-standard-4 us-central1-a",
                "QUOTA_EXCEEDED n1-standard-4 us-central1-a spot");
        assertThat(muster.refused()).extracting(PlannerRecords.Refused::said).allSatisfy(said -> assertThat(said).contains("NVIDIA_T4_GPUS"));
        assertThat(trail.launches()).extracting(Trail.Step::brief).containsExactly("TASKS_WAIT 1 x n1-standard-4 us-central1-a",
                "TASKS_WAIT 1 x n1-standard-4 us-central1-a", "LAUNCH_WAS_REFUSED 1 x n1-standard-4 us-central1-a spot",
                "TASKS_WAIT 1 x n1-standard-4 us-central1-a spot", "LAUNCH_WAS_REFUSED 1 x n1-standard-4 europe-west4-a",
                "TASKS_WAIT 1 x n1-standard-4 us-central1-a");
        assertThat(trail.briefly()).doesNotContain("! QUOTA_HELD");
        everyMachineIsOneAndEveryTaskRanOnce("quota");
    }

    @Test
    void aPermissionIsTakenAwayAndGivenBack() throws Exception {
        apply("permission", "zone: us-central1-a");
        muster.enqueue("gpu", 1, 90);
        muster.await(PATIENCE, "a task to run", () -> muster.tasks("in_progress") == 1);

        // First it may launch no more, and then not even look.
        gce.post("/faults/denials", "{\"permission\": \"compute.instances.create\"}");
        muster.enqueue("gpu", 1, 5);
        muster.await(PATIENCE, "a launch to be refused", () -> gce.answers("instances.bulkInsert", "forbidden") == 1);
        muster.await(PATIENCE, "the planner to know", () -> muster.refused().size() == 1);
        gce.post("/faults/denials", "{\"permission\": \"compute.instances.list\"}");
        muster.enqueue("gpu", 1, 5);
        muster.await(PATIENCE, "lists to be refused", () -> gce.answers("instances.aggregatedList", "forbidden") >= 3);
        assertThat(muster.machines().values().stream().filter(machine -> machine.getCounted()).map(machine -> machine.getPhase().name()).toList())
                .as("on the books without a list").containsExactly("READY");
        assertThat(gce.live()).isEqualTo(1);

        gce.delete("/faults");
        var given = Instant.now();
        muster.await(PATIENCE, "two more machines", () -> gce.launchCalls().size() == 4);
        System.out.println("from the permission to the launch: " + Duration.between(given, gce.launchCalls().get(2).at()).toMillis() + " ms; lists refused: "
                + gce.answers("instances.aggregatedList", "forbidden"));
        muster.awaitRest(PATIENCE);

        var trail = muster.trail("permission").fromFirstLaunch();
        trail.print("Permissions are taken away, and given back:");
        assertThat(muster.process("gcp-provisioner").path("restarts").asInt()).as("restarts").isZero();
        assertThat(gce.briefly()).containsExactly("us-central1-a standard x 1: Success", "us-central1-a standard x 1: forbidden", "us-central1-a standard x 1: Success",
                "us-central1-a standard x 1: Success");
        assertThat(muster.refused()).singleElement().satisfies(refused -> {
            assertThat(refused.what()).isEqualTo("UNAUTHORIZED n1-standard-4 us-central1-a");
            assertThat(refused.said()).startsWith("forbidden: ").contains("compute.instances.create");
        });
        assertThat(trail.launches()).extracting(Trail.Step::brief).containsExactly("TASKS_WAIT 1 x n1-standard-4 us-central1-a",
                "TASKS_WAIT 1 x n1-standard-4 us-central1-a", "LAUNCH_WAS_REFUSED 1 x n1-standard-4 us-central1-a probe", "TASKS_WAIT 1 x n1-standard-4 us-central1-a");
        assertThat(trail.briefly()).startsWith("TASKS_WAIT 1 x n1-standard-4 us-central1-a", "TASKS_WAIT 1 x n1-standard-4 us-central1-a", "! ACCOUNT_HELD",
                "! SCOPE_UNKNOWN");
        everyMachineIsOneAndEveryTaskRanOnce("permission");
    }

    @Test
    void aZoneCantBeListed() throws Exception {
        muster.apply("outage", """
                name: outage
                queues: {here: [here], near: [near], far: [far]}
                pools:
                  here: {provider: gcp, account: google, region: us-central1, zone: us-central1-a, type: n2-standard-4, max: 2, idle: 3s}
                  near: {provider: gcp, account: google, region: us-central1, zone: us-central1-b, type: n2-standard-4, max: 2, idle: 3s}
                  far: {provider: gcp, account: google, region: europe-west4, zone: europe-west4-a, type: n2-standard-4, max: 2, idle: 3s}
                """);
        muster.enqueue("here", 1, 8);
        // Until then its launch is still looked at, which an outage would keep from being answered.
        muster.await(PATIENCE, "the planner to know its machine", () -> muster.machines().values().stream().anyMatch(machine -> machine.getPhase() == Phase.READY));
        gce.post("/faults/outages", "{\"zone\": \"us-central1-a\"}");
        int lists = gce.answers("instances.aggregatedList", "Success");
        // One may have been on its way.
        muster.await(PATIENCE, "two lists without it", () -> gce.answers("instances.aggregatedList", "Success") >= lists + 2);
        muster.enqueue("near", 1, 5);
        muster.await(PATIENCE, "the planner to say so", () -> muster.trail("outage").briefly().contains("! SCOPE_UNKNOWN"));
        muster.enqueue("far", 1, 5);
        muster.await(PATIENCE, "the other region to go on", () -> muster.tasks("completed") == 2 && gce.machines().size() == 2 && gce.machines().get(1).ended() != null);
        var known = Instant.now();
        // Five idle time-outs of the machine that is there.
        muster.await(PATIENCE, "some time to pass", () -> Instant.now().isAfter(known.plusSeconds(15)));
        assertThat(gce.launchCalls()).as("launches in the region").filteredOn(call -> call.place().startsWith("us-central1")).hasSize(1);
        var idle = gce.machines().get(0);
        assertThat(idle.ending()).as("the idle machine's end").isNull();
        assertThat(idle.marks()).as("the idle machine's marks").isEmpty();
        assertThat(muster.machines().get(idle.machineId()).getPhase()).isEqualTo(Phase.READY);

        gce.post("/faults/outages", "{\"zone\": \"us-central1-a\", \"over\": true}");
        var over = Instant.now();
        muster.await(PATIENCE, "what waits in the region", () -> gce.launchCalls().size() == 3);
        System.out.println("from the end of the outage to the launch that waited for it: " + Duration.between(over, gce.launchCalls().get(2).at()).toMillis() + " ms");
        muster.awaitRest(PATIENCE);

        var trail = muster.trail("outage").fromFirstLaunch();
        trail.print("A zone can't be listed, and can again:");
        assertThat(gce.briefly()).containsExactly("us-central1-a standard x 1: Success", "europe-west4-a standard x 1: Success", "us-central1-b standard x 1: Success");
        assertThat(trail.briefly().subList(0, trail.briefly().indexOf("- SCOPE_UNKNOWN"))).contains("! SCOPE_UNKNOWN", "TASKS_WAIT 1 x n2-standard-4 europe-west4-a");
        assertThat(trail.steps).filteredOn(step -> step.brief().equals("! SCOPE_UNKNOWN")).first()
                .satisfies(step -> assertThat(step.text()).contains("gcp/google/us-central1 could not be listed", "us-central1-a"));
        assertThat(muster.refused()).isEmpty();
        everyMachineIsOneAndEveryTaskRanOnce("outage");
    }

    @Test
    void aStartFailsAfterHalfAMinute() throws Exception {
        var late = Duration.ofSeconds(30);
        gce.post("/capacity", "{\"zone\": \"us-central1-a\", \"most\": 0}");
        gce.post("/faults/launches", "{\"zone\": \"us-central1-a\", \"kind\": \"slow\", \"seconds\": " + late.toSeconds() * SPEED + "}");
        apply("late", "offers: [{zone: us-central1-a}, {zone: us-central1-b}]");
        muster.enqueue("gpu", 1, 5);
        muster.await(PATIENCE, "the first zone to be asked", () -> gce.launchCalls().size() == 1);
        muster.await(late.plus(SOON), "the second zone to be asked", () -> gce.launchCalls().size() == 2);
        muster.awaitRest(PATIENCE);

        var trail = muster.trail("late").fromFirstLaunch();
        trail.print("A start fails after half a minute:");
        System.out.println("from the call that fails to the next zone's: " + gce.between(0, 1).toMillis() + " ms; looks at its operation: "
                + gce.answers("zoneOperations.get", "Success"));
        assertThat(gce.between(0, 1)).isBetween(late, late.plus(SOON));
        assertThat(gce.briefly()).containsExactly("us-central1-a standard x 1: 0 started", "us-central1-b standard x 1: Success");
        assertThat(muster.refused()).extracting(PlannerRecords.Refused::what).containsExactly("OUT_OF_CAPACITY n1-standard-4 us-central1-a");
        assertThat(trail.launches()).extracting(Trail.Step::brief).containsExactly("TASKS_WAIT 1 x n1-standard-4 us-central1-a",
                "LAUNCH_WAS_REFUSED 1 x n1-standard-4 us-central1-b");
        everyMachineIsOneAndEveryTaskRanOnce("late");
    }

    @Test
    void aMachineIsPreemptedWithItsTask() throws Exception {
        apply("preempted", "offers: [{zone: us-central1-a, market: spot}]");
        muster.enqueue("gpu", 1, 20);
        muster.await(PATIENCE, "a task to run", () -> muster.tasks("in_progress") == 1);
        var machine = gce.machines().get(0).id();
        gce.post("/preemptions", "{\"instance\": \"" + machine + "\"}");
        muster.awaitRest(PATIENCE);

        var trail = muster.trail("preempted").fromFirstLaunch();
        trail.print("A machine is preempted while it runs a task:");
        var gone = gce.machine(machine).ended();
        var task = StormBooks.tasks(muster.standIns.get("/clearml/books?steps=true")).get(0);
        var ending = gce.machine(machine).ending();
        System.out.println("from the preemption to the delete's end: " + Duration.between(ending, gone).toMillis() + " ms; from there to its task's being back: "
                + Duration.between(gone, task.runs().get(0).back()).toMillis() + " ms");
        assertThat(task.runs()).extracting(StormBooks.Run::end).as("how its runs ended").containsExactly("stopped", "completed");
        assertThat(Duration.between(gone, task.runs().get(0).back())).as("back in its queue after its machine was gone").isBetween(Duration.ZERO, Duration.ofSeconds(10));
        assertThat(task.status()).isEqualTo("completed");
        assertThat(gce.entry(machine).path("endReason").asText()).isEqualTo("compute.instances.preempted");
        assertThat(gce.machines()).hasSize(2);
        var books = muster.machines().get(machine);
        assertThat(books.getEnding().name() + " " + books.getCause()).isEqualTo("INTERRUPTED WAS_INTERRUPTED");
        assertThat(trail.briefly()).contains("WAS_INTERRUPTED", "TASK_LOST_MACHINE");
        assertThat(trail.launches()).extracting(Trail.Step::brief).containsExactly("TASKS_WAIT 1 x n1-standard-4 us-central1-a spot",
                "TASKS_WAIT 1 x n1-standard-4 us-central1-a spot");
        muster.everyMachineIsOne("preempted");
    }

    @Test
    void aStoppedMachineIsDeletedAndItsDisksCostNoMore() throws Exception {
        apply("stopped", "zone: us-central1-a\n    disks: [{size: 200}]");
        muster.enqueue("gpu", 1, 1);
        muster.await(PATIENCE, "the task to be done", () -> muster.tasks("completed") == 1);
        var machine = gce.machines().get(0).id();
        var before = diskDollars(machine);
        gce.post("/instances/" + machine + "/stop", "");
        var stopped = Instant.now();
        muster.await(PATIENCE, "it to be gone", () -> gce.machine(machine).ended() != null);
        System.out.println("from the stop to the delete's end: " + Duration.between(stopped, gce.machine(machine).ended()).toMillis() + " ms");
        var atTheEnd = diskDollars(machine);
        TimeUnit.SECONDS.sleep(3);

        assertThat(atTheEnd).as("its disks cost while it was there").isGreaterThan(before);
        assertThat(diskDollars(machine)).as("its disks, three seconds later").isEqualByComparingTo(atTheEnd);
        assertThat(gce.entry(machine).path("endReason").asText()).isEqualTo("stop");
        assertThat(gce.answers("instances.delete", "Success")).isEqualTo(1);
        var trail = muster.trail("stopped").fromFirstLaunch();
        trail.print("A person stops a machine:");
        assertThat(trail.steps).filteredOn(step -> step.brief().equals("MACHINE_ENDED")).singleElement()
                .satisfies(step -> assertThat(step.text()).isEqualTo(machine + " is stopped, and still there and paid for in part: terminate it"));
        everyMachineIsOneAndEveryTaskRanOnce("stopped");
    }

    private BigDecimal diskDollars(String machine) throws Exception {
        return gce.entry(machine).path("diskDollars").decimalValue();
    }
}
