package dev.muster.provisioner.host;

import dev.muster.provisioner.spi.LaunchSettings;
import dev.muster.provisioner.spi.MachineRef;
import dev.muster.provisioner.spi.Mark;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.Scope;
import dev.muster.v1.BootSpec;
import java.time.Instant;
import java.util.List;

/** What a planner may ask of a provisioner. */
sealed interface HostCommand {

    /** @return the fleet whose key its reports have */
    String fleet();

    Scope scope();

    /** Machines that it is about: commands that share one run in the order of their offsets, all others side by side. */
    List<String> machineIds();

    /** As in metrics and answers. */
    String verb();

    /**
     * @param issuedAt the same however often the command is read
     * @param boot still names secrets; they are read when the call is made
     * @param task that its one machine is made for; empty: none
     * @param queue name of the queue that it is launched for; empty: none; so is {@code queueId}
     */
    record Launch(String fleet, Scope scope, Instant issuedAt, String batchId, List<String> machineIds, String pool, Offer offer,
            long maxPriceMicros, Instant expiresAt, String workerPrefix, LaunchSettings settings, BootSpec boot, String task, String queue, String queueId)
            implements HostCommand {
        @Override
        public String verb() {
            return "launch";
        }
    }

    /** A command about one machine, answered by its ordinal. */
    sealed interface OfMachine extends HostCommand {

        MachineRef machine();

        long ordinal();

        @Override
        default Scope scope() {
            return machine().scope();
        }

        @Override
        default List<String> machineIds() {
            return List.of(machine().machineId());
        }
    }

    /** Not answered: who asked reads the topic {@code consoles}. It stands in no lane, since nothing may wait for it. */
    record FetchConsole(String fleet, MachineRef machine, Instant issuedAt) implements HostCommand {
        @Override
        public Scope scope() {
            return machine.scope();
        }

        @Override
        public List<String> machineIds() {
            return List.of(machine.machineId());
        }

        @Override
        public String verb() {
            return "fetch-console";
        }
    }

    record MarkMachine(String fleet, MachineRef machine, Mark mark, String verb) implements OfMachine {
        @Override
        public long ordinal() {
            return mark.ordinal();
        }
    }

    record Terminate(String fleet, MachineRef machine, long ordinal, String cause) implements OfMachine {
        @Override
        public String verb() {
            return "terminate";
        }
    }

    record Adopt(String fleet, MachineRef machine, String pool, List<Offer> offers, long ordinal) implements OfMachine {
        @Override
        public String verb() {
            return "adopt";
        }
    }
}
