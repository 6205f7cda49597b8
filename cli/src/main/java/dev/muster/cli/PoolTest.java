package dev.muster.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.protobuf.Timestamp;
import dev.muster.clearml.ServerTime;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.GetFleetRequest;
import dev.muster.v1.ListMachinesRequest;
import dev.muster.v1.MachineNameRequest;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.Order;
import dev.muster.v1.PaidKind;
import dev.muster.v1.Phase;
import dev.muster.v1.PoolSpec;
import dev.muster.v1.QueueSpec;
import dev.muster.v1.Refusal;
import dev.muster.v1.RescueSpec;
import dev.muster.v1.ShutdownAction;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;

/**
 * Tries a pool with one machine and one task of its own: a fleet is made that has nothing but the pool, and ends with the test. Its machine is
 * launched, booted and drained as every other. One thread runs it; when the process is told to end, another takes away what it made.
 */
final class PoolTest {

    private static final Duration LOOK_EVERY = Duration.ofMillis(500);
    /** How long a machine may take to go. A cloud's own shutdown takes up to some minutes. */
    private static final Duration GONE_WITHIN = Duration.ofMinutes(10);
    private static final int LINES = 50;

    /** What a machine goes through, in order. */
    enum Step { LAUNCH, BOOT, REGISTRATION, PICKUP, TASK, DRAIN }

    /** One that is over. */
    record Done(Step step, Duration took) {}

    /** A task as ClearML shows it. @param started null: it has not; the same for {@code ended} */
    record TaskSeen(String status, Instant started, Instant ended, String message) {

        static final TaskSeen NONE = new TaskSeen("created", null, null, "");

        boolean isOver() {
            return switch (status) {
                case "created", "queued", "in_progress" -> false;
                default -> true;
            };
        }

        boolean isCompleted() {
            return status.equals("completed") || status.equals("published");
        }
    }

    /**
     * What came of it.
     *
     * @param machine the last that was launched; null: none was
     * @param steps those that are over, in order
     * @param failedAt null: the pool works
     * @param reason for people; empty if the pool works
     * @param lines the last of what was written where it failed; empty if the pool works, or nothing was
     */
    record Outcome(MachineRecord machine, List<Done> steps, Step failedAt, String reason, List<String> lines) {}

    private final Control control;
    private final ClearmlApi clearml;
    private final Function<MachineRecord, Optional<String>> consoles;
    private final Output output;
    private final String name = "pool-test-" + UUID.randomUUID().toString().substring(0, 8);
    private String queueId;
    private String task;
    /** What was made and is to be taken away again. */
    private boolean fleetLeft;
    private boolean queueLeft;
    private boolean taskLeft;

    /** @param consoles what a machine wrote, where that can be read */
    PoolTest(Control control, ClearmlApi clearml, Function<MachineRecord, Optional<String>> consoles, Output output) {
        this.control = control;
        this.clearml = clearml;
        this.consoles = consoles;
        this.output = output;
    }

    /** The fleet that tests one pool of another: the pool as it is there, but with one machine, no schedule and no budget. */
    static FleetSpec fleet(FleetSpec of, String pool, String name) {
        var tried = pool(of, pool).toBuilder().clearSchedules().clearBudgets().clearWarm().clearPaused().clearScaleOutDelay();
        tried.getLimitsBuilder().setMin(0).setMax(1);
        return of.toBuilder().setName(name).clearWorkersPrefix().clearQueues().clearPools().clearLimits().clearBudgets().clearSchedules()
                .addQueues(QueueSpec.newBuilder().setName(name).addPools(pool).setOrder(Order.LISTED))
                .addPools(tried)
                .setRescue(RescueSpec.newBuilder().setEnabled(false))
                .setShutdown(ShutdownAction.ALL).build();
    }

    private static PoolSpec pool(FleetSpec of, String pool) {
        return of.getPoolsList().stream().filter(one -> one.getName().equals(pool)).findFirst().orElseThrow();
    }

    /**
     * Runs it to its end, however that is; what it made is away again.
     *
     * @param of the fleet that has the pool, as accepted
     * @param within for everything but the drain
     * @throws CliFailure if it can't begin
     */
    Outcome run(FleetSpec of, String pool, PoolTestTask what, Duration within) {
        var interrupted = new Thread(this::clear, "pool-test-end");
        Runtime.getRuntime().addShutdownHook(interrupted);
        try {
            make(of, pool, what);
            return watched(pool(of, pool), within);
        } finally {
            output.endLive();
            clear();
            forget(interrupted);
        }
    }

    private static void forget(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException ending) {
            // It runs already, and what it finds is away.
        }
    }

    private synchronized void make(FleetSpec of, String pool, PoolTestTask what) {
        queueId = clearml.queueMade(name);
        queueLeft = true;
        task = clearml.create(what.createRequest("muster pool test of " + pool));
        taskLeft = true;
        clearml.enqueue(task, queueId);
        // Also a call that seems to fail may have made it.
        fleetLeft = true;
        FleetCommand.apply(control, fleet(of, pool, name), null);
    }

    private Outcome watched(PoolSpec pool, Duration within) {
        var deadline = System.nanoTime() + within.toNanos();
        while (true) {
            var seen = taskSeen();
            var machines = machines();
            var machine = machines.isEmpty() ? null : machines.get(machines.size() - 1);
            var steps = machine == null ? List.<Done>of() : steps(machine, seen);
            output.live(List.of("pool " + pool.getName() + ": " + word(next(steps)) + (machine == null ? "" : " of " + machine.getMachineId())));
            if (seen.isOver() && machine != null) {
                if (seen.isCompleted()) {
                    return drained(pool.getName(), machine, seen);
                }
                keepTask();
                return failed(machine, seen, Step.TASK, "the task is " + seen.status + (seen.message.isEmpty() ? "" : ": " + seen.message));
            }
            if (machine != null && machine.hasAcceptedAt() && hasEnded(machine)) {
                return failed(machine, seen, next(steps), ending(machine));
            }
            if (machines.stream().filter(one -> one.getPhase() == Phase.FAILED).map(MachineRecord::getOffer).distinct().count() >= pool.getOffersCount()) {
                return failed(machine, seen, Step.LAUNCH, ending(machine));
            }
            if (System.nanoTime() > deadline) {
                var refused = control.call(() -> control.fleets().getFleet(GetFleetRequest.newBuilder().setName(name).build())).getRefusalsList();
                return failed(machine, seen, next(steps), "it took longer than " + Times.span(within)
                        + (refused.isEmpty() ? "" : ": " + String.join(" ", refused.stream().map(Refusal::getText).toList())));
            }
            Run.sleep(LOOK_EVERY.toMillis());
        }
    }

    private Outcome drained(String pool, MachineRecord machine, TaskSeen seen) {
        var request = MachineNameRequest.newBuilder().setMachineId(machine.getMachineId()).setRequestId(UUID.randomUUID().toString()).build();
        control.write(() -> control.machines().drainMachine(request));
        output.live(List.of("pool " + pool + ": " + word(Step.DRAIN) + " of " + machine.getMachineId()));
        var gone = gone(machine);
        var steps = steps(gone, seen);
        return hasEnded(gone) ? new Outcome(gone, steps, null, "", List.of())
                : new Outcome(gone, steps, Step.DRAIN, "the machine is not gone after " + Times.span(GONE_WITHIN), lines(gone, TaskSeen.NONE));
    }

    /** What failed is away before it is told: what it cost is known only then. */
    private Outcome failed(MachineRecord machine, TaskSeen seen, Step at, String reason) {
        var lines = machine == null ? List.<String>of() : lines(machine, seen);
        endFleet();
        var last = machine == null ? null : gone(machine);
        // A console may be read only once its machine is gone.
        return new Outcome(last, last == null ? List.of() : steps(last, seen).stream().filter(done -> done.step.compareTo(at) < 0).toList(), at,
                reason + (last == null || hasEnded(last) ? "" : "; its machine is still there, and its fleet " + name + " ends it"),
                lines.isEmpty() && last != null ? lines(last, seen) : lines);
    }

    private MachineRecord gone(MachineRecord machine) {
        var deadline = System.nanoTime() + GONE_WITHIN.toNanos();
        var last = machine;
        while (!hasEnded(last) && System.nanoTime() < deadline) {
            Run.sleep(LOOK_EVERY.toMillis());
            last = machines().stream().filter(one -> one.getMachineId().equals(machine.getMachineId())).findFirst().orElse(last);
        }
        return last;
    }

    /** By age. */
    private List<MachineRecord> machines() {
        var machines = new ArrayList<>(control.allMachines(ListMachinesRequest.newBuilder().setFleet(name).setEndedToo(true).build()));
        machines.sort(Comparator.comparing((MachineRecord machine) -> Times.instant(machine.getRequestedAt())).thenComparing(MachineRecord::getMachineId));
        return machines;
    }

    private TaskSeen taskSeen() {
        var seen = clearml.call("tasks.get_by_id", Output.JSON.createObjectNode().put("task", task)).path("task");
        return new TaskSeen(seen.path("status").asText(), instant(seen.path("started")), instant(seen.path("completed")),
                seen.path("status_message").asText(""));
    }

    private static Instant instant(JsonNode time) {
        return time.asText("").isEmpty() || time.isNull() ? null : ServerTime.parse(time.asText());
    }

    /**
     * Those that are over. One whose end nobody saw, such as a boot between two lists, is part of the next. Times of ClearML and of Kafka meet in it:
     * what their clocks differ by is not below zero.
     */
    static List<Done> steps(MachineRecord machine, TaskSeen task) {
        var moments = moments(machine, task);
        var done = new ArrayList<Done>();
        var from = Times.instant(machine.getRequestedAt());
        for (var step : Step.values()) {
            var to = moments.get(step.ordinal());
            if (to != null) {
                done.add(new Done(step, to.isBefore(from) ? Duration.ZERO : Duration.between(from, to)));
                from = to;
            }
        }
        return done;
    }

    /** When each step was over; null: it isn't, or nobody saw it. */
    private static List<Instant> moments(MachineRecord machine, TaskSeen task) {
        return Arrays.asList(instant(machine.hasAcceptedAt(), machine.getAcceptedAt()), instant(machine.hasBootedAt(), machine.getBootedAt()),
                instant(machine.hasReadyAt(), machine.getReadyAt()), task.started, task.isOver() ? task.ended : null,
                task.isOver() ? instant(machine.hasEndedAt(), machine.getEndedAt()) : null);
    }

    private static Instant instant(boolean has, Timestamp at) {
        return has ? Times.instant(at) : null;
    }

    /** The one that is under way. */
    private static Step next(List<Done> steps) {
        return steps.isEmpty() ? Step.LAUNCH : Step.values()[Math.min(steps.get(steps.size() - 1).step.ordinal() + 1, Step.DRAIN.ordinal())];
    }

    static String word(Step step) {
        return FleetCommand.word(step);
    }

    private static boolean hasEnded(MachineRecord machine) {
        return !machine.getCounted();
    }

    private static String ending(MachineRecord machine) {
        return machine.getCauseDetail().isEmpty() ? "the machine is " + MachineCommand.phase(machine) : machine.getCauseDetail();
    }

    /** Of the task once it has begun, else of the machine. */
    private List<String> lines(MachineRecord machine, TaskSeen seen) {
        var lines = seen.started == null ? List.<String>of() : log();
        return lines.isEmpty() ? consoles.apply(machine).map(text -> last(text.stripTrailing().lines().toList())).orElse(List.of()) : lines;
    }

    private List<String> log() {
        var lines = new ArrayList<String>();
        var newest = clearml.call("events.get_task_log", Output.JSON.createObjectNode().put("task", task).put("batch_size", LINES).put("navigate_earlier", true)).path("events");
        newest.forEach(event -> lines.add(event.path("msg").asText().stripTrailing()));
        Collections.reverse(lines);
        return last(lines.stream().flatMap(String::lines).toList());
    }

    private static List<String> last(List<String> lines) {
        return List.copyOf(lines.subList(Math.max(0, lines.size() - LINES), lines.size()));
    }

    /** Micro-units; empty: not known, or not spent yet. */
    static Optional<Long> cost(MachineRecord machine) {
        var paid = machine.getPaid();
        return machine.hasPaid() && paid.getKind() == PaidKind.PAID_KIND_UNSPECIFIED && paid.hasMicrosPerHour() ? Optional.of(paid.getSpentMicros()) : Optional.empty();
    }

    /** Takes away what the test has made, at most once. What can't be is told, and the rest goes all the same. */
    private synchronized void clear() {
        attempt("fleet " + name, this::endFleet);
        if (queueLeft) {
            queueLeft = false;
            attempt("queue " + name, () -> clearml.call("queues.delete", Output.JSON.createObjectNode().put("queue", queueId).put("force", true)));
        }
        if (taskLeft) {
            taskLeft = false;
            attempt("task " + task, () -> clearml.call("tasks.delete", Output.JSON.createObjectNode().put("task", task).put("force", true)));
        }
    }

    /** A task that failed stays to be read. */
    private synchronized void keepTask() {
        taskLeft = false;
    }

    private synchronized void endFleet() {
        if (fleetLeft) {
            FleetCommand.delete(control, name, ShutdownAction.ALL);
            fleetLeft = false;
        }
    }

    private static void attempt(String what, Runnable delete) {
        try {
            delete.run();
        } catch (CliFailure left) {
            System.err.println("muster: " + what + " is left: " + left.getMessage());
        }
    }
}
