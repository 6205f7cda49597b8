package dev.muster.planner.core.rules;

import dev.muster.planner.core.Constraint;
import dev.muster.planner.core.Hold;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Pool;
import dev.muster.planner.core.Proposal;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;
import java.time.Duration;

/** No faster than the pool's pace, and only one at a time while its machines fail to boot. */
public final class GrowGradually implements Rule.OfLaunch {

    /** Boots that must fail in a row before the pool is taken to be broken. */
    static final int FAILED_BOOTS = 3;
    /** Then one machine is tried this often. */
    static final Duration CIRCUIT_PROBE = Duration.ofMinutes(10);

    @Override
    public Proposal limit(Planning planning, Proposal proposal) {
        var pool = proposal.pool();
        var books = planning.books(pool);
        var circuit = planning.fleet().hold(Hold.Kind.CIRCUIT, pool.name()).filter(hold -> hold.failures() >= FAILED_BOOTS);
        if (circuit.isPresent()) {
            var hold = circuit.get();
            var mayProbe = planning.hasPassed(hold.until()) && books.starting() == 0;
            var constraint = Constraint.by(this, Reason.CIRCUIT_OPEN).how(mayProbe ? "probing" : "held").word("pool", pool.name())
                    .number("failedBoots", hold.failures()).wordIfAny("detail", hold.message());
            if (!mayProbe) {
                constraint.instant("until", hold.until());
            }
            proposal = proposal.atMost(mayProbe ? 1 : 0, constraint.done());
        }
        if (pool.unregistered() > 0) {
            proposal = proposal.atMost(pool.unregistered() - books.starting(), constraint(pool, "booting", books.starting(), pool.unregistered()));
        }
        if (pool.launchesPerMinute() > 0) {
            var minuteAgo = planning.now().minusSeconds(60);
            var recent = planning.fleet().byYouth(pool.name()).takeWhile(machine -> machine.requestedAt().isAfter(minuteAgo)).toList();
            if (!recent.isEmpty()) {
                planning.remind(recent.get(recent.size() - 1).requestedAt().plusSeconds(60));
            }
            proposal = proposal.atMost(pool.launchesPerMinute() - recent.size(), constraint(pool, "minute", recent.size(), pool.launchesPerMinute()));
        }
        return proposal;
    }

    private Constraint constraint(Pool pool, String how, int machines, int limit) {
        return Constraint.by(this, Reason.AT_PACE).how(how).word("pool", pool.name()).number("machines", machines).number("limit", limit).done();
    }
}
