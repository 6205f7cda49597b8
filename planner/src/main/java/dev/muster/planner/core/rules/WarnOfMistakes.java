package dev.muster.planner.core.rules;

import dev.muster.planner.core.Constraint;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;

/** Says what can't be right and is nobody's decision: a task on two workers, a reported price that no machine has. */
public final class WarnOfMistakes implements Rule {

    @Override
    public void apply(Planning planning) {
        planning.fleet().tasksRunTwice().forEach((task, workers) -> planning.warn(task, Constraint.by(this, Reason.TASK_RUNS_TWICE).word("task", task)
                .word("first", workers.first()).word("second", workers.higher(workers.first()))));
        for (var price : planning.fleet().prices()) {
            if (!price.ignored().isEmpty()) {
                var warning = Constraint.by(this, Reason.PRICE_IGNORED).offer(price.offer()).word("ignored", price.ignored());
                planning.warn(price.offer().scope() + " " + price.offer(), price.perHour() == 0 ? warning.how("none-known")
                        : warning.how("stays").number("microsPerHour", price.perHour()).instant("since", price.asOf()));
            }
        }
    }
}
