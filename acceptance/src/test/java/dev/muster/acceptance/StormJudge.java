package dev.muster.acceptance;

import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What was promised of a storm, judged by its books. Each question prints its figures, and answers what is not as it must be. */
final class StormJudge {

    /** A guard reads its mark once a second. */
    private static final Duration READING = Duration.ofSeconds(1);
    /** What a request that was on its way when the mark was read may take to become a task in progress, on a computer that is busy. */
    private static final Duration ON_ITS_WAY = Duration.ofSeconds(2);
    /** A launch follows from a look: looks are a second apart, and what follows takes a part of another. */
    private static final Duration LOOK = Duration.ofSeconds(3);
    private static final Duration BACK_IN_QUEUE = Duration.ofSeconds(10);

    private final StormBooks books;
    private final Map<String, Instant> killed;
    private final Map<String, Instant> asked;
    private final PrintStream out;

    /**
     * @param killed machines whose power was cut, by the cloud's id, and when
     * @param asked  machines that were to be drained, and when
     * @param out    gets the figures
     */
    StormJudge(StormBooks books, Map<String, Instant> killed, Map<String, Instant> asked, PrintStream out) {
        this.books = books;
        this.killed = killed;
        this.asked = asked;
        this.out = out;
    }

    record Span(Instant from, Instant until) {

        boolean holds(Instant moment) {
            return !from.isAfter(moment) && until.isAfter(moment);
        }
    }

    /** Each is completed, and began again only where its machine had lost its power and the cloud had said so. */
    List<String> tasks() {
        var faults = new ArrayList<String>();
        int once = 0;
        int lost = 0;
        int twice = 0;
        int byDrain = 0;
        for (var task : books.tasks) {
            var runs = task.runs();
            once += runs.size() == 1 ? 1 : 0;
            if (!task.status().equals("completed") || runs.isEmpty() || !runs.get(runs.size() - 1).end().equals("completed")) {
                lost++;
                faults.add("lost: " + task);
            }
            for (int i = 0; i + 1 < runs.size(); i++) {
                var run = runs.get(i);
                var machine = machine(run);
                if (machine.isEmpty()) {
                    twice++;
                    faults.add("began again, and its machine had its power: " + task);
                } else if (!killed.containsKey(machine.get().id())) {
                    byDrain += machine.get().lastDrain().isPresent() ? 1 : 0;
                    twice += machine.get().lastDrain().isPresent() ? 0 : 1;
                    faults.add("ended with its machine, whose power nobody cut: " + task + " " + machine.get());
                } else if (machine.get().ended() == null || runs.get(i + 1).popped().isBefore(machine.get().ended())) {
                    twice++;
                    faults.add("began again before its machine was gone: " + task + " " + machine.get());
                }
            }
        }
        out.printf("  tasks: %d completed, %d of them started once, %d again after their machine lost its power; lost %d, killed by a drain %d,"
                + " run twice %d%n",
                books.tasks.stream().filter(task -> task.status().equals("completed")).count(), once,
                books.tasks.stream().filter(task -> task.runs().size() > 1).count(), lost, byDrain, twice);
        return faults;
    }

    /** Where it ran: a machine of ours, or one that lost its power before its agent could report the task. */
    private Optional<StormBooks.Machine> machine(StormBooks.Run run) {
        if (!run.worker().isEmpty()) {
            return books.machines.stream().filter(run::isOn).findFirst();
        }
        return books.machines.stream().filter(machine -> killed.containsKey(machine.id()))
                .filter(machine -> new Span(run.popped(), run.popped().plus(ON_ITS_WAY)).holds(killed.get(machine.id()))).findFirst();
    }

    /** From the mark on, and the second in which it is read, nothing begins on a machine until its mark is taken back. */
    List<String> drains() {
        var faults = new ArrayList<String>();
        var late = new ArrayList<Duration>();
        int takenBack = 0;
        int workedOn = 0;
        for (var machine : books.machines) {
            var runs = books.runsOn(machine);
            for (var drain : machine.drains()) {
                for (var run : runs) {
                    if (run.popped().isAfter(drain.at()) && (drain.until() == null || run.started().isBefore(drain.until()))) {
                        late.add(Duration.between(drain.at(), run.started()));
                        if (run.started().isAfter(toBeReadBy(drain).plus(ON_ITS_WAY))) {
                            faults.add("began under a mark: " + run + " " + machine);
                        }
                    }
                }
                takenBack += drain.until() == null ? 0 : 1;
                workedOn += drain.until() != null && runs.stream().anyMatch(run -> run.popped().isAfter(drain.until())) ? 1 : 0;
            }
        }
        var drained = books.drained();
        var marks = drained.stream().map(machine -> machine.lastDrain().orElseThrow()).toList();
        int busy = (int) drained.stream()
                .filter(machine -> books.runsOn(machine).stream().anyMatch(run -> run.holds(machine.lastDrain().orElseThrow().at()))).count();
        int full = (int) marks.stream().filter(mark -> books.waiting(mark.at().plus(READING)) > 0).count();
        int ended = (int) books.machines.stream()
                .filter(machine -> machine.endReason().equals("Client.UserInitiatedShutdown") && !killed.containsKey(machine.id())).count();
        out.printf("  drains: %d machines ended themselves under a mark, %d of them at work when it came, %d while tasks waited;"
                + " ended by Muster without their guard: %d%n",
                drained.size(), busy, full, ended);
        out.printf("  drains: %d taken back; after %d of them the machine took another task%n", takenBack, workedOn);
        out.printf("  drains: from the mark to its reading %s%n",
                spread(marks.stream().filter(mark -> mark.read() != null).map(mark -> Duration.between(mark.at(), mark.read())).toList()));
        out.printf("  drains: tasks taken from the queue after their machine's mark %d; in progress after it %s; more than %d s after it %d%n",
                late.size(), spread(late), READING.toSeconds(), late.stream().filter(after -> after.compareTo(READING) > 0).count());
        return faults;
    }

    /** On a busy computer a mark is read late. One that was taken back within the second is never read. */
    private static Instant toBeReadBy(StormBooks.Drain drain) {
        var due = drain.at().plus(READING);
        return drain.read() == null || drain.read().isBefore(due) ? due : drain.read();
    }

    /** From the moment at which the cloud shows a machine as gone, its task is soon in its queue. */
    List<String> rescues() {
        var faults = new ArrayList<String>();
        var waits = new ArrayList<Duration>();
        int unreported = 0;
        for (var run : books.runs) {
            var machine = machine(run).filter(one -> killed.containsKey(one.id()));
            if (machine.isEmpty() || run.back() == null) {
                continue;
            }
            if (run.worker().isEmpty()) {
                unreported++;
            } else {
                waits.add(Duration.between(machine.get().ended(), run.back()));
                if (run.back().isBefore(machine.get().ended())) {
                    faults.add("put back before its machine was gone: " + run + " " + machine.get());
                }
            }
        }
        int untaken = books.tasks.stream().mapToInt(StormBooks.Task::untaken).sum();
        out.printf("  rescues: %d machines lost their power, %d of them with a task; loss shown by the cloud to the task in its queue %s%n",
                killed.size(), waits.size() + unreported, spread(waits));
        out.printf("  rescues: power lost between a task's pop and its first report %d; pops that came to nothing and were put back %d%n",
                unreported, untaken);
        if (!waits.isEmpty() && percentile(waits, 99).compareTo(BACK_IN_QUEUE) > 0) {
            faults.add("a task was back in its queue only after " + percentile(waits, 99));
        }
        return faults;
    }

    /**
     * No launch for a task that an idle desk can take. At some moment of the look that it can follow from there were waiting tasks for each
     * machine that it launched, beyond one for each idle desk and one for each machine of ours that was idle, booting or asked for before.
     */
    List<String> launches(List<String> desks, List<Span> spared) {
        var faults = new ArrayList<String>();
        int whileIdle = 0;
        for (var launch : books.launches) {
            var moments = books.moments(launch.at().minus(LOOK), launch.at());
            int idle = idle(desks, launch.at());
            whileIdle += idle > 0 ? 1 : 0;
            int most = moments.stream().mapToInt(moment -> needed(desks, launch, moment)).max().orElseThrow();
            if (most < launch.machines().size()) {
                faults.add("launched " + launch + ", and at most " + most + " tasks needed one; waiting, idle desks, free: " + moments.stream().map(moment ->
                        moment + " " + books.waiting(moment) + " " + idle(desks, moment) + " " + books.free(moment, launch, killed, asked)).toList());
            }
            if (spared.stream().anyMatch(span -> span.holds(launch.at()))) {
                faults.add("launched " + launch + " for what idle desks could take");
            }
        }
        int byDesks = (int) books.runs.stream().filter(run -> desks.contains(run.worker())).count();
        out.printf("  launches: %d calls for %d machines, %d calls at a moment at which a desk was idle; for what an idle desk could take %d%n",
                books.launches.size(), books.machines.size(), whileIdle, faults.size());
        out.printf("  launches: desks did %d tasks; %d times only as many tasks came as desks were idle%n", byDesks, spared.size());
        return faults;
    }

    private int needed(List<String> desks, StormBooks.Launch launch, Instant moment) {
        return books.waiting(moment) - idle(desks, moment) - books.free(moment, launch, killed, asked);
    }

    private int idle(List<String> desks, Instant moment) {
        return (int) desks.stream().filter(desk -> !books.isBusy(desk, moment)).count();
    }

    private static String spread(List<Duration> took) {
        return took.isEmpty() ? "(none)" : "p50 " + percentile(took, 50).toMillis() + " ms, p99 " + percentile(took, 99).toMillis() + " ms, most "
                + percentile(took, 100).toMillis() + " ms (" + took.size() + ")";
    }

    private static Duration percentile(List<Duration> took, int percent) {
        var sorted = took.stream().sorted().toList();
        return sorted.get(Math.max(0, (int) Math.ceil(sorted.size() * percent / 100.0) - 1));
    }
}
