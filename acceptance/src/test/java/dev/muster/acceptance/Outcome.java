package dev.muster.acceptance;

import dev.muster.sandbox.TimeScale;
import dev.muster.sandbox.clearml.Books.TaskBook;
import dev.muster.sandbox.ec2.Books.Entry;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * What came of a storm, by ClearML's and EC2's own books. Times are the machines'.
 *
 * @param killed tasks that ran on a machine when it was ended, and not by the storm
 * @param lost tasks that are not completed
 * @param again tasks that were begun again because the storm had ended their machine
 * @param twice tasks that were begun again though it had not
 * @param waits from the enqueueing to the first begin, in ascending order; tasks that never began are not among them
 * @param hit machines that the storm ended
 * @param most machines at once
 * @param machineTime of all machines, from running to the begin of their end
 * @param left machines that exist
 * @param dead those of them that the storm ended: they have no power, and EC2 shows them as running
 */
record Outcome(int tasks, int completed, int killed, int lost, int again, int twice, List<Duration> waits, int launched, int hit, int most,
        Duration machineTime, BigDecimal dollars, int left, int dead) {

    /**
     * @param enqueued when each task was, by its id
     * @param hit machines that the storm ended, by EC2's id
     */
    static Outcome of(OwnStandIns standIns, TimeScale speed, Map<String, Instant> enqueued, Set<String> hit) {
        var now = Instant.now();
        var tasks = standIns.clearml.books().tasks();
        var machines = standIns.ec2.books().instances(now).stream().collect(Collectors.toMap(Entry::id, Function.identity()));
        var ended = machines.values().stream().filter(machine -> machine.ending() != null && !hit.contains(machine.id())).map(Entry::id)
                .collect(Collectors.toSet());
        var waits = tasks.stream().filter(task -> task.started() != null)
                .map(task -> scaled(Duration.between(enqueued.get(task.id()), task.started()), speed)).sorted().toList();
        var machineTime = machines.values().stream().filter(machine -> machine.running() != null)
                .map(machine -> Duration.between(machine.running(), machine.ending() == null ? now : machine.ending()))
                .reduce(Duration.ZERO, Duration::plus);
        var dollars = machines.values().stream().map(Entry::dollars).reduce(BigDecimal.ZERO, BigDecimal::add);
        return new Outcome(tasks.size(), count(tasks, Outcome::isCompleted),
                count(tasks, task -> unfinishedOn(task).stream().anyMatch(ended::contains)), count(tasks, task -> !isCompleted(task)),
                count(tasks, task -> task.starts() > 1 && task.starts() - 1 <= excuses(task, hit)),
                count(tasks, task -> task.starts() - 1 > excuses(task, hit)),
                waits, machines.size(), hit.size(), standIns.ec2.books().peak(), scaled(machineTime, speed), dollars, standIns.ec2.books().live(),
                (int) machines.values().stream().filter(machine -> machine.ending() == null && hit.contains(machine.id())).count());
    }

    private static int count(List<TaskBook> tasks, Predicate<TaskBook> which) {
        return (int) tasks.stream().filter(which).count();
    }

    private static Duration scaled(Duration real, TimeScale speed) {
        return Duration.ofNanos(Math.round(real.toNanos() * speed.speed()));
    }

    private static boolean isCompleted(TaskBook task) {
        return task.status().equals("completed");
    }

    /** Machines that had it and left it unfinished: all but the one that completed it. A worker's last part is its machine's id. */
    private static List<String> unfinishedOn(TaskBook task) {
        return task.workers().stream().filter(worker -> !isCompleted(task) || !worker.equals(task.lastWorker()))
                .map(worker -> worker.substring(worker.lastIndexOf(':') + 1)).toList();
    }

    /** How many of its begins ended with a machine that the storm ended. */
    private static long excuses(TaskBook task, Set<String> hit) {
        return unfinishedOn(task).stream().filter(hit::contains).count();
    }

    /** By nearest rank; zero if nothing began. */
    Duration wait(int percent) {
        return waits.isEmpty() ? Duration.ZERO : waits.get(Math.max(0, (int) Math.ceil(waits.size() * percent / 100.0) - 1));
    }

    long begunLaterThan(Duration limit) {
        return waits.stream().filter(wait -> wait.compareTo(limit) > 0).count();
    }
}
