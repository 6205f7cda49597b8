package dev.muster.planner.core.rules;

import dev.muster.planner.core.Constraint;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Pool;
import dev.muster.planner.core.Proposal;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * A pool whose machines can't be listed is left as it is. A fleet that has lost its books so adopts what runs before it launches
 * anything.
 */
public final class HoldOnUnknownScopes implements Rule.OfLaunch {

    /** A scope at rest is listed every minute; this many lists may be lost. */
    private static final Duration STALE = Duration.ofMinutes(3);

    @Override
    public Proposal limit(Planning planning, Proposal proposal) {
        return unknown(planning, proposal.pool())
                .map(why -> proposal.atMost(0, why))
                .orElse(proposal);
    }

    /** Why the pool's machines are not known; empty: they are. */
    static Optional<Constraint> unknown(Planning planning, Pool pool) {
        for (var offer : pool.offers()) {
            var name = offer.key().scope();
            var scope = planning.fleet().scope(name);
            if (scope.isEmpty() || scope.get().listedAt().equals(Instant.EPOCH) && scope.get().failure().isEmpty()) {
                return Optional.of(because(Reason.SCOPE_UNKNOWN, name).how("never-listed").done());
            }
            if (!scope.get().foreignCluster().isEmpty()) {
                return Optional.of(because(Reason.FOREIGN_MARK, name).word("cluster", scope.get().foreignCluster()).done());
            }
            if (!scope.get().failure().isEmpty()) {
                return Optional.of(because(Reason.SCOPE_UNKNOWN, name).how("failed").word("failure", scope.get().failure()).done());
            }
            if (planning.areStale(scope.get().listedAt().plus(STALE))) {
                return Optional.of(because(Reason.SCOPE_UNKNOWN, name).how("silent").instant("since", scope.get().listedAt()).done());
            }
        }
        return Optional.empty();
    }

    private static Constraint.Draft because(Reason reason, String scope) {
        return Constraint.by(HoldOnUnknownScopes.class, reason).word("listed", scope);
    }
}
