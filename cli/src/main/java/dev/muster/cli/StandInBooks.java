package dev.muster.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.muster.sandbox.suite.SuiteState;
import java.io.IOException;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What ClearML and the clouds themselves saw, read from the sandbox's stand-ins: the demo and the replay believe these, and not what
 * Muster says of itself.
 *
 * @param peaks most machines alive at once, by pool
 * @param live machines that exist now
 */
record StandInBooks(Map<String, Task> tasks, List<Machine> machines, Map<String, Integer> peaks, int live, BigDecimal dollars) {

    /**
     * One task at ClearML.
     *
     * @param started when it first went in progress; null if it never did
     * @param ended when it ended last; null if it never did
     * @param starts how often it went in progress
     * @param workers all that worked on it
     */
    record Task(String id, String name, String queue, String status, Instant enqueued, Instant started, Instant ended, String lastWorker, int starts,
            List<String> workers) {

        boolean isCompleted() {
            return status.equals("completed");
        }
    }

    /**
     * One machine as its cloud has it. Moments are null while they haven't come.
     *
     * @param id the cloud's name, which worker ids end with: of a pod its uid
     * @param machineId on EC2 from the launch call's token and the launch index, elsewhere the name
     */
    record Machine(String id, String machineId, String pool, String type, Instant launched, Instant running, Instant ending, Instant ended, BigDecimal dollars) {}

    /** @throws IOException if the suite doesn't answer */
    static StandInBooks read(Run run, SuiteState state) throws IOException {
        var clearml = Output.JSON.readTree(run.get(state, "/clearml/books"));
        var tasks = new TreeMap<String, Task>();
        for (var task : clearml.path("tasks")) {
            var workers = new ArrayList<String>();
            task.path("workers").forEach(worker -> workers.add(worker.asText()));
            tasks.put(task.path("id").asText(), new Task(task.path("id").asText(), task.path("name").asText(), task.path("queue").asText(),
                    task.path("status").asText(), instant(task, "enqueued"), instant(task, "started"), instant(task, "ended"),
                    task.path("lastWorker").asText(""), task.path("starts").asInt(), workers));
        }
        var machines = new ArrayList<Machine>();
        var peaks = new TreeMap<String, Integer>();
        int live = 0;
        var dollars = BigDecimal.ZERO;
        for (var cloud : List.of("ec2", "gce", "k8s")) {
            var isThere = switch (cloud) {
                case "ec2" -> !state.ec2().isEmpty();
                case "gce" -> !state.gce().isEmpty();
                default -> !state.k8s().isEmpty();
            };
            if (!isThere) {
                continue;
            }
            var books = Output.JSON.readTree(run.get(state, "/" + cloud + "/books"));
            books.path(cloud.equals("k8s") ? "pods" : "instances").forEach(one -> machines.add(switch (cloud) {
                case "ec2" -> new Machine(one.path("id").asText(), machineId(one.path("clientToken").asText(), one.path("launchIndex").asInt()),
                        one.path("tags").path("muster-pool").asText(), one.path("type").asText(), instant(one, "launched"), instant(one, "running"),
                        instant(one, "ending"), instant(one, "ended"), dollars(one));
                case "gce" -> new Machine(one.path("name").asText(), one.path("name").asText(), one.path("labels").path("muster-pool").asText(), one.path("type").asText(),
                        instant(one, "created"), instant(one, "running"), instant(one, "ending"), instant(one, "gone"), dollars(one));
                // What a pod is billed for is its node, which has no end of its own here.
                default -> new Machine(one.path("uid").asText(), one.path("name").asText(), one.path("labels").path("muster.dev/pool").asText(), "pod",
                        instant(one, "created"), instant(one, "running"), instant(one, "ended"), instant(one, "ended"), dollars(one));
            }));
            for (var counted : List.of("peakByTag", "peakByLabel")) {
                books.path(counted).path("muster-pool").properties().forEach(pool -> peaks.put(pool.getKey(), pool.getValue().asInt()));
            }
            live += books.path("live").asInt();
            dollars = dollars.add(dollars(books));
        }
        return new StandInBooks(tasks, machines, peaks, live, dollars);
    }

    private static BigDecimal dollars(JsonNode of) {
        return new BigDecimal(of.path("dollars").asText("0"));
    }

    private static Instant instant(JsonNode node, String field) {
        var text = node.path(field).asText("");
        return text.isEmpty() || text.equals("null") ? null : Instant.parse(text);
    }

    /** A batch's id is its first machine id, and its ids follow each other: {@code m<incarnation>-<counter>}. */
    private static String machineId(String batch, int index) {
        var dash = batch.lastIndexOf('-');
        return dash > 0 && batch.substring(dash + 1).matches("\\d{1,18}")
                ? batch.substring(0, dash + 1) + (Long.parseLong(batch.substring(dash + 1)) + index) : batch + "+" + index;
    }

    long completed() {
        return tasks.values().stream().filter(Task::isCompleted).count();
    }

    /** Tasks that started twice, or on two workers. */
    long ranMoreThanOnce() {
        return tasks.values().stream().filter(task -> task.starts() > 1 || task.workers().size() > 1).count();
    }

    /** Machine ids that stand for more than one machine; must be none. */
    List<String> sharedIds() {
        var count = new HashMap<String, Integer>();
        machines.forEach(machine -> count.merge(machine.machineId(), 1, Integer::sum));
        return count.entrySet().stream().filter(entry -> entry.getValue() > 1).map(Map.Entry::getKey).sorted().toList();
    }
}
