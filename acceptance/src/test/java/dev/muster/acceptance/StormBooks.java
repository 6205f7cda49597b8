package dev.muster.acceptance;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** What ClearML's and EC2's own books tell of a run that is over: who worked on what and when, and what each machine was told. */
final class StormBooks {

    /**
     * A task in progress on a worker.
     *
     * @param worker the first that reported it; empty if none did
     * @param ended  null while it runs
     * @param end    the status that it then had; empty while it runs
     * @param back   when it was put into a queue again; null if it wasn't
     */
    record Run(String task, String worker, Instant popped, Instant started, Instant ended, String end, Instant back) {

        boolean isOn(Machine machine) {
            return worker.endsWith(":" + machine.id);
        }

        boolean holds(Instant moment) {
            return !popped.isAfter(moment) && (ended == null || ended.isAfter(moment));
        }
    }

    /** @param untaken pops after which it was put back without having been in progress */
    record Task(String id, String status, List<Run> runs, int untaken, List<Wait> waits) {}

    /** A task in its queue. @param until null while it waits */
    record Wait(Instant from, Instant until) {

        boolean holds(Instant moment) {
            return !from.isAfter(moment) && (until == null || until.isAfter(moment));
        }
    }

    /** @param read when the machine was first told of it; null if it never was */
    record Mark(String word, Instant at, Instant read) {}

    /**
     * A machine is to take nothing more.
     *
     * @param read  when it was first told; null if it never was
     * @param until when that was taken back; null if it wasn't
     */
    record Drain(Instant at, Instant read, Instant until) {}

    /**
     * @param machineId Muster's name for it
     * @param running   null if it never ran
     * @param ended     when the cloud showed it as gone; null before
     */
    record Machine(String id, String machineId, Instant launched, Instant running, Instant ending, Instant ended, String state, String endReason,
            List<Mark> marks) {

        /** Each time that it was to end, and not: a mark is repeated, and the first of a row counts. */
        List<Drain> drains() {
            var drains = new ArrayList<Drain>();
            Mark first = null;
            for (var mark : marks) {
                if (mark.word.equals("none")) {
                    if (first != null) {
                        drains.add(new Drain(first.at, first.read, mark.at));
                    }
                    first = null;
                } else if (first == null) {
                    first = mark;
                }
            }
            if (first != null) {
                drains.add(new Drain(first.at, first.read, null));
            }
            return drains;
        }

        /** The one that was not taken back. */
        Optional<Drain> lastDrain() {
            return drains().stream().filter(drain -> drain.until == null).findFirst();
        }

        boolean isMarked(Instant moment) {
            return drains().stream().anyMatch(drain -> !drain.at.isAfter(moment) && (drain.until == null || drain.until.isAfter(moment)));
        }

        /** From when it was to be drained until it may work on. */
        boolean leaves(Instant asked, Instant moment) {
            return !asked.isAfter(moment)
                    && marks.stream().noneMatch(mark -> mark.word.equals("none") && mark.at.isAfter(asked) && !mark.at.isAfter(moment));
        }

        /** It ended itself, as its guard does, under a mark. */
        boolean isDrained() {
            return lastDrain().isPresent() && endReason.equals("Client.InstanceInitiatedShutdown");
        }
    }

    /** A launch call that the cloud followed. */
    record Launch(Instant at, List<String> machines) {}

    final List<Task> tasks;
    final List<Machine> machines;
    final List<Launch> launches;
    final List<Run> runs;

    private StormBooks(List<Task> tasks, List<Machine> machines, List<Launch> launches) {
        this.tasks = tasks;
        this.machines = machines;
        this.launches = launches;
        this.runs = tasks.stream().flatMap(task -> task.runs.stream()).sorted(Comparator.comparing(Run::started)).toList();
    }

    static StormBooks read(StandIns standIns) throws IOException, InterruptedException {
        return of(standIns.get("/clearml/books?steps=true"), standIns.get("/ec2/books"));
    }

    static StormBooks of(JsonNode clearml, JsonNode ec2) {
        return new StormBooks(tasks(clearml), machines(ec2),
                list(ec2.path("launchCalls")).filter(call -> call.path("answer").asText().equals("Success") && !call.path("repeated").asBoolean())
                        .map(call -> new Launch(time(call, "at"), list(call.path("instances")).map(JsonNode::asText).toList())).toList());
    }

    /** @param clearml its books, with steps */
    static List<Task> tasks(JsonNode clearml) {
        return list(clearml.path("tasks")).map(StormBooks::task).toList();
    }

    /** Every machine that ever was, oldest first. @param ec2 the cloud's books */
    static List<Machine> machines(JsonNode ec2) {
        return list(ec2.path("instances")).map(StormBooks::machine).toList();
    }

    private static Machine machine(JsonNode entry) {
        var marks = list(entry.path("taggings")).filter(tagging -> tagging.path("key").asText().equals("muster-mark"))
                .map(tagging -> new Mark(tagging.path("value").asText().split(":")[0], time(tagging, "at"), time(tagging, "read"))).toList();
        // A batch's id is its first machine's; the others count on from there.
        var batch = entry.path("tags").path("muster-batch").asText();
        var number = batch.lastIndexOf('-') + 1;
        var machineId = batch.substring(0, number) + (Integer.parseInt(batch.substring(number)) + entry.path("launchIndex").asInt());
        return new Machine(entry.path("id").asText(), machineId, time(entry, "launched"), time(entry, "running"), time(entry, "ending"),
                time(entry, "ended"), entry.path("state").asText(), entry.path("endReason").asText(""), marks);
    }

    /** The same of Google's books, where a machine is named by its id. One that stopped is there until it is deleted. */
    static List<Machine> machinesOnGoogle(JsonNode gce) {
        return list(gce.path("instances")).map(entry -> new Machine(entry.path("name").asText(), entry.path("name").asText(), time(entry, "created"),
                time(entry, "running"), time(entry, "ending"), time(entry, "gone"), entry.path("status").asText(), entry.path("endReason").asText(""),
                list(entry.path("writings")).filter(writing -> writing.path("key").asText().equals("muster-mark"))
                        .map(writing -> new Mark(writing.path("value").asText().split(":")[0], time(writing, "at"), time(writing, "read"))).toList())).toList();
    }

    /** The same of a cluster's, where a machine's name is its id. A pod that has ended is there for a while, and holds nothing. */
    static List<Machine> machinesOnKubernetes(JsonNode cluster) {
        return list(cluster.path("pods")).map(entry -> new Machine(entry.path("uid").asText(), entry.path("name").asText(), time(entry, "created"), time(entry, "running"),
                time(entry, "ended"), time(entry, "ended"), entry.path("phase").asText(), entry.path("reason").asText(""),
                list(entry.path("marks")).map(mark -> new Mark(mark.asText().split(":")[0], null, null)).toList())).toList();
    }

    private static Task task(JsonNode book) {
        var id = book.path("id").asText();
        var runs = new ArrayList<Run>();
        var waits = new ArrayList<Wait>();
        Instant added = null;
        Instant popped = null;
        Run run = null;
        int untaken = 0;
        for (var step : book.path("steps")) {
            var at = time(step, "at");
            switch (step.path("what").asText()) {
                case "added" -> {
                    added = at;
                    untaken += popped == null ? 0 : 1;
                    popped = null;
                    if (run != null) {
                        runs.set(runs.size() - 1, new Run(id, run.worker, run.popped, run.started, run.ended, run.end, at));
                        run = null;
                    }
                }
                case "popped", "removed" -> {
                    waits.add(new Wait(added, at));
                    added = null;
                    popped = step.path("what").asText().equals("popped") ? at : null;
                }
                case "in_progress" -> {
                    run = new Run(id, "", popped == null ? at : popped, at, null, "", null);
                    popped = null;
                    runs.add(run);
                }
                case "reported" -> {
                    if (run != null && run.worker.isEmpty()) {
                        run = new Run(id, step.path("worker").asText(), run.popped, run.started, run.ended, run.end, null);
                        runs.set(runs.size() - 1, run);
                    }
                }
                default -> {
                    if (run != null && run.ended == null) {
                        run = new Run(id, run.worker, run.popped, run.started, at, step.path("what").asText(), null);
                        runs.set(runs.size() - 1, run);
                    }
                }
            }
        }
        if (added != null) {
            waits.add(new Wait(added, null));
        }
        return new Task(id, book.path("status").asText(), List.copyOf(runs), untaken, List.copyOf(waits));
    }

    private static Stream<JsonNode> list(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false);
    }

    private static Instant time(JsonNode node, String field) {
        return node.hasNonNull(field) ? Instant.parse(node.path(field).asText()) : null;
    }

    // Questions.

    List<Run> runsOn(Machine machine) {
        return runs.stream().filter(run -> run.isOn(machine)).toList();
    }

    List<Machine> drained() {
        return machines.stream().filter(Machine::isDrained).toList();
    }

    int waiting(Instant moment) {
        return (int) tasks.stream().filter(task -> task.waits.stream().anyMatch(wait -> wait.holds(moment))).count();
    }

    boolean isBusy(String worker, Instant moment) {
        return runs.stream().anyMatch(run -> run.worker.equals(worker) && run.holds(moment));
    }

    /**
     * Machines launched before a call that at a moment could take a task, then or once they have booted.
     *
     * @param killed when which machine lost its power
     * @param asked  when which machine was to be drained, which its mark follows
     */
    int free(Instant moment, Launch call, Map<String, Instant> killed, Map<String, Instant> asked) {
        return (int) machines.stream().filter(machine -> machine.launched.isBefore(call.at) && !call.machines.contains(machine.id))
                .filter(machine -> machine.ending == null || machine.ending.isAfter(moment))
                .filter(machine -> !killed.containsKey(machine.id) || killed.get(machine.id).isAfter(moment))
                .filter(machine -> !machine.isMarked(moment) && !(asked.containsKey(machine.id) && machine.leaves(asked.get(machine.id), moment)))
                .filter(machine -> runs.stream().noneMatch(run -> run.isOn(machine) && run.holds(moment))).count();
    }

    /** Moments at which what is waiting or free may have changed, and both ends. */
    List<Instant> moments(Instant from, Instant until) {
        var changes = new TreeSet<>(List.of(from, until));
        tasks.forEach(task -> task.waits.forEach(wait -> changes.addAll(wait.until == null ? List.of(wait.from) : List.of(wait.from, wait.until))));
        runs.forEach(run -> changes.addAll(run.ended == null ? List.of(run.popped) : List.of(run.popped, run.ended)));
        machines.forEach(machine -> {
            machine.marks.forEach(mark -> changes.add(mark.at));
            changes.add(machine.ending == null ? machine.launched : machine.ending);
        });
        return List.copyOf(changes.subSet(from, true, until, true));
    }
}
