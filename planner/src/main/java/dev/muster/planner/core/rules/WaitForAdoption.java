package dev.muster.planner.core.rules;

import dev.muster.planner.core.Constraint;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Proposal;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;

/** Nothing is launched for what machines that are being adopted may take, nor beside machines that are not counted yet. */
public final class WaitForAdoption implements Rule.OfLaunch {

    @Override
    public Proposal limit(Planning planning, Proposal proposal) {
        if (planning.awaited() == 0) {
            return proposal;
        }
        planning.remind(planning.awaitedUntil());
        return proposal.atMost(0, Constraint.by(this, Reason.WAITS_FOR_ADOPTION).number("machines", planning.awaited())
                .instant("until", planning.awaitedUntil()).done());
    }
}
