package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every service ends in order and comes back, one after another and under load, as an upgrade does it: no machine notices. What was done to them is
 * what EC2's books say.
 */
@Tag("long")
class ReplacedServicesIT {

    private static final int SPEED = 20;
    private static final int MACHINES = 6;
    private static final int TASKS = 90;
    private static final Duration PATIENCE = Duration.ofMinutes(4);
    /** As Kubernetes gives a pod to end; what they really take is printed. */
    private static final Duration GRACE = Duration.ofSeconds(30);

    @TempDir
    Path folder;

    @Test
    void noMachineNoticesThatServicesAreReplaced() throws Exception {
        try (var muster = new Sandbox(folder, SPEED, Map.of(), CloudStandIn.Kind.AWS)) {
            var ec2 = muster.cloud(CloudStandIn.Kind.AWS);
            muster.apply("train", """
                    name: train
                    queues: {work: [cpu]}
                    pools:
                      cpu: {provider: aws, region: us-east-1, type: c5.xlarge, aws: {publicIp: false}, max: %d, idle: 20s}
                    """.formatted(MACHINES));
            muster.enqueue("work", TASKS, 10);
            muster.await(PATIENCE, "all machines to be at work", () -> muster.tasks("in_progress") == MACHINES);

            var took = new TreeMap<String, String>();
            for (var service : List.of("queue-watcher", "planner", "aws-provisioner")) {
                var before = muster.process(service).path("pid").asLong();
                var process = ProcessHandle.of(before).orElseThrow();
                var told = Instant.now();
                assertThat(process.destroy()).isTrue();
                muster.await(PATIENCE, service + " to end", () -> !process.isAlive());
                var ended = Duration.between(told, Instant.now());
                muster.await(PATIENCE, service + " to be ready again, and the others", () -> muster.process(service).path("pid").asLong() != before && muster.allReady());
                took.put(service, ended.toMillis() + " ms to its end, " + Duration.between(told, Instant.now()).toMillis() + " ms until another is ready");
                assertThat(ended).as(service).isLessThan(GRACE);
                assertThat(ec2.machines()).as("after %s was replaced", service).hasSize(MACHINES).allMatch(machine -> machine.ending() == null && machine.marks().isEmpty());
            }
            System.out.println("replaced under load: " + took);
            assertThat(muster.tasks("queued")).as("tasks that still wait: it was under load to the end").isPositive();

            muster.awaitRest(PATIENCE);
            muster.everyTaskRanOnce();
            muster.everyMachineIsOne("train");
            assertThat(ec2.machines()).hasSize(MACHINES);
            assertThat(muster.trail("train").briefly()).doesNotContain("IS_MISSING", "IS_UNKNOWN", "TASK_LOST_MACHINE");
        }
    }
}
