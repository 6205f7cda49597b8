package dev.muster.sandbox.machine;

import dev.muster.sandbox.TimeScale;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;

/**
 * The image of machines that work: each boots from the properties block of its boot script, runs simulated agents that call a
 * real ClearML API over HTTP, and a guard that reads the machine's mark and powers off when its gate says so. One that boots from the
 * script of ClearML's own autoscaler runs one agent and no guard. Thread-safe.
 *
 * <p>All machines of one image share an event loop and a client: a machine is timers and counters, no thread.
 */
public final class ClearmlMachine implements MachineImage {

    // Enough that two hundred machines don't queue behind each other, few enough for a laptop's file limit.
    private static final int CONNECTIONS_MAX = 128;

    private final Context context;
    private final HttpClient http;
    private final Pace pace;

    /**
     * @param vertx stays the caller's to close
     * @param scale divides task, poll and report times
     */
    public ClearmlMachine(Vertx vertx, TimeScale scale) {
        this.context = vertx.getOrCreateContext();
        this.http = vertx.createHttpClient(new HttpClientOptions().setMaxPoolSize(CONNECTIONS_MAX).setKeepAlive(true)
                .setConnectTimeout(5_000));
        this.pace = new Pace(scale);
    }

    @Override
    public RunningMachine boot(Hardware hardware) {
        var machine = new SimulatedMachine(context, http, pace, hardware);
        context.runOnContext(nothing -> machine.start());
        return machine;
    }
}
