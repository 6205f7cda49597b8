package dev.muster.planner.http;

import io.grpc.BindableService;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import jakarta.enterprise.inject.spi.Prioritized;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The gRPC services a second time, reached from within this process: the same beans behind the same interceptors as over the network, so that no call
 * over HTTP gets past what one over gRPC must pass.
 */
final class LocalCalls implements AutoCloseable {

    /** Services don't block, but for some that read topics: those must not hold up the others. */
    private static final int THREADS = 16;

    private final ThreadPoolExecutor threads;
    private final Server server;
    private final ManagedChannel channel;

    LocalCalls(Iterable<BindableService> services, Iterable<ServerInterceptor> interceptors) {
        var count = new AtomicInteger();
        threads = new ThreadPoolExecutor(THREADS, THREADS, 30, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), task -> {
            var thread = new Thread(task, "http-calls-" + count.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
        threads.allowCoreThreadTimeOut(true);
        var name = InProcessServerBuilder.generateName();
        var builder = InProcessServerBuilder.forName(name).executor(this::untilTheEnd);
        var chain = chain(interceptors);
        services.forEach(service -> builder.addService(ServerInterceptors.intercept(service.bindService(), chain)));
        try {
            server = builder.build().start();
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        channel = InProcessChannelBuilder.forName(name).executor(this::untilTheEnd).build();
    }

    /**
     * In the order that Quarkus gives them: the last is asked first, which is the one of the highest priority. Its own, which carry its contexts
     * from one event loop's call to the next, have nothing to do here; whatever else there is holds here, too.
     */
    private static List<ServerInterceptor> chain(Iterable<ServerInterceptor> interceptors) {
        var chain = new ArrayList<ServerInterceptor>();
        interceptors.forEach(interceptor -> {
            if (!interceptor.getClass().getName().startsWith("io.quarkus.grpc.runtime.")) {
                chain.add(interceptor);
            }
        });
        chain.sort(Comparator.comparingInt(interceptor -> interceptor instanceof Prioritized prioritized ? prioritized.getPriority() : 0));
        chain.add(Peer::intercept);
        return chain;
    }

    /** Connections end after the calls do, and cancel theirs once more: nobody waits for that. */
    private void untilTheEnd(Runnable task) {
        try {
            threads.execute(task);
        } catch (RejectedExecutionException over) {
            if (!threads.isShutdown()) {
                throw over;
            }
        }
    }

    Channel channel() {
        return channel;
    }

    /** For work that would hold up a connection's thread. */
    ExecutorService threads() {
        return threads;
    }

    @Override
    public void close() {
        channel.shutdownNow();
        server.shutdownNow();
        threads.shutdown();
    }
}
