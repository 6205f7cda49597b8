package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What AWS does to whoever starts machines there: a zone runs dry, spot runs dry everywhere, a quota is reached, keys are revoked. Each is played
 * to the real processes by EC2's stand-in and judged by its books; the decisions that led through it are printed and held against what they
 * should be. Holds last what they last, by the clock: machines and tasks are 20 times as fast, and at rest a list comes every five seconds.
 */
@Tag("long")
class AwsScenariosIT {

    private static final int SPEED = 20;
    private static final String ACCOUNT = "123456789012";
    private static final List<String> ZONES = List.of("us-east-1a", "us-east-1b");
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    /** The first hold of an offer without capacity; the planner's own number. */
    private static final Duration HOLD = Duration.ofMinutes(1);
    /** From a moment that was waited for to the call that follows it, on a computer that does other things. */
    private static final Duration SOON = Duration.ofSeconds(5);

    @TempDir
    Path folder;

    private Sandbox muster;
    private CloudStandIn ec2;

    @BeforeEach
    void up() throws Exception {
        muster = new Sandbox(folder, SPEED, Map.of("MUSTER_INVENTORY_SLOW", "5s"), CloudStandIn.Kind.AWS);
        ec2 = muster.cloud(CloudStandIn.Kind.AWS);
    }

    @AfterEach
    void down() {
        muster.close();
    }

    @Test
    void aZoneRunsDry() throws Exception {
        ec2.post("/capacity", "{\"zone\": \"us-east-1a\", \"most\": 0}");
        muster.apply("dry", """
                name: dry
                queues: {gpu: [gpu]}
                pools:
                  gpu:
                    provider: aws
                    region: us-east-1
                    offers: [{type: g4dn.xlarge, zone: us-east-1a}, {type: g4dn.xlarge, zone: us-east-1b}]
                    max: 5
                    idle: 3s
                """);
        muster.enqueue("gpu", 1, 5);
        muster.await(PATIENCE, "the second zone to be asked", () -> ec2.launchCalls().size() == 2);
        var refused = ec2.launchCalls();
        System.out.println("from the refused call to the next zone's: " + Duration.between(refused.get(0).at(), refused.get(1).at()).toMillis() + " ms");
        muster.await(PATIENCE, "its machine to be gone", () -> muster.tasks("completed") == 1 && ec2.live() == 0);

        ec2.delete("/capacity");
        muster.await(HOLD.plus(SOON), "the zone's hold to be over", () -> Instant.now().isAfter(refused.get(0).at().plus(HOLD).plusSeconds(1)));
        muster.enqueue("gpu", 3, 30);
        muster.await(PATIENCE, "three more machines", () -> ec2.live() == 3);
        muster.await(PATIENCE, "all to be done", () -> muster.tasks("completed") == 4 && ec2.live() == 0);

        var trail = muster.trail("dry").fromFirstLaunch();
        trail.print("One zone is dry, and has room again after a minute:");
        assertThat(ec2.briefly().subList(0, 2)).containsExactly("us-east-1a on-demand x 1: InsufficientInstanceCapacity", "us-east-1b on-demand x 1: Success");
        // The probe and what goes to the other zone beside it are on their way at once.
        assertThat(ec2.briefly().stream().skip(2).filter(call -> call.startsWith("us-east-1a")).findFirst()).contains("us-east-1a on-demand x 1: Success");
        assertThat(ec2.launchCalls().stream().filter(CloudStandIn.LaunchCall::isTaken).mapToInt(CloudStandIn.LaunchCall::machines).sum()).isEqualTo(4);
        assertThat(trail.briefly()).startsWith("TASKS_WAIT 1 x g4dn.xlarge us-east-1a", "LAUNCH_WAS_REFUSED 1 x g4dn.xlarge us-east-1b", "IDLE_TOO_LONG",
                "WORKER_OUTLIVED_MACHINE", "TASKS_WAIT 1 x g4dn.xlarge us-east-1a probe");
        everyMachineIsOneAndEveryTaskRanOnce("dry");
    }

    @Test
    void allSpotRunsDry() throws Exception {
        for (var zone : ZONES) {
            ec2.post("/capacity", "{\"market\": \"spot\", \"zone\": \"" + zone + "\", \"most\": 0}");
        }
        // All wait before anybody looks.
        muster.enqueue("gpu", 3, 20);
        muster.apply("drought", """
                name: drought
                queues: {gpu: [gpu]}
                pools:
                  gpu:
                    provider: aws
                    region: us-east-1
                    market: spot
                    offers: [{type: g4dn.xlarge, zone: us-east-1a}, {type: g4dn.xlarge, zone: us-east-1b}]
                    max: 5
                    idle: 3s
                """);
        muster.await(PATIENCE, "both zones to be asked", () -> ec2.launchCalls().size() == 2);
        var began = ec2.launchCalls().get(0).at();
        muster.await(HOLD.plus(SOON), "the first probes", () -> ec2.launchCalls().size() == 4);
        // The second hold is twice as long; one zone has spot again in the middle of it, and that is noticed at its end.
        muster.await(HOLD.plus(SOON), "two minutes to pass", () -> Instant.now().isAfter(began.plus(HOLD.multipliedBy(2)).plusSeconds(5)));
        ec2.post("/capacity", "{\"market\": \"spot\", \"zone\": \"us-east-1b\"}");
        assertThat(ec2.launchCalls()).as("calls in two minutes").hasSize(4);
        muster.await(HOLD.plus(SOON), "spot to be found again", () -> ec2.live() == 3);
        muster.await(PATIENCE, "all to be done", () -> muster.tasks("completed") == 3 && ec2.live() == 0);

        var trail = muster.trail("drought").fromFirstLaunch();
        trail.print("All spot is dry, and one zone has some again after two minutes:");
        var calls = ec2.launchCalls();
        assertThat(ec2.briefly().subList(0, 4)).containsExactly("us-east-1a spot x 3: InsufficientInstanceCapacity", "us-east-1b spot x 3: InsufficientInstanceCapacity",
                "us-east-1a spot x 1: InsufficientInstanceCapacity", "us-east-1b spot x 1: InsufficientInstanceCapacity");
        for (var zone : ZONES) {
            var asked = calls.stream().filter(call -> call.place().equals(zone)).map(CloudStandIn.LaunchCall::at).toList();
            System.out.println(zone + " was asked after " + asked.stream().map(at -> Duration.between(began, at).toMillis() + " ms").toList());
            assertThat(Duration.between(asked.get(0), asked.get(1))).isBetween(HOLD, HOLD.plus(SOON));
            assertThat(Duration.between(asked.get(1), asked.get(2))).isBetween(HOLD.multipliedBy(2), HOLD.multipliedBy(2).plus(SOON));
        }
        assertThat(trail.briefly()).startsWith("TASKS_WAIT 3 x g4dn.xlarge us-east-1a spot", "LAUNCH_WAS_REFUSED 3 x g4dn.xlarge us-east-1b spot", "! OFFERS_EXHAUSTED",
                "LAUNCH_WAS_REFUSED 1 x g4dn.xlarge us-east-1a spot probe", "LAUNCH_WAS_REFUSED 1 x g4dn.xlarge us-east-1b spot probe",
                "LAUNCH_WAS_REFUSED 1 x g4dn.xlarge us-east-1a spot probe", "LAUNCH_WAS_REFUSED 1 x g4dn.xlarge us-east-1b spot probe",
                "LAUNCH_WAS_REFUSED 2 x g4dn.xlarge us-east-1b spot", "- OFFERS_EXHAUSTED");
        everyMachineIsOneAndEveryTaskRanOnce("drought");
    }

    @Test
    void onDemandStandsInForSpotAndSpotIsThenLeftAlone() throws Exception {
        ec2.post("/capacity", "{\"market\": \"spot\", \"most\": 0}");
        muster.apply("rollback", """
                name: rollback
                queues: {gpu: [gpu]}
                pools:
                  gpu:
                    provider: aws
                    region: us-east-1
                    offers: [{type: g4dn.xlarge, zone: us-east-1a, market: spot}, {type: g4dn.xlarge, zone: us-east-1a}]
                    max: 5
                    idle: 3s
                    spot: {rollbackAfter: 10s, blackout: 40s}
                """);
        muster.enqueue("gpu", 1, 70);
        muster.await(PATIENCE, "on-demand in place of spot", () -> ec2.launchCalls().size() == 2);
        var rolledBack = ec2.launchCalls().get(1).at();
        ec2.delete("/capacity");
        muster.enqueue("gpu", 1, 70);
        muster.await(PATIENCE, "on-demand in the blackout", () -> ec2.launchCalls().size() == 3);
        muster.await(HOLD.plus(SOON), "the blackout and spot's hold to be over",
                () -> Instant.now().isAfter(ec2.launchCalls().get(0).at().plus(HOLD).plusSeconds(1)));
        muster.enqueue("gpu", 1, 5);
        muster.await(PATIENCE, "spot again", () -> ec2.launchCalls().size() == 4);
        muster.await(PATIENCE.multipliedBy(2), "all to be done", () -> muster.tasks("completed") == 3 && ec2.live() == 0);

        var trail = muster.trail("rollback").fromFirstLaunch();
        trail.print("Spot is refused for ten seconds, on-demand stands in, and spot is left alone for 40 s:");
        var calls = ec2.launchCalls();
        assertThat(ec2.briefly()).containsExactly("us-east-1a spot x 1: InsufficientInstanceCapacity", "us-east-1a on-demand x 1: Success",
                "us-east-1a on-demand x 1: Success", "us-east-1a spot x 1: Success");
        assertThat(Duration.between(calls.get(0).at(), rolledBack)).isBetween(Duration.ofSeconds(10), Duration.ofSeconds(10).plus(SOON));
        assertThat(trail.launches()).extracting(Trail.Step::brief).containsExactly("TASKS_WAIT 1 x g4dn.xlarge us-east-1a spot",
                "LAUNCH_WAS_REFUSED 1 x g4dn.xlarge us-east-1a", "TASKS_WAIT 1 x g4dn.xlarge us-east-1a", "TASKS_WAIT 1 x g4dn.xlarge us-east-1a spot probe");
        assertThat(trail.briefly()).startsWith("TASKS_WAIT 1 x g4dn.xlarge us-east-1a spot", "! OFFERS_EXHAUSTED", "LAUNCH_WAS_REFUSED 1 x g4dn.xlarge us-east-1a",
                "- OFFERS_EXHAUSTED");
        everyMachineIsOneAndEveryTaskRanOnce("rollback");
    }

    @Test
    void theQuotaIsReached() throws Exception {
        // Two of these machines have eight vCPUs.
        ec2.post("/quotas", "{\"family\": \"g\", \"market\": \"on-demand\", \"vcpus\": 8}");
        muster.apply("quota", """
                name: quota
                queues: {one: [one], two: [two]}
                pools:
                  one: {provider: aws, region: us-east-1, type: g4dn.xlarge, max: 2, idle: 3s}
                  two: {provider: aws, region: us-east-1, type: g4dn.xlarge, max: 2, idle: 3s}
                """);
        muster.enqueue("one", 1, 30);
        muster.await(PATIENCE, "the first machine", () -> ec2.launchCalls().size() == 1);
        muster.enqueue("one", 1, 90);
        muster.await(PATIENCE, "the second machine, and both at work", () -> ec2.launchCalls().size() == 2 && muster.tasks("in_progress") == 2);
        muster.enqueue("two", 1, 5);
        muster.await(PATIENCE, "the quota to be reached", () -> ec2.launchCalls().size() == 3);
        muster.await(PATIENCE, "the next launch", () -> ec2.launchCalls().size() == 4);
        muster.await(PATIENCE.multipliedBy(2), "all to be done", () -> muster.tasks("completed") == 3 && ec2.live() == 0);

        var trail = muster.trail("quota").fromFirstLaunch();
        trail.print("The account's vCPU quota is reached:");
        assertThat(ec2.launchCalls()).extracting(CloudStandIn.LaunchCall::answer).containsExactly("Success", "Success", "VcpuLimitExceeded", "Success");
        var firstGone = ec2.machines().stream().map(StormBooks.Machine::ended).min(Instant::compareTo);
        var next = ec2.launchCalls().get(3).at();
        System.out.println("from a machine's end to the launch that waited for it: " + Duration.between(firstGone.orElseThrow(), next).toMillis() + " ms");
        assertThat(next).isBetween(firstGone.orElseThrow(), firstGone.orElseThrow().plus(SOON));
        assertThat(trail.briefly()).startsWith("TASKS_WAIT 1 x g4dn.xlarge us-east-1", "TASKS_WAIT 1 x g4dn.xlarge us-east-1", "TASKS_WAIT 1 x g4dn.xlarge us-east-1", "! QUOTA_HELD",
                "IDLE_TOO_LONG", "LAUNCH_WAS_REFUSED 1 x g4dn.xlarge us-east-1", "WORKER_OUTLIVED_MACHINE", "- QUOTA_HELD");
        everyMachineIsOneAndEveryTaskRanOnce("quota");
    }

    @Test
    void keysAreRevokedAndOthersPutInTheirPlace() throws Exception {
        muster.apply("keys", """
                name: keys
                queues: {gpu: [gpu]}
                pools:
                  gpu: {provider: aws, region: us-east-1, type: g4dn.xlarge, max: 3, idle: 3s}
                """);
        muster.enqueue("gpu", 1, 90);
        muster.await(PATIENCE, "a task to run", () -> muster.tasks("in_progress") == 1);

        // First they may launch no more, and then do nothing at all.
        ec2.post("/faults/denials", "{\"action\": \"RunInstances\"}");
        muster.enqueue("gpu", 1, 5);
        muster.await(PATIENCE, "a launch to be refused", () -> ec2.answers("RunInstances", "UnauthorizedOperation") == 1);
        var keyFile = muster.secrets.resolve("aws-default-access-key-id");
        ec2.post("/access-keys", "{\"key\": \"" + Files.readString(keyFile).strip() + "\"}");
        muster.enqueue("gpu", 1, 5);
        muster.await(PATIENCE, "lists to be refused", () -> ec2.answers("DescribeInstances", "AuthFailure") >= 3);
        assertThat(muster.machines().values().stream().filter(machine -> machine.getCounted()).map(machine -> machine.getPhase().name()).toList())
                .as("on the books without a list").containsExactly("READY");
        assertThat(ec2.live()).isEqualTo(1);

        ec2.delete("/faults");
        ec2.post("/access-keys", "{\"key\": \"ROTATED\", \"account\": \"" + ACCOUNT + "\"}");
        Files.writeString(muster.secrets.resolve("aws-default-secret-access-key"), "another secret\n");
        Files.writeString(keyFile, "ROTATED\n");
        var rotated = Instant.now();
        muster.await(PATIENCE, "two more machines", () -> ec2.launchCalls().size() == 4);
        System.out.println("from the new keys to the launch: " + Duration.between(rotated, ec2.launchCalls().get(2).at()).toMillis() + " ms");
        muster.await(PATIENCE.multipliedBy(2), "all to be done", () -> muster.tasks("completed") == 3 && ec2.live() == 0);

        var trail = muster.trail("keys").fromFirstLaunch();
        trail.print("The account's keys are revoked, and others put in their place:");
        assertThat(muster.process("aws-provisioner").path("restarts").asInt()).as("restarts").isZero();
        assertThat(ec2.answers().get("RunInstances")).as("launches refused").isEqualTo(Map.of("Success", 3, "UnauthorizedOperation", 1));
        assertThat(ec2.launchCalls()).extracting(CloudStandIn.LaunchCall::brief).containsExactly("us-east-1a on-demand x 1: Success",
                "null on-demand x 1: UnauthorizedOperation", "us-east-1a on-demand x 1: Success", "us-east-1a on-demand x 1: Success");
        assertThat(trail.launches()).extracting(Trail.Step::brief).containsExactly("TASKS_WAIT 1 x g4dn.xlarge us-east-1", "TASKS_WAIT 1 x g4dn.xlarge us-east-1",
                "LAUNCH_WAS_REFUSED 1 x g4dn.xlarge us-east-1 probe", "TASKS_WAIT 1 x g4dn.xlarge us-east-1");
        assertThat(trail.briefly()).startsWith("TASKS_WAIT 1 x g4dn.xlarge us-east-1", "TASKS_WAIT 1 x g4dn.xlarge us-east-1", "! ACCOUNT_HELD", "! SCOPE_UNKNOWN");
        everyMachineIsOneAndEveryTaskRanOnce("keys");
    }

    /** By EC2's and ClearML's own books. */
    private void everyMachineIsOneAndEveryTaskRanOnce(String fleet) throws Exception {
        muster.awaitRest(PATIENCE);
        muster.everyMachineIsOne(fleet);
        muster.everyTaskRanOnce();
    }
}
