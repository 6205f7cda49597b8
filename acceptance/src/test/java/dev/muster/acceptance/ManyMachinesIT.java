package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A thousand machines and more asked for at once, with EC2's own token buckets in force and 200 ms a call: how many calls it takes to bring them
 * up and to drain them again, how long, and that EC2 throttles none. Machines are simulated, and live as fast as the clock.
 */
@Tag("long")
class ManyMachinesIT {

    private static final Duration CALL = Duration.ofMillis(200);
    private static final Duration PATIENCE = Duration.ofMinutes(5);
    /** More at once than EC2's bucket holds wait for its refill of 2 a second. */
    private static final int BURST = 1_000;

    @TempDir
    Path folder;

    private Sandbox muster;
    private CloudStandIn ec2;

    @AfterEach
    void down() {
        if (muster != null) {
            muster.close();
        }
    }

    @Test
    void aThousandMachinesAreAcceptedWithinTenSecondsByTwentyCallsAtMost() throws Exception {
        var took = bringUpAndDrain(1_000, 20);

        assertThat(took).isLessThanOrEqualTo(Duration.ofSeconds(10));
        assertThat(ec2.launchCalls().size()).isLessThanOrEqualTo(20);
    }

    @Test
    void twelveHundredAreLaunchedAtTheRateThatEc2Gives() throws Exception {
        var machines = Integer.getInteger("muster.machines", 1_200);
        var best = Duration.ofSeconds((machines - BURST) / 2);

        var took = bringUpAndDrain(machines, best.toSeconds() + 30);

        // What a launch waits for the bucket, and two calls of two seconds on a computer that does other things.
        assertThat(took).isBetween(best, best.plusSeconds(5));
    }

    /**
     * @param seconds of each task, so that each machine has one
     * @return from the decision to the last launch call's answer
     */
    private Duration bringUpAndDrain(int machines, long seconds) throws Exception {
        muster = new Sandbox(folder, 1, Map.of(), CloudStandIn.Kind.AWS);
        ec2 = muster.cloud(CloudStandIn.Kind.AWS);
        ec2.post("/throttling", "{\"on\": true}");
        ec2.post("/faults/calls", "{\"kind\": \"slow\", \"seconds\": %s, \"times\": 1000000}".formatted(CALL.toMillis() / 1000.0));
        // All of them wait before anybody looks.
        muster.enqueue("many", machines, seconds);
        muster.apply("many", """
                name: many
                queues: {many: [many]}
                pools:
                  many: {provider: aws, region: us-east-1, type: m5.large, max: %d, idle: 10s}
                """.formatted(machines));
        muster.await(PATIENCE, "all machines", () -> ec2.launchCalls().stream().mapToInt(call -> call.started().size()).sum() == machines);
        var launched = ec2.answers();
        muster.await(PATIENCE, "all tasks to run", () -> muster.tasks("in_progress") + muster.tasks("completed") == machines);
        var up = ec2.answers();
        muster.await(PATIENCE, "all tasks done and all machines gone", () -> muster.tasks("completed") == machines && ec2.live() == 0);
        var down = ec2.answers();

        var trail = muster.trail("many").fromFirstLaunch();
        var decided = trail.launches().get(0).at();
        var calls = ec2.launchCalls();
        var took = Duration.between(decided, calls.get(calls.size() - 1).at().plus(CALL));
        System.out.printf("%d machines asked for at once: accepted in %.1f s by %d calls, the first %.0f ms after the decision; load %.1f on %d processors%n", machines,
                took.toMillis() / 1000.0, calls.size(), Duration.between(decided, calls.get(0).at()).toNanos() / 1e6,
                ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage(), Runtime.getRuntime().availableProcessors());
        System.out.println("  until all were accepted: " + launched);
        System.out.println("  from then until all tasks ran: " + since(launched, up));
        System.out.println("  from then until all machines were gone: " + since(up, down));
        assertThat(down).allSatisfy((action, answers) -> assertThat(answers.keySet()).as(action).containsExactly("Success"));
        assertThat(trail.launches().stream().map(Trail.Step::at).distinct()).as("decided at once").hasSize(1);
        assertThat(ec2.machines()).extracting(StormBooks.Machine::machineId).doesNotHaveDuplicates().hasSize(machines);
        muster.everyTaskRanOnce();
        return took;
    }

    private static Map<String, Integer> since(Map<String, Map<String, Integer>> before, Map<String, Map<String, Integer>> after) {
        var calls = new TreeMap<String, Integer>();
        after.forEach((action, answers) -> {
            var more = answers.values().stream().mapToInt(Integer::intValue).sum()
                    - before.getOrDefault(action, Map.of()).values().stream().mapToInt(Integer::intValue).sum();
            if (more > 0) {
                calls.put(action, more);
            }
        });
        return calls;
    }
}
