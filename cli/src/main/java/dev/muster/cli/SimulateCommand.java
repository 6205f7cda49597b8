package dev.muster.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.muster.planner.core.FleetHead;
import dev.muster.planner.simulate.Conditions;
import dev.muster.planner.simulate.Figures;
import dev.muster.planner.simulate.HtmlReport;
import dev.muster.planner.simulate.Outcome;
import dev.muster.planner.simulate.SimulatedTask;
import dev.muster.planner.simulate.Simulation;
import dev.muster.planner.stream.SpecTrial;
import dev.muster.v1.FleetSpec;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code muster simulate}: what a spec would have cost, and how long tasks would have waited, had it served a recorded workload; and
 * beside it what another would have.
 *
 * <p>Nothing runs and nothing is asked: the planner's own rules go through the workload in virtual time.
 */
@Command(name = "simulate", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Plays a recorded workload through the planner's rules in virtual time, for one fleet or two side by side.",
        footer = "./muster simulate --fleet docs/simulate/two.yaml --against docs/simulate/six.yaml --trace docs/simulate/workload.csv --html report.html")
final class SimulateCommand implements Runnable {

    private static final String SCHEMA = "muster.simulation/1";

    @Mixin
    CommonOptions common;

    @Option(names = "--fleet", required = true, paramLabel = "FILE", description = "YAML of one fleet that serves the queues cpu, gpu and multi-gpu.")
    String fleet;

    @Option(names = "--trace", required = true, paramLabel = "FILE",
            description = "CSV with name, num_gpu, creation_time, deletion_time and scheduled_time.")
    Path trace;

    @Option(names = "--against", paramLabel = "FILE", description = "YAML of another fleet, to compare with.")
    String against;

    @Option(names = "--from", paramLabel = "S", defaultValue = "0", description = "First second of the trace (default: ${DEFAULT-VALUE}).")
    long from;

    @Option(names = "--to", paramLabel = "S", description = "Second before which tasks must be created (default: the trace's end).")
    long to = Long.MAX_VALUE;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1", description = "Of all that is random; the same seed gives the same answer (default: ${DEFAULT-VALUE}).")
    long seed;

    @Option(names = "--html", paramLabel = "FILE", description = "Write a report with plots, which needs nothing but a browser.")
    Path html;

    @Option(names = "--begin", paramLabel = "INSTANT", defaultValue = "2026-01-01T00:00:00Z",
            description = "The calendar's moment at second 0: what schedules and budgets go by (default: ${DEFAULT-VALUE}).")
    String begin;

    @Option(names = "--boot", paramLabel = "S", defaultValue = "120",
            description = "Median seconds from a machine's running until its worker registers (default: ${DEFAULT-VALUE}).")
    long boot;

    @Option(names = "--boot-spread", paramLabel = "X", defaultValue = "0.25",
            description = "Standard deviation of its logarithm; 0: all alike (default: ${DEFAULT-VALUE}).")
    double bootSpread;

    @Option(names = "--boot-failures", paramLabel = "SHARE", defaultValue = "0", description = "Machines whose worker never comes (default: ${DEFAULT-VALUE}).")
    double bootFailures;

    @Option(names = "--out-of-capacity", paramLabel = "SHARE", defaultValue = "0",
            description = "Time in which an offer has no capacity, in spells of half an hour on average (default: ${DEFAULT-VALUE}).")
    double outOfCapacity;

    @Option(names = "--interruptions", paramLabel = "N", defaultValue = "0",
            description = "How often an hour the cloud takes a spot machine back (default: ${DEFAULT-VALUE}).")
    double interruptions;

    @Option(names = "--spot-spread", paramLabel = "SHARE", defaultValue = "0",
            description = "How far spot prices drift from the spec's, from hour to hour (default: ${DEFAULT-VALUE}).")
    double spotSpread;

    /** One spec, and what came of it. */
    private record Case(String file, String currency, FleetHead head, Outcome outcome, Figures figures) {

        private Case with(Outcome of) {
            return new Case(file, currency, head, of, Figures.of(of));
        }
    }

    @Override
    public void run() {
        var output = common.output();
        var conditions = conditions();
        var cases = new ArrayList<Case>();
        cases.add(accepted(fleet, conditions));
        if (against != null) {
            cases.add(accepted(against, conditions));
            if (!cases.get(0).currency().equals(cases.get(1).currency())) {
                throw CliFailure.failed("the fleets are priced in " + cases.get(0).currency() + " and " + cases.get(1).currency() + ": compare fleets of one currency");
            }
        }
        var tasks = Trace.read(trace, from, to).stream()
                .map(task -> new SimulatedTask(task.name(), task.queue(), task.at().toSeconds(), task.runTime().toSeconds())).toList();
        if (tasks.isEmpty()) {
            throw CliFailure.failed("no task of " + trace + " was created from second " + from + " on" + (to == Long.MAX_VALUE ? "" : " and before " + to));
        }
        cases.forEach(one -> requireServed(tasks, one));
        var done = simulate(cases, tasks, conditions);
        if (html != null) {
            write(done, tasks.size(), conditions);
        }
        if (output.isJson()) {
            output.json(json(done, tasks.size(), conditions));
        } else {
            summary(done, tasks, output);
        }
    }

    private Conditions conditions() {
        try {
            return new Conditions(Instant.parse(begin), Duration.ofSeconds(boot), bootSpread, bootFailures, outOfCapacity, interruptions, spotSpread);
        } catch (DateTimeParseException wrong) {
            throw CliFailure.usage("--begin is " + begin + ": write a moment such as 2026-01-01T00:00:00Z");
        } catch (IllegalArgumentException wrong) {
            throw CliFailure.usage(wrong.getMessage());
        }
    }

    /** Judged as {@code fleet apply} is, without a planner to ask. */
    private static Case accepted(String file, Conditions conditions) {
        var specs = FleetCommand.read(file);
        if (specs.size() != 1) {
            throw CliFailure.failed(file + " holds " + specs.size() + " fleets: give a file of one");
        }
        FleetSpec spec = specs.get(0);
        var trial = SpecTrial.of(spec, conditions.begin());
        if (trial.head().isEmpty()) {
            throw CliFailure.invalid(file + " has " + trial.violations().size() + (trial.violations().size() == 1 ? " mistake:" : " mistakes:"), trial.violations());
        }
        return new Case(file, spec.getCurrency().isEmpty() ? "USD" : spec.getCurrency(), trial.head().get(), null, null);
    }

    private static void requireServed(List<SimulatedTask> tasks, Case one) {
        var unserved = new TreeSet<String>();
        tasks.forEach(task -> unserved.add(task.queue()));
        one.head().spec().queues().forEach(queue -> unserved.remove(queue.name()));
        if (!unserved.isEmpty()) {
            throw CliFailure.failed("the fleet of " + one.file() + " does not serve " + String.join(", ", unserved) + ", which tasks of the trace wait in");
        }
    }

    /** Each in a thread of its own: they share nothing. */
    private List<Case> simulate(List<Case> cases, List<SimulatedTask> tasks, Conditions conditions) {
        var threads = Executors.newFixedThreadPool(cases.size());
        try {
            var running = new ArrayList<Future<Case>>();
            for (var one : cases) {
                running.add(threads.submit(() -> one.with(Simulation.simulate(one.head(), tasks, seed, conditions))));
            }
            var done = new ArrayList<Case>();
            for (var each : running) {
                done.add(each.get());
            }
            return done;
        } catch (ExecutionException failed) {
            throw new IllegalStateException(failed.getCause());
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw CliFailure.failed("interrupted");
        } finally {
            threads.shutdownNow();
        }
    }

    private void write(List<Case> cases, int tasks, Conditions conditions) {
        var report = new HtmlReport(trace.getFileName() + ", " + tasks + " tasks", seed, cases.get(0).currency(), conditions,
                cases.stream().map(one -> new HtmlReport.Side(one.file(), one.outcome(), one.figures())).toList());
        try {
            Files.writeString(html, report.text());
        } catch (IOException unwritable) {
            throw CliFailure.failed(html + " can't be written: " + unwritable);
        }
    }

    // For people.

    private void summary(List<Case> cases, List<SimulatedTask> tasks, Output output) {
        var first = cases.get(0).outcome();
        output.line(tasks.size() + " tasks of " + trace + " over " + Times.span(Duration.ofSeconds(tasks.get(tasks.size() - 1).at() - first.began()))
                + ", seed " + seed + (html == null ? "" : "; report in " + html));
        output.line("");
        var rows = new ArrayList<List<String>>();
        money(rows, "cost", cases, figures -> figures.cost());
        money(rows, "cost per task", cases, figures -> perTask(figures));
        if (cases.stream().anyMatch(one -> one.figures().unpricedSeconds() > 0)) {
            hours(rows, "machine-hours without a price", cases, figures -> figures.unpricedSeconds());
        }
        hours(rows, "machine-hours paid", cases, figures -> figures.seconds().paid());
        hours(rows, "  useful", cases, figures -> figures.seconds().useful());
        hours(rows, "  idle", cases, figures -> figures.seconds().idle());
        hours(rows, "  boot", cases, figures -> figures.seconds().boot());
        hours(rows, "  waste", cases, figures -> figures.seconds().waste());
        row(rows, "utilization", cases, figures -> figures.seconds().utilization() * 100, value -> String.format(Locale.ROOT, "%.1f%%", value));
        row(rows, "machines launched", cases, figures -> figures.machines(), SimulateCommand::whole);
        row(rows, "machines per task", cases, Figures::machinesPerTask, value -> String.format(Locale.ROOT, "%.3f", value));
        waits(rows, "wait", cases, Figures::waits);
        for (var queue : union(cases, figures -> figures.queues().keySet())) {
            waits(rows, "wait in " + queue, cases, figures -> figures.queues().getOrDefault(queue, new Figures.Waits(0, 0, 0, 0, 0)));
        }
        for (var pool : union(cases, figures -> figures.pools().keySet())) {
            row(rows, "most machines of " + pool, cases, figures -> figures.pools().containsKey(pool) ? figures.pools().get(pool).peak() : 0, SimulateCommand::whole);
        }
        row(rows, "tasks not run", cases, figures -> figures.notRun(), SimulateCommand::whole);
        row(rows, "tasks run again", cases, figures -> figures.runAgain(), SimulateCommand::whole);
        row(rows, "launches refused by the cloud", cases, figures -> figures.launchesRefused().values().stream().mapToLong(Long::longValue).sum(), SimulateCommand::whole);
        output.table(cases.size() == 1 ? List.of("", cases.get(0).head().name()) : List.of("", cases.get(0).head().name(), cases.get(1).head().name(), "DIFFERENCE"), rows);
        for (var one : cases) {
            output.line("");
            output.line("What tasks waited for in " + one.head().name() + ":");
            output.table(List.of("CONSTRAINT", "POOL", "TASK-HOURS", "TASKS", "REFUSED"), one.figures().constraints().stream().map(bound -> List.of(bound.word(),
                    bound.pool().isEmpty() ? "-" : bound.pool(), hours(bound.taskSeconds()), Integer.toString(bound.tasks()),
                    bound.times() == 0 ? "-" : bound.times() + (bound.times() == 1 ? " time" : " times"))).toList());
        }
    }

    private static BigDecimal perTask(Figures figures) {
        int run = figures.tasks() - figures.notRun();
        return run == 0 ? BigDecimal.ZERO : figures.cost().divide(BigDecimal.valueOf(run), 6, RoundingMode.HALF_UP);
    }

    private static LinkedHashSet<String> union(List<Case> cases, Function<Figures, Iterable<String>> names) {
        var all = new LinkedHashSet<String>();
        cases.forEach(one -> names.apply(one.figures()).forEach(all::add));
        return all;
    }

    private static void money(List<List<String>> rows, String name, List<Case> cases, Function<Figures, BigDecimal> value) {
        var currency = cases.get(0).currency();
        row(rows, name, cases, figures -> value.apply(figures).doubleValue(), amount -> (amount < 0 ? "-" : "") + Money.amount(BigDecimal.valueOf(Math.abs(amount)), currency));
    }

    private static void hours(List<List<String>> rows, String name, List<Case> cases, Function<Figures, Long> seconds) {
        row(rows, name, cases, figures -> seconds.apply(figures), value -> (value < 0 ? "-" : "") + hours(Math.abs((long) (double) value)));
    }

    private static String hours(long seconds) {
        return BigDecimal.valueOf(seconds).divide(BigDecimal.valueOf(3600), 2, RoundingMode.HALF_UP).toPlainString();
    }

    private static void waits(List<List<String>> rows, String name, List<Case> cases, Function<Figures, Figures.Waits> waits) {
        span(rows, name + " p50", cases, figures -> waits.apply(figures).p50());
        span(rows, name + " p90", cases, figures -> waits.apply(figures).p90());
        span(rows, name + " p99", cases, figures -> waits.apply(figures).p99());
        span(rows, name + " most", cases, figures -> waits.apply(figures).max());
    }

    private static void span(List<List<String>> rows, String name, List<Case> cases, Function<Figures, Long> seconds) {
        row(rows, name, cases, figures -> seconds.apply(figures), value -> value == 0 ? "0s" : (value < 0 ? "-" : "") + Times.span(Duration.ofSeconds(Math.abs((long) (double) value))));
    }

    private static String whole(double value) {
        return Long.toString((long) value);
    }

    private static void row(List<List<String>> rows, String name, List<Case> cases, Function<Figures, Number> value, Function<Double, String> text) {
        var row = new ArrayList<String>();
        row.add(name);
        cases.forEach(one -> row.add(text.apply(value.apply(one.figures()).doubleValue())));
        if (cases.size() == 2) {
            var difference = value.apply(cases.get(1).figures()).doubleValue() - value.apply(cases.get(0).figures()).doubleValue();
            row.add((difference > 0 ? "+" : "") + text.apply(difference));
        }
        rows.add(row);
    }

    // For programs: docs/simulate.md names the fields.

    private ObjectNode json(List<Case> cases, int tasks, Conditions conditions) {
        var answer = Output.JSON.createObjectNode().put("schema", SCHEMA).put("trace", trace.toString()).put("from", from);
        answer.put("to", to == Long.MAX_VALUE ? null : to);
        answer.put("tasks", tasks).put("seed", seed).put("currency", cases.get(0).currency());
        answer.putObject("conditions").put("begin", conditions.begin().toString()).put("boot", conditions.boot().toSeconds())
                .put("bootSpread", conditions.bootSpread()).put("bootFailures", conditions.bootFailures()).put("outOfCapacity", conditions.outOfCapacity())
                .put("interruptions", conditions.interruptions()).put("spotSpread", conditions.spotSpread());
        var fleets = answer.putArray("fleets");
        cases.forEach(one -> fleets.add(json(one)));
        if (cases.size() == 2) {
            answer.set("difference", difference(cases.get(0).figures(), cases.get(1).figures()));
        }
        return answer;
    }

    private static ObjectNode json(Case one) {
        var figures = one.figures();
        var answer = Output.JSON.createObjectNode().put("fleet", one.head().name()).put("file", one.file())
                .put("began", one.outcome().began()).put("ended", one.outcome().ended())
                .put("tasks", figures.tasks()).put("tasksNotRun", figures.notRun()).put("tasksRunAgain", figures.runAgain())
                .put("cost", figures.cost()).put("unpricedSeconds", figures.unpricedSeconds());
        answer.set("machineSeconds", json(figures.seconds()));
        answer.put("utilization", rounded(figures.seconds().utilization())).put("machinesLaunched", figures.machines())
                .put("machinesPerTask", rounded(figures.machinesPerTask()));
        answer.set("waitingSeconds", json(figures.waits()));
        var queues = answer.putObject("queues");
        figures.queues().forEach((name, waits) -> queues.set(name, json(waits)));
        var pools = answer.putObject("pools");
        figures.pools().forEach((name, pool) -> {
            var its = pools.putObject(name).put("machinesLaunched", pool.machines()).put("peakMachines", pool.peak()).put("tasks", pool.tasks()).put("cost", pool.cost());
            its.set("machineSeconds", json(pool.seconds()));
        });
        var constraints = answer.putArray("constraints");
        figures.constraints().forEach(bound -> constraints.addObject().put("kind", bound.kind().name()).put("reason", bound.word())
                .put("pool", bound.pool()).put("taskSeconds", bound.taskSeconds()).put("tasks", bound.tasks()).put("refusals", bound.times()));
        var refused = answer.putObject("launchesRefused");
        figures.launchesRefused().forEach((kind, count) -> refused.put(kind.name(), count));
        return answer;
    }

    private static ObjectNode difference(Figures first, Figures second) {
        var answer = Output.JSON.createObjectNode().put("cost", second.cost().subtract(first.cost()))
                .put("paidSeconds", second.seconds().paid() - first.seconds().paid())
                .put("utilization", rounded(second.seconds().utilization() - first.seconds().utilization()))
                .put("machinesLaunched", second.machines() - first.machines()).put("tasksNotRun", second.notRun() - first.notRun());
        answer.putObject("waitingSeconds").put("p50", second.waits().p50() - first.waits().p50()).put("p90", second.waits().p90() - first.waits().p90())
                .put("p99", second.waits().p99() - first.waits().p99()).put("most", second.waits().max() - first.waits().max());
        return answer;
    }

    private static ObjectNode json(Figures.Seconds seconds) {
        return Output.JSON.createObjectNode().put("paid", seconds.paid()).put("useful", seconds.useful()).put("idle", seconds.idle())
                .put("boot", seconds.boot()).put("waste", seconds.waste());
    }

    private static ObjectNode json(Figures.Waits waits) {
        return Output.JSON.createObjectNode().put("tasks", waits.count()).put("p50", waits.p50()).put("p90", waits.p90()).put("p99", waits.p99())
                .put("most", waits.max());
    }

    private static BigDecimal rounded(double value) {
        return BigDecimal.valueOf(value).setScale(6, RoundingMode.HALF_UP);
    }
}
