package dev.muster.planner.core;

import java.time.Duration;
import java.time.Instant;
import java.util.List;

/**
 * What the machines of one scope cost. Amounts are micro-units.
 *
 * @param committed an hour, of all that count: the most that each can cost
 * @param unpriced machines that count and whose price is not known; in no sum
 * @param spentToday since midnight in the fleet's time zone
 * @param spentThisMonth since the first of the month
 * @param reserved what live machines may still spend: each the longest task to expect, and a marked one what is left of its own
 * @param freeing of {@code reserved}, what marks that are not confirmed yet will free
 * @param machines that count, by id
 */
public record Spending(
        long committed, int unpriced, long spentToday, long spentThisMonth, long reserved, long freeing, List<Machine> machines) {

    /** What ending takes: from the last task's end to the cloud's word that the machine is gone. */
    static final Duration ENDING = Duration.ofMinutes(2);
    /** A mark is obeyed from then on: what is seen later is how it will stay. The same margin as for a drain without a guard. */
    private static final Duration OBEYED = Duration.ofSeconds(5);

    static Spending of(Planning planning, Budget.Scope scope) {
        var fleet = planning.fleet();
        var midnight = planning.beginOf(Budget.Period.DAY);
        var monthBegin = planning.beginOf(Budget.Period.MONTH);
        var machines = fleet.active().values().stream().filter(scope::counts).toList();
        long committed = 0;
        int unpriced = 0;
        long day = fleet.ledger().closedSince(planning.today(), scope);
        long month = fleet.ledger().closedSince(Budget.Period.MONTH.firstDay(planning.today()), scope);
        long reserved = 0;
        long freeing = 0;
        for (var machine : machines) {
            if (machine.paid() != null) {
                var open = machine.paid().open(planning.now());
                day = Math.addExact(day, since(open, midnight));
                month = Math.addExact(month, since(open, monthBegin));
            }
            if (machine.committed().isEmpty()) {
                unpriced++;
                continue;
            }
            var price = machine.committed().getAsLong();
            committed = Math.addExact(committed, price);
            var full = planning.reserveFor(machine);
            var reserve = Costs.during(price, full);
            var marked = Costs.during(price, reservedMarked(planning, machine, full));
            if (!isLeaving(machine)) {
                reserved = Math.addExact(reserved, reserve);
            } else if (isConfirmed(planning, machine)) {
                reserved = Math.addExact(reserved, marked);
            } else {
                reserved = Math.addExact(reserved, reserve);
                freeing = Math.addExact(freeing, reserve - marked);
            }
        }
        return new Spending(committed, unpriced, day, month, reserved, freeing, machines);
    }

    public long spent(Budget.Period period) {
        return switch (period) {
            case HOUR -> committed;
            case DAY -> spentToday;
            case MONTH -> spentThisMonth;
        };
    }

    /** Takes no other task, or is asked not to. */
    static boolean isLeaving(Machine machine) {
        return machine.phase() == Phase.TERMINATING || machine.phase() == Phase.DRAINING;
    }

    /** How long a marked machine will go on, at most: to the end of its task. */
    public static Duration reservedMarked(Planning planning, Machine machine, Duration full) {
        if (machine.phase() == Phase.TERMINATING || machine.paid() == null || machine.paid().kind() != PaidKind.USEFUL) {
            return ENDING.compareTo(full) < 0 ? ENDING : full;
        }
        var ran = Duration.between(machine.paid().kindSince(), planning.now());
        var left = full.minus(ran);
        return left.isNegative() ? Duration.ZERO : left;
    }

    /** Two looks, both begun after the mark was sure to be obeyed, say what it does: no task that was popped before is unseen. */
    private static boolean isConfirmed(Planning planning, Machine machine) {
        if (machine.phase() == Phase.TERMINATING || machine.readyAt() == null) {
            return true;
        }
        return machine.markedAt() != null && planning.fleet().demand().previousLookStartedAt().isAfter(machine.markedAt().plus(OBEYED));
    }

    private static long since(Paid.Stretch open, Instant begin) {
        var from = open.from().isBefore(begin) ? begin : open.from();
        return from.isBefore(open.to()) ? new Paid.Stretch(from, open.to(), open.kind(), open.perHour(), List.of()).cost() : 0;
    }
}
