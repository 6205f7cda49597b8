package dev.muster.planner.core.rules;

import dev.muster.planner.core.Adoption;
import dev.muster.planner.core.CloudState;
import dev.muster.planner.core.FleetEvent.MachineFacts;
import dev.muster.planner.core.FleetHead.ShutdownAction;
import dev.muster.planner.core.FleetMemory.ScopeSeen;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.Mark;
import dev.muster.planner.core.Offer;
import dev.muster.planner.core.OfferKey;
import dev.muster.planner.core.Phase;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Takes machines of ours that the books don't know into them, and drains those that nothing may keep. The planner alone judges
 * this: a machine of an existing pool is adopted and released by the normal rules.
 */
public final class JudgeStrangers implements Rule {

    @Override
    public void apply(Planning planning) {
        for (var id : planning.fleet().revived()) {
            planning.fleet().machine(id).ifPresent(machine -> revive(planning, machine));
        }
        for (var stranger : List.copyOf(planning.fleet().strangers().values())) {
            judge(planning, stranger);
        }
    }

    private void revive(Planning planning, Machine machine) {
        var decision = planning.decide(this, Reason.IS_ORPHAN).machine(machine).how("revived").word("phase", machine.phase().name()).write();
        planning.drain(machine, decision, Reason.IS_ORPHAN, "seen alive after it was " + machine.phase(), false);
    }

    private void judge(Planning planning, MachineFacts stranger) {
        // A machine whose offer the cloud doesn't tell can't be commanded; one that is released is its user's.
        if (stranger.offer() == null || stranger.mark() == Mark.RELEASED || endedByLeaving(planning, stranger)
                || planning.fleet().scope(stranger.offer().scope()).map(ScopeSeen::foreignCluster).filter(c -> !c.isEmpty()).isPresent()) {
            return;
        }
        var known = planning.fleet().machine(stranger.machineId());
        var second = stranger.machineId().isEmpty() || known.isPresent();
        var id = second ? Adoption.ID + stranger.cloudId() : stranger.machineId();
        if (planning.fleet().machine(id).isPresent()) {
            return;
        }
        counter(planning, id).ifPresent(planning::countedUpTo);
        var now = planning.now();
        var pool = planning.fleet().pool(stranger.pool());
        // As the spec has it, where it does: what is declared of the offer, its price first, is true of the machine.
        var offer = pool.flatMap(p -> p.offers().stream().filter(each -> isOf(each.key(), stranger.offer())).findFirst());
        var committed = offer.map(each -> planning.committed(pool.orElseThrow(), each)).orElse(OptionalLong.empty());
        var launchedAt = stranger.launchedAt() == null ? now : stranger.launchedAt();
        var asked = Optional.ofNullable(planning.fleet().adoptions().get(stranger.cloudId()));
        var decision = planning.decide(this, orphan(planning, stranger) ? Reason.IS_ORPHAN : asked.isPresent() ? Reason.ADOPTION : Reason.IS_UNKNOWN)
                .pool(stranger.pool()).machines(List.of(id)).causes(asked.map(Adoption::decisionId).stream().toList());
        var adopted = new Machine(id, stranger.pool(), offer.map(Offer::key).orElse(stranger.offer()), stranger.batchId(), stranger.launchIndex(),
                stranger.cloudId(), Phase.BOOTING, null, null, "", false, null, asked.map(Adoption::attempts).orElse(0), Mark.NONE,
                stranger.mark() == null ? Mark.NONE : stranger.mark(),
                stranger.state(), stranger.ending(), committed, "", decision.id(), List.of(),
                launchedAt.isAfter(now) ? now : launchedAt, now, now, stranger.state() == CloudState.PENDING || stranger.state() == CloudState.WAITING ? null : now, null, null, null,
                null, null, null, 0, "", false, null, null, null, stranger.task(), stranger.note(),
                stranger.state() == CloudState.WAITING ? now : null, null, null);
        planning.put(adopted);
        // One at work is at work from this plan on: no deadline of a boot is for it.
        adopted = FollowMachines.register(planning, adopted);
        if (second && known.isPresent()) {
            decision.how("second").word("cloudId", stranger.cloudId()).word("known", known.get().id()).wordIfAny("knownCloudId", known.get().cloudId()).write();
            planning.drain(adopted, decision.id(), Reason.IS_UNKNOWN, "a second machine under one id", false);
        } else if (orphan(planning, stranger)) {
            decision.how("fleet-deleted").write();
            planning.drain(adopted, decision.id(), Reason.IS_ORPHAN, "its fleet was deleted", false);
        } else {
            decision.how("adopted").word("cloudId", stranger.cloudId());
            if (asked.isPresent()) {
                decision.offer(adopted.offer());
                committed.ifPresent(micros -> decision.number("microsPerHour", micros));
            }
            decision.write();
        }
    }

    private static boolean endedByLeaving(Planning planning, MachineFacts stranger) {
        return endOf(planning, stranger).filter(action -> action == ShutdownAction.LEAVE).isPresent();
    }

    private static boolean orphan(Planning planning, MachineFacts stranger) {
        return endOf(planning, stranger).filter(action -> action != ShutdownAction.LEAVE).isPresent();
    }

    private static Optional<ShutdownAction> endOf(Planning planning, MachineFacts stranger) {
        var head = planning.fleet().head();
        var dash = stranger.machineId().lastIndexOf('-');
        var incarnation = dash > 1 ? stranger.machineId().substring(1, dash) : "";
        // An adopted machine's id speaks of no life. One that is tagged too late, after the fleet that asked for it, ends with that fleet.
        var isOfThis = incarnation.equals(head.incarnation()) || stranger.machineId().startsWith(Adoption.ID);
        return head.isEnding() && isOfThis ? Optional.ofNullable(head.action()) : head.endOf(incarnation);
    }

    /** The counter of an id of this life of the fleet. */
    private static Optional<Long> counter(Planning planning, String id) {
        var prefix = "m" + planning.fleet().head().incarnation() + "-";
        var digits = id.startsWith(prefix) ? id.substring(prefix.length()) : "";
        return digits.matches("[0-9]{1,15}") ? Optional.of(Long.parseLong(digits)) : Optional.empty();
    }

    /** The cloud chooses what an offer leaves open. */
    private static boolean isOf(OfferKey declared, OfferKey actual) {
        return declared.scope().equals(actual.scope()) && declared.machineType().equals(actual.machineType())
                && declared.market() == actual.market() && (declared.zone().isEmpty() || declared.zone().equals(actual.zone()))
                && (declared.subnet().isEmpty() || declared.subnet().equals(actual.subnet()));
    }
}
