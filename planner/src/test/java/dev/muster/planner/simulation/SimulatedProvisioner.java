package dev.muster.planner.simulation;

import dev.muster.planner.core.Adoption;
import dev.muster.planner.core.CloudState;
import dev.muster.planner.core.Command;
import dev.muster.planner.core.Ending;
import dev.muster.planner.core.FailureKind;
import dev.muster.planner.core.FleetEvent;
import dev.muster.planner.core.FleetEvent.MachineFacts;
import dev.muster.planner.core.FleetEvent.ScopeState;
import dev.muster.planner.core.FleetEvent.Seen;
import dev.muster.planner.core.Mark;
import dev.muster.planner.simulation.Happening.Kind;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * The provisioner's host as {@code provisioner/host} is written: commands of one machine in order and others beside them, answers and
 * offsets in one transaction, a call that nobody answered made again, what a predecessor may have begun never declared expired, and
 * lists of each scope. It is modelled, since the real one is made of threads and Kafka clients.
 */
final class SimulatedProvisioner {

    private static final long FAST = 5000;
    private static final long SLOW = 60_000;
    private static final long LONGEST_BACKOFF = 30_000;

    private final class Work {
        final int offset;
        final Command.ToProvisioner command;
        final List<String> ids;
        boolean isMaybeMade;
        int attempts;

        Work(int offset, Command.ToProvisioner command, boolean isMaybeMade) {
            this.offset = offset;
            this.command = command;
            this.isMaybeMade = isMaybeMade;
            this.ids = command instanceof Command.Launch launch ? launch.machineIds() : List.of(machineIdOf(command));
        }
    }

    private final World world;
    private final Dice dice;
    /** Committed: the commands that have been answered. */
    private final BitSet finished = new BitSet();

    private long generation;
    private boolean isUp = true;
    private int read;
    private int readByPredecessor;
    private final Map<String, ArrayDeque<Work>> lanes = new HashMap<>();
    private final Map<String, Long> sequences = new TreeMap<>();
    private final Map<String, Map<String, CloudState>> shown = new HashMap<>();
    private final Map<String, Integer> failures = new HashMap<>();
    private int underWay;

    SimulatedProvisioner(World world) {
        this.world = world;
        this.dice = world.dice("provisioner");
        start();
    }

    private long clock() {
        return world.now() + world.shape().provisionerSkew();
    }

    private void start() {
        isUp = true;
        generation = clock() + 10_000;
        read = finished.nextClearBit(0);
        readByPredecessor = world.orders().size();
        lanes.clear();
        sequences.clear();
        shown.clear();
        failures.clear();
        underWay = 0;
        for (var scope : world.shape().head(Shape.Edits.NONE, null, null, 1, Shape.START).scopes()) {
            turn(scope, generation);
        }
        read();
    }

    void restart(long downFor) {
        if (!isUp) {
            return;
        }
        world.trace("provisioner", "ends; calls under way have their effect, and nobody hears of it");
        isUp = false;
        generation = -1;
        world.after(downFor, () -> {
            world.trace("provisioner", "is back");
            start();
        });
    }

    /** Something was appended to its commands. */
    void appended() {
        var of = generation;
        world.after(dice.between(5, 100), () -> {
            if (of == generation) {
                read();
            }
        });
    }

    private void read() {
        if (!isUp) {
            return;
        }
        if (world.isOn(Kind.COMMANDS_LAG, 0, 2)) {
            var of = generation;
            world.after(1000, () -> {
                if (of == generation) {
                    read();
                }
            });
            return;
        }
        for (; read < world.orders().size(); read++) {
            if (!finished.get(read)) {
                accept(new Work(read, world.orders().get(read), read < readByPredecessor));
            }
        }
    }

    private void accept(Work work) {
        underWay++;
        var isFirst = true;
        for (var id : work.ids) {
            var lane = lanes.computeIfAbsent(id, none -> new ArrayDeque<>(2));
            lane.add(work);
            isFirst &= lane.peek() == work;
        }
        if (isFirst) {
            attempt(work);
        }
    }

    private void attempt(Work work) {
        if (work.command instanceof Command.Launch launch) {
            launch(work, launch);
        } else if (work.command instanceof Command.Adopt adopt) {
            adopt(work, adopt);
        } else {
            ofMachine(work);
        }
    }

    private void launch(Work work, Command.Launch launch) {
        var late = world.instant(clock()).isAfter(launch.expiresAt());
        if (late && !work.isMaybeMade) {
            finish(work, List.of(refused(launch, launch.machineIds(), FailureKind.EXPIRED)));
            return;
        }
        var of = generation;
        world.after(dice.between(20, 1500), () -> {
            // The call is on its way: it has its effect, whoever lives to hear of it.
            var answer = late ? world.cloud().find(launch) : world.cloud().launch(launch);
            world.after(dice.between(20, 800), () -> {
                if (of == generation) {
                    launched(work, launch, late, answer);
                }
            });
        });
    }

    private void launched(Work work, Command.Launch launch, boolean isLate, SimulatedCloud.Answer answer) {
        var failure = answer.failure();
        if (failure == FailureKind.THROTTLED || failure == FailureKind.UNAVAILABLE && !world.bug().takesSilenceForRefusal()) {
            again(work, failure);
            return;
        }
        var reports = new ArrayList<Function<Instant, FleetEvent>>();
        if (failure != null) {
            if (!isLate) {
                reports.add(answer.isFaultOfTask() ? refusedForItsTask(launch) : refused(launch, launch.machineIds(), failure));
            }
        } else if (!answer.machines().isEmpty()) {
            var facts = answer.machines().stream().map(SimulatedMachine::factsNow).toList();
            reports.add(at -> new FleetEvent.LaunchAccepted(at, launch.batchId(), facts));
            if (!answer.undelivered().isEmpty()) {
                var ids = answer.undelivered().stream().map(launch.machineIds()::get).toList();
                reports.add(refused(launch, ids, FailureKind.OUT_OF_CAPACITY));
            }
        }
        finish(work, reports);
    }

    private Function<Instant, FleetEvent> refused(Command.Launch launch, List<String> ids, FailureKind kind) {
        world.trace("provisioner", () -> "says that " + ids + " was refused: " + kind);
        return at -> new FleetEvent.LaunchRefused(at, launch.batchId(), ids, kind, kind.name(), "", "", launch.offer());
    }

    private Function<Instant, FleetEvent> refusedForItsTask(Command.Launch launch) {
        world.trace("provisioner", () -> "says that " + launch.machineIds() + " was refused for what " + launch.task() + " asks for");
        return at -> new FleetEvent.LaunchRefused(at, launch.batchId(), launch.machineIds(), FailureKind.INVALID_SPEC, "BadOverride", "it can't be read", "",
                launch.offer(), true);
    }

    private void again(Work work, FailureKind why) {
        if (why == FailureKind.UNAVAILABLE) {
            work.isMaybeMade = true;
        }
        work.attempts++;
        var whole = Math.min(LONGEST_BACKOFF, 250L << Math.min(work.attempts - 1, 20));
        var of = generation;
        world.after(whole / 2 + dice.between(0, whole / 2), () -> {
            if (of == generation) {
                attempt(work);
            }
        });
    }

    private static String machineIdOf(Command.ToProvisioner command) {
        if (command instanceof Command.Adopt adopt) {
            return adopt.machineId();
        }
        if (command instanceof Command.Drain drain) {
            return drain.machineId();
        } else if (command instanceof Command.CancelDrain cancel) {
            return cancel.machineId();
        } else if (command instanceof Command.Release release) {
            return release.machineId();
        }
        return ((Command.Terminate) command).machineId();
    }

    private void adopt(Work work, Command.Adopt adopt) {
        var of = generation;
        world.after(dice.between(20, 800), () -> {
            var refusal = new Adoption.Refusal[1];
            var failure = world.cloud().adopt(adopt, refusal);
            world.after(dice.between(20, 400), () -> {
                if (of == generation) {
                    adopted(work, adopt, failure, refusal[0]);
                }
            });
        });
    }

    private void adopted(Work work, Command.Adopt adopt, FailureKind failure, Adoption.Refusal refusal) {
        if (failure == FailureKind.THROTTLED || failure == FailureKind.UNAVAILABLE) {
            again(work, failure);
            return;
        }
        if (failure != null || refusal != null) {
            world.trace("provisioner", () -> "says that " + adopt.machineId() + " is not adopted: " + (failure != null ? failure : refusal));
            finish(work, List.of(at -> new FleetEvent.AdoptionRefused(at, adopt.machineId(), adopt.ordinal(),
                    failure != null ? Adoption.Refusal.BY_CLOUD : refusal, "as the cloud says")));
            return;
        }
        var facts = world.cloud().machine(adopt.cloudId()).factsNow();
        finish(work, List.of(at -> new FleetEvent.MachineSeen(at, facts),
                at -> new FleetEvent.CommandAnswered(at, adopt.machineId(), adopt.ordinal(), "adopt", true, null, "", "")));
    }

    private void ofMachine(Work work) {
        var of = generation;
        world.after(dice.between(20, 800), () -> {
            var left = new CloudState[1];
            var failure = carryOut(work.command, left);
            world.after(dice.between(20, 400), () -> {
                if (of == generation) {
                    answered(work, failure, left[0]);
                }
            });
        });
    }

    /** Answers a failure, or null; {@code left} is set to the state that the call shows, if it does. */
    private FailureKind carryOut(Command.ToProvisioner command, CloudState[] left) {
        if (command instanceof Command.Terminate terminate) {
            return world.cloud().terminate(terminate.cloudId(), left);
        }
        var gone = new boolean[1];
        FailureKind failure;
        if (command instanceof Command.Drain drain) {
            failure = world.cloud().mark(drain.cloudId(), drain.now() ? Mark.DRAIN_NOW : Mark.DRAIN, drain.ordinal(), gone);
        } else if (command instanceof Command.CancelDrain cancel) {
            failure = world.cloud().mark(cancel.cloudId(), Mark.NONE, cancel.ordinal(), gone);
        } else {
            var release = (Command.Release) command;
            failure = world.cloud().mark(release.cloudId(), Mark.RELEASED, release.ordinal(), gone);
        }
        left[0] = gone[0] ? CloudState.NOT_FOUND : null;
        return failure;
    }

    private void answered(Work work, FailureKind failure, CloudState left) {
        if (failure == FailureKind.THROTTLED || failure == FailureKind.UNAVAILABLE) {
            again(work, failure);
            return;
        }
        var command = work.command;
        var id = machineIdOf(command);
        var reports = new ArrayList<Function<Instant, FleetEvent>>();
        if (left != null) {
            reports.add(at -> new FleetEvent.MachineSeen(at, new MachineFacts(id, "", cloudIdOf(command), "", 0, null, left, Ending.UNKNOWN, null, null, "")));
        }
        reports.add(at -> new FleetEvent.CommandAnswered(at, id, ordinalOf(command), command.getClass().getSimpleName(), failure == null, failure,
                failure == null ? "" : failure.name(), ""));
        finish(work, reports);
    }

    private static String cloudIdOf(Command.ToProvisioner command) {
        if (command instanceof Command.Drain drain) {
            return drain.cloudId();
        } else if (command instanceof Command.CancelDrain cancel) {
            return cancel.cloudId();
        } else if (command instanceof Command.Release release) {
            return release.cloudId();
        }
        return ((Command.Terminate) command).cloudId();
    }

    private static long ordinalOf(Command.ToProvisioner command) {
        if (command instanceof Command.Drain drain) {
            return drain.ordinal();
        } else if (command instanceof Command.CancelDrain cancel) {
            return cancel.ordinal();
        } else if (command instanceof Command.Release release) {
            return release.ordinal();
        }
        return ((Command.Terminate) command).ordinal();
    }

    /** What it has to say and that it is done with the command become true at once, a little later. */
    private void finish(Work work, List<Function<Instant, FleetEvent>> reports) {
        var of = generation;
        world.after(dice.between(5, 50), () -> {
            if (of != generation) {
                return;
            }
            finished.set(work.offset);
            reports.forEach(report -> world.reports().send(0, report));
            underWay--;
            var heads = new LinkedHashSet<Work>();
            for (var id : work.ids) {
                var lane = lanes.get(id);
                lane.poll();
                if (lane.isEmpty()) {
                    lanes.remove(id);
                } else {
                    heads.add(lane.peek());
                }
            }
            for (var head : heads) {
                if (head.ids.stream().allMatch(id -> lanes.get(id).peek() == head)) {
                    attempt(head);
                }
            }
        });
    }

    // Lists.

    private void turn(String scope, long of) {
        if (of != generation) {
            return;
        }
        var startedAt = clock();
        world.after(dice.between(20, 1500), () -> {
            if (of != generation) {
                return;
            }
            var isFailed = world.isOn(Kind.LISTS_FAIL) || world.isOn(Kind.CLOUD_UNAVAILABLE) || world.isOn(Kind.THROTTLED);
            var isPartial = !isFailed && world.isOn(Kind.LISTS_PARTIAL);
            var machines = isFailed ? List.<MachineFacts>of() : new ArrayList<>(world.cloud().list(scope));
            world.bug().listed(world, List.copyOf(machines));
            if (isPartial && !machines.isEmpty()) {
                machines.remove(dice.below(machines.size()));
            }
            world.after(dice.between(20, 800), () -> {
                if (of == generation) {
                    listed(scope, startedAt, isFailed ? ScopeState.FAILED : isPartial ? ScopeState.PARTIAL : ScopeState.LISTED, machines);
                }
            });
            var failed = isFailed || isPartial ? failures.merge(scope, 1, Integer::sum) : failures.put(scope, 0);
            var wait = isFailed || isPartial ? Math.min(SLOW, FAST << Math.min(failures.get(scope) - 1, 10))
                    : underWay > 0 || world.planner().isMoving() || machines.stream().anyMatch(SimulatedProvisioner::isMoving) ? FAST : SLOW;
            hurry(scope, of, wait);
        });
    }

    /** The next turn after {@code wait}, or after the fast interval if something begins to move before. */
    private void hurry(String scope, long of, long wait) {
        if (wait <= FAST) {
            world.after(wait, () -> turn(scope, of));
        } else {
            world.after(FAST, () -> {
                if (of == generation) {
                    hurry(scope, of, underWay > 0 || world.planner().isMoving() ? 0 : wait - FAST);
                }
            });
        }
    }

    private static boolean isMoving(MachineFacts machine) {
        return switch (machine.state()) {
            case WAITING, PENDING, SHUTTING_DOWN -> true;
            case TERMINATED, NOT_FOUND -> false;
            default -> machine.mark() == Mark.DRAIN || machine.mark() == Mark.DRAIN_NOW;
        };
    }

    private void listed(String scope, long startedAt, ScopeState state, List<MachineFacts> machines) {
        var before = shown.getOrDefault(scope, Map.of());
        if (state != ScopeState.FAILED) {
            var now = new HashMap<String, CloudState>();
            for (var machine : machines) {
                now.put(machine.cloudId(), machine.state());
                var was = before.get(machine.cloudId());
                if (was != null && was != machine.state()) {
                    world.reports().send(0, at -> new FleetEvent.MachineSeen(at, machine));
                }
            }
            shown.put(scope, now);
        }
        var sequence = sequences.merge(scope, 1L, Long::sum);
        var read = world.instant(startedAt);
        var isSplit = machines.size() > 1 && dice.chance(world.shape().twoParts());
        var cut = isSplit ? dice.between(1, machines.size() - 1) : machines.size();
        var of = generation;
        var first = List.copyOf(machines.subList(0, cut));
        world.reports().send(0, at -> new FleetEvent.InventorySeen(at, scope, new Seen("aws", of, sequence, read, 1, isSplit ? 2 : 1), read, state, "", first, ""));
        if (isSplit) {
            var second = List.copyOf(machines.subList(cut, machines.size()));
            world.reports().send(0, at -> new FleetEvent.InventorySeen(at, scope, new Seen("aws", of, sequence, read, 2, 2), read, state, "", second, ""));
        }
    }
}
