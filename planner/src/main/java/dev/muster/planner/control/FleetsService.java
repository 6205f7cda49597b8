package dev.muster.planner.control;

import dev.muster.planner.access.Caller;
import dev.muster.v1.AdoptMachines;
import dev.muster.v1.AdoptMachinesRequest;
import dev.muster.v1.ApplyFleet;
import dev.muster.v1.ApplyFleetRequest;
import dev.muster.v1.DeleteFleet;
import dev.muster.v1.DeleteFleetRequest;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.FleetState;
import dev.muster.v1.FleetView;
import dev.muster.v1.FleetsGrpc;
import dev.muster.v1.GetFleetRequest;
import dev.muster.v1.ListFleetsRequest;
import dev.muster.v1.ListFleetsResponse;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.PauseFleetRequest;
import dev.muster.v1.Phase;
import dev.muster.v1.PreviewFleetOnRecordRequest;
import dev.muster.v1.PreviewFleetOnRecordResponse;
import dev.muster.v1.PreviewFleetRequest;
import dev.muster.v1.PreviewFleetResponse;
import dev.muster.v1.ReleaseIdle;
import dev.muster.v1.ReleaseIdleRequest;
import dev.muster.v1.Request;
import dev.muster.v1.RequestAnswered;
import dev.muster.v1.RestoreLedger;
import dev.muster.v1.RestoreLedgerRequest;
import dev.muster.v1.SetPaused;
import io.grpc.stub.StreamObserver;
import io.quarkus.grpc.GrpcService;

/** Declared fleets, over gRPC. */
@GrpcService
final class FleetsService extends FleetsGrpc.FleetsImplBase {

    private final ReadModel model;
    private final Writes writes;
    private final SpecPreviews previews;

    FleetsService(ReadModel model, Writes writes, SpecPreviews previews) {
        this.model = model;
        this.writes = writes;
        this.previews = previews;
    }

    @Override
    public void applyFleet(ApplyFleetRequest request, StreamObserver<FleetRecord> call) {
        apply(request, false, call);
    }

    @Override
    public void validateFleet(ApplyFleetRequest request, StreamObserver<FleetRecord> call) {
        apply(request, true, call);
    }

    private void apply(ApplyFleetRequest request, boolean dryRun, StreamObserver<FleetRecord> call) {
        var spec = request.getSpec();
        var apply = ApplyFleet.newBuilder().setSpec(spec).setNewIncarnation(writes.newIncarnation()).setManagedBy(request.getManagedBy());
        if (request.hasExpectedVersion()) {
            apply.setExpectedVersion(request.getExpectedVersion());
        }
        if (request.hasAdoptPrefix()) {
            apply.setAdopt(AdoptMachines.newBuilder().setWorkerPrefix(request.getAdoptPrefix()));
        }
        write(() -> {
            requireNoAddress(spec);
            return writes.request(spec.getName(), request.getRequestId()).setDryRun(dryRun).setFacts(writes.facts(spec)).setApply(apply);
        }, call);
    }

    /** A webhook's address is a key: it is not even written to the topic of requests. @throws io.grpc.StatusRuntimeException INVALID_ARGUMENT */
    static void requireNoAddress(FleetSpec spec) {
        if (spec.getNotificationsList().stream().anyMatch(notification -> notification.getWebhookSecret().contains("/"))) {
            throw ApiErrors.invalid("notifications.secret", "is an address, and whoever has a webhook's address can write there",
                    "put it into a file of the planner's secrets folder, and write the file's name");
        }
    }

    @Override
    public void deleteFleet(DeleteFleetRequest request, StreamObserver<FleetRecord> call) {
        var delete = DeleteFleet.newBuilder().setActionValue(request.getActionValue());
        if (request.hasExpectedVersion()) {
            delete.setExpectedVersion(request.getExpectedVersion());
        }
        write(() -> writes.request(request.getName(), request.getRequestId()).setDelete(delete), call);
    }

    @Override
    public void pauseFleet(PauseFleetRequest request, StreamObserver<FleetRecord> call) {
        pause(request, true, call);
    }

    @Override
    public void resumeFleet(PauseFleetRequest request, StreamObserver<FleetRecord> call) {
        pause(request, false, call);
    }

    private void pause(PauseFleetRequest request, boolean paused, StreamObserver<FleetRecord> call) {
        write(() -> writes.request(request.getName(), request.getRequestId())
                .setSetPaused(SetPaused.newBuilder().setPool(request.getPool()).setPaused(paused)), call);
    }

    private void write(java.util.function.Supplier<Request.Builder> request, StreamObserver<FleetRecord> call) {
        Request made;
        try {
            made = request.get().build();
        } catch (io.grpc.StatusRuntimeException refused) {
            call.onError(refused);
            return;
        }
        writes.send(made, call, FleetsService::accepted);
    }

    static FleetRecord accepted(RequestAnswered answer) {
        return answer.getNotesCount() == 0 ? answer.getFleet() : answer.getFleet().toBuilder().addAllNotes(answer.getNotesList()).build();
    }

    @Override
    public void restoreLedger(RestoreLedgerRequest request, StreamObserver<FleetRecord> call) {
        write(() -> writes.request(request.getName(), request.getRequestId())
                .setRestoreLedger(RestoreLedger.newBuilder().setDayMicros(request.getDayMicros()).setMonthMicros(request.getMonthMicros())), call);
    }

    @Override
    public void releaseIdle(ReleaseIdleRequest request, StreamObserver<FleetRecord> call) {
        write(() -> writes.request(request.getName(), request.getRequestId()).setReleaseIdle(ReleaseIdle.newBuilder().setPool(request.getPool())), call);
    }

    @Override
    public void adoptMachines(AdoptMachinesRequest request, StreamObserver<FleetRecord> call) {
        write(() -> writes.request(request.getName(), request.getRequestId())
                .setAdopt(AdoptMachines.newBuilder().setWorkerPrefix(request.getWorkerPrefix())), call);
    }

    @Override
    public void previewFleet(PreviewFleetRequest request, StreamObserver<PreviewFleetResponse> call) {
        previews.now(request, call);
    }

    @Override
    public void previewFleetOnRecord(PreviewFleetOnRecordRequest request, StreamObserver<PreviewFleetOnRecordResponse> call) {
        previews.onRecord(request, call);
    }

    @Override
    public void getFleet(GetFleetRequest request, StreamObserver<FleetView> call) {
        Writes.finish(call, () -> model.fleet(request.getName()).map(this::view)
                .orElseThrow(() -> ApiErrors.notFound("There is no fleet '" + request.getName() + "'.")));
    }

    @Override
    public void listFleets(ListFleetsRequest request, StreamObserver<ListFleetsResponse> call) {
        Writes.finish(call, () -> {
            var size = Pages.size(request.getPageSize());
            var page = ListFleetsResponse.newBuilder();
            for (var fleet : model.fleets().tailMap(Pages.after(request.getPageToken()), false).values()) {
                if (fleet.getState() == FleetState.DELETED || !Caller.current().mayRead(fleet.getFleet())) {
                    continue;
                }
                if (page.getFleetsCount() == size) {
                    page.setNextPageToken(Pages.token(page.getFleets(size - 1).getRecord().getFleet()));
                    break;
                }
                page.addFleets(view(fleet));
            }
            return page.build();
        });
    }

    private FleetView view(FleetRecord fleet) {
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
