package dev.muster.cli;

import dev.muster.sandbox.clearml.SampleTask;
import java.time.Duration;
import java.util.ArrayList;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code muster task …}. */
@Command(name = "task", mixinStandardHelpOptions = true, description = "Sample tasks, to see machines come and go.", subcommands = TaskCommand.Enqueue.class)
final class TaskCommand {

    @Command(name = "enqueue", mixinStandardHelpOptions = true, sortOptions = false,
            description = "Makes real ClearML tasks that run for a while and do nothing, and puts them into a queue.",
            footer = {"./muster task enqueue cpu --count 2", "./muster task enqueue gpu --seconds 60 --create-queue"})
    static final class Enqueue implements Runnable {
        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "QUEUE")
        String queue;

        @Option(names = "--seconds", paramLabel = "N", defaultValue = "30", description = "How long each runs (default: ${DEFAULT-VALUE}).")
        double seconds;

        @Option(names = "--count", paramLabel = "N", defaultValue = "1", description = "How many (default: ${DEFAULT-VALUE}).")
        int count;

        @Option(names = "--connection", paramLabel = "NAME", defaultValue = "default", description = "ClearML server (default: ${DEFAULT-VALUE}).")
        String connection;

        @Option(names = "--create-queue", description = "Make the queue if the server has none of this name; always done in the sandbox.")
        boolean createQueue;

        @Override
        public void run() {
            if (count < 1 || count > 10_000) {
                throw CliFailure.usage("--count is " + count + ": it must be from 1 to 10000");
            }
            if (!(seconds >= 0) || seconds > 31_536_000) {
                throw CliFailure.usage("--seconds is " + seconds + ": it must be from 0 to 31536000");
            }
            var output = common.output();
            var state = common.run().requireRunning();
            var clearml = Installation.of(state).clearml(connection);
            var queueId = createQueue || state.sandbox() ? clearml.queueMade(queue) : clearml.queue(queue).orElseThrow(() -> CliFailure.failed(
                    "ClearML has no queue " + queue + ": make it there, or let --create-queue make it"));
            var tasks = new ArrayList<String>();
            for (var i = 1; i <= count; i++) {
                var id = clearml.create(SampleTask.running("muster sample " + i, Duration.ofMillis(Math.round(seconds * 1000))).createRequest());
                clearml.enqueue(id, queueId);
                tasks.add(id);
            }
            if (output.isJson()) {
                var answer = Output.JSON.createObjectNode().put("queue", queue).put("queueId", queueId);
                var ids = answer.putArray("tasks");
                tasks.forEach(ids::add);
                output.json(answer);
            } else {
                output.line(count + (count == 1 ? " task" : " tasks") + " put into queue " + queue);
            }
        }
    }
}
