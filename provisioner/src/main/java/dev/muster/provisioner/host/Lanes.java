package dev.muster.provisioner.host;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/**
 * Who may run now: commands of one machine in order, all others side by side. A launch stands in the lane of each of its machines.
 * Thread-safe.
 */
final class Lanes {

    private final Map<String, ArrayDeque<Work>> lanes = new HashMap<>();

    /** @return true if it may run at once; else it is returned by a later {@link #done} */
    synchronized boolean add(Work work) {
        boolean first = true;
        for (var machine : work.machineIds()) {
            var lane = lanes.computeIfAbsent(machine, none -> new ArrayDeque<>(2));
            lane.add(work);
            first &= lane.peek() == work;
        }
        return first;
    }

    /** @return what may run now that it has ended */
    synchronized List<Work> done(Work work) {
        var heads = new LinkedHashSet<Work>();
        for (var machine : work.machineIds()) {
            var lane = lanes.get(machine);
            if (lane == null || lane.peek() != work) {
                throw new IllegalStateException("a command of " + machine + " ended that was not running");
            }
            lane.poll();
            if (lane.isEmpty()) {
                lanes.remove(machine);
            } else {
                heads.add(lane.peek());
            }
        }
        var free = new ArrayList<Work>();
        for (var head : heads) {
            if (head.machineIds().stream().allMatch(machine -> lanes.get(machine).peek() == head)) {
                free.add(head);
            }
        }
        return free;
    }
}
