package dev.muster.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.muster.sandbox.suite.SuiteState;
import dev.muster.v1.FleetView;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code muster status}. */
@Command(name = "status", mixinStandardHelpOptions = true, sortOptions = false,
        description = "How the local run is: its processes, and the fleets at a glance.")
final class StatusCommand implements Runnable {

    @Mixin
    CommonOptions common;

    @Override
    public void run() {
        var output = common.output();
        var state = common.run().current();
        if (output.isJson()) {
            output.json(json(state));
            return;
        }
        output.line((state.ready() ? "ready" : "not ready: " + (state.failed().isEmpty() ? state.doing() : state.failed()))
                + (state.sandbox() ? ", sandbox at speed " + plain(state.speed()) : ", installation " + state.installation()));
        output.line("control API " + state.control() + ", Kafka " + state.kafka() + ", ClearML " + state.clearml()
                + (state.ec2().isEmpty() ? "" : ", EC2 " + state.ec2()) + (state.gce().isEmpty() ? "" : ", Compute Engine " + state.gce())
                + (state.k8s().isEmpty() ? "" : ", Kubernetes " + state.k8s() + " (" + state.kubeconfig() + ")") + ", admin " + state.admin());
        output.line("");
        output.table(List.of("PROCESS", "PID", "STATE", "RESTARTS", "MEMORY", "LOG"), state.processes().stream().map(one -> List.of(
                one.name(), Long.toString(one.pid()), one.ready() ? "ready" : one.problem(), Integer.toString(one.restarts()),
                one.rssMib() == 0 ? "-" : one.rssMib() + " MiB", one.log())).toList());
        if (state.ready()) {
            try (var control = Control.connect(state.control())) {
                fleets(control.allFleets(), output);
            }
        }
    }

    private static void fleets(List<FleetView> fleets, Output output) {
        output.line("");
        if (fleets.isEmpty()) {
            output.line("no fleets yet: ./muster fleet apply -f FILE");
        } else {
            FleetCommand.table(fleets, output);
        }
    }

    static String plain(double speed) {
        return speed == Math.rint(speed) ? Long.toString((long) speed) : Double.toString(speed);
    }

    static ObjectNode json(SuiteState state) {
        return Output.JSON.valueToTree(state);
    }
}
