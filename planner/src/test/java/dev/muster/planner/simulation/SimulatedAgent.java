package dev.muster.planner.simulation;

import dev.muster.planner.core.TaskStatus;
import java.util.List;

/**
 * One agent: it asks its queues for a task every 5 s, runs it, and reports. A pop is told apart into sent, applied by the server,
 * answered at the machine's gate, and received.
 */
final class SimulatedAgent {

    private static final long POLL = 5000;
    private static final long REPORT = 30_000;
    /** How long an agent waits for an answer that got lost. */
    private static final long PATIENCE = 10_000;

    private final World world;
    /** Null: not ours. */
    final SimulatedMachine machine;
    final String workerId;
    private final List<String> queueIds;
    /** The one task that it takes; null: it takes what its queues have. */
    private final SimulatedTask bound;
    private final Dice dice;
    private boolean isAlive = true;
    private boolean isLeaving;
    private boolean isPopping;
    /** Popped for this agent, and not received yet. */
    private SimulatedTask onItsWay;
    /** What it runs. */
    private SimulatedTask task;

    SimulatedAgent(World world, SimulatedMachine machine, String workerId, List<String> queueIds) {
        this.world = world;
        this.machine = machine;
        this.workerId = workerId;
        this.queueIds = queueIds;
        this.bound = machine == null ? null : machine.bound;
        this.dice = world.dice("agent " + workerId);
        world.clearml().register(workerId, queueIds);
        world.trace(workerId, "registers");
        world.after(dice.between(0, POLL), this::poll);
        world.after(REPORT, this::report);
    }

    boolean isAlive() {
        return isAlive;
    }

    boolean isPopping() {
        return isPopping;
    }

    /** Of the task that it runs, or that was popped for it; null: none. */
    SimulatedTask task() {
        return task != null ? task : onItsWay;
    }

    /** It runs one. */
    boolean isRunning() {
        return task != null;
    }

    private void report() {
        if (isAlive) {
            world.clearml().report(workerId, queueIds, task);
            world.after(REPORT, this::report);
        }
    }

    /** Takes no other task, and unregisters when it has none. */
    void leave() {
        isLeaving = true;
    }

    private void poll() {
        if (!isAlive || task != null || isPopping) {
            return;
        }
        if (isLeaving) {
            isAlive = false;
            world.clearml().unregister(workerId);
            world.trace(workerId, "leaves");
            return;
        }
        if (bound != null) {
            claim();
            return;
        }
        if (machine != null && machine.isGateClosed()) {
            world.after(POLL, this::poll);
            return;
        }
        isPopping = true;
        world.after(dice.between(5, 400), this::applied);
    }

    /** Looks at the mark, and takes the task that its pod was made for out of its queue, or ends. */
    private void claim() {
        if (machine.isGateClosed()) {
            machine.end();
            return;
        }
        isPopping = true;
        world.after(dice.between(5, 400), () -> {
            if (!world.clearml().remove(bound)) {
                world.trace(workerId, () -> "comes too late for " + bound);
                world.after(5, this::endsPod);
                return;
            }
            world.trace(workerId, () -> "claims " + bound);
            world.happened(new Fact.Claimed(bound, machine));
            onItsWay = bound;
            if (!machineLives()) {
                lost(bound);
            } else if (world.isOn(Happening.Kind.POPS_LOST)) {
                world.trace(workerId, () -> "never hears of " + bound);
                lost(bound);
                world.after(PATIENCE, this::endsPod);
            } else {
                world.after(dice.between(5, 2500), () -> answered(bound));
            }
        });
    }

    private void endsPod() {
        isPopping = false;
        machine.end();
    }

    private void applied() {
        onItsWay = world.clearml().pop(queueIds);
        if (onItsWay == null) {
            world.after(5, () -> {
                isPopping = false;
                world.after(POLL, this::poll);
                gateMoves();
            });
            return;
        }
        var popped = onItsWay;
        world.trace(workerId, () -> "pops " + popped);
        if (!machineLives()) {
            lost(popped);
        } else if (world.isOn(Happening.Kind.POPS_LOST)) {
            world.trace(workerId, () -> "never hears of " + popped);
            lost(popped);
            world.after(PATIENCE, () -> {
                isPopping = false;
                poll();
                gateMoves();
            });
        } else {
            world.after(dice.between(5, 2500), () -> answered(popped));
        }
    }

    private void answered(SimulatedTask popped) {
        isPopping = false;
        if (onItsWay != popped) {
            return;
        }
        onItsWay = null;
        if (!machineLives()) {
            lost(popped);
        } else if (!isAlive) {
            if (machine != null && machine.hasGuard()) {
                world.trace(workerId, () -> "is dead; its guard puts " + popped + " back");
                world.clearml().enqueue(popped, true);
            } else {
                lost(popped);
            }
        } else {
            begin(popped);
        }
        gateMoves();
    }

    private boolean machineLives() {
        return machine == null || machine.isWorking();
    }

    private void begin(SimulatedTask popped) {
        task = popped;
        popped.runs++;
        world.trace(workerId, () -> "begins " + popped);
        world.happened(new Fact.TaskBegan(popped, this));
        popped.runner = this;
        var run = popped.runs;
        world.after(dice.between(100, 1500), () -> {
            if (task == popped && popped.runs == run) {
                if (popped.status == TaskStatus.QUEUED) {
                    popped.status = TaskStatus.IN_PROGRESS;
                    popped.statusReason = "pulled by agent";
                    popped.startedAt = world.now();
                }
                world.clearml().report(workerId, queueIds, popped);
            }
        });
        if (bound != null && popped.fault == SimulatedTask.Fault.MEMORY) {
            world.after(2000 + popped.length / 2, () -> {
                if (task == popped && popped.runs == run) {
                    machine.runOutOfMemory();
                }
            });
        }
        world.after(2000 + popped.length, () -> {
            if (task == popped && popped.runs == run) {
                end();
            }
        });
    }

    private void end() {
        var done = task;
        world.trace(workerId, () -> "completes " + done);
        done.isDone = true;
        done.runner = null;
        if (done.status == TaskStatus.IN_PROGRESS) {
            done.status = TaskStatus.COMPLETED;
            done.endedAt = world.now();
            done.lastUpdate = world.now();
        }
        task = null;
        world.clearml().report(workerId, queueIds, null);
        world.after(dice.between(100, 1000), bound == null ? this::poll : machine::end);
        gateMoves();
    }

    private void gateMoves() {
        if (machine != null) {
            machine.gateMoves();
        }
    }

    /** SIGKILL: it says nothing any more. The server goes on listing it. */
    void kill() {
        if (!isAlive) {
            return;
        }
        isAlive = false;
        var had = task;
        task = null;
        if (had != null) {
            had.runner = null;
            if (world.bug().completesKilledTasks()) {
                had.status = TaskStatus.COMPLETED;
            }
            lost(had);
        }
        if (onItsWay != null && !machineLives()) {
            lost(onItsWay);
        }
    }

    private void lost(SimulatedTask lost) {
        onItsWay = null;
        lost.losses++;
        world.trace(workerId, () -> lost + " is lost");
        world.happened(new Fact.TaskLost(lost));
    }
}
