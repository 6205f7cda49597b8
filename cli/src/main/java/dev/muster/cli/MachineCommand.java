package dev.muster.cli;

import com.google.protobuf.Timestamp;
import dev.muster.sandbox.suite.SuiteState;
import dev.muster.v1.ConsoleReported;
import dev.muster.v1.GetConsoleRequest;
import dev.muster.v1.ListMachinesRequest;
import dev.muster.v1.ListMachinesResponse;
import dev.muster.v1.MachineNameRequest;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.Phase;
import dev.muster.v1.TerminateMachineRequest;
import dev.muster.v1.WatchMachinesRequest;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code muster machine …}. */
@Command(name = "machine", mixinStandardHelpOptions = true, description = "Machines on the books.",
        subcommands = {MachineCommand.List_.class, MachineCommand.Drain.class, MachineCommand.Terminate.class,
            MachineCommand.Protect.class, MachineCommand.Unprotect.class, MachineCommand.Logs.class})
final class MachineCommand {

    @Command(name = "list", mixinStandardHelpOptions = true, sortOptions = false, description = "Machines that are, and with --all those that were.")
    static final class List_ implements Runnable {
        @Mixin
        CommonOptions common;

        @Option(names = "--fleet", paramLabel = "FLEET")
        String fleet = "";

        @Option(names = "--pool", paramLabel = "POOL")
        String pool = "";

        @Option(names = "--all", description = "Also those that are gone, failed or lost.")
        boolean all;

        @Option(names = "--watch", description = "Go on showing each change, until interrupted.")
        boolean watch;

        @Override
        public void run() {
            var output = common.output();
            var request = ListMachinesRequest.newBuilder().setFleet(fleet).setPool(pool).setEndedToo(all).build();
            try (var control = common.control()) {
                if (watch) {
                    watch(control, WatchMachinesRequest.newBuilder().setFleet(fleet).setPool(pool).setEndedToo(all).build(), output);
                    return;
                }
                var machines = control.allMachines(request);
                if (output.isJson()) {
                    output.resource(ListMachinesResponse.newBuilder().addAllMachines(machines).build());
                } else if (machines.isEmpty()) {
                    output.line("no machines");
                } else {
                    output.table(HEAD, machines.stream().map(MachineCommand::row).toList());
                }
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        }

        private static void watch(Control control, WatchMachinesRequest request, Output output) throws InterruptedException {
            var forEver = new CountDownLatch(1);
            control.watchMachines(request, change -> {
                if (output.isJson()) {
                    output.resourceLine(change);
                } else if (change.hasMachine()) {
                    output.line(String.join("  ", row(change.getMachine())));
                }
            });
            forEver.await();
        }
    }

    /** What is asked about one machine by its id. */
    abstract static class OneMachine implements Runnable {
        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "MACHINE")
        String machine;

        /** Sends the request. */
        abstract MachineRecord ask(Control control, MachineNameRequest request);

        /** Tells how the machine is now. */
        abstract void tell(MachineRecord answer, Output output);

        @Override
        public final void run() {
            try (var control = common.control()) {
                var request = MachineNameRequest.newBuilder().setMachineId(machine).setRequestId(UUID.randomUUID().toString()).build();
                tell(control.write(() -> ask(control, request)), common.output());
            }
        }
    }

    @Command(name = "drain", mixinStandardHelpOptions = true, sortOptions = false, description = "Lets a machine finish its task, take no other, and go.")
    static final class Drain extends OneMachine {
        @Override
        MachineRecord ask(Control control, MachineNameRequest request) {
            return control.machines().drainMachine(request);
        }

        @Override
        void tell(MachineRecord answer, Output output) {
            show(answer, output);
        }
    }

    @Command(name = "terminate", mixinStandardHelpOptions = true, sortOptions = false, description = "Ends a machine; a busy one only with --busy.")
    static final class Terminate implements Runnable {
        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "MACHINE")
        String machine;

        @Option(names = "--busy", description = "Even if it runs a task: that ends too, and is put back into its queue.")
        boolean busy;

        @Override
        public void run() {
            try (var control = common.control()) {
                var request = TerminateMachineRequest.newBuilder().setMachineId(machine).setBusyToo(busy).setRequestId(UUID.randomUUID().toString()).build();
                show(control.write(() -> control.machines().terminateMachine(request)), common.output());
            }
        }
    }

    @Command(name = "protect", mixinStandardHelpOptions = true, sortOptions = false, description = "Neither idleness nor age lets a machine go from now on; a budget does.")
    static final class Protect extends OneMachine {
        @Override
        MachineRecord ask(Control control, MachineNameRequest request) {
            return control.machines().protectMachine(request);
        }

        @Override
        void tell(MachineRecord answer, Output output) {
            said(answer, "is protected: neither idleness nor age lets it go", output);
        }
    }

    @Command(name = "unprotect", mixinStandardHelpOptions = true, sortOptions = false, description = "Ends a machine's protection.")
    static final class Unprotect extends OneMachine {
        @Override
        MachineRecord ask(Control control, MachineNameRequest request) {
            return control.machines().unprotectMachine(request);
        }

        @Override
        void tell(MachineRecord answer, Output output) {
            said(answer, "is no longer protected", output);
        }
    }

    @Command(name = "logs", mixinStandardHelpOptions = true, sortOptions = false, description = "What a machine that is gone had written to its console, kept for 14 days.")
    static final class Logs implements Runnable {
        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "MACHINE", description = "Machine id, or the cloud's own name of it.")
        String machine;

        @Override
        public void run() {
            var output = common.output();
            // One that the sandbox's cloud has is read there, also while it lives.
            if (machine.startsWith("i-")) {
                var there = sandboxConsole(machine);
                if (there.isPresent()) {
                    show(output, machine, there.get(), null);
                    return;
                }
            }
            try (var control = common.control()) {
                var found = control.allMachines(ListMachinesRequest.newBuilder().setEndedToo(true).build()).stream()
                        .filter(one -> one.getMachineId().equals(machine) || one.getCloudId().equals(machine)).findFirst()
                        .orElseThrow(() -> CliFailure.failed("there is no machine " + machine + ": ./muster machine list --all shows them"));
                var there = sandboxConsole(found.getCloudId());
                if (there.isPresent()) {
                    show(output, found.getCloudId(), there.get(), null);
                    return;
                }
                var kept = control.call(() -> control.machines().getConsole(GetConsoleRequest.newBuilder().setMachineId(found.getMachineId()).build()));
                show(output, found.getCloudId(), (kept.getTruncated() ? "[…]\n" : "") + kept.getText(), kept);
            }
        }

        /** The sandbox is the local run's. */
        private Optional<String> sandboxConsole(String cloudId) {
            return common.isLocal() ? common.run().running().flatMap(state -> console(common.run(), state, cloudId)) : Optional.empty();
        }

        /** @param kept null: it is read from the sandbox's cloud */
        private void show(Output output, String cloudId, String text, ConsoleReported kept) {
            if (output.isJson()) {
                var json = Output.JSON.createObjectNode().put("machine", machine).put("cloudId", cloudId).put("text", text);
                if (kept != null) {
                    json.put("capturedAt", Times.instant(kept.getCapturedAt()).toString()).put("truncated", kept.getTruncated());
                }
                output.json(json);
            } else {
                output.line(text.stripTrailing());
            }
        }
    }

    /** What a machine of the sandbox wrote to its console; empty if the cloud has no such machine, or is not the sandbox's. */
    static Optional<String> console(Run run, SuiteState state, String cloudId) {
        try {
            // What one cloud calls a machine looks like nothing that another does.
            var cloud = cloudId.startsWith("i-") ? "/ec2" : cloudId.matches("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}") ? "/k8s" : "/gce";
            var isThere = !(cloud.equals("/ec2") ? state.ec2() : cloud.equals("/k8s") ? state.k8s() : state.gce()).isEmpty();
            return isThere && !cloudId.isEmpty() ? Optional.of(run.get(state, cloud + "/instances/" + cloudId + "/console")) : Optional.empty();
        } catch (IOException unknown) {
            return Optional.empty();
        }
    }

    /** What is kept of the console of a machine that is gone; empty if nothing is, or it is still there. */
    static Optional<String> kept(Control control, MachineRecord machine) {
        try {
            return Optional.of(control.machines().getConsole(GetConsoleRequest.newBuilder().setMachineId(machine.getMachineId()).build()).getText());
        } catch (StatusRuntimeException none) {
            return Optional.empty();
        }
    }

    static final List<String> HEAD = List.of("MACHINE", "FLEET", "POOL", "PHASE", "TYPE", "ZONE", "CLOUD ID", "TASKS", "AGE", "COST");

    static List<String> row(MachineRecord machine) {
        return List.of(machine.getMachineId(), machine.getFleet(), machine.getPool(), phase(machine), machine.getOffer().getMachineType(),
                machine.getOffer().getZone(), machine.getCloudId(), String.join(",", machine.getTasksList()), age(machine),
                machine.hasCommittedMicrosPerHour() ? Money.perHour(machine.getCommittedMicrosPerHour(), "") : "-");
    }

    /** A ready machine is idle or busy. One that another hand launched is told apart: nothing on it obeys a mark. So is one that its cloud finds broken. */
    static String phase(MachineRecord machine) {
        return (machine.getAdopted() ? "adopted, " : "") + (machine.getCounted() && machine.hasImpairedSince() ? "impaired, " : "") + ownPhase(machine);
    }

    private static String ownPhase(MachineRecord machine) {
        if (machine.getPhase() == Phase.READY) {
            return machine.getTasksCount() > 0 ? "busy" : "idle";
        }
        // Its cloud's word says most of one that has not come up.
        var why = machine.getCause().isEmpty() && machine.getCounted() ? machine.getReason() : machine.getCause();
        return FleetCommand.word(machine.getPhase()) + (why.isEmpty() ? "" : " (" + why + ")");
    }

    private static String age(MachineRecord machine) {
        if (!machine.hasRequestedAt()) {
            return "-";
        }
        Timestamp until = machine.getEndedAt();
        return Times.span(Duration.between(Times.instant(machine.getRequestedAt()), machine.hasEndedAt() ? Times.instant(until) : Instant.now()));
    }

    /** The answer may be the record of a moment before: what was accepted is said, not what it shows. */
    private static void said(MachineRecord machine, String what, Output output) {
        if (output.isJson()) {
            output.resource(machine);
        } else {
            output.line("machine " + machine.getMachineId() + " " + what);
        }
    }

    private static void show(MachineRecord machine, Output output) {
        if (output.isJson()) {
            output.resource(machine);
        } else {
            output.line("machine " + machine.getMachineId() + " is " + phase(machine));
        }
    }
}
