package dev.muster.planner.stream;

import dev.muster.planner.core.Command;
import dev.muster.planner.core.PlanRecord;
import dev.muster.v1.FleetRecord;

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

    default void commanded(Command command) {}

    default void planned(long nanos) {}

    /** What is stored of a fleet can't be loaded. */
    default void unreadable(String fleet, RuntimeException why) {}

    /** An error of ours kept a fleet from being planned, or a record from being applied. */
    default void troubled() {}

    /** Such an error is new, or lasts. */
    default void setAside(String fleet, RuntimeException bug) {}

    default void owns(int partition, int fleets) {}
}
