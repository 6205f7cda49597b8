package dev.muster.cli;

import dev.muster.v1.ListQueuesRequest;
import dev.muster.v1.ListQueuesResponse;
import dev.muster.v1.ListWaitingTasksRequest;
import dev.muster.v1.ListWaitingTasksResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code muster queue …}. */
@Command(name = "queue", mixinStandardHelpOptions = true, description = "Queues as last seen.", subcommands = {QueueCommand.List_.class, QueueCommand.Tasks.class})
final class QueueCommand {

    @Command(name = "list", mixinStandardHelpOptions = true, sortOptions = false, description = "What waits, who works, and what is wrong.",
            footer = {"./muster queue list", "./muster queue list --fleet demo --watch"})
    static final class List_ implements Runnable {
        @Mixin
        CommonOptions common;

        @Mixin
        WatchOption watch;

        @Option(names = "--fleet", paramLabel = "FLEET", description = "Only of this fleet.")
        String fleet = "";

        @Override
        public void run() {
            try (var control = common.control()) {
                watch.show(common.output(), () -> control.call(() -> control.queues().listQueues(ListQueuesRequest.newBuilder().setFleet(fleet).build())), QueueCommand::lines);
            }
        }
    }

    private static List<String> lines(ListQueuesResponse queues) {
        return Output.format(List.of("QUEUE", "FLEET", "WAITING", "OLDEST", "OUR WORKERS", "OTHERS", "POOLS", "SEEN", "PROBLEM"),
                queues.getQueuesList().stream().map(queue -> List.of(queue.getName(), queue.getFleet(), Integer.toString(queue.getWaiting()),
                        queue.hasOldestWait() ? Times.span(queue.getOldestWait()) : "-", Integer.toString(queue.getOurWorkers()),
                        Integer.toString(queue.getOtherWorkers()), String.join(",", queue.getPoolsList()),
                        queue.hasAge() ? Times.span(queue.getAge()) + " ago" : "never", queue.getProblem())).toList());
    }

    @Command(name = "tasks", mixinStandardHelpOptions = true, sortOptions = false, description = "Tasks that wait in a queue, in its order; the first 500 are known.",
            footer = {"./muster queue tasks gpu", "./muster queue tasks gpu --fleet demo --last 10"})
    static final class Tasks implements Runnable {
        @Mixin
        CommonOptions common;

        @Mixin
        WatchOption watch;

        @Parameters(paramLabel = "QUEUE")
        String queue;

        @Option(names = "--fleet", paramLabel = "FLEET", description = "Needed only where several fleets name the queue.")
        String fleet;

        @Option(names = "--last", paramLabel = "N", defaultValue = "500", description = "At most this many (default: ${DEFAULT-VALUE}).")
        int last;

        @Override
        public void run() {
            if (last < 1 || last > 500) {
                throw CliFailure.usage("--last is " + last + ": it must be from 1 to 500");
            }
            try (var control = common.control()) {
                var owner = fleet != null ? fleet : Owners.ofQueue(control, queue);
                watch.show(common.output(), () -> read(control, owner), QueueCommand::lines);
            }
        }

        private ListWaitingTasksResponse read(Control control, String owner) {
            var pages = new ArrayList<ListWaitingTasksResponse>();
            var tasks = control.pages(token -> {
                pages.add(control.queues().listWaitingTasks(ListWaitingTasksRequest.newBuilder().setFleet(owner).setQueue(queue).setPageSize(last).setPageToken(token).build()));
                return pages.get(pages.size() - 1);
            }, ListWaitingTasksResponse::getTasksList, ListWaitingTasksResponse::getNextPageToken, last);
            return pages.get(0).toBuilder().clearTasks().addAllTasks(tasks).clearNextPageToken().build();
        }
    }

    private static List<String> lines(ListWaitingTasksResponse answer) {
        var lines = new ArrayList<String>();
        lines.add(answer.getWaiting() + (answer.getWaiting() == 1 ? " task waits" : " tasks wait") + (answer.hasAge() ? ", seen " + Times.span(answer.getAge()) + " ago" : ""));
        if (answer.getTasksCount() > 0) {
            lines.add("");
            lines.addAll(Output.format(List.of("TASK", "PROJECT", "USER", "WAITS", "KIND"), answer.getTasksList().stream().map(task -> List.of(task.getTask(), task.getProject(),
                    task.getUser(), task.hasAdded() ? Times.span(Duration.between(Times.instant(task.getAdded()), Instant.now())) : "-", task.getSignature())).toList()));
        }
        return lines;
    }
}
