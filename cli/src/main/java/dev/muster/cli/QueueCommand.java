package dev.muster.cli;

import dev.muster.v1.ListQueuesRequest;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code muster queue …}. */
@Command(name = "queue", mixinStandardHelpOptions = true, description = "Queues as last seen.", subcommands = QueueCommand.List_.class)
final class QueueCommand {

    @Command(name = "list", mixinStandardHelpOptions = true, sortOptions = false, description = "What waits, who works, and what is wrong.")
    static final class List_ implements Runnable {
        @Mixin
        CommonOptions common;

        @Option(names = "--fleet", paramLabel = "FLEET")
        String fleet = "";

        @Override
        public void run() {
            var output = common.output();
            try (var control = common.control()) {
                var answer = control.call(() -> control.queues().listQueues(ListQueuesRequest.newBuilder().setFleet(fleet).build()));
                if (output.isJson()) {
                    output.resource(answer);
                    return;
                }
                output.table(List.of("QUEUE", "FLEET", "WAITING", "OLDEST", "OUR WORKERS", "OTHERS", "POOLS", "SEEN", "PROBLEM"),
                        answer.getQueuesList().stream().map(queue -> List.of(queue.getName(), queue.getFleet(), Integer.toString(queue.getWaiting()),
                                queue.hasOldestWait() ? Times.span(queue.getOldestWait()) : "-", Integer.toString(queue.getOurWorkers()),
                                Integer.toString(queue.getOtherWorkers()), String.join(",", queue.getPoolsList()),
                                queue.hasAge() ? Times.span(queue.getAge()) + " ago" : "never", queue.getProblem())).toList());
            }
        }
    }
}
