package dev.muster.planner.stream;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.muster.contracts.Phases;
import dev.muster.telemetry.Meters;
import dev.muster.telemetry.Traces;
import dev.muster.v1.Command;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.Phase;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.kafka.common.header.Headers;
import org.jboss.logging.Logger;

/**
 * Carries traces through one task: from a look at the queues to the plan that answers it, into the headers of its commands, and on to what becomes of the
 * machines. All of it is beside the fleets: no state, plan or record's value knows of it, and what a restart forgets is followed no further. One thread.
 */
final class Trail {

    private static final Logger LOG = Logger.getLogger(Trail.class);
    /** What is planned later than this after a look has other reasons. */
    private static final Duration LOOK_KEPT = Duration.ofMinutes(10);
    /** Machines that are followed at a time; the oldest gives way. */
    private static final int MOST_FOLLOWED = 10_000;

    private final Traces traces;
    private boolean hasFailed;
    private final Map<String, Look> looks = new HashMap<>();
    private final Map<String, Traces.Step> plans = new HashMap<>();
    private final Map<String, Life> lives = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Life> eldest) {
            return size() > MOST_FOLLOWED;
        }
    };

    private record Look(Traces.Context context, Instant at) {}

    private record Life(Traces.Context context, Phase phase, Instant since) {}

    Trail(Traces traces) {
        this.traces = traces;
    }

    /** A record of the topic of demand, before it is taken. */
    void seen(byte[] key, Headers headers) {
        if (traces.isOn() && key != null) {
            harmless(() -> look(key, headers));
        }
    }

    private void look(byte[] key, Headers headers) {
        var context = traces.from(headers);
        if (context != null) {
            looks.put(new String(key, UTF_8), new Look(context, Instant.now()));
        }
    }

    /** A record on its way; gets its context. */
    void sent(Outbox.Send send) {
        if (!traces.isOn() || send.value() == null) {
            return;
        }
        if (send.sink().equals(Sinks.MACHINES)) {
            harmless(() -> machine(send));
        } else if (send.sink().startsWith(Sinks.commands(""))) {
            harmless(() -> command(send));
        }
    }

    private interface Following {
        void follow() throws InvalidProtocolBufferException;
    }

    /** What can't be followed is left out: it must keep no record from its topic. Once it is said, since each of them may fail. */
    private void harmless(Following following) {
        try {
            following.follow();
        } catch (InvalidProtocolBufferException | RuntimeException ours) {
            if (!hasFailed) {
                hasFailed = true;
                LOG.error("A trace failed, and is left out; so are others that fail", ours);
            }
        }
    }

    private void command(Outbox.Send send) throws InvalidProtocolBufferException {
        if (send.sink().equals(Sinks.commands("clearml"))) {
            return;
        }
        var command = Command.parseFrom(send.value());
        var plan = plans.computeIfAbsent(command.getFleet() + (command.hasLaunch() ? " launch" : ""), key ->
                traces.begin("plan", command.hasLaunch() ? lookAt(command.getFleet()) : null, null, "muster.fleet", command.getFleet()));
        plan.context().write(send.headers());
        if (command.hasLaunch()) {
            plan.note("muster.pool", command.getLaunch().getPool());
            command.getLaunch().getMachineIdsList().forEach(id -> lives.put(id, new Life(plan.context(), Phase.REQUESTED, Instant.now())));
        }
    }

    private Traces.Context lookAt(String fleet) {
        var look = looks.get(fleet);
        return look == null || look.at().isBefore(Instant.now().minus(LOOK_KEPT)) ? null : look.context();
    }

    private void machine(Outbox.Send send) throws InvalidProtocolBufferException {
        var key = new String(send.key(), UTF_8);
        var life = lives.get(key.substring(key.indexOf('/') + 1));
        if (life == null) {
            return;
        }
        life.context().write(send.headers());
        var machine = MachineRecord.parseFrom(send.value());
        if (machine.getPhase() == life.phase()) {
            return;
        }
        var step = traces.begin("machine " + Meters.word(life.phase()), life.context(), life.since(), "muster.fleet", machine.getFleet(),
                "muster.pool", machine.getPool(), "muster.machine", machine.getMachineId(), "muster.next", Meters.word(machine.getPhase()));
        if (Phases.isEnded(machine.getPhase())) {
            step.failed(Meters.word(machine.getFailure()));
        } else {
            step.end();
        }
        if (machine.getPhase() == Phase.READY || Phases.isEnded(machine.getPhase())) {
            lives.remove(machine.getMachineId());
        } else {
            lives.put(machine.getMachineId(), new Life(life.context(), machine.getPhase(), Instant.now()));
        }
    }

    /** All fleets that were due are planned, and what they say is on its way. */
    void planned() {
        if (!plans.isEmpty()) {
            harmless(() -> plans.values().forEach(Traces.Step::end));
            plans.clear();
        }
    }

    /** The task begins anew, perhaps with other fleets. */
    void forget() {
        planned();
        looks.clear();
        lives.clear();
    }
}
