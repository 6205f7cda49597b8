package dev.muster.provisioner.host;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.muster.contracts.Phases;
import dev.muster.contracts.SpecSecrets;
import dev.muster.contracts.Times;
import dev.muster.contracts.TopicTable;
import dev.muster.contracts.Topics;
import dev.muster.provisioner.spi.Scope;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetState;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.OfferKey;
import dev.muster.v1.OfferSpec;
import dev.muster.v1.Phase;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jboss.logging.Logger;

/** What the planner says about fleets and machines: both tables whole, as far as a provisioner needs them. Thread-safe. */
final class FleetBook implements TopicTable.Listener {

    private static final Logger LOG = Logger.getLogger(FleetBook.class);

    /**
     * One line of the planner's books.
     *
     * @param cloudId empty until the cloud accepted it
     * @param waits for room, which may be for long; its cloud tells when it has some
     * @param endedAt null: it has not
     */
    record Line(String fleet, String machineId, Scope scope, String cloudId, Phase phase, boolean waits, boolean released, Instant endedAt) {

        boolean isMoving() {
            return switch (phase) {
                case REQUESTED, LAUNCHING, DRAINING, TERMINATING -> true;
                case BOOTING -> !waits;
                default -> false;
            };
        }

        boolean isOver() {
            return Phases.isEnded(phase);
        }
    }

    private record Fleet(String connection, Set<Scope> scopes, Set<String> ignoredClusters, String currency, Set<OfferKey> unpriced,
            Set<OfferKey> offers, Set<SpecSecrets.Wanted> secrets) {}

    private final String provider;
    private final Topics topics;
    private final Consumer<Scope> scopeChanged;
    private final Map<String, Fleet> fleets = new HashMap<>();
    private final Map<String, Line> lines = new HashMap<>();
    private final Map<Scope, Set<String>> keysByScope = new HashMap<>();
    private final Map<Scope, Integer> movingByScope = new HashMap<>();

    /**
     * @param provider only its scopes count
     * @param scopeChanged told on the reading thread when a fleet naming the scope appears or changes
     */
    FleetBook(String provider, Topics topics, Consumer<Scope> scopeChanged) {
        this.provider = provider;
        this.topics = topics;
        this.scopeChanged = scopeChanged;
    }

    @Override
    public void on(ConsumerRecord<byte[], byte[]> record) {
        if (record.key() == null) {
            return;
        }
        var key = new String(record.key(), UTF_8);
        try {
            if (record.topic().equals(topics.fleets())) {
                onFleet(key, record.value());
            } else {
                onMachine(key, record.value());
            }
        } catch (InvalidProtocolBufferException | IllegalArgumentException unreadable) {
            // It stays as it was; the planner owns the table and reports its own unreadable records.
            LOG.warnf("A record of a table can't be read: topic=%s key=%s reason=%s", record.topic(), key, unreadable.getMessage());
        }
    }

    private void onFleet(String name, byte[] value) throws InvalidProtocolBufferException {
        var changed = new HashSet<Scope>();
        synchronized (this) {
            if (value == null) {
                fleets.remove(name);
                return;
            }
            var record = FleetRecord.parseFrom(value);
            var fleet = new Fleet(record.getSpec().getConnection(), ours(record), Set.copyOf(record.getTakenOverClustersList()),
                    record.getSpec().getCurrency(), unpricedOf(record), offersOf(record),
                    record.getState() == FleetState.DELETED ? Set.of() : SpecSecrets.of(record.getSpec()));
            var before = fleets.put(name, fleet);
            if (!fleet.equals(before)) {
                changed.addAll(fleet.scopes);
            }
        }
        changed.forEach(scopeChanged);
    }

    private static Set<OfferKey> unpricedOf(FleetRecord record) {
        return record.getSpec().getPoolsList().stream().flatMap(pool -> pool.getOffersList().stream())
                .filter(offer -> !offer.hasPriceMicrosPerHour()).map(OfferSpec::getKey).collect(Collectors.toUnmodifiableSet());
    }

    private static Set<OfferKey> offersOf(FleetRecord record) {
        return record.getSpec().getPoolsList().stream().flatMap(pool -> pool.getOffersList().stream()).map(OfferSpec::getKey).collect(Collectors.toUnmodifiableSet());
    }

    /** The fleet's offers in the scope whose price its spec does not name. */
    synchronized List<OfferKey> unpriced(String fleet, Scope scope) {
        var known = fleets.get(fleet);
        return known == null ? List.of() : known.unpriced.stream().filter(offer -> isIn(offer, scope)).sorted(Comparator.comparing(OfferKey::toString)).toList();
    }

    /** Machine types of the fleet's offers in the scope. Sorted. */
    synchronized Set<String> types(String fleet, Scope scope) {
        var known = fleets.get(fleet);
        return known == null ? Set.of() : known.offers.stream().filter(offer -> isIn(offer, scope) && !offer.getMachineType().isEmpty())
                .map(OfferKey::getMachineType).collect(Collectors.toCollection(TreeSet::new));
    }

    /** Names of secrets that specs want of a service. Sorted. */
    synchronized Set<String> secretsWanted(String service) {
        return fleets.values().stream().flatMap(fleet -> fleet.secrets.stream()).filter(wanted -> wanted.service().equals(service))
                .map(SpecSecrets.Wanted::name).collect(Collectors.toCollection(TreeSet::new));
    }

    /** What the fleet counts in; empty: the fleet is not known. */
    synchronized String currencyOf(String fleet) {
        var known = fleets.get(fleet);
        return known == null ? "" : known.currency;
    }

    private static boolean isIn(OfferKey offer, Scope scope) {
        return new Scope(offer.getProvider(), offer.getAccount(), offer.getRegion()).equals(scope);
    }

    private Set<Scope> ours(FleetRecord record) {
        var scopes = new HashSet<Scope>();
        record.getScopesList().stream().map(Scope::parse).forEach(scopes::add);
        record.getSpec().getPoolsList().forEach(pool -> pool.getOffersList().forEach(offer -> {
            var key = offer.getKey();
            scopes.add(new Scope(key.getProvider(), key.getAccount(), key.getRegion()));
        }));
        scopes.removeIf(scope -> !scope.provider().equals(provider));
        return Set.copyOf(scopes);
    }

    private synchronized void onMachine(String key, byte[] value) throws InvalidProtocolBufferException {
        Line line = null;
        if (value != null) {
            var record = MachineRecord.parseFrom(value);
            var scope = Scope.parse(record.getScope());
            if (!scope.provider().equals(provider)) {
                return;
            }
            line = new Line(record.getFleet(), record.getMachineId(), scope, record.getCloudId(), record.getPhase(), record.hasWaitingSince(),
                    record.getReleased(),
                    record.hasEndedAt() ? Times.instant(record.getEndedAt()) : null);
        }
        var before = line == null ? lines.remove(key) : lines.put(key, line);
        if (before != null) {
            keysByScope.get(before.scope).remove(key);
            movingByScope.merge(before.scope, before.isMoving() ? -1 : 0, Integer::sum);
        }
        if (line != null) {
            keysByScope.computeIfAbsent(line.scope, none -> new HashSet<>()).add(key);
            movingByScope.merge(line.scope, line.isMoving() ? 1 : 0, Integer::sum);
        }
    }

    /** The connection that the fleet's spec names; "default" if it names none or isn't known. */
    synchronized String connectionOf(String fleet) {
        var known = fleets.get(fleet);
        return known == null || known.connection.isEmpty() ? "default" : known.connection;
    }

    /** Scopes that a fleet names or that have machines on the books. */
    synchronized Set<Scope> scopes() {
        var scopes = new TreeSet<Scope>();
        fleets.values().forEach(fleet -> scopes.addAll(fleet.scopes));
        keysByScope.forEach((scope, keys) -> {
            if (!keys.isEmpty()) {
                scopes.add(scope);
            }
        });
        return scopes;
    }

    /** Fleets that name the scope, or have or had machines there. Sorted. */
    synchronized Set<String> fleetsOf(Scope scope) {
        var names = new TreeSet<String>();
        fleets.forEach((name, fleet) -> {
            if (fleet.scopes.contains(scope)) {
                names.add(name);
            }
        });
        keysByScope.getOrDefault(scope, Set.of()).forEach(key -> names.add(lines.get(key).fleet));
        return names;
    }

    synchronized List<Line> machinesOf(Scope scope) {
        var found = new ArrayList<Line>();
        keysByScope.getOrDefault(scope, Set.of()).forEach(key -> found.add(lines.get(key)));
        return found;
    }

    /** Ids of the scope's machines that have ended before that moment. */
    synchronized Set<String> endedBefore(Scope scope, Instant moment) {
        var ids = new HashSet<String>();
        for (var key : keysByScope.getOrDefault(scope, Set.of())) {
            var line = lines.get(key);
            if (line.isOver() && line.endedAt != null && line.endedAt.isBefore(moment)) {
                ids.add(line.machineId);
            }
        }
        return ids;
    }

    /** A launch, a boot, a drain or an end is under way there, by the planner's books. */
    synchronized boolean isMoving(Scope scope) {
        return movingByScope.getOrDefault(scope, 0) > 0;
    }

    /** An operator of the fleet said that the cluster is no more: its marks hold the fleet back no longer. */
    synchronized boolean isTakenOver(String fleet, String cluster) {
        return fleets.containsKey(fleet) && fleets.get(fleet).ignoredClusters.contains(cluster);
    }
}
