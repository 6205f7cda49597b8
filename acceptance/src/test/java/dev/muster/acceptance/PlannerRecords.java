package dev.muster.acceptance;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.Timestamps;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.TopicSpan;
import dev.muster.contracts.Topics;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.MachineReport;
import dev.muster.v1.Market;
import dev.muster.v1.OfferKey;
import dev.muster.v1.Phase;
import dev.muster.v1.ScopeState;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/** What Muster wrote to Kafka: decisions, the planner's books, provisioners' lists. */
final class PlannerRecords {

    private final String kafka;
    private final Topics topics = new Topics(Topics.DEFAULT_PREFIX, Topics.SANDBOX_INPUT_PARTITIONS);

    /** @param kafka its address */
    PlannerRecords(String kafka) {
        this.kafka = kafka;
    }

    /**
     * A launch that a cloud refused, as the planner's books have it.
     *
     * @param what such as {@code QUOTA_EXCEEDED n1-standard-4 us-central1-a spot}
     * @param said the cloud's own words
     */
    record Refused(String machineId, String what, String said) {}

    /** All decisions of a fleet so far. */
    Trail trail(String fleet) {
        var events = new ArrayList<DecisionEvent>();
        read(topics.decisions(), value -> {
            var event = DecisionEvent.parseFrom(value);
            if (event.getFleet().equals(fleet)) {
                events.add(event);
            }
        });
        return Trail.of(events);
    }

    /** Whether there was a complete list of each scope for the fleet. */
    boolean isListed(String fleet, String... scopes) {
        var listed = new TreeSet<String>();
        read(topics.machineReports(), value -> {
            var report = MachineReport.parseFrom(value);
            if (report.getFleet().equals(fleet) && report.hasInventory() && report.getInventory().getScopeState() == ScopeState.LISTED_ALL) {
                listed.add(report.getScope());
            }
        });
        return listed.containsAll(List.of(scopes));
    }

    /** The planner's books by machine id, those that have ended among them. */
    Map<String, MachineRecord> machines() {
        var machines = new TreeMap<String, MachineRecord>();
        read(topics.machines(), value -> {
            var machine = MachineRecord.parseFrom(value);
            machines.put(machine.getMachineId(), machine);
        });
        return machines;
    }

    /** Launches that a cloud refused so far, in order. */
    List<Refused> refused() {
        return machines().values().stream().filter(machine -> machine.getPhase() == Phase.FAILED)
                .sorted(Comparator.comparing((MachineRecord machine) -> machine.getEndedAt(), Timestamps.comparator()).thenComparing(MachineRecord::getMachineId))
                .map(machine -> new Refused(machine.getMachineId(), machine.getFailure() + " " + place(machine.getOffer()), machine.getCauseDetail())).toList();
    }

    private static String place(OfferKey offer) {
        return offer.getMachineType() + " " + (offer.getZone().isEmpty() ? offer.getRegion() : offer.getZone()) + (offer.getMarket() == Market.SPOT ? " spot" : "");
    }

    private interface Reader {
        void read(byte[] value) throws InvalidProtocolBufferException;
    }

    private void read(String topic, Reader reader) {
        try (var span = new TopicSpan(KafkaSettings.consumer(kafka))) {
            span.read(span.ends(span.partitions(topic)), record -> {
                try {
                    if (record.value() != null) {
                        reader.read(record.value());
                    }
                } catch (InvalidProtocolBufferException unreadable) {
                    throw new IllegalStateException(unreadable);
                }
            });
        }
    }
}
