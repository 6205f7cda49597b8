package dev.muster.planner.stream;

import dev.muster.planner.core.Command;
import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.PlanRecord;
import dev.muster.telemetry.Meters;
import dev.muster.telemetry.Metrics;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.MachineReport;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jboss.logging.Logger;

/** What the planner counts and logs of its work. Safe for several stream threads. */
final class PlannerMetrics implements Witness {

    private static final Logger LOG = Logger.getLogger("dev.muster.planner.fleets");

    private final Meters meters;
    private final Reactions reactions;
    private final Map<String, FleetFigures> figures = new ConcurrentHashMap<>();
    private final Map<Integer, Integer> fleetsByPartition = new ConcurrentHashMap<>();
    /** Fleets that are shown, by partition. */
    private final Map<Integer, Set<String>> shown = new ConcurrentHashMap<>();
    private final Set<String> aside = ConcurrentHashMap.newKeySet();
    private final Map<String, Map<Integer, Long>> lags = new ConcurrentHashMap<>();

    PlannerMetrics(Meters meters) {
        this.meters = meters;
        this.reactions = new Reactions(meters);
        meters.show(Metrics.FLEETS, () -> fleetsByPartition.values().stream().mapToInt(Integer::intValue).sum());
        meters.show(Metrics.FLEETS_ASIDE, aside::size);
    }

    @Override
    public void read(String topic) {
        meters.count(Metrics.RECORDS_READ, topic);
    }

    @Override
    public void deadLettered(String topic, int partition, long offset, String reason) {
        LOG.warnf("A record went to the dead letters; topic=%s partition=%d offset=%d reason=%s", topic, partition, offset, reason);
        meters.count(Metrics.DEAD_LETTERS, topic);
    }

    @Override
    public void ofNobody() {
        meters.count(Metrics.RECORDS_OF_NOBODY);
    }

    @Override
    public void created(FleetRecord record, String caller) {
        LOG.infof("A fleet was created; fleet=%s incarnation=%s caller=%s", record.getFleet(), record.getIncarnation(), caller);
    }

    @Override
    public void adopted(FleetRecord record, int machines) {
        LOG.warnf("A fleet is declared, and its state was not found: it goes on with what the topics and the clouds say; fleet=%s version=%d machines=%d",
                record.getFleet(), record.getVersion(), machines);
        meters.count(Metrics.STATES_LOST);
    }

    @Override
    public void forgotten(String fleet) {
        LOG.infof("A deleted fleet was forgotten; fleet=%s", fleet);
        shown.values().forEach(fleets -> fleets.remove(fleet));
        hide(fleet);
    }

    @Override
    public void heard(String fleet, DemandEvent event) {
        reactions.heard(fleet, event);
    }

    @Override
    public void heard(String fleet, MachineReport report) {
        reactions.heard(fleet, report);
        if (report.hasLaunchRefused()) {
            var refused = report.getLaunchRefused();
            meters.count(Metrics.LAUNCHES_REFUSED, refused.getMachineIdsCount(), fleet, refused.getOffer().getProvider(), Meters.word(refused.getKind()));
        }
    }

    @Override
    public void decided(String fleet, PlanRecord.Decided decided) {
        LOG.infof("%s; fleet=%s rule=%s reason=%s decision=%s", decided.text(), fleet, decided.rule(), decided.reason(), decided.id());
        meters.count(Metrics.DECISIONS, fleet, Meters.word(decided.reason()));
    }

    @Override
    public void refused(String fleet, PlanRecord.Refused refused) {
        reactions.refused(fleet, refused);
        if (refused.reason() != null) {
            LOG.infof("%s; fleet=%s rule=%s reason=%s decision=%s", refused.text(), fleet, refused.rule(), refused.reason(), refused.id());
            // It is written again while it lasts; it came about once.
            if (refused.since().equals(refused.writtenAt())) {
                meters.count(Metrics.REFUSALS, fleet, Meters.word(refused.reason()));
            }
        }
    }

    @Override
    public void commanded(String fleet, Command command) {
        meters.count(Metrics.PLANNER_COMMANDS, word(command.getClass().getSimpleName()));
        if (command instanceof Command.Launch launch) {
            meters.count(Metrics.MACHINES_LAUNCHED, launch.machineIds().size(), fleet, launch.pool(), launch.offer().provider());
            reactions.launched(fleet, launch);
        }
    }

    @Override
    public void changed(String fleet, Machine machine, Instant now) {
        if (now.equals(machine.readyAt()) && machine.acceptedAt() != null) {
            meters.time(Metrics.MACHINE_BOOT, Duration.between(machine.acceptedAt(), now), fleet, machine.pool(), machine.offer().provider());
        }
        if (machine.phase().isEnded() && now.equals(machine.endedAt())) {
            meters.count(Metrics.MACHINES_ENDED, fleet, machine.pool(), Meters.word(machine.phase()), machine.cause() == null ? "none" : Meters.word(machine.cause()));
            if (machine.markedAt() != null) {
                meters.count(Metrics.DRAINS, fleet, machine.pool(), switch (machine.ending()) {
                    case INSIDE -> "inside";
                    case ASKED -> "asked";
                    case INTERRUPTED -> "interrupted";
                    case BY_CLOUD -> "cloud";
                    case UNKNOWN, UNSEEN -> "unknown";
                });
            }
        }
    }

    @Override
    public void wrote(String fleet, PlanRecord.HistoryWritten history) {
        figures(fleet).wrote(history);
    }

    @Override
    public void planned(String fleet, long nanos) {
        meters.time(Metrics.PLANS, Duration.ofNanos(nanos));
        reactions.planned(fleet);
    }

    @Override
    public void unreadable(String fleet, RuntimeException why) {
        LOG.errorf(why, "A stored fleet can't be loaded and is left alone; fleet=%s", fleet);
        aside.add(fleet);
        troubled();
    }

    @Override
    public void troubled() {
        meters.count(Metrics.PLANNER_ERRORS);
    }

    @Override
    public void setAside(String fleet, RuntimeException bug) {
        LOG.errorf(bug, "A fleet can't be planned, and keeps its machines as they are; fleet=%s", fleet);
        aside.add(fleet);
    }

    @Override
    public void stands(int partition, Fleet fleet, String currency, boolean isSetAside, Instant now) {
        var name = fleet.head().name();
        shown.computeIfAbsent(partition, of -> ConcurrentHashMap.newKeySet()).add(name);
        if (isSetAside) {
            aside.add(name);
        } else {
            aside.remove(name);
        }
        figures(name).show(fleet, currency, now);
    }

    @Override
    public void lags(int partition, Map<String, Long> records) {
        records.forEach((topic, behind) -> lags.computeIfAbsent(topic, of -> {
            var byPartition = new ConcurrentHashMap<Integer, Long>();
            meters.show(Metrics.INPUT_LAG, () -> byPartition.values().stream().mapToLong(Long::longValue).sum(), topic);
            return byPartition;
        }).put(partition, behind));
    }

    /** Who reads: names of this process's fleets whose queues have not been seen for so long. */
    Set<String> unseenFor(Duration age) {
        var unseen = new HashSet<String>();
        figures.forEach((fleet, of) -> {
            if (of.isUnseenFor(age)) {
                unseen.add(fleet);
            }
        });
        return unseen;
    }

    /** What another process plans from now on it shows, too. */
    @Override
    public void owns(int partition, int fleets) {
        fleetsByPartition.put(partition, fleets);
        if (fleets == 0) {
            lags.values().forEach(byPartition -> byPartition.remove(partition));
            var gone = shown.remove(partition);
            if (gone != null) {
                gone.forEach(this::hide);
            }
        }
    }

    private FleetFigures figures(String fleet) {
        return figures.computeIfAbsent(fleet, name -> new FleetFigures(name, meters));
    }

    private void hide(String fleet) {
        aside.remove(fleet);
        reactions.forget(fleet);
        var known = figures.remove(fleet);
        if (known != null) {
            known.hide();
        }
    }

    private static String word(String name) {
        return name.replaceAll("(?<=[a-z])(?=[A-Z])", "_").toLowerCase(Locale.ROOT);
    }
}
