package dev.muster.planner.control;

import dev.muster.planner.answer.Calls;
import dev.muster.planner.view.DecisionLog;
import dev.muster.planner.view.ReadModel;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.ListPoolsRequest;
import dev.muster.v1.ListPoolsResponse;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.Phase;
import dev.muster.v1.PoolSpec;
import dev.muster.v1.PoolView;
import dev.muster.v1.PoolsGrpc;
import dev.muster.v1.Refusal;
import io.grpc.stub.StreamObserver;
import io.quarkus.grpc.GrpcService;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;

/** Pools as they are now, over gRPC. */
@GrpcService
final class PoolsService extends PoolsGrpc.PoolsImplBase {

    private final ReadModel model;
    private final PoolBounds bounds;

    PoolsService(ReadModel model, PoolBounds bounds) {
        this.model = model;
        this.bounds = bounds;
    }

    @Override
    public void listPools(ListPoolsRequest request, StreamObserver<ListPoolsResponse> call) {
        Calls.answer(call, () -> {
            var response = ListPoolsResponse.newBuilder();
            var now = Instant.now();
            Lookup.fleets(model, request.getFleet()).forEach(fleet -> pools(fleet, now).forEach(response::addPools));
            return response.build();
        });
    }

    private List<PoolView> pools(FleetRecord fleet, Instant now) {
        var machines = model.machinesOf(fleet.getFleet()).stream().filter(MachineRecord::getCounted).collect(Collectors.groupingBy(MachineRecord::getPool));
        var refusals = model.decisions(fleet.getFleet()).map(DecisionLog::refusals).orElse(List.of());
        var open = bounds.of(fleet, now);
        return fleet.getSpec().getPoolsList().stream()
                .map(pool -> view(fleet, pool, open.get(pool.getName()), machines.getOrDefault(pool.getName(), List.of()), refusals)).toList();
    }

    private static PoolView view(FleetRecord fleet, PoolSpec pool, PoolBounds.Bounds open, List<MachineRecord> machines, Collection<Refusal> refusals) {
        var view = PoolView.newBuilder().setFleet(fleet.getFleet()).setName(pool.getName())
                .setMin(open.min()).setMax(open.max()).setWarm(open.warm()).setPaused(open.paused());
        for (var machine : machines) {
            view.putMachines(machine.getPhase().name(), view.getMachinesOrDefault(machine.getPhase().name(), 0) + 1);
            if (machine.getTasksCount() > 0) {
                view.setBusy(view.getBusy() + 1);
            } else if (machine.getPhase() == Phase.READY) {
                view.setIdle(view.getIdle() + 1);
            }
            if (machine.hasCommittedMicrosPerHour()) {
                view.setMicrosPerHour(view.getMicrosPerHour() + machine.getCommittedMicrosPerHour());
            } else {
                view.setUnpriced(view.getUnpriced() + 1);
            }
        }
        // A warning names its pool among its words.
        refusals.stream().filter(refusal -> refusal.getPool().equals(pool.getName()) || refusal.getWordsOrDefault("pool", "").equals(pool.getName()))
                .forEach(view::addRefusals);
        fleet.getSpec().getQueuesList().stream().filter(queue -> queue.getPoolsList().contains(pool.getName())).forEach(queue -> view.addQueues(queue.getName()));
        return view.build();
    }
}
