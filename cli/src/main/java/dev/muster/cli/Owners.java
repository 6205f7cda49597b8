package dev.muster.cli;

import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetState;
import dev.muster.v1.FleetView;
import java.util.List;
import java.util.function.Predicate;

/** Which fleet a queue or pool is of, for people who know only its own name. */
final class Owners {

    private Owners() {}

    /** @throws CliFailure if no fleet serves it, or several do */
    static String ofQueue(Control control, String queue) {
        return only("queue", queue, fleets(control, record -> record.getSpec().getQueuesList().stream().anyMatch(one -> one.getName().equals(queue))),
                "no fleet serves a queue " + queue + ": ./muster queue list shows those that are served");
    }

    /** @throws CliFailure if no fleet has it, or several have one of this name */
    static String ofPool(Control control, String pool) {
        return only("pool", pool, fleets(control, record -> record.getSpec().getPoolsList().stream().anyMatch(one -> one.getName().equals(pool))),
                "no fleet has a pool " + pool + ": ./muster pool list shows those that there are");
    }

    private static List<String> fleets(Control control, Predicate<FleetRecord> having) {
        return control.allFleets().stream().map(FleetView::getRecord).filter(record -> record.getState() != FleetState.DELETED && having.test(record))
                .map(FleetRecord::getFleet).toList();
    }

    private static String only(String kind, String name, List<String> fleets, String none) {
        if (fleets.isEmpty()) {
            throw CliFailure.failed(none);
        }
        if (fleets.size() > 1) {
            throw CliFailure.usage(kind + " " + name + " is in the fleets " + String.join(", ", fleets) + ": choose one with --fleet");
        }
        return fleets.get(0);
    }
}
