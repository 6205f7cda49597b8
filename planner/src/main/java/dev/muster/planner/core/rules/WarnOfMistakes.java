package dev.muster.planner.core.rules;

import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;
import java.util.TreeMap;

/** Says what can't be right and is nobody's decision: a task on two workers, a reported price that no machine has. */
public final class WarnOfMistakes implements Rule {

    @Override
    public void apply(Planning planning) {
        var workerOf = new TreeMap<String, String>();
        for (var worker : planning.fleet().workers().values()) {
            if (!worker.isBusy()) {
                continue;
            }
            var first = workerOf.putIfAbsent(worker.task(), worker.id());
            if (first != null) {
                planning.warn(this, Reason.TASK_RUNS_TWICE, worker.task(), new TreeMap<>(), "one of the two ending",
                        worker.task() + " runs on two workers, " + first + " and " + worker.id());
            }
        }
        for (var price : planning.fleet().prices()) {
            if (!price.ignored().isEmpty()) {
                planning.warn(this, Reason.PRICE_IGNORED, price.offer().scope() + " " + price.offer(), new TreeMap<>(), "a price that can be right",
                        "the price of " + price.offer() + " can't be " + price.ignored() + (price.perHour() == 0 ? "; none is known"
                                : "; it stays at " + Money.text(price.perHour()) + "/h, of " + price.asOf()));
            }
        }
    }
}
