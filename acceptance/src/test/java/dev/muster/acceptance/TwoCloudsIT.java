package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

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

/**
 * One queue that machines of two clouds serve: AWS first, and Google where AWS has none, or where its pool has no money left. What each cloud was
 * asked for and what ran there is what its own books say; why is what the decisions say.
 */
@Tag("long")
class TwoCloudsIT {

    private static final int SPEED = 20;
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    /** The first hold of an offer without capacity; the planner's own number. */
    private static final Duration HOLD = Duration.ofMinutes(1);
    /** From a moment that was waited for to the call that follows it, on a computer that does other things. */
    private static final Duration SOON = Duration.ofSeconds(10);

    @TempDir
    Path folder;

    private Sandbox muster;
    private CloudStandIn ec2;
    private CloudStandIn gce;

    @BeforeEach
    void up() throws Exception {
        muster = new Sandbox(folder, SPEED, Map.of("MUSTER_INVENTORY_SLOW", "5s"), CloudStandIn.Kind.AWS, CloudStandIn.Kind.GOOGLE);
        ec2 = muster.cloud(CloudStandIn.Kind.AWS);
        gce = muster.cloud(CloudStandIn.Kind.GOOGLE);
    }

    @AfterEach
    void down() {
        muster.close();
    }

    /** A fleet that knows what both clouds have, and sees all tasks at once. @param seconds of the clock that each runs */
    private void begin(String fleet, String budgetOnAws, int tasks, int seconds) throws Exception {
        muster.apply(fleet, """
                name: %s
                currency: USD
                queues: {gpu: [t4-aws, t4-google]}
                pools:
                  t4-aws: {provider: aws, region: us-east-1, type: g4dn.xlarge, price: 0.526, aws: {publicIp: false}, max: 8, idle: 3s%s}
                  t4-google:
                    provider: gcp
                    account: google
                    region: us-central1
                    type: n1-standard-4
                    offers: [{zone: us-central1-a}, {zone: us-central1-b}]
                    max: 8
                    idle: 3s
                    gcp: {gpuType: nvidia-tesla-t4, serviceAccount: none}
                """.formatted(fleet, budgetOnAws));
        muster.shell.run("./muster fleet pause " + fleet).succeeded();
        muster.await(PATIENCE, "both clouds to be known", () -> muster.isListed(fleet, "aws/default/us-east-1", "gcp/google/us-central1"));
        muster.enqueue("gpu", tasks, seconds);
        // Queues are looked at each second.
        TimeUnit.SECONDS.sleep(2);
        muster.shell.run("./muster fleet resume " + fleet).succeeded();
    }

    @Test
    void whatAwsHasNoCapacityForRunsOnGoogleUntilAwsHasSomeAgain() throws Exception {
        ec2.post("/capacity", "{\"type\": \"g4dn.xlarge\", \"most\": 0}");
        begin("overflow", "", 3, 10);
        muster.await(PATIENCE, "Google to be asked", () -> gce.launchCalls().size() == 1);
        muster.awaitRest(PATIENCE);
        var refusedAt = ec2.launchCalls().get(0).at();
        System.out.println("from AWS's refusal to the call of Google: " + Duration.between(refusedAt, gce.launchCalls().get(0).at()).toMillis() + " ms");

        ec2.delete("/capacity");
        muster.await(HOLD.plus(SOON), "AWS's hold to be over", () -> Instant.now().isAfter(refusedAt.plus(HOLD).plusSeconds(1)));
        muster.enqueue("gpu", 1, 20);
        muster.await(PATIENCE, "AWS to be asked again", () -> ec2.launchCalls().size() == 2);
        muster.await(PATIENCE, "the probe's task to run", () -> muster.tasks("in_progress") == 1);
        muster.enqueue("gpu", 2, 5);
        muster.awaitRest(PATIENCE);

        var trail = muster.trail("overflow").fromFirstLaunch();
        trail.print("AWS has no capacity, and has some again after a minute:");
        assertThat(ec2.briefly().subList(0, 2)).containsExactly("null on-demand x 3: InsufficientInstanceCapacity", "us-east-1a on-demand x 1: Success");
        assertThat(gce.briefly()).containsExactly("us-central1-a standard x 3: Success");
        var refused = muster.refused();
        assertThat(refused).hasSize(3).extracting(PlannerRecords.Refused::what).containsOnly("OUT_OF_CAPACITY g4dn.xlarge us-east-1");
        assertThat(refused).extracting(PlannerRecords.Refused::said).allSatisfy(said -> assertThat(said).startsWith("InsufficientInstanceCapacity"));
        assertThat(trail.launches().subList(0, 3)).extracting(Trail.Step::brief).containsExactly("TASKS_WAIT 3 x g4dn.xlarge us-east-1",
                "LAUNCH_WAS_REFUSED 3 x n1-standard-4 us-central1-a", "TASKS_WAIT 1 x g4dn.xlarge us-east-1 probe");
        assertThat(trail.launches().subList(3, trail.launches().size())).extracting(Trail.Step::brief).allSatisfy(brief -> assertThat(brief).contains("g4dn.xlarge us-east-1"));
        assertThat(trail.briefly()).doesNotContain("! OFFERS_EXHAUSTED");
        assertThat(replaced(gce)).as("what each of Google's stands in for").hasSameElementsAs(refused.stream().map(PlannerRecords.Refused::machineId).toList());
        assertThat(ec2.machines().size() + gce.machines().size()).isBetween(5, 6);
        muster.everyMachineIsOne("overflow");
        muster.everyTaskRanOnce();
    }

    private List<String> replaced(CloudStandIn cloud) throws Exception {
        var books = muster.machines();
        return cloud.machines().stream().map(machine -> books.get(machine.machineId()).getReplaces()).toList();
    }

    @Test
    void whatThePoolOnAwsHasNoMoneyForRunsOnGoogle() throws Exception {
        // Two machines, and not three.
        begin("money", ", budgets: {hour: 1.2}", 5, 15);
        muster.await(PATIENCE, "both clouds to be asked", () -> ec2.launchCalls().size() == 1 && gce.launchCalls().size() == 1);
        muster.await(PATIENCE, "all to run at once", () -> muster.tasks("in_progress") == 5);
        assertThat(ec2.live()).isEqualTo(2);
        assertThat(gce.live()).isEqualTo(3);
        muster.awaitRest(PATIENCE);
        muster.enqueue("gpu", 1, 5);
        muster.awaitRest(PATIENCE);

        var trail = muster.trail("money").fromFirstLaunch();
        trail.print("The budget of the pool on AWS has room for two machines:");
        assertThat(ec2.briefly()).containsExactly("us-east-1a on-demand x 2: Success", "us-east-1a on-demand x 1: Success");
        assertThat(gce.briefly()).containsExactly("us-central1-a standard x 3: Success");
        assertThat(trail.launches()).extracting(Trail.Step::brief).containsExactly("TASKS_WAIT 2 x g4dn.xlarge us-east-1", "TASKS_WAIT 3 x n1-standard-4 us-central1-a",
                "TASKS_WAIT 1 x g4dn.xlarge us-east-1");
        assertThat(trail.launches().get(1).text()).as("why not on AWS")
                .contains("g4dn.xlarge us-east-1 at 0.526/h blocked: pool t4-aws has 1.052/h of 1.20/h");
        assertThat(ec2.books().path("peakByTag").path("muster-pool").path("t4-aws").asInt()).isEqualTo(2);
        assertThat(muster.refused()).isEmpty();
        muster.everyMachineIsOne("money");
        muster.everyTaskRanOnce();
    }
}
