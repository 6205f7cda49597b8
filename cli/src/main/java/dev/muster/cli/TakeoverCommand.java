package dev.muster.cli;

import dev.muster.v1.FleetState;
import dev.muster.v1.TakeOverMachinesRequest;
import java.util.List;
import java.util.UUID;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code muster takeover}. */
@Command(name = "takeover", mixinStandardHelpOptions = true, sortOptions = false,
        description = {"Says that a Kafka cluster is no more, whose marks machines of this installation carry: fleets that hold because of them adopt what runs, and go on.",
            "Where another installation of the same name still runs on that Kafka, it would lose its machines to this one: stop it first, or give one of the two another name."},
        footer = {"./muster takeover q1Sh9kTzSLOmUQ7Cj3Wm1A", "./muster takeover q1Sh9kTzSLOmUQ7Cj3Wm1A demo"})
final class TakeoverCommand implements Runnable {

    @Mixin
    CommonOptions common;

    @Parameters(paramLabel = "CLUSTER", index = "0", description = "Its id, as a provisioner that isn't ready names it (muster status), and refusals of reason FOREIGN_MARK.")
    String cluster;

    @Parameters(paramLabel = "FLEET", index = "1..*", arity = "0..*", description = "Default: all.")
    List<String> fleets = List.of();

    @Override
    public void run() {
        var output = common.output();
        try (var control = common.control()) {
            var names = fleets.isEmpty() ? control.allFleets().stream().map(fleet -> fleet.getRecord())
                    .filter(record -> record.getState() != FleetState.DELETED).map(record -> record.getFleet()).toList() : fleets;
            if (names.isEmpty()) {
                throw CliFailure.failed("there is no fleet yet: apply the fleets first, then take over");
            }
            for (var name : names) {
                var request = TakeOverMachinesRequest.newBuilder().setName(name).setCluster(cluster).setRequestId(UUID.randomUUID().toString()).build();
                var record = control.write(() -> control.fleets().takeOverMachines(request));
                if (output.isJson()) {
                    output.resourceLine(record);
                } else {
                    output.line("fleet " + name + " takes over from Kafka cluster " + cluster);
                }
            }
        }
    }
}
