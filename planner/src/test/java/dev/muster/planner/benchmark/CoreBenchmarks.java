package dev.muster.planner.benchmark;

import dev.muster.contracts.FleetYaml;
import dev.muster.contracts.InvalidYamlException;
import dev.muster.planner.core.CloudState;
import dev.muster.planner.core.Command;
import dev.muster.planner.core.Ending;
import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.FleetEvent;
import dev.muster.planner.core.FleetEvent.DemandSeen;
import dev.muster.planner.core.FleetEvent.LaunchAccepted;
import dev.muster.planner.core.FleetEvent.MachineFacts;
import dev.muster.planner.core.FleetEvent.MachineSeen;
import dev.muster.planner.core.FleetEvent.Seen;
import dev.muster.planner.core.FleetEvent.WorkerSeen;
import dev.muster.planner.core.FleetHead;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.Mark;
import dev.muster.planner.core.Plan;
import dev.muster.planner.core.PlanRecord;
import dev.muster.planner.core.Planner;
import dev.muster.planner.core.QueueSeen;
import dev.muster.planner.stream.SpecTrial;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/**
 * What the core costs: an event, a plan, a machine. No test run includes it by its name; docs/benchmarks/core.md says how it is run
 * and what it showed.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class CoreBenchmarks {

    /** A fleet of machines that all have registered, half of them with a task; nothing waits, and nothing is due. */
    @State(Scope.Thread)
    public static class Busy {

        /** Machines, and queues with a pool for each ten of them at most. */
        @Param({"100/10", "1000/10", "10000/10", "100000/10", "10000/1000"})
        public String size;

        Fleet fleet;
        Instant now;
        List<Machine> machines;
        /** A hundred of them, spread over all. */
        List<Machine> few;
        List<QueueSeen> queues;
        long sequence;
        int turn;

        @Setup(Level.Trial)
        public void build() {
            var parts = size.split("/");
            var builder = new Builder(Integer.parseInt(parts[0]), Integer.parseInt(parts[1]));
            fleet = builder.fleet;
            now = builder.now;
            queues = builder.queues(0);
            machines = List.copyOf(fleet.active().values());
            few = IntStream.range(0, 100).mapToObj(i -> machines.get((int) (i * (long) machines.size() / 100))).toList();
            sequence = builder.sequence;
        }

        /** Another machine each time, far from the last in any order. */
        Machine next() {
            return next(machines);
        }

        Machine next(List<Machine> of) {
            turn = (int) ((turn + 7_919L) % of.size());
            return of.get(turn);
        }

        /** One worker changed; every queue is in each look. */
        DemandSeen look(Machine machine) {
            sequence++;
            return new DemandSeen(now, new Seen("bench", 1, sequence, now, 1, 1), sequence, Duration.ofDays(1), false, queues,
                    List.of(new WorkerSeen(workerId(fleet, machine), "muster", sequence % 2 == 0 ? "" : "task", "", machine.queueIds())), List.of(), List.of());
        }

        MachineSeen report(Machine machine) {
            sequence++;
            // Something of it is news each time, and nothing that a plan decides about.
            return new MachineSeen(now, facts(machine, CloudState.RUNNING, sequence % 2 == 0 ? machine.mark() : Mark.DRAIN));
        }
    }

    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

    private static String workerId(Fleet fleet, Machine machine) {
        return fleet.spec().workersPrefix() + ":" + machine.pool() + ":" + machine.offer().machineType() + ":" + machine.cloudId();
    }

    private static MachineFacts facts(Machine machine, CloudState state) {
        return facts(machine, state, machine.mark());
    }

    private static MachineFacts facts(Machine machine, CloudState state, Mark mark) {
        return new MachineFacts(machine.id(), machine.pool(), machine.cloudId().isEmpty() ? "i-0" + machine.id() : machine.cloudId(), machine.batchId(),
                machine.launchIndex(), machine.offer(), state, Ending.UNKNOWN, machine.requestedAt(), mark, "");
    }

    /** Makes the fleet by what would make it: tasks wait, machines are launched, accepted, run and register. */
    private static final class Builder {
        private final int queueCount;
        private final Fleet fleet;
        private Instant now = START;
        private long sequence;

        private Builder(int machineCount, int queueCount) {
            this.queueCount = queueCount;
            fleet = Fleet.of(head(machineCount, queueCount));
            list();
            look(queues(machineCount / queueCount), List.of());
            for (var record : Planner.plan(fleet, now).records()) {
                if (record instanceof PlanRecord.CommandIssued issued && issued.command() instanceof Command.Launch launch) {
                    fleet.apply(new LaunchAccepted(now, launch.batchId(),
                            launch.machineIds().stream().map(id -> facts(fleet.machine(id).orElseThrow(), CloudState.RUNNING)).toList()));
                }
            }
            now = now.plusSeconds(1);
            var workers = new ArrayList<WorkerSeen>();
            for (var machine : fleet.active().values()) {
                workers.add(new WorkerSeen(workerId(fleet, machine), "muster", workers.size() % 2 == 0 ? "task-" + workers.size() : "", "", machine.queueIds()));
            }
            look(queues(0), workers);
            Planner.plan(fleet, now);
            if (fleet.active().size() != machineCount / queueCount * queueCount || !Planner.plan(fleet, now).records().isEmpty()) {
                throw new IllegalStateException("the fleet is not at rest: " + fleet.active().size() + " machines");
            }
        }

        /** As an operator would declare it, and the planner accept it. */
        private static FleetHead head(int machineCount, int queueCount) {
            int poolCount = Math.min(queueCount, 10);
            var yaml = new StringBuilder("name: bench\nqueues:\n");
            for (int i = 0; i < queueCount; i++) {
                yaml.append("  queue-").append(i).append(": [pool-").append(i % poolCount).append("]\n");
            }
            yaml.append("pools:\n");
            for (int i = 0; i < poolCount; i++) {
                yaml.append("  pool-").append(i).append(": {provider: aws, region: us-east-1, type: g4dn.xlarge, price: 0.526, max: ").append(machineCount).append("}\n");
            }
            try {
                var trial = SpecTrial.of(FleetYaml.read(yaml.toString()), START);
                return trial.head().orElseThrow(() -> new IllegalStateException(trial.violations().toString()));
            } catch (InvalidYamlException wrong) {
                throw new IllegalStateException(wrong);
            }
        }

        private List<QueueSeen> queues(int waiting) {
            var pictures = new ArrayList<QueueSeen>();
            for (int i = 0; i < queueCount; i++) {
                pictures.add(new QueueSeen("queue-" + i, "q-" + i, QueueSeen.State.SERVED, "", waiting, waiting == 0 ? null : now, List.of()));
            }
            return pictures;
        }

        private void look(List<QueueSeen> queues, List<WorkerSeen> workers) {
            sequence++;
            fleet.apply(new DemandSeen(now, new Seen("bench", 1, sequence, now, 1, 1), sequence, Duration.ofDays(1), true, queues, workers, List.of(), List.of()));
        }

        private void list() {
            fleet.apply(new FleetEvent.InventorySeen(now, fleet.head().scopes().iterator().next(), new Seen("bench", 1, 1, now, 1, 1), now, FleetEvent.ScopeState.LISTED, "", List.of(), ""));
        }
    }

    /** A look in which one worker changed, and every queue is told as it was. */
    @Benchmark
    public void look(Busy busy) {
        busy.fleet.apply(busy.look(busy.next()));
        busy.fleet.takeChanges();
    }

    /** The same, of a hundred workers only: what a look costs where memory costs nothing. */
    @Benchmark
    public void lookAtFew(Busy busy) {
        busy.fleet.apply(busy.look(busy.next(busy.few)));
        busy.fleet.takeChanges();
    }

    /** A machine's cloud shows another state than before. */
    @Benchmark
    public void machineReport(Busy busy) {
        busy.fleet.apply(busy.report(busy.next()));
        busy.fleet.takeChanges();
    }

    /** The same, of a hundred machines only: what a report costs where memory costs nothing. */
    @Benchmark
    public void reportOfFew(Busy busy) {
        busy.fleet.apply(busy.report(busy.next(busy.few)));
        busy.fleet.takeChanges();
    }

    /** A machine is found by its id and read, and nothing is done: what memory alone costs of an event, in a fleet of that size. */
    @Benchmark
    public boolean find(Busy busy) {
        var machine = busy.fleet.machine(busy.next().id()).orElseThrow();
        return busy.fleet.isBusy(machine) && machine.paid().tasks().get(0).task().isEmpty();
    }

    /** A plan of a fleet that needs nothing. */
    @Benchmark
    public Plan plan(Busy busy) {
        return Planner.plan(busy.fleet, busy.now);
    }

    /** Measures everything, and writes the table. */
    @Test
    void writeTheTable() throws RunnerException, IOException {
        var seconds = Integer.getInteger("benchmark.seconds", 1);
        var results = new Runner(new OptionsBuilder().include(CoreBenchmarks.class.getSimpleName()).addProfiler(GCProfiler.class)
                .forks(Integer.getInteger("benchmark.forks", 1)).warmupIterations(3).warmupTime(TimeValue.seconds(seconds))
                .measurementIterations(5).measurementTime(TimeValue.seconds(seconds)).jvmArgs("-Xms2g", "-Xmx2g", "-XX:+UseSerialGC", "-XX:+UseTransparentHugePages").build()).run();
        var table = new StringBuilder("| what | machines / queues | µs | ± (99.9 %) | bytes allocated | a second |\n| --- | --- | --- | --- | --- | --- |\n");
        for (var result : results) {
            var primary = result.getPrimaryResult();
            var allocated = result.getSecondaryResults().entrySet().stream().filter(entry -> entry.getKey().endsWith("gc.alloc.rate.norm"))
                    .mapToDouble(entry -> entry.getValue().getScore()).findFirst().orElse(Double.NaN);
            table.append(String.format(Locale.ROOT, "| %s | %s | %.2f | %.2f | %,.0f | %,.0f |%n", primary.getLabel(), result.getParams().getParam("size"),
                    primary.getScore(), primary.getScoreError(), allocated, 1e6 / primary.getScore()));
        }
        table.append('\n').append(memory());
        var file = Files.writeString(Path.of("target", "core-benchmarks.md"), table);
        System.out.println(table + "\nwritten to " + file.toAbsolutePath());
    }

    /** Bytes of heap for each machine, its worker included, at 100,000. */
    private static String memory() {
        long before = used();
        var held = new Builder(100_000, 10);
        long each = (used() - before) / held.fleet.active().size();
        return "Heap for each machine with its worker, at " + String.format(Locale.ROOT, "%,d", held.fleet.active().size()) + ": " + each + " bytes.\n";
    }

    private static long used() {
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }
}
