package dev.muster.watcher.clearml;

import dev.muster.clearml.Worker;
import dev.muster.watcher.Seen;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The server's rows as workers, each id once and sorted by it, from one answer to the next: a row that is the same object as before is not
 * looked at again. One thread at a time.
 */
final class WorkerList {

    /** Rows may have moved by as many places as others came or went before them; beyond, they are taken for new. */
    private static final int REACH = 16;
    private static final Comparator<Seen.Worker> NEWEST_LAST =
            Comparator.comparing(Seen.Worker::lastReport, Comparator.nullsFirst(Comparator.<java.time.Instant>naturalOrder()))
                    // At the same instant, busy is the safe reading.
                    .thenComparing(worker -> !worker.task().isEmpty());

    private List<Worker> rows = List.of();
    private final Map<String, List<Worker>> rowsById = new HashMap<>();
    private List<Seen.Worker> workers = List.of();
    /** Those that are left out. */
    private final List<Worker> musters = new ArrayList<>(1);

    /** @param now the answer's rows; those that stand for a Muster are left out, since they never take a task */
    List<Seen.Worker> of(List<Worker> now) {
        var touched = new TreeSet<String>();
        compare(now, touched);
        rows = now;
        if (!touched.isEmpty()) {
            var next = new ArrayList<>(workers);
            touched.forEach(id -> update(next, id));
            workers = Collections.unmodifiableList(next);
        }
        return workers;
    }

    /** The last answer had a row of this id that stands for a Muster. */
    boolean hasMuster(String id) {
        return musters.stream().anyMatch(row -> row.id().equals(id));
    }

    private void compare(List<Worker> now, Set<String> touched) {
        var was = 0;
        var is = 0;
        while (was < rows.size() || is < now.size()) {
            var gone = 0;
            var come = 0;
            if (was == rows.size()) {
                come = 1;
            } else if (is == now.size()) {
                gone = 1;
            } else if (rows.get(was) != now.get(is)) {
                gone = distance(rows, was, now.get(is));
                come = gone > 0 ? 0 : distance(now, is, rows.get(was));
                if (gone + come == 0) {
                    gone = 1;
                    come = 1;
                }
            } else {
                was++;
                is++;
            }
            for (; gone > 0; gone--) {
                remove(rows.get(was++), touched);
            }
            for (; come > 0; come--) {
                add(now.get(is++), touched);
            }
        }
    }

    /** How many places after {@code from} this very row is; 0: not within reach. */
    private static int distance(List<Worker> in, int from, Worker row) {
        for (var step = 1; step <= REACH && from + step < in.size(); step++) {
            if (in.get(from + step) == row) {
                return step;
            }
        }
        return 0;
    }

    private void remove(Worker row, Set<String> touched) {
        if (row.isMuster()) {
            removeOne(musters, row);
            return;
        }
        var same = rowsById.get(row.id());
        if (same != null) {
            removeOne(same, row);
            if (same.isEmpty()) {
                rowsById.remove(row.id());
            }
            touched.add(row.id());
        }
    }

    /** One of it: a row that moved comes before it goes. */
    private static void removeOne(List<Worker> rows, Worker row) {
        for (var i = 0; i < rows.size(); i++) {
            if (rows.get(i) == row) {
                rows.remove(i);
                return;
            }
        }
    }

    private void add(Worker row, Set<String> touched) {
        if (row.isMuster()) {
            musters.add(row);
        } else {
            rowsById.computeIfAbsent(row.id(), id -> new ArrayList<>(1)).add(row);
            touched.add(row.id());
        }
    }

    private void update(List<Seen.Worker> list, String id) {
        // One id under two users, as after a rotated key, is two rows: the one that reports is the worker.
        var is = rowsById.getOrDefault(id, List.of()).stream().map(WorkerList::seen).max(NEWEST_LAST).orElse(null);
        var place = place(list, id);
        if (place < 0 && is != null) {
            list.add(-place - 1, is);
        } else if (place >= 0 && is == null) {
            list.remove(place);
        } else if (place >= 0 && !is.equals(list.get(place))) {
            list.set(place, is);
        }
    }

    /** As {@link Collections#binarySearch}. */
    private static int place(List<Seen.Worker> list, String id) {
        var low = 0;
        var high = list.size() - 1;
        while (low <= high) {
            var middle = (low + high) >>> 1;
            var order = list.get(middle).id().compareTo(id);
            if (order == 0) {
                return middle;
            }
            low = order < 0 ? middle + 1 : low;
            high = order < 0 ? high : middle - 1;
        }
        return -low - 1;
    }

    private static Seen.Worker seen(Worker row) {
        return new Seen.Worker(row.id(), row.user(), row.task(), row.project(), row.queues(), row.registered(), row.lastReport());
    }
}
