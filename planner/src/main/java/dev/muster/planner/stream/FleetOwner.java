package dev.muster.planner.stream;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.muster.contracts.CloudEvents;
import dev.muster.contracts.DeadLetters;
import dev.muster.contracts.ProtobufSerde;
import dev.muster.contracts.Times;
import dev.muster.contracts.Topics;
import dev.muster.contracts.UnreadableRecordException;
import dev.muster.planner.core.Command;
import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.FleetEvent;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.Mark;
import dev.muster.planner.core.Phase;
import dev.muster.planner.core.Plan;
import dev.muster.planner.core.PlanRecord;
import dev.muster.planner.core.Planner;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Wording;
import dev.muster.v1.AnswerCode;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetState;
import dev.muster.v1.InputOffset;
import dev.muster.v1.MachineReport;
import dev.muster.v1.OfferKey;
import dev.muster.v1.Request;
import dev.muster.v1.RequestAnswered;
import dev.muster.v1.SnapshotCause;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;

/**
 * Owns the fleets of one partition: records come in and become events, plans go out as records. It knows no Kafka Streams and looks at
 * its clock only to say when something went wrong, so that a replay of recorded topics runs the very same code.
 *
 * <p>An event is applied when it is taken; fleets with news, or whose deadline has passed, are planned when {@link #planDue} is called.
 * One thread calls all methods.
 */
final class FleetOwner {

    private static final ProtobufSerde<Request> REQUESTS = new ProtobufSerde<>(Request.parser());
    private static final ProtobufSerde<DemandEvent> DEMAND = new ProtobufSerde<>(DemandEvent.parser());
    private static final ProtobufSerde<MachineReport> REPORTS = new ProtobufSerde<>(MachineReport.parser());
    /** A deleted fleet's record says for this long how its machines were to end. */
    private static final Duration DELETED_FLEETS_KEPT = Duration.ofDays(30);
    /** Versions of a fleet that can be looked at and gone back to; older ones are in `decisions`, for its time. */
    static final int VERSIONS_KEPT = 50;
    private static final Duration SNAPSHOT_EVERY = Duration.ofDays(1);
    /** A snapshot waits this long for the rest of a look or list that has come in part, before the part is dropped for it. */
    private static final Duration SNAPSHOT_WAITS = Duration.ofHours(1);
    /**
     * Parts written in one beat: a beat's records commit as one transaction, which must be over long before Kafka aborts it. A fleet with
     * more is written in several; its state at the moment is kept for that.
     */
    private static final int PARTS_A_BEAT = 8;
    /** Names the planner in dead letters. */
    private static final String READER = "planner";

    private final Topics topics;
    private final String requests;
    private final String demand;
    private final BiFunction<Fleet, Instant, Plan> planner;
    private final InstantSource clock;
    private final String source;
    private final Supplier<String> version;
    private final Witness witness;

    private FleetStore store;
    private Consumer<Outbox.Send> out;
    private int partition;
    private List<TopicPartition> inputs = List.of();
    private final Map<String, OwnedFleet> fleets = new TreeMap<>();
    private final Map<TopicPartition, Long> next = new TreeMap<>(Comparator.comparing(TopicPartition::topic).thenComparing(TopicPartition::partition));

    /**
     * @param planner plans a fleet at an instant, and applies the plan: {@link Planner#plan}
     * @param source of the records it sends, as CloudEvents names it
     * @param version of the planner's release, for replay
     */
    FleetOwner(Topics topics, BiFunction<Fleet, Instant, Plan> planner, InstantSource clock, String source, Supplier<String> version, Witness witness) {
        this.topics = topics;
        requests = topics.requests();
        demand = topics.demand();
        this.planner = planner;
        this.clock = clock;
        this.source = source;
        this.version = version;
        this.witness = witness;
    }

    /**
     * Begins with what is stored; nothing of before counts.
     *
     * @param out where records go
     * @param positions the next offset of each input
     * @param published asked for fleets that are declared, if nothing is stored: state was lost, or there never was any
     * @throws NewerStateException if a newer release wrote what is stored
     */
    void begin(FleetStore store, Consumer<Outbox.Send> out, int partition, Map<TopicPartition, Long> positions, PublishedFleets published) {
        this.store = store;
        this.out = out;
        this.partition = partition;
        this.inputs = topics.inputs().stream().map(topic -> new TopicPartition(topic, partition)).toList();
        fleets.clear();
        next.clear();
        next.putAll(positions);
        store.all().forEach((name, kept) -> {
            var owned = new OwnedFleet(name);
            fleets.put(name, owned);
            load(owned, kept::load);
        });
        if (fleets.isEmpty()) {
            published.ofPartition(partition).forEach(this::adopt);
        }
        witness.owns(partition, fleets.size());
    }

    int size() {
        return fleets.size();
    }

    /** An input was read that far, by somebody who sees all of it. */
    void position(TopicPartition input, long nextOffset) {
        next.put(input, nextOffset);
    }

    /** Owns one more fleet, which is stored already, as a snapshot of then has it. */
    void restore(String fleet, Instant snapshotAt) {
        var owned = new OwnedFleet(fleet);
        fleets.put(fleet, owned);
        load(owned);
        owned.toldLoaded();
        owned.snapshotTaken(snapshotAt);
        store.put(FleetStore.infoKey(fleet), owned.info().toByteArray());
    }

    /** Number of a fleet's last plan; 0 if it made none, or there is no such fleet. */
    long plans(String fleet) {
        var owned = fleets.get(fleet);
        return owned == null || !owned.isLoaded() ? 0 : owned.fleet().plans();
    }

    /** Owns a fleet no more. */
    void drop(String fleet) {
        fleets.remove(fleet);
    }

    /** The offset after the last record that was taken of an input. */
    long next(TopicPartition input) {
        return next.getOrDefault(input, 0L);
    }

    private void load(OwnedFleet owned) {
        load(owned, () -> store.load(owned.name()));
    }

    private void load(OwnedFleet owned, Supplier<FleetStore.Stored> stored) {
        try {
            owned.loaded(stored.get());
            if (owned.fleet().stateWasLost() && !owned.info().hasSnapshotAt()) {
                // The process that began with it ended before it had said so: a replay goes on from here, and from nowhere before.
                owned.snapshot(Snapshot.of(store, owned.name(), clock.instant(), offsets(), owned.snapshotCause()));
            }
        } catch (NewerStateException newer) {
            throw newer;
        } catch (RuntimeException unreadable) {
            witness.unreadable(owned.name(), unreadable);
            owned.setAside("its state can't be loaded: " + unreadable.getMessage(), clock.instant());
        }
    }

    /**
     * A fleet that is declared and has no state: it begins with what the topics still say. Launches wait for a complete list of each of its
     * scopes, since no scope is known.
     */
    private void adopt(PublishedFleets.PublishedFleet published) {
        var record = published.record();
        var owned = new OwnedFleet(record.getFleet());
        owned.adopted(record, published.fleet(clock.instant()));
        fleets.put(owned.name(), owned);
        var outbox = new Outbox(source);
        outbox.put(FleetStore.headKey(owned.name()), record.toByteArray());
        outbox.put(FleetStore.memoryKey(owned.name()), FleetTranslator.memory(owned.fleet().memory()).toByteArray());
        outbox.put(FleetStore.ledgerKey(owned.name()), LedgerTranslator.ledger(owned.fleet().ledger().book()).toByteArray());
        outbox.put(FleetStore.infoKey(owned.name()), owned.info().toByteArray());
        published.machines().forEach(machine -> outbox.put(FleetStore.machineKey(owned.name(), machine.getMachineId()), machine.toByteArray()));
        outbox.writeTo(store, out);
        // Nothing that was written before leads to this state: a replay goes on from here.
        owned.snapshot(Snapshot.of(store, owned.name(), owned.fleet().stateSince(), offsets(), owned.snapshotCause()));
        witness.adopted(record, published.machines().size());
    }

    /** Takes the next record of an input. One that can't be used becomes a dead letter. */
    void take(String topic, int partition, long offset, byte[] key, byte[] value, long timestamp) {
        witness.read(topic);
        var at = Instant.ofEpochMilli(timestamp);
        var name = key == null ? null : new String(key, UTF_8);
        if (name != null && fleets.containsKey(name)) {
            tellBegin(fleets.get(name), at);
        }
        next.put(new TopicPartition(topic, partition), offset + 1);
        try {
            if (name == null) {
                throw new UnreadableRecordException("the key is null; it must name a fleet");
            }
            if (topic.equals(requests)) {
                request(name, REQUESTS.parse(value), at);
            } else if (topic.equals(demand)) {
                var message = DEMAND.parse(value);
                if (fleets.containsKey(name)) {
                    witness.heard(name, message);
                }
                learn(name, message.getFleet(), DemandTranslator.event(message, at));
            } else {
                var message = REPORTS.parse(value);
                if (fleets.containsKey(name)) {
                    witness.heard(name, message);
                }
                learn(name, message.getFleet(), MachineTranslator.event(message, at));
            }
        } catch (UnreadableRecordException unreadable) {
            witness.deadLettered(topic, partition, offset, unreadable.getMessage());
            var letter = DeadLetters.of(topics, READER, topic, partition, offset, key, value, unreadable.getMessage());
            out.accept(new Outbox.Send(Sinks.DEAD_LETTERS, letter.key(), letter.value(), at, letter.headers()));
        }
    }

    /**
     * Says with what the fleet was begun, before anything else is done to it. What was in memory only is gone since the state was loaded:
     * whoever replays this must let go of it at the same point.
     */
    private void tellBegin(OwnedFleet owned, Instant at) {
        if (owned.snapshot().filter(snapshot -> !snapshot.isBegun()).isPresent()) {
            writeSnapshot(owned);
        }
        if (!owned.isToTellLoaded()) {
            return;
        }
        var outbox = new Outbox(source);
        var id = owned.record().getIncarnation() + "-loaded-" + at;
        outbox.send(Sinks.DECISIONS, owned.name(), DecisionTranslator.loaded(owned.name(), id, at, offsets(), source, version.get(),
                owned.info().getVersion()), id, at);
        owned.toldLoaded();
        outbox.writeTo(store, out);
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
            witness.ofNobody();
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
        outbox.writeTo(store, out);
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
            outbox.send(Sinks.DECISIONS, key, DecisionTranslator.answered(key, at, offsets(), withRecord(before.get(), known)),
                    "answer-" + request.getRequestId(), at);
            outbox.writeTo(store, out);
            return;
        }
        var owned = known == null ? new OwnedFleet(key) : known;
        try {
            if (known != null) {
                // Fails if the fleet couldn't be loaded: an edit on top of an unknown state could do anything.
                known.fleet();
            }
            var judgement = RequestJudge.judge(request, owned.record(), machines(owned), at);
            var answer = request.getDryRun() && request.getPreview() && request.hasApply()
                    ? SpecPreview.answer(known == null ? null : known.fleet(), judgement, request.getFacts(), planner, at) : judgement.answer();
            outbox.send(Sinks.DECISIONS, key, DecisionTranslator.answered(key, at, offsets(), answer), "answer-" + request.getRequestId(), at);
            if (!request.getDryRun()) {
                carryOut(owned, judgement, outbox, at);
            }
        } catch (KafkaException platform) {
            throw platform;
        } catch (RuntimeException bug) {
            throw unusable(owned, bug);
        }
        outbox.writeTo(store, out);
        if (known == null && owned.isLoaded()) {
            fleets.put(key, owned);
            witness.owns(partition, fleets.size());
            witness.created(owned.record(), request.getCaller());
        }
        owned.retryNow();
    }

    private void carryOut(OwnedFleet owned, RequestJudge.Judgement judgement, Outbox outbox, Instant at) {
        judgement.audit().ifPresent(audit -> outbox.send(Sinks.DECISIONS, owned.name(),
                DecisionTranslator.audited(owned.name(), at, audit), "audit-" + audit.getRequestId(), at));
        if (judgement.changed().isPresent()) {
            var record = judgement.changed().get();
            var head = FleetTranslator.head(record);
            versions(owned.record(), record, outbox, at);
            owned.record(record);
            if (owned.isLoaded()) {
                owned.fleet().apply(new FleetEvent.FleetChanged(at, head));
            } else {
                owned.begin(Fleet.of(head));
            }
        }
        judgement.learned().ifPresent(event -> owned.fleet().apply(event));
        if (owned.isLoaded()) {
            remember(owned, judgement.answer(), outbox);
            changes(owned, outbox, at);
        }
    }

    /** @param before is written again: a release without the topic may have accepted it. Null: there was none */
    private static void versions(FleetRecord before, FleetRecord accepted, Outbox outbox, Instant at) {
        if (before != null) {
            version(before, outbox, at);
        }
        version(accepted, outbox, at);
        if (accepted.getVersion() > VERSIONS_KEPT) {
            outbox.gone(Sinks.FLEET_VERSIONS, Topics.versionKey(accepted.getFleet(), accepted.getVersion() - VERSIONS_KEPT), at);
        }
    }

    private static void version(FleetRecord record, Outbox outbox, Instant at) {
        outbox.send(Sinks.FLEET_VERSIONS, Topics.versionKey(record.getFleet(), record.getVersion()), record,
                "version-" + record.getIncarnation() + "-" + record.getVersion(), at);
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
                return owned.fleet().machine(machineId).map(machine -> new Standing(machine.phase().isEnded(), owned.fleet().isBusy(machine), leaving(machine),
                        !machine.cloudId().isEmpty()));
            }

            private Leaving leaving(Machine machine) {
                if (machine.phase() == Phase.TERMINATING) {
                    return Leaving.ENDS;
                } else if (machine.asked() == FleetEvent.MachinesAsked.Verb.TERMINATE || machine.phase() == Phase.DRAINING && machine.mark() != Mark.DRAIN) {
                    return Leaving.AT_ONCE;
                }
                return machine.phase() == Phase.DRAINING || machine.phase().isStaying() && machine.asked() == FleetEvent.MachinesAsked.Verb.DRAIN ? Leaving.DRAINS : Leaving.NOT;
            }

            @Override
            public boolean isPriced(OfferKey offer) {
                return owned.isLoaded() && owned.fleet().reportedPrice(Words.offer(offer)).isPresent();
            }

            @Override
            public boolean isWithoutLiveMarks(String provider, String machineType) {
                return owned.isLoaded() && owned.fleet().type(provider, machineType).filter(type -> !type.liveMarks()).isPresent();
            }
        };
    }

    // What is planned.

    /** Plans the fleets that are due, and writes the snapshots that are. */
    void planDue() {
        var wall = clock.instant();
        for (var owned : fleets.values()) {
            if (owned.isSetAside(wall)) {
                continue;
            }
            var newest = owned.fleet().newestAt();
            var now = newest.isAfter(wall) ? newest : wall;
            if (owned.fleet().isDue(now)) {
                tellBegin(owned, now);
                plan(owned, now);
                beginSnapshot(owned, now);
            }
            writeSnapshot(owned);
        }
    }

    /** Plans one fleet, as {@link #planDue} did. Does nothing if there is none. */
    void replan(String fleet, Instant now) {
        var owned = fleets.get(fleet);
        if (owned != null && owned.isLoaded()) {
            plan(owned, now);
        }
    }

    /** Takes one fleet's state from the store, as was done. */
    void reload(String fleet) {
        var owned = fleets.get(fleet);
        if (owned != null) {
            load(owned);
            owned.toldLoaded();
        }
    }

    /** Writes a snapshot of one fleet, as {@link #planDue} did. */
    void resnapshot(String fleet, Instant now, SnapshotCause cause) {
        var owned = fleets.get(fleet);
        if (owned != null && owned.isLoaded()) {
            owned.snapshot(Snapshot.of(store, fleet, now, offsets(), cause));
            while (owned.snapshot().isPresent()) {
                writeSnapshot(owned);
            }
        }
    }

    private void beginSnapshot(OwnedFleet owned, Instant now) {
        var due = owned.snapshotAt().map(last -> last.plus(SNAPSHOT_EVERY)).orElse(Instant.EPOCH);
        if (!owned.isLoaded() || owned.trouble().isPresent() || owned.snapshot().isPresent() || now.isBefore(due)) {
            return;
        }
        if (owned.fleet().isBetweenParts()) {
            if (now.isBefore((due.equals(Instant.EPOCH) ? owned.fleet().stateSince() : due).plus(SNAPSHOT_WAITS))) {
                return;
            }
            load(owned);
            tellBegin(owned, now);
        }
        owned.snapshot(Snapshot.of(store, owned.name(), now, offsets(), owned.snapshotCause()));
    }

    /** Writes some parts of a snapshot that is under way. */
    private void writeSnapshot(OwnedFleet owned) {
        if (owned.snapshot().isEmpty()) {
            return;
        }
        var snapshot = owned.snapshot().get();
        var outbox = new Outbox(source);
        for (var i = 0; i < PARTS_A_BEAT && snapshot.hasNext(); i++) {
            var part = snapshot.next(version.get());
            var id = owned.record().getIncarnation() + "-snapshot-" + snapshot.at() + "-" + part.getPart();
            outbox.send(Sinks.DECISIONS, owned.name(), DecisionTranslator.snapshot(owned.name(), id, snapshot.at(), part), id, snapshot.at());
        }
        if (!snapshot.hasNext()) {
            owned.snapshotTaken(snapshot.at());
            outbox.put(FleetStore.infoKey(owned.name()), owned.info().toByteArray());
        }
        outbox.writeTo(store, out);
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
        owned.trouble().ifPresent(over -> tell(owned, outbox, now, null, over.since(), over.message()));
        owned.recovered();
        outbox.writeTo(store, out);
        witness.planned(owned.name(), System.nanoTime() - started);
    }

    private void say(OwnedFleet owned, Plan plan, Outbox outbox, Instant now) {
        var fleet = owned.name();
        var incarnation = owned.record().getIncarnation();
        var number = owned.fleet().plans();
        var commands = 0;
        var changed = new LinkedHashMap<String, Machine>();
        for (var record : plan.records()) {
            if (record instanceof PlanRecord.Decided decided) {
                outbox.send(Sinks.DECISIONS, fleet, DecisionTranslator.decided(fleet, number, now, decided), decided.id(), now);
                witness.decided(fleet, decided);
            } else if (record instanceof PlanRecord.Refused refused) {
                outbox.send(Sinks.DECISIONS, fleet, DecisionTranslator.refused(fleet, number, now, refused), refused.id(), now);
                witness.refused(fleet, refused);
            } else if (record instanceof PlanRecord.CommandIssued issued) {
                send(owned, issued, incarnation + "-" + number + "-c" + ++commands, outbox, now);
            } else if (record instanceof PlanRecord.HistoryWritten history) {
                var rows = 0;
                for (var row : history.rows()) {
                    outbox.send(Sinks.HISTORY, Topics.historyKey(fleet, row.series()), LedgerTranslator.row(fleet, row),
                            incarnation + "-" + number + "-h" + ++rows, now);
                }
                witness.wrote(fleet, history);
            } else if (record instanceof PlanRecord.MachineChanged change) {
                changed.put(change.machine().id(), change.machine());
            } else if (record instanceof PlanRecord.FleetEnded ended) {
                owned.record(FleetTranslator.withState(owned.record(), ended.head(), now));
            }
        }
        changed.values().forEach(machine -> witness.changed(fleet, machine, now));
        outbox.send(Sinks.DECISIONS, fleet, DecisionTranslator.planMade(fleet, incarnation, number, now, offsets(),
                owned.record().getVersion(), version.get(), owned.fleet().nextMachine()), incarnation + "-" + number + "-plan", now);
    }

    private void send(OwnedFleet owned, PlanRecord.CommandIssued issued, String id, Outbox outbox, Instant now) {
        if (issued.command() instanceof Command.ToProvisioner command) {
            var provider = command.scope().substring(0, command.scope().indexOf('/'));
            outbox.send(Sinks.commands(provider), command.scope(),
                    CommandTranslator.command(command, owned.record(), id, issued.decisionId(), now), id, now);
        } else if (issued.command() instanceof Command.ToWatcher command) {
            outbox.send(Sinks.commands("clearml"), owned.record().getSpec().getConnection(),
                    CommandTranslator.command(command, owned.record(), id, issued.decisionId(), now), id, now);
        }
        witness.commanded(owned.name(), issued.command());
    }

    /** How far each input was read. */
    private List<InputOffset> offsets() {
        return next.entrySet().stream().map(input -> InputOffset.newBuilder().setTopic(input.getKey().topic())
                .setPartition(input.getKey().partition()).setNextOffset(input.getValue()).build()).toList();
    }

    /** What a row says of when it was written. */
    private String read(OwnedFleet owned) {
        var read = new StringBuilder();
        for (var input : inputs) {
            read.append(next(input)).append(',');
        }
        return read.append(owned.fleet().plans()).toString();
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
                outbox.put(FleetStore.infoKey(name), owned.info().toByteArray());
                outbox.put(FleetStore.headKey(name), bytes);
                outbox.row(Sinks.FLEETS, name, owned.record(), bytes,
                        owned.record().getIncarnation() + "-" + owned.record().getVersion() + "-" + owned.record().getState(), now, read(owned));
            }
        }
        if (changes.memory()) {
            outbox.put(FleetStore.memoryKey(name), FleetTranslator.memory(fleet.memory()).toByteArray());
        }
        if (changes.ledger()) {
            outbox.put(FleetStore.ledgerKey(name), LedgerTranslator.ledger(fleet.ledger().book()).toByteArray());
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
            machine(owned, id, changes.machines().contains(id), outbox, now);
        }
        return outbox;
    }

    /** @param changed false: only its workers did, which its record may not show */
    private void machine(OwnedFleet owned, String id, boolean changed, Outbox outbox, Instant now) {
        var key = FleetStore.machineKey(owned.name(), id);
        var machine = owned.fleet().machine(id);
        if (machine.isEmpty()) {
            outbox.put(key, null);
            outbox.noRow(Sinks.MACHINES, Topics.machineKey(owned.name(), id), now, read(owned));
            return;
        }
        var record = MachineTranslator.record(owned.fleet(), machine.get());
        var bytes = record.toByteArray();
        // Looking at what is stored costs as much as writing it.
        if (changed || !Arrays.equals(bytes, store.get(key))) {
            outbox.put(key, bytes);
            outbox.row(Sinks.MACHINES, Topics.machineKey(owned.name(), id), record, bytes, id + "@" + CloudEvents.text(now), now, read(owned));
        }
    }

    /** Says how each fleet is. */
    void show() {
        var now = clock.instant();
        fleets.values().stream().filter(OwnedFleet::isLoaded).forEach(owned -> witness.stands(partition, owned.fleet(), owned.record().getSpec().getCurrency(),
                owned.trouble().isPresent(), now));
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
        witness.troubled();
        if (!owned.isLoaded()) {
            // It was never created, or could not be loaded, which was told then: there is nothing to go back to.
            return;
        }
        if (owned.setAside(bug.toString(), now)) {
            witness.setAside(owned.name(), bug);
            var outbox = new Outbox(source);
            tell(owned, outbox, now, Reason.PLANNER_FAILED, owned.trouble().map(OwnedFleet.Trouble::since).orElse(now), bug.toString());
            outbox.writeTo(store, out);
        }
        if (store.get(FleetStore.headKey(owned.name())) != null) {
            load(owned);
        }
    }

    /** @param reason null: it is over */
    private void tell(OwnedFleet owned, Outbox outbox, Instant now, Reason reason, Instant since, String failure) {
        var words = new TreeMap<>(Map.of("failure", failure));
        if (reason == null) {
            words.put(Wording.WAS, Reason.PLANNER_FAILED.name());
        }
        var id = owned.name() + "-trouble-" + now;
        var refused = new PlanRecord.Refused(id, FleetOwner.class.getSimpleName(), reason, "", "", "", 0, since, now, new TreeMap<>(), words, List.of());
        outbox.send(Sinks.DECISIONS, owned.name(), DecisionTranslator.refused(owned.name(), id, now, refused), id, now);
    }

    /** Forgets fleets that were deleted long ago. */
    void forgetDeleted() {
        var now = clock.instant();
        for (var owned : List.copyOf(fleets.values())) {
            if (!owned.isLoaded() || owned.record().getState() != FleetState.DELETED || !owned.fleet().active().isEmpty()
                    || now.isBefore(Times.instant(owned.record().getChangedAt()).plus(DELETED_FLEETS_KEPT))) {
                continue;
            }
            forget(owned, now);
        }
    }

    /** Forgets one fleet, as {@link #forgetDeleted} did. */
    void reforget(String fleet, Instant now) {
        var owned = fleets.get(fleet);
        if (owned != null && owned.isLoaded()) {
            forget(owned, now);
        }
    }

    private void forget(OwnedFleet owned, Instant now) {
        var outbox = new Outbox(source);
        owned.fleet().ended().keySet().forEach(id -> outbox.noRow(Sinks.MACHINES, Topics.machineKey(owned.name(), id), now, read(owned)));
        outbox.noRow(Sinks.FLEETS, owned.name(), now, read(owned));
        var newest = owned.record().getVersion();
        for (var version = Math.max(1, newest - VERSIONS_KEPT + 1); version <= newest; version++) {
            outbox.gone(Sinks.FLEET_VERSIONS, Topics.versionKey(owned.name(), version), now);
        }
        var id = owned.record().getIncarnation() + "-forgotten";
        outbox.send(Sinks.DECISIONS, owned.name(), DecisionTranslator.forgotten(owned.name(), id, now, offsets()), id, now);
        store.keys(owned.name()).forEach(key -> outbox.put(key, null));
        outbox.writeTo(store, out);
        fleets.remove(owned.name());
        witness.forgotten(owned.name());
    }
}
