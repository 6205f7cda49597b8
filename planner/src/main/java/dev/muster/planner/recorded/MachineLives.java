package dev.muster.planner.recorded;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Timestamp;
import com.google.protobuf.util.Timestamps;
import dev.muster.contracts.Times;
import dev.muster.planner.topic.TopicReaders;
import dev.muster.planner.topic.TopicReading;
import dev.muster.planner.view.DemandView;
import dev.muster.planner.view.ReadModel;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.MachineEvent;
import dev.muster.v1.MachineLife;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.Mark;
import dev.muster.v1.Phase;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * What machines went through: by their records' times, by the decisions that name them, and by what the watcher saw of their workers. Decisions that
 * memory has no more, and looks at workers, are read from the topics. Thread-safe; callers are never blocked.
 */
public final class MachineLives {

    /** Some seconds are what a person waits for; what is not read by then is missing, and the answer says so. */
    private static final Duration LIMIT = Duration.ofSeconds(5);
    /** Between clocks, and from the end of a machine until the watcher has read its last tasks. */
    private static final Duration AROUND = Duration.ofMinutes(2);

    private final ReadModel model;
    private final DecisionHistory history;
    private final TopicReaders readers;
    private final String demand;

    public MachineLives(ReadModel model, DecisionHistory history, TopicReaders readers, String demandTopic) {
        this.model = model;
        this.history = history;
        this.readers = readers;
        this.demand = demandTopic;
    }

    public CompletableFuture<MachineLife> of(MachineRecord machine) {
        return readers.read(LIMIT, reading -> read(reading, machine, Instant.now()));
    }

    private MachineLife read(TopicReading reading, MachineRecord machine, Instant now) {
        Predicate<DecisionEvent> names = event -> event.getDecision().getMachineIdsList().contains(machine.getMachineId());
        var decisions = new ArrayList<DecisionEvent>();
        var complete = true;
        var known = model.decisionsCompleteFrom(machine.getFleet());
        if (known > 0) {
            complete = history.between(reading, machine.getFleet(), begin(machine).minus(AROUND), end(machine, now).plus(AROUND), known, names, decisions);
        }
        model.decisions(machine.getFleet()).ifPresent(log -> decisions.addAll(log.all(names)));
        var runs = new TaskRuns(machine, queueNames(machine.getFleet()));
        if (machine.hasReadyAt()) {
            complete &= watch(reading, machine, now, runs);
        }
        return MachineLife.newBuilder().setMachine(machine).addAllEvents(events(machine, unique(decisions))).addAllTasks(runs.runs(now)).setComplete(complete).build();
    }

    private static Instant begin(MachineRecord machine) {
        return machine.hasRequestedAt() ? Times.instant(machine.getRequestedAt()) : machine.hasAcceptedAt() ? Times.instant(machine.getAcceptedAt()) : Instant.EPOCH;
    }

    private static Instant end(MachineRecord machine, Instant now) {
        return machine.hasEndedAt() ? Times.instant(machine.getEndedAt()) : now;
    }

    /** False: not all looks of its time could be read. */
    private boolean watch(TopicReading reading, MachineRecord machine, Instant now, TaskRuns runs) {
        var key = machine.getFleet().getBytes(UTF_8);
        var partition = reading.partition(demand, machine.getFleet());
        var end = reading.at(partition, end(machine, now).plus(AROUND)).orElseGet(() -> reading.end(partition));
        var begin = reading.at(partition, Times.instant(machine.getReadyAt()).minus(AROUND)).orElse(end);
        var reached = reading.read(partition, begin, end, record -> look(record, key, runs));
        return reached >= end && !DecisionHistory.isCut(reading, partition, begin);
    }

    private static void look(ConsumerRecord<byte[], byte[]> record, byte[] key, TaskRuns runs) {
        if (record.value() == null || !Arrays.equals(record.key(), key)) {
            return;
        }
        try {
            runs.on(DemandEvent.parseFrom(record.value()), Instant.ofEpochMilli(record.timestamp()));
        } catch (InvalidProtocolBufferException unreadable) {
            // Passed over, as the read model does.
        }
    }

    private Map<String, String> queueNames(String fleet) {
        return model.demand(fleet).queues().values().stream().map(DemandView.Seen::picture).filter(queue -> !queue.getId().isEmpty())
                .collect(Collectors.toMap(queue -> queue.getId(), queue -> queue.getName(), (one, other) -> one));
    }

    /** Memory may have taken in what was read from the topic meanwhile. */
    private static List<DecisionEvent> unique(List<DecisionEvent> decisions) {
        var byId = new LinkedHashMap<String, DecisionEvent>();
        decisions.forEach(event -> byId.put(event.getDecisionId(), event));
        return List.copyOf(byId.values());
    }

    /** Oldest first; a decision before the phase that it led to. */
    static List<MachineEvent> events(MachineRecord machine, List<DecisionEvent> decisions) {
        var events = new ArrayList<MachineEvent>();
        decisions.forEach(decision -> events.add(MachineEvent.newBuilder().setAt(decision.getAt()).setDecision(decision).setText(decision.getDecision().getText()).build()));
        var because = machine.getCause().isEmpty() ? "." : ": " + machine.getCause() + (machine.getCauseDetail().isEmpty() ? "." : ", " + machine.getCauseDetail() + ".");
        came(events, machine.hasRequestedAt(), machine.getRequestedAt(), Phase.REQUESTED, machine.getQueue().isEmpty() ? "It was admitted." : "It was admitted for queue " + machine.getQueue() + ".");
        came(events, machine.hasAcceptedAt(), machine.getAcceptedAt(), Phase.BOOTING, machine.getCloudId().isEmpty() ? "Its cloud accepted it." : "Its cloud accepted it as " + machine.getCloudId() + ".");
        came(events, machine.hasPlacedAt(), machine.getPlacedAt(), Phase.BOOTING, "Its cloud had room for it.");
        came(events, machine.hasBootedAt(), machine.getBootedAt(), Phase.BOOTING, "Its cloud showed it running.");
        came(events, machine.hasReadyAt(), machine.getReadyAt(), Phase.READY, "Its worker registered.");
        came(events, machine.hasMarkedAt() && (machine.getMark() == Mark.DRAIN || machine.getMark() == Mark.DRAIN_NOW), machine.getMarkedAt(), Phase.DRAINING,
                "It was told to drain" + because);
        came(events, machine.hasEndedAt(), machine.getEndedAt(), machine.getPhase(), switch (machine.getPhase()) {
            case FAILED -> "It was never started" + because;
            case LOST -> "Its cloud listed it no more" + because;
            default -> "Its cloud said that it is gone" + because;
        });
        events.sort((one, other) -> Timestamps.compare(one.getAt(), other.getAt()));
        return events;
    }

    private static void came(List<MachineEvent> events, boolean known, Timestamp at, Phase phase, String text) {
        if (known) {
            events.add(MachineEvent.newBuilder().setAt(at).setPhase(phase).setText(text).build());
        }
    }
}
