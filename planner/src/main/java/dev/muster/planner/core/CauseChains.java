package dev.muster.planner.core;

import java.util.Collection;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Follows, for each machine, which decision led to which. A machine's chain is whole if it begins with its launch or its adoption, and every
 * later decision about it names an earlier one as a cause.
 */
public final class CauseChains {

    private static final Set<Reason> BEGINNINGS = EnumSet.of(Reason.TASKS_WAIT, Reason.LAUNCH_WAS_REFUSED, Reason.BELOW_MINIMUM, Reason.BELOW_WARM,
            Reason.IS_UNKNOWN, Reason.IS_ORPHAN, Reason.ADOPTION);

    private final Map<String, Set<String>> decisionsOf = new HashMap<>();
    private final TreeSet<String> broken = new TreeSet<>();

    /** Takes note of a decision, in the order in which they were made. @param reason null: one that this release does not know */
    public void decided(String decisionId, Reason reason, Collection<String> machines, Collection<String> causes) {
        for (var machine : machines) {
            var earlier = decisionsOf.computeIfAbsent(machine, id -> new HashSet<>());
            // An adoption that nothing came of may be begun anew.
            var begins = earlier.isEmpty() ? BEGINNINGS.contains(reason) : reason == Reason.ADOPTION && causes.isEmpty();
            if (!begins && causes.stream().noneMatch(earlier::contains)) {
                broken.add(machine);
            }
            earlier.add(decisionId);
        }
    }

    /** How many machines were decided about. */
    public int machines() {
        return decisionsOf.size();
    }

    /** Ids of those whose chain has a gap. */
    public SortedSet<String> broken() {
        return new TreeSet<>(broken);
    }
}
