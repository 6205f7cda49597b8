package dev.muster.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.muster.sandbox.suite.SuiteState;
import dev.muster.v1.FleetView;
import dev.muster.v1.GetInstallationRequest;
import dev.muster.v1.NamedState;
import dev.muster.v1.ServiceReported;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code muster status}. */
@Command(name = "status", mixinStandardHelpOptions = true, sortOptions = false,
        description = {"How the local run is: its processes, and the fleets at a glance.", "Of a server that is named: its services, and the fleets."},
        footer = {"./muster status", "./muster status --context production"})
final class StatusCommand implements Runnable {

    @Mixin
    CommonOptions common;

    @Override
    public void run() {
        var output = common.output();
        if (!common.isLocal()) {
            remote(output);
            return;
        }
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
            try (var control = Control.connect(common.local(state))) {
                fleets(control.allFleets(), output);
            }
        }
    }

    /** What a server says of itself and of the services beside it. */
    private void remote(Output output) {
        try (var control = common.control()) {
            var installation = control.call(() -> control.installation().getInstallation(GetInstallationRequest.getDefaultInstance()));
            if (output.isJson()) {
                output.resource(installation);
                return;
            }
            output.line("installation " + installation.getName() + ", release " + installation.getVersion() + ", callers are "
                    + (installation.getAuthenticated() ? "asked who they are" : "not asked who they are"));
            output.line("");
            output.table(List.of("SERVICE", "INSTANCE", "RELEASE", "STATE", "HEARD", "OWNS", "PROBLEMS"), installation.getServicesList().stream().map(StatusCommand::row).toList());
            fleets(control.allFleets(), output);
        }
    }

    private static List<String> row(ServiceReported service) {
        var problems = Stream.of(service.getConnectionsList().stream().map(one -> named("connection", one)), service.getAccountsList().stream().map(one -> named("account", one)),
                service.getSecretsList().stream().map(one -> named("secret", one))).flatMap(one -> one).filter(text -> !text.isEmpty()).collect(Collectors.joining("; "));
        return List.of(service.getService(), service.getInstance(), service.getVersion(), service.getReady() ? "ready" : "not ready: " + service.getNotReadyBecause(),
                service.hasAt() ? Times.span(Duration.between(Times.instant(service.getAt()), Instant.now())) + " ago" : "-", Integer.toString(service.getOwnedCount()), problems);
    }

    private static String named(String kind, NamedState one) {
        return one.getOk() ? "" : kind + " " + one.getName() + (one.getDetail().isEmpty() ? " is missing" : ": " + one.getDetail());
    }

    private static void fleets(List<FleetView> fleets, Output output) {
        output.line("");
        FleetCommand.lines(fleets).forEach(output::line);
    }

    static String plain(double speed) {
        return speed == Math.rint(speed) ? Long.toString((long) speed) : Double.toString(speed);
    }

    static ObjectNode json(SuiteState state) {
        return Output.JSON.valueToTree(state);
    }
}
