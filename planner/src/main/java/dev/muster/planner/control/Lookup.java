package dev.muster.planner.control;

import dev.muster.planner.access.Caller;
import dev.muster.planner.answer.ApiErrors;
import dev.muster.planner.view.ReadModel;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetState;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.QueueSpec;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Finds what requests name. Every method throws {@link io.grpc.StatusRuntimeException}: INVALID_ARGUMENT where nothing is named, NOT_FOUND where
 * there is no such thing.
 */
final class Lookup {

    private Lookup() {}

    /** @param field of the request that names it */
    static FleetRecord fleet(ReadModel model, String field, String name) {
        if (name.isEmpty()) {
            throw ApiErrors.invalid(field, "is missing", "name a fleet, as fleet list shows it");
        }
        return model.fleet(name).orElseThrow(() -> ApiErrors.notFound("There is no fleet '" + name + "'."));
    }

    /** As {@link #fleet}; one that was deleted, and whose record is still there, is none. */
    static FleetRecord standing(ReadModel model, String field, String name) {
        var fleet = fleet(model, field, name);
        if (fleet.getState() == FleetState.DELETED) {
            throw ApiErrors.notFound("Fleet '" + name + "' was deleted.");
        }
        return fleet;
    }

    /** The one that is named, or all that are there and that the caller may read. */
    static Stream<FleetRecord> fleets(ReadModel model, String name) {
        return name.isEmpty() ? readable(model.fleets().values().stream()) : Stream.of(fleet(model, "fleet", name));
    }

    /** Of these fleets, those that are there and that the caller may read. */
    static Stream<FleetRecord> readable(Stream<FleetRecord> fleets) {
        var caller = Caller.current();
        return fleets.filter(fleet -> fleet.getState() != FleetState.DELETED && caller.mayRead(fleet.getFleet()));
    }

    static QueueSpec queue(FleetRecord fleet, String name) {
        if (name.isEmpty()) {
            throw ApiErrors.invalid("queue", "is missing", "name one of the fleet's queues, as queue list shows them");
        }
        return fleet.getSpec().getQueuesList().stream().filter(queue -> queue.getName().equals(name)).findFirst()
                .orElseThrow(() -> ApiErrors.notFound("Fleet " + fleet.getFleet() + " has no queue '" + name + "'; it has: "
                        + fleet.getSpec().getQueuesList().stream().map(QueueSpec::getName).collect(Collectors.joining(", ")) + "."));
    }

    static MachineRecord machine(ReadModel model, String id) {
        if (id.isEmpty()) {
            throw ApiErrors.invalid("machineId", "is missing", "name a machine, as machine list shows it");
        }
        return model.machine(id).orElseThrow(() -> ApiErrors.notFound("There is no machine '" + id + "'."));
    }
}
