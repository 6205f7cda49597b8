package dev.muster.sandbox.machine;

import io.vertx.core.Context;
import io.vertx.core.http.HttpClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/** One booted machine: its gate, its agents and its guard, all on one event loop. One of ClearML's autoscaler has an agent alone. */
final class SimulatedMachine implements MachineImage.RunningMachine {

    /** A pod that could not become a worker, and one that was told to end: 128 and the signal. */
    private static final int BOOT_FAILED = 78;
    private static final int TOLD = 143;
    /** The guard's own, for requests that are on their way when all must end. */
    private static final Duration SETTLE = Duration.ofSeconds(3);

    private final Context context;
    private final HttpClient http;
    private final Pace pace;
    private final MachineImage.Hardware hardware;
    private final List<SimulatedAgent> agents = new ArrayList<>();
    private final Set<Long> timers = new HashSet<>();
    private volatile boolean powered = true;
    private Gate gate = Gate.open();

    SimulatedMachine(Context context, HttpClient http, Pace pace, MachineImage.Hardware hardware) {
        this.context = context;
        this.http = http;
        this.pace = pace;
        this.hardware = hardware;
    }

    void start() {
        if (!powered) {
            return;
        }
        try {
            if (hardware instanceof PodHardware pod) {
                startPod(pod);
                return;
            }
            if (AutoscalerScript.isIn(hardware.userData())) {
                startPlainAgent(AutoscalerScript.read(hardware.userData()));
                return;
            }
            var script = BootScript.read(hardware.userData());
            console("boot: " + script.agents() + " agent(s) as " + script.worker(hardware.cloudId(), 0));
            pace.agentsStarted(script.agents());
            for (int slot = 0; slot < script.agents(); slot++) {
                var agent = new SimulatedAgent(this, http, script, slot, script.worker(hardware.cloudId(), slot));
                agents.add(agent);
                agent.start();
            }
            new Guard(this, script.cloud().equals("gce") ? new MachineMetadata.Gce(http, hardware.metadataUrl(), pace)
                    : new MachineMetadata.Ec2(http, hardware.metadataUrl()), pace).start();
        } catch (BootScript.Unreadable reason) {
            // As a real image whose script fails: the machine is up, no worker appears, and whoever started it must notice.
            console("boot failed: " + reason.getMessage());
        }
    }

    private void startPod(PodHardware pod) {
        if (!PodBoot.isIn(pod.environment())) {
            // Somebody else's container: it runs until it is told to end.
            return;
        }
        try {
            var boot = PodBoot.read(pod.environment(), pod.secrets());
            var script = boot.script();
            console("MUSTER-BOOT machine=" + hardware.cloudId() + " worker=" + script.worker(hardware.cloudId(), 0));
            var guard = new Guard(this, new MachineMetadata.Pod(pod), pace);
            pace.agentsStarted(script.agents());
            for (int slot = 0; slot < script.agents(); slot++) {
                var worker = script.worker(hardware.cloudId(), slot);
                agents.add(boot.task().isPresent() ? SimulatedAgent.ofOneTask(this, http, script, worker, boot.task().get()) : new SimulatedAgent(this, http, script, slot, worker));
            }
            console("MUSTER-BOOT-DONE machine=" + hardware.cloudId());
            // The mark first: what is marked before its claim claims nothing.
            guard.start();
            agents.forEach(SimulatedAgent::start);
        } catch (BootScript.Unreadable reason) {
            console("MUSTER-BOOT-FAILED step=secrets reason=" + reason.getMessage());
            exit(BOOT_FAILED);
        }
    }

    /** No guard looks at marks and notices here, so the gate stays open for good. */
    private void startPlainAgent(AutoscalerScript script) {
        script.worker(http, hardware.metadataUrl()).onSuccess(worker -> {
            // The agent's own question; it ends if the server has no such queue.
            var request = ApiClient.object().put("name", "^" + Pattern.quote(script.queue()) + "$");
            request.putArray("only_fields").add("id");
            new ApiClient(http, script.watching(""), worker).call("queues.get_all", request).onSuccess(answer -> {
                var queue = answer.data().path("queues").path(0).path("id").asText("");
                if (!powered) {
                    return;
                }
                if (queue.isEmpty()) {
                    console("boot failed: the agent ends, as queue " + script.queue() + " can't be found (" + answer.status() + "/" + answer.subcode() + ")");
                    return;
                }
                console("boot: a plain agent as " + worker + (script.docker().isEmpty() ? "" : ", tasks in " + script.docker()));
                pace.agentsStarted(1);
                var agent = new SimulatedAgent(this, http, script.watching(queue), 0, worker);
                agents.add(agent);
                agent.start();
            });
        });
    }

    /** Tells the gate and does what it says; the actions, so that a pop's caller sees whether it may go on. */
    List<Gate.Action> tell(Gate.Event event) {
        if (!powered) {
            return List.of();
        }
        var before = gate.state();
        var step = gate.on(event);
        gate = step.gate();
        if (before != gate.state()) {
            console("gate: " + before + " -> " + gate.state() + " on " + event.kind());
        }
        for (var action : step.actions()) {
            if (action == Gate.Action.KILL) {
                agents.forEach(SimulatedAgent::kill);
            } else if (action == Gate.Action.POWER_OFF) {
                powerOff();
            }
        }
        return step.actions();
    }

    boolean powered() {
        return powered;
    }

    void console(String line) {
        if (powered) {
            hardware.writeConsole(line);
        }
    }

    /** Runs once after what takes this long unscaled, unless the power is cut first; the timer, to cancel it. */
    long after(Duration simulated, Runnable action) {
        return afterReal(pace.length(simulated), action);
    }

    /** Runs once after the wait between two calls, unless the power is cut first. */
    void afterWait(Duration simulated, Runnable action) {
        afterReal(pace.between(simulated), action);
    }

    long afterReal(Duration real, Runnable action) {
        if (!powered) {
            return -1;
        }
        var id = new long[1];
        id[0] = context.owner().setTimer(Math.max(1, real.toMillis()), timer -> {
            timers.remove(id[0]);
            if (powered) {
                action.run();
            }
        });
        timers.add(id[0]);
        return id[0];
    }

    void cancel(long timer) {
        context.owner().cancelTimer(timer);
        timers.remove(timer);
    }

    /** A ClearML task has begun. */
    void began(String task) {
        if (hardware instanceof PodHardware pod) {
            pod.began(task);
        }
    }

    /** The container ends with this code; a machine that isn't one has none. */
    void exit(int code) {
        if (powered && hardware instanceof PodHardware pod) {
            cutPower();
            pod.exit(code);
        }
    }

    /** SIGTERM: agents and tasks are killed, so that they report nothing, and no pop that is on its way is waited for longer than the guard does. */
    @Override
    public void askToEnd() {
        context.runOnContext(nothing -> {
            if (!powered) {
                return;
            }
            console("ending: the pod is told to end");
            agents.forEach(SimulatedAgent::kill);
            if (gate.inFlight() == 0) {
                exit(TOLD);
            } else {
                // What a late pop brings is put back.
                gate = gate.on(Gate.Event.noticeDue()).gate();
                after(SETTLE, () -> exit(TOLD));
            }
        });
    }

    @Override
    public void cutPower() {
        // Seen at once by whatever runs on the event loop just now; the rest is cleaned up there.
        powered = false;
        context.runOnContext(nothing -> {
            pace.agentsEnded(agents.size());
            agents.forEach(SimulatedAgent::losePower);
            agents.clear();
            timers.forEach(context.owner()::cancelTimer);
            timers.clear();
        });
    }

    private void powerOff() {
        console("powering off");
        cutPower();
        hardware.powerOff();
    }
}
