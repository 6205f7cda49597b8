package dev.muster.planner.control;

import dev.muster.contracts.Phases;
import dev.muster.planner.access.Caller;
import dev.muster.planner.answer.ApiErrors;
import dev.muster.planner.answer.Calls;
import dev.muster.planner.answer.Pages;
import dev.muster.planner.recorded.ConsoleReader;
import dev.muster.planner.recorded.MachineLives;
import dev.muster.planner.view.MachineWatch;
import dev.muster.planner.view.ReadModel;
import dev.muster.planner.view.Watch;
import dev.muster.v1.ConsoleReported;
import dev.muster.v1.GetConsoleRequest;
import dev.muster.v1.GetMachineRequest;
import dev.muster.v1.ListMachinesRequest;
import dev.muster.v1.ListMachinesResponse;
import dev.muster.v1.MachineChange;
import dev.muster.v1.MachineLife;
import dev.muster.v1.MachineNameRequest;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.MachineRequest;
import dev.muster.v1.MachineRequestOrBuilder;
import dev.muster.v1.MachineVerb;
import dev.muster.v1.MachinesGrpc;
import dev.muster.v1.Mark;
import dev.muster.v1.Phase;
import dev.muster.v1.Request;
import dev.muster.v1.TerminateMachineRequest;
import dev.muster.v1.WatchMachinesRequest;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.quarkus.grpc.GrpcService;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;

/** Machines on the books, over gRPC. */
@GrpcService
final class MachinesService extends MachinesGrpc.MachinesImplBase {

    /** Changes that wait for one watcher: all machines of a large installation, once. */
    private static final int WATCH_LIMIT = 20_000;
    /** A call to a cloud, and the way there and back by Kafka. Less than callers usually wait: they are told why. */
    private static final Duration CONSOLE_WITHIN = Duration.ofSeconds(15);
    private static final Duration CONSOLE_AT_MOST = Duration.ofMinutes(1);
    private static final Duration CONSOLE_AGAIN = Duration.ofSeconds(10);

    private final ReadModel model;
    private final Writes writes;
    private final ConsoleReader consoles;
    private final MachineLives lives;

    MachinesService(ReadModel model, Writes writes, ConsoleReader consoles, MachineLives lives) {
        this.lives = lives;
        this.model = model;
        this.writes = writes;
        this.consoles = consoles;
    }

    @Override
    public void listMachines(ListMachinesRequest request, StreamObserver<ListMachinesResponse> call) {
        Calls.answer(call, () -> {
            var size = Pages.size(request.getPageSize());
            var wanted = wanted(request);
            var page = ListMachinesResponse.newBuilder();
            var last = "";
            for (var entries = model.machines(request.getFleet(), Pages.after(request.getPageToken())).iterator(); entries.hasNext(); ) {
                var entry = entries.next();
                if (!wanted.test(entry.getValue())) {
                    continue;
                }
                if (page.getMachinesCount() == size) {
                    page.setNextPageToken(Pages.token(last));
                    break;
                }
                page.addMachines(entry.getValue());
                last = entry.getKey();
            }
            return page.build();
        });
    }

    /** Those that the request wants and the caller may read. */
    private static Predicate<MachineRecord> wanted(ListMachinesRequest request) {
        for (int i = 0; i < request.getPhasesCount(); i++) {
            if (request.getPhases(i) == Phase.UNRECOGNIZED || request.getPhases(i) == Phase.PHASE_UNSPECIFIED) {
                throw ApiErrors.invalid("phases[" + i + "]", "is none that this release knows", "use REQUESTED, LAUNCHING, BOOTING, READY, DRAINING, TERMINATING, GONE, FAILED or LOST");
            }
        }
        var caller = Caller.current();
        return machine -> (request.getFleet().isEmpty() || request.getFleet().equals(machine.getFleet()))
                && caller.mayRead(machine.getFleet())
                && (request.getPool().isEmpty() || request.getPool().equals(machine.getPool()))
                && (request.getPhasesCount() == 0 ? request.getEndedToo() || !Phases.isEnded(machine.getPhase()) : request.getPhasesList().contains(machine.getPhase()))
                && (!request.hasBusy() || request.getBusy() == machine.getTasksCount() > 0)
                && (request.getMachineType().isEmpty() || request.getMachineType().equals(machine.getOffer().getMachineType()))
                && (request.getTaskId().isEmpty() || request.getTaskId().equals(machine.getTask()) || machine.getTasksList().contains(request.getTaskId()));
    }

    @Override
    public void getMachine(GetMachineRequest request, StreamObserver<MachineRecord> call) {
        Calls.answer(call, () -> Lookup.machine(model, request.getMachineId()));
    }

    @Override
    public void getMachineLife(GetMachineRequest request, StreamObserver<MachineLife> call) {
        Calls.answerLater(call, () -> lives.of(Lookup.machine(model, request.getMachineId())));
    }

    @Override
    public void watchMachines(WatchMachinesRequest request, StreamObserver<MachineChange> call) {
        if (!model.isCurrent()) {
            call.onError(ApiErrors.stillReading());
            return;
        }
        var caller = Caller.current();
        new MachineWatch(model, request, caller::mayRead, new Watch<>((ServerCallStreamObserver<MachineChange>) call, WATCH_LIMIT)).begin(Instant.now());
    }

    @Override
    public void drainMachine(MachineNameRequest request, StreamObserver<MachineRecord> call) {
        ask(request.getMachineId(), request.getRequestId(), MachineRequest.newBuilder().setVerb(MachineVerb.DRAIN_MACHINE), call);
    }

    @Override
    public void cancelMachineDrain(MachineNameRequest request, StreamObserver<MachineRecord> call) {
        ask(request.getMachineId(), request.getRequestId(), MachineRequest.newBuilder().setVerb(MachineVerb.CANCEL_DRAIN), call);
    }

    @Override
    public void terminateMachine(TerminateMachineRequest request, StreamObserver<MachineRecord> call) {
        ask(request.getMachineId(), request.getRequestId(),
                MachineRequest.newBuilder().setVerb(MachineVerb.TERMINATE_MACHINE).setBusyToo(request.getBusyToo()), call);
    }

    @Override
    public void protectMachine(MachineNameRequest request, StreamObserver<MachineRecord> call) {
        ask(request.getMachineId(), request.getRequestId(), MachineRequest.newBuilder().setVerb(MachineVerb.PROTECT_MACHINE), call);
    }

    @Override
    public void unprotectMachine(MachineNameRequest request, StreamObserver<MachineRecord> call) {
        ask(request.getMachineId(), request.getRequestId(), MachineRequest.newBuilder().setVerb(MachineVerb.UNPROTECT_MACHINE), call);
    }

    @Override
    public void getConsole(GetConsoleRequest request, StreamObserver<ConsoleReported> call) {
        Calls.answerLater(call, () -> {
            var machine = Lookup.machine(model, request.getMachineId());
            return Phases.isEnded(machine.getPhase()) ? consoles.find(machine).thenApply(console -> kept(machine, console)) : liveConsole(machine);
        });
    }

    private static ConsoleReported kept(MachineRecord machine, Optional<ConsoleReported> console) {
        return console.orElseThrow(() -> ApiErrors.notFound("Nothing is kept of the console of " + machine.getMachineId() + ": "
                + (machine.getCloudId().isEmpty() ? "its cloud never had it." : "its cloud showed none within ten minutes of its end, or that is more than 14 days ago.")));
    }

    /** Asks its provisioner to read it, and waits for that. */
    private CompletableFuture<ConsoleReported> liveConsole(MachineRecord machine) {
        if (machine.getCloudId().isEmpty()) {
            throw ApiErrors.notYet("Machine " + machine.getMachineId() + " has no console: its cloud doesn't have it yet.");
        }
        var within = Writes.untilDeadline(CONSOLE_WITHIN, CONSOLE_AT_MOST);
        var request = writes.request(machine.getFleet(), "").setMachines(MachineRequest.newBuilder().setVerb(MachineVerb.FETCH_CONSOLE)
                .addMachineIds(machine.getMachineId())).build();
        return consoles.await(machine, within, () -> writes.ask(request, within)).handle((console, failure) -> {
            if (failure != null) {
                throw Calls.cause(failure) instanceof ConsoleReader.NotRead ? ApiErrors.notYetThere("The console of " + machine.getMachineId() + " was not read within "
                        + within.toSeconds() + " s: its cloud does not answer, or its provisioner does not run.", CONSOLE_AGAIN) : Calls.failure(failure);
            }
            return console.orElseThrow(() -> ApiErrors.notYetThere("The cloud of " + machine.getMachineId() + " (" + machine.getCloudId()
                    + ") shows no console of it yet.", CONSOLE_AGAIN));
        });
    }

    private void ask(String machineId, String requestId, MachineRequest.Builder what, StreamObserver<MachineRecord> call) {
        Request request;
        try {
            var machine = Lookup.machine(model, machineId);
            request = writes.request(machine.getFleet(), requestId).setMachines(what.addMachineIds(machineId)).build();
        } catch (StatusRuntimeException refused) {
            call.onError(refused);
            return;
        }
        writes.send(request, call, answer -> model.machine(machineId).filter(machine -> shows(machine, what)).isPresent(), answer -> Lookup.machine(model, machineId));
    }

    /** Whether the record says what was asked for, or that it is being done; once it is done, the next thing may have come over it. */
    private static boolean shows(MachineRecord machine, MachineRequestOrBuilder asked) {
        return switch (asked.getVerb()) {
            case PROTECT_MACHINE -> machine.getProtected();
            case UNPROTECT_MACHINE -> !machine.getProtected();
            case DRAIN_MACHINE -> machine.getAsked() == asked.getVerb() || machine.getPhase() == Phase.DRAINING || machine.getPhase() == Phase.TERMINATING || Phases.isEnded(machine.getPhase());
            case CANCEL_DRAIN -> machine.getAsked() == asked.getVerb() || machine.getPhase() != Phase.DRAINING;
            case TERMINATE_MACHINE -> machine.getAsked() == asked.getVerb() || machine.getMark() == Mark.DRAIN_NOW || machine.getPhase() == Phase.TERMINATING || Phases.isEnded(machine.getPhase());
            case FETCH_CONSOLE, MACHINE_VERB_UNSPECIFIED, UNRECOGNIZED -> true;
        };
    }
}
