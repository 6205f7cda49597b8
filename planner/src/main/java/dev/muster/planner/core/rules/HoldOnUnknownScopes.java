package dev.muster.planner.core.rules;

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
                .map(why -> proposal.atMost(0, this, why.reason(), why.text(), why.unblockedBy()))
                .orElse(proposal);
    }

    /** Why the pool's machines are not known; empty: they are. */
    static Optional<Why> unknown(Planning planning, Pool pool) {
        for (var offer : pool.offers()) {
            var name = offer.key().scope();
            var scope = planning.fleet().scope(name);
            if (scope.isEmpty() || scope.get().listedAt().equals(Instant.EPOCH) && scope.get().failure().isEmpty()) {
                return Optional.of(new Why(Reason.SCOPE_UNKNOWN, name + " has not been listed yet", "its first complete list; is its provisioner running?"));
            }
            if (!scope.get().foreignCluster().isEmpty()) {
                return Optional.of(new Why(Reason.FOREIGN_MARK, name + " has live machines kept by another Kafka cluster, " + scope.get().foreignCluster(),
                        "the mark's age, or muster takeover"));
            }
            if (!scope.get().failure().isEmpty()) {
                return Optional.of(new Why(Reason.SCOPE_UNKNOWN, name + " could not be listed (" + scope.get().failure() + ")", "its next complete list"));
            }
            if (planning.areStale(scope.get().listedAt().plus(STALE))) {
                return Optional.of(new Why(Reason.SCOPE_UNKNOWN, name + " was last listed at " + scope.get().listedAt(),
                        "its next complete list; is its provisioner running?"));
            }
        }
        return Optional.empty();
    }

    record Why(Reason reason, String text, String unblockedBy) {}
}
