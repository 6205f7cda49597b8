package dev.muster.cli;

import dev.muster.v1.NotificationOutcome;
import dev.muster.v1.TestNotificationsRequest;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code muster notify …}. */
@Command(name = "notify", mixinStandardHelpOptions = true, description = "Who is told of what needs a person.", subcommands = NotifyCommand.Test.class)
final class NotifyCommand {

    @Command(name = "test", mixinStandardHelpOptions = true, sortOptions = false,
            description = "Sends a test to each webhook of a fleet's notifications, and says what they answered. Exit code 1 if one did not take it.",
            footer = "./muster notify test demo")
    static final class Test implements java.util.concurrent.Callable<Integer> {

        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "FLEET")
        String fleet;

        @Override
        public Integer call() {
            var output = common.output();
            try (var control = common.control()) {
                var answer = control.call(() -> control.installation().testNotifications(TestNotificationsRequest.newBuilder().setFleet(fleet).build()));
                if (output.isJson()) {
                    output.resource(answer);
                } else {
                    output.table(List.of("WEBHOOK", "ANSWER"), answer.getOutcomesList().stream()
                            .map(outcome -> List.of(outcome.getSecret(), outcome.getOk() ? "ok" : outcome.getDetail())).toList());
                }
                return answer.getOutcomesList().stream().allMatch(NotificationOutcome::getOk) ? 0 : CliFailure.FAILED;
            }
        }
    }
}
