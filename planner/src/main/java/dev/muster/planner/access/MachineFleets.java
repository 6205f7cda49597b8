package dev.muster.planner.access;

import java.util.Optional;

/** Which fleet a machine is of: what a call about a machine needs is needed for its fleet. Thread-safe; never blocks. */
@FunctionalInterface
public interface MachineFleets {

    /** Empty: there is no such machine. */
    Optional<String> fleetOf(String machineId);
}
