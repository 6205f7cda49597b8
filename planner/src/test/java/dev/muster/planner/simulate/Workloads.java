package dev.muster.planner.simulate;

import dev.muster.contracts.FleetYaml;
import dev.muster.contracts.InvalidYamlException;
import dev.muster.planner.core.FleetHead;
import dev.muster.planner.stream.SpecTrial;
import dev.muster.v1.FleetSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Random;

/** Fleets and workloads that the simulation's tests share. */
final class Workloads {

    private Workloads() {}

    static FleetSpec spec(String yaml) {
        try {
            return FleetYaml.read(yaml);
        } catch (InvalidYamlException wrong) {
            throw new IllegalArgumentException(wrong);
        }
    }

    static FleetHead accepted(FleetSpec spec) {
        var trial = SpecTrial.of(spec, Conditions.QUIET.begin());
        return trial.head().orElseThrow(() -> new IllegalArgumentException(trial.violations().toString()));
    }

    /** Bursts and trickles over a day: {@code count} tasks of a minute to two hours in the queues, from the seed alone. */
    static List<SimulatedTask> day(long seed, int count, String... queues) {
        var random = new Random(seed);
        var tasks = new ArrayList<SimulatedTask>();
        long at = 0;
        while (tasks.size() < count) {
            int burst = random.nextInt(5) == 0 ? 1 + random.nextInt(20) : 1;
            for (int i = 0; i < burst && tasks.size() < count; i++) {
                long seconds = Math.round(60 * Math.exp(random.nextDouble() * Math.log(120)));
                tasks.add(new SimulatedTask("task-" + tasks.size(), queues[random.nextInt(queues.length)], at, seconds));
            }
            at += random.nextInt(2 * 86_400 / count * 3);
        }
        return tasks;
    }

    /** The recorded workload that the tests' caller has, as {@code muster simulate} reads it. */
    static List<SimulatedTask> trace(Path file) throws IOException {
        var lines = Files.readAllLines(file);
        var columns = new HashMap<String, Integer>();
        for (var name : lines.get(0).split(",", -1)) {
            columns.put(name.strip(), columns.size());
        }
        var tasks = new ArrayList<SimulatedTask>();
        for (var line : lines.subList(1, lines.size())) {
            var cells = line.split(",", -1);
            int gpus = Integer.parseInt(cells[columns.get("num_gpu")]);
            long created = seconds(cells[columns.get("creation_time")]);
            var scheduled = cells[columns.get("scheduled_time")];
            tasks.add(new SimulatedTask(cells[columns.get("name")], gpus == 0 ? "cpu" : gpus == 1 ? "gpu" : "multi-gpu", created,
                    seconds(cells[columns.get("deletion_time")]) - (scheduled.isEmpty() ? created : seconds(scheduled))));
        }
        return tasks;
    }

    private static long seconds(String cell) {
        return (long) Double.parseDouble(cell);
    }
}
