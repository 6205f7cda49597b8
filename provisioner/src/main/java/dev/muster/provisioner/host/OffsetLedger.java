package dev.muster.provisioner.host;

import java.util.ArrayList;
import java.util.NavigableSet;
import java.util.TreeSet;

/**
 * What of one partition has been read and finished. Commands finish in any order; the offset that may be committed is that of the
 * oldest unfinished one. What is finished beyond it goes into the commit's metadata, so that a successor doesn't do it twice:
 * a refused launch that was called again could succeed, and nobody waits for its machine any more. Thread-safe.
 */
final class OffsetLedger {

    /** Of a commit's metadata; brokers allow 4,096 bytes unless told otherwise. */
    private static final int MOST_METADATA = 4_000;

    private final NavigableSet<Long> unfinished = new TreeSet<>();
    private final NavigableSet<Long> finishedAhead = new TreeSet<>();
    private long next;

    /**
     * @param start where reading begins
     * @param metadata of the predecessor's commit; anything else than ours is ignored
     */
    OffsetLedger(long start, String metadata) {
        next = start;
        if (metadata != null && metadata.matches("\\+[0-9,-]+")) {
            for (var range : metadata.substring(1).split(",")) {
                var ends = range.split("-");
                long first = start + Long.parseLong(ends[0]);
                long last = start + Long.parseLong(ends[ends.length - 1]);
                for (long offset = first; offset <= last; offset++) {
                    finishedAhead.add(offset);
                }
            }
        }
    }

    /** A record was read. @return false if a predecessor finished it */
    synchronized boolean read(long offset) {
        next = offset + 1;
        if (finishedAhead.contains(offset)) {
            return false;
        }
        unfinished.add(offset);
        return true;
    }

    synchronized void finish(long offset) {
        if (unfinished.remove(offset)) {
            finishedAhead.add(offset);
        }
        finishedAhead.headSet(committable()).clear();
    }

    synchronized long committable() {
        return unfinished.isEmpty() ? next : unfinished.first();
    }

    synchronized int unfinished() {
        return unfinished.size();
    }

    /** Offsets finished beyond {@link #committable}, as ranges relative to it; those that don't fit are done again. */
    synchronized String metadata() {
        long base = committable();
        var ranges = new ArrayList<String>();
        int length = 1;
        Long first = null;
        Long last = null;
        for (Long offset : finishedAhead.tailSet(base)) {
            if (last != null && offset != last + 1) {
                length += add(ranges, first - base, last - base);
                first = null;
            }
            first = first == null ? offset : first;
            last = offset;
            if (length > MOST_METADATA) {
                break;
            }
        }
        if (first != null && length <= MOST_METADATA) {
            add(ranges, first - base, last - base);
        }
        return ranges.isEmpty() ? "" : "+" + String.join(",", ranges);
    }

    private static int add(ArrayList<String> ranges, long first, long last) {
        var range = first == last ? Long.toString(first) : first + "-" + last;
        ranges.add(range);
        return range.length() + 1;
    }
}
