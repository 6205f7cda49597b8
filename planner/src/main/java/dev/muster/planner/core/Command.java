package dev.muster.planner.core;

import java.time.Instant;
import java.util.List;

/** An order to a provisioner or the watcher. What the spec says of a launch is added where it is sent. */
public sealed interface Command {

    /** An order to the provisioner of {@code scope}. */
    sealed interface ToProvisioner extends Command {
        String scope();
    }

    /**
     * @param maxPrice spot only, micro-units an hour; 0: the on-demand price
     * @param queue name of the queue that it is launched for; empty: none; so is {@code queueId}
     * @param task that its one machine is made for; empty: none
     */
    record Launch(String batchId, List<String> machineIds, String pool, OfferKey offer, long maxPrice, Instant expiresAt,
            List<String> queueIds, String queue, String queueId, String task) implements ToProvisioner {
        @Override
        public String scope() {
            return offer.scope();
        }
    }

    /** @param now kill agents and tasks, on a person's word; else when idle */
    record Drain(String scope, String machineId, String cloudId, long ordinal, boolean now) implements ToProvisioner {}

    record CancelDrain(String scope, String machineId, String cloudId, long ordinal) implements ToProvisioner {}

    record Release(String scope, String machineId, String cloudId, long ordinal) implements ToProvisioner {}

    record Terminate(String scope, String machineId, String cloudId, long ordinal, String cause) implements ToProvisioner {}

    /** Reads a machine's console now. Nothing waits for it, and nothing follows from it. */
    record FetchConsole(String scope, String machineId, String cloudId, long ordinal) implements ToProvisioner {}

    /** Tags a machine of another autoscaler. @param offers it must be one of these */
    record Adopt(String scope, String machineId, String cloudId, String pool, List<OfferKey> offers, long ordinal) implements ToProvisioner {
        public Adopt {
            offers = List.copyOf(offers);
        }
    }

    /** An order to the watcher that has the fleet's connection. */
    sealed interface ToWatcher extends Command {}

    /** @param failReason not empty: the task is failed with it instead of put back; {@code failMessage} says the same to people */
    record Rescue(String task, String queueId, String machineId, String worker, TaskStatus expected, int attempt, String logLine, String failReason,
            String failMessage) implements ToWatcher {}

    record Unregister(String worker, String machineId) implements ToWatcher {}
}
