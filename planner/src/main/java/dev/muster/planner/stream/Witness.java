package dev.muster.planner.stream;

import dev.muster.planner.core.Command;
import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.PlanRecord;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.MachineReport;
import java.time.Instant;
import java.util.Map;

/** Told of an owner's work as it goes on, for logs and figures. Nothing depends on it, and a replay has one that is silent. */
interface Witness {

    Witness SILENT = new Witness() {};

    default void read(String topic) {}

    default void deadLettered(String topic, int partition, long offset, String reason) {}

    /** A record about a fleet that nobody declared. */
    default void ofNobody() {}

    default void created(FleetRecord record, String caller) {}

    /** A fleet was declared, and no state of it found. */
    default void adopted(FleetRecord record, int machines) {}

    default void forgotten(String fleet) {}

    default void decided(String fleet, PlanRecord.Decided decided) {}

    default void refused(String fleet, PlanRecord.Refused refused) {}

    /** What the watcher says of a fleet, before it is applied. */
    default void heard(String fleet, DemandEvent event) {}

    /** What a provisioner says of a fleet, before it is applied. */
    default void heard(String fleet, MachineReport report) {}

    default void commanded(String fleet, Command command) {}

    /** A plan left a machine like that. */
    default void changed(String fleet, Machine machine, Instant now) {}

    default void wrote(String fleet, PlanRecord.HistoryWritten history) {}

    /** A plan of the fleet is written. */
    default void planned(String fleet, long nanos) {}

    /** How a fleet is, every few seconds. It must not be kept. */
    default void stands(int partition, Fleet fleet, String currency, boolean isSetAside, Instant now) {}

    /** What is there of each topic and has not been taken, every few seconds. */
    default void lags(int partition, Map<String, Long> records) {}

    /** What is stored of a fleet can't be loaded. */
    default void unreadable(String fleet, RuntimeException why) {}

    /** An error of ours kept a fleet from being planned, or a record from being applied. */
    default void troubled() {}

    /** Such an error is new, or lasts. */
    default void setAside(String fleet, RuntimeException bug) {}

    /** @param fleets 0: it may own the partition no more */
    default void owns(int partition, int fleets) {}
}
