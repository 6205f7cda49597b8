package dev.muster.cli;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import dev.muster.v1.BudgetsGrpc;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.DecisionsGrpc;
import dev.muster.v1.FleetChange;
import dev.muster.v1.FleetView;
import dev.muster.v1.FleetsGrpc;
import dev.muster.v1.HistoryGrpc;
import dev.muster.v1.InstallationGrpc;
import dev.muster.v1.ListDecisionsRequest;
import dev.muster.v1.ListDecisionsResponse;
import dev.muster.v1.ListFleetsRequest;
import dev.muster.v1.ListFleetsResponse;
import dev.muster.v1.ListMachinesRequest;
import dev.muster.v1.ListMachinesResponse;
import dev.muster.v1.MachineChange;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.MachinesGrpc;
import dev.muster.v1.PoolsGrpc;
import dev.muster.v1.QueuesGrpc;
import dev.muster.v1.Violation;
import dev.muster.v1.WatchDecisionsRequest;
import dev.muster.v1.WatchFleetsRequest;
import dev.muster.v1.WatchMachinesRequest;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ConnectivityState;
import io.grpc.Context;
import io.grpc.ForwardingClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.grpc.protobuf.StatusProto;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import javax.net.ssl.SSLException;

/** The control API as commands use it: blocking calls with a deadline, whole lists, and errors that a person can read. */
final class Control implements AutoCloseable {

    private static final long DEADLINE_SECONDS = 20;
    private static final long PATIENCE_SECONDS = 120;
    private static final int PAGE = 500;
    private static final int WRITE_ATTEMPTS = 3;

    private static final Metadata.Key<String> AUTHORIZATION = Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

    static {
        // A command makes one connection: a native library for it, and looking at all network interfaces for a channel's name, take longer than the call.
        System.setProperty("io.grpc.netty.shaded.io.netty.transport.noNative", "true");
        System.setProperty("io.grpc.netty.shaded.io.netty.machineId", "00:00:00:00:00:01");
        System.setProperty("io.grpc.netty.shaded.io.netty.processId", "1");
    }

    private final Server server;
    private final ManagedChannel channel;
    private volatile boolean wasConnected;

    private Control(Server server, ManagedChannel channel) {
        this.server = server;
        this.channel = channel;
    }

    /** Connects with the first call. @throws CliFailure if a file that the server is spoken to by can't be used */
    static Control connect(Server server) {
        try {
            // Machine lists of large fleets are larger than gRPC's default of 4 MiB.
            var builder = NettyChannelBuilder.forTarget(server.address()).maxInboundMessageSize(64 << 20)
                    // Else who watches a server that lost its power would watch it for good.
                    .keepAliveTime(30, TimeUnit.SECONDS).keepAliveTimeout(10, TimeUnit.SECONDS);
            if (server.tls() == null) {
                builder.usePlaintext();
            } else {
                builder.sslContext(tls(server.tls()));
            }
            return new Control(server, builder.intercept(new SendToken(server)).build());
        } catch (IllegalArgumentException unusable) {
            throw CliFailure.usage("'" + server.address() + "' is no address of a control API: write host:port");
        }
    }

    private static SslContext tls(Server.Tls tls) {
        try {
            var context = GrpcSslContexts.forClient();
            if (tls.ca() != null) {
                context.trustManager(readable(tls.ca()));
            }
            if (tls.certificate() != null) {
                context.keyManager(readable(tls.certificate()), readable(tls.key()));
            }
            return context.build();
        } catch (SSLException | IllegalArgumentException unusable) {
            // What the library says of a key may be its text.
            throw CliFailure.failed("certificates or keys of the server's context can't be used: they must be PEM, the key in PKCS#8 without a passphrase");
        }
    }

    private static File readable(Path file) {
        if (!Files.isReadable(file)) {
            throw CliFailure.failed("there is no file " + file + ", or it can't be read");
        }
        return file.toFile();
    }

    /** Says with each call who makes it. */
    private record SendToken(Server server) implements ClientInterceptor {
        @Override
        public <A, B> ClientCall<A, B> interceptCall(MethodDescriptor<A, B> method, CallOptions options, Channel next) {
            var token = server.token().get();
            if (token.isPresent() && server.tls() == null && !server.isLoopback()) {
                throw CliFailure.failed("a token is not sent to " + server.address() + " in clear: write https:// before the server, or give its context a CA file");
            }
            return new ForwardingClientCall.SimpleForwardingClientCall<>(next.newCall(method, options)) {
                @Override
                public void start(Listener<B> answers, Metadata headers) {
                    token.ifPresent(one -> headers.put(AUTHORIZATION, "Bearer " + one));
                    super.start(answers, headers);
                }
            };
        }
    }

    Server server() {
        return server;
    }

    FleetsGrpc.FleetsBlockingStub fleets() {
        return FleetsGrpc.newBlockingStub(channel).withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    /** For what takes long: days of records that are read and played, or a cloud that is asked for a console. */
    FleetsGrpc.FleetsBlockingStub patientFleets() {
        return FleetsGrpc.newBlockingStub(channel).withDeadlineAfter(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }

    /** As above. */
    MachinesGrpc.MachinesBlockingStub patientMachines() {
        return MachinesGrpc.newBlockingStub(channel).withDeadlineAfter(PATIENCE_SECONDS, TimeUnit.SECONDS);
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

    PoolsGrpc.PoolsBlockingStub pools() {
        return PoolsGrpc.newBlockingStub(channel).withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    BudgetsGrpc.BudgetsBlockingStub budgets() {
        return BudgetsGrpc.newBlockingStub(channel).withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    HistoryGrpc.HistoryBlockingStub history() {
        return HistoryGrpc.newBlockingStub(channel).withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS);
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
                        // More at once than the planner takes of one caller: its limits allow some a second.
                        || refused.getStatus().getCode() == Status.Code.RESOURCE_EXHAUSTED
                        || refused.getStatus().getCode() == Status.Code.UNAVAILABLE && failure.exitCode != CliFailure.NOT_RUNNING;
                if (!late || attempt == WRITE_ATTEMPTS) {
                    throw failure;
                }
                Run.sleep(500);
            }
        }
    }

    /** Waits for a control API that is being started, or for the way to it. @param seconds at most; 0: it is not waited for */
    void awaitAnswer(long seconds) {
        var until = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        while (seconds > 0) {
            try {
                fleets().listFleets(ListFleetsRequest.newBuilder().setPageSize(1).build());
                return;
            } catch (StatusRuntimeException silent) {
                var starting = silent.getStatus().getCode() == Status.Code.UNAVAILABLE || silent.getStatus().getCode() == Status.Code.DEADLINE_EXCEEDED;
                if (!starting || System.nanoTime() > until) {
                    throw failure(silent);
                }
                Run.sleep(1000);
            }
        }
    }

    List<FleetView> allFleets() {
        return pages(token -> fleets().listFleets(ListFleetsRequest.newBuilder().setPageSize(PAGE).setPageToken(token).build()),
                ListFleetsResponse::getFleetsList, ListFleetsResponse::getNextPageToken, Integer.MAX_VALUE);
    }

    List<MachineRecord> allMachines(ListMachinesRequest which) {
        return pages(token -> machines().listMachines(which.toBuilder().setPageSize(PAGE).setPageToken(token).build()),
                ListMachinesResponse::getMachinesList, ListMachinesResponse::getNextPageToken, Integer.MAX_VALUE);
    }

    /** Newest first, at most {@code most}. */
    List<DecisionEvent> decisions(ListDecisionsRequest which, int most) {
        return pages(token -> decisions().listDecisions(which.toBuilder().setPageSize(Math.min(PAGE, most)).setPageToken(token).build()),
                ListDecisionsResponse::getDecisionsList, ListDecisionsResponse::getNextPageToken, most);
    }

    /** One page after the other, until there are no more or {@code most} are there. */
    <A, T> List<T> pages(Function<String, A> ask, Function<A, List<T>> items, Function<A, String> next, int most) {
        var all = new ArrayList<T>();
        var token = "";
        do {
            var from = token;
            var page = call(() -> ask.apply(from));
            all.addAll(items.apply(page));
            token = next.apply(page);
        } while (!token.isEmpty() && all.size() < most);
        return all.size() > most ? all.subList(0, most) : all;
    }

    /**
     * Hands over every machine and every change, on one thread of its own, connecting again when the stream breaks, until the
     * returned handle is closed.
     */
    AutoCloseable watchMachines(WatchMachinesRequest which, Consumer<MachineChange> consumer) {
        return watchMachines(which, fromStart -> { }, consumer);
    }

    /** As above. @param opened called as each stream begins: whether it tells everything */
    AutoCloseable watchMachines(WatchMachinesRequest which, Consumer<Boolean> opened, Consumer<MachineChange> consumer) {
        var context = Context.current().withCancellation();
        var thread = new Thread(context.wrap(() -> {
            while (!context.isCancelled()) {
                try {
                    followMachines(which, opened, consumer);
                } catch (CliFailure refused) {
                    // Whoever watches in the background asks other things, too, and hears of it there.
                    pause();
                }
            }
        }), "watch-machines");
        thread.setDaemon(true);
        thread.start();
        return () -> context.cancel(null);
    }

    /** Hands over every machine and every change, over broken streams. @throws CliFailure if another try would end the same */
    void followMachines(WatchMachinesRequest which, Consumer<Boolean> opened, Consumer<MachineChange> consumer) {
        follow(which.getResumeToken(), token -> {
            opened.accept(token.isEmpty());
            return MachinesGrpc.newBlockingStub(channel).watchMachines(which.toBuilder().setResumeToken(token).build());
        }, MachineChange::getResumeToken, consumer);
    }

    /** Hands over every fleet and every change, over broken streams, each of which begins with everything. @throws CliFailure as above */
    void followFleets(Runnable opened, Consumer<FleetChange> consumer) {
        follow("", token -> {
            opened.run();
            return FleetsGrpc.newBlockingStub(channel).watchFleets(WatchFleetsRequest.getDefaultInstance());
        }, change -> "", consumer);
    }

    /** Decisions from now on, over broken streams: each goes on behind the last decision that was seen. @throws CliFailure as above */
    void followDecisions(WatchDecisionsRequest which, Consumer<DecisionEvent> consumer) {
        follow(which.getResumeToken(), token -> DecisionsGrpc.newBlockingStub(channel).watchDecisions(which.toBuilder().setResumeToken(token).build()),
                DecisionEvent::getResumeToken, consumer);
    }

    /**
     * A stream that is opened again where it broke, until the thread is interrupted or the context is cancelled. A server that was there comes
     * back; one that never was does not, and one that refuses would refuse again.
     */
    private <C> void follow(String from, Function<String, Iterator<C>> open, Function<C, String> resumeToken, Consumer<C> consumer) {
        var token = new String[] {from};
        noteConnected();
        while (!Thread.currentThread().isInterrupted() && !Context.current().isCancelled()) {
            try {
                open.apply(token[0]).forEachRemaining(change -> {
                    if (!resumeToken.apply(change).isEmpty()) {
                        token[0] = resumeToken.apply(change);
                    }
                    consumer.accept(change);
                });
            } catch (StatusRuntimeException broken) {
                if (Thread.currentThread().isInterrupted() || Context.current().isCancelled()) {
                    return;
                }
                switch (broken.getStatus().getCode()) {
                    case NOT_FOUND, PERMISSION_DENIED, UNAUTHENTICATED, UNIMPLEMENTED, INVALID_ARGUMENT, FAILED_PRECONDITION -> throw failure(broken);
                    case OUT_OF_RANGE -> {
                        if (token[0].isEmpty()) {
                            throw failure(broken);
                        }
                        System.err.println("muster: what came meanwhile is no longer kept; going on from now");
                        token[0] = "";
                    }
                    default -> {
                        if (!wasConnected) {
                            throw failure(broken);
                        }
                    }
                }
            }
            pause();
        }
    }

    private void noteConnected() {
        var state = channel.getState(false);
        if (state == ConnectivityState.READY) {
            wasConnected = true;
        } else if (state != ConnectivityState.SHUTDOWN) {
            channel.notifyWhenStateChanged(state, this::noteConnected);
        }
    }

    private static void pause() {
        try {
            TimeUnit.MILLISECONDS.sleep(200);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
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
                    "the control API at " + server + " does not answer: see ./muster status" + (said == null ? "" : " (" + said + ")"), List.of(), code);
        }
        if (code == Status.Code.UNIMPLEMENTED) {
            return new CliFailure(CliFailure.FAILED, "server-too-old", "the server at " + server + " is older than this command line: it doesn't know this call", List.of(), code);
        }
        if (code == Status.Code.UNAUTHENTICATED) {
            return new CliFailure(CliFailure.FAILED, name, (said == null ? "the server doesn't know who calls" : said.replaceFirst("\\.$", ""))
                    + ": say it by --token-file, MUSTER_TOKEN or a context; ./muster context show says which server this was", List.of(), code);
        }
        if (code == Status.Code.DEADLINE_EXCEEDED) {
            return new CliFailure(CliFailure.FAILED, name,
                    "the control API at " + server + " gave no answer in time: see ./muster status", List.of(), code);
        }
        // The message names each violation, too, for those who read nothing else; here each has a line of its own.
        var message = said == null ? code.name() : violations.isEmpty() ? said : said.lines().findFirst().orElse(said);
        return new CliFailure(CliFailure.FAILED, name, message, violations, code);
    }

    @Override
    public void close() {
        channel.shutdownNow();
    }
}
