package dev.muster.planner.stream;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;

/** Whether this process plans all that it owns: each partition's inputs have been read up to what was there, and its turns come. Thread-safe. */
final class Progress {

    private final Map<Integer, Turn> turns = new ConcurrentHashMap<>();

    private record Turn(boolean isCaughtUp, long at) {}

    void turn(int partition, boolean isCaughtUp) {
        turns.put(partition, new Turn(isCaughtUp, System.nanoTime()));
    }

    /** It is another process's, or begins anew. */
    void ended(int partition) {
        turns.remove(partition);
    }

    /** Why not all is planned; empty: it is. */
    Optional<String> trouble(Duration longestTurn) {
        var behind = those(turn -> !turn.isCaughtUp());
        if (!behind.isEmpty()) {
            return Optional.of("what was there at its start is still being read; partitions " + behind);
        }
        var still = stuck(longestTurn);
        return still.isEmpty() ? Optional.empty() : Optional.of("planning stands still for more than " + longestTurn.toSeconds() + " s; partitions " + still);
    }

    /** Partitions that had no turn for so long. */
    TreeSet<Integer> stuck(Duration longestTurn) {
        var now = System.nanoTime();
        return those(turn -> now - turn.at() > longestTurn.toNanos());
    }

    private TreeSet<Integer> those(Predicate<Turn> which) {
        var those = new TreeSet<Integer>();
        turns.forEach((partition, turn) -> {
            if (which.test(turn)) {
                those.add(partition);
            }
        });
        return those;
    }
}
