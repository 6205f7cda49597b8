package dev.muster.planner.view;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.SpecSecrets;
import dev.muster.contracts.TopicTable;
import dev.muster.contracts.Topics;
import dev.muster.planner.Settings;
import dev.muster.planner.access.MachineFleets;
import dev.muster.planner.topic.TopicReaders;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetState;
import dev.muster.v1.MachineChange;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.NotificationSpec;
import dev.muster.v1.ServiceReported;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.jboss.logging.Logger;

/**
 * What the API answers from: all fleets, machines and services, the last look at each fleet's queues, and the newest decisions.
 * Read from the topics by this replica for itself, so that any replica answers any call. Thread-safe.
 *
 * <p>Decisions are held up to a number for each fleet; {@link TopicReaders} fetch older ones from the topic.
 */
public final class ReadModel implements MachineFleets, AutoCloseable {

    private static final Logger LOG = Logger.getLogger(ReadModel.class);
    /** Two of the full lists of workers that come every 60 s. */
    private static final Duration DEMAND_TAIL = Duration.ofMinutes(2);
    /** Of each partition, at start. */
    private static final long DECISIONS_TAIL = 5_000;
    /** A service reports every minute; one that missed three is gone. */
    private static final Duration SERVICE_SILENCE = Duration.ofMinutes(3);

    /** A watch that was away for longer begins anew; the rest is for clocks that differ. */
    private static final Duration TOMBSTONES_KEPT = MachineWatch.RESUMED_WITHIN.plusMinutes(5);
    private static final ConcurrentNavigableMap<Long, byte[]> NO_VERSIONS = new ConcurrentSkipListMap<>();

    private final Settings settings;
    private final Answers answers = new Answers();
    private final ConcurrentNavigableMap<String, FleetRecord> fleets = new ConcurrentSkipListMap<>();
    /** Accepted versions by fleet and number; as they came, since few are ever asked for. */
    private final Map<String, ConcurrentNavigableMap<Long, byte[]>> versions = new ConcurrentHashMap<>();
    /** By key of the topic, fleet/machine. As they came: machines change a thousand times for each time that somebody asks about one. */
    private final ConcurrentNavigableMap<String, Row> machines = new ConcurrentSkipListMap<>();
    private final Map<String, MachineTally> tallies = new ConcurrentHashMap<>();
    /** Machines that the books no longer know, for those who watch and were away for a moment. */
    private final Map<String, Forgotten> forgotten = new ConcurrentHashMap<>();
    /** The next offset of each partition of {@code machines}; all before it is in the tables, and was told to watchers. */
    private final ConcurrentNavigableMap<Integer, Long> machinePositions = new ConcurrentSkipListMap<>();
    private final Map<String, String> keyByMachine = new ConcurrentHashMap<>();
    private final Map<String, DemandView> demand = new ConcurrentHashMap<>();
    private final Map<String, DecisionLog> decisions = new ConcurrentHashMap<>();
    private final Map<String, ServiceReported> services = new ConcurrentHashMap<>();
    /** Guards what must be seen together: positions on {@code decisions}, the logs, and who is told of what comes next. */
    private final Object decisionsRead = new Object();
    /** Where reading of each partition of {@code decisions} began; 0: nothing was there before. */
    private final Map<Integer, Long> decisionsBegin = new ConcurrentHashMap<>();
    private final TreeMap<Integer, Long> decisionPositions = new TreeMap<>();
    private final List<MachineWatcher> machineWatchers = new CopyOnWriteArrayList<>();
    private final List<Consumer<DecisionLog.Entry>> decisionWatchers = new CopyOnWriteArrayList<>();
    private final List<Consumer<String>> fleetWatchers = new CopyOnWriteArrayList<>();
    /** Fleets of which something but their record has changed since it was last asked. */
    private final Set<String> changed = ConcurrentHashMap.newKeySet();
    private final Map<String, Queue<Waiting>> waiting = new ConcurrentHashMap<>();
    private volatile List<TopicTable> tables = List.of();

    private record Row(byte[] value, int partition, long offset) {}

    /** @param at when the broker took the tombstone, milliseconds */
    private record Forgotten(int partition, long offset, long at) {}

    private record Waiting(BooleanSupplier isTrue, CompletableFuture<Void> done) {}

    /** Told of one machine's change, on the reading thread: it must not block. */
    interface MachineWatcher {

        /**
         * @param machine null: the books no longer know it
         * @param change with where to go on behind it; one for all that watch, so that what is made of it once serves all
         */
        void changed(String fleet, String machineId, MachineRecord machine, Supplier<MachineChange> change);
    }

    public ReadModel(Settings settings) {
        this.settings = settings;
    }

    /** Begins reading. The topics must exist. */
    public void start() {
        var topics = settings.topics();
        var consumer = KafkaSettings.consumer(settings.kafka());
        // An API call waits for its answer on the topic of decisions: it is fetched when it is there.
        consumer.put("fetch.max.wait.ms", 100);
        tables = List.of(
                new TopicTable(consumer, List.of(topics.fleets(), topics.fleetVersions(), topics.machines(), topics.services()), this::beginState,
                        guarded(this::onState)),
                new TopicTable(consumer, List.of(topics.demand()), TopicTable.Start.since(DEMAND_TAIL), guarded(this::onDemand)),
                new TopicTable(consumer, List.of(topics.decisions()), this::beginDecisions, guarded(this::onDecision)));
    }

    private void beginState(org.apache.kafka.clients.consumer.Consumer<byte[], byte[]> consumer, List<TopicPartition> partitions) {
        TopicTable.Start.beginning().seek(consumer, partitions);
        partitions.stream().filter(partition -> partition.topic().equals(settings.topics().machines()))
                .forEach(partition -> machinePositions.put(partition.partition(), consumer.position(partition)));
    }

    private void beginDecisions(org.apache.kafka.clients.consumer.Consumer<byte[], byte[]> consumer, List<TopicPartition> partitions) {
        TopicTable.Start.lastRecords(DECISIONS_TAIL).seek(consumer, partitions);
        var beginnings = consumer.beginningOffsets(partitions);
        synchronized (decisionsRead) {
            for (var partition : partitions) {
                var begin = consumer.position(partition);
                decisionPositions.put(partition.partition(), begin);
                decisionsBegin.put(partition.partition(), begin == beginnings.get(partition) ? 0 : begin);
            }
        }
    }

    /** Everything that was there at start has been read. */
    public boolean isCurrent() {
        return !tables.isEmpty() && tables.stream().allMatch(TopicTable::isCurrent);
    }

    private interface Reading {
        void on(String key, ConsumerRecord<byte[], byte[]> record) throws InvalidProtocolBufferException;
    }

    /** What can't be read is passed over: whoever plans by it has sent it to the dead letters. */
    private static TopicTable.Listener guarded(Reading reading) {
        return record -> {
            try {
                if (record.key() != null) {
                    reading.on(new String(record.key(), UTF_8), record);
                }
            } catch (InvalidProtocolBufferException | RuntimeException unreadable) {
                LOG.warnf("A record was passed over; topic=%s partition=%d offset=%d reason=%s", record.topic(), record.partition(),
                        record.offset(), unreadable);
            }
        };
    }

    private void onState(String key, ConsumerRecord<byte[], byte[]> record) throws InvalidProtocolBufferException {
        var topics = settings.topics();
        if (record.topic().equals(topics.fleets())) {
            if (record.value() == null) {
                fleets.remove(key);
                demand.remove(key);
                forgetDecisions(key);
            } else {
                fleets.put(key, FleetRecord.parseFrom(record.value()));
            }
            fleetWatchers.forEach(watcher -> watcher.accept(key));
            lookAgain(key);
        } else if (record.topic().equals(topics.fleetVersions())) {
            onVersion(key, record.value());
        } else if (record.topic().equals(topics.machines())) {
            onMachine(key, record);
        } else if (record.value() == null) {
            services.remove(key);
        } else {
            services.put(key, ServiceReported.parseFrom(record.value()));
        }
    }

    private void onVersion(String key, byte[] value) {
        var slash = key.lastIndexOf('/');
        var fleet = key.substring(0, Math.max(0, slash));
        var version = Long.parseUnsignedLong(key.substring(slash + 1));
        if (value != null) {
            versions.computeIfAbsent(fleet, name -> new ConcurrentSkipListMap<>(Long::compareUnsigned)).put(version, value);
        } else {
            versions.computeIfPresent(fleet, (name, of) -> {
                of.remove(version);
                return of.isEmpty() ? null : of;
            });
        }
    }

    private void onMachine(String key, ConsumerRecord<byte[], byte[]> record) throws InvalidProtocolBufferException {
        if (record.value() == null) {
            forgetOldTombstones();
            forgotten.put(key, new Forgotten(record.partition(), record.offset(), record.timestamp()));
            machines.remove(key);
            keyByMachine.remove(machineId(key), key);
        } else if (machines.put(key, new Row(record.value(), record.partition(), record.offset())) == null) {
            keyByMachine.put(machineId(key), key);
            forgotten.remove(key);
        }
        tallies.remove(fleetIn(key));
        try {
            if (!machineWatchers.isEmpty()) {
                var machine = record.value() == null ? null : MachineRecord.parseFrom(record.value());
                var change = new Change(record, machineId(key), machine);
                machineWatchers.forEach(watcher -> watcher.changed(fleetIn(key), machineId(key), machine, change));
            }
        } finally {
            machinePositions.put(record.partition(), record.offset() + 1);
        }
        changed.add(fleetIn(key));
        lookAgain(fleetIn(key));
    }

    /** Made once, for the first watcher that wants it. */
    private final class Change implements Supplier<MachineChange> {
        private final ConsumerRecord<byte[], byte[]> record;
        private final MachineChange.Builder builder;
        private MachineChange change;

        /** @param machine null: forgotten */
        Change(ConsumerRecord<byte[], byte[]> record, String machineId, MachineRecord machine) {
            this.record = record;
            builder = MachineWatch.change(machineId, machine);
        }

        @Override
        public MachineChange get() {
            if (change == null) {
                var next = machinePositions();
                next.put(record.partition(), record.offset() + 1);
                change = builder.setResumeToken(new ResumeToken(Instant.now(), next).text(machineTokens())).build();
            }
            return change;
        }
    }

    private void forgetOldTombstones() {
        var oldest = System.currentTimeMillis() - TOMBSTONES_KEPT.toMillis();
        forgotten.values().removeIf(tombstone -> tombstone.at() < oldest);
    }

    private static String fleetIn(String key) {
        return key.substring(0, Math.max(0, key.indexOf('/')));
    }

    private static String machineId(String key) {
        return key.substring(key.indexOf('/') + 1);
    }

    private void onDemand(String key, ConsumerRecord<byte[], byte[]> record) throws InvalidProtocolBufferException {
        if (record.value() != null && !key.startsWith("~")) {
            demand.computeIfAbsent(key, fleet -> new DemandView()).on(DemandEvent.parseFrom(record.value()), Instant.ofEpochMilli(record.timestamp()));
        }
    }

    private void onDecision(String key, ConsumerRecord<byte[], byte[]> record) throws InvalidProtocolBufferException {
        if (record.value() == null) {
            return;
        }
        var event = DecisionEvent.parseFrom(record.value());
        if (event.hasRequestAnswered()) {
            answers.answered(event.getRequestAnswered());
        }
        synchronized (decisionsRead) {
            decisionPositions.put(record.partition(), record.offset() + 1);
            if (DecisionFilter.isShown(event)) {
                decisions.computeIfAbsent(key, fleet -> new DecisionLog(settings.decisionsKept(), record.partition(),
                        decisionsBegin.getOrDefault(record.partition(), 0L))).add(record.offset(), event);
                var entry = new DecisionLog.Entry(record.partition(), record.offset(), event);
                decisionWatchers.forEach(watcher -> watcher.accept(entry));
            }
        }
        if (event.hasRefusal()) {
            changed.add(key);
        }
    }

    /** What was decided about a fleet of that name is on the topic; a new fleet of that name begins with nothing in memory. */
    private void forgetDecisions(String fleet) {
        synchronized (decisionsRead) {
            decisions.computeIfPresent(fleet, (name, log) -> new DecisionLog(settings.decisionsKept(), log.partition(),
                    decisionPositions.getOrDefault(log.partition(), 0L)));
        }
    }

    private void lookAgain(String fleet) {
        var calls = waiting.get(fleet);
        if (calls != null) {
            calls.stream().filter(call -> call.isTrue().getAsBoolean()).forEach(call -> call.done().complete(null));
        }
    }

    /** Done as soon as it is true of what was read of the fleet or its machines. It is asked on the reading thread, and must not block. */
    public CompletableFuture<Void> once(String fleet, BooleanSupplier isTrue) {
        var call = new Waiting(isTrue, new CompletableFuture<>());
        waiting.compute(fleet, (name, calls) -> {
            var all = calls == null ? new ConcurrentLinkedQueue<Waiting>() : calls;
            all.add(call);
            return all;
        });
        call.done().whenComplete((done, never) -> waiting.computeIfPresent(fleet, (name, calls) -> {
            calls.remove(call);
            return calls.isEmpty() ? null : calls;
        }));
        // Only now: what is read from here on finds the call.
        if (isTrue.getAsBoolean()) {
            call.done().complete(null);
        }
        return call.done();
    }

    public Answers answers() {
        return answers;
    }

    /** Those that are not deleted come first to mind, and deleted ones are there for 30 days: both, by name. */
    public ConcurrentNavigableMap<String, FleetRecord> fleets() {
        return fleets;
    }

    public Optional<FleetRecord> fleet(String name) {
        return Optional.ofNullable(fleets.get(name));
    }

    /** Accepted specs of the fleet, newest first; the one that holds now is always among them. */
    public List<FleetRecord> versions(FleetRecord now) {
        var known = new ArrayList<>(List.of(now));
        versions.getOrDefault(now.getFleet(), NO_VERSIONS).headMap(now.getVersion(), false).descendingMap().forEach((version, value) -> {
            try {
                known.add(FleetRecord.parseFrom(value));
            } catch (InvalidProtocolBufferException unreadable) {
                LOG.warnf("A version was passed over; fleet=%s version=%s reason=%s", now.getFleet(), Long.toUnsignedString(version), unreadable);
            }
        });
        return known;
    }

    /** Told the name of each fleet whose record has changed or is gone, until the returned is run, on the reading thread. */
    Runnable watchFleets(Consumer<String> watcher) {
        fleetWatchers.add(watcher);
        return () -> fleetWatchers.remove(watcher);
    }

    /** Fleets of which machines, queues or refusals have changed since the last call. */
    Set<String> takeChanged() {
        var taken = Set.copyOf(changed);
        changed.removeAll(taken);
        return taken;
    }

    /**
     * By fleet/machine, in order.
     *
     * @param fleet empty: of all
     * @param after a key, or empty: those behind it
     */
    public Stream<Map.Entry<String, MachineRecord>> machines(String fleet, String after) {
        var rows = fleet.isEmpty() ? machines.tailMap(after, false) : rows(fleet, after);
        return rows.entrySet().stream().flatMap(entry -> parsed(entry.getKey(), entry.getValue()).map(machine -> Map.entry(entry.getKey(), machine)).stream());
    }

    /** Of one fleet. @param after a key, of any fleet, or empty: those behind it */
    private ConcurrentNavigableMap<String, Row> rows(String fleet, String after) {
        var first = fleet + "/";
        var end = fleet + "0";
        return machines.subMap(after.compareTo(end) > 0 ? end : after.compareTo(first) > 0 ? after : first, false, end, false);
    }

    /** Keys of all machines, or of those that have changed since. @param since next offsets of the topic's partitions; null: all */
    Stream<String> machineKeys(SortedMap<Integer, Long> since) {
        return machines.entrySet().stream().filter(entry -> since == null || entry.getValue().offset() >= since.getOrDefault(entry.getValue().partition(), 0L))
                .map(Map.Entry::getKey);
    }

    /** Keys of machines that have been forgotten since, as far back as tombstones are remembered. */
    Stream<String> forgottenKeys(SortedMap<Integer, Long> since) {
        return forgotten.entrySet().stream().filter(entry -> entry.getValue().offset() >= since.getOrDefault(entry.getValue().partition(), 0L)).map(Map.Entry::getKey);
    }

    /** What tokens of machines are of; those of another installation are none here. */
    String machineTokens() {
        return settings.installation() + " " + settings.topics().machines();
    }

    /** As {@link #machineTokens}, of decisions. */
    public String decisionTokens() {
        return settings.installation() + " " + settings.topics().decisions();
    }

    public String decisionsTopic() {
        return settings.topics().decisions();
    }

    /** As it is now. */
    Optional<MachineRecord> machineAt(String key) {
        return Optional.ofNullable(machines.get(key)).flatMap(row -> parsed(key, row));
    }

    /** The next offset of each partition of {@code machines}: all before it is in the tables. */
    SortedMap<Integer, Long> machinePositions() {
        return new TreeMap<>(machinePositions);
    }

    /** Of one fleet, by id. */
    public List<MachineRecord> machinesOf(String fleet) {
        return rows(fleet, "").entrySet().stream().flatMap(entry -> parsed(entry.getKey(), entry.getValue()).stream()).toList();
    }

    /** Of the machines that the fleet has now; put together once for each change of one. */
    MachineTally tally(String fleet) {
        // Whoever changes a row takes the tally away afterwards, and waits for one that is being made.
        return tallies.computeIfAbsent(fleet, name -> MachineTally.of(machinesOf(name)));
    }

    /** Those that another hand launched: few, found by how their ids begin. */
    public List<MachineRecord> adopted(String fleet) {
        return machines.subMap(fleet + "/a-", fleet + "/a.").entrySet().stream().flatMap(entry -> parsed(entry.getKey(), entry.getValue()).stream()).toList();
    }

    public Optional<MachineRecord> machine(String id) {
        return Optional.ofNullable(keyByMachine.get(id)).flatMap(key -> Optional.ofNullable(machines.get(key)).flatMap(value -> parsed(key, value)));
    }

    @Override
    public Optional<String> fleetOf(String machineId) {
        return Optional.ofNullable(keyByMachine.get(machineId)).map(key -> key.substring(0, key.indexOf('/')));
    }

    private static Optional<MachineRecord> parsed(String key, Row row) {
        try {
            return Optional.of(MachineRecord.parseFrom(row.value()));
        } catch (InvalidProtocolBufferException unreadable) {
            LOG.warnf("A machine was passed over; machine=%s reason=%s", key, unreadable);
            return Optional.empty();
        }
    }

    public DemandView.Snapshot demand(String fleet) {
        var view = demand.get(fleet);
        return view == null ? new DemandView().latest() : view.latest();
    }

    public Optional<DecisionLog> decisions(String fleet) {
        return Optional.ofNullable(decisions.get(fleet));
    }

    /** Who is told of what needs a person; empty if there is no such fleet. */
    public List<NotificationSpec> notifications(String fleet) {
        return fleet(fleet).filter(record -> record.getState() != FleetState.DELETED).map(record -> record.getSpec().getNotificationsList()).orElse(List.of());
    }

    /** Names of secrets that specs want of a service. */
    public Set<String> secretsWanted(String service) {
        return fleets.values().stream().filter(fleet -> fleet.getState() != FleetState.DELETED).flatMap(fleet -> SpecSecrets.of(fleet.getSpec()).stream())
                .filter(wanted -> wanted.service().equals(service)).map(SpecSecrets.Wanted::name).collect(Collectors.toCollection(TreeSet::new));
    }

    /** The first offset on {@code decisions} from which all of the fleet's are in memory; 0: nothing was there before. */
    public long decisionsCompleteFrom(String fleet) {
        var log = decisions.get(fleet);
        return log == null ? decisionsBegin.getOrDefault(decisionsPartition(fleet), 0L) : log.completeFrom();
    }

    public int decisionsPartition(String fleet) {
        return Topics.partition(fleet.getBytes(UTF_8), Math.max(1, decisionsBegin.size()));
    }

    /** The next offset of each partition of {@code decisions}. */
    public SortedMap<Integer, Long> decisionPositions() {
        synchronized (decisionsRead) {
            return new TreeMap<>(decisionPositions);
        }
    }

    /** Of services that are running, as far as their reports are fresh. */
    public List<ServiceReported> services() {
        var oldest = Instant.now().minus(SERVICE_SILENCE).getEpochSecond();
        var running = new ArrayList<ServiceReported>();
        services.values().stream().filter(service -> service.getAt().getSeconds() >= oldest).forEach(running::add);
        return running;
    }

    /** Told of each machine's change until the returned is run. */
    Runnable watchMachines(MachineWatcher watcher) {
        machineWatchers.add(watcher);
        return () -> machineWatchers.remove(watcher);
    }

    /**
     * Tells what is in memory from these offsets on, and from then on what comes, until the returned is run; nothing is left out in between. The
     * watcher must not block.
     *
     * @param from next offsets of the partitions that count
     * @param fleet whose decisions count; empty: all
     * @return empty, and nobody is told anything, if memory doesn't go back that far
     */
    Optional<Runnable> watchDecisions(SortedMap<Integer, Long> from, String fleet, Consumer<DecisionLog.Entry> watcher) {
        synchronized (decisionsRead) {
            var logs = fleet.isEmpty() ? List.copyOf(decisions.values()) : decisions(fleet).stream().toList();
            if (from.entrySet().stream().anyMatch(p -> p.getValue() < (fleet.isEmpty() ? decisionsBegin.getOrDefault(p.getKey(), 0L) : decisionsCompleteFrom(fleet)))
                    || logs.stream().anyMatch(log -> from.getOrDefault(log.partition(), Long.MAX_VALUE) < log.completeFrom())) {
                return Optional.empty();
            }
            DecisionLog.merged(logs.stream().flatMap(log -> log.from(from.getOrDefault(log.partition(), Long.MAX_VALUE)).stream()).toList()).forEach(watcher);
            decisionWatchers.add(watcher);
            return Optional.of(() -> decisionWatchers.remove(watcher));
        }
    }

    /** How many watch now. A client that is gone must not be among them. */
    public int watchers() {
        return machineWatchers.size() + decisionWatchers.size();
    }

    @Override
    public void close() {
        tables.forEach(TopicTable::close);
    }
}
