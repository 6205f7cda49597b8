package dev.muster.aws;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.provisioner.spi.KeepUntil;
import dev.muster.provisioner.spi.LaunchSettings;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.sandbox.CloudTime;
import dev.muster.sandbox.ec2.Ec2Config;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.function.BiFunction;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * 5,000 machines asked for at once, against EC2's own token buckets: real calls of the real provider to the stand-in, both by one clock that
 * only the test moves. Launches wait as the host has them wait: each call comes when it was told to, and is some time on its way.
 */
class LaunchRateTest {

    private static final int MACHINES = 5_000;
    /** The bucket holds 1,000 machines and gets 2 a second: no caller can have the last of so many earlier. */
    private static final Duration BEST = Duration.ofSeconds((MACHINES - 1_000) / 2);
    private static final Instant START = Instant.parse("2026-03-01T12:00:00Z");

    /** Both sides' clock. What falls due at EC2 meanwhile is no concern here: machines stay pending. */
    private static final class Clock implements CloudTime {
        private volatile long nanos;

        @Override
        public Instant now() {
            return START.plusNanos(nanos);
        }

        @Override
        public void after(Duration wait, Runnable what) {}

        @Override
        public void close() {}
    }

    private record Arrival(long at, MachineBatch batch) {}

    @Test
    void fiveThousandMachinesAreLaunchedAtTheBestRateAndNoCallIsThrottled() throws Exception {
        var last = launch(call -> Duration.ofMillis(50));

        System.out.printf("%d machines in calls of %d: the last call taken after %.2f s, %d s being the best there is; none throttled%n", MACHINES, MachineBatch.MOST,
                last.toMillis() / 1000.0, BEST.toSeconds());
        assertThat(last).isBetween(BEST, BEST.plus(BEST.dividedBy(100)));
    }

    /** EC2's bucket is full until the first call reaches it: later ones that are faster on their way find less in it than we count. */
    @Test
    void nothingIsThrottledWhenTheFirstCallsWereSlowOnTheirWay() throws Exception {
        launch(call -> Duration.ofMillis(call < 5 ? 900 : 20));
    }

    /** A process that has just started, on a computer that does other things, sends its first calls seconds after their places were taken. */
    @Test
    void nothingIsThrottledWhenTheFirstCallsWereSentLate() throws Exception {
        launch(call -> call < 10 ? Duration.ofSeconds(4) : Duration.ofMillis(20));
    }

    /** And whatever came due meanwhile at once. */
    @Test
    void nothingIsThrottledWhenAProcessStoodStill() throws Exception {
        var stood = Duration.ofSeconds(4);

        launch((call, place) -> place.compareTo(stood) < 0 ? stood : place.plusMillis(20));
    }

    @Test
    void nothingIsThrottledHoweverLongCallsAreOnTheirWay() throws Exception {
        var random = new Random(7);

        launch(call -> Duration.ofMillis(random.nextInt(900)));
    }

    /**
     * All in calls of a hundred, as the planner asks.
     *
     * @param onItsWay how long each call takes to EC2
     * @return when the last was taken
     */
    private static Duration launch(IntFunction<Duration> onItsWay) throws ProviderException {
        return launch((call, place) -> place.plus(onItsWay.apply(call)));
    }

    /** @param arrives when a call comes to EC2 whose place at the rate is then */
    private static Duration launch(BiFunction<Integer, Duration, Duration> arrives) throws ProviderException {
        var clock = new Clock();
        try (var ec2 = new Ec2StandIn(Ec2Config.defaults().withThrottling(true), clock)) {
            var provider = new Ec2Machines(ec2.accounts(), "lab", () -> clock.nanos);
            var arrivals = new PriorityQueue<>(Comparator.comparing(Arrival::at));
            for (int call = 0; call < MACHINES / MachineBatch.MOST; call++) {
                var batch = batch(call);
                arrivals.add(new Arrival(arrives.apply(call, provider.reserve(batch)).toNanos(), batch));
            }
            while (!arrivals.isEmpty()) {
                var arrival = arrivals.remove();
                clock.nanos = arrival.at;
                try {
                    assertThat(provider.launch(arrival.batch).machines().size()).as("launched %s after the start", Duration.ofNanos(arrival.at))
                            .isEqualTo(MachineBatch.MOST);
                } catch (ProviderException early) {
                    // As the host does.
                    arrivals.add(new Arrival(arrival.at + early.again().orElseThrow(() -> early).toNanos(), arrival.batch));
                }
            }
            assertThat(ec2.server.books().live()).isEqualTo(MACHINES);
            assertThat(ec2.server.books().answers().get("RunInstances")).isEqualTo(Map.of("Success", MACHINES / MachineBatch.MOST));
            return Duration.ofNanos(clock.nanos);
        }
    }

    private static MachineBatch batch(int number) {
        var ids = IntStream.rangeClosed(1, MachineBatch.MOST).mapToObj(i -> "mabcdefgh-" + (number * MachineBatch.MOST + i)).toList();
        // A subnet has 4,091 addresses.
        var offer = new Offer(Ec2StandIn.SCOPE, number % 2 == 0 ? "us-east-1a" : "us-east-1b", "", "m5.large", Offer.Market.ON_DEMAND);
        return new MachineBatch(ids.get(0), ids, "train", "gpu", offer, 0, LaunchSettings.DEFAULTS, Batches.BOOT, new KeepUntil(START.plusSeconds(7_200), "q1Sh-9_kTzOmUQ"));
    }
}
