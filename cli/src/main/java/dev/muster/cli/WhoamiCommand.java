package dev.muster.cli;

import dev.muster.v1.Caller;
import dev.muster.v1.GetCallerRequest;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code muster whoami}: who the server takes the caller for. */
@Command(name = "whoami", mixinStandardHelpOptions = true, sortOptions = false, description = "Who the server takes you for, and what you may do there.",
        footer = {"./muster whoami", "./muster whoami --context production"})
final class WhoamiCommand implements Runnable {

    @Mixin
    CommonOptions common;

    @Override
    public void run() {
        var output = common.output();
        try (var control = common.control()) {
            var caller = control.call(() -> control.installation().getCaller(GetCallerRequest.getDefaultInstance()));
            if (output.isJson()) {
                output.resource(caller);
            } else {
                show(caller, output);
            }
        }
    }

    private static void show(Caller caller, Output output) {
        output.line(caller.getName() + (caller.hasExpiresAt() ? ", until " + Times.local(caller.getExpiresAt()) : ""));
        if (caller.getGrantsCount() == 0) {
            output.line("may do nothing: ask whoever writes the planner's grants");
        } else {
            output.table(List.of("ROLE", "FLEET"), caller.getGrantsList().stream().map(grant -> List.of(FleetCommand.word(grant.getRole()),
                    grant.getFleet().equals("*") ? "all, and the installation" : grant.getFleet())).toList());
        }
    }
}
