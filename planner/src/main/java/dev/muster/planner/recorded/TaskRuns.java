package dev.muster.planner.recorded;

import com.google.protobuf.Timestamp;
import dev.muster.contracts.Times;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.DemandObserved;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.TaskRun;
import dev.muster.v1.TaskSeen;
import dev.muster.v1.WorkerSeen;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Which tasks one machine ran, put together of what the watcher saw of its workers. One thread uses it. */
final class TaskRuns {

    private final MachineRecord machine;
    private final Map<String, String> queueNames;
    private final List<TaskRun.Builder> runs = new ArrayList<>();
    /** By worker. */
    private final Map<String, TaskRun.Builder> running = new HashMap<>();
    private final List<DemandObserved> parts = new ArrayList<>();
    private long generation;
    private long sequence;

    /** @param queueNames by id, as far as they are known */
    TaskRuns(MachineRecord machine, Map<String, String> queueNames) {
        this.machine = machine;
        this.queueNames = queueNames;
    }

    /** @param at when the broker took it */
    void on(DemandEvent event, Instant at) {
        if (event.hasTasksObserved()) {
            event.getTasksObserved().getTasksList().forEach(this::seen);
        } else if (event.hasDemandObserved()) {
            var of = event.getSeen();
            if (of.getGeneration() != generation || of.getSequence() != sequence) {
                parts.clear();
                generation = of.getGeneration();
                sequence = of.getSequence();
            }
            parts.add(event.getDemandObserved());
            if (parts.size() >= Math.max(1, of.getParts())) {
                look(Times.timestamp(at));
                parts.clear();
            }
        }
    }

    private void look(Timestamp at) {
        var gone = parts.get(0).getFull() ? new HashSet<>(running.keySet()) : new HashSet<String>();
        for (var part : parts) {
            part.getWorkersList().stream().filter(worker -> isOurs(worker.getWorker())).forEach(worker -> {
                gone.remove(worker.getWorker());
                runs(worker, at);
            });
            gone.addAll(part.getWorkersGoneList());
        }
        gone.forEach(worker -> end(worker, at));
    }

    private void runs(WorkerSeen worker, Timestamp at) {
        var now = running.get(worker.getWorker());
        if (now != null && now.getTask().equals(worker.getTask())) {
            return;
        }
        end(worker.getWorker(), at);
        if (!worker.getTask().isEmpty()) {
            var run = TaskRun.newBuilder().setTask(worker.getTask()).setProject(worker.getProject()).setStarted(at);
            runs.add(run);
            running.put(worker.getWorker(), run);
        }
    }

    private void end(String worker, Timestamp at) {
        var run = running.remove(worker);
        if (run != null && !run.hasEnded()) {
            run.setEnded(at);
        }
    }

    /** As the server has it; its times are of its last run, which may have been elsewhere. */
    private void seen(TaskSeen task) {
        TaskRun.Builder last = null;
        for (var run : runs) {
            if (run.getTask().equals(task.getTask())) {
                run.setQueue(name(task.getQueue())).setProject(task.getProject()).setUser(task.getUser());
                last = run;
            }
        }
        if (last == null || !isOurs(task.getLastWorker())) {
            return;
        }
        last.setStatus(task.getStatus());
        if (task.hasStarted()) {
            last.setStarted(task.getStarted());
        }
        if (task.hasEnded()) {
            last.setEnded(task.getEnded());
        }
    }

    /** Workers say where they run by the last part of their ids: the cloud's name, and a slot behind a dot. */
    private boolean isOurs(String worker) {
        if (machine.getWorkerIdsList().contains(worker)) {
            return true;
        }
        var last = worker.substring(worker.lastIndexOf(':') + 1);
        return !machine.getCloudId().isEmpty() && (last.equals(machine.getCloudId())
                || last.startsWith(machine.getCloudId() + ".") && last.substring(machine.getCloudId().length() + 1).matches("[0-9]+"));
    }

    private String name(String queueId) {
        return queueNames.getOrDefault(queueId, queueId);
    }

    /** Oldest first; what runs now by the machine's record too, and each with its share of the machine's cost. */
    List<TaskRun> runs(Instant now) {
        var all = new ArrayList<>(runs);
        for (var task : machine.getTasksList()) {
            if (running.values().stream().noneMatch(run -> run.getTask().equals(task))) {
                all.add(TaskRun.newBuilder().setTask(task));
            }
        }
        machine.getPaid().getTasksList().forEach(share -> all.stream().filter(run -> run.getTask().equals(share.getTask()) && !run.hasEnded()).forEach(run -> {
            run.setQueue(name(share.getQueue())).setProject(share.getProject()).setUser(share.getUser());
            if (!run.hasStarted()) {
                run.setStarted(machine.getPaid().getKindSince());
            }
        }));
        share(all, now);
        return all.stream().map(TaskRun.Builder::build).toList();
    }

    /** Tasks that run at one time share what the machine costs in it, at the price that it has now. */
    private void share(List<TaskRun.Builder> all, Instant now) {
        if (!machine.getPaid().hasMicrosPerHour()) {
            return;
        }
        var until = machine.hasEndedAt() ? millis(machine.getEndedAt()) : now.toEpochMilli();
        Set<Long> moments = new TreeSet<>();
        var timed = all.stream().filter(TaskRun.Builder::hasStarted).toList();
        timed.forEach(run -> {
            moments.add(millis(run.getStarted()));
            moments.add(run.hasEnded() ? millis(run.getEnded()) : until);
        });
        var spent = new double[timed.size()];
        Long from = null;
        for (var to : moments) {
            if (from != null) {
                var begin = from;
                var during = java.util.stream.IntStream.range(0, timed.size()).filter(i -> millis(timed.get(i).getStarted()) <= begin
                        && (timed.get(i).hasEnded() ? millis(timed.get(i).getEnded()) : until) >= to).toArray();
                for (var i : during) {
                    spent[i] += machine.getPaid().getMicrosPerHour() * ((to - begin) / 3_600_000.0) / during.length;
                }
            }
            from = to;
        }
        for (int i = 0; i < spent.length; i++) {
            timed.get(i).setSpentMicros(Math.round(spent[i]));
        }
    }

    private static long millis(Timestamp time) {
        return time.getSeconds() * 1000 + time.getNanos() / 1_000_000;
    }
}
