package dev.muster.cli;

import dev.muster.v1.ListMachinesRequest;
import dev.muster.v1.MachineRecord;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code muster down}: ends the local run, and says what goes on costing money without it. */
@Command(name = "down", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Ends the local run. Its state stays for the next up --config; machines that run, run on.",
        footer = "./muster down")
final class DownCommand implements Runnable {

    @Mixin
    CommonOptions common;

    @Override
    public void run() {
        var output = common.output();
        var run = common.run();
        run.killLeftovers();
        var state = run.requireRunning();
        var machines = state.sandbox() ? Optional.of(List.<MachineRecord>of()) : machines(common.local(state));
        run.stop();
        var perHour = machines.map(list -> list.stream().mapToLong(MachineRecord::getCommittedMicrosPerHour).sum()).orElse(0L);
        if (output.isJson()) {
            var answer = Output.JSON.createObjectNode().put("stopped", true);
            answer.put("machinesRunning", machines.map(List::size).orElse(null));
            answer.put("microsPerHour", machines.isPresent() ? perHour : null);
            answer.put("unpriced", machines.map(DownCommand::unpriced).orElse(null));
            output.json(answer);
            return;
        }
        output.line("Muster is down.");
        if (state.sandbox()) {
            output.line("The sandbox's machines ended with it.");
        } else if (machines.isEmpty()) {
            output.line("The control API did not answer: look at the cloud for machines that still run.");
        } else if (machines.get().isEmpty()) {
            output.line("No machine of it runs.");
        } else {
            var unpriced = unpriced(machines.get());
            output.line(machines.get().size() + " machines still run and cost " + Money.perHour(perHour, "")
                    + (unpriced == 0 ? "" : " and the unknown price of " + unpriced)
                    + ": ./muster up --config goes on managing them; ./muster fleet delete before down lets them go.");
        }
    }

    private static int unpriced(List<MachineRecord> machines) {
        return (int) machines.stream().filter(machine -> !machine.hasCommittedMicrosPerHour()).count();
    }

    private static Optional<List<MachineRecord>> machines(Server server) {
        try (var control = Control.connect(server)) {
            return Optional.of(control.allMachines(ListMachinesRequest.getDefaultInstance()).stream().filter(MachineRecord::getCounted).toList());
        } catch (CliFailure silent) {
            return Optional.empty();
        }
    }
}
