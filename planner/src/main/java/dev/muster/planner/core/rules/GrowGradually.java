package dev.muster.planner.core.rules;

import dev.muster.planner.core.Hold;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Proposal;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;
import java.time.Duration;
import java.util.Comparator;

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
            proposal = proposal.atMost(mayProbe ? 1 : 0, this, Reason.CIRCUIT_OPEN,
                    hold.failures() + " boots of " + pool.name() + " failed in a row (" + hold.message() + ")",
                    mayProbe ? "the one machine that tries now" : "a probe at " + hold.until());
        }
        if (pool.unregistered() > 0) {
            proposal = proposal.atMost(pool.unregistered() - books.starting(), this, Reason.AT_PACE,
                    pool.name() + " has " + books.starting() + " machines booting, of at most " + pool.unregistered(), "a machine's worker registering");
        }
        if (pool.launchesPerMinute() > 0) {
            var minuteAgo = planning.now().minusSeconds(60);
            var recent = planning.fleet().active().values().stream()
                    .filter(machine -> machine.pool().equals(pool.name()) && machine.requestedAt().isAfter(minuteAgo))
                    .sorted(Comparator.comparing(Machine::requestedAt)).toList();
            if (!recent.isEmpty()) {
                planning.remind(recent.get(0).requestedAt().plusSeconds(60));
            }
            proposal = proposal.atMost(pool.launchesPerMinute() - recent.size(), this, Reason.AT_PACE,
                    pool.name() + " had " + recent.size() + " launches in the last minute, of at most " + pool.launchesPerMinute(), "the minute passing");
        }
        return proposal;
    }
}
