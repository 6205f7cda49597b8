package dev.muster.planner.stream;

import dev.muster.planner.core.Command;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** What the planner counts. Safe for several stream threads. */
final class PlannerMetrics {

    private final MeterRegistry registry;
    private final Timer plans;
    private final Map<Integer, Integer> fleetsByPartition = new ConcurrentHashMap<>();

    PlannerMetrics(MeterRegistry registry) {
        this.registry = registry;
        plans = Timer.builder("muster.planner.plans").description("Plans made, and how long each took").publishPercentiles(0.5, 0.99).register(registry);
        registry.gauge("muster.planner.fleets", fleetsByPartition, owned -> owned.values().stream().mapToInt(Integer::intValue).sum());
    }

    void read(String topic) {
        registry.counter("muster.planner.records.read", "topic", topic).increment();
    }

    void deadLetter(String topic) {
        registry.counter("muster.planner.dead.letters", "topic", topic).increment();
    }

    /** A record about a fleet that nobody declared. */
    void stranger() {
        registry.counter("muster.planner.records.of.no.fleet").increment();
    }

    /** An error of ours kept a fleet from being planned. */
    void troubled() {
        registry.counter("muster.planner.errors").increment();
    }

    void planned(long nanos) {
        plans.record(Duration.ofNanos(nanos));
    }

    void commanded(Command command) {
        registry.counter("muster.planner.commands", "kind", command.getClass().getSimpleName()).increment();
    }

    void owns(int partition, int fleets) {
        fleetsByPartition.put(partition, fleets);
    }

}
