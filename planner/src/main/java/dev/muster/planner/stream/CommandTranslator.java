package dev.muster.planner.stream;

import dev.muster.contracts.Times;
import dev.muster.planner.core.Command;
import dev.muster.v1.AdoptMachine;
import dev.muster.v1.CancelDrain;
import dev.muster.v1.ClearmlCommand;
import dev.muster.v1.DrainMachine;
import dev.muster.v1.DrainMode;
import dev.muster.v1.FetchConsole;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.LaunchMachines;
import dev.muster.v1.LaunchParameters;
import dev.muster.v1.PoolSpec;
import dev.muster.v1.ReleaseMachine;
import dev.muster.v1.RescueTask;
import dev.muster.v1.TerminateMachine;
import dev.muster.v1.UnregisterWorker;
import java.time.Duration;
import java.time.Instant;

/** Orders on their way out. What a launch needs beside pool and offer comes from the accepted spec here. */
final class CommandTranslator {

    private static final Duration LEAST_MARGIN = Duration.ofHours(1);

    private CommandTranslator() {}

    /** @param commandId unique among all commands */
    static dev.muster.v1.Command command(Command.ToProvisioner command, FleetRecord fleet, String commandId, String decisionId, Instant now) {
        var message = dev.muster.v1.Command.newBuilder().setCommandId(commandId).setFleet(fleet.getFleet()).setScope(command.scope())
                .setDecisionId(decisionId).setIssuedAt(Times.timestamp(now));
        if (command instanceof Command.Launch launch) {
            message.setLaunch(launch(launch, fleet));
        } else if (command instanceof Command.Drain drain) {
            message.setDrain(DrainMachine.newBuilder().setMachineId(drain.machineId()).setCloudId(drain.cloudId()).setOrdinal(drain.ordinal())
                    .setMode(drain.now() ? DrainMode.NOW : DrainMode.WHEN_IDLE));
        } else if (command instanceof Command.CancelDrain cancel) {
            message.setCancelDrain(CancelDrain.newBuilder().setMachineId(cancel.machineId()).setCloudId(cancel.cloudId()).setOrdinal(cancel.ordinal()));
        } else if (command instanceof Command.Release release) {
            message.setRelease(ReleaseMachine.newBuilder().setMachineId(release.machineId()).setCloudId(release.cloudId()).setOrdinal(release.ordinal()));
        } else if (command instanceof Command.Terminate terminate) {
            message.setTerminate(TerminateMachine.newBuilder().setMachineId(terminate.machineId()).setCloudId(terminate.cloudId())
                    .setOrdinal(terminate.ordinal()).setCause(terminate.cause()));
        } else if (command instanceof Command.FetchConsole fetch) {
            message.setFetchConsole(FetchConsole.newBuilder().setMachineId(fetch.machineId()).setCloudId(fetch.cloudId()).setOrdinal(fetch.ordinal()));
        } else if (command instanceof Command.Adopt adopt) {
            message.setAdopt(AdoptMachine.newBuilder().setMachineId(adopt.machineId()).setCloudId(adopt.cloudId()).setPool(adopt.pool())
                    .addAllOffers(adopt.offers().stream().map(Words::offer).toList()).setOrdinal(adopt.ordinal()));
        } else {
            throw new IllegalStateException("no message for " + command.getClass());
        }
        return message.build();
    }

    static ClearmlCommand command(Command.ToWatcher command, FleetRecord fleet, String commandId, String decisionId, Instant now) {
        var message = ClearmlCommand.newBuilder().setCommandId(commandId).setConnection(fleet.getSpec().getConnection()).setFleet(fleet.getFleet())
                .setDecisionId(decisionId).setIssuedAt(Times.timestamp(now));
        if (command instanceof Command.Rescue rescue) {
            message.setRescue(RescueTask.newBuilder().setTask(rescue.task()).setQueue(rescue.queueId()).setMachineId(rescue.machineId())
                    .setWorker(rescue.worker()).setExpectedStatus(Words.taskStatus(rescue.expected())).setAttempt(rescue.attempt())
                    .setLogLine(rescue.logLine()).setOptOutTag(fleet.getSpec().getRescue().getOptOutTag())
                    .setFailReason(rescue.failReason()).setFailMessage(rescue.failMessage()));
        } else if (command instanceof Command.Unregister unregister) {
            message.setUnregister(UnregisterWorker.newBuilder().setWorker(unregister.worker()).setMachineId(unregister.machineId()));
        } else {
            throw new IllegalStateException("no message for " + command.getClass());
        }
        return message.build();
    }

    private static LaunchMachines launch(Command.Launch launch, FleetRecord fleet) {
        var pool = fleet.getSpec().getPoolsList().stream().filter(p -> p.getName().equals(launch.pool())).findFirst()
                .orElseThrow(() -> new IllegalStateException("a launch names pool " + launch.pool() + ", which the fleet doesn't have"));
        var message = LaunchMachines.newBuilder().setBatchId(launch.batchId()).addAllMachineIds(launch.machineIds()).setPool(launch.pool())
                .setOffer(Words.offer(launch.offer())).setMaxPriceMicrosPerHour(launch.maxPrice())
                .setWorkerPrefix(fleet.getSpec().getWorkersPrefix() + ":" + launch.pool() + ":" + launch.offer().machineType())
                .setParameters(parameters(pool, launch, fleet)).setTask(launch.task()).setQueue(launch.queue()).setQueueId(launch.queueId());
        if (launch.expiresAt() != null) {
            message.setExpiresAt(Times.timestamp(launch.expiresAt()));
        }
        return message.build();
    }

    /**
     * The planner retires a machine at its pool's largest age; what is still there at twice that age, the machine ends by itself. In between
     * there is time for as long a task again, and for a pool that may let only a few go at once.
     */
    private static Duration hardAge(Duration maxAge) {
        return maxAge.plus(maxAge.compareTo(LEAST_MARGIN) > 0 ? maxAge : LEAST_MARGIN);
    }

    private static LaunchParameters parameters(PoolSpec pool, Command.Launch launch, FleetRecord fleet) {
        var parameters = pool.getLaunch().toBuilder();
        var boot = parameters.getBootBuilder().clearQueueIds().addAllQueueIds(launch.queueIds()).setAgents(pool.getSlots());
        if (boot.getConnection().isEmpty()) {
            boot.setConnection(fleet.getSpec().getConnection());
        }
        boot.clearHardAge();
        if (pool.hasMaxAge()) {
            boot.setHardAge(Times.duration(hardAge(Times.duration(pool.getMaxAge()))));
        }
        return parameters.build();
    }
}
