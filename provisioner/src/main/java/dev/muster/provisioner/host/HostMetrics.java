package dev.muster.provisioner.host;

import dev.muster.provisioner.spi.FailureKind;
import dev.muster.telemetry.Meters;
import dev.muster.telemetry.Metrics;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.DoubleSupplier;
import java.util.function.IntSupplier;

/** What the host counts and shows. */
final class HostMetrics {

    private final Meters meters;
    private final String provider;

    HostMetrics(Meters meters, String provider) {
        this.meters = meters;
        this.provider = provider;
    }

    void read(String verb) {
        meters.count(Metrics.COMMANDS_READ, provider, verb);
    }

    void done(String verb) {
        meters.count(Metrics.COMMANDS_DONE, provider, verb);
    }

    void repeated(String verb, FailureKind kind) {
        meters.count(Metrics.COMMANDS_REPEATED, provider, verb, word(Optional.of(kind)));
    }

    void dead(String topic) {
        meters.count(Metrics.DEAD_LETTERS, topic);
    }

    /** @param failure empty: it succeeded */
    void call(String operation, Optional<FailureKind> failure, Duration took) {
        meters.time(Metrics.CLOUD_CALLS, took, provider, operation, word(failure));
    }

    /** A launch is called for the first time, so long after the planner's command. */
    void launched(Duration delay) {
        meters.time(Metrics.LAUNCH_DELAY, delay, provider);
    }

    void queue(String name, IntSupplier length) {
        meters.show(Metrics.QUEUED, length::getAsInt, provider, name);
    }

    void lag(String topic, DoubleSupplier records) {
        meters.show(Metrics.INPUT_LAG, records, topic);
    }

    void ready(String service, DoubleSupplier isReady) {
        meters.show(Metrics.SERVICE_READY, isReady, service);
    }

    void skew(DoubleSupplier seconds) {
        meters.show(Metrics.CLOCK_SKEW, seconds);
    }

    /** The scopes that are listed from now on, and no others. */
    void inventories(Map<String, Listed> byScope) {
        var ages = new HashMap<List<String>, DoubleSupplier>();
        var machines = new HashMap<List<String>, DoubleSupplier>();
        byScope.forEach((scope, listed) -> {
            ages.put(List.of(provider, scope), () -> listed.age().toMillis() / 1000.0);
            machines.put(List.of(provider, scope), listed::machines);
        });
        meters.show(Metrics.INVENTORY_AGE, this, ages);
        meters.show(Metrics.INVENTORY_MACHINES, this, machines);
    }

    /** How a scope's list is. */
    interface Listed {

        /** Since the last complete list began; before the first, since the scope is ours. */
        Duration age();

        /** In that list, and not ended. */
        int machines();
    }

    private static String word(Optional<FailureKind> failure) {
        return failure.map(Meters::word).orElse("ok");
    }
}
