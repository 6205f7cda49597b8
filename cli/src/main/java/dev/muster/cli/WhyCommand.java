package dev.muster.cli;

import dev.muster.v1.ExplainRequest;
import dev.muster.v1.ExplainResponse;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code muster why …}. */
@Command(name = "why", mixinStandardHelpOptions = true, description = "Why a machine is as it is, or why tasks wait.",
        subcommands = {WhyCommand.Machine.class, WhyCommand.Queue.class, WhyCommand.Task.class})
final class WhyCommand {

    @Command(name = "machine", mixinStandardHelpOptions = true, sortOptions = false, description = "Why a machine is as it is.", footer = "./muster why machine mabcdefgh-1")
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

    @Command(name = "queue", mixinStandardHelpOptions = true, sortOptions = false, description = "Why a queue's tasks wait.", footer = "./muster why queue gpu")
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
                var owner = fleet != null ? fleet : Owners.ofQueue(control, queue);
                show(control.call(() -> control.decisions().explain(ExplainRequest.newBuilder().setFleet(owner).setQueue(queue).build())), common.output());
            }
        }
    }

    @Command(name = "task", mixinStandardHelpOptions = true, sortOptions = false, description = "Why a task waits, or where it runs.", footer = "./muster why task 6f2c0d9e4b1a4c0f9a53d2f6f3b0f1aa")
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
