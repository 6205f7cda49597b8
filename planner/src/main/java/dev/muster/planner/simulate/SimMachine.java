package dev.muster.planner.simulate;

import dev.muster.planner.core.CloudState;
import dev.muster.planner.core.Command;
import dev.muster.planner.core.Costs;
import dev.muster.planner.core.Ending;
import dev.muster.planner.core.FleetEvent.MachineFacts;
import dev.muster.planner.core.Mark;
import dev.muster.planner.core.Offer;
import dev.muster.planner.core.OfferKey;
import dev.muster.planner.core.Pool;
import java.math.BigInteger;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** One machine as its cloud and its guard have it; the planner learns of it by reports. Moments are seconds, -1 where not yet. */
final class SimMachine {

    /** EC2 charges by the second, and a minute at least. */
    private static final long LEAST_PAID = 60;

    final String id;
    final String pool;
    final int slots;
    final Offer offer;
    private final Costs costs;
    final String batch;
    final int index;
    final String cloudId;
    final List<String> queueIds;
    /** Which launch of its pool it is, from 1. */
    final long number;

    CloudState state = CloudState.UNKNOWN;
    Ending ending = Ending.UNKNOWN;
    Mark mark = Mark.NONE;
    /** The guard lets no further task in. */
    boolean gateClosed;
    /** The planner has asked for its end, or the cloud has taken it: no waiting task may count on it. */
    boolean isLeaving;
    boolean refused;
    long accepted = -1;
    long running = -1;
    long registered = -1;
    long closed = -1;
    long ended = -1;
    long gone = -1;
    final List<SimAgent> agents = new ArrayList<>();
    private final List<Run> runs = new ArrayList<>();

    /** Seconds of one task on it; a task that was lost made nothing of them. */
    private record Run(long from, long to, boolean completed) {}

    SimMachine(Command.Launch launch, int index, Offer offer, Pool pool, String cloudId, long number) {
        id = launch.machineIds().get(index);
        this.pool = pool.name();
        batch = launch.batchId();
        queueIds = launch.queueIds();
        this.index = index;
        this.offer = offer;
        slots = pool.slots();
        costs = pool.costs();
        this.cloudId = cloudId;
        this.number = number;
    }

    OfferKey key() {
        return offer.key();
    }

    boolean isAlive() {
        return state.isAlive();
    }

    boolean isBusy() {
        for (var agent : agents) {
            if (agent.task != null) {
                return true;
            }
        }
        return false;
    }

    /** Its worker has not registered, and no refusal or end has come. */
    boolean isStarting() {
        return !refused && !isLeaving && registered < 0 && ended < 0;
    }

    void ran(long from, long to, boolean completed) {
        runs.add(new Run(from, to, completed));
    }

    MachineFacts facts(Instant launchedAt) {
        return new MachineFacts(id, pool, cloudId, batch, index, key(), state, ending, launchedAt, mark, "");
    }

    /** Its account, once it has ended. */
    MachineOutcome outcome(CloudWeather weather) {
        if (running < 0) {
            return new MachineOutcome(id, pool, key(), accepted, -1, ended, gone, 0, 0, 0, 0,
                    offer.price().isPresent() ? BigInteger.ZERO : null, 0);
        }
        long paidTo = Math.max(ended, running + LEAST_PAID);
        long useful = union(runs.stream().filter(Run::completed).toList());
        long occupied = union(runs);
        long idle = 0;
        long boot = 0;
        if (registered >= 0) {
            boot = registered - running;
            long open = closed < 0 ? ended : Math.min(closed, ended);
            // Runs after the mark are useful or lost; what is left before it is idle.
            idle = Math.max(0, open - registered - union(runs.stream().map(run -> new Run(run.from, Math.min(run.to, open), run.completed)).toList()));
        }
        long waste = paidTo - running - boot - idle - useful;
        if (waste < occupied - useful) {
            throw new IllegalStateException("the seconds of " + id + " don't add up");
        }
        return new MachineOutcome(id, pool, key(), accepted, running, ended, gone, useful, idle, boot, waste,
                weather.cost(offer, costs, running, paidTo), (int) runs.stream().filter(Run::completed).count());
    }

    /** Seconds that lie in at least one of them. */
    private static long union(List<Run> runs) {
        long sum = 0;
        long until = Long.MIN_VALUE;
        for (var run : runs.stream().sorted(Comparator.comparingLong(Run::from)).toList()) {
            if (run.to > until) {
                sum += run.to - Math.max(run.from, until);
                until = run.to;
            }
        }
        return sum;
    }
}
