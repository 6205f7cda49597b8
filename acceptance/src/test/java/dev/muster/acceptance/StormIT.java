package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * The unmodified clearml-agent on machines that are processes, while machines are drained, drains are taken back, machines lose their
 * power and others' agents serve the same queue, all from a seed. What became of each task and machine is what ClearML's and EC2's own
 * ends say; the test prints the figures that it judges.
 */
@Tag("long")
class StormIT {

    private static final long SEED = Long.getLong("muster.storm.seed", 1);
    private static final int TASKS = Integer.getInteger("muster.storm.tasks", 500);
    private static final int KILLS = Integer.getInteger("muster.storm.kills", 60);
    private static final int DRAINS = Integer.getInteger("muster.storm.drains", 300);
    private static final int MACHINES = Integer.getInteger("muster.storm.machines", 5);
    private static final int SPEED = 10;

    /** A guard reads its mark once a second. */
    private static final Duration READING = Duration.ofSeconds(1);
    /** What a request that was on its way when the mark was read may take to become a task in progress, on a computer that is busy. */
    private static final Duration ON_ITS_WAY = Duration.ofSeconds(2);
    /** A launch follows from a look: looks are a second apart, and what follows takes a part of another. */
    private static final Duration LOOK = Duration.ofSeconds(3);
    private static final Duration BACK_IN_QUEUE = Duration.ofSeconds(10);
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    /** What a storm that failed left is for people to look at. */
    @TempDir(cleanup = CleanupMode.ON_SUCCESS)
    Path folder;

    private final Random random = new Random(SEED);
    private Path agent;
    private Storm storm;

    @BeforeEach
    void findAgent() {
        agent = Shell.SOURCES.resolve(".muster/parts/python/bin/clearml-agent");
        if (!Files.isExecutable(agent)) {
            System.out.println("Skipped: a storm with real agents; " + agent + " is missing, run .ci/parts");
        }
        assumeTrue(Files.isExecutable(agent));
    }

    @AfterEach
    void down() throws Exception {
        if (storm != null) {
            storm.close();
            assertThat(storm.shell.processesLeft()).isEmpty();
        }
    }

    @Test
    void eachTaskEndsOnceWhateverBecomesOfItsMachine() throws Exception {
        storm = new Storm(folder, SPEED, "max: " + MACHINES + "\nidle: 8s\n");
        var desks = List.of(desk("desk-1"), desk("desk-2"));
        Await.within(PATIENCE, "both desks are listed", () -> storm.workers().containsAll(desks));
        var spared = new ArrayList<Span>();
        var began = Instant.now();
        storm.in(Duration.ZERO, () -> strikeAfter(1));
        while (storm.enqueued() < TASKS) {
            if (random.nextInt(3) == 0) {
                storm.goOnUntil(PATIENCE, this::isQuiet);
                do {
                    // Nobody is there but the desks, and what they can take is no reason to launch.
                    var from = Instant.now();
                    storm.enqueue(Math.min(TASKS - storm.enqueued(), 1 + random.nextInt(desks.size())), 1);
                    storm.goOnUntil(PATIENCE, this::isQuiet);
                    spared.add(new Span(from, Instant.now()));
                } while (storm.enqueued() < TASKS && random.nextBoolean());
            } else {
                storm.enqueue(Math.min(TASKS - storm.enqueued(), 15 + random.nextInt(35)), 1 + random.nextInt(3));
                int low = random.nextInt(10);
                storm.goOnUntil(PATIENCE, statuses -> statuses.path("queued").asInt() <= low);
            }
        }
        storm.goOnUntil(PATIENCE, this::isQuiet);
        var took = Duration.between(began, Instant.now());

        var books = StormBooks.read(storm.standIns);
        System.out.printf("storm, seed %d: %d tasks in %d s, on %d machines, at most %d at once, and on %d desks%n",
                SEED, books.tasks.size(), took.toSeconds(), books.machines.size(), MACHINES, desks.size());
        assertThat(books.tasks).hasSize(TASKS);
        assertThat(Stream.of(tasks(books), drains(books), rescues(books), launches(books, desks, spared)).flatMap(List::stream)).isEmpty();
    }

    @Test
    void aDrainedMachineEndsItsTaskAndTakesNoOther() throws Exception {
        storm = new Storm(folder, SPEED, "min: " + MACHINES + "\nmax: " + MACHINES + "\n");
        var began = Instant.now();
        var planned = new HashSet<String>();

        drainEach(planned, DRAINS / 2, true);
        storm.goOnUntil(PATIENCE, statuses -> {
            if (statuses.path("queued").asInt() < 20) {
                storm.enqueue(40, 1 + random.nextInt(3));
            }
            return planned.size() >= DRAINS / 2;
        });
        storm.goOnUntil(PATIENCE, statuses -> statuses.path("completed").asInt() == storm.enqueued());
        drainEach(planned, DRAINS, false);
        // Nothing ends but machines.
        storm.goOnUntil(Duration.ofMinutes(30), statuses -> planned.size() >= DRAINS && storm.untouched().size() == MACHINES);
        var took = Duration.between(began, Instant.now());

        var books = StormBooks.read(storm.standIns);
        System.out.printf("drains, seed %d: %d tasks in %d s, on %d machines, at most %d at once%n",
                SEED, books.tasks.size(), took.toSeconds(), books.machines.size(), MACHINES);
        assertThat(books.drained()).hasSizeGreaterThanOrEqualTo(DRAINS);
        assertThat(Stream.of(tasks(books), drains(books)).flatMap(List::stream)).isEmpty();
    }

    // What is done.

    private String desk(String name) throws Exception {
        return new DeskAgent(agent, folder, name, Storm.QUEUE, storm.clearml, storm.secrets).worker;
    }

    private boolean isQuiet(JsonNode statuses) throws Exception {
        return statuses.path("completed").asInt() == storm.enqueued() && storm.live() == 0;
    }

    /** Something happens to a machine when so many tasks have ended: on a slow computer machines need longer to come up, and get it. */
    private void strikeAfter(int completed) throws Exception {
        int now = storm.statuses().path("completed").asInt();
        // Most while they work; what boots or idles is struck, too.
        var machines = random.nextInt(5) > 0 ? storm.untouchedAtWork() : storm.untouched();
        if (now < completed || machines.isEmpty()) {
            storm.in(Duration.ofMillis(500), () -> strikeAfter(completed));
            return;
        }
        strike(machines.get(random.nextInt(machines.size())));
        storm.in(Duration.ofMillis(random.nextInt(2000)), () -> strikeAfter(now + random.nextInt(5)));
    }

    private void strike(StormBooks.Machine machine) throws Exception {
        int what = random.nextInt(100);
        var wait = Duration.ofMillis(200 + random.nextInt(4000));
        if (what < 35 && storm.killed.size() < KILLS) {
            storm.cutPower(machine);
            storm.in(wait, () -> storm.loseIt(machine));
        } else {
            storm.drain(machine);
            if (what >= 75) {
                storm.in(wait, () -> storm.workOn(machine));
            }
        }
    }

    /** Drains each machine that came up, or that has begun to work, after a while of its own, until so many were. */
    private void drainEach(Set<String> planned, int most, boolean atWork) throws Exception {
        for (var machine : atWork ? storm.untouchedAtWork() : storm.untouched()) {
            if (planned.size() < most && planned.add(machine.id())) {
                storm.in(Duration.ofMillis(random.nextInt(5000)), () -> storm.drain(machine));
            }
        }
        if (planned.size() < most) {
            storm.in(Duration.ofMillis(500), () -> drainEach(planned, most, atWork));
        }
    }

    // What became of it. Each prints its figures, and answers what is not as it must be.

    private record Span(Instant from, Instant until) {

        boolean holds(Instant moment) {
            return !from.isAfter(moment) && until.isAfter(moment);
        }
    }

    /** Each is completed, and began again only where its machine had lost its power and the cloud had said so. */
    private List<String> tasks(StormBooks books) {
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
                var machine = machine(books, run);
                if (machine.isEmpty()) {
                    twice++;
                    faults.add("began again, and its machine had its power: " + task);
                } else if (!storm.killed.containsKey(machine.get().id())) {
                    byDrain += machine.get().lastDrain().isPresent() ? 1 : 0;
                    twice += machine.get().lastDrain().isPresent() ? 0 : 1;
                    faults.add("ended with its machine, whose power nobody cut: " + task + " " + machine.get());
                } else if (machine.get().ended() == null || runs.get(i + 1).popped().isBefore(machine.get().ended())) {
                    twice++;
                    faults.add("began again before its machine was gone: " + task + " " + machine.get());
                }
            }
        }
        System.out.printf("  tasks: %d completed, %d of them started once, %d again after their machine lost its power; lost %d, killed by a drain %d, run twice %d%n",
                books.tasks.stream().filter(task -> task.status().equals("completed")).count(), once, books.tasks.size() - once - lost, lost, byDrain, twice);
        return faults;
    }

    /** Where it ran: a machine of ours, or one that lost its power before its agent could report the task. */
    private Optional<StormBooks.Machine> machine(StormBooks books, StormBooks.Run run) {
        if (!run.worker().isEmpty()) {
            return books.machines.stream().filter(run::isOn).findFirst();
        }
        return books.machines.stream().filter(machine -> storm.killed.containsKey(machine.id()))
                .filter(machine -> new Span(run.popped(), run.popped().plus(ON_ITS_WAY)).holds(storm.killed.get(machine.id()))).findFirst();
    }

    /** From the mark on, and the second in which it is read, nothing begins on a machine. */
    private List<String> drains(StormBooks books) {
        var faults = new ArrayList<String>();
        var drained = books.drained();
        var read = new ArrayList<Duration>();
        var late = new ArrayList<Duration>();
        int busy = 0;
        int full = 0;
        int overtaken = 0;
        for (var machine : drained) {
            var mark = machine.lastDrain().get();
            var runs = books.runsOn(machine);
            busy += runs.stream().anyMatch(run -> run.holds(mark.at())) ? 1 : 0;
            full += books.waiting(mark.at().plus(READING)) > 0 ? 1 : 0;
            if (mark.read() != null) {
                read.add(Duration.between(mark.at(), mark.read()));
            }
            for (var run : runs) {
                if (run.popped().isAfter(mark.at())) {
                    late.add(Duration.between(mark.at(), run.started()));
                    overtaken += run.started().isAfter(mark.at().plus(READING)) ? 1 : 0;
                    if (mark.read() == null || run.started().isAfter(later(mark.read(), mark.at().plus(READING)).plus(ON_ITS_WAY))) {
                        faults.add("began under a mark: " + run + " " + machine);
                    }
                }
            }
        }
        var forgiven = books.machines.stream().filter(machine -> machine.marks().stream().anyMatch(mark -> !mark.word().equals("none"))
                && machine.marks().stream().anyMatch(mark -> mark.word().equals("none"))).toList();
        var works = forgiven.stream().filter(machine -> machine.marks().stream().filter(mark -> mark.word().equals("none")).findFirst()
                .filter(none -> books.runsOn(machine).stream().anyMatch(run -> run.popped().isAfter(none.at()))).isPresent()).count();
        var ended = books.machines.stream().filter(machine -> machine.endReason().equals("Client.UserInitiatedShutdown") && !storm.killed.containsKey(machine.id())).count();
        System.out.printf("  drains: %d machines ended themselves under a mark, %d of them busy when it came, %d while tasks waited; %d drains taken back, %d machines worked on after;"
                + " ended by Muster %d%n", drained.size(), busy, full, forgiven.size(), works, ended);
        System.out.printf("  drains: mark to its reading %s; taken after the mark %d tasks, in progress after it %s; more than %d s after it %d%n",
                spread(read), late.size(), spread(late), READING.toSeconds(), overtaken);
        return faults;
    }

    private static Instant later(Instant one, Instant other) {
        return one.isAfter(other) ? one : other;
    }

    /** From the moment at which the cloud shows a machine as gone, its task is soon in its queue. */
    private List<String> rescues(StormBooks books) {
        var faults = new ArrayList<String>();
        var waits = new ArrayList<Duration>();
        int unreported = 0;
        for (var run : books.runs()) {
            var machine = machine(books, run).filter(one -> storm.killed.containsKey(one.id()));
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
        System.out.printf("  rescues: %d machines lost their power, %d of them with a task; loss shown by the cloud to the task in its queue %s%n", storm.killed.size(),
                waits.size() + unreported, spread(waits));
        System.out.printf("  rescues: power lost between a task's pop and its first report %d; pops that came to nothing and were put back %d%n", unreported, untaken);
        if (!waits.isEmpty() && percentile(waits, 99).compareTo(BACK_IN_QUEUE) > 0) {
            faults.add("a task was back in its queue only after " + percentile(waits, 99));
        }
        return faults;
    }

    /**
     * No launch for a task that an idle desk can take. At some moment of the look that it can follow from there were waiting tasks for each
     * machine that it launched, beyond one for each idle desk and one for each machine of ours that was idle, booting or asked for before.
     */
    private List<String> launches(StormBooks books, List<String> desks, List<Span> spared) {
        var faults = new ArrayList<String>();
        int whileIdle = 0;
        for (var launch : books.launches) {
            var moments = books.moments(launch.at().minus(LOOK), launch.at());
            int idle = idle(books, desks, launch.at());
            whileIdle += idle > 0 ? 1 : 0;
            int most = moments.stream().mapToInt(moment -> books.waiting(moment) - idle(books, desks, moment) - books.free(moment, launch, storm.killed, storm.asked)).max().orElseThrow();
            if (most < launch.machines().size()) {
                faults.add("launched " + launch + ", and at most " + most + " tasks needed one; waiting, idle desks, free: " + moments.stream().map(moment ->
                        moment + " " + books.waiting(moment) + " " + idle(books, desks, moment) + " " + books.free(moment, launch, storm.killed, storm.asked)).toList());
            }
            if (spared.stream().anyMatch(span -> span.holds(launch.at()))) {
                faults.add("launched " + launch + " for what idle desks could take");
            }
        }
        int byDesks = (int) books.runs().stream().filter(run -> desks.contains(run.worker())).count();
        System.out.printf("  launches: %d of %d machines, %d of them at a moment at which a desk was idle, and tasks for more waited; for what an idle desk could take %d%n",
                books.launches.size(), books.machines.size(), whileIdle, faults.size());
        System.out.printf("  launches: desks did %d tasks; %d times only as many tasks came as desks were idle%n", byDesks, spared.size());
        return faults;
    }

    private static int idle(StormBooks books, List<String> desks, Instant moment) {
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
