package dev.muster.planner.core.rules;

import dev.muster.planner.core.Budget;
import dev.muster.planner.core.Constraint;
import dev.muster.planner.core.Costs;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.Mark;
import dev.muster.planner.core.Phase;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;
import dev.muster.planner.core.Spending;
import dev.muster.planner.core.Worker;
import dev.muster.planner.core.rules.StayWithinBudget.Applied;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Keeps what is spent and what is reserved of a day or month within its budget: machines are marked, one after the other, early enough
 * that each can still finish a task as long as its pool expects. Idle ones first, then those that have worked longest on their task, since
 * their mark frees the most. Also says when a limit is near or passed, and ends busy machines where the spec says so.
 */
public final class DrainAtBudget implements Rule {

    @Override
    public void apply(Planning planning) {
        if (planning.isLettingGo()) {
            return;
        }
        for (var applied : StayWithinBudget.all(planning)) {
            warnOfSoft(planning, applied);
            if (applied.budget().hard().isPresent() && applied.budget().period() != Budget.Period.HOUR) {
                keep(planning, applied, applied.budget().hard().getAsLong());
            } else if (applied.budget().hard().isPresent()) {
                shrink(planning, applied, applied.budget().hard().getAsLong());
            }
        }
    }

    private void warnOfSoft(Planning planning, Applied applied) {
        var budget = applied.budget();
        var now = planning.spending(applied.scope()).spent(budget.period());
        if (budget.soft().isPresent() && now >= budget.soft().getAsLong()) {
            planning.warn(applied.scope() + " " + budget.period(), Constraint.by(this, Reason.SOFT_BUDGET_REACHED).how("warn").number("micros", now)
                    .number("softMicros", budget.soft().getAsLong()).scope(applied.scope()).period(budget.period()));
        }
    }

    // Days and months.

    private void keep(Planning planning, Applied applied, long hard) {
        var budget = applied.budget();
        var spending = planning.spending(applied.scope());
        var spent = spending.spent(budget.period());
        if (spent > hard) {
            sayOverrun(planning, applied, spent, hard);
        }
        if (budget.hardAction() == Budget.HardAction.STOP_LAUNCHING) {
            return;
        }
        // Plan again when spending has used up what is left, in time to mark.
        long used = Math.addExact(spent, spending.reserved());
        long ahead = spending.ahead();
        if (spending.committed() > 0 && hard - used - ahead > 0) {
            var ms = Math.min(Duration.ofDays(1).toMillis(), (long) ((double) (hard - used - ahead) / spending.committed() * 3_600_000));
            planning.remind(planning.now().plusMillis(Math.max(ms, 1)));
        }
        if (used + ahead > hard && !planning.fleet().head().isEnding()) {
            mark(planning, applied, spending, used, ahead, hard);
        }
        if (budget.hardAction() == Budget.HardAction.STOP_BUSY && spent >= hard) {
            stopBusy(planning, applied, spent, hard);
        }
    }

    private void mark(Planning planning, Applied applied, Spending spending, long used, long ahead, long hard) {
        var unmarked = new ArrayList<>(planning.machines(applied.scope()).stream()
                .filter(machine -> machine.phase().isStaying() && !machine.cloudId().isEmpty() && machine.committed().isPresent()).toList());
        unmarked.sort(Comparator.comparing((Machine machine) -> planning.fleet().isBusy(machine)).thenComparing(machine -> -freed(planning, machine))
                .thenComparing(Machine::id));
        // What marks already set will free is on its way; once the limit is truly reached nothing is trusted, and all are marked.
        long expected = used > hard ? Long.MAX_VALUE : used - spending.freeing();
        for (var machine : unmarked) {
            if (expected != Long.MAX_VALUE && expected + ahead <= hard) {
                return;
            }
            var decision = planning.decide(this, Reason.AT_BUDGET).how("period").machine(machine).number("spentMicros", spending.spent(applied.budget().period()))
                    .number("reservedMicros", spending.reserved()).number("hardMicros", hard)
                    .scope(applied.scope()).period(applied.budget().period()).write();
            planning.drain(machine, decision, Reason.AT_BUDGET, "the budget of " + applied.scope() + " is reached", false);
            expected = expected == Long.MAX_VALUE ? expected : expected - freed(planning, machine);
        }
    }

    /** What a mark on it will free of what it reserves. */
    private static long freed(Planning planning, Machine machine) {
        var full = planning.reserveFor(machine);
        var price = machine.committed().orElse(0);
        return Costs.during(price, full) - Costs.during(price, Spending.reservedMarked(planning, machine, full));
    }

    private void sayOverrun(Planning planning, Applied applied, long spent, long hard) {
        var work = planning.machines(applied.scope()).stream().flatMap(machine -> work(machine, tasks(planning, machine))).toList();
        planning.warn(applied.scope() + " " + applied.budget().period(), Constraint.by(this, Reason.OVER_BUDGET).how("overrun").number("spentMicros", spent)
                .number("hardMicros", hard).number("overrunMicros", spent - hard).scope(applied.scope()).period(applied.budget().period())
                .names("work", work));
    }

    /** {@code machine/task} of each task, or the machine alone. */
    private static Stream<String> work(Machine machine, List<String> tasks) {
        return tasks.isEmpty() ? Stream.of(machine.id()) : tasks.stream().map(task -> machine.id() + "/" + task);
    }

    private static List<String> tasks(Planning planning, Machine machine) {
        return planning.fleet().workersOn(machine).stream().filter(Worker::isBusy).map(Worker::task).toList();
    }

    /** A person has said, in the spec, that money goes before work here. */
    private void stopBusy(Planning planning, Applied applied, long spent, long hard) {
        for (var machine : planning.machines(applied.scope())) {
            var now = planning.fleet().machine(machine.id()).orElse(machine);
            if (now.cloudId().isEmpty() || now.phase() == Phase.TERMINATING || now.mark() == Mark.DRAIN_NOW || now.phase().isEnded()) {
                continue;
            }
            var decision = planning.decide(this, Reason.OVER_BUDGET).how("stop").machine(now).tasks(tasks(planning, now)).number("spentMicros", spent).number("hardMicros", hard)
                    .scope(applied.scope()).write();
            planning.drain(now, decision, Reason.OVER_BUDGET, "the budget of " + applied.scope() + " is spent", true);
        }
    }

    // Rates.

    /** An edit of the spec has lowered the rate below what runs: idle machines go, dearest first; busy ones finish their work. */
    private void shrink(Planning planning, Applied applied, long hard) {
        var budget = applied.budget();
        var spending = planning.spending(applied.scope());
        if (spending.committed() <= hard || budget.hardAction() == Budget.HardAction.STOP_LAUNCHING || planning.isHeld()) {
            return;
        }
        var machines = planning.machines(applied.scope());
        long leaving = machines.stream().filter(machine -> !machine.phase().isStaying()).mapToLong(machine -> machine.committed().orElse(0)).sum();
        long over = spending.committed() - hard - leaving;
        var idle = machines.stream().filter(machine -> machine.phase().isStaying() && !machine.cloudId().isEmpty() && !planning.fleet().isBusy(machine)
                && machine.committed().isPresent()).sorted(Comparator.comparingLong((Machine machine) -> -machine.committed().getAsLong()).thenComparing(Machine::id)).toList();
        for (var machine : idle) {
            if (over <= 0) {
                break;
            }
            var decision = planning.decide(this, Reason.AT_BUDGET).how("rate").machine(machine).number("committedMicrosPerHour", spending.committed()).number("hardMicros", hard)
                    .scope(applied.scope()).write();
            planning.drain(machine, decision, Reason.AT_BUDGET, "the budget of " + applied.scope() + " was lowered", false);
            over -= machine.committed().getAsLong();
        }
        if (over > 0 && budget.hardAction() == Budget.HardAction.STOP_BUSY) {
            stopBusy(planning, applied, spending.committed(), hard);
        }
        planning.warn(applied.scope() + " rate", Constraint.by(this, Reason.LIMIT_NOT_REACHED_YET).how("rate")
                .number("committedMicrosPerHour", spending.committed()).number("hardMicros", hard).scope(applied.scope()));
    }
}
