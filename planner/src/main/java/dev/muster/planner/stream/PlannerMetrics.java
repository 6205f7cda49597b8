package dev.muster.planner.stream;

import dev.muster.planner.core.Command;
import dev.muster.planner.core.PlanRecord;
import dev.muster.v1.FleetRecord;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jboss.logging.Logger;

/** What the planner counts and logs of its work. Safe for several stream threads. */
final class PlannerMetrics implements Witness {

    private static final Logger LOG = Logger.getLogger("dev.muster.planner.fleets");

    private final MeterRegistry registry;
    private final Timer plans;
    /** The registry looks a meter up by name and tags each time, which is too slow for every record. */
    private final Map<String, Counter> readByTopic = new ConcurrentHashMap<>();
    private final Map<Integer, Integer> fleetsByPartition = new ConcurrentHashMap<>();

    PlannerMetrics(MeterRegistry registry) {
        this.registry = registry;
        plans = Timer.builder("muster.planner.plans").description("Plans made, and how long each took").publishPercentiles(0.5, 0.99).register(registry);
        registry.gauge("muster.planner.fleets", fleetsByPartition, owned -> owned.values().stream().mapToInt(Integer::intValue).sum());
    }

    @Override
    public void read(String topic) {
        readByTopic.computeIfAbsent(topic, of -> registry.counter("muster.planner.records.read", "topic", of)).increment();
    }

    @Override
    public void deadLettered(String topic, int partition, long offset, String reason) {
        LOG.warnf("A record went to the dead letters; topic=%s partition=%d offset=%d reason=%s", topic, partition, offset, reason);
        registry.counter("muster.planner.dead.letters", "topic", topic).increment();
    }

    @Override
    public void ofNobody() {
        registry.counter("muster.planner.records.of.no.fleet").increment();
    }

    @Override
    public void created(FleetRecord record, String caller) {
        LOG.infof("A fleet was created; fleet=%s incarnation=%s caller=%s", record.getFleet(), record.getIncarnation(), caller);
    }

    @Override
    public void adopted(FleetRecord record, int machines) {
        LOG.warnf("A fleet is declared, and its state was not found: it goes on with what the topics and the clouds say; fleet=%s version=%d machines=%d",
                record.getFleet(), record.getVersion(), machines);
        registry.counter("muster.planner.states.lost").increment();
    }

    @Override
    public void forgotten(String fleet) {
        LOG.infof("A deleted fleet was forgotten; fleet=%s", fleet);
    }

    @Override
    public void decided(String fleet, PlanRecord.Decided decided) {
        LOG.infof("%s; fleet=%s rule=%s reason=%s decision=%s", decided.text(), fleet, decided.rule(), decided.reason(), decided.id());
        registry.counter("muster.planner.decisions", "reason", decided.reason().name()).increment();
    }

    @Override
    public void refused(String fleet, PlanRecord.Refused refused) {
        if (refused.reason() != null) {
            LOG.infof("%s; fleet=%s rule=%s reason=%s decision=%s", refused.text(), fleet, refused.rule(), refused.reason(), refused.id());
            // It is written again while it lasts; it came about once.
            if (refused.since().equals(refused.writtenAt())) {
                registry.counter("muster.planner.refusals", "reason", refused.reason().name()).increment();
            }
        }
    }

    @Override
    public void commanded(Command command) {
        registry.counter("muster.planner.commands", "kind", command.getClass().getSimpleName()).increment();
    }

    @Override
    public void planned(long nanos) {
        plans.record(Duration.ofNanos(nanos));
    }

    @Override
    public void unreadable(String fleet, RuntimeException why) {
        LOG.errorf(why, "A stored fleet can't be loaded and is left alone; fleet=%s", fleet);
        troubled();
    }

    @Override
    public void troubled() {
        registry.counter("muster.planner.errors").increment();
    }

    @Override
    public void setAside(String fleet, RuntimeException bug) {
        LOG.errorf(bug, "A fleet can't be planned, and keeps its machines as they are; fleet=%s", fleet);
    }

    @Override
    public void owns(int partition, int fleets) {
        fleetsByPartition.put(partition, fleets);
    }
}
