package dev.muster.planner.view;

import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetView;

/** Fleets as they are now, put together of what the read model has. */
public final class FleetViews {

    private final ReadModel model;

    public FleetViews(ReadModel model) {
        this.model = model;
    }

    public FleetView of(FleetRecord fleet) {
        var view = FleetView.newBuilder().setRecord(fleet);
        var machines = model.tally(fleet.getFleet());
        var demand = model.demand(fleet.getFleet());
        var waiting = fleet.getSpec().getQueuesList().stream().mapToInt(queue -> demand.queue(queue.getName()).map(q -> q.getWaiting()).orElse(0)).sum();
        model.decisions(fleet.getFleet()).ifPresent(log -> view.addAllRefusals(log.refusals()));
        return view.putAllMachines(machines.byPhase()).setBusy(machines.busy()).setIdle(machines.idle()).setUnpriced(machines.unpriced())
                .setMicrosPerHour(machines.microsPerHour()).setWaiting(waiting).build();
    }
}
