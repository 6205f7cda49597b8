package dev.muster.cli;

import dev.muster.v1.ExplainRequest;
import dev.muster.v1.ExplainResponse;
import dev.muster.v1.FleetView;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code muster why …}. */
@Command(name = "why", mixinStandardHelpOptions = true, description = "Why a machine is as it is, or why tasks wait.",
        subcommands = {WhyCommand.Machine.class, WhyCommand.Queue.class, WhyCommand.Task.class})
final class WhyCommand {

    @Command(name = "machine", mixinStandardHelpOptions = true, sortOptions = false, description = "Why a machine is as it is.")
    static final class Machine implements Runnable {
        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "MACHINE")
        String machine;

        @Override
        public void run() {
            try (var control = common.control()) {
                show(control.call(() -> control.decisions().explain(ExplainRequest.newBuilder().setMachineId(machine).build())), common.output());
            }
        }
    }

    @Command(name = "queue", mixinStandardHelpOptions = true, sortOptions = false, description = "Why a queue's tasks wait.")
    static final class Queue implements Runnable {
        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "QUEUE")
        String queue;

        @Option(names = "--fleet", paramLabel = "FLEET", description = "Needed only where several fleets name the queue.")
        String fleet;

        @Override
        public void run() {
            try (var control = common.control()) {
                var owner = fleet != null ? fleet : owner(control);
                show(control.call(() -> control.decisions().explain(ExplainRequest.newBuilder().setFleet(owner).setQueue(queue).build())), common.output());
            }
        }

        private String owner(Control control) {
            var fleets = control.allFleets().stream().map(FleetView::getRecord)
                    .filter(record -> record.getSpec().getQueuesList().stream().anyMatch(one -> one.getName().equals(queue)))
                    .map(record -> record.getFleet()).toList();
            if (fleets.isEmpty()) {
                throw CliFailure.failed("no fleet serves a queue " + queue + ": ./muster queue list shows those that are served");
            }
            if (fleets.size() > 1) {
                throw CliFailure.usage("queue " + queue + " is in the fleets " + String.join(", ", fleets) + ": choose one with --fleet");
            }
            return fleets.get(0);
        }
    }

    @Command(name = "task", mixinStandardHelpOptions = true, sortOptions = false, description = "Why a task waits, or where it runs.")
    static final class Task implements Runnable {
        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "TASK", description = "Id of the ClearML task.")
        String task;

        @Override
        public void run() {
            try (var control = common.control()) {
                show(control.call(() -> control.decisions().explain(ExplainRequest.newBuilder().setTaskId(task).build())), common.output());
            }
        }
    }

    private static void show(ExplainResponse answer, Output output) {
        if (output.isJson()) {
            output.resource(answer);
            return;
        }
        output.line(answer.getSummary());
        answer.getRefusalsList().forEach(refusal -> output.line("! " + refusal.getText()
                + (refusal.getUnblockedBy().isEmpty() ? "" : "; unblocked by " + refusal.getUnblockedBy())));
        if (answer.getDecisionsCount() > 0) {
            output.line("");
            answer.getDecisionsList().forEach(event -> output.line(DecisionCommand.line(event)));
        }
    }
}
