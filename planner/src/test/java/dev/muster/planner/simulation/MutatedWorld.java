package dev.muster.planner.simulation;

import dev.muster.planner.core.CloudState;
import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.FleetEvent;
import dev.muster.planner.core.FleetEvent.MachineFacts;
import dev.muster.planner.core.FleetEvent.WorkerSeen;
import dev.muster.planner.core.Ledger;
import dev.muster.planner.core.OtherRules;
import dev.muster.planner.core.Phase;
import dev.muster.planner.core.Plan;
import dev.muster.planner.core.Planner;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Other autoscalers' bugs that are not in a rule: in what is heard, what is kept, and what is told to the cloud and the queues. */
final class MutatedWorld {

    private MutatedWorld() {}

    /** A list that failed shows no machines. */
    static Bug failedListIsEmpty() {
        return new Bug() {
            @Override
            public FleetEvent heard(Fleet fleet, FleetEvent event) {
                return event instanceof FleetEvent.InventorySeen list && list.state() != FleetEvent.ScopeState.LISTED
                        ? new FleetEvent.InventorySeen(list.at(), list.scope(), list.seen(), list.listStartedAt(), FleetEvent.ScopeState.LISTED, "",
                                list.machines(), list.foreignCluster())
                        : event;
            }
        };
    }

    /** A look that failed shows queues without tasks and no workers. */
    static Bug failedLookIsEmpty() {
        return new Bug() {
            @Override
            public FleetEvent heard(Fleet fleet, FleetEvent event) {
                if (!(event instanceof FleetEvent.ReadFailed failed)) {
                    return event;
                }
                var seen = failed.seen();
                var next = new FleetEvent.Seen(seen.source(), seen.generation(), seen.sequence() + 1, failed.at(), 1, 1);
                return new FleetEvent.DemandSeen(failed.at(), next, 0, Duration.ofSeconds(5), false, List.copyOf(fleet.queues().values()), List.of(),
                        List.of(), List.of());
            }
        };
    }

    /** A machine that is not listed yet is taken for gone: no time is given to a cloud that lists eventually. */
    static Bug missingAtOnceIsGone() {
        return new Bug() {
            @Override
            public FleetEvent heard(Fleet fleet, FleetEvent event) {
                return event instanceof FleetEvent.InventorySeen list
                        ? new FleetEvent.InventorySeen(list.at(), list.scope(), list.seen(), list.listStartedAt().plus(Duration.ofMinutes(5)), list.state(),
                                list.detail(), list.machines(), list.foreignCluster())
                        : event;
            }
        };
    }

    /** Calls for machines carry no token: a call made again after a crash, or after no answer, makes more. */
    static Bug noToken() {
        return new Bug() {
            @Override
            public boolean forgetsTokens() {
                return true;
            }
        };
    }

    /** No answer is taken for a refusal; what was started is nobody's. */
    static Bug silenceIsARefusal() {
        return new Bug() {
            @Override
            public boolean takesSilenceForRefusal() {
                return true;
            }
        };
    }

    /** An agent ended by its machine says that the task is complete. */
    static Bug killedTasksAreComplete() {
        return new Bug() {
            @Override
            public boolean completesKilledTasks() {
                return true;
            }
        };
    }

    /** A task whose machine is gone stays in progress on nobody. */
    static Bug rescuesNothing() {
        return new Bug() {
            @Override
            public boolean declinesRescues() {
                return true;
            }
        };
    }

    /** After an error the loop begins with empty hands: machines that boot are forgotten, and bought again. */
    static Bug restartForgetsMachines() {
        return new Bug() {
            private final OtherRules rules = MutatedRules.ofMemoryAlone();

            @Override
            public boolean canBeReplayed() {
                return false;
            }

            @Override
            public Plan plan(Fleet fleet, Instant now) {
                return rules.plan(fleet, now);
            }

            @Override
            public Fleet restored(Fleet stored) {
                var registered = stored.active().values().stream().filter(machine -> !machine.phase().isStarting()).toList();
                return Fleet.restored(stored.head(), stored.memory(), Ledger.Book.EMPTY, registered, stored.queues().values(), stored.workers().values());
            }
        };
    }

    /** A new release of the scaler ends what the old one has started. */
    static Bug restartEndsMachines() {
        return new RestartEndsMachines();
    }

    private static final class RestartEndsMachines implements Bug {
        private final OtherRules rules = MutatedRules.endsAll();
        private boolean hasStarted;

        @Override
        public boolean canBeReplayed() {
            return false;
        }

        @Override
        public Bug fresh() {
            return new RestartEndsMachines();
        }

        @Override
        public Fleet restored(Fleet stored) {
            hasStarted = true;
            return stored;
        }

        @Override
        public Plan plan(Fleet fleet, Instant now) {
            if (hasStarted) {
                hasStarted = false;
                return rules.plan(fleet, now);
            }
            return Planner.plan(fleet, now);
        }
    }

    /** A report about a machine that has ended breaks the loop, and with it everything. */
    static Bug aBadRowStopsTheLoop() {
        return new ABadRowStopsTheLoop();
    }

    private static final class ABadRowStopsTheLoop implements Bug {
        private boolean isDead;

        @Override
        public Bug fresh() {
            return new ABadRowStopsTheLoop();
        }

        @Override
        public FleetEvent heard(Fleet fleet, FleetEvent event) {
            if (event instanceof FleetEvent.MachineSeen seen) {
                var machine = fleet.machine(seen.machine().machineId());
                isDead |= machine.isPresent() && machine.get().phase().isEnded() || machine.isPresent() && machine.get().phase() == Phase.TERMINATING
                        && seen.machine().state() == CloudState.RUNNING;
            }
            return event;
        }

        @Override
        public Plan plan(Fleet fleet, Instant now) {
            return isDead ? new Plan(List.of(), now.plusSeconds(60)) : Planner.plan(fleet, now);
        }
    }

    /** A worker that vanished while it was idle counts as idle for ever. */
    static Bug ghostsAreSupply() {
        return new GhostsAreSupply();
    }

    private static final class GhostsAreSupply implements Bug {
        private final Map<String, WorkerSeen> ghosts = new TreeMap<>();
        private final Map<String, WorkerSeen> known = new HashMap<>();

        @Override
        public Bug fresh() {
            return new GhostsAreSupply();
        }

        @Override
        public FleetEvent heard(Fleet fleet, FleetEvent event) {
            if (!(event instanceof FleetEvent.DemandSeen look) || look.seen().parts() > 1) {
                return event;
            }
            var now = new TreeMap<String, WorkerSeen>();
            look.workers().forEach(worker -> now.put(worker.id(), worker));
            known.values().stream().filter(worker -> look.full() ? !now.containsKey(worker.id()) : look.workersGone().contains(worker.id()))
                    .filter(worker -> worker.task().isEmpty())
                    .forEach(worker -> ghosts.put(worker.id(), new WorkerSeen("ghost-of-" + worker.id(), worker.user(), "", "", worker.queueIds())));
            known.keySet().removeIf(id -> ghosts.containsKey(id));
            known.putAll(now);
            var workers = new ArrayList<>(look.workers());
            workers.addAll(ghosts.values());
            return new FleetEvent.DemandSeen(look.at(), look.seen(), look.tick(), look.interval(), look.full(), look.queues(), workers, look.workersGone(),
                    look.adrift());
        }
    }

    /** Once a minute, machines that the books don't show are terminated, however young they are. */
    static Bug sweepsWithoutAnAgeGate() {
        return new Bug() {
            @Override
            public void listed(World world, List<MachineFacts> machines) {
                for (var machine : machines) {
                    var isKnown = world.planner().fleet().machineByCloudId(machine.cloudId()).isPresent();
                    if (!isKnown && machine.state().isAlive()) {
                        world.cloud().machine(machine.cloudId()).terminate();
                    }
                }
            }
        };
    }
}
