package dev.muster.cli;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.DecisionsGrpc;
import dev.muster.v1.FleetView;
import dev.muster.v1.FleetsGrpc;
import dev.muster.v1.InstallationGrpc;
import dev.muster.v1.ListDecisionsRequest;
import dev.muster.v1.ListFleetsRequest;
import dev.muster.v1.ListMachinesRequest;
import dev.muster.v1.MachineChange;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.MachinesGrpc;
import dev.muster.v1.QueuesGrpc;
import dev.muster.v1.Violation;
import dev.muster.v1.WatchDecisionsRequest;
import dev.muster.v1.WatchMachinesRequest;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.StatusProto;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** The control API as commands use it: blocking calls with a deadline, whole lists, and errors that a person can read. */
final class Control implements AutoCloseable {

    private static final long DEADLINE_SECONDS = 20;
    private static final int PAGE = 500;
    private static final int WRITE_ATTEMPTS = 3;

    private final String address;
    private final ManagedChannel channel;

    private Control(String address, ManagedChannel channel) {
        this.address = address;
        this.channel = channel;
    }

    /** Connects with the first call. @param address host and port */
    static Control connect(String address) {
        try {
            // Machine lists of large fleets are larger than gRPC's default of 4 MiB.
            return new Control(address, NettyChannelBuilder.forTarget(address).usePlaintext().maxInboundMessageSize(64 << 20).build());
        } catch (IllegalArgumentException unusable) {
            throw CliFailure.usage("'" + address + "' is no address of a control API: write host:port");
        }
    }

    FleetsGrpc.FleetsBlockingStub fleets() {
        return FleetsGrpc.newBlockingStub(channel).withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    MachinesGrpc.MachinesBlockingStub machines() {
        return MachinesGrpc.newBlockingStub(channel).withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    QueuesGrpc.QueuesBlockingStub queues() {
        return QueuesGrpc.newBlockingStub(channel).withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    DecisionsGrpc.DecisionsBlockingStub decisions() {
        return DecisionsGrpc.newBlockingStub(channel).withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    InstallationGrpc.InstallationBlockingStub installation() {
        return InstallationGrpc.newBlockingStub(channel).withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    /** The call's answer, or its error as a {@link CliFailure}. */
    <T> T call(Supplier<T> call) {
        try {
            return call.get();
        } catch (StatusRuntimeException refused) {
            throw failure(refused);
        }
    }

    /**
     * A write that carries a request id of its own, and may therefore be repeated: a fleet's owner that is just being replaced
     * answers late, and a person should not have to try again by hand.
     */
    <T> T write(Supplier<T> call) {
        for (var attempt = 1; ; attempt++) {
            try {
                return call.get();
            } catch (StatusRuntimeException refused) {
                var failure = failure(refused);
                var late = refused.getStatus().getCode() == Status.Code.DEADLINE_EXCEEDED
                        || refused.getStatus().getCode() == Status.Code.UNAVAILABLE && failure.exitCode != CliFailure.NOT_RUNNING;
                if (!late || attempt == WRITE_ATTEMPTS) {
                    throw failure;
                }
                Run.sleep(500);
            }
        }
    }

    List<FleetView> allFleets() {
        var all = new ArrayList<FleetView>();
        var token = "";
        do {
            var request = ListFleetsRequest.newBuilder().setPageSize(PAGE).setPageToken(token).build();
            var page = call(() -> fleets().listFleets(request));
            all.addAll(page.getFleetsList());
            token = page.getNextPageToken();
        } while (!token.isEmpty());
        return all;
    }

    List<MachineRecord> allMachines(ListMachinesRequest which) {
        var all = new ArrayList<MachineRecord>();
        var token = "";
        do {
            var request = which.toBuilder().setPageSize(PAGE).setPageToken(token).build();
            var page = call(() -> machines().listMachines(request));
            all.addAll(page.getMachinesList());
            token = page.getNextPageToken();
        } while (!token.isEmpty());
        return all;
    }

    /** Newest first, at most {@code most}. */
    List<DecisionEvent> decisions(ListDecisionsRequest which, int most) {
        var all = new ArrayList<DecisionEvent>();
        var token = "";
        do {
            var request = which.toBuilder().setPageSize(Math.min(PAGE, most - all.size())).setPageToken(token).build();
            var page = call(() -> decisions().listDecisions(request));
            all.addAll(page.getDecisionsList());
            token = page.getNextPageToken();
        } while (!token.isEmpty() && all.size() < most);
        return all.size() > most ? all.subList(0, most) : all;
    }

    /**
     * Hands over every machine and every change, on one thread of its own, connecting again when the stream breaks, until the
     * returned handle is closed.
     */
    AutoCloseable watchMachines(WatchMachinesRequest which, Consumer<MachineChange> consumer) {
        var context = Context.current().withCancellation();
        var thread = new Thread(context.wrap(() -> watch(which, consumer, context)), "watch-machines");
        thread.setDaemon(true);
        thread.start();
        return () -> context.cancel(null);
    }

    private void watch(WatchMachinesRequest which, Consumer<MachineChange> consumer, Context context) {
        while (!context.isCancelled()) {
            try {
                MachinesGrpc.newBlockingStub(channel).watchMachines(which).forEachRemaining(consumer);
            } catch (StatusRuntimeException broken) {
                if (context.isCancelled()) {
                    return;
                }
                // The planner restarts, or is stopped: the next stream begins with everything.
                try {
                    TimeUnit.MILLISECONDS.sleep(200);
                } catch (InterruptedException interrupted) {
                    Thread.currentThread().interrupt();
                    return;
                }
            }
        }
    }

    /** Decisions from now on, until the stream ends. */
    void watchDecisions(WatchDecisionsRequest which, Consumer<DecisionEvent> consumer) {
        call(() -> {
            DecisionsGrpc.newBlockingStub(channel).watchDecisions(which).forEachRemaining(consumer);
            return null;
        });
    }

    CliFailure failure(StatusRuntimeException refused) {
        var violations = new ArrayList<Violation>();
        var code = refused.getStatus().getCode();
        var name = code.name().toLowerCase(java.util.Locale.ROOT).replace('_', '-');
        var status = StatusProto.fromThrowable(refused);
        if (status != null) {
            for (var detail : status.getDetailsList()) {
                try {
                    if (detail.is(BadRequest.class)) {
                        detail.unpack(BadRequest.class).getFieldViolationsList().forEach(one -> violations.add(
                                Violation.newBuilder().setField(one.getField()).setProblem(one.getDescription()).build()));
                    } else if (detail.is(ErrorInfo.class)) {
                        name = detail.unpack(ErrorInfo.class).getReason().toLowerCase(java.util.Locale.ROOT).replace('_', '-');
                    }
                } catch (InvalidProtocolBufferException garbled) {
                    // The message itself is shown all the same.
                }
            }
        }
        var said = refused.getStatus().getDescription();
        if (code == Status.Code.UNAVAILABLE && (status == null || status.getDetailsCount() == 0)) {
            return new CliFailure(CliFailure.NOT_RUNNING, "unavailable",
                    "the control API at " + address + " does not answer: see ./muster status" + (said == null ? "" : " (" + said + ")"), List.of());
        }
        if (code == Status.Code.DEADLINE_EXCEEDED) {
            return new CliFailure(CliFailure.FAILED, name,
                    "the control API at " + address + " gave no answer within " + DEADLINE_SECONDS + " s: see ./muster status", List.of());
        }
        // The message names each violation, too, for those who read nothing else; here each has a line of its own.
        var message = said == null ? code.name() : violations.isEmpty() ? said : said.lines().findFirst().orElse(said);
        return new CliFailure(CliFailure.FAILED, name, message, violations);
    }

    @Override
    public void close() {
        channel.shutdownNow();
    }
}
