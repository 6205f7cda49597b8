package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.sandbox.TimeScale;
import dev.muster.sandbox.clearml.Faults.Fault;
import dev.muster.sandbox.ec2.Books.Entry;
import dev.muster.sandbox.ec2.Ec2Config;
import dev.muster.sandbox.ec2.Faults.ApiFault;
import dev.muster.sandbox.ec2.OfferFilter;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.math.RoundingMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * One storm, weathered twice: by Muster, and by ClearML's own autoscaler, unmodified, from the same file against the same stand-ins. What
 * came of it is what ClearML's and EC2's own books say. Muster's promises are judged; the other's figures are told, and
 * docs/comparison.md has them.
 */
class SideBySideIT {

    private static final TimeScale SPEED = new TimeScale(15);
    /** After the last task was enqueued: for what still waits, and for the ends of machines. */
    private static final Duration SETTLE = Duration.ofMinutes(90);
    private static final Duration LATE = Duration.ofMinutes(10);
    private static final String QUEUE = "work";

    private static final Path PAGE = Shell.SOURCES.resolve("docs/comparison.md");
    private static final String CONDITIONS = "<!-- conditions: made by SideBySideIT, which writes them with -Ddocs.write=true -->\n";
    private static final String FIGURES = "<!-- figures: of a run of SideBySideIT, which writes them with -Ddocs.write=true -->\n";
    private static final String END = "<!-- end -->\n";

    @TempDir
    Path folder;

    private Shell shell;
    private Process loop;

    /** Whoever starts and ends machines; what it gives back ends it. */
    private interface Autoscaler {
        AutoCloseable start(OwnStandIns standIns, Path file) throws Exception;
    }

    @AfterEach
    void end() {
        if (loop != null) {
            loop.destroyForcibly();
        }
        if (shell != null) {
            shell.endAll();
        }
    }

    @Test
    void thePageHasTheConditions() throws IOException {
        written(CONDITIONS, conditions());
        var text = Files.readString(PAGE);
        assertThat(between(text, CONDITIONS)).isEqualTo(conditions());
    }

    @Test
    @Tag("long")
    void noTaskIsKilledLostOrRunTwiceUnderMuster() throws Exception {
        var python = Parts.python("a storm beside ClearML's autoscaler");
        var seed = Long.getLong("storm.seed", 1);
        var forecast = Forecast.of(seed);

        var load = load();
        var muster = play("muster", forecast, this::startMuster);
        var clearml = play("clearml", forecast, (standIns, file) -> startLoop(python, standIns, file));

        var table = "Seed " + seed + ", " + LocalDate.now() + ", on " + Runtime.getRuntime().availableProcessors() + " processors; load average " + load
                + " before and " + load() + " after.\n\n" + table(muster, clearml);
        System.out.println(table);
        // Else the two were not compared.
        assertThat(clearml.completed()).as("completed under ClearML's loop").isPositive();
        assertThat(muster.killed()).as("killed").isZero();
        assertThat(muster.lost()).as("lost").isZero();
        assertThat(muster.twice()).as("run twice").isZero();
        assertThat(muster.left()).as("machines left").isZero();
        written(FIGURES, table);
    }

    private AutoCloseable startMuster(OwnStandIns standIns, Path file) throws Exception {
        shell = new Shell(file.getParent());
        standIns.writeMusterYaml(file.getParent());
        for (var line : List.of("./muster import clearml " + file.getFileName() + " -o fleet.yaml", "./muster up --config muster.yaml",
                "./muster fleet apply -f fleet.yaml")) {
            shell.run(line).succeeded();
        }
        return () -> shell.run("./muster down").succeeded();
    }

    private AutoCloseable startLoop(Path python, OwnStandIns standIns, Path file) throws Exception {
        var out = file.resolveSibling("loop.out");
        var errors = file.resolveSibling("autoscaler.log");
        loop = standIns.autoscaler(python, file.getParent(), out.toFile(), "run", file.toString(), "--speed", Double.toString(SPEED.speed()));
        Await.within(Duration.ofMinutes(1), "the loop to run", () -> {
            assertThat(loop.isAlive()).as(Files.readString(errors)).isTrue();
            return Files.readString(out).contains("runs");
        });
        return () -> {
            assertThat(loop.isAlive()).as("the loop ran to the end: " + Files.readString(errors)).isTrue();
            loop.destroyForcibly().waitFor();
        };
    }

    private Outcome play(String who, Forecast forecast, Autoscaler autoscaler) throws Exception {
        var file = Files.createDirectories(folder.resolve(who)).resolve("storm.yaml");
        Files.writeString(file, """
                hyper_params:
                  cloud_provider: AWS
                  cloud_credentials_key: %1$s
                  cloud_credentials_secret: any
                  cloud_credentials_region: us-east-1
                  default_docker_image: nvidia/cuda:12.4.1-runtime-ubuntu22.04
                  git_user: ''
                  git_pass: ''
                  max_idle_time_min: 1
                  max_spin_up_time_min: 2
                  polling_interval_time_min: 1
                  workers_prefix: dynamic_worker
                configurations:
                  extra_clearml_conf: ''
                  extra_vm_bash_script: ''
                  queues:
                    %2$s: [[first, 4], [second, 4]]
                  resource_configurations:
                    first: {instance_type: c5.xlarge, is_spot: false, availability_zone: us-east-1a, ami_id: %3$s}
                    second: {instance_type: m5.xlarge, is_spot: false, availability_zone: us-east-1b, ami_id: %3$s}
                """.formatted(Ec2Config.ACCESS_KEY, QUEUE, Ec2Config.UBUNTU.id()));
        try (var standIns = new OwnStandIns(SPEED)) {
            var queue = standIns.createQueue(QUEUE);
            var tasks = new ArrayList<String>();
            for (var work : forecast.work()) {
                tasks.add(standIns.createTask("storm " + tasks.size(), work.runTime()));
            }
            var started = autoscaler.start(standIns, file);
            var weather = new Weather(standIns, forecast, queue, tasks);
            weather.blow();
            var outcome = weather.outcome();
            started.close();
            return outcome;
        }
    }

    /** One storm over one pair of stand-ins. */
    private static final class Weather {

        private final OwnStandIns standIns;
        private final Forecast forecast;
        private final String queue;
        private final List<String> tasks;
        private final Map<String, Instant> enqueued = new HashMap<>();
        /** Machines that the storm ended, by EC2's id. */
        private final Set<String> hit = new HashSet<>();

        Weather(OwnStandIns standIns, Forecast forecast, String queue, List<String> tasks) {
            this.standIns = standIns;
            this.forecast = forecast;
            this.queue = queue;
            this.tasks = tasks;
        }

        void blow() throws Exception {
            var began = Instant.now();
            var steps = steps();
            for (var step : steps) {
                var left = Duration.between(Instant.now(), began.plus(SPEED.real(step.at())));
                if (left.toMillis() > 0) {
                    TimeUnit.MILLISECONDS.sleep(left.toMillis());
                }
                step.act().call();
            }
            var end = Instant.now().plus(SPEED.real(SETTLE));
            while (Instant.now().isBefore(end) && !isOver()) {
                TimeUnit.MILLISECONDS.sleep(500);
            }
        }

        private record Step(Duration at, Callable<Object> act) {}

        private List<Step> steps() {
            var steps = new ArrayList<Step>();
            for (var i = 0; i < tasks.size(); i++) {
                var task = tasks.get(i);
                steps.add(new Step(forecast.work().get(i).at(), () -> {
                    enqueued.put(task, Instant.now());
                    standIns.enqueue(task, queue);
                    return null;
                }));
            }
            for (var trouble : forecast.troubles()) {
                steps.add(new Step(trouble.at(), () -> {
                    begin(trouble);
                    return null;
                }));
                if (!trouble.kind().length.isZero()) {
                    steps.add(new Step(trouble.at().plus(trouble.kind().length), () -> {
                        cease(trouble.kind());
                        return null;
                    }));
                }
            }
            steps.sort(Comparator.comparing(Step::at));
            return steps;
        }

        private void begin(Forecast.Trouble trouble) throws Exception {
            switch (trouble.kind()) {
                case POWER_CUT -> victim(trouble.which()).ifPresent(standIns.ec2::die);
                case TAKEN_AWAY -> {
                    var victim = victim(trouble.which());
                    if (victim.isPresent()) {
                        standIns.take(victim.get());
                    }
                }
                case SHORTAGE -> standIns.ec2.capacity().atMost(OfferFilter.type("c5.xlarge").inZone("us-east-1a"), 2);
                case EC2_BUSY -> standIns.ec2.faults().onCall("RunInstances", Integer.MAX_VALUE,
                        new ApiFault.Refuse(503, "RequestLimitExceeded", "Request limit exceeded."));
                case CLEARML_BUSY -> clearmlFails(503);
                case CLEARML_BROKEN -> clearmlFails(500);
                default -> throw new IllegalStateException(trouble.toString());
            }
        }

        private void clearmlFails(int status) {
            // What an autoscaler asks; agents' own calls work on.
            for (var endpoint : List.of("workers.get_all", "queues.get_all", "queues.get_by_id")) {
                standIns.clearml.faults().add(Fault.error(endpoint, status, 0));
            }
        }

        private void cease(Forecast.Kind kind) {
            switch (kind) {
                case SHORTAGE -> standIns.ec2.capacity().reset();
                case EC2_BUSY -> standIns.ec2.faults().reset();
                case CLEARML_BUSY, CLEARML_BROKEN -> standIns.clearml.faults().clear();
                case POWER_CUT, TAKEN_AWAY -> throw new IllegalStateException(kind + " has no length");
            }
        }

        /** None if no machine runs at that moment. */
        private Optional<String> victim(int which) {
            var running = running();
            var victim = running.isEmpty() ? Optional.<String>empty() : Optional.of(running.get(which % running.size()).id());
            victim.ifPresent(hit::add);
            return victim;
        }

        private List<Entry> running() {
            return standIns.ec2.books().instances(Instant.now()).stream()
                    .filter(machine -> machine.running() != null && machine.ending() == null && !hit.contains(machine.id())).toList();
        }

        private boolean isOver() {
            return standIns.ec2.books().live() == 0 && standIns.clearml.books().byStatus().getOrDefault("completed", 0) == tasks.size();
        }

        Outcome outcome() {
            return Outcome.of(standIns, SPEED, enqueued, hit);
        }
    }

    private static long load() {
        return Math.round(ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
    }

    private static String table(Outcome muster, Outcome clearml) {
        var rows = new LinkedHashMap<String, Function<Outcome, Object>>();
        rows.put("tasks completed, of " + muster.tasks(), Outcome::completed);
        rows.put("killed while running, by the end of a machine that the storm did not end", Outcome::killed);
        rows.put("lost: not completed at the end", Outcome::lost);
        rows.put("run twice, without the storm having ended the first run", Outcome::twice);
        rows.put("run again, after the storm had", Outcome::again);
        rows.put("wait until the first begin, p50", outcome -> span(outcome.wait(50)));
        rows.put("p90", outcome -> span(outcome.wait(90)));
        rows.put("p99", outcome -> span(outcome.wait(99)));
        rows.put("begun later than " + LATE.toMinutes() + " min", outcome -> outcome.begunLaterThan(LATE));
        rows.put("never begun", outcome -> outcome.tasks() - outcome.waits().size());
        rows.put("machines launched", Outcome::launched);
        rows.put("machines that the storm ended", Outcome::hit);
        rows.put("most at once, of 8 allowed", Outcome::most);
        rows.put("machine-seconds", outcome -> outcome.machineTime().toSeconds());
        rows.put("dollars", outcome -> outcome.dollars().setScale(2, RoundingMode.HALF_UP));
        rows.put("machines left at the end", Outcome::left);
        rows.put("of them without power", Outcome::dead);
        var table = new StringBuilder("| | Muster | ClearML's autoscaler |\n| --- | --- | --- |\n");
        rows.forEach((name, figure) -> table.append("| " + name + " | " + figure.apply(muster) + " | " + figure.apply(clearml) + " |\n"));
        return table.toString();
    }

    private static String span(Duration wait) {
        return wait.toMinutes() + " min " + wait.toSecondsPart() + " s";
    }

    private static String conditions() {
        var forecast = Forecast.of(1);
        var lines = new StringBuilder("- " + forecast.work().size() + " tasks (with seed 1) of " + Forecast.TASK_SHORTEST.toMinutes() + " to "
                + Forecast.TASK_LONGEST.toMinutes() + " min, in bursts of " + Forecast.BURST_LEAST + " to " + Forecast.BURST_MOST + ", in " + Forecast.WAVES + " waves of " + Forecast.WAVE.toMinutes() + " min, one each "
                + Forecast.FROM_WAVE_TO_WAVE.toMinutes() + " min; then " + SETTLE.toMinutes() + " min, or until all is done and no machine is left.\n");
        for (var kind : Forecast.Kind.values()) {
            lines.append("- ").append(kind.times == 1 ? "Once " : kind.times + " times ").append(kind.words)
                    .append(kind.length.isZero() ? "" : ", for " + kind.length.toMinutes() + " min").append(".\n");
        }
        return lines.append("- Machines live ").append((int) SPEED.speed()).append(" times as fast as the clock.\n").toString();
    }

    private static String between(String text, String begin) {
        assertThat(text).contains(begin);
        var from = text.indexOf(begin) + begin.length();
        return text.substring(from, text.indexOf(END, from));
    }

    /** Puts a made part into the page, if that was asked for. */
    private static void written(String begin, String made) throws IOException {
        if (Boolean.getBoolean("docs.write")) {
            var text = Files.readString(PAGE);
            var from = text.indexOf(begin) + begin.length();
            Files.writeString(PAGE, text.substring(0, from) + made + text.substring(text.indexOf(END, from)));
        }
    }
}
