package dev.muster.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.muster.sandbox.clearml.SampleTask;
import dev.muster.sandbox.suite.SuiteSettings;
import dev.muster.sandbox.suite.SuiteState;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.ShutdownAction;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code muster replay}: puts a recorded workload through a sandbox, faster than it was, and measures at ClearML's and EC2's ends.
 *
 * <p>Two clocks: on the real one run the services, their polls and time-outs; on the trace's, {@code --speed} times as fast, are
 * the moments of enqueueing, the run times of tasks, boots and an agent's polls.
 */
@Command(name = "replay", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Puts a recorded workload through the running sandbox, or through one of its own if none runs.",
        footer = "./muster replay trace.csv --from 12787200 --to 12873600 --speed 600 --fleet deploy/examples/replay.yaml")
final class ReplayCommand implements Runnable {

    /** A replay in which nothing has happened for so long, beyond the longest task, is stuck. */
    private static final Duration PATIENCE = Duration.ofSeconds(120);
    private static final Duration READY_WITHIN = Duration.ofSeconds(180);
    private static final int SENDERS = 4;

    @Mixin
    CommonOptions common;

    @Parameters(paramLabel = "FILE", description = "CSV with name, num_gpu, creation_time, deletion_time and scheduled_time.")
    Path file;

    @Option(names = "--from", paramLabel = "S", defaultValue = "0", description = "First second of the trace (default: ${DEFAULT-VALUE}).")
    long from;

    @Option(names = "--to", paramLabel = "S", description = "Second at which to end, itself not included (default: the trace's end).")
    long to = Long.MAX_VALUE;

    @Option(names = "--speed", paramLabel = "N", defaultValue = "60", description = "Trace seconds in a real one (default: ${DEFAULT-VALUE}).")
    double speed;

    @Option(names = "--fleet", required = true, paramLabel = "FILE", description = "Fleet that serves the queues cpu, gpu and multi-gpu.")
    String fleet;

    @Option(names = "--keep", description = "Keep the run's folder with its logs, also when all went well.")
    boolean keep;

    /**
     * What came out.
     *
     * @param enqueued by task id, when it was put into its queue
     * @param took from the first enqueue to the last machine gone
     */
    private record Result(List<Trace.Task> trace, Map<String, Instant> enqueued, StandInBooks books, Duration took) {}

    @Override
    public void run() {
        if (!(speed >= 1) || speed > 100_000) {
            throw CliFailure.usage("--speed is " + speed + ": it must be from 1 to 100000");
        }
        var output = common.output();
        var trace = Trace.read(file, from, to);
        if (trace.isEmpty()) {
            throw CliFailure.failed("no task of " + file + " was created from second " + from + " on" + (to == Long.MAX_VALUE ? "" : " and before " + to));
        }
        var specs = FleetCommand.read(fleet);
        requireServed(trace, specs);
        var running = common.run().running();
        var problems = running.isPresent() ? throughRunning(trace, specs, running.get(), output) : throughOwn(trace, specs, output);
        if (!problems.isEmpty()) {
            throw CliFailure.failed(String.join("; ", problems));
        }
    }

    private static void requireServed(List<Trace.Task> trace, List<FleetSpec> specs) {
        var served = specs.stream().flatMap(spec -> spec.getQueuesList().stream()).map(queue -> queue.getName()).collect(Collectors.toSet());
        var unserved = trace.stream().map(Trace.Task::queue).distinct().filter(queue -> !served.contains(queue)).sorted().toList();
        if (!unserved.isEmpty()) {
            throw CliFailure.failed("the fleet does not serve " + String.join(", ", unserved) + ", which tasks of the trace wait in");
        }
    }

    private List<String> throughRunning(List<Trace.Task> trace, List<FleetSpec> specs, SuiteState state, Output output) {
        if (!state.sandbox()) {
            throw CliFailure.failed("what runs in " + common.folder + " is no sandbox: end it first, or choose another --folder");
        }
        if (state.speed() != speed) {
            throw CliFailure.failed("the sandbox runs at speed " + StatusCommand.plain(state.speed()) + " and the replay at " + StatusCommand.plain(speed)
                    + ": end it with ./muster down, or replay at its speed");
        }
        return replay(trace, specs, common.run(), state, output);
    }

    private List<String> throughOwn(List<Trace.Task> trace, List<FleetSpec> specs, Output output) {
        var run = common.run();
        List<String> problems;
        try (var sandbox = OwnSandbox.start(run, SuiteSettings.sandbox(Run.home(), run.runFolder(), speed), READY_WITHIN, output)) {
            problems = replay(trace, specs, run, sandbox.state(), output);
        }
        if (problems.isEmpty() && !keep) {
            OwnSandbox.delete(run.runFolder());
        }
        return problems;
    }

    private List<String> replay(List<Trace.Task> trace, List<FleetSpec> specs, Run run, SuiteState state, Output output) {
        try (var control = Control.connect(run.server(state))) {
            var clearml = Installation.of(state).clearml("default");
            var queueIds = trace.stream().map(Trace.Task::queue).distinct().collect(Collectors.toMap(queue -> queue, clearml::queueMade));
            specs.forEach(spec -> spec.getQueuesList().forEach(queue -> clearml.queueMade(queue.getName())));
            specs.forEach(spec -> FleetCommand.apply(control, spec, null));
            output.line(trace.size() + " tasks of " + file + ", " + Times.span(span(trace)) + " on the trace's clock, "
                    + Times.span(real(span(trace))) + " on the real one (speed " + StatusCommand.plain(speed) + ")");
            var senders = Executors.newScheduledThreadPool(SENDERS);
            try {
                var result = play(trace, specs, run, state, control, clearml, queueIds, senders, output);
                var problems = problems(result);
                if (output.isJson()) {
                    output.json(json(result, problems));
                } else {
                    summary(result, output);
                }
                return problems;
            } finally {
                senders.shutdownNow();
            }
        } catch (IOException silent) {
            throw CliFailure.failed("the sandbox stopped answering: " + silent.getMessage() + "; logs are in " + run.runFolder().resolve("logs"));
        }
    }

    private Result play(List<Trace.Task> trace, List<FleetSpec> specs, Run run, SuiteState state, Control control, ClearmlApi clearml,
            Map<String, String> queueIds, ScheduledExecutorService senders, Output output) throws IOException {
        // All tasks are made beforehand: at the moment of enqueueing there is one call to make.
        var ids = await(trace.stream().map(task -> senders.submit(() -> clearml.create(new SampleTask(named(task.name()), task.runTime(), false, null).createRequest()))).toList());
        var enqueued = new ConcurrentHashMap<String, Instant>();
        var began = System.nanoTime();
        var first = trace.get(0).at();
        var sent = new ArrayList<Future<Boolean>>();
        for (var i = 0; i < trace.size(); i++) {
            var task = trace.get(i);
            var id = ids.get(i);
            var due = real(task.at().minus(first)).toNanos() - (System.nanoTime() - began);
            sent.add(senders.schedule(() -> {
                enqueued.put(id, Instant.now());
                clearml.enqueue(id, queueIds.get(task.queue()));
                return true;
            }, Math.max(0, due), TimeUnit.NANOSECONDS));
        }
        awaitCompleted(trace, ids, run, state, sent, output);
        if (specs.stream().anyMatch(spec -> spec.getPoolsList().stream().anyMatch(pool -> pool.getLimits().getMin() > 0)
                || spec.getLimits().getMin() > 0)) {
            // Machines kept warm would stay for ever.
            specs.forEach(spec -> FleetCommand.delete(control, spec.getName(), ShutdownAction.IDLE));
        }
        var books = awaitGone(run, state, output);
        return new Result(trace, enqueued, books, Duration.ofNanos(System.nanoTime() - began));
    }

    private static String named(String name) {
        return name.length() >= 3 ? name : "task " + name;
    }

    private static <T> List<T> await(List<Future<T>> futures) {
        var values = new ArrayList<T>();
        for (var future : futures) {
            try {
                values.add(future.get());
            } catch (ExecutionException failed) {
                throw failed.getCause() instanceof CliFailure known ? known : CliFailure.failed(String.valueOf(failed.getCause()));
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
                throw CliFailure.failed("interrupted");
            }
        }
        return values;
    }

    private void awaitCompleted(List<Trace.Task> trace, List<String> ids, Run run, SuiteState state, List<Future<Boolean>> sent, Output output)
            throws IOException {
        var longest = trace.stream().map(Trace.Task::runTime).max(Duration::compareTo).orElse(Duration.ZERO);
        var patience = PATIENCE.plus(real(longest));
        var began = System.nanoTime();
        var lastProgress = began;
        var last = -1L;
        var shown = Duration.ZERO;
        while (true) {
            await(sent.stream().filter(Future::isDone).toList());
            var books = StandInBooks.read(run, state);
            var mine = ids.stream().map(books.tasks()::get).toList();
            var completed = mine.stream().filter(task -> task != null && task.isCompleted()).count();
            var running = mine.stream().filter(task -> task != null && task.status().equals("in_progress")).count();
            var waiting = mine.stream().filter(task -> task != null && task.status().equals("queued")).count();
            var elapsed = Duration.ofNanos(System.nanoTime() - began);
            if (elapsed.compareTo(shown.plus(output.pace())) >= 0) {
                shown = elapsed;
                output.live(List.of("trace " + Times.span(trace(elapsed)) + ", real " + Times.span(elapsed) + ": " + waiting + " waiting, " + running + " running, "
                        + completed + " of " + ids.size() + " completed, " + books.live() + " machines"));
            }
            if (completed == ids.size()) {
                return;
            }
            // Before the next task is due there is nothing to wait for.
            var unsent = sent.stream().anyMatch(future -> !future.isDone());
            var progress = completed * 1_000_000L + running * 1_000 + waiting;
            if (progress != last || unsent) {
                last = progress;
                lastProgress = System.nanoTime();
            } else if (System.nanoTime() - lastProgress > patience.toNanos()) {
                var missing = mine.stream().filter(task -> task != null && !task.isCompleted())
                        .map(task -> task.name() + " is " + task.status() + " in " + task.queue()).limit(10).toList();
                throw CliFailure.failed("stuck: nothing moved for " + Times.span(patience) + " while " + (ids.size() - completed)
                        + " tasks are not completed, such as " + String.join(", ", missing) + "; logs are in " + run.runFolder().resolve("logs"));
            }
            Run.sleep(500);
        }
    }

    private StandInBooks awaitGone(Run run, SuiteState state, Output output) throws IOException {
        var deadline = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            var books = StandInBooks.read(run, state);
            output.live(List.of("all completed; " + books.live() + " machines left"));
            if (books.live() == 0 || System.nanoTime() > deadline) {
                output.endLive();
                return books;
            }
            Run.sleep(200);
        }
    }

    private List<String> problems(Result result) {
        var problems = new ArrayList<String>();
        var completed = completed(result);
        if (completed != result.trace().size()) {
            problems.add(completed + " of " + result.trace().size() + " tasks completed");
        }
        if (result.books().live() > 0) {
            problems.add(result.books().live() + " machines are left " + Times.span(PATIENCE) + " after the last task");
        }
        if (!result.books().sharedIds().isEmpty()) {
            problems.add("several machines have the same id: " + String.join(", ", result.books().sharedIds()));
        }
        return problems;
    }

    private static long completed(Result result) {
        return result.enqueued().keySet().stream().filter(id -> result.books().tasks().get(id).isCompleted()).count();
    }

    /** From enqueue to start, on the trace's clock, by queue. */
    private Map<String, Percentiles> waits(Result result) {
        var waits = new TreeMap<String, List<Duration>>();
        result.enqueued().forEach((id, at) -> {
            var task = result.books().tasks().get(id);
            if (task.started() != null) {
                waits.computeIfAbsent(task.queue(), queue -> new ArrayList<>()).add(trace(Duration.between(at, task.started())));
            }
        });
        var percentiles = new TreeMap<String, Percentiles>();
        waits.forEach((queue, all) -> percentiles.put(queue, Percentiles.of(all)));
        return percentiles;
    }

    private BigDecimal machineHours(Result result) {
        var seconds = result.books().machines().stream().filter(machine -> machine.running() != null && machine.ending() != null)
                .mapToDouble(machine -> Duration.between(machine.running(), machine.ending()).toMillis() / 1000.0 * speed).sum();
        return BigDecimal.valueOf(seconds / 3600).setScale(3, RoundingMode.HALF_UP);
    }

    private void summary(Result result, Output output) {
        output.line("");
        output.table(List.of("QUEUE", "TASKS", "WAIT p50", "p90", "p99", "MOST", "(trace clock; real: p90)"), waits(result).entrySet().stream()
                .map(entry -> List.of(entry.getKey(), Integer.toString(entry.getValue().count()), Times.span(entry.getValue().p50()),
                        Times.span(entry.getValue().p90()), Times.span(entry.getValue().p99()), Times.span(entry.getValue().most()),
                        Times.span(real(entry.getValue().p90())))).toList());
        output.line("");
        output.table(List.of("POOL", "MACHINES", "PEAK AT EC2"), result.books().peaks().entrySet().stream().map(pool -> List.of(pool.getKey(),
                Long.toString(result.books().machines().stream().filter(machine -> machine.pool().equals(pool.getKey())).count()),
                Integer.toString(pool.getValue()))).toList());
        output.line("");
        output.line(completed(result) + " tasks completed, " + result.books().ranMoreThanOnce() + " ran more than once, "
                + result.books().machines().size() + " machines launched, " + result.books().live() + " left, " + machineHours(result)
                + " machine-hours and " + Money.amount(result.books().dollars(), "USD") + " on the trace's clock; took "
                + Times.span(trace(result.took())) + " on the trace's clock, " + Times.span(result.took()) + " on the real one");
    }

    private ObjectNode json(Result result, List<String> problems) {
        var answer = Output.JSON.createObjectNode().put("file", file.toString()).put("from", from);
        answer.put("to", to == Long.MAX_VALUE ? null : to);
        answer.put("speed", speed).put("tasks", result.trace().size()).put("tasksCompleted", completed(result))
                .put("tasksRunTwice", result.books().ranMoreThanOnce()).put("machinesLaunched", result.books().machines().size())
                .put("machinesLeft", result.books().live()).put("machineHours", machineHours(result)).put("cost", result.books().dollars()).put("currency", "USD");
        answer.putObject("seconds").put("real", result.took().toMillis() / 1000.0).put("trace", trace(result.took()).toMillis() / 1000.0);
        var peaks = answer.putObject("peakMachines");
        result.books().peaks().forEach(peaks::put);
        var shared = answer.putArray("machineIdsOfSeveralMachines");
        result.books().sharedIds().forEach(shared::add);
        var waiting = answer.putObject("waitingSeconds").put("clock", "trace");
        var queues = waiting.putObject("queues");
        waits(result).forEach((queue, percentiles) -> queues.putObject(queue).put("tasks", percentiles.count()).put("p50", seconds(percentiles.p50()))
                .put("p90", seconds(percentiles.p90())).put("p99", seconds(percentiles.p99())).put("most", seconds(percentiles.most())));
        var wrong = answer.putArray("problems");
        problems.forEach(wrong::add);
        return answer;
    }

    private static double seconds(Duration span) {
        return span.toMillis() / 1000.0;
    }

    private static Duration span(List<Trace.Task> trace) {
        return trace.get(trace.size() - 1).at().minus(trace.get(0).at());
    }

    private Duration real(Duration onTrace) {
        return Duration.ofNanos(Math.round(onTrace.toNanos() / speed));
    }

    private Duration trace(Duration real) {
        return Duration.ofMillis(Math.round(real.toMillis() * speed));
    }
}
