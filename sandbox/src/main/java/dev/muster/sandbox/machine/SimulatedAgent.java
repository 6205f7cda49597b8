package dev.muster.sandbox.machine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.Future;
import io.vertx.core.http.HttpClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * One agent as {@code clearml-agent} behaves: it registers, reports, asks its queues in order, and runs one task at a time.
 * "Running" is a timer over the seconds that the task says. On the machine's event loop.
 */
final class SimulatedAgent {

    // The real agent's own times.
    private static final Duration FIRST_REPORT = Duration.ofSeconds(3);
    private static final Duration REPORT = Duration.ofSeconds(30);
    private static final Duration POLL = Duration.ofSeconds(5);
    private static final Duration RETRY = Duration.ofSeconds(5);
    /** A reset is believed only when this many looks in a row have seen it: the agent itself resets a task that it re-runs. */
    private static final int RESETS_BELIEVED = 5;
    private static final Duration DEFAULT_RUN = Duration.ofSeconds(1);

    private static final class Run {
        final String task;
        final String queue;
        long timer = -1;
        int resetsSeen;
        boolean looking;

        Run(String task, String queue) {
            this.task = task;
            this.queue = queue;
        }
    }

    private final SimulatedMachine machine;
    private final ApiClient api;
    /** Pops go through the guard, which outlives a killed agent and then knows what a late answer brought. */
    private final ApiClient guarded;
    private final BootScript script;
    private final int slot;
    private final String worker;
    /** The one task that it claims, of a pod that was made for it; null: it asks its queues. */
    private final String only;
    private boolean alive = true;
    private boolean troubled;
    private Run run;

    SimulatedAgent(SimulatedMachine machine, HttpClient http, BootScript script, int slot, String worker) {
        this(machine, http, script, slot, worker, null);
    }

    /** As a pod that was made for one waiting task: it claims it, runs it if it got it, and ends. */
    static SimulatedAgent ofOneTask(SimulatedMachine machine, HttpClient http, BootScript script, String worker, String task) {
        return new SimulatedAgent(machine, http, script, 0, worker, task);
    }

    private SimulatedAgent(SimulatedMachine machine, HttpClient http, BootScript script, int slot, String worker, String only) {
        this.only = only;
        this.machine = machine;
        this.api = new ApiClient(http, script, worker);
        this.guarded = new ApiClient(http, script, worker);
        this.script = script;
        this.slot = slot;
        this.worker = worker;
    }

    void start() {
        var request = ApiClient.object().put("worker", worker);
        putQueues(request);
        until("workers.register", () -> api.call("workers.register", request), registered -> {
            if (!registered.ok()) {
                machine.console("agent: workers.register was refused (" + registered.status() + "/" + registered.subcode() + ")");
            }
            machine.after(FIRST_REPORT, this::reportAgainAndAgain);
            if (only == null) {
                poll(0);
            } else {
                report();
                claim();
            }
        });
    }

    /** SIGKILL: from now on it reports nothing, and what it ran is over. */
    void kill() {
        alive = false;
        api.close();
        if (run != null && run.timer >= 0) {
            machine.cancel(run.timer);
        }
        run = null;
    }

    void losePower() {
        kill();
        guarded.close();
    }

    private boolean lives() {
        return alive && machine.powered();
    }

    // Reports.

    private void reportAgainAndAgain() {
        if (lives()) {
            if (run != null && run.timer >= 0) {
                lookForAbort(run);
            }
            // After the answer, so that a slow server isn't asked by more and more reports at once.
            report().onComplete(answered -> machine.afterWait(REPORT, this::reportAgainAndAgain));
        }
    }

    private Future<ApiClient.Answer> report() {
        var request = ApiClient.object().put("worker", worker).put("timestamp", System.currentTimeMillis());
        request.put("is_daemon", true);
        putQueues(request);
        if (run != null) {
            request.put("task", run.task).put("queue", run.queue);
        }
        return api.call("workers.status_report", request);
    }

    private void putQueues(ObjectNode request) {
        var queues = request.putArray("queues");
        script.queues().forEach(queues::add);
    }

    // Taking a task.

    private void poll(int position) {
        if (!lives()) {
            return;
        }
        if (position == script.queues().size()) {
            machine.afterWait(POLL, () -> poll(0));
            return;
        }
        if (!machine.tell(Gate.Event.popAsked(slot)).contains(Gate.Action.FORWARD)) {
            poll(position + 1);
            return;
        }
        var queue = script.queues().get(position);
        guarded.call("queues.get_next_task", ApiClient.object().put("queue", queue)).onSuccess(answer -> {
            var task = answer.data().path("entry").path("task").asText("");
            // The gate hears of it even if the agent has died meanwhile: the answer has come to the guard, not to the agent.
            var event = !answer.ok() ? Gate.Event.popFailed(slot)
                    : task.isEmpty() ? Gate.Event.popAnsweredEmpty(slot) : Gate.Event.popAnsweredTask(slot, task);
            var actions = machine.tell(event);
            if (actions.contains(Gate.Action.PUT_BACK)) {
                putBack(task, queue);
            } else if (lives() && !answer.ok()) {
                trouble("queues.get_next_task", answer);
                poll(position + 1);
            } else if (lives() && task.isEmpty()) {
                troubled = false;
                poll(position + 1);
            } else if (lives()) {
                take(task, queue);
            }
        });
    }

    // Claiming the one task.

    private void claim() {
        if (!lives()) {
            return;
        }
        if (!machine.tell(Gate.Event.popAsked(slot)).contains(Gate.Action.FORWARD)) {
            machine.console("task " + only + " is not claimed: drain");
            leave();
            return;
        }
        var queue = script.queues().get(0);
        // The guard asks once before, so that it knows whether the claim itself was sent.
        guarded.call("queues.get_num_entries", ApiClient.object().put("queue", queue)).onSuccess(alive -> {
            if (!alive.ok() && !alive.refused()) {
                machine.tell(Gate.Event.popFailed(slot));
                trouble("queues.get_num_entries", alive);
                machine.afterWait(RETRY, this::claim);
                return;
            }
            guarded.call("queues.remove_task", ApiClient.object().put("queue", queue).put("task", only)).onSuccess(answer -> {
                boolean mine = answer.ok() && answer.data().path("removed").asInt(0) == 1;
                if (!mine) {
                    machine.console(answer.ok() || answer.refused() ? "task " + only + " is another's: it is in its queue no more"
                            : "the answer to the claim of task " + only + " is lost; it is left to be rescued");
                    machine.tell(Gate.Event.popFailed(slot));
                    leave();
                    return;
                }
                // A drain mark that came meanwhile comes too late: the task is this pod's. What was killed meanwhile leaves it adrift.
                if (machine.tell(Gate.Event.popAnsweredTask(slot, only)).contains(Gate.Action.PUT_BACK)) {
                    machine.exit(0);
                } else if (lives()) {
                    machine.console("task " + only + " is claimed by " + worker);
                    take(only, queue);
                }
            });
        });
    }

    /** The worker goes, and the pod with it. */
    private void leave() {
        if (!lives()) {
            return;
        }
        guarded.call("workers.unregister", ApiClient.object().put("worker", worker)).onComplete(done -> machine.exit(0));
    }

    private void putBack(String task, String queue) {
        machine.console("guard: puts back task " + task);
        var stop = ApiClient.object().put("task", task).put("force", true).put("status_reason", "put back: the machine is going");
        guarded.call("tasks.stopped", stop)
                .compose(stopped -> guarded.call("tasks.enqueue", ApiClient.object().put("task", task).put("queue", queue)))
                .compose(queued -> guarded.call("queues.move_task_to_front", ApiClient.object().put("task", task).put("queue", queue)))
                .onSuccess(moved -> machine.tell(Gate.Event.putBackEnded()));
    }

    private void take(String task, String queue) {
        run = new Run(task, queue);
        var current = run;
        var request = ApiClient.object().put("task", task).put("force", true)
                .put("status_reason", "pulled by agent").put("status_message", "pulled by agent");
        until("tasks.started", () -> api.call("tasks.started", request), started -> {
            if (!started.ok()) {
                drop(current, "tasks.started was refused (" + started.status() + "/" + started.subcode() + ")");
                return;
            }
            machine.tell(Gate.Event.taskStarted(task));
            machine.began(task);
            report();
            until("tasks.get_by_id", () -> api.call("tasks.get_by_id", ApiClient.object().put("task", task)), read -> {
                if (read.ok()) {
                    begin(current, read.data().path("task"));
                } else {
                    drop(current, "tasks.get_by_id was refused (" + read.status() + "/" + read.subcode() + ")");
                }
            });
        });
    }

    private void begin(Run current, JsonNode task) {
        var general = task.path("hyperparams").path("General");
        var seconds = general.path("seconds").path("value").asText("");
        var length = DEFAULT_RUN;
        try {
            length = seconds.isBlank() ? DEFAULT_RUN : Duration.ofMillis(Math.max(0, Math.round(Double.parseDouble(seconds) * 1000)));
        } catch (NumberFormatException notANumber) {
            machine.console("agent: task " + current.task + " has General/seconds \"" + seconds + "\", which is no number; it runs for 1 s");
        }
        boolean fails = general.path("exit").path("value").asText("").equals("fail");
        log(current, "task " + current.task + " pulled from " + current.queue + " by worker " + worker,
                "Working for " + (seconds.isBlank() ? "1" : seconds) + " seconds");
        current.timer = machine.after(length, () -> finish(current, fails));
    }

    // Ending a task.

    private void finish(Run current, boolean fails) {
        if (run != current) {
            return;
        }
        current.timer = -1;
        log(current, fails ? "Process failed, exit code 1" : "Process completed successfully");
        var request = ApiClient.object().put("task", current.task).put("force", true)
                .put("status_reason", "").put("status_message", fails ? "failed by worker " + worker : "completed by worker " + worker);
        var endpoint = fails ? "tasks.failed" : "tasks.completed";
        until(endpoint, () -> api.call(endpoint, request), ended -> end(current));
    }

    private void lookForAbort(Run current) {
        if (current.looking) {
            return;
        }
        current.looking = true;
        var request = ApiClient.object();
        request.putArray("id").add(current.task);
        request.putArray("only_fields").add("status").add("status_message");
        api.call("tasks.get_all", request).onSuccess(answer -> {
            current.looking = false;
            if (!lives() || run != current || current.timer < 0 || !answer.ok()) {
                return;
            }
            var task = answer.data().path("tasks").path(0);
            switch (task.path("status").asText("")) {
                case "in_progress" -> {
                    current.resetsSeen = 0;
                    if (task.path("status_message").asText("").contains("stopping")) {
                        machine.cancel(current.timer);
                        current.timer = -1;
                        log(current, "User aborted: stopping task");
                        var stopped = ApiClient.object().put("task", current.task).put("force", true)
                                .put("status_message", "stopped by worker " + worker);
                        until("tasks.stopped", () -> api.call("tasks.stopped", stopped), done -> end(current));
                    }
                }
                case "created" -> {
                    current.resetsSeen++;
                    if (current.resetsSeen >= RESETS_BELIEVED) {
                        endSilently(current);
                    }
                }
                // Whoever moved it, or deleted it, has decided; the agent only stops working on it.
                default -> endSilently(current);
            }
        });
    }

    private void endSilently(Run current) {
        machine.cancel(current.timer);
        current.timer = -1;
        end(current);
    }

    private void drop(Run current, String reason) {
        machine.console("agent: drops task " + current.task + ": " + reason);
        end(current);
    }

    private void end(Run current) {
        if (run != current) {
            return;
        }
        run = null;
        if (only != null) {
            // Before the gate hears of it, which may end a marked pod at once.
            leave();
            return;
        }
        report();
        machine.tell(Gate.Event.taskEnded(current.task));
        poll(0);
    }

    private void log(Run current, String... lines) {
        var events = new ArrayList<ObjectNode>();
        for (var line : lines) {
            events.add(ApiClient.object().put("type", "log").put("task", current.task).put("level", "INFO").put("worker", worker)
                    .put("msg", line).put("timestamp", System.currentTimeMillis()));
        }
        api.callWithLines("events.add_batch", List.copyOf(events));
    }

    // Calls that must go through.

    private void until(String endpoint, Supplier<Future<ApiClient.Answer>> call,
                       Consumer<ApiClient.Answer> then) {
        if (!lives()) {
            return;
        }
        call.get().onSuccess(answer -> {
            if (!lives()) {
                return;
            }
            if (answer.ok() || answer.refused()) {
                troubled = false;
                then.accept(answer);
            } else {
                trouble(endpoint, answer);
                machine.afterWait(RETRY, () -> until(endpoint, call, then));
            }
        });
    }

    /** Says so once, not at every retry: a console is short. */
    private void trouble(String endpoint, ApiClient.Answer answer) {
        if (!troubled) {
            machine.console("agent: " + endpoint + " failed (" + (answer.status() == 0 ? "no answer" : answer.status() + "/"
                    + answer.subcode()) + "), tries again");
        }
        troubled = true;
    }
}
