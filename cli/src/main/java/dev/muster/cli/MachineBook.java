package dev.muster.cli;

import dev.muster.v1.MachineChange;
import dev.muster.v1.MachineRecord;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;

/** Machines as a watch tells of them, over broken connections: what was forgotten meanwhile is forgotten here. Thread-safe. */
final class MachineBook {

    private final TreeMap<String, MachineRecord> machines = new TreeMap<>();
    private final Set<String> told = new HashSet<>();
    private boolean fromStart;
    private boolean synced;

    /** A stream begins. @param fromStart without a resume token, so that everything is told */
    synchronized void opened(boolean fromStart) {
        this.fromStart = fromStart;
        told.clear();
    }

    synchronized void take(MachineChange change) {
        switch (change.getWhatCase()) {
            case MACHINE -> {
                machines.put(change.getMachine().getMachineId(), change.getMachine());
                told.add(change.getMachine().getMachineId());
            }
            case FORGOTTEN -> machines.remove(change.getForgotten());
            case SYNCED -> {
                if (fromStart || change.getFull()) {
                    machines.keySet().retainAll(told);
                }
                synced = true;
            }
            case WHAT_NOT_SET -> { }
        }
    }

    /** All that there were have been told once. */
    synchronized boolean isSynced() {
        return synced;
    }

    /** By machine id. */
    synchronized List<MachineRecord> all() {
        return List.copyOf(machines.values());
    }
}
