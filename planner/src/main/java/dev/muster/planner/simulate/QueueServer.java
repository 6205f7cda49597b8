package dev.muster.planner.simulate;

import dev.muster.planner.core.Command;
import dev.muster.planner.core.FleetEvent;
import dev.muster.planner.core.FleetEvent.DemandSeen;
import dev.muster.planner.core.FleetEvent.Seen;
import dev.muster.planner.core.FleetEvent.TaskRescued;
import dev.muster.planner.core.FleetEvent.TaskSeen;
import dev.muster.planner.core.FleetEvent.TasksSeen;
import dev.muster.planner.core.FleetEvent.WorkerSeen;
import dev.muster.planner.core.FleetSpec;
import dev.muster.planner.core.QueueSeen;
import dev.muster.planner.core.TaskStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.LongFunction;

/**
 * The queue system with its agents and its watcher: tasks come in, agents take the first of the first of their queues that has one,
 * and a look goes to the planner in the second after anything changed.
 */
final class QueueServer {

    /** What clearml-agent waits between two polls that brought nothing. */
    static final long POLL = 5;
    /** The server forgets a worker that has not reported for so long. */
    private static final long WORKER_TIMEOUT = 600;
    /** A rescue is three calls, an unregistration one. */
    private static final long COMMAND = 1;
    /** Most ids of waiting tasks that a look carries. */
    private static final int FIRST = 500;
    /**
     * Looks come when there is something to see. So that the planner doesn't take the silence between them for ignorance, they
     * are declared to come this seldom.
     */
    private static final Duration INTERVAL = Duration.ofDays(3650);

    /** What else there is to know when a task's state changes. */
    interface Progress {
        void moved();
    }

    private final Agenda agenda;
    private final LongFunction<Instant> moment;
    private final Consumer<FleetEvent> tell;
    private final String workersPrefix;
    private final Progress progress;
    private final Consumer<SimMachine> emptied;

    private final Map<String, Deque<SimTask>> waiting = new LinkedHashMap<>();
    private final Map<String, String> queueById = new HashMap<>();
    private final TreeMap<String, SimAgent> workers = new TreeMap<>();
    private final Map<String, SimTask> lost = new HashMap<>();
    private final LinkedHashSet<SimAgent> free = new LinkedHashSet<>();
    private final Map<String, QueueSeen> pictures = new HashMap<>();

    private final TreeSet<String> changedWorkers = new TreeSet<>();
    private final TreeSet<String> goneWorkers = new TreeSet<>();
    private final TreeSet<String> changedQueues = new TreeSet<>();
    private final Map<String, Long> versions = new HashMap<>();
    private final List<TaskSeen> shortTasks = new ArrayList<>();
    private boolean lookPlanned;
    private long looked = -1;
    private long looks;
    private int running;

    /** @param emptied told when a closed machine has run its last task */
    QueueServer(FleetSpec spec, Agenda agenda, LongFunction<Instant> moment, Consumer<FleetEvent> tell, Progress progress,
            Consumer<SimMachine> emptied) {
        this.agenda = agenda;
        this.moment = moment;
        this.tell = tell;
        this.progress = progress;
        this.emptied = emptied;
        workersPrefix = spec.workersPrefix();
        for (var queue : spec.queues()) {
            waiting.put(queue.name(), new ArrayDeque<>());
            queueById.put(id(queue.name()), queue.name());
            changedQueues.add(queue.name());
        }
        changed();
    }

    private static String id(String queue) {
        return "q-" + queue;
    }

    /** Waiting tasks by queue, first first. */
    Map<String, Deque<SimTask>> waiting() {
        return waiting;
    }

    /** Another number whenever the queue's tasks, their order or what was seen of them changed. */
    long version(String queue) {
        return versions.getOrDefault(queue, 0L);
    }

    boolean isRunning() {
        return running > 0;
    }

    boolean isWaiting() {
        return !waiting.values().stream().allMatch(Deque::isEmpty);
    }

    /** Tasks were lost with their machine, and are not put back yet. */
    boolean hasLost() {
        return !lost.isEmpty();
    }

    // Tasks.

    void enqueue(SimTask task) {
        waiting.get(task.task.queue()).addLast(task);
        waits(task);
    }

    private void waits(SimTask task) {
        var queue = task.task.queue();
        changedQueues.add(queue);
        versions.merge(queue, 1L, Long::sum);
        task.seen = false;
        progress.moved();
        changed();
        for (var agent : free) {
            if (!agent.pollPlanned && agent.machine.queueIds.contains(id(queue))) {
                planPoll(agent);
            }
        }
    }

    /** A machine's agents register, and ask at once. */
    void register(SimMachine machine) {
        for (int slot = 0; slot < machine.slots; slot++) {
            var worker = workersPrefix + ":" + machine.pool + ":" + machine.key().machineType() + ":" + machine.cloudId
                    + (machine.slots == 1 ? "" : "." + slot);
            var agent = new SimAgent(machine, worker);
            machine.agents.add(agent);
            workers.put(worker, agent);
            changedWorkers.add(worker);
            poll(agent);
        }
        changed();
    }

    /** The guard lets pops through again. */
    void reopen(SimMachine machine) {
        machine.agents.forEach(this::poll);
    }

    private void planPoll(SimAgent agent) {
        agent.pollPlanned = true;
        long periods = (agenda.now() - agent.polled + POLL - 1) / POLL;
        agenda.at(agent.polled + periods * POLL, () -> {
            agent.pollPlanned = false;
            poll(agent);
        });
    }

    private void poll(SimAgent agent) {
        if (!agent.isFree()) {
            free.remove(agent);
            return;
        }
        agent.polled = agenda.now();
        for (var queueId : agent.machine.queueIds) {
            var tasks = waiting.get(queueById.get(queueId));
            var task = tasks == null ? null : tasks.pollFirst();
            if (task != null) {
                free.remove(agent);
                start(agent, task);
                return;
            }
        }
        free.add(agent);
    }

    private void start(SimAgent agent, SimTask task) {
        long now = agenda.now();
        task.waitsFor(null, now);
        if (task.started < 0) {
            task.started = now;
        }
        task.runs++;
        agent.task = task;
        agent.taskStarted = now;
        running++;
        changedQueues.add(task.task.queue());
        versions.merge(task.task.queue(), 1L, Long::sum);
        changedWorkers.add(agent.workerId);
        progress.moved();
        changed();
        agenda.in(task.task.seconds(), () -> end(agent, task, now));
    }

    private void end(SimAgent agent, SimTask task, long started) {
        if (agent.task != task || agent.taskStarted != started || !agent.machine.isAlive()) {
            return;
        }
        long now = agenda.now();
        agent.task = null;
        agent.machine.ran(started, now, true);
        task.ended = now;
        task.pool = agent.machine.pool;
        running--;
        changedWorkers.add(agent.workerId);
        if (started > looked) {
            // No look showed it; the watcher reads such a task by its id.
            shortTasks.add(new TaskSeen(task.id, id(task.task.queue()), "", "", agent.workerId, "", TaskStatus.COMPLETED, moment.apply(task.task.at()),
                    moment.apply(started), moment.apply(now)));
        }
        progress.moved();
        changed();
        if (agent.machine.gateClosed) {
            if (!agent.machine.isBusy()) {
                emptied.accept(agent.machine);
            }
        } else {
            poll(agent);
        }
    }

    /** The machine is shutting down: what ran is lost, and its workers stay listed until somebody has them forgotten. */
    void machineEnded(SimMachine machine) {
        for (var agent : machine.agents) {
            free.remove(agent);
            if (agent.task != null) {
                machine.ran(agent.taskStarted, agenda.now(), false);
                lost.put(agent.task.id, agent.task);
                running--;
            }
            agenda.in(WORKER_TIMEOUT, () -> forget(agent.workerId));
        }
        progress.moved();
    }

    private void forget(String worker) {
        if (workers.remove(worker) != null) {
            changedWorkers.remove(worker);
            goneWorkers.add(worker);
            changed();
        }
    }

    // The watcher.

    void carryOut(Command.ToWatcher command) {
        if (command instanceof Command.Unregister unregister) {
            agenda.in(COMMAND, () -> forget(unregister.worker()));
        } else if (command instanceof Command.Rescue rescue) {
            agenda.in(COMMAND, () -> rescue(rescue));
        }
    }

    private void rescue(Command.Rescue rescue) {
        var task = lost.remove(rescue.task());
        if (task != null) {
            waiting.get(task.task.queue()).addFirst(task);
            waits(task);
        }
        tell.accept(new TaskRescued(moment.apply(agenda.now()), rescue.task(), rescue.attempt(),
                task == null ? FleetEvent.RescueOutcome.NOT_NEEDED : FleetEvent.RescueOutcome.RESCUED, TaskStatus.QUEUED, "", ""));
    }

    private void changed() {
        if (!lookPlanned) {
            lookPlanned = true;
            agenda.atEndOf(looks == 0 ? agenda.now() : agenda.now() + 1, this::look);
        }
    }

    private void look() {
        lookPlanned = false;
        var now = moment.apply(agenda.now());
        looks++;
        looked = agenda.now();
        for (var name : changedQueues) {
            var tasks = waiting.get(name);
            tasks.forEach(task -> task.seen = true);
            versions.merge(name, 1L, Long::sum);
            pictures.put(name, picture(name, tasks));
        }
        changedQueues.clear();
        var seen = changedWorkers.stream().map(workers::get).map(QueueServer::seen).toList();
        changedWorkers.clear();
        var gone = List.copyOf(goneWorkers);
        goneWorkers.clear();
        tell.accept(new DemandSeen(now, new Seen("simulation", 1, looks, now, 1, 1), looks, INTERVAL, looks == 1,
                waiting.keySet().stream().map(pictures::get).toList(), seen, gone, List.of()));
        if (!shortTasks.isEmpty()) {
            tell.accept(new TasksSeen(now, new Seen("simulation", 1, looks, now, 1, 1), List.copyOf(shortTasks)));
            shortTasks.clear();
        }
    }

    private QueueSeen picture(String name, Deque<SimTask> tasks) {
        return new QueueSeen(name, id(name), QueueSeen.State.SERVED, "", tasks.size(),
                tasks.isEmpty() ? null : moment.apply(tasks.peekFirst().task.at()), tasks.stream().limit(FIRST).map(task -> task.id).toList());
    }

    private static WorkerSeen seen(SimAgent agent) {
        return new WorkerSeen(agent.workerId, "muster", agent.task == null ? "" : agent.task.id, "", agent.machine.queueIds);
    }
}
