package dev.muster.planner.simulation;

import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.Hold;
import dev.muster.planner.core.Launches;
import dev.muster.planner.core.OtherRules;
import dev.muster.planner.core.Phase;
import dev.muster.planner.core.Plan;
import dev.muster.planner.core.PlanRecord;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Proposal;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;
import dev.muster.planner.core.rules.AvoidExhaustedOffers;
import dev.muster.planner.core.rules.FinishDrains;
import dev.muster.planner.core.rules.FollowMachines;
import dev.muster.planner.core.rules.GiveUpOnStuckMachines;
import dev.muster.planner.core.rules.HoldOnUnknownScopes;
import dev.muster.planner.core.rules.JudgeStrangers;
import dev.muster.planner.core.rules.KeepWarm;
import dev.muster.planner.core.rules.ReleaseIdleMachines;
import dev.muster.planner.core.rules.RetireOldMachines;
import dev.muster.planner.core.rules.StayWithinBudget;
import dev.muster.planner.core.rules.StayWithinLimits;
import dev.muster.planner.core.rules.WantEnoughForDemand;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.UnaryOperator;

/** The planner's rules with other autoscalers' bugs in them. */
final class MutatedRules {

    private MutatedRules() {}

    /** A bug that is in the rules alone. */
    private record InRules(OtherRules rules) implements Bug {
        @Override
        public Plan plan(Fleet fleet, Instant now) {
            return rules.plan(fleet, now);
        }
    }

    private static Bug with(UnaryOperator<Rule> change) {
        return new InRules(rules(change));
    }

    static OtherRules rules(UnaryOperator<Rule> change) {
        return OtherRules.of((launches, rule) -> change.apply(rule), rule -> rule, rule -> rule);
    }

    /** A rule, and what is done wrongly after it. */
    private static UnaryOperator<Rule> after(Class<? extends Rule> original, Rule more) {
        return rule -> original.isInstance(rule) ? planning -> {
            rule.apply(planning);
            more.apply(planning);
        } : rule;
    }

    private static UnaryOperator<Rule> without(Class<? extends Rule> original) {
        return rule -> original.isInstance(rule) ? null : rule;
    }

    private static UnaryOperator<Rule> both(UnaryOperator<Rule> one, UnaryOperator<Rule> other) {
        return rule -> {
            var first = one.apply(rule);
            return first == null ? null : first == rule ? other.apply(rule) : first;
        };
    }

    // Too many.

    /** What the first pool covers is asked of the next, too. */
    static Bug asksEveryPool() {
        return new InRules(OtherRules.of((launches, rule) -> rule instanceof WantEnoughForDemand ? planning -> {
            var uncovered = planning.spec().queues().stream().mapToInt(queue -> waiting(planning, queue.name())
                    - queue.pools().stream().mapToInt(pool -> free(planning, pool)).sum()).toArray();
            rule.apply(planning);
            for (int i = 0; i < uncovered.length; i++) {
                var queue = planning.spec().queues().get(i);
                for (var pool : queue.pools().subList(1, queue.pools().size())) {
                    ask(planning, launches, rule, queue.name(), pool, uncovered[i]);
                }
            }
        } : rule, rule -> rule, rule -> rule));
    }

    /** Machines that boot are not counted as supply. */
    static Bug forgetsWhatBoots() {
        return new InRules(OtherRules.of((launches, rule) -> rule instanceof WantEnoughForDemand ? planning -> {
            rule.apply(planning);
            for (var queue : planning.spec().queues()) {
                for (var pool : queue.pools()) {
                    if (planning.books(planning.spec().pool(pool).orElseThrow()).starting() > 0) {
                        ask(planning, launches, rule, queue.name(), pool, waiting(planning, queue.name()));
                    }
                }
            }
        } : rule, rule -> rule, rule -> rule));
    }

    /** What runs is subtracted from what waits: a machine that was made for a task counts for any other. */
    static Bug countsTaskPodsForAnyTask() {
        return with(rule -> rule instanceof WantEnoughForDemand ? planning -> {
            var waiting = planning.spec().queues().stream().mapToInt(queue -> waiting(planning, queue.name())).sum();
            var busy = planning.fleet().bound().stream().filter(machine -> planning.fleet().isBusy(machine)).count();
            if (busy == 0 || waiting > busy) {
                rule.apply(planning);
            }
        } : rule);
    }

    private static int waiting(Planning planning, String queue) {
        var seen = planning.fleet().queues().get(queue);
        return seen == null || planning.isHeld() ? 0 : seen.waiting();
    }

    private static int free(Planning planning, String pool) {
        return planning.books(planning.spec().pool(pool).orElseThrow()).freeSlots();
    }

    private static void ask(Planning planning, Launches launches, Rule asker, String queue, String pool, int machines) {
        if (machines > 0) {
            launches.admit(planning, asker, Reason.TASKS_WAIT, Proposal.of(planning.spec().pool(pool).orElseThrow(),
                    planning.spec().queue(queue).orElseThrow(), machines, List.of(), List.of()), machines, 0);
        }
    }

    /** The warm pool is kept by a part that doesn't know the maximum. */
    static Bug warmPoolIgnoresLimits() {
        var unlimited = OtherRules.launches(rule -> rule instanceof StayWithinLimits ? null : rule, rule -> rule);
        return new InRules(OtherRules.of((launches, rule) -> rule instanceof KeepWarm ? new KeepWarm(unlimited) : rule, rule -> rule, rule -> rule));
    }

    /** What leaves counts no more, though it is still there and paid for. */
    static Bug doesNotCountWhatLeaves() {
        return new InRules(OtherRules.of((launches, rule) -> rule, rule -> rule instanceof StayWithinLimits ? (planning, proposal) -> {
            var limited = rule.limit(planning, proposal);
            var pool = proposal.pool();
            var staying = planning.fleet().active().values().stream().filter(machine -> machine.phase().isStaying()).count();
            var own = limited.constraints().subList(proposal.constraints().size(), limited.constraints().size());
            if (own.isEmpty() || !own.stream().allMatch(why -> why.reason() == Reason.AT_POOL_LIMIT || why.reason() == Reason.AT_FLEET_LIMIT)) {
                return limited;
            }
            var inPool = pool.limits().max() - planning.books(pool).staying();
            return proposal.atMost((int) Math.min(inPool, planning.spec().limits().max() - staying), own);
        } : rule, rule -> rule));
    }

    /** Counts are all that is capped. */
    static Bug knowsNoMoney() {
        return new InRules(OtherRules.of((launches, rule) -> rule, rule -> rule, rule -> rule instanceof StayWithinBudget ? null : rule));
    }

    // Refused offers.

    /** A launch that was refused is tried again at once, on the same offer. */
    static Bug triesRefusedOffersAgain() {
        return new InRules(OtherRules.of((launches, rule) -> rule, rule -> rule, rule -> rule instanceof AvoidExhaustedOffers ? null : rule));
    }

    /** What is known of an offer without capacity is dropped after a fixed time: all try at once. */
    static Bug dropsHoldsAfterAFixedTime() {
        return with(after(FollowMachines.class, planning -> {
            for (var hold : List.copyOf(planning.fleet().holds())) {
                if (hold.kind() == Hold.Kind.CAPACITY && hold.until() != null && planning.hasPassed(hold.until())) {
                    planning.write(new PlanRecord.HoldChanged(new Hold(hold.kind(), hold.subject(), hold.since(), null, 0, "", "")));
                }
            }
        }));
    }

    // Busy machines.

    /** An idle machine is terminated, and not asked before whether it still is idle. */
    static Bug terminatesWhatLookedIdle() {
        return with(after(ReleaseIdleMachines.class, planning -> terminateDrained(planning, Reason.IDLE_TOO_LONG)));
    }

    /** Old age ends a machine, busy or not. */
    static Bug terminatesWhatIsOld() {
        return with(after(RetireOldMachines.class, planning -> terminateDrained(planning, Reason.IS_OLD)));
    }

    private static void terminateDrained(Planning planning, Reason cause) {
        for (var machine : List.copyOf(planning.fleet().active().values())) {
            if (machine.phase() == Phase.DRAINING && machine.cause() == cause) {
                planning.terminate(machine, machine.decisionId(), cause, machine.detail());
            }
        }
    }

    /** A machine whose worker is not in the list has nothing to do. */
    static Bug terminatesWhatShowsNoWorker() {
        return with(after(ReleaseIdleMachines.class, planning -> {
            for (var machine : List.copyOf(planning.fleet().active().values())) {
                if (machine.phase() == Phase.BOOTING && machine.readyAt() != null) {
                    planning.terminate(machine, machine.decisionId(), Reason.IS_UNKNOWN, "its worker is unknown");
                }
            }
        }));
    }

    // Machines left behind.

    /** The record goes before the call that should end the machine; if that fails, nobody knows of it. */
    static Bug forgetsBeforeItIsGone() {
        return with(both(without(JudgeStrangers.class), rule -> rule instanceof FinishDrains ? planning -> {
            rule.apply(planning);
            for (var machine : List.copyOf(planning.fleet().active().values())) {
                if (machine.phase() == Phase.TERMINATING && machine.attempts() > 0) {
                    gone(planning, machine.id());
                }
            }
        } : rule));
    }

    /** A termination that failed twice is left to people. */
    static Bug givesUpTerminating() {
        return with(both(without(JudgeStrangers.class), rule -> rule instanceof FinishDrains ? planning -> {
            rule.apply(planning);
            for (var machine : List.copyOf(planning.fleet().active().values())) {
                if (machine.phase() == Phase.TERMINATING && machine.attempts() > 2) {
                    gone(planning, machine.id());
                }
            }
        } : rule));
    }

    private static void gone(Planning planning, String id) {
        var machine = planning.fleet().machine(id).orElseThrow();
        planning.change(machine, m -> {
            m.phase = Phase.GONE;
            m.endedAt = planning.now();
            m.retryAt = null;
        });
    }

    /** A machine whose agent is no longer listed is neither counted nor ended. */
    static Bug leavesMachinesWithoutAgents() {
        return with(without(GiveUpOnStuckMachines.class));
    }

    /** Idle is since the last activity, and a report is one. */
    static Bug idleSinceTheLastReport() {
        return with(rule -> rule instanceof ReleaseIdleMachines ? planning -> {
            for (var machine : List.copyOf(planning.fleet().active().values())) {
                if (machine.phase() == Phase.READY && machine.idleSince() != null
                        && machine.idleSince().isBefore(planning.now().minus(Duration.ofSeconds(30)))) {
                    planning.change(machine, m -> m.idleSince = planning.now());
                }
            }
            rule.apply(planning);
        } : rule);
    }

    // What is used by bugs outside the rules.

    /** As a planner that trusts its memory alone. */
    static OtherRules ofMemoryAlone() {
        return OtherRules.of((launches, rule) -> rule instanceof JudgeStrangers ? null : rule, rule -> rule instanceof HoldOnUnknownScopes ? null : rule,
                rule -> rule);
    }

    /** The first plan of a process ends all machines. */
    static OtherRules endsAll() {
        return rules(after(ReleaseIdleMachines.class, planning -> {
            for (var machine : List.copyOf(planning.fleet().active().values())) {
                if (machine.phase() == Phase.READY) {
                    planning.terminate(machine, machine.decisionId(), Reason.FLEET_ENDS, "the scaler is replaced");
                }
            }
        }));
    }
}
