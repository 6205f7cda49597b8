package dev.muster.planner.core.rules;

import dev.muster.planner.core.PlanRecord;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Rule;
import java.time.Duration;

/** Ids stay known for 30 days after their end: one seen alive until then is recognised. */
public final class ForgetEndedMachines implements Rule {

    private static final Duration KNOWN = Duration.ofDays(30);

    @Override
    public void apply(Planning planning) {
        var before = planning.now().minus(KNOWN);
        planning.fleet().endedBefore(before).forEach(machine -> planning.write(new PlanRecord.MachineForgotten(machine.id())));
    }
}
