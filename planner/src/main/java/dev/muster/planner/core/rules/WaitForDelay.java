package dev.muster.planner.core.rules;

import dev.muster.planner.core.Constraint;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Proposal;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;

/** A queue gets a machine only after it has waited for the pool's scale-out delay: what idle machines will take in a moment is not bought. */
public final class WaitForDelay implements Rule.OfLaunch {

    @Override
    public Proposal limit(Planning planning, Proposal proposal) {
        var delay = proposal.pool().scaleOutDelay();
        if (delay.isZero() || proposal.queue().isEmpty()) {
            return proposal;
        }
        var from = planning.fleet().waitingSince(proposal.queue()).orElse(planning.now()).plus(delay);
        return planning.hasPassed(from) ? proposal : proposal.atMost(0, Constraint.by(this, Reason.WAITS_FOR_DELAY).word("queue", proposal.queue())
                .word("pool", proposal.pool().name()).seconds("delaySeconds", delay).instant("until", from).done());
    }
}
