package dev.muster.provisioner.host;

import dev.muster.provisioner.spi.FailureKind;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;

/** What the host counts. Names begin with {@code muster.provisioner}. */
final class HostMetrics {

    private final MeterRegistry registry;

    HostMetrics(MeterRegistry registry) {
        this.registry = registry;
    }

    void read(String verb) {
        registry.counter("muster.provisioner.commands.read", "verb", verb).increment();
    }

    void done(String verb) {
        registry.counter("muster.provisioner.commands.done", "verb", verb).increment();
    }

    void repeated(String verb, FailureKind kind) {
        registry.counter("muster.provisioner.commands.repeated", "verb", verb, "kind", word(Optional.of(kind))).increment();
    }

    void dead() {
        registry.counter("muster.provisioner.dead.letters").increment();
    }

    /** @param failure empty: it succeeded */
    void call(String api, Optional<FailureKind> failure, Duration took) {
        Timer.builder("muster.provisioner.calls").tag("api", api).tag("outcome", word(failure)).register(registry).record(took);
    }

    void queue(String name, Supplier<Number> length) {
        Gauge.builder("muster.provisioner.queue", length).tag("queue", name).register(registry);
    }

    private static String word(Optional<FailureKind> failure) {
        return failure.map(kind -> kind.name().toLowerCase(Locale.ROOT)).orElse("ok");
    }
}
