package dev.muster.acceptance;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;

/**
 * What a storm will bring, the same for whoever is to weather it: tasks that come in bursts, and what goes wrong meanwhile. A seed decides all of it;
 * times are the machines'.
 */
record Forecast(List<Work> work, List<Trouble> troubles, Duration length) {

    /** Bursts come for so long, and then none until the next wave: long enough that machines grow idle, short enough that some are still up. */
    static final Duration WAVE = Duration.ofMinutes(20);
    static final Duration FROM_WAVE_TO_WAVE = Duration.ofMinutes(45);
    static final int WAVES = 3;
    static final int BURST_LEAST = 2;
    static final int BURST_MOST = 8;
    static final Duration TASK_SHORTEST = Duration.ofMinutes(1);
    static final Duration TASK_LONGEST = Duration.ofMinutes(12);

    record Work(Duration at, Duration runTime) {}

    /** What goes wrong. Outages last, the other two happen to one machine each. */
    enum Kind {
        POWER_CUT("a running machine loses power, which EC2 shows as running", 3, Duration.ZERO),
        TAKEN_AWAY("EC2 ends a running machine", 3, Duration.ZERO),
        SHORTAGE("EC2 has 2 machines of the first resource's type and zone, not 4", 1, Duration.ofMinutes(20)),
        EC2_BUSY("EC2 refuses launches with RequestLimitExceeded", 1, Duration.ofMinutes(2)),
        CLEARML_BUSY("ClearML answers questions about queues and workers with 503", 1, Duration.ofMinutes(2)),
        CLEARML_BROKEN("ClearML answers them with 500", 2, Duration.ofMinutes(1));

        final String words;
        final int times;
        final Duration length;

        Kind(String words, int times, Duration length) {
            this.words = words;
            this.times = times;
            this.length = length;
        }
    }

    /** @param which of the machines that run at that moment, counted from the oldest and round again */
    record Trouble(Duration at, Kind kind, int which) {}

    static Forecast of(long seed) {
        var random = new SplittableRandom(seed);
        var work = new ArrayList<Work>();
        for (var wave = 0; wave < WAVES; wave++) {
            var begins = FROM_WAVE_TO_WAVE.multipliedBy(wave);
            for (var at = begins; at.compareTo(begins.plus(WAVE)) < 0; at = at.plus(between(random, Duration.ofMinutes(3), Duration.ofMinutes(7)))) {
                var tasks = random.nextInt(BURST_LEAST, BURST_MOST + 1);
                for (var task = 0; task < tasks; task++) {
                    work.add(new Work(at, between(random, TASK_SHORTEST, TASK_LONGEST)));
                }
            }
        }
        var length = FROM_WAVE_TO_WAVE.multipliedBy(WAVES - 1).plus(WAVE);
        var troubles = new ArrayList<Trouble>();
        for (var kind : Kind.values()) {
            for (var time = 0; time < kind.times; time++) {
                // Not before there are machines, and early enough that what follows is seen.
                troubles.add(new Trouble(between(random, Duration.ofMinutes(5), Duration.ofMinutes(75)), kind, random.nextInt(1_000)));
            }
        }
        troubles.sort(Comparator.comparing(Trouble::at));
        return new Forecast(List.copyOf(work), List.copyOf(troubles), length);
    }

    private static Duration between(SplittableRandom random, Duration least, Duration most) {
        return Duration.ofSeconds(random.nextLong(least.toSeconds(), most.toSeconds() + 1));
    }
}
