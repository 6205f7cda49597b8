package dev.muster.planner.replay;

import java.util.List;
import java.util.SortedSet;

/**
 * How a replay went.
 *
 * @param releases of the planner that wrote what was replayed
 */
public record ReplayReport(List<OfFleet> fleets, SortedSet<String> releases) {

    /**
     * How the replay of one fleet went. It ends at the first plan that differs, since what follows from that differs, too.
     *
     * @param from where it began: "creation", or the instant of a snapshot; empty: nowhere
     * @param decisions decisions and refusals that were compared
     * @param rows of the tables {@code fleets} and {@code machines}, and of figures in {@code history}
     * @param machines that were decided about since the fleet's creation; 0 where the replay began later
     * @param withoutChain ids of those to which no unbroken chain of causes leads from their launch; sorted
     * @param notCompared why something could not be; empty: all was
     */
    public record OfFleet(String fleet, String from, long plans, long decisions, long commands, long answers, long snapshots, long rows,
            int machines, SortedSet<String> withoutChain, String notCompared, List<Difference> differences) {}

    public ReplayReport {
        fleets = List.copyOf(fleets);
    }

    public long plans() {
        return fleets.stream().mapToLong(OfFleet::plans).sum();
    }

    public long decisions() {
        return fleets.stream().mapToLong(OfFleet::decisions).sum();
    }

    /** Machines without an unbroken chain of causes, of all fleets. */
    public long withoutChain() {
        return fleets.stream().mapToLong(fleet -> fleet.withoutChain().size()).sum();
    }

    public List<Difference> differences() {
        return fleets.stream().flatMap(fleet -> fleet.differences().stream()).toList();
    }
}
