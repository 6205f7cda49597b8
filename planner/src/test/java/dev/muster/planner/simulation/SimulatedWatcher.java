package dev.muster.planner.simulation;

import dev.muster.planner.core.Command;
import dev.muster.planner.core.FleetEvent;
import dev.muster.planner.core.FleetEvent.RescueOutcome;
import dev.muster.planner.core.FleetEvent.Seen;
import dev.muster.planner.core.FleetEvent.TaskAdrift;
import dev.muster.planner.core.FleetEvent.TaskSeen;
import dev.muster.planner.core.FleetEvent.WorkerSeen;
import dev.muster.planner.core.QueueSeen;
import dev.muster.planner.core.TaskStatus;
import dev.muster.planner.simulation.Happening.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * The queue-watcher as its {@code Looks} and {@code Rescue} are written: workers before queues in each look, full or changes, tasks that
 * left read by id, tasks adrift confirmed by a second look, one errand after the other, each repeatable from its start.
 */
final class SimulatedWatcher {

    private static final long MOST_AGE = 10_000;
    private static final long MOST_SILENCE = 5000;
    private static final long FULL_EVERY = 60_000;
    private static final long SWEEP_EVERY = 60_000;
    private static final long READ_ADRIFT_EVERY = 5000;
    private static final long AGENTS_REPORT_WITHIN = 60_000;

    private record Adrift(SimulatedTask task, TaskStatus status, String worker, long update, long since, long readAt, boolean isConfirmed) {}

    /** A task that was failed, for which machine. */
    private record Failed(String machine, long at) {}

    /** A task to be failed that is queued and in no queue. {@code enqueued}: another time is another stay. */
    private record InNoQueue(long enqueued, long since) {}

    private record Done(String worker, TaskStatus expected, long at) {}

    private final World world;
    private final Dice dice;
    private final long interval;

    private long life;
    private boolean isUp = true;
    private long generation;
    private long looks;
    private long sequence;
    private int failures;
    private boolean isFullDue = true;
    private long fullAt = Long.MIN_VALUE / 2;
    private long toldAt = Long.MIN_VALUE / 2;
    private List<QueueSeen> toldQueues = List.of();
    private List<TaskAdrift> toldAdrift = List.of();
    private Map<String, WorkerSeen> toldWorkers = Map.of();
    private TreeSet<String> waiting = new TreeSet<>();
    private TreeSet<String> running = new TreeSet<>();
    private boolean hasLooked;
    private final Map<String, Long> left = new LinkedHashMap<>();
    private final TreeMap<String, Adrift> adrift = new TreeMap<>();
    private long adriftReadAt;
    private long sweptAt;
    private final Map<String, Done> done = new HashMap<>();
    private final Map<String, Failed> failed = new HashMap<>();
    private final Map<String, InNoQueue> inNoQueue = new HashMap<>();
    /** Committed. */
    private int errandsDone;
    private boolean isOnErrand;
    /** The next look is to get lost. */
    private boolean losesNext;

    SimulatedWatcher(World world) {
        this.world = world;
        this.dice = world.dice("watcher");
        this.interval = world.shape().interval();
        start();
    }

    private long clock() {
        return world.now() + world.shape().watcherSkew();
    }

    private void start() {
        isUp = true;
        var of = ++life;
        generation = clock() + 10_000;
        looks = 0;
        sequence = 0;
        failures = 0;
        isFullDue = true;
        fullAt = Long.MIN_VALUE / 2;
        toldAt = Long.MIN_VALUE / 2;
        toldQueues = List.of();
        toldAdrift = List.of();
        toldWorkers = Map.of();
        waiting = new TreeSet<>();
        running = new TreeSet<>();
        hasLooked = false;
        left.clear();
        adrift.clear();
        adriftReadAt = Long.MIN_VALUE / 2;
        sweptAt = Long.MIN_VALUE / 2;
        done.clear();
        failed.clear();
        inNoQueue.clear();
        isOnErrand = false;
        tick(of);
        errands();
    }

    void restart(long downFor) {
        if (isUp) {
            world.trace("watcher", "ends");
            isUp = false;
            life++;
            world.after(downFor, () -> {
                world.trace("watcher", "is back, with a new generation");
                start();
            });
        }
    }

    void loseNextLook() {
        losesNext = true;
    }

    // Looks.

    private void tick(long of) {
        if (of != life) {
            return;
        }
        var startedAt = clock();
        var begun = world.now();
        var workers = world.clearml().workers();
        world.after(dice.between(5, 300), () -> {
            if (of != life) {
                return;
            }
            var isFailed = world.isOn(Kind.READS_FAIL);
            var late = world.isOn(Kind.LOOKS_LATE) ? dice.between(8000, 20_000) : dice.between(5, 100);
            if (isFailed) {
                failures++;
                var count = failures;
                var seen = seen(startedAt);
                send(late, at -> new FleetEvent.ReadFailed(at, seen, "SERVER_ERROR", "queues.get_all", "", count));
            } else {
                failures = 0;
                look(workers, startedAt, late);
                readTasks(of);
            }
            world.at(Math.max(begun + interval, world.now() + 1), () -> tick(of));
        });
    }

    private Seen seen(long startedAt) {
        return new Seen("watcher", generation, sequence, world.instant(startedAt), 1, 1);
    }

    private void send(long delay, Function<Instant, FleetEvent> event) {
        world.demand().send(delay, event);
    }

    private void look(List<WorkerSeen> workers, long startedAt, long late) {
        looks++;
        var nowWaiting = new TreeSet<String>();
        var queues = new ArrayList<QueueSeen>();
        for (var queue : world.shape().queues()) {
            var entries = world.clearml().queues.get(queue.id());
            var first = new ArrayList<String>(entries.size());
            for (var entry : entries) {
                first.add(entry.task().id);
            }
            nowWaiting.addAll(first);
            queues.add(new QueueSeen(queue.name(), queue.id(), QueueSeen.State.SERVED, "", entries.size(),
                    entries.isEmpty() ? null : world.instant(entries.get(0).addedAt()), first));
        }
        var nowRunning = new TreeSet<String>();
        var byId = new TreeMap<String, WorkerSeen>();
        for (var worker : workers) {
            byId.put(worker.id(), worker);
            if (!worker.task().isEmpty()) {
                nowRunning.add(worker.task());
            }
        }
        if (hasLooked) {
            for (var task : waiting) {
                if (!nowWaiting.contains(task)) {
                    left.put(task, looks);
                }
            }
            for (var task : running) {
                if (!nowRunning.contains(task)) {
                    left.put(task, looks);
                }
            }
        }
        hasLooked = true;
        waiting = nowWaiting;
        running = nowRunning;
        adrift.replaceAll((id, a) -> new Adrift(a.task, a.status, a.worker, a.update, a.since, a.readAt, true));
        adrift.keySet().removeIf(id -> waiting.contains(id) || running.contains(id));
        observe(queues, byId, startedAt, late);
    }

    private void observe(List<QueueSeen> queues, TreeMap<String, WorkerSeen> workers, long startedAt, long late) {
        var drifting = new ArrayList<TaskAdrift>();
        for (var a : adrift.values()) {
            if (a.isConfirmed) {
                var isOld = a.readAt + 2 * Math.max(READ_ADRIFT_EVERY, interval) < startedAt;
                drifting.add(new TaskAdrift(a.task.id, a.task.queueId, a.worker, a.status, world.instant(a.update),
                        world.instant(isOld ? startedAt : a.since)));
            }
        }
        var gone = toldWorkers.keySet().stream().filter(id -> !workers.containsKey(id)).toList();
        var isFull = isFullDue || startedAt >= fullAt + FULL_EVERY - interval / 2;
        var changed = workers.values().stream().filter(worker -> isFull || !worker.equals(toldWorkers.get(worker.id()))).toList();
        var isNews = isFull || !gone.isEmpty() || !changed.isEmpty() || !queues.equals(toldQueues) || !drifting.equals(toldAdrift);
        if (!isNews && startedAt < toldAt + Math.max(interval, MOST_SILENCE) - interval / 2) {
            return;
        }
        isFullDue = false;
        fullAt = isFull ? startedAt : fullAt;
        toldAt = startedAt;
        toldQueues = queues;
        toldAdrift = drifting;
        toldWorkers = workers;
        sequence++;
        if (losesNext) {
            losesNext = false;
            isFullDue = true;
            world.trace("watcher", "loses a look");
            return;
        }
        var tick = looks;
        var isSplit = isFull && changed.size() > 1 && dice.chance(world.shape().twoParts());
        var cut = isSplit ? dice.between(1, changed.size() - 1) : changed.size();
        for (int part = 1; part <= (isSplit ? 2 : 1); part++) {
            var isFirst = part == 1;
            var seen = new Seen("watcher", generation, sequence, world.instant(startedAt), part, isSplit ? 2 : 1);
            var some = List.copyOf(isFirst ? changed.subList(0, cut) : changed.subList(cut, changed.size()));
            send(late, at -> new FleetEvent.DemandSeen(at, seen, tick, Duration.ofMillis(interval), isFull, isFirst ? queues : List.of(), some,
                    isFull || !isFirst ? List.of() : gone, isFirst ? drifting : List.of()));
        }
    }

    private void readTasks(long of) {
        var due = new ArrayList<String>();
        left.forEach((task, look) -> {
            if (look < looks) {
                due.add(task);
            }
        });
        if (!adrift.isEmpty() && clock() >= adriftReadAt + READ_ADRIFT_EVERY) {
            adriftReadAt = clock();
            adrift.keySet().stream().filter(id -> !left.containsKey(id)).forEach(due::add);
        }
        var isSweepDue = clock() >= sweptAt + SWEEP_EVERY;
        if (due.isEmpty() && !isSweepDue) {
            return;
        }
        var startedAt = clock();
        world.after(dice.between(5, 100), () -> {
            if (of != life || world.isOn(Kind.READS_FAIL)) {
                return;
            }
            if (!due.isEmpty()) {
                read(due, startedAt);
            }
            if (isSweepDue) {
                sweptAt = startedAt;
                world.clearml().tasks.values().stream().filter(SimulatedTask::isUnfinished).forEach(task -> noteAdrift(task, startedAt));
            }
        });
    }

    private void read(List<String> asked, long startedAt) {
        var news = new ArrayList<TaskSeen>();
        for (var id : asked) {
            var task = world.clearml().tasks.get(id);
            var isNews = left.remove(id) != null;
            var was = adrift.containsKey(id);
            noteAdrift(task, startedAt);
            if (isNews || was && !adrift.containsKey(id)) {
                news.add(new TaskSeen(id, task.queueId, "project", "somebody", task.lastWorker, task.statusReason, task.status, world.instant(task.enqueuedAt),
                        task.startedAt < 0 ? null : world.instant(task.startedAt), task.endedAt < 0 ? null : world.instant(task.endedAt)));
            }
        }
        if (!news.isEmpty()) {
            var seen = seen(startedAt);
            send(dice.between(5, 100), at -> new FleetEvent.TasksSeen(at, seen, news));
        }
    }

    private void noteAdrift(SimulatedTask task, long at) {
        if (!task.isUnfinished() || waiting.contains(task.id) || running.contains(task.id)) {
            adrift.remove(task.id);
            return;
        }
        var known = adrift.get(task.id);
        var isUnchanged = known != null && known.status == task.status && known.worker.equals(task.lastWorker) && known.update == task.lastUpdate;
        adrift.put(task.id, new Adrift(task, task.status, task.lastWorker, task.lastUpdate, isUnchanged ? known.since : at, at, known != null && known.isConfirmed));
    }

    // Errands.

    /** Something was appended to its commands. */
    void appended() {
        var of = life;
        world.after(dice.between(5, 100), () -> {
            if (of == life) {
                errands();
            }
        });
    }

    private void errands() {
        if (!isUp || isOnErrand || errandsDone >= world.errands().size()) {
            return;
        }
        isOnErrand = true;
        var of = life;
        if (world.isOn(Kind.COMMANDS_LAG, 1, 2)) {
            world.after(1000, () -> {
                if (of == life) {
                    isOnErrand = false;
                    errands();
                }
            });
            return;
        }
        var errand = world.errands().get(errandsDone);
        if (errand instanceof Command.Unregister unregister) {
            later(of, () -> {
                if (!world.isOn(Kind.READS_FAIL)) {
                    world.trace("watcher", () -> "unregisters " + unregister.worker());
                    world.clearml().unregister(unregister.worker());
                }
                ended();
            });
        } else {
            var rescue = (Command.Rescue) errand;
            later(of, () -> rescue(of, rescue));
        }
    }

    private void later(long of, Runnable step) {
        world.after(dice.between(10, 300), () -> {
            if (of == life) {
                step.run();
            }
        });
    }

    private void ended() {
        errandsDone++;
        isOnErrand = false;
        errands();
    }

    private void answer(Command.Rescue rescue, RescueOutcome outcome, TaskStatus status, String worker, String detail) {
        if (outcome == RescueOutcome.RESCUED) {
            world.clearml().tasks.get(rescue.task()).rescuesTold++;
        }
        world.trace("watcher", () -> "rescue " + rescue.attempt() + " of " + rescue.task() + ": " + outcome + " " + detail);
        send(dice.between(5, 50), at -> new FleetEvent.TaskRescued(at, rescue.task(), rescue.attempt(), outcome, status, worker, detail));
        ended();
    }

    private static int attemptOf(SimulatedTask task) {
        return task.statusReason.startsWith("muster rescue ") ? Integer.parseInt(task.statusReason.substring("muster rescue ".length())) : 0;
    }

    /** The cases of decision 0003, in its order. */
    private void rescue(long of, Command.Rescue rescue) {
        var task = world.clearml().tasks.get(rescue.task());
        if (world.isOn(Kind.READS_FAIL)) {
            answer(rescue, RescueOutcome.FAILED, TaskStatus.UNKNOWN, "", "the server does not answer");
            return;
        }
        if (!rescue.failReason().isEmpty()) {
            fail(of, rescue, task);
            return;
        }
        if (world.bug().declinesRescues()) {
            answer(rescue, RescueOutcome.DECLINED, task.status, "", "");
            return;
        }
        var status = task.status;
        var wasStoppedByUs = status == TaskStatus.STOPPED && attemptOf(task) > 0 && attemptOf(task) <= rescue.attempt();
        if (!wasStoppedByUs && !task.isUnfinished()) {
            answer(rescue, RescueOutcome.NOT_NEEDED, status, "", "it is " + status);
            return;
        }
        done.values().removeIf(d -> clock() > d.at + AGENTS_REPORT_WITHIN);
        var before = done.get(task.id);
        if (!wasStoppedByUs && before != null && before.worker.equals(rescue.worker()) && before.expected == rescue.expected()) {
            answer(rescue, RescueOutcome.RESCUED, status, "", "it was put back a moment ago");
            return;
        }
        if (status == TaskStatus.QUEUED && attemptOf(task) == rescue.attempt()) {
            world.clearml().moveToFront(task);
            answer(rescue, RescueOutcome.RESCUED, status, "", "it was put back before");
            return;
        }
        for (var worker : world.clearml().workers()) {
            var isTheGoneOne = !rescue.machineId().isEmpty() && worker.id().equals(rescue.worker());
            if (worker.task().equals(task.id) && !isTheGoneOne) {
                answer(rescue, RescueOutcome.RUNNING, status, worker.id(), "");
                return;
            }
        }
        if (!wasStoppedByUs && (status != rescue.expected() || !task.lastWorker.equals(rescue.worker()))) {
            answer(rescue, RescueOutcome.NOT_NEEDED, status, "", "it has moved on");
            return;
        }
        if (world.clearml().isWaiting(task)) {
            answer(rescue, RescueOutcome.NOT_NEEDED, status, "", "it waits in its queue");
            return;
        }
        var reason = "muster rescue " + rescue.attempt();
        later(of, () -> {
            if (!wasStoppedByUs) {
                if (task.status != status) {
                    answer(rescue, RescueOutcome.FAILED, task.status, "", "it changed just now");
                    return;
                }
                task.status = TaskStatus.STOPPED;
                task.statusReason = reason;
            }
            later(of, () -> {
                task.statusReason = reason;
                world.clearml().enqueue(task, false);
                later(of, () -> {
                    world.clearml().moveToFront(task);
                    done.put(task.id, new Done(rescue.worker(), rescue.expected(), clock()));
                    answer(rescue, RescueOutcome.RESCUED, TaskStatus.QUEUED, "", "it waits at the front");
                });
            });
        });
    }

    /** Marks it failed, if nobody else has it or will, as the watcher's {@code Failing} is written. */
    private void fail(long of, Command.Rescue rescue, SimulatedTask task) {
        var status = task.status;
        var isOurReason = task.statusReason.equals(rescue.failReason());
        if (status == TaskStatus.FAILED && isOurReason) {
            answer(rescue, RescueOutcome.MARKED_FAILED, status, "", "it was marked failed before");
            return;
        }
        var wasStoppedByUs = status == TaskStatus.STOPPED && (isOurReason || attemptOf(task) > 0 && attemptOf(task) <= rescue.attempt());
        if (!wasStoppedByUs && !task.isUnfinished()) {
            answer(rescue, RescueOutcome.NOT_NEEDED, status, "", "it is " + status);
            return;
        }
        failed.values().removeIf(before -> clock() > before.at + AGENTS_REPORT_WITHIN);
        if (!wasStoppedByUs && failed.containsKey(task.id) && failed.get(task.id).machine.equals(rescue.machineId())) {
            answer(rescue, RescueOutcome.MARKED_FAILED, status, "", "it was marked failed a moment ago");
            return;
        }
        for (var worker : world.clearml().workers()) {
            var isTheGoneOne = !rescue.machineId().isEmpty() && worker.id().equals(rescue.worker());
            if (worker.task().equals(task.id) && !isTheGoneOne) {
                answer(rescue, RescueOutcome.RUNNING, status, worker.id(), "");
                return;
            }
        }
        if (!wasStoppedByUs && (status != rescue.expected() || !task.lastWorker.equals(rescue.worker()))) {
            answer(rescue, RescueOutcome.NOT_NEEDED, status, "", "it has moved on");
            return;
        }
        later(of, () -> {
            if (status == TaskStatus.QUEUED && !isOurs(task)) {
                answer(rescue, RescueOutcome.FAILED, status, "", "it is queued and in no queue");
                return;
            }
            if (status == TaskStatus.QUEUED) {
                if (task.status != status) {
                    answer(rescue, RescueOutcome.FAILED, task.status, "", "it changed just now");
                    return;
                }
                task.status = TaskStatus.STOPPED;
                task.statusReason = rescue.failReason();
            }
            var before = task.status;
            later(of, () -> {
                if (task.status != before) {
                    answer(rescue, RescueOutcome.FAILED, task.status, "", "it changed just now");
                    return;
                }
                task.status = TaskStatus.FAILED;
                task.statusReason = rescue.failReason();
                task.endedAt = world.now();
                task.isFailed = true;
                inNoQueue.remove(task.id);
                failed.put(task.id, new Failed(rescue.machineId(), clock()));
                world.happened(new Fact.TaskFailed(task));
                answer(rescue, RescueOutcome.MARKED_FAILED, TaskStatus.FAILED, "", "it is marked failed");
            });
        });
    }

    /** Taken from its queue, which one alone can do; or in no queue for longer than an agent would take to report it. */
    private boolean isOurs(SimulatedTask task) {
        if (world.clearml().remove(task)) {
            inNoQueue.put(task.id, new InNoQueue(task.enqueuedAt, clock() - AGENTS_REPORT_WITHIN));
            return true;
        }
        var before = inNoQueue.get(task.id);
        if (before == null || before.enqueued != task.enqueuedAt) {
            inNoQueue.put(task.id, new InNoQueue(task.enqueuedAt, clock()));
            return false;
        }
        return clock() >= before.since + AGENTS_REPORT_WITHIN;
    }
}
