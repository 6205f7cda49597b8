package dev.muster.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.muster.contracts.FleetYaml;
import dev.muster.contracts.InvalidYamlException;
import dev.muster.sandbox.clearml.SampleTask;
import dev.muster.sandbox.suite.SuiteSettings;
import dev.muster.sandbox.suite.SuiteState;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.WatchMachinesRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code muster demo}: a cpu and a gpu queue, each with its own pool, and two tasks in each. Four machines appear, run them,
 * idle out and go. All of it is real but the clouds; the books of those say whether it went well.
 */
@Command(name = "demo", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Shows the whole thing on this computer: two tasks in each queue, a machine for each, and nothing left.",
        footer = {"./muster demo", "./muster demo --clouds aws,gcp,k8s"})
final class DemoCommand implements Runnable {

    /** Of each cloud the queues of its example, each with a pool of its own name. */
    private static final Map<String, List<String>> QUEUES = Map.of("aws", List.of("cpu", "gpu"), "gcp", List.of("google"), "k8s", List.of("pods"));
    private static final int TASKS_EACH = 2;
    private static final Duration READY_WITHIN = Duration.ofSeconds(180);

    @Mixin
    CommonOptions common;

    @Option(names = "--speed", paramLabel = "N", defaultValue = "10",
            description = "How much faster machines boot and tasks run than real ones (default: ${DEFAULT-VALUE}).")
    double speed;

    @Option(names = "--clouds", paramLabel = "CLOUD", split = ",", defaultValue = "aws",
            description = "Which clouds take part: any of aws, gcp and k8s, with commas between (default: ${DEFAULT-VALUE}).")
    List<String> clouds;

    @Option(names = "--seconds", paramLabel = "N", defaultValue = "30", description = "How long each task runs, before --speed (default: ${DEFAULT-VALUE}).")
    double seconds;

    @Option(names = "--within", paramLabel = "SECONDS", defaultValue = "120", description = "Gives up when the show takes longer (default: ${DEFAULT-VALUE}).")
    int within;

    @Option(names = "--keep", description = "Keep the run's folder with its logs, also when all went well.")
    boolean keep;

    /** What the demo itself noted. */
    private record Show(StandInBooks books, Map<String, MachineRecord> machines, Map<String, Instant> enqueued, Duration took) {}

    @Override
    public void run() {
        if (!(speed >= 1) || !(seconds > 0)) {
            throw CliFailure.usage("--speed must be at least 1, and --seconds more than 0");
        }
        if (clouds.isEmpty() || !QUEUES.keySet().containsAll(clouds)) {
            throw CliFailure.usage("--clouds is " + String.join(",", clouds) + ": it must be any of aws, gcp and k8s, with commas between");
        }
        var output = common.output();
        var run = new Run(common.folder.toAbsolutePath().normalize().resolve("demo-" + ProcessHandle.current().pid()));
        Show show;
        try (var sandbox = OwnSandbox.start(run, SuiteSettings.sandbox(Run.home(), run.runFolder(), speed).withClouds(clouds), READY_WITHIN, output)) {
            show = play(run, sandbox.state(), output);
        }
        var problems = problems(show.books());
        if (output.isJson()) {
            output.json(json(show, problems));
        } else {
            summary(show, output);
        }
        if (!problems.isEmpty()) {
            throw new CliFailure(CliFailure.FAILED, "failed", "the clouds' own books disagree: " + String.join("; ", problems)
                    + ". Logs are in " + run.runFolder().resolve("logs"), List.of());
        }
        if (!keep) {
            OwnSandbox.delete(run.folder());
        }
    }

    private List<String> queues() {
        return clouds.stream().distinct().flatMap(cloud -> QUEUES.get(cloud).stream()).toList();
    }

    private Show play(Run run, SuiteState state, Output output) {
        var began = System.nanoTime();
        var machines = new ConcurrentHashMap<String, MachineRecord>();
        var enqueued = new LinkedHashMap<String, Instant>();
        try (var control = Control.connect(run.server(state));
                var watch = control.watchMachines(WatchMachinesRequest.newBuilder().setEndedToo(true).build(), change -> {
                    if (change.hasMachine()) {
                        machines.put(change.getMachine().getMachineId(), change.getMachine());
                    }
                })) {
            var clearml = Installation.of(state).clearml("default");
            var queueIds = new LinkedHashMap<String, String>();
            queues().forEach(queue -> queueIds.put(queue, clearml.queueMade(queue)));
            for (var cloud : new LinkedHashSet<>(clouds)) {
                var example = cloud.equals("aws") ? "demo" : "demo-" + cloud;
                FleetCommand.apply(control, FleetYaml.read(Files.readString(Run.home().resolve("deploy/examples/" + example + ".yaml"))), null);
            }
            output.line(queues().size() == 1 ? "Two tasks in the queue " + queues().get(0) + ":" : "Two tasks in each of the queues "
                    + String.join(", ", queues().subList(0, queues().size() - 1)) + " and " + queues().get(queues().size() - 1) + ":");
            for (var i = 1; i <= TASKS_EACH; i++) {
                for (var queue : queues()) {
                    var task = clearml.create(SampleTask.running(queue + " task " + i, Duration.ofMillis(Math.round(seconds * 1000))).createRequest());
                    enqueued.put(task, Instant.now());
                    clearml.enqueue(task, queueIds.get(queue));
                }
            }
            var books = awaitEnd(run, state, machines, output);
            return new Show(books, machines, enqueued, Duration.ofNanos(System.nanoTime() - began));
        } catch (IOException | InvalidYamlException broken) {
            throw CliFailure.failed("the demo broke off: " + broken.getMessage());
        } catch (CliFailure failed) {
            throw failed;
        } catch (Exception closing) {
            throw new IllegalStateException(closing);
        }
    }

    private StandInBooks awaitEnd(Run run, SuiteState state, Map<String, MachineRecord> machines, Output output) throws IOException {
        var deadline = System.nanoTime() + Duration.ofSeconds(within).toNanos();
        while (true) {
            var books = StandInBooks.read(run, state);
            output.live(live(books, machines));
            var done = books.completed() == queues().size() * TASKS_EACH && books.live() == 0
                    && machines.values().stream().noneMatch(MachineRecord::getCounted);
            if (done || System.nanoTime() > deadline) {
                output.endLive();
                return books;
            }
            Run.sleep(200);
        }
    }

    private static List<String> live(StandInBooks books, Map<String, MachineRecord> machines) {
        var lines = new ArrayList<String>();
        var waiting = books.tasks().values().stream().filter(task -> task.status().equals("queued")).count();
        var running = books.tasks().values().stream().filter(task -> task.status().equals("in_progress")).count();
        lines.add("tasks: " + waiting + " waiting, " + running + " running, " + books.completed() + " completed");
        new TreeMap<>(machines).values().forEach(machine -> lines.add("  " + machine.getMachineId() + "  " + machine.getPool() + "  "
                + machine.getOffer().getMachineType() + "  " + MachineCommand.phase(machine)));
        return lines;
    }

    private List<String> problems(StandInBooks books) {
        var problems = new ArrayList<String>();
        var wanted = queues().size() * TASKS_EACH;
        expect(problems, "machines launched", wanted, books.machines().size());
        expect(problems, "tasks completed", wanted, books.completed());
        expect(problems, "tasks that ran more than once", 0, books.ranMoreThanOnce());
        expect(problems, "machines left", 0, books.live());
        expect(problems, "ids of several machines", 0, books.sharedIds().size());
        for (var queue : queues()) {
            expect(problems, "machines of pool " + queue, TASKS_EACH, books.machines().stream().filter(one -> one.pool().equals(queue)).count());
        }
        return problems;
    }

    private static void expect(List<String> problems, String what, long wanted, long seen) {
        if (wanted != seen) {
            problems.add(what + ": " + seen + " instead of " + wanted);
        }
    }

    private void summary(Show show, Output output) {
        output.line("");
        output.table(List.of("MACHINE", "POOL", "TYPE", "ENQUEUE → LAUNCH CALL", "→ READY", "→ TASK DONE", "→ GONE", "COST"),
                show.books().machines().stream().map(machine -> {
                    var task = taskOf(show.books(), machine);
                    var enqueued = task == null ? null : show.enqueued().get(task.id());
                    var ready = ready(show, machine);
                    var done = task == null ? null : task.ended();
                    return List.of(machine.machineId(), machine.pool(), machine.type(), Times.between(enqueued, machine.launched()),
                            Times.between(machine.launched(), ready), Times.between(ready, done), Times.between(done, machine.ended()),
                            Money.amount(machine.dollars(), "USD"));
                }).toList());
        output.line("");
        output.line(show.books().machines().size() + " machines launched, " + show.books().completed() + " tasks completed, "
                + show.books().live() + " machines left, " + Money.amount(show.books().dollars(), "USD") + " spent at real prices, in "
                + Times.span(show.took()) + ". Times are real; machines and tasks lived " + StatusCommand.plain(speed) + " times as fast.");
    }

    private static StandInBooks.Task taskOf(StandInBooks books, StandInBooks.Machine machine) {
        return books.tasks().values().stream().filter(task -> task.lastWorker().contains(machine.id())).findFirst().orElse(null);
    }

    private static Instant ready(Show show, StandInBooks.Machine machine) {
        var record = show.machines().get(machine.machineId());
        return record == null || !record.hasReadyAt() ? null : Times.instant(record.getReadyAt());
    }

    private ObjectNode json(Show show, List<String> problems) {
        var answer = Output.JSON.createObjectNode()
                .put("machinesLaunched", show.books().machines().size())
                .put("tasksCompleted", show.books().completed())
                .put("machinesLeft", show.books().live())
                .put("tasksRunTwice", show.books().ranMoreThanOnce())
                .put("cost", show.books().dollars())
                .put("currency", "USD")
                .put("speed", speed)
                .put("seconds", show.took().toMillis() / 1000.0);
        var machines = answer.putArray("machines");
        for (var machine : show.books().machines()) {
            var task = taskOf(show.books(), machine);
            var ended = show.machines().get(machine.machineId());
            machines.addObject().put("machineId", machine.machineId()).put("cloudId", machine.id()).put("pool", machine.pool()).put("type", machine.type())
                    .put("task", task == null ? null : task.id())
                    .put("enqueuedAt", task == null ? null : text(show.enqueued().get(task.id())))
                    .put("launchCalledAt", text(machine.launched()))
                    .put("readyAt", text(ready(show, machine)))
                    .put("taskDoneAt", task == null ? null : text(task.ended()))
                    .put("goneAt", text(machine.ended()))
                    .put("phase", ended == null ? null : ended.getPhase().name())
                    .put("cost", machine.dollars());
        }
        var wrong = answer.putArray("problems");
        problems.forEach(wrong::add);
        return answer;
    }

    private static String text(Instant at) {
        return at == null ? null : at.toString();
    }
}
