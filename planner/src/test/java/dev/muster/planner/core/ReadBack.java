package dev.muster.planner.core;

import java.util.ArrayList;

/** A fleet as it would be stored and read again: what was in memory only is gone. */
public final class ReadBack {

    private ReadBack() {}

    public static Fleet of(Fleet fleet) {
        var machines = new ArrayList<>(fleet.active().values());
        machines.addAll(fleet.ended().values());
        return Fleet.restored(fleet.head(), fleet.memory(), fleet.ledger().book(), machines, fleet.queues().values(), fleet.workers().values());
    }
}
