package dev.muster.planner.stream;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.muster.contracts.DeadLetters;
import dev.muster.contracts.ProtobufSerde;
import dev.muster.contracts.Topics;
import dev.muster.contracts.UnreadableRecordException;
import dev.muster.planner.core.Command;
import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.FleetEvent;
import dev.muster.planner.core.Plan;
import dev.muster.planner.core.PlanRecord;
import dev.muster.planner.core.Planner;
import dev.muster.v1.AnswerCode;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.FleetState;
import dev.muster.v1.InputOffset;
import dev.muster.v1.MachineReport;
import dev.muster.v1.MachineRequest;
import dev.muster.v1.Reason;
import dev.muster.v1.Refusal;
import dev.muster.v1.Request;
import dev.muster.v1.RequestAnswered;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiFunction;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.jboss.logging.Logger;

/**
 * The owner of the fleets of one partition: records come in and become events, plans go out as records. Everything that it
 * writes commits together with the offsets of what it read.
 *
 * <p>An event is applied when it is read; fleets with news, or whose deadline has passed, are planned on the next beat. Kafka
 * Streams calls all methods on one thread.
 */
final class FleetProcessor implements Processor<byte[], byte[], byte[], byte[]> {

    private static final Logger LOG = Logger.getLogger(FleetProcessor.class);
    private static final ProtobufSerde<Request> REQUESTS = new ProtobufSerde<>(Request.parser());
    private static final ProtobufSerde<DemandEvent> DEMAND = new ProtobufSerde<>(DemandEvent.parser());
    private static final ProtobufSerde<MachineReport> REPORTS = new ProtobufSerde<>(MachineReport.parser());
    /** A deleted fleet's record says for this long how its machines were to end. */
    private static final Duration DELETED_FLEETS_KEPT = Duration.ofDays(30);
    private static final Duration CLEANING = Duration.ofHours(1);
    private static final String READER = "planner";

    private final Topics topics;
    private final BiFunction<Fleet, Instant, Plan> planner;
    private final InputPositions positions;
    private final PlannerMetrics metrics;
    private final Clock clock;
    private final Duration beat;
    private final String source;
    private final String version;

    private ProcessorContext<byte[], byte[]> context;
    private FleetStore store;
    private final Map<String, OwnedFleet> fleets = new TreeMap<>();
    private Map<TopicPartition, Long> ends = Map.of();
    private Map<TopicPartition, Long> committed = Map.of();
    private final Map<TopicPartition, Long> processed = new HashMap<>();
    private boolean caughtUp;

    /**
     * @param planner plans a fleet at an instant, and applies the plan: {@link Planner#plan}
     * @param beat how often fleets that are due are looked for
     * @param source of the records it sends, as CloudEvents names it
     * @param version of this release, for replay
     */
    FleetProcessor(Topics topics, BiFunction<Fleet, Instant, Plan> planner, InputPositions positions, PlannerMetrics metrics, Clock clock,
            Duration beat, String source, String version) {
        this.topics = topics;
        this.planner = planner;
        this.positions = positions;
        this.metrics = metrics;
        this.clock = clock;
        this.beat = beat;
        this.source = source;
        this.version = version;
    }

    /** Called again on the same object after a task was lost and came back: nothing of before counts. */
    @Override
    public void init(ProcessorContext<byte[], byte[]> context) {
        this.context = context;
        store = new FleetStore(context.getStateStore(FleetStore.NAME));
        fleets.clear();
        processed.clear();
        caughtUp = false;
        var partition = context.taskId().partition();
        var inputs = topics.inputs().stream().map(topic -> new TopicPartition(topic, partition)).toList();
        ends = positions.ends(inputs);
        committed = positions.committed(inputs);
        for (var name : store.names()) {
            var owned = new OwnedFleet(name);
            fleets.put(name, owned);
            load(owned);
        }
        metrics.owns(partition, fleets.size());
        context.schedule(beat, PunctuationType.WALL_CLOCK_TIME, at -> planDue());
        context.schedule(CLEANING, PunctuationType.WALL_CLOCK_TIME, at -> forgetDeleted());
    }

    @Override
    public void close() {
        metrics.owns(context.taskId().partition(), 0);
    }

    private void load(OwnedFleet owned) {
        try {
            owned.loaded(store.load(owned.name()));
        } catch (RuntimeException unreadable) {
            LOG.errorf(unreadable, "A stored fleet can't be loaded and is left alone; fleet=%s", owned.name());
            owned.setAside("its state can't be loaded: " + unreadable.getMessage(), clock.instant());
            metrics.troubled();
        }
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        var from = context.recordMetadata().orElseThrow(() -> new IllegalStateException("a record of no topic"));
        processed.put(new TopicPartition(from.topic(), from.partition()), from.offset());
        metrics.read(from.topic());
        var at = Instant.ofEpochMilli(record.timestamp());
        try {
            if (record.key() == null) {
                throw new UnreadableRecordException("the key is null; it must name a fleet");
            }
            var key = new String(record.key(), UTF_8);
            if (from.topic().equals(topics.requests())) {
                request(key, REQUESTS.parse(record.value()), at);
            } else if (from.topic().equals(topics.demand())) {
                var message = DEMAND.parse(record.value());
                learn(key, message.getFleet(), DemandTranslator.event(message, at));
            } else {
                var message = REPORTS.parse(record.value());
                learn(key, message.getFleet(), MachineTranslator.event(message, at));
            }
        } catch (UnreadableRecordException unreadable) {
            deadLetter(record, from.topic(), from.partition(), from.offset(), unreadable.getMessage());
        }
    }

    private void deadLetter(Record<byte[], byte[]> record, String topic, int partition, long offset, String reason) {
        LOG.warnf("A record went to the dead letters; topic=%s partition=%d offset=%d reason=%s", topic, partition, offset, reason);
        metrics.deadLetter(topic);
        var letter = DeadLetters.of(topics, READER, topic, partition, offset, record.key(), record.value(), reason);
        context.forward(new Record<>(letter.key(), letter.value(), record.timestamp(), letter.headers()), PlannerTopology.DEAD_LETTERS);
    }

    // What is learned.

    private void learn(String key, String named, Optional<FleetEvent> event) throws UnreadableRecordException {
        if (event.isEmpty()) {
            return;
        }
        requireSame(key, named);
        var owned = fleets.get(key);
        if (owned == null) {
            // A fleet that was deleted long ago, or that another installation on this broker means: it is nobody's here.
            metrics.stranger();
            return;
        }
        var outbox = new Outbox(source);
        try {
            owned.fleet().apply(event.get());
            changes(owned, outbox, event.get().at());
        } catch (KafkaException platform) {
            throw platform;
        } catch (RuntimeException bug) {
            throw unusable(owned, bug);
        }
        outbox.writeTo(store, context);
        owned.retryNow();
    }

    private static void requireSame(String key, String named) throws UnreadableRecordException {
        if (!key.equals(named)) {
            throw new UnreadableRecordException("the key names fleet '" + key + "' and the value fleet '" + named + "'");
        }
    }

    private void request(String key, Request request, Instant at) throws UnreadableRecordException {
        requireSame(key, request.getFleet());
        if (request.getRequestId().isEmpty()) {
            throw new UnreadableRecordException("request_id is empty; nobody could be answered");
        }
        if (request.getWhatCase() == Request.WhatCase.WHAT_NOT_SET) {
            throw new UnreadableRecordException("the request asks for nothing that this release knows");
        }
        var known = fleets.get(key);
        var before = known == null ? Optional.<RequestAnswered>empty() : known.answerTo(request.getRequestId());
        var outbox = new Outbox(source);
        if (before.isPresent()) {
            outbox.send(PlannerTopology.DECISIONS, key, DecisionTranslator.answered(key, at, withRecord(before.get(), known)),
                    "answer-" + request.getRequestId(), at);
            outbox.writeTo(store, context);
            return;
        }
        var owned = known == null ? new OwnedFleet(key) : known;
        try {
            if (known != null) {
                // Fails if the fleet couldn't be loaded: an edit on top of an unknown state could do anything.
                known.fleet();
            }
            var judgement = RequestJudge.judge(request, owned.record(), machines(owned), at);
            outbox.send(PlannerTopology.DECISIONS, key, DecisionTranslator.answered(key, at, judgement.answer()), "answer-" + request.getRequestId(), at);
            if (!request.getDryRun()) {
                take(owned, judgement, outbox, at);
            }
        } catch (KafkaException platform) {
            throw platform;
        } catch (RuntimeException bug) {
            throw unusable(owned, bug);
        }
        outbox.writeTo(store, context);
        if (known == null && owned.isLoaded()) {
            fleets.put(key, owned);
            metrics.owns(context.taskId().partition(), fleets.size());
            LOG.infof("A fleet was created; fleet=%s incarnation=%s caller=%s", key, owned.record().getIncarnation(), request.getCaller());
        }
        owned.retryNow();
    }

    private void take(OwnedFleet owned, RequestJudge.Judgement judgement, Outbox outbox, Instant at) {
        judgement.audit().ifPresent(audit -> outbox.send(PlannerTopology.DECISIONS, owned.name(),
                DecisionTranslator.audited(owned.name(), at, audit), "audit-" + audit.getRequestId(), at));
        if (judgement.changed().isPresent()) {
            var record = judgement.changed().get();
            var head = FleetTranslator.head(record);
            owned.record(record);
            if (owned.isLoaded()) {
                owned.fleet().apply(new FleetEvent.FleetChanged(at, head));
            } else {
                owned.begin(Fleet.of(head));
            }
        }
        judgement.machines().ifPresent(asked -> owned.fleet().apply(asked(asked, at)));
        if (owned.isLoaded()) {
            remember(owned, judgement.answer(), outbox);
            changes(owned, outbox, at);
        }
    }

    private static FleetEvent.MachinesAsked asked(MachineRequest asked, Instant at) {
        return new FleetEvent.MachinesAsked(at, asked.getMachineIdsList(), Words.verbOrNull(asked.getVerb()));
    }

    /** Without the fleet's record, which may be large and is at hand when the answer is given again. */
    private void remember(OwnedFleet owned, RequestAnswered answer, Outbox outbox) {
        var small = answer.toBuilder().clearFleet().build();
        var number = owned.nextAnswer();
        owned.overflowingAnswer().ifPresent(oldest -> outbox.put(FleetStore.answerKey(owned.name(), oldest), null));
        outbox.put(FleetStore.answerKey(owned.name(), number), small.toByteArray());
        owned.remember(number, small);
    }

    private static RequestAnswered withRecord(RequestAnswered answer, OwnedFleet owned) {
        return answer.getCode() == AnswerCode.ACCEPTED && owned.record() != null ? answer.toBuilder().setFleet(owned.record()).build() : answer;
    }

    private static RequestJudge.Machines machines(OwnedFleet owned) {
        return new RequestJudge.Machines() {
            @Override
            public int counted() {
                return owned.isLoaded() ? owned.fleet().active().size() : 0;
            }

            @Override
            public Optional<Standing> standing(String machineId) {
                return owned.fleet().machine(machineId).map(machine -> new Standing(machine.phase().isEnded(), owned.fleet().isBusy(machine)));
            }
        };
    }

    // What is planned.

    private void planDue() {
        if (!caughtUp()) {
            return;
        }
        var wall = clock.instant();
        for (var owned : fleets.values()) {
            if (owned.isSetAside(wall)) {
                continue;
            }
            var newest = owned.fleet().newestAt();
            var now = newest.isAfter(wall) ? newest : wall;
            if (owned.fleet().isDue(now)) {
                plan(owned, now);
            }
        }
    }

    private void plan(OwnedFleet owned, Instant now) {
        var started = System.nanoTime();
        var outbox = new Outbox(source);
        try {
            var plan = planner.apply(owned.fleet(), now);
            if (!plan.records().isEmpty()) {
                say(owned, plan, outbox, now);
            }
            changes(owned, outbox, now);
        } catch (KafkaException platform) {
            throw platform;
        } catch (RuntimeException bug) {
            setAside(owned, bug);
            return;
        }
        owned.trouble().ifPresent(over -> tell(owned, outbox, now, Reason.REASON_UNSPECIFIED, over.since(), "The fleet is planned again."));
        owned.recovered();
        outbox.writeTo(store, context);
        metrics.planned(System.nanoTime() - started);
    }

    private void say(OwnedFleet owned, Plan plan, Outbox outbox, Instant now) {
        var fleet = owned.name();
        var incarnation = owned.record().getIncarnation();
        var number = owned.fleet().plans();
        var commands = 0;
        for (var record : plan.records()) {
            if (record instanceof PlanRecord.Decided decided) {
                outbox.send(PlannerTopology.DECISIONS, fleet, DecisionTranslator.decided(fleet, number, now, decided), decided.id(), now);
                LOG.infof("%s; fleet=%s rule=%s reason=%s decision=%s", decided.text(), fleet, decided.rule(), decided.reason(), decided.id());
            } else if (record instanceof PlanRecord.Refused refused) {
                outbox.send(PlannerTopology.DECISIONS, fleet, DecisionTranslator.refused(fleet, number, now, refused), refused.id(), now);
                if (refused.reason() != null) {
                    LOG.infof("%s; fleet=%s rule=%s reason=%s decision=%s", refused.text(), fleet, refused.rule(), refused.reason(), refused.id());
                }
            } else if (record instanceof PlanRecord.CommandIssued issued) {
                send(owned, issued, incarnation + "-" + number + "-c" + ++commands, outbox, now);
            } else if (record instanceof PlanRecord.FleetEnded ended) {
                owned.record(FleetTranslator.withState(owned.record(), ended.head(), now));
            }
        }
        outbox.send(PlannerTopology.DECISIONS, fleet, DecisionTranslator.planMade(fleet, incarnation, number, now, offsets(),
                owned.record().getVersion(), version), incarnation + "-" + number + "-plan", now);
    }

    private void send(OwnedFleet owned, PlanRecord.CommandIssued issued, String id, Outbox outbox, Instant now) {
        if (issued.command() instanceof Command.ToProvisioner command) {
            var provider = command.scope().substring(0, command.scope().indexOf('/'));
            outbox.send(PlannerTopology.commands(provider), command.scope(),
                    CommandTranslator.command(command, owned.record(), id, issued.decisionId(), now), id, now);
        } else if (issued.command() instanceof Command.ToWatcher command) {
            outbox.send(PlannerTopology.commands("clearml"), owned.record().getSpec().getConnection(),
                    CommandTranslator.command(command, owned.record(), id, issued.decisionId(), now), id, now);
        }
        metrics.commanded(issued.command());
    }

    private List<InputOffset> offsets() {
        return committed.keySet().stream().sorted(Comparator.comparing(TopicPartition::topic))
                .map(input -> InputOffset.newBuilder().setTopic(input.topic()).setPartition(input.partition())
                        .setNextOffset(processed.containsKey(input) ? processed.get(input) + 1 : committed.get(input)).build())
                .toList();
    }

    /**
     * All that was there when the task started has been applied. Before, a plan would launch for demand that has long been served.
     */
    private boolean caughtUp() {
        if (!caughtUp) {
            caughtUp = ends.entrySet().stream().allMatch(end -> positions.position(end.getKey()) >= end.getValue() && nothingBuffered(end.getKey()));
            if (caughtUp) {
                LOG.infof("Everything that was there has been read; partition=%d fleets=%d", context.taskId().partition(), fleets.size());
            }
        }
        return caughtUp;
    }

    /** What was handed out before the committed offset was another life of this task. */
    private boolean nothingBuffered(TopicPartition input) {
        var handedOut = positions.handedOut(input);
        return handedOut < committed.getOrDefault(input, 0L) || processed.getOrDefault(input, -1L) >= handedOut;
    }

    // What is written.

    /** Adds what changed of the fleet since it was last written. */
    private Outbox changes(OwnedFleet owned, Outbox outbox, Instant now) {
        var fleet = owned.fleet();
        var name = owned.name();
        var changes = fleet.takeChanges();
        if (changes.head()) {
            var bytes = owned.record().toByteArray();
            if (!Arrays.equals(bytes, store.get(FleetStore.headKey(name)))) {
                outbox.put(FleetStore.headKey(name), bytes);
                outbox.send(PlannerTopology.FLEETS, name, owned.record(),
                        owned.record().getIncarnation() + "-" + owned.record().getVersion() + "-" + owned.record().getState(), now);
            }
        }
        if (changes.memory()) {
            outbox.put(FleetStore.memoryKey(name), FleetTranslator.memory(fleet.memory()).toByteArray());
        }
        for (var queue : changes.queues()) {
            var seen = fleet.queues().get(queue);
            outbox.put(FleetStore.queueKey(name, queue), seen == null ? null : DemandTranslator.queue(seen).toByteArray());
        }
        // A machine's record shows its workers and their tasks.
        var machines = new TreeSet<>(changes.machines());
        for (var id : changes.workers()) {
            var worker = fleet.workers().get(id);
            outbox.put(FleetStore.workerKey(name, id), worker == null ? null : DemandTranslator.worker(worker).toByteArray());
            fleet.machineOf(id).ifPresent(machine -> machines.add(machine.id()));
        }
        for (var id : machines) {
            machine(owned, id, outbox, now);
        }
        return outbox;
    }

    private void machine(OwnedFleet owned, String id, Outbox outbox, Instant now) {
        var key = FleetStore.machineKey(owned.name(), id);
        var machine = owned.fleet().machine(id);
        if (machine.isEmpty()) {
            outbox.put(key, null);
            outbox.tombstone(PlannerTopology.MACHINES, Topics.machineKey(owned.name(), id), now);
            return;
        }
        var record = MachineTranslator.record(owned.fleet(), machine.get());
        var bytes = record.toByteArray();
        if (!Arrays.equals(bytes, store.get(key))) {
            outbox.put(key, bytes);
            outbox.send(PlannerTopology.MACHINES, Topics.machineKey(owned.name(), id), record, id + "@" + now, now);
        }
    }

    // What goes wrong.

    /** An error of ours on one record: the fleet is as before it, and the record is kept for people. */
    private UnreadableRecordException unusable(OwnedFleet owned, RuntimeException bug) {
        setAside(owned, bug);
        return new UnreadableRecordException("the planner failed on it: " + bug);
    }

    /**
     * An error of ours in one fleet must stop neither the others nor the loop. The fleet goes back to what is stored, since what is
     * in memory may be half changed, and is tried again with its next event.
     */
    private void setAside(OwnedFleet owned, RuntimeException bug) {
        var now = clock.instant();
        metrics.troubled();
        if (!owned.isLoaded()) {
            // It was never created, or could not be loaded, which was told then: there is nothing to go back to.
            return;
        }
        if (owned.setAside(bug.toString(), now)) {
            LOG.errorf(bug, "A fleet can't be planned, and keeps its machines as they are; fleet=%s", owned.name());
            var outbox = new Outbox(source);
            tell(owned, outbox, now, Reason.PLANNER_FAILED, owned.trouble().map(OwnedFleet.Trouble::since).orElse(now),
                    "The planner fails on this fleet, which is a bug: " + bug + ". Nothing is launched or released until it succeeds.");
            outbox.writeTo(store, context);
        }
        if (store.get(FleetStore.headKey(owned.name())) != null) {
            load(owned);
        }
    }

    private void tell(OwnedFleet owned, Outbox outbox, Instant now, Reason reason, Instant since, String text) {
        var refusal = Refusal.newBuilder().setRule(FleetProcessor.class.getSimpleName()).setReason(reason).setSince(Times.timestamp(since))
                .setUnblockedBy(reason == Reason.PLANNER_FAILED ? "the next event that it succeeds with, or another release" : "").setText(text).build();
        var id = owned.name() + "-trouble-" + now;
        outbox.send(PlannerTopology.DECISIONS, owned.name(), DecisionTranslator.refusal(owned.name(), id, now, refusal), id, now);
    }

    private void forgetDeleted() {
        var now = clock.instant();
        for (var owned : List.copyOf(fleets.values())) {
            if (!owned.isLoaded() || owned.record().getState() != FleetState.DELETED || !owned.fleet().active().isEmpty()
                    || now.isBefore(Times.instant(owned.record().getChangedAt()).plus(DELETED_FLEETS_KEPT))) {
                continue;
            }
            var outbox = new Outbox(source);
            owned.fleet().ended().keySet().forEach(id -> outbox.tombstone(PlannerTopology.MACHINES, Topics.machineKey(owned.name(), id), now));
            outbox.tombstone(PlannerTopology.FLEETS, owned.name(), now);
            store.keys(owned.name()).forEach(key -> outbox.put(key, null));
            outbox.writeTo(store, context);
            fleets.remove(owned.name());
            LOG.infof("A deleted fleet was forgotten; fleet=%s", owned.name());
        }
    }
}
