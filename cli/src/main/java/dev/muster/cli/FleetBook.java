package dev.muster.cli;

import dev.muster.v1.FleetChange;
import dev.muster.v1.FleetView;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;

/** Fleets as a watch tells of them, over broken connections. Thread-safe. */
final class FleetBook {

    private final TreeMap<String, FleetView> fleets = new TreeMap<>();
    private final Set<String> told = new HashSet<>();
    private boolean synced;

    /** A stream begins, with everything. */
    synchronized void opened() {
        told.clear();
    }

    synchronized void take(FleetChange change) {
        switch (change.getWhatCase()) {
            case FLEET -> {
                fleets.put(change.getFleet().getRecord().getFleet(), change.getFleet());
                told.add(change.getFleet().getRecord().getFleet());
            }
            case FORGOTTEN -> fleets.remove(change.getForgotten());
            case SYNCED -> {
                fleets.keySet().retainAll(told);
                synced = true;
            }
            case WHAT_NOT_SET -> { }
        }
    }

    /** All that there were have been told once. */
    synchronized boolean isSynced() {
        return synced;
    }

    /** By name. */
    synchronized List<FleetView> all() {
        return List.copyOf(fleets.values());
    }
}
