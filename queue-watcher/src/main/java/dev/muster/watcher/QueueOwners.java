package dev.muster.watcher;

import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;

/** Which fleet has each queue of one connection: two fleets under one queue would both start machines for every task. */
record QueueOwners(Map<String, String> fleetByQueue) {

    /** The older fleet has it, then the one whose name comes first; one that is leaving yields to any other. */
    static final Comparator<WatchedFleet> PRECEDENCE = Comparator.comparing(WatchedFleet::isLeaving)
            .thenComparing(WatchedFleet::createdAt)
            .thenComparing(WatchedFleet::name);

    static QueueOwners among(Collection<WatchedFleet> fleets) {
        var owners = new HashMap<String, String>();
        fleets.stream().sorted(PRECEDENCE).forEach(fleet -> fleet.queues().forEach(queue -> owners.putIfAbsent(queue, fleet.name())));
        return new QueueOwners(owners);
    }

    boolean owns(WatchedFleet fleet, String queue) {
        return fleet.name().equals(fleetByQueue.get(queue));
    }
}
