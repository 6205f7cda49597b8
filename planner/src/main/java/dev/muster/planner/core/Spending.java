package dev.muster.planner.core;

import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What the machines of one scope cost. Amounts are micro-units.
 *
 * @param committed an hour, of all that count: the most that each can cost
 * @param unpriced machines that count and whose price is not known; in no sum
 * @param spentToday since midnight in the fleet's time zone
 * @param spentThisMonth since the first of the month
 * @param reserved what live machines may still spend: each the longest task to expect, and a marked one what is left of its own
 * @param freeing of {@code reserved}, what marks that are not confirmed yet will free
 * @param ahead what the machines cost while a mark is on its way to each
 */
public record Spending(
        long committed, int unpriced, long spentToday, long spentThisMonth, long reserved, long freeing, long ahead) {

    /** What a mark takes to be obeyed and seen to be, at most: marking begins this much before the money is needed. */
    private static final Duration AHEAD = Duration.ofSeconds(60);
    /** A machine launched near a limit must be able to stay for a while, or it would boot only to drain: at most this long, at most a quarter of the reserve. */
    private static final Duration WORTH_A_BOOT = Duration.ofMinutes(15);
    /** What ending takes: from the last task's end to the cloud's word that the machine is gone. */
    static final Duration ENDING = Duration.ofMinutes(2);
    /** A mark is obeyed from then on: what is seen later is how it will stay. The same margin as for a drain without a guard. */
    private static final Duration OBEYED = Duration.ofSeconds(5);

    /** What the live machines of one scope add up to, while a plan changes them one by one. */
    static final class Sum {
        private final Planning planning;
        private final Budget.Scope scope;
        private final Instant midnight;
        private final Instant monthBegin;
        private long committed;
        private int unpriced;
        private long openToday;
        private long openThisMonth;
        private long reserved;
        private long freeing;
        private long ahead;

        private Sum(Planning planning, Budget.Scope scope) {
            this.planning = planning;
            this.scope = scope;
            this.midnight = planning.beginOf(Budget.Period.DAY);
            this.monthBegin = planning.beginOf(Budget.Period.MONTH);
        }

        /** Of the fleet or a pool. */
        static Sum of(Planning planning, Budget.Scope scope) {
            var sum = new Sum(planning, scope);
            var machines = scope.kind() == Budget.Scope.Kind.POOL ? planning.fleet().byAge(scope.name()) : planning.fleet().counted();
            machines.forEach(machine -> sum.add(machine, 1));
            return sum;
        }

        /** Of every queue of the spec: one walk shows them all. */
        static Map<Budget.Scope, Sum> ofQueues(Planning planning) {
            var byQueue = new HashMap<String, Sum>();
            planning.spec().queues().forEach(queue ->
                    byQueue.put(queue.name(), new Sum(planning, new Budget.Scope(Budget.Scope.Kind.QUEUE, queue.name()))));
            planning.fleet().counted().forEach(machine -> {
                var sum = byQueue.get(machine.queue());
                if (sum != null) {
                    sum.add(machine, 1);
                }
            });
            return byQueue.values().stream().collect(Collectors.toMap(sum -> sum.scope, sum -> sum));
        }

        /**
         * One machine changes.
         *
         * @param before null: it did not count
         * @param after may no longer count
         */
        void replace(Machine before, Machine after) {
            if (before != null) {
                add(before, -1);
            }
            if (after.isCounted()) {
                add(after, 1);
            }
        }

        private void add(Machine machine, int sign) {
            if (machine.paid() != null) {
                openToday = Math.addExact(openToday, sign * machine.paid().openCost(midnight, planning.now()));
                openThisMonth = Math.addExact(openThisMonth, sign * machine.paid().openCost(monthBegin, planning.now()));
            }
            if (machine.committed().isEmpty()) {
                unpriced += sign;
                return;
            }
            var price = machine.committed().getAsLong();
            committed = Math.addExact(committed, sign * price);
            var full = planning.reserveFor(machine);
            var reserve = Costs.during(price, full);
            reserved = Math.addExact(reserved, sign * reserve);
            ahead = Math.addExact(ahead, sign * Costs.during(price, ahead(full)));
            if (!isLeaving(machine)) {
                return;
            }
            var freed = reserve - Costs.during(price, reservedMarked(planning, machine, full));
            if (isConfirmed(planning, machine)) {
                reserved = Math.subtractExact(reserved, sign * freed);
            } else {
                freeing = Math.addExact(freeing, sign * freed);
            }
        }

        /** With what is closed, as the ledger has it now. */
        Spending now() {
            var ledger = planning.fleet().ledger();
            var today = planning.today();
            return new Spending(committed, unpriced, Math.addExact(openToday, ledger.closedSince(today, scope)),
                    Math.addExact(openThisMonth, ledger.closedSince(Budget.Period.MONTH.firstDay(today), scope)), reserved, freeing, ahead);
        }
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

    /** How long a machine must be able to stay beyond its reserve for its launch to be worth a boot. */
    public static Duration stay(Duration reserveFor) {
        var quarter = reserveFor.dividedBy(4);
        return quarter.compareTo(WORTH_A_BOOT) < 0 ? quarter : WORTH_A_BOOT;
    }

    /** Half of what a launch must leave at most, so that nothing is launched only to be marked. */
    private static Duration ahead(Duration reserveFor) {
        var half = stay(reserveFor).dividedBy(2);
        return half.compareTo(AHEAD) < 0 ? half : AHEAD;
    }
}
