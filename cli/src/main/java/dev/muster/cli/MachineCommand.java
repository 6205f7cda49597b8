package dev.muster.cli;

import com.google.protobuf.Timestamp;
import dev.muster.sandbox.suite.SuiteState;
import dev.muster.v1.ConsoleReported;
import dev.muster.v1.GetConsoleRequest;
import dev.muster.v1.GetMachineRequest;
import dev.muster.v1.ListMachinesRequest;
import dev.muster.v1.ListMachinesResponse;
import dev.muster.v1.MachineNameRequest;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.Phase;
import dev.muster.v1.TerminateMachineRequest;
import dev.muster.v1.WatchMachinesRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code muster machine …}. */
@Command(name = "machine", mixinStandardHelpOptions = true, description = "Machines on the books.",
        subcommands = {MachineCommand.List_.class, MachineCommand.Get.class, MachineCommand.Watch.class, MachineCommand.Life.class, MachineCommand.Drain.class,
            MachineCommand.CancelDrain.class, MachineCommand.Terminate.class, MachineCommand.Protect.class, MachineCommand.Unprotect.class, MachineCommand.Logs.class})
final class MachineCommand {

    /** Which machines are meant. */
    static final class Filter {
        @Option(names = "--fleet", paramLabel = "FLEET", description = "Only of this fleet.")
        String fleet = "";

        @Option(names = "--pool", paramLabel = "POOL", description = "Only of pools of this name.")
        String pool = "";

        @Option(names = "--phase", paramLabel = "PHASE", split = ",", description = "Only in these phases, ended ones included: any of ${COMPLETION-CANDIDATES}, with commas between.")
        List<PhaseWord> phases = List.of();

        @Option(names = "--busy", negatable = true, description = "Only those that run a task; --no-busy: only those that run none.")
        Boolean busy;

        @Option(names = "--type", paramLabel = "TYPE", description = "Only of this machine type, such as g4dn.xlarge.")
        String type = "";

        @Option(names = "--task", paramLabel = "TASK", description = "Only the machine that runs this task, or is made for it.")
        String task = "";

        @Option(names = "--all", description = "Also those that are gone, failed or lost.")
        boolean all;

        ListMachinesRequest request() {
            var request = ListMachinesRequest.newBuilder().setFleet(fleet).setPool(pool).setEndedToo(all).setMachineType(type).setTaskId(task);
            phases.forEach(phase -> request.addPhases(phase.asked()));
            if (busy != null) {
                request.setBusy(busy);
            }
            return request.build();
        }

        /** Of the stream, which knows fewer filters. */
        boolean takes(MachineRecord machine) {
            return (phases.isEmpty() || phases.stream().anyMatch(phase -> phase.asked() == machine.getPhase())) && (busy == null || busy == (machine.getTasksCount() > 0))
                    && (type.isEmpty() || type.equals(machine.getOffer().getMachineType())) && (task.isEmpty() || machine.getTasksList().contains(task) || task.equals(machine.getTask()));
        }

        WatchMachinesRequest watched() {
            return WatchMachinesRequest.newBuilder().setFleet(fleet).setPool(pool).setEndedToo(all || !phases.isEmpty()).build();
        }
    }

    /** As in the contract, without what only programs must know. */
    enum PhaseWord {
        REQUESTED, LAUNCHING, BOOTING, READY, DRAINING, TERMINATING, GONE, FAILED, LOST;

        Phase asked() {
            return Phase.valueOf(name());
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Command(name = "list", mixinStandardHelpOptions = true, sortOptions = false, description = "Machines that are, and with --all those that were.",
            footer = {"./muster machine list", "./muster machine list --fleet demo --pool gpu --no-busy", "./muster machine list --phase booting,draining", "./muster machine list --watch"})
    static final class List_ implements Runnable {
        @Mixin
        CommonOptions common;

        @Mixin
        Filter filter;

        @Option(names = "--watch", description = "Go on showing each change, until interrupted.")
        boolean watch;

        @Override
        public void run() {
            var output = common.output();
            try (var control = common.control()) {
                if (watch) {
                    MachineCommand.watch(control, filter, "", output);
                    return;
                }
                var machines = control.allMachines(filter.request());
                if (output.isJson()) {
                    output.resource(ListMachinesResponse.newBuilder().addAllMachines(machines).build());
                } else {
                    lines(machines).forEach(output::line);
                }
            }
        }
    }

    @Command(name = "watch", mixinStandardHelpOptions = true, sortOptions = false, description = "A line for each change of a machine, or of all, until interrupted.",
            footer = {"./muster machine watch mabcdefgh-1", "./muster machine watch --fleet demo --json"})
    static final class Watch implements Runnable {
        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "MACHINE", arity = "0..1", description = "Default: all.")
        String machine = "";

        @Mixin
        Filter filter;

        @Override
        public void run() {
            var output = common.output();
            try (var control = common.control()) {
                if (!machine.isEmpty()) {
                    // One that nobody knows is said at once, and not waited for.
                    control.call(() -> control.machines().getMachine(GetMachineRequest.newBuilder().setMachineId(machine).build()));
                    filter.all = true;
                }
                MachineCommand.watch(control, filter, machine, new Output(System.out, output.format(), false));
            }
        }
    }

    /** @param only id of one machine; empty: all */
    private static void watch(Control control, Filter filter, String only, Output output) {
        var book = new MachineBook();
        control.followMachines(filter.watched(), book::opened, change -> {
            book.take(change);
            var isMeant = !change.hasMachine() || filter.takes(change.getMachine()) && (only.isEmpty() || only.equals(change.getMachine().getMachineId()));
            if (output.isTerminal()) {
                if (book.isSynced()) {
                    output.redraw(lines(book.all().stream().filter(filter::takes).filter(machine -> filter.all || !filter.phases.isEmpty() || isThere(machine)).toList()));
                }
            } else if (output.isJson() && isMeant) {
                output.resourceLine(change);
            } else if (change.hasMachine() && isMeant) {
                output.line(String.join("  ", row(change.getMachine())));
            }
            WatchOption.endIfClosed(output);
        });
    }

    private static boolean isThere(MachineRecord machine) {
        return switch (machine.getPhase()) {
            case GONE, FAILED, LOST -> false;
            case REQUESTED, LAUNCHING, BOOTING, READY, DRAINING, TERMINATING, PHASE_UNSPECIFIED, UNRECOGNIZED -> true;
        };
    }

    static List<String> lines(List<MachineRecord> machines) {
        return machines.isEmpty() ? List.of("no machines") : Output.format(HEAD, machines.stream().map(MachineCommand::row).toList());
    }

    @Command(name = "get", mixinStandardHelpOptions = true, sortOptions = false, description = "One machine: what it is, where it is, and since when.",
            footer = {"./muster machine get mabcdefgh-1", "./muster machine get mabcdefgh-1 --json"})
    static final class Get implements Runnable {
        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "MACHINE")
        String machine;

        @Override
        public void run() {
            var output = common.output();
            try (var control = common.control()) {
                var found = control.call(() -> control.machines().getMachine(GetMachineRequest.newBuilder().setMachineId(machine).build()));
                if (output.isJson()) {
                    output.resource(found);
                } else {
                    MachineLifeLines.of(found).forEach(output::line);
                }
            }
        }
    }

    @Command(name = "life", mixinStandardHelpOptions = true, sortOptions = false, description = "What a machine went through, and the tasks that it ran.",
            footer = {"./muster machine life mabcdefgh-1", "./muster machine life mabcdefgh-1 --yaml"})
    static final class Life implements Runnable {
        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "MACHINE")
        String machine;

        @Override
        public void run() {
            var output = common.output();
            try (var control = common.control()) {
                var life = control.call(() -> control.machines().getMachineLife(GetMachineRequest.newBuilder().setMachineId(machine).build()));
                if (output.isJson()) {
                    output.resource(life);
                } else {
                    MachineLifeLines.of(life).forEach(output::line);
                }
            }
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

    @Command(name = "drain", mixinStandardHelpOptions = true, sortOptions = false, description = "Lets a machine finish its task, take no other, and go.",
            footer = "./muster machine drain mabcdefgh-1")
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

    @Command(name = "cancel-drain", mixinStandardHelpOptions = true, sortOptions = false, description = "Lets a draining machine work on, if it can still be taken back.",
            footer = "./muster machine cancel-drain mabcdefgh-1")
    static final class CancelDrain extends OneMachine {
        @Override
        MachineRecord ask(Control control, MachineNameRequest request) {
            return control.machines().cancelMachineDrain(request);
        }

        @Override
        void tell(MachineRecord answer, Output output) {
            said(answer, "works on", output);
        }
    }

    @Command(name = "terminate", mixinStandardHelpOptions = true, sortOptions = false, description = "Ends a machine; a busy one only with --busy.",
            footer = {"./muster machine terminate mabcdefgh-1", "./muster machine terminate mabcdefgh-1 --busy"})
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

    @Command(name = "protect", mixinStandardHelpOptions = true, sortOptions = false, description = "Neither idleness nor age lets a machine go from now on; a budget does.",
            footer = "./muster machine protect mabcdefgh-1")
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

    @Command(name = "unprotect", mixinStandardHelpOptions = true, sortOptions = false, description = "Ends a machine's protection.",
            footer = "./muster machine unprotect mabcdefgh-1")
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

    @Command(name = "logs", mixinStandardHelpOptions = true, sortOptions = false, description = "What a machine has written to its console: read from its cloud now, or kept for 14 days after its end.",
            footer = {"./muster machine logs mabcdefgh-1", "./muster machine logs i-0abc1234def567890"})
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
                var found = find(control);
                var there = sandboxConsole(found.getCloudId());
                if (there.isPresent()) {
                    show(output, found.getCloudId(), there.get(), null);
                    return;
                }
                var kept = control.call(() -> control.patientMachines().getConsole(GetConsoleRequest.newBuilder().setMachineId(found.getMachineId()).build()));
                show(output, found.getCloudId(), (kept.getTruncated() ? "[…]\n" : "") + kept.getText(), kept);
            }
        }

        /** By our name of it, else by its cloud's, which only a look at all of them finds. */
        private MachineRecord find(Control control) {
            try {
                return control.call(() -> control.machines().getMachine(GetMachineRequest.newBuilder().setMachineId(machine).build()));
            } catch (CliFailure none) {
                if (none.grpcCode != Status.Code.NOT_FOUND && none.grpcCode != Status.Code.UNIMPLEMENTED && none.grpcCode != Status.Code.INVALID_ARGUMENT) {
                    throw none;
                }
            }
            return control.allMachines(ListMachinesRequest.newBuilder().setEndedToo(true).build()).stream()
                    .filter(one -> one.getMachineId().equals(machine) || one.getCloudId().equals(machine)).findFirst()
                    .orElseThrow(() -> CliFailure.failed("there is no machine " + machine + ": ./muster machine list --all shows them"));
        }

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

    /** The console of a machine that is there, or what is kept of one that is gone; empty if its cloud shows none, or nothing is. */
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
