package dev.muster.provisioner.doctor;

import com.google.protobuf.Timestamp;
import dev.muster.contracts.SecretRef;
import dev.muster.provisioner.doctor.Findings.About;
import dev.muster.provisioner.host.TrialLaunch;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import dev.muster.v1.Command;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.LaunchMachines;
import dev.muster.v1.LaunchParameters;
import dev.muster.v1.OfferSpec;
import dev.muster.v1.PodKind;
import dev.muster.v1.PoolSpec;
import java.net.URI;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The launches that a question's fleets would make in one scope: as the planner sends them, but for the ids of queues, which ClearML alone knows. Used by one thread. */
public final class PlannedLaunches {

    /** ClearML's ids have 32 digits: a boot script is as long as a real one. */
    private static final String QUEUE_ID = "0".repeat(32);

    /** Of what a pod that is made for one task is made for. */
    private static final String TASK_ID = QUEUE_ID;

    /** @param offers those of the scope, and at least one */
    public record Planned(FleetSpec fleet, PoolSpec pool, List<OfferSpec> offers) {

        public String name() {
            return PlannedLaunches.name(fleet, pool);
        }
    }

    private final DoctorQuestion question;
    private final Scope scope;
    private final Optional<SecretRef.Store> machinesRead;
    private int made;

    /** Of machines that are given their secrets. */
    public PlannedLaunches(DoctorQuestion question, Scope scope) {
        this(question, scope, Optional.empty());
    }

    /** @param machinesRead where they read them by themselves, as {@code MachineProvider} has it */
    public PlannedLaunches(DoctorQuestion question, Scope scope, Optional<SecretRef.Store> machinesRead) {
        this.question = question;
        this.scope = scope;
        this.machinesRead = machinesRead;
    }

    public static String name(FleetSpec fleet, PoolSpec pool) {
        return fleet.getName() + "/" + pool.getName();
    }

    public List<Planned> pools() {
        var planned = new ArrayList<Planned>();
        for (var fleet : question.fleets()) {
            for (var pool : fleet.getPoolsList()) {
                var here = pool.getOffersList().stream().filter(offer -> offer.getKey().getProvider().equals(scope.provider())
                        && offer.getKey().getAccount().equals(scope.account()) && offer.getKey().getRegion().equals(scope.region())).toList();
                if (!here.isEmpty()) {
                    planned.add(new Planned(fleet, pool, here));
                }
            }
        }
        return planned;
    }

    /** @throws ProviderException with what the host would report of it; no cloud was asked */
    public MachineBatch batch(Planned planned, OfferSpec offer) throws ProviderException {
        return TrialLaunch.batch(scope.provider(), machinesRead, command(planned.fleet(), planned.pool(), offer), question.connections(), question.secrets());
    }

    private Command command(FleetSpec fleet, PoolSpec pool, OfferSpec offer) {
        var now = Instant.now();
        // Never one that a launch had: the cloud would answer for that launch.
        var id = "mdoctor" + made++ + "-" + now.toEpochMilli();
        var launch = LaunchMachines.newBuilder();
        if (pool.getLaunch().getK8S().getPods() == PodKind.TASK_POD) {
            launch.setTask(TASK_ID).setQueueId(QUEUE_ID).setQueue(fleet.getQueuesList().stream().filter(queue -> queue.getPoolsList().contains(pool.getName()))
                    .map(queue -> queue.getName()).findFirst().orElse(""));
        }
        return Command.newBuilder().setCommandId(id).setFleet(fleet.getName()).setScope(scope.toString()).setIssuedAt(time(now))
                .setLaunch(launch.setBatchId(id).addMachineIds(id).setPool(pool.getName()).setOffer(offer.getKey())
                        .setMaxPriceMicrosPerHour(offer.getPriceCeilingMicrosPerHour()).setExpiresAt(time(now.plusSeconds(60)))
                        .setWorkerPrefix(fleet.getWorkersPrefix() + ":" + pool.getName() + ":" + offer.getKey().getMachineType()).setParameters(parameters(fleet, pool))).build();
    }

    private static LaunchParameters parameters(FleetSpec fleet, PoolSpec pool) {
        var parameters = pool.getLaunch().toBuilder();
        var boot = parameters.getBootBuilder().clearQueueIds().setAgents(pool.getSlots());
        var queues = fleet.getQueuesList().stream().filter(queue -> queue.getPoolsList().contains(pool.getName())).count();
        for (int i = 0; i < Math.max(1, queues); i++) {
            boot.addQueueIds(QUEUE_ID);
        }
        if (boot.getConnection().isEmpty()) {
            boot.setConnection(fleet.getConnection());
        }
        if (pool.hasMaxAge()) {
            boot.setHardAge(pool.getMaxAge());
        }
        return parameters.build();
    }

    private static Timestamp time(Instant instant) {
        return Timestamp.newBuilder().setSeconds(instant.getEpochSecond()).build();
    }

    /** Whether machines can reach ClearML at the address that they are given, as far as it can be judged from here. @param boot says what a connection lacks */
    public void machineHosts(Planned planned, Findings findings, Check hosts, Check boot) {
        machineHosts(planned, findings, hosts, boot, Findings.State.WARNING);
    }

    /** @param loopback how bad it is that each machine takes the address for its own */
    public void machineHosts(Planned planned, Findings findings, Check hosts, Check boot, Findings.State loopback) {
        var pool = planned.pool();
        var name = pool.getLaunch().getBoot().getConnection().isEmpty() ? planned.fleet().getConnection() : pool.getLaunch().getBoot().getConnection();
        var connection = question.connections().get(name);
        var about = new About(hosts, name);
        if (connection == null) {
            findings.skipped(about, boot);
        } else if (question.sandbox()) {
            findings.ok(about, "machines are on this computer");
        } else if (isLoopback(connection.machineHosts().api())) {
            var seen = "machines are given " + connection.machineHosts().api() + ", which is each one's own";
            var fix = "write an address that they reach into machineHosts: {api: …}";
            if (loopback == Findings.State.FAILED) {
                findings.failed(about, seen, fix);
            } else {
                findings.warning(about, seen, fix);
            }
        } else {
            findings.ok(about, connection.machineHosts().api());
        }
    }

    private static boolean isLoopback(String url) {
        var host = URI.create(url).getHost();
        return host != null && (host.equals("localhost") || host.endsWith(".localhost") || host.startsWith("127.") || host.equals("[::1]"));
    }
}
