package dev.muster.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A recorded workload: a table whose columns are named in its first line, as the Alibaba cluster traces have them. */
final class Trace {

    private static final List<String> NEEDED = List.of("name", "num_gpu", "creation_time", "deletion_time", "scheduled_time");

    private Trace() {}

    /**
     * One task of it.
     *
     * @param queue by the GPUs asked: none {@code cpu}, one {@code gpu}, more {@code multi-gpu}
     * @param at when it was put into its queue, since the trace began
     * @param runTime how long it runs
     */
    record Task(String name, String queue, Duration at, Duration runTime) {}

    /** The tasks created from {@code from} on and before {@code to}, in that order. @throws CliFailure naming the line that can't be read */
    static List<Task> read(Path file, long from, long to) {
        try (var reader = Files.newBufferedReader(file)) {
            return read(file, reader, from, to);
        } catch (NoSuchFileException absent) {
            throw CliFailure.failed("there is no file " + file);
        } catch (IOException unreadable) {
            throw CliFailure.failed(file + " can't be read: " + unreadable);
        }
    }

    private static List<Task> read(Path file, BufferedReader reader, long from, long to) throws IOException {
        var head = reader.readLine();
        var columns = new HashMap<String, Integer>();
        if (head != null) {
            var names = head.split(",", -1);
            for (var i = 0; i < names.length; i++) {
                columns.put(names[i].strip(), i);
            }
        }
        var missing = NEEDED.stream().filter(name -> !columns.containsKey(name)).toList();
        if (!missing.isEmpty()) {
            throw CliFailure.failed(file + " has no column " + String.join(", ", missing) + " in its first line");
        }
        var tasks = new ArrayList<Task>();
        var number = 1;
        for (var line = reader.readLine(); line != null; line = reader.readLine()) {
            number++;
            if (line.isBlank()) {
                continue;
            }
            try {
                var task = task(line.split(",", -1), columns);
                if (task.at().toSeconds() >= from && task.at().toSeconds() < to) {
                    tasks.add(task);
                }
            } catch (NumberFormatException | ArrayIndexOutOfBoundsException broken) {
                throw CliFailure.failed(file + " line " + number + " can't be read: " + line);
            }
        }
        tasks.sort(Comparator.comparing(Task::at).thenComparing(Task::name));
        return tasks;
    }

    private static Task task(String[] cells, Map<String, Integer> columns) {
        var created = seconds(cells[columns.get("creation_time")]);
        var deleted = seconds(cells[columns.get("deletion_time")]);
        var scheduledText = cells[columns.get("scheduled_time")].strip();
        // A task that was never scheduled is taken to have run all its life.
        var began = scheduledText.isEmpty() ? created : seconds(scheduledText);
        if (deleted < began) {
            throw new NumberFormatException("deleted before it began");
        }
        var gpus = Integer.parseInt(cells[columns.get("num_gpu")].strip());
        return new Task(cells[columns.get("name")].strip(), gpus == 0 ? "cpu" : gpus == 1 ? "gpu" : "multi-gpu", Duration.ofSeconds(created),
                Duration.ofSeconds(deleted - began));
    }

    private static long seconds(String cell) {
        return Long.parseLong(cell.strip().replaceFirst("\\.0+$", ""));
    }
}
