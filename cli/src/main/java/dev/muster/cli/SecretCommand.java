package dev.muster.cli;

import dev.muster.v1.ListSecretsRequest;
import dev.muster.v1.ListSecretsResponse;
import dev.muster.v1.SecretView;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code muster secret …}. */
@Command(name = "secret", mixinStandardHelpOptions = true, description = "Secrets by name. What they hold is shown nowhere.", subcommands = SecretCommand.List_.class)
final class SecretCommand {

    @Command(name = "list", mixinStandardHelpOptions = true, sortOptions = false, description = "Which secrets there are, which services have them, and which fleets want them.",
            footer = {"./muster secret list", "./muster secret list --watch"})
    static final class List_ implements Runnable {
        @Mixin
        CommonOptions common;

        @Mixin
        WatchOption watch;

        @Override
        public void run() {
            try (var control = common.control()) {
                watch.show(common.output(), () -> control.call(() -> control.installation().listSecrets(ListSecretsRequest.getDefaultInstance())), SecretCommand::lines);
            }
        }
    }

    private static List<String> lines(ListSecretsResponse secrets) {
        return secrets.getSecretsCount() == 0 ? List.of("no secrets") : Output.format(List.of("SECRET", "STATE", "SERVICES", "FLEETS"), secrets.getSecretsList().stream().map(one -> List.of(
                one.getName(), state(one), String.join(", ", one.getServicesList()), String.join(", ", one.getFleetsList()))).toList());
    }

    private static String state(SecretView secret) {
        return secret.getMissing() ? "missing" : secret.getOnMachines() ? "read on machines" : "there";
    }
}
