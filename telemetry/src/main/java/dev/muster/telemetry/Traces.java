package dev.muster.telemetry;

import java.net.URI;
import java.time.Instant;
import java.util.Optional;
import org.apache.kafka.common.header.Headers;

/**
 * Follows what comes of one thing across services: from tasks seen in a queue to the machine that is ready for them. Steps go to whoever collects traces
 * by OpenTelemetry's protocol; between services their context is in the headers of Kafka's records, as W3C's {@code traceparent}.
 *
 * <p>Off, nothing is loaded, made or written. Thread-safe; nothing here blocks or fails. No attribute may have a secret or what a person wrote: names of
 * fleets, pools and machines, kinds and counts.
 */
public interface Traces extends AutoCloseable {

    String HEADER = "traceparent";

    /** Where a step belongs. */
    interface Context {

        /** Says in a record's headers that what follows from it belongs here. A context that is there already is replaced. */
        void write(Headers headers);
    }

    /** One step under way. It is told once it has ended. */
    interface Step {

        Context context();

        void note(String key, String value);

        void end();

        /** @param why a kind, no message: those may quote what a person wrote */
        void failed(String why);
    }

    boolean isOn();

    /** What the headers say; null: nothing, or nobody follows. */
    Context from(Headers headers);

    /**
     * @param parent null: it begins a trace of its own
     * @param at when it began; null: now
     * @param attributes keys, each with its value behind it
     */
    Step begin(String name, Context parent, Instant at, String... attributes);

    /** Tells what has ended and is not told yet, for two seconds at most. */
    @Override
    void close();

    Traces OFF = new Traces() {

        private final Step none = new Step() {
            @Override
            public Context context() {
                return null;
            }

            @Override
            public void note(String key, String value) {}

            @Override
            public void end() {}

            @Override
            public void failed(String why) {}
        };

        @Override
        public boolean isOn() {
            return false;
        }

        @Override
        public Context from(Headers headers) {
            return null;
        }

        @Override
        public Step begin(String name, Context parent, Instant at, String... attributes) {
            return none;
        }

        @Override
        public void close() {}
    };

    /**
     * @param endpoint of a collector that takes OTLP over HTTP; empty: off
     * @param ratio of traces that are told, 0 to 1
     * @throws IllegalArgumentException in one sentence that names the key and the fix
     */
    static Traces of(String service, String instance, String version, Optional<URI> endpoint, double ratio) {
        check(endpoint, ratio);
        return endpoint.isEmpty() ? OFF : OtlpTraces.to(endpoint.get(), service, instance, version, ratio);
    }

    /** @throws IllegalArgumentException in one sentence that names the key and the fix */
    static void check(Optional<URI> endpoint, double ratio) {
        if (!(ratio >= 0 && ratio <= 1)) {
            throw new IllegalArgumentException("muster.traces.ratio is " + ratio + "; set it to 0 (none) up to 1 (all)");
        }
        endpoint.ifPresent(uri -> {
            if (uri.getHost() == null || !("http".equals(uri.getScheme()) || "https".equals(uri.getScheme())) || uri.getUserInfo() != null || uri.getQuery() != null) {
                throw new IllegalArgumentException("muster.traces.endpoint must be the URL of a collector that takes OTLP over HTTP, without a user or a query, such as http://collector:4318");
            }
        });
    }
}
