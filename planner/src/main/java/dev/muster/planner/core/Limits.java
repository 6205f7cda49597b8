package dev.muster.planner.core;

import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * How few and how many machines. {@code min} stay up even with no demand.
 *
 * @param resources of a fleet: most of each resource, in thousandths, that its machines may request together; empty: no such limit
 */
public record Limits(int min, int max, SortedMap<String, Long> resources) {

    public static final Limits NONE = new Limits(0, Integer.MAX_VALUE);

    public Limits(int min, int max) {
        this(min, max, Collections.emptySortedMap());
    }

    public Limits {
        if (min < 0 || max < min) {
            throw new IllegalArgumentException("need 0 <= min <= max, got min=" + min + ", max=" + max);
        }
        resources = Collections.unmodifiableSortedMap(new TreeMap<>((Map<String, Long>) resources));
    }
}
