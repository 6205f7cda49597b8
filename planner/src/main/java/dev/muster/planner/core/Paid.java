package dev.muster.planner.core;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.OptionalLong;

/**
 * What one machine has cost. The time since {@code kindSince} is not yet in the sums: it is added when what the machine is paid for
 * changes, so that the sums move with events and never with the clock alone. Instants are whole milliseconds, as they are stored.
 *
 * @param since begin of payment: when the cloud says that it was launched, else when its acceptance was read
 * @param perHour micro-units an hour from {@code kindSince} on; empty: not known
 * @param kind null: it has ended
 * @param spent micro-units until {@code kindSince}
 * @param useful and the other three: until {@code kindSince}
 * @param tasks that run on it since {@code kindSince}, sorted; empty unless USEFUL
 */
public record Paid(
        Instant since, OptionalLong perHour, PaidKind kind, Instant kindSince, long spent, Duration useful, Duration idle, Duration boot,
        Duration waste, List<Share> tasks) {

    /** EC2 and Compute Engine bill a machine for a minute at least, then by the second. */
    private static final Duration LEAST_BILLED = Duration.ofMinutes(1);

    /** A task that shares the machine's cost. Fields are empty where they are not known yet. */
    public record Share(String task, String queueId, String project, String user) implements Comparable<Share> {
        @Override
        public int compareTo(Share other) {
            return task.compareTo(other.task);
        }
    }

    /** A stretch of time in which a machine was paid for one thing at one price. */
    public record Stretch(Instant from, Instant to, PaidKind kind, OptionalLong perHour, List<Share> tasks) {

        /** Micro-units; 0 where the price is not known. */
        public long cost() {
            return perHour.isEmpty() ? 0 : Costs.during(perHour.getAsLong(), Duration.between(from, to));
        }
    }

    public Paid {
        tasks = List.copyOf(tasks);
    }

    public static Paid from(Instant since, OptionalLong perHour) {
        var begin = since.truncatedTo(ChronoUnit.MILLIS);
        return new Paid(begin, perHour, PaidKind.BOOT, begin, 0, Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO, List.of());
    }

    public boolean hasEnded() {
        return kind == null;
    }

    /** What is not in the sums yet, up to that time. */
    public Stretch open(Instant until) {
        var to = hasEnded() || until.isBefore(kindSince) ? kindSince : until.truncatedTo(ChronoUnit.MILLIS);
        return new Stretch(kindSince, to, kind, perHour, tasks);
    }

    /** Micro-units that are not in the sums yet, for the time from {@code notBefore} to {@code until}. */
    long openCost(Instant notBefore, Instant until) {
        if (hasEnded() || perHour.isEmpty()) {
            return 0;
        }
        var from = kindSince.isBefore(notBefore) ? notBefore : kindSince;
        return Costs.during(perHour.getAsLong(), until.toEpochMilli() - from.toEpochMilli());
    }

    /** Micro-units until that time. */
    public long spentUntil(Instant time) {
        return spent + open(time).cost();
    }

    /** Paid for something else from that time on; null: for nothing more. A time before the last change counts as it. */
    public Paid then(PaidKind next, OptionalLong price, List<Share> running, Instant at) {
        if (hasEnded()) {
            return this;
        }
        // What ends sooner than the clouds' least is paid to it, as more of its last use.
        var least = since.plus(LEAST_BILLED);
        var stretch = open(next == null && at.isBefore(least) ? least : at);
        var time = Duration.between(stretch.from(), stretch.to());
        return new Paid(since, price, next, stretch.to(), spent + stretch.cost(),
                kind == PaidKind.USEFUL ? useful.plus(time) : useful, kind == PaidKind.IDLE ? idle.plus(time) : idle,
                kind == PaidKind.BOOT ? boot.plus(time) : boot, kind == PaidKind.WASTE ? waste.plus(time) : waste, running);
    }

    /** Its boot came to nothing: what was booked as that is waste. */
    public Paid withBootWasted() {
        return new Paid(since, perHour, kind == PaidKind.BOOT ? PaidKind.WASTE : kind, kindSince, spent, useful, idle, Duration.ZERO,
                waste.plus(boot), tasks);
    }

    public Paid withTasks(List<Share> running) {
        return new Paid(since, perHour, kind, kindSince, spent, useful, idle, boot, waste, running);
    }
}
