package dev.muster.planner.view;

import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetView;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.Phase;

/** Fleets as they are now, put together of what the read model has. */
public final class FleetViews {

    private final ReadModel model;

    public FleetViews(ReadModel model) {
        this.model = model;
    }

    public FleetView of(FleetRecord fleet) {
        var view = FleetView.newBuilder().setRecord(fleet);
        int busy = 0;
        int idle = 0;
        int unpriced = 0;
        long rate = 0;
        for (MachineRecord machine : model.machinesOf(fleet.getFleet())) {
            if (!machine.getCounted()) {
                continue;
            }
            view.putMachines(machine.getPhase().name(), view.getMachinesOrDefault(machine.getPhase().name(), 0) + 1);
            if (machine.getTasksCount() > 0) {
                busy++;
            } else if (machine.getPhase() == Phase.READY) {
                idle++;
            }
            if (machine.hasCommittedMicrosPerHour()) {
                rate += machine.getCommittedMicrosPerHour();
            } else {
                unpriced++;
            }
        }
        var demand = model.demand(fleet.getFleet());
        var waiting = fleet.getSpec().getQueuesList().stream().mapToInt(queue -> demand.queue(queue.getName()).map(q -> q.getWaiting()).orElse(0)).sum();
        model.decisions(fleet.getFleet()).ifPresent(log -> view.addAllRefusals(log.refusals()));
        return view.setBusy(busy).setIdle(idle).setUnpriced(unpriced).setMicrosPerHour(rate).setWaiting(waiting).build();
    }
}
