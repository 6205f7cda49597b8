package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
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

    private static final Duration PATIENCE = Duration.ofMinutes(5);

    /** What a storm that failed left is for people to look at. */
    @TempDir(cleanup = CleanupMode.ON_SUCCESS)
    Path folder;

    private final Random random = new Random(SEED);
    private Path agent;
    private Storm storm;

    @BeforeEach
    void findAgent() {
        agent = Parts.python("a storm with real agents").resolveSibling("clearml-agent");
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
        var spared = new ArrayList<StormJudge.Span>();
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
                    spared.add(new StormJudge.Span(from, Instant.now()));
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
        var judge = new StormJudge(books, storm.killed, storm.asked, System.out);
        System.out.printf("storm, seed %d: %d tasks in %d s, on %d machines, at most %d at once, and on %d desks%n",
                SEED, books.tasks.size(), took.toSeconds(), books.machines.size(), MACHINES, desks.size());
        assertThat(books.tasks).hasSize(TASKS);
        assertThat(Stream.of(judge.tasks(), judge.drains(), judge.rescues(), judge.launches(desks, spared)).flatMap(List::stream)).isEmpty();
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
        storm.goOnUntil(Duration.ofMinutes(30), statuses -> storm.drained() >= DRAINS);
        var took = Duration.between(began, Instant.now());

        var books = StormBooks.read(storm.standIns);
        var judge = new StormJudge(books, storm.killed, storm.asked, System.out);
        System.out.printf("drains, seed %d: %d tasks in %d s, on %d machines, at most %d at once%n",
                SEED, books.tasks.size(), took.toSeconds(), books.machines.size(), MACHINES);
        assertThat(books.drained()).hasSizeGreaterThanOrEqualTo(DRAINS);
        assertThat(Stream.of(judge.tasks(), judge.drains()).flatMap(List::stream)).isEmpty();
    }

    // What is done.

    private String desk(String name) throws Exception {
        return new DeskAgent(agent, folder, name, Storm.QUEUE, storm.clearml).worker;
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

    /** Drains each machine after a while from when it began to work, or else from when its agent was there, until so many were. */
    private void drainEach(Set<String> planned, int most, boolean atWork) throws Exception {
        for (var machine : atWork ? storm.untouchedAtWork() : storm.untouchedReady()) {
            if (planned.size() < most && planned.add(machine.id())) {
                storm.in(Duration.ofMillis(random.nextInt(5000)), () -> storm.drain(machine));
            }
        }
        if (planned.size() < most) {
            storm.in(Duration.ofMillis(500), () -> drainEach(planned, most, atWork));
        }
    }
}
