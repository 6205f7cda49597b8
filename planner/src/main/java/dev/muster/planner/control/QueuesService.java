package dev.muster.planner.control;

import dev.muster.contracts.Times;
import dev.muster.planner.answer.ApiErrors;
import dev.muster.planner.answer.Calls;
import dev.muster.planner.answer.Pages;
import dev.muster.planner.view.DemandView;
import dev.muster.planner.view.ReadModel;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.ListQueuesRequest;
import dev.muster.v1.ListQueuesResponse;
import dev.muster.v1.ListWaitingTasksRequest;
import dev.muster.v1.ListWaitingTasksResponse;
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
        Calls.answer(call, () -> {
            var response = ListQueuesResponse.newBuilder();
            Lookup.fleets(model, request.getFleet()).forEach(fleet -> fleet.getSpec().getQueuesList().forEach(queue -> response.addQueues(view(model, fleet, queue))));
            return response.build();
        });
    }

    @Override
    public void listWaitingTasks(ListWaitingTasksRequest request, StreamObserver<ListWaitingTasksResponse> call) {
        Calls.answer(call, () -> {
            var size = Pages.size(request.getPageSize());
            var from = (int) Math.min(Integer.MAX_VALUE, Pages.number(request.getPageToken()).orElse(0) & Long.MAX_VALUE);
            var fleet = Lookup.fleet(model, "fleet", request.getFleet());
            var queue = Lookup.queue(fleet, request.getQueue()).getName();
            var demand = model.demand(fleet.getFleet());
            var picture = demand.queue(queue);
            if (picture.isEmpty() || demand.seenAt() == null) {
                throw ApiErrors.notYet("fleets/" + fleet.getFleet() + "/queues/" + queue, "The queue was " + unseen(demand) + ".");
            }
            var tasks = demand.tasks(queue);
            var page = tasks.subList(Math.min(from, tasks.size()), (int) Math.min((long) from + size, tasks.size()));
            var response = ListWaitingTasksResponse.newBuilder().addAllTasks(page).setWaiting(picture.get().getWaiting()).setAge(age(demand.seenAt(), Instant.now()));
            if (from + page.size() < tasks.size()) {
                response.setNextPageToken(Pages.token(Integer.toString(from + page.size())));
            }
            return response.build();
        });
    }

    private static String unseen(DemandView.Snapshot demand) {
        return demand.failure().isEmpty() ? "not seen yet" : "not seen: " + demand.failure();
    }

    private static com.google.protobuf.Duration age(Instant seenAt, Instant now) {
        var age = Duration.between(seenAt, now);
        return Times.duration(age.isNegative() ? Duration.ZERO : age);
    }

    static QueueView view(ReadModel model, FleetRecord fleet, QueueSpec queue) {
        var demand = model.demand(fleet.getFleet());
        var view = QueueView.newBuilder().setFleet(fleet.getFleet()).setName(queue.getName()).addAllPools(queue.getPoolsList());
        var picture = demand.queue(queue.getName());
        if (picture.isEmpty() || demand.seenAt() == null) {
            return view.setProblem(unseen(demand)).build();
        }
        var seen = picture.get();
        var now = Instant.now();
        view.setId(seen.getId()).setWaiting(seen.getWaiting()).setAge(age(demand.seenAt(), now));
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
