package dev.muster.planner.stream;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.muster.contracts.KafkaConnection;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.Times;
import dev.muster.contracts.TopicSpan;
import dev.muster.contracts.Topics;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.PlanMade;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.TopicPartition;

/**
 * Fleets as the planner's topics know them. Reading them is the way back from a lost state, and costs nothing else: a partition that holds
 * no declared fleet is told by its end.
 */
final class PublishedTopics implements PublishedFleets {

    private final KafkaConnection kafka;
    private final Topics topics;
    private final InputPositions positions;

    PublishedTopics(KafkaConnection kafka, Topics topics, InputPositions positions) {
        this.kafka = kafka;
        this.topics = topics;
        this.positions = positions;
    }

    @Override
    public List<PublishedFleet> ofPartition(int partition) {
        var declared = new TopicPartition(topics.fleets(), partition);
        if (positions.ends(List.of(declared)).get(declared) == 0) {
            return List.of();
        }
        var reading = new Reading();
        try (var span = new TopicSpan(KafkaSettings.consumer(kafka))) {
            span.read(List.of(declared), record -> reading.fleet(new String(record.key(), UTF_8), record.value()));
            if (reading.isEmpty()) {
                return List.of();
            }
            span.read(span.partitions(topics.machines()), record -> reading.machine(new String(record.key(), UTF_8), record.value()));
            span.read(List.of(new TopicPartition(topics.decisions(), partition)), record -> reading.decision(record.value()));
        }
        return reading.fleets();
    }

    /** Puts together what the topics say; the fleets must come first. */
    static final class Reading {

        private final TreeMap<String, FleetRecord> records = new TreeMap<>();
        private final Map<String, TreeMap<String, MachineRecord>> machines = new HashMap<>();
        private final Map<String, DecisionEvent> plans = new HashMap<>();

        boolean isEmpty() {
            return records.isEmpty();
        }

        void fleet(String name, byte[] value) {
            if (value == null) {
                records.remove(name);
            } else {
                records.put(name, parsed(value, FleetRecord.parser()));
            }
        }

        void machine(String key, byte[] value) {
            var fleet = key.substring(0, Math.max(0, key.indexOf('/')));
            if (!records.containsKey(fleet)) {
                return;
            }
            var of = machines.computeIfAbsent(fleet, name -> new TreeMap<>());
            if (value == null) {
                of.remove(key);
            } else {
                of.put(key, parsed(value, MachineRecord.parser()));
            }
        }

        void decision(byte[] value) {
            var event = parsed(value, DecisionEvent.parser());
            if (event.hasPlanMade() && records.containsKey(event.getFleet())) {
                plans.put(event.getFleet(), event);
            }
        }

        List<PublishedFleet> fleets() {
            var published = new ArrayList<PublishedFleet>();
            records.forEach((name, record) -> published.add(published(record,
                    List.copyOf(machines.getOrDefault(name, new TreeMap<>()).values()), plans.get(name))));
            return published;
        }
    }

    private static <M> M parsed(byte[] value, com.google.protobuf.Parser<M> parser) {
        try {
            return parser.parseFrom(value);
        } catch (InvalidProtocolBufferException unreadable) {
            throw new IllegalStateException("a record of the planner's own is unreadable: " + unreadable.getMessage(), unreadable);
        }
    }

    /** @param last the last plan that emitted something; null: none is known, and ids go on from those of the machines */
    private static PublishedFleet published(FleetRecord record, List<MachineRecord> machines, DecisionEvent last) {
        var prefix = "m" + record.getIncarnation() + "-";
        var counter = machines.stream().map(MachineRecord::getMachineId).filter(id -> id.startsWith(prefix))
                .map(id -> id.substring(prefix.length())).filter(digits -> digits.matches("[0-9]{1,15}")).mapToLong(Long::parseLong).max().orElse(0);
        // Numbers of plans count within one life of the name.
        var plan = last != null && last.getDecisionId().startsWith(record.getIncarnation() + "-") ? last.getPlanMade() : PlanMade.getDefaultInstance();
        return new PublishedFleet(record, machines, last == null ? 0 : last.getPlan(),
                plan.hasNow() ? Times.instant(plan.getNow()) : Instant.EPOCH, Math.max(counter + 1, plan.getNextMachine()));
    }
}
