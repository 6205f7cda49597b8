package dev.muster.planner.control;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.muster.contracts.FleetYaml;
import dev.muster.contracts.ManagedBy;
import dev.muster.contracts.InvalidYamlException;
import dev.muster.planner.access.Caller;
import dev.muster.planner.answer.ApiErrors;
import dev.muster.planner.answer.Calls;
import dev.muster.planner.answer.Pages;
import dev.muster.planner.foreign.ImportedFleet;
import dev.muster.planner.view.FleetViews;
import dev.muster.planner.view.FleetWatches;
import dev.muster.planner.view.ReadModel;
import dev.muster.planner.view.Watch;
import dev.muster.v1.AdoptMachines;
import dev.muster.v1.AdoptMachinesRequest;
import dev.muster.v1.ApplyFleet;
import dev.muster.v1.ApplyFleetRequest;
import dev.muster.v1.CloneFleetRequest;
import dev.muster.v1.DeleteFleet;
import dev.muster.v1.DeleteFleetRequest;
import dev.muster.v1.DiffFleetRequest;
import dev.muster.v1.DiffFleetResponse;
import dev.muster.v1.ExportFleetRequest;
import dev.muster.v1.ExportFleetResponse;
import dev.muster.v1.FleetChange;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.FleetView;
import dev.muster.v1.FleetsGrpc;
import dev.muster.v1.GetFleetRequest;
import dev.muster.v1.GetFleetVersionRequest;
import dev.muster.v1.ImportFleetRequest;
import dev.muster.v1.ImportFleetResponse;
import dev.muster.v1.ListFleetVersionsRequest;
import dev.muster.v1.ListFleetVersionsResponse;
import dev.muster.v1.ListFleetsRequest;
import dev.muster.v1.ListFleetsResponse;
import dev.muster.v1.PauseFleetRequest;
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
import dev.muster.v1.RollBackFleetRequest;
import dev.muster.v1.SetPaused;
import dev.muster.v1.SpecFormat;
import dev.muster.v1.TakeOver;
import dev.muster.v1.TakeOverMachinesRequest;
import dev.muster.v1.WatchFleetsRequest;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.quarkus.grpc.GrpcService;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** Declared fleets, over gRPC. */
@GrpcService
final class FleetsService extends FleetsGrpc.FleetsImplBase {

    /** Fleets that wait for one watcher. */
    private static final int WATCH_LIMIT = 5_000;
    /** As the contract has it. Bytes. */
    private static final int LARGEST_TEXT = 256 * 1024;

    private final ReadModel model;
    private final Writes writes;
    private final FleetViews views;
    private final FleetWatches watches;
    private final SpecPreviews previews;

    FleetsService(ReadModel model, Writes writes, FleetViews views, FleetWatches watches, SpecPreviews previews) {
        this.model = model;
        this.writes = writes;
        this.views = views;
        this.watches = watches;
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
        var apply = ApplyFleet.newBuilder().setSpec(spec).setNewIncarnation(writes.newIncarnation()).setManagedBy(request.getManagedBy())
                .setOverrideManagedBy(request.getOverrideManagedBy());
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

    private void write(Supplier<Request.Builder> request, StreamObserver<FleetRecord> call) {
        Request made;
        try {
            made = request.get().build();
        } catch (StatusRuntimeException refused) {
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
    public void takeOverMachines(TakeOverMachinesRequest request, StreamObserver<FleetRecord> call) {
        write(() -> writes.request(request.getName(), request.getRequestId()).setTakeOver(TakeOver.newBuilder().setCluster(request.getCluster())), call);
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
        Calls.answer(call, () -> views.of(fleet(request.getName())));
    }

    @Override
    public void listFleets(ListFleetsRequest request, StreamObserver<ListFleetsResponse> call) {
        Calls.answer(call, () -> {
            var size = Pages.size(request.getPageSize());
            var page = ListFleetsResponse.newBuilder();
            for (var fleets = fleets(Pages.after(request.getPageToken())).iterator(); fleets.hasNext(); ) {
                var fleet = fleets.next();
                if (page.getFleetsCount() == size) {
                    page.setNextPageToken(Pages.token(page.getFleets(size - 1).getRecord().getFleet()));
                    break;
                }
                page.addFleets(views.of(fleet));
            }
            return page.build();
        });
    }

    /** Fleets that are there and that the caller may read, behind a name. */
    private Stream<FleetRecord> fleets(String after) {
        return Lookup.readable(model.fleets().tailMap(after, false).values().stream());
    }

    private FleetRecord fleet(String name) {
        return Lookup.fleet(model, "name", name);
    }

    @Override
    public void watchFleets(WatchFleetsRequest request, StreamObserver<FleetChange> call) {
        if (!model.isCurrent()) {
            call.onError(ApiErrors.stillReading());
            return;
        }
        var caller = Caller.current();
        watches.begin(new Watch<>((ServerCallStreamObserver<FleetChange>) call, WATCH_LIMIT), caller::mayRead);
    }

    // Versions.

    @Override
    public void listFleetVersions(ListFleetVersionsRequest request, StreamObserver<ListFleetVersionsResponse> call) {
        Calls.answer(call, () -> {
            var size = Pages.size(request.getPageSize());
            var before = Pages.number(request.getPageToken());
            var older = model.versions(fleet(request.getName())).stream()
                    .filter(version -> before.isEmpty() || Long.compareUnsigned(version.getVersion(), before.getAsLong()) < 0).toList();
            var page = ListFleetVersionsResponse.newBuilder().addAllVersions(older.subList(0, Math.min(size, older.size())));
            if (older.size() > size) {
                page.setNextPageToken(Pages.token(Long.toUnsignedString(older.get(size - 1).getVersion())));
            }
            return page.build();
        });
    }

    @Override
    public void getFleetVersion(GetFleetVersionRequest request, StreamObserver<FleetRecord> call) {
        Calls.answer(call, () -> version(fleet(request.getName()), "version", request.getVersion()));
    }

    /** @param field of the request that names the version */
    private FleetRecord version(FleetRecord now, String field, long version) {
        if (version == 0) {
            throw ApiErrors.invalid(field, "is missing", "name a version, as fleet versions shows them");
        }
        var known = model.versions(now);
        return known.stream().filter(record -> record.getVersion() == version).findFirst().orElseThrow(() -> ApiErrors.notFound("Version "
                + Long.toUnsignedString(version) + " of fleet " + now.getFleet() + " is not known: the oldest that is kept is "
                + Long.toUnsignedString(known.get(known.size() - 1).getVersion()) + ", the newest " + Long.toUnsignedString(now.getVersion()) + "."));
    }

    @Override
    public void diffFleet(DiffFleetRequest request, StreamObserver<DiffFleetResponse> call) {
        if (!request.hasSpec()) {
            Calls.answer(call, () -> {
                var now = fleet(request.getName());
                var to = request.getToVersion() == 0 ? now : version(now, "toVersion", request.getToVersion());
                var from = request.getFromVersion() == 0 ? before(now, to) : version(now, "fromVersion", request.getFromVersion());
                return DiffFleetResponse.newBuilder().addAllChanges(SpecDiff.of(from.getSpec(), to.getSpec()))
                        .setFromVersion(from.getVersion()).setToVersion(to.getVersion()).build();
            });
            return;
        }
        FleetRecord from;
        try {
            var now = fleet(request.getName());
            if (request.getToVersion() != 0) {
                throw ApiErrors.invalid("toVersion", "is " + Long.toUnsignedString(request.getToVersion()) + " beside a spec", "leave out one of them");
            }
            if (!request.getSpec().getName().equals(request.getName())) {
                throw ApiErrors.invalid("spec.name", "is '" + request.getSpec().getName() + "' in a call about fleet " + request.getName(), "compare a fleet with itself");
            }
            requireNoAddress(request.getSpec());
            from = request.getFromVersion() == 0 ? now : version(now, "fromVersion", request.getFromVersion());
        } catch (StatusRuntimeException refused) {
            call.onError(refused);
            return;
        }
        // The owner fills defaults in, and keeps what an apply would keep. To compare is not to change, whoever manages the fleet.
        writes.send(writes.request(request.getName(), "").setDryRun(true).setFacts(writes.facts(request.getSpec())).setApply(ApplyFleet.newBuilder()
                .setSpec(request.getSpec()).setNewIncarnation(writes.newIncarnation()).setOverrideManagedBy(true)).build(), call, answer -> DiffFleetResponse.newBuilder()
                .addAllChanges(SpecDiff.of(from.getSpec(), answer.getFleet().getSpec())).setFromVersion(from.getVersion()).build());
    }

    private FleetRecord before(FleetRecord now, FleetRecord version) {
        return model.versions(now).stream().filter(record -> Long.compareUnsigned(record.getVersion(), version.getVersion()) < 0).findFirst()
                .orElseThrow(() -> ApiErrors.notFound("No version before " + Long.toUnsignedString(version.getVersion()) + " of fleet " + now.getFleet() + " is known."));
    }

    @Override
    public void rollBackFleet(RollBackFleetRequest request, StreamObserver<FleetRecord> call) {
        write(() -> {
            var now = fleet(request.getName());
            var to = version(now, "toVersion", request.getToVersion());
            var apply = ApplyFleet.newBuilder().setSpec(to.getSpec()).setNewIncarnation(writes.newIncarnation())
                    // In a file's name only the file itself speaks: its owner refuses this, and says why.
                    .setManagedBy(ManagedBy.isFile(now.getManagedBy()) ? "" : now.getManagedBy())
                    .setAuditedAs("roll back to version " + Long.toUnsignedString(to.getVersion()));
            if (request.hasExpectedVersion()) {
                apply.setExpectedVersion(request.getExpectedVersion());
            }
            return writes.request(now.getFleet(), request.getRequestId()).setFacts(writes.facts(to.getSpec())).setApply(apply);
        }, call);
    }

    @Override
    public void cloneFleet(CloneFleetRequest request, StreamObserver<FleetRecord> call) {
        write(() -> {
            var of = fleet(request.getName());
            if (request.getNewName().isEmpty()) {
                throw ApiErrors.invalid("newName", "is missing", "name the new fleet");
            }
            var spec = of.getSpec().toBuilder().setName(request.getNewName()).clearWorkersPrefix().build();
            return writes.request(request.getNewName(), request.getRequestId()).setFacts(writes.facts(spec)).setApply(ApplyFleet.newBuilder().setSpec(spec)
                    .setNewIncarnation(writes.newIncarnation()).setExpectedVersion(0).setAuditedAs("create as a clone of fleet " + of.getFleet()));
        }, call);
    }

    // As text.

    @Override
    public void exportFleet(ExportFleetRequest request, StreamObserver<ExportFleetResponse> call) {
        Calls.answer(call, () -> {
            if (request.getName().isEmpty() == !request.hasSpec()) {
                throw ApiErrors.invalid("name", request.hasSpec() ? "is '" + request.getName() + "' beside a spec" : "is missing, and so is a spec",
                        "name a fleet, or send a spec");
            }
            if (request.hasSpec() && request.getVersion() != 0) {
                throw ApiErrors.invalid("version", "is " + Long.toUnsignedString(request.getVersion()) + " beside a spec", "leave it out");
            }
            var spec = request.hasSpec() ? request.getSpec()
                    : request.getVersion() == 0 ? fleet(request.getName()).getSpec() : version(fleet(request.getName()), "version", request.getVersion()).getSpec();
            return ExportFleetResponse.newBuilder().setYaml(FleetYaml.write(spec)).build();
        });
    }

    @Override
    public void importFleet(ImportFleetRequest request, StreamObserver<ImportFleetResponse> call) {
        Calls.answer(call, () -> {
            var bytes = request.getText().getBytes(UTF_8).length;
            if (bytes > LARGEST_TEXT) {
                throw ApiErrors.invalid("text", "has " + bytes + " bytes", "send at most " + LARGEST_TEXT);
            }
            if (request.getFormat() == SpecFormat.UNRECOGNIZED) {
                throw ApiErrors.invalid("format", "is none that this release reads", "leave it out: the text shows it");
            }
            try {
                var imported = ImportedFleet.read(request.getText(), request.getFormat(), request.getName());
                return ImportFleetResponse.newBuilder().setSpec(imported.spec()).setYaml(FleetYaml.write(imported.spec())).addAllNotes(imported.notes())
                        .setFormat(imported.format()).addAllOthers(imported.others()).build();
            } catch (InvalidYamlException invalid) {
                throw ApiErrors.invalid("The text can't be imported.", invalid.violations(), Map.of());
            }
        });
    }
}
