package dev.muster.planner.control;

import dev.muster.planner.access.Caller;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetState;
import dev.muster.v1.ListQueuesRequest;
import dev.muster.v1.ListQueuesResponse;
import dev.muster.v1.QueueSpec;
import dev.muster.v1.QueueState;
import dev.muster.v1.QueueView;
import dev.muster.v1.QueuesGrpc;
import io.grpc.stub.StreamObserver;
import io.quarkus.grpc.GrpcService;
import java.time.Duration;
import java.time.Instant;
import java.util.stream.Collectors;

/** Queues as last seen, over gRPC. */
@GrpcService
final class QueuesService extends QueuesGrpc.QueuesImplBase {

    private final ReadModel model;

    QueuesService(ReadModel model) {
        this.model = model;
    }

    @Override
    public void listQueues(ListQueuesRequest request, StreamObserver<ListQueuesResponse> call) {
        Writes.finish(call, () -> {
            if (!request.getFleet().isEmpty() && model.fleet(request.getFleet()).isEmpty()) {
                throw ApiErrors.notFound("There is no fleet '" + request.getFleet() + "'.");
            }
            var response = ListQueuesResponse.newBuilder();
            for (var fleet : model.fleets().values()) {
                if (request.getFleet().isEmpty() ? fleet.getState() != FleetState.DELETED && Caller.current().mayRead(fleet.getFleet()) : request.getFleet().equals(fleet.getFleet())) {
                    fleet.getSpec().getQueuesList().forEach(queue -> response.addQueues(view(model, fleet, queue)));
                }
            }
            return response.build();
        });
    }

    static QueueView view(ReadModel model, FleetRecord fleet, QueueSpec queue) {
        var demand = model.demand(fleet.getFleet());
        var view = QueueView.newBuilder().setFleet(fleet.getFleet()).setName(queue.getName()).addAllPools(queue.getPoolsList());
        var picture = demand.queue(queue.getName());
        if (picture.isEmpty() || demand.seenAt() == null) {
            return view.setProblem(demand.failure().isEmpty() ? "not seen yet" : "not seen: " + demand.failure()).build();
        }
        var seen = picture.get();
        var now = Instant.now();
        var age = Duration.between(demand.seenAt(), now);
        view.setId(seen.getId()).setWaiting(seen.getWaiting()).setAge(DemandView.duration(age.isNegative() ? Duration.ZERO : age));
        DemandView.wait(seen, now).ifPresent(view::setOldestWait);
        var ours = fleet.getSpec().getWorkersPrefix() + ":";
        // Workers of another autoscaler keep their ids when their machine is adopted.
        var adopted = model.adopted(fleet.getFleet()).stream().flatMap(machine -> machine.getWorkerIdsList().stream()).collect(Collectors.toSet());
        for (var worker : demand.workers()) {
            if (!seen.getId().isEmpty() && worker.getQueueIdsList().contains(seen.getId())) {
                if (worker.getWorker().startsWith(ours) || adopted.contains(worker.getWorker())) {
                    view.setOurWorkers(view.getOurWorkers() + 1);
                } else {
                    view.setOtherWorkers(view.getOtherWorkers() + 1);
                }
            }
        }
        return view.setProblem(problem(seen.getState(), seen.getOwnerFleet(), demand.failure())).build();
    }

    private static String problem(QueueState state, String owner, String failure) {
        return switch (state) {
            case MISSING -> "ClearML has no queue of this name";
            case OWNED_BY_OTHER -> "fleet " + owner + ", which is older, serves it";
            case SERVED -> failure.isEmpty() ? "" : "the last look failed: " + failure;
            case QUEUE_STATE_UNSPECIFIED, UNRECOGNIZED -> "in a state that this release doesn't know";
        };
    }
}
