package dev.muster.planner.access;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.ForwardingServerCall;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.quarkus.grpc.GlobalInterceptor;
import io.vertx.core.Vertx;
import io.vertx.ext.web.RoutingContext;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.inject.spi.Prioritized;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.net.InetSocketAddress;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jboss.logging.Logger;

/**
 * Stands before every call of the API, whichever way it came: who makes it, whether it may be made as often, and whether that caller may make it,
 * before a service hears of it. Never blocks: a call whose token can't be judged yet is held until it can. Edges that call services within this process give a
 * call the attributes of the connection that it came by (its address, its TLS session), and the header {@code authorization} as it came.
 */
@GlobalInterceptor
@Singleton
public final class AccessInterceptor implements ServerInterceptor, Prioritized, AutoCloseable {

    private static final Logger LOG = Logger.getLogger(AccessInterceptor.class);
    /** Whoever looks after processes asks it, and learns nothing else. */
    private static final Set<String> FOR_ANYBODY = Set.of("grpc.health.v1.Health");
    /** What the API is like is told to whoever is known. */
    private static final Set<String> FOR_WHOEVER_IS_KNOWN = Set.of("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection");
    /** Behind Quarkus' interceptors that keep a request's context, and before the one that leaves the event loop for services that block. */
    private static final int BEFORE_SERVICES_THAT_BLOCK = Integer.MAX_VALUE - 58;
    private static final Duration EXPIRY_EVERY = Duration.ofSeconds(1);
    private static final Identity NOT_ASKED = new Identity(Caller.ANYBODY.name(), List.of(), Optional.empty());

    private final AccessSettings settings;
    private final Authentication authentication;
    private final Rights rights;
    private final Rates rates;
    private final OpenWatches watches;
    private final MachineFleets machines;
    private final Clock clock;
    private final CallLog log = new CallLog();
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(task -> {
        var thread = new Thread(task, "access");
        thread.setDaemon(true);
        return thread;
    });

    /** Goes on with calls that were held, so that whoever fetches keys isn't kept by what services do. */
    private final ExecutorService resuming = Executors.newFixedThreadPool(4, task -> {
        var thread = new Thread(task, "held-calls");
        thread.setDaemon(true);
        return thread;
    });

    @Inject
    public AccessInterceptor(AccessSettings settings, MachineFleets machines) {
        this(settings, machines, Clock.systemUTC());
    }

    AccessInterceptor(AccessSettings settings, MachineFleets machines, Clock clock) {
        this.settings = settings;
        this.machines = machines;
        this.clock = clock;
        rights = new Rights(machines::fleetOf);
        rates = new Rates(settings.limits());
        watches = new OpenWatches(settings.limits());
        authentication = new Authentication(settings, clock, this::endWatchesThatMayNot);
        settings.notices().forEach(LOG::warn);
        if (!settings.isOpen()) {
            timer.scheduleWithFixedDelay(this::endWatchesThatMayNot, EXPIRY_EVERY.toMillis(), EXPIRY_EVERY.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    private void endWatchesThatMayNot() {
        try {
            watches.endChanged(authentication.grants(), clock.instant());
        } catch (RuntimeException bug) {
            LOG.error("Looking at open watches failed", bug);
        }
    }

    /** Watches that are open now. */
    int openWatches() {
        return watches.count();
    }

    @Override
    public int getPriority() {
        return BEFORE_SERVICES_THAT_BLOCK;
    }

    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        if (FOR_ANYBODY.contains(call.getMethodDescriptor().getServiceName())) {
            return next.startCall(call, headers);
        }
        var held = new HeldCall<>(call, headers, next);
        held.begin();
        return held;
    }

    @PreDestroy
    @Override
    public void close() {
        timer.shutdownNow();
        resuming.shutdownNow();
        authentication.close();
    }

    /** A call until it is decided, and what goes through it from then on. What happens meanwhile is told to the service afterwards, in its order. */
    private final class HeldCall<Q, A> extends ServerCall.Listener<Q> {

        private final Outlet outlet;
        private final Metadata headers;
        private final ServerCallHandler<Q, A> next;
        private final Context context = Context.current();
        /** Where this call's events are told; null for calls within the process. */
        private final io.vertx.core.Context eventLoop = Vertx.currentContext();
        private final boolean judgedByMessage;
        private final Deque<Consumer<ServerCall.Listener<Q>>> waiting = new ArrayDeque<>();
        private Identity identity;
        private Q message;
        private boolean halfClosed;
        private boolean decided;
        private boolean refused;
        private ServerCall.Listener<Q> service;
        private boolean telling;
        private OpenWatches.Open watch;

        private HeldCall(ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
            outlet = new Outlet(call);
            this.headers = headers;
            this.next = next;
            judgedByMessage = !FOR_WHOEVER_IS_KNOWN.contains(call.getMethodDescriptor().getServiceName());
        }

        private void begin() {
            if (judgedByMessage) {
                outlet.request(1);
            }
            if (!outlet.getMethodDescriptor().getType().serverSendsOneMessage()) {
                watchTheConnection();
            }
            if (settings.isOpen()) {
                known(NOT_ASKED);
                return;
            }
            var identified = authentication.identify(headers, outlet.getAttributes()).toCompletableFuture();
            if (identified.isDone() && !identified.isCompletedExceptionally()) {
                known(identified.join());
                return;
            }
            BiConsumer<Identity, Throwable> then = (who, failure) -> inTurn(() -> {
                if (failure == null) {
                    known(who);
                } else {
                    refuse("unknown", OidcTokens.cause(failure) instanceof StatusRuntimeException refused ? refused : broken(failure));
                }
            });
            // Even a refusal that is certain waits for its turn: Vert.x can't end a call that it is just beginning.
            if (identified.isDone()) {
                identified.whenComplete(then);
            } else {
                identified.whenCompleteAsync(then, resuming);
            }
        }

        /**
         * Vert.x' gRPC tells of a client that leaves only while it has not sent its request whole, which one that watches has: without this its watch
         * would be kept, and fed, for good.
         */
        private void watchTheConnection() {
            if (eventLoop != null && eventLoop.getLocal(RoutingContext.class.getName()) instanceof RoutingContext connection) {
                connection.addEndHandler(ended -> {
                    if (!outlet.isClosed()) {
                        onCancel();
                    }
                });
            }
        }

        private StatusRuntimeException broken(Throwable bug) {
            LOG.error("A caller could not be judged", bug);
            return Status.INTERNAL.withDescription("The planner failed on finding out who calls, and what they may do.").asRuntimeException();
        }

        private void inTurn(Runnable action) {
            if (eventLoop == null) {
                action.run();
            } else {
                eventLoop.runOnContext(turn -> action.run());
            }
        }

        private void known(Identity who) {
            synchronized (waiting) {
                identity = who;
            }
            decideIfPossible();
        }

        private void decideIfPossible() {
            Q first;
            synchronized (waiting) {
                if (decided || identity == null || judgedByMessage && message == null && !halfClosed) {
                    return;
                }
                decided = true;
                first = message;
            }
            try {
                decide(identity == NOT_ASKED ? Caller.ANYBODY : authentication.grants().caller(identity), first);
            } catch (RuntimeException bug) {
                refuse(identity.name(), broken(bug));
            }
        }

        private void decide(Caller caller, Q first) {
            var method = outlet.getMethodDescriptor();
            var read = rights.isRead(method);
            var wait = rates.take(caller.name(), read);
            if (wait.isPresent()) {
                refuse(caller.name(), AccessErrors.tooMany(caller.name() + (read ? " reads" : " changes things") + " more often than the planner allows: wait, and try again.", wait.get()));
                return;
            }
            if (judgedByMessage) {
                var refusal = first == null ? Optional.of(AccessErrors.noMessage()) : rights.refusal(caller, method, first);
                if (refusal.isPresent()) {
                    refuse(caller.name(), refusal.get());
                    return;
                }
                if (!method.getType().serverSendsOneMessage() && !open(caller)) {
                    return;
                }
                if (!read) {
                    var subject = rights.subject(method, first);
                    outlet.whenClosed(how -> log.changed(caller, machines.fleetOf(subject).orElse(subject), from(), method, subject, how));
                }
            }
            start(caller);
        }

        private boolean open(Caller caller) {
            watch = new OpenWatches.Open(identity, caller, () -> inTurn(this::endWatch));
            if (!watches.add(watch)) {
                watch = null;
                refuse(caller.name(), AccessErrors.tooMany("As many watches are open as the planner allows, of " + caller.name() + " or in all: end one, or try again later.", Duration.ofSeconds(10)));
                return false;
            }
            outlet.whenClosed(how -> watches.remove(watch));
            return true;
        }

        private void endWatch() {
            close(identity.isOverAt(clock.instant()) ? AccessErrors.unauthenticated("What this watch began with is over: watch again with a new token.")
                    : AccessErrors.unavailable("What " + identity.name() + " may do has changed: watch again.", Duration.ZERO));
            tell(ServerCall.Listener::onCancel);
        }

        private void start(Caller caller) {
            try {
                var listener = Contexts.interceptCall(caller.in(context), outlet, headers, next);
                synchronized (waiting) {
                    service = listener;
                }
                tell(null);
            } catch (RuntimeException bug) {
                LOG.error("A call could not be begun", bug);
                close(Status.INTERNAL.withDescription("The planner failed on this call.").asRuntimeException());
            }
        }

        private void refuse(String caller, StatusRuntimeException refusal) {
            synchronized (waiting) {
                decided = true;
                refused = true;
                waiting.clear();
            }
            log.denied(caller, from(), outlet.getMethodDescriptor(), rights.subject(outlet.getMethodDescriptor(), message), refusal.getStatus());
            close(refusal);
        }

        private void close(StatusRuntimeException why) {
            outlet.close(why.getStatus(), why.getTrailers() == null ? new Metadata() : why.getTrailers());
        }

        private String from() {
            return outlet.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR) instanceof InetSocketAddress address && address.getAddress() != null
                    ? address.getAddress().getHostAddress() : "unknown";
        }

        /** Tells the service one thing more, behind what waits. One thread tells at a time, and none holds a lock meanwhile. */
        private void tell(Consumer<ServerCall.Listener<Q>> event) {
            synchronized (waiting) {
                if (event != null && !refused) {
                    waiting.add(event);
                }
                if (service == null || telling) {
                    return;
                }
                telling = true;
            }
            var done = false;
            try {
                while (!done) {
                    Consumer<ServerCall.Listener<Q>> first;
                    synchronized (waiting) {
                        first = waiting.poll();
                        if (first == null) {
                            telling = false;
                            done = true;
                        }
                    }
                    if (first != null) {
                        first.accept(service);
                    }
                }
            } finally {
                if (!done) {
                    synchronized (waiting) {
                        telling = false;
                    }
                }
            }
        }

        @Override
        public void onMessage(Q said) {
            synchronized (waiting) {
                if (message == null) {
                    message = said;
                }
            }
            tell(listener -> listener.onMessage(said));
            decideIfPossible();
        }

        @Override
        public void onHalfClose() {
            synchronized (waiting) {
                halfClosed = true;
            }
            tell(ServerCall.Listener::onHalfClose);
            decideIfPossible();
        }

        @Override
        public void onCancel() {
            outlet.gone();
            synchronized (waiting) {
                decided = true;
            }
            tell(ServerCall.Listener::onCancel);
        }

        @Override
        public void onComplete() {
            tell(ServerCall.Listener::onComplete);
        }

        @Override
        public void onReady() {
            tell(ServerCall.Listener::onReady);
        }

        /** The way back to the client. Once it is closed, by whomever, nothing more goes through, and nobody is to blame who tries. */
        private final class Outlet extends ForwardingServerCall.SimpleForwardingServerCall<Q, A> {

            private boolean closed;
            private Consumer<Status> whenClosed = how -> { };

            private Outlet(ServerCall<Q, A> call) {
                super(call);
            }

            private synchronized boolean isClosed() {
                return closed;
            }

            private synchronized void whenClosed(Consumer<Status> action) {
                whenClosed = whenClosed.andThen(action);
            }

            @Override
            public synchronized void sendHeaders(Metadata headers) {
                if (!closed) {
                    super.sendHeaders(headers);
                }
            }

            @Override
            public synchronized void sendMessage(A message) {
                if (!closed) {
                    super.sendMessage(message);
                }
            }

            @Override
            public void close(Status status, Metadata trailers) {
                synchronized (this) {
                    if (closed) {
                        return;
                    }
                    closed = true;
                }
                whenClosed.accept(status);
                super.close(status, trailers);
            }

            /** The client went away. */
            private void gone() {
                synchronized (this) {
                    if (closed) {
                        return;
                    }
                    closed = true;
                }
                whenClosed.accept(Status.CANCELLED);
            }
        }
    }
}
