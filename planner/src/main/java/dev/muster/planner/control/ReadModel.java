package dev.muster.planner.control;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.SpecSecrets;
import dev.muster.contracts.TopicTable;
import dev.muster.planner.Settings;
import dev.muster.planner.access.MachineFleets;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetState;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.NotificationSpec;
import dev.muster.v1.ServiceReported;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jboss.logging.Logger;

/**
 * What the API answers from: all fleets, machines and services, the last look at each fleet's queues, and the newest decisions.
 * Read from the topics by this replica for itself, so that any replica answers any call. Thread-safe.
 *
 * <p>Decisions are held up to a number for each fleet; older ones are on the topic, and this release doesn't fetch them.
 */
public final class ReadModel implements MachineFleets, AutoCloseable {

    private static final Logger LOG = Logger.getLogger(ReadModel.class);
    /** Two of the full lists of workers that come every 60 s. */
    private static final Duration DEMAND_TAIL = Duration.ofMinutes(2);
    /** Of each partition, at start. */
    private static final long DECISIONS_TAIL = 5_000;
    /** A service reports every minute; one that missed three is gone. */
    private static final Duration SERVICE_SILENCE = Duration.ofMinutes(3);

    private final Settings settings;
    private final Answers answers = new Answers();
    private final ConcurrentNavigableMap<String, FleetRecord> fleets = new ConcurrentSkipListMap<>();
    /** By key of the topic, fleet/machine. As they came: machines change a thousand times for each time that somebody asks about one. */
    private final ConcurrentNavigableMap<String, byte[]> machines = new ConcurrentSkipListMap<>();
    private final Map<String, String> keyByMachine = new ConcurrentHashMap<>();
    private final Map<String, DemandView> demand = new ConcurrentHashMap<>();
    private final Map<String, DecisionLog> decisions = new ConcurrentHashMap<>();
    private final Map<String, ServiceReported> services = new ConcurrentHashMap<>();
    private final List<Consumer<MachineRecord>> machineWatchers = new CopyOnWriteArrayList<>();
    private final List<Consumer<DecisionEvent>> decisionWatchers = new CopyOnWriteArrayList<>();
    private volatile List<TopicTable> tables = List.of();

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
                new TopicTable(consumer, List.of(topics.fleets(), topics.machines(), topics.services()), guarded(this::onState)),
                new TopicTable(consumer, List.of(topics.demand()), TopicTable.Start.since(DEMAND_TAIL), guarded(this::onDemand)),
                new TopicTable(consumer, List.of(topics.decisions()), TopicTable.Start.lastRecords(DECISIONS_TAIL), guarded(this::onDecision)));
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
                decisions.remove(key);
            } else {
                fleets.put(key, FleetRecord.parseFrom(record.value()));
            }
        } else if (record.topic().equals(topics.machines())) {
            onMachine(key, record.value());
        } else if (record.value() == null) {
            services.remove(key);
        } else {
            services.put(key, ServiceReported.parseFrom(record.value()));
        }
    }

    private void onMachine(String key, byte[] value) throws InvalidProtocolBufferException {
        if (value == null) {
            machines.remove(key);
            keyByMachine.remove(machineId(key), key);
            return;
        }
        if (machines.put(key, value) == null) {
            keyByMachine.put(machineId(key), key);
        }
        if (!machineWatchers.isEmpty()) {
            var machine = MachineRecord.parseFrom(value);
            machineWatchers.forEach(watcher -> watcher.accept(machine));
        }
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
        switch (event.getWhatCase()) {
            case REQUEST_ANSWERED -> answers.answered(event.getRequestAnswered());
            case DECISION, REFUSAL, AUDIT -> {
                decisions.computeIfAbsent(key, fleet -> new DecisionLog(settings.decisionsKept())).add(record.offset(), event);
                decisionWatchers.forEach(watcher -> watcher.accept(event));
            }
            case PLAN_MADE, LOADED, SNAPSHOT, FORGOTTEN, WHAT_NOT_SET -> { }
        }
    }

    Answers answers() {
        return answers;
    }

    /** Those that are not deleted come first to mind, and deleted ones are there for 30 days: both, by name. */
    ConcurrentNavigableMap<String, FleetRecord> fleets() {
        return fleets;
    }

    Optional<FleetRecord> fleet(String name) {
        return Optional.ofNullable(fleets.get(name));
    }

    /** By fleet/machine, in order. @param after a key, or empty: those behind it */
    Stream<Map.Entry<String, MachineRecord>> machines(String after) {
        return machines.tailMap(after, false).entrySet().stream().flatMap(entry -> parsed(entry.getKey(), entry.getValue())
                .map(machine -> Map.entry(entry.getKey(), machine)).stream());
    }

    /** Of one fleet, by id. */
    List<MachineRecord> machinesOf(String fleet) {
        return machines.subMap(fleet + "/", fleet + "0").entrySet().stream().flatMap(entry -> parsed(entry.getKey(), entry.getValue()).stream()).toList();
    }

    /** Those that another hand launched: few, found by how their ids begin. */
    List<MachineRecord> adopted(String fleet) {
        return machines.subMap(fleet + "/a-", fleet + "/a.").entrySet().stream().flatMap(entry -> parsed(entry.getKey(), entry.getValue()).stream()).toList();
    }

    Optional<MachineRecord> machine(String id) {
        return Optional.ofNullable(keyByMachine.get(id)).flatMap(key -> Optional.ofNullable(machines.get(key)).flatMap(value -> parsed(key, value)));
    }

    @Override
    public Optional<String> fleetOf(String machineId) {
        return Optional.ofNullable(keyByMachine.get(machineId)).map(key -> key.substring(0, key.indexOf('/')));
    }

    private static Optional<MachineRecord> parsed(String key, byte[] value) {
        try {
            return Optional.of(MachineRecord.parseFrom(value));
        } catch (InvalidProtocolBufferException unreadable) {
            LOG.warnf("A machine was passed over; machine=%s reason=%s", key, unreadable);
            return Optional.empty();
        }
    }

    DemandView.Snapshot demand(String fleet) {
        var view = demand.get(fleet);
        return view == null ? new DemandView().latest() : view.latest();
    }

    Optional<DecisionLog> decisions(String fleet) {
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

    /** Of services that are running, as far as their reports are fresh. */
    List<ServiceReported> services() {
        var oldest = Instant.now().minus(SERVICE_SILENCE).getEpochSecond();
        var running = new ArrayList<ServiceReported>();
        services.values().stream().filter(service -> service.getAt().getSeconds() >= oldest).forEach(running::add);
        return running;
    }

    /** Told of each machine's new state until the returned is run, on the reading thread: it must not block. */
    Runnable watchMachines(Consumer<MachineRecord> watcher) {
        machineWatchers.add(watcher);
        return () -> machineWatchers.remove(watcher);
    }

    /** As {@link #watchMachines}, of decisions. */
    Runnable watchDecisions(Consumer<DecisionEvent> watcher) {
        decisionWatchers.add(watcher);
        return () -> decisionWatchers.remove(watcher);
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
