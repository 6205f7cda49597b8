package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Budgets of an hour, a day and a month that bind, each over a fleet of its own, in one sandbox; and a task that outlives what its pool
 * reserves for. What was spent is what EC2's own books say, not what Muster says.
 *
 * <p>The stand-ins run 20 times as fast as the clock, and services by the clock: an hour's price is therefore written 20 times as high as
 * EC2's, so that both mean the same money.
 */
@Tag("long")
class BudgetIT {

    private static final int SPEED = 20;
    /** g4dn.xlarge in us-east-1, on demand. */
    private static final BigDecimal EC2_PER_HOUR = new BigDecimal("0.526");
    private static final BigDecimal PER_HOUR = EC2_PER_HOUR.multiply(BigDecimal.valueOf(SPEED));

    private static final Duration PATIENCE = Duration.ofMinutes(4);

    @TempDir
    Path folder;

    private Shell shell;
    private StandIns standIns;

    @BeforeEach
    void up() throws Exception {
        shell = new Shell(folder);
        shell.run("./muster up --speed " + SPEED + " --json").succeeded();
        standIns = StandIns.of(shell);
    }

    @AfterEach
    void down() {
        shell.endAll();
    }

    /** @param reserveFor seconds of the clock */
    private void apply(String name, String budgets, int reserveFor) throws Exception {
        Files.writeString(folder.resolve(name + ".yaml"), """
                name: %1$s
                currency: USD
                budgets: {%2$s}
                queues:
                  %1$s: [gpu]
                pools:
                  gpu: {provider: aws, region: us-east-1, type: g4dn.xlarge, price: %3$s, max: 20, idle: 5s, reserveFor: %4$ds}
                """.formatted(name, budgets, PER_HOUR, reserveFor));
        shell.run("./muster fleet apply -f " + name + ".yaml").succeeded();
    }

    /** @param seconds of the clock that each task runs */
    private void enqueue(String queue, int tasks, int seconds) throws Exception {
        shell.run("./muster task enqueue " + queue + " --count " + tasks + " --seconds " + seconds * SPEED).succeeded();
    }

    @Test
    void noBudgetIsPassedWhileTasksRespectWhatTheirPoolReservesFor() throws Exception {
        var hour = PER_HOUR.multiply(BigDecimal.valueOf(3)).add(new BigDecimal("1"));
        // Four machines' reserves, and less than half of what all tasks cost.
        var whole = new BigDecimal("0.75");
        apply("hourly", "hour: " + hour, 60);
        apply("daily", "day: " + whole, 60);
        apply("monthly", "month: " + whole, 60);
        for (var queue : List.of("hourly", "daily", "monthly")) {
            enqueue(queue, 30, 20);
        }

        var most = 0;
        var end = Instant.now().plus(Duration.ofMinutes(12));
        // Three times in a row: what is refused may be admitted by the plan that follows a machine's end.
        for (int quiet = 0; quiet < 3; quiet = isUsedUp("daily") && isUsedUp("monthly") && live("hourly") == 0 ? quiet + 1 : 0) {
            assertThat(Instant.now()).as("by then no budget has room for another machine").isBefore(end);
            // Looked at often, since a machine too many may be there for seconds only.
            for (int look = 0; look < 20; look++) {
                var live = live("hourly");
                most = Math.max(most, live);
                assertThat(live).as("machines of the hourly fleet, of which three fit").isLessThanOrEqualTo(3);
                TimeUnit.MILLISECONDS.sleep(200);
            }
        }

        assertThat(most).as("the hourly budget binds").isEqualTo(3);
        for (var fleet : List.of("daily", "monthly")) {
            assertThat(live(fleet)).as("machines of %s at the end", fleet).isZero();
            var spent = spent(fleet);
            var why = shell.run("./muster why queue " + fleet).succeeded().out();
            System.out.println(fleet + ": spent " + spent + " of " + whole + " at EC2's end; " + why.lines().filter(line -> line.contains("has spent")).findFirst().orElse(""));
            // A machine counts for a minute at least, as EC2 bills one. Here, where a minute of EC2 is 3 s of the clock, one that did one task of 20 s
            // costs a third of that at EC2's end.
            assertThat(spent).as(fleet).isLessThanOrEqualTo(whole).isGreaterThan(whole.multiply(new BigDecimal("0.2")));
            assertThat(why).contains("this " + (fleet.equals("daily") ? "day" : "month"));
        }
        System.out.println("hourly: at most " + most + " machines at once, spent " + spent("hourly"));
    }

    @Test
    void whatATaskOverrunsIsItsOwnTimeAndIsSaid() throws Exception {
        // One machine fits; its task is marked for after a quarter of the reserve, and runs four times the reserve.
        var budget = new BigDecimal("0.12");
        apply("overrun", "day: " + budget, 30);
        enqueue("overrun", 1, 120);
        Await.within(PATIENCE, "the task runs", () -> live("overrun") == 1 && !tasks("overrun").isEmpty());
        Await.within(PATIENCE, "the overrun is said", () -> shell.run("./muster decision list overrun --json").succeeded().out().contains("OVER_BUDGET"));
        var decisions = shell.run("./muster decision list overrun --json").succeeded().out();
        Await.within(PATIENCE, "the machine is gone", () -> live("overrun") == 0);

        var machines = instances("overrun");
        assertThat(machines).hasSize(1);
        var life = machines.get(0);
        var spent = spent("overrun");
        var seconds = Duration.between(Instant.parse(life.path("running").asText()), Instant.parse(life.path("ending").asText())).toMillis() / 1000.0;
        System.out.printf("overrun: spent %s of %s; the machine ran %.1f s, its task 120 s%n", spent, budget, seconds);
        // All that was spent is that machine's time, and what is beyond the budget is the part in which it was busy and marked.
        assertThat(spent.doubleValue()).isCloseTo(seconds * PER_HOUR.doubleValue() / 3600, org.assertj.core.data.Percentage.withPercentage(1));
        assertThat(spent).isGreaterThan(budget);
        assertThat(decisions).contains(life.path("tags").path("muster-batch").asText());
    }

    /** Tasks wait, no machine is on the books, and still the budget has no room for one. */
    private boolean isUsedUp(String fleet) throws Exception {
        return machines(fleet).isEmpty() && shell.run("./muster why queue " + fleet).succeeded().out().contains("has spent");
    }

    private List<String> tasks(String fleet) throws Exception {
        return machines(fleet).stream().flatMap(machine -> StreamSupport.stream(machine.path("tasks").spliterator(), false)).map(JsonNode::asText).toList();
    }

    private List<JsonNode> machines(String fleet) throws Exception {
        var json = shell.run("./muster machine list --fleet " + fleet + " --json").succeeded().json();
        return StreamSupport.stream(json.path("machines").spliterator(), false).toList();
    }

    private int live(String fleet) throws IOException, InterruptedException {
        return (int) instances(fleet).stream().filter(instance -> !instance.hasNonNull("ending")).count();
    }

    private BigDecimal spent(String fleet) throws IOException, InterruptedException {
        return instances(fleet).stream().map(instance -> instance.path("dollars").decimalValue()).reduce(BigDecimal.ZERO, BigDecimal::add)
                .setScale(6, RoundingMode.HALF_UP);
    }

    private List<JsonNode> instances(String fleet) throws IOException, InterruptedException {
        var all = new ArrayList<JsonNode>();
        standIns.get("/ec2/books").path("instances").forEach(instance -> {
            if (instance.path("tags").path("muster-fleet").asText().equals(fleet)) {
                all.add(instance);
            }
        });
        return all;
    }
}
