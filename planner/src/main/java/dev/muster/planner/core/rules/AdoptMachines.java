package dev.muster.planner.core.rules;

import dev.muster.planner.core.Adoption;
import dev.muster.planner.core.Command;
import dev.muster.planner.core.Constraint;
import dev.muster.planner.core.Offer;
import dev.muster.planner.core.OfferKey;
import dev.muster.planner.core.PlanRecord;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Pool;
import dev.muster.planner.core.PoolNames;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Repeats;
import dev.muster.planner.core.Rule;
import dev.muster.planner.core.Worker;
import dev.muster.planner.core.WorkerId;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Has machines of another autoscaler tagged, which a person asked to take over: those whose workers have the prefix and can be told to be
 * of a pool. {@link JudgeStrangers} takes them into the books once their cloud shows the tags; nothing else is done to them.
 */
public final class AdoptMachines implements Rule {

    /** Machines that boot when the other autoscaler stops register late: twice what ClearML's gives them unless it is told otherwise. */
    public static final Duration WINDOW = Duration.ofHours(1);
    /** Launches wait so long for what may be ours in a moment. An answer takes a second; a cloud that doesn't answer must not stop a fleet. */
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    /** A machine's workers, by id, of which the first speaks for it. */
    private record Found(WorkerId id, List<Worker> workers) {

        Worker worker() {
            return workers.get(0);
        }
    }

    /** What it can be. @param offers of the pool, of its type; at least one */
    private record Match(Pool pool, List<OfferKey> offers) {

        /** Where it is to be looked for next; empty: it was looked for everywhere. */
        Optional<String> scope(List<String> notIn) {
            return offers.stream().map(OfferKey::scope).filter(scope -> !notIn.contains(scope)).findFirst();
        }

        List<OfferKey> in(String scope) {
            return offers.stream().filter(offer -> offer.scope().equals(scope)).toList();
        }
    }

    @Override
    public void apply(Planning planning) {
        var fleet = planning.fleet();
        if (fleet.adopting().isEmpty() && fleet.adoptions().isEmpty() || planning.isHeld() || fleet.head().isEnding()) {
            return;
        }
        new TreeMap<>(fleet.adopting()).forEach((prefix, askedAt) -> {
            var end = askedAt.plus(WINDOW);
            if (planning.now().isBefore(end)) {
                planning.lookAgain(end);
            } else {
                planning.write(new PlanRecord.AdoptingEnded(prefix));
            }
        });
        if (!fleet.adopting().isEmpty()) {
            price(planning);
        }
        var found = found(planning);
        for (var adoption : List.copyOf(fleet.adoptions().values())) {
            var isOver = adoption.isOpen() ? fleet.machineByCloudId(adoption.cloudId()).isPresent() : !found.containsKey(adoption.cloudId());
            if (isOver) {
                planning.write(new PlanRecord.AdoptionForgotten(adoption.cloudId()));
            } else if (adoption.isOpen()) {
                askAgain(planning, adoption);
            }
        }
        found.values().forEach(machine -> adopt(planning, machine));
    }

    /** A fleet that has just been created may hear of prices after its machines. No budget could be kept beside what has none. */
    private static void price(Planning planning) {
        for (var machine : planning.fleet().counted().filter(one -> one.isAdopted() && one.committed().isEmpty()).toList()) {
            planning.poolOf(machine).ifPresent(pool -> pool.offers().stream().filter(offer -> offer.key().equals(machine.offer())).findFirst()
                    .map(offer -> planning.committed(pool, offer)).filter(OptionalLong::isPresent)
                    .ifPresent(known -> planning.change(machine, m -> m.committed = known)));
        }
    }

    /** By cloud id, what serves under the prefixes and is neither on the books nor about to be. */
    private static SortedMap<String, Found> found(Planning planning) {
        var fleet = planning.fleet();
        var found = new TreeMap<String, Found>();
        if (fleet.adopting().isEmpty()) {
            return found;
        }
        for (var worker : fleet.workers().values()) {
            var id = WorkerId.parse(worker.id()).filter(parsed -> fleet.adopting().containsKey(parsed.prefix()));
            if (id.isPresent() && fleet.machineByCloudId(id.get().cloudId()).isEmpty() && !fleet.strangers().containsKey(id.get().cloudId())) {
                found.merge(id.get().cloudId(), new Found(id.get(), List.of(worker)), AdoptMachines::together);
            }
        }
        return found;
    }

    private static Found together(Found one, Found other) {
        var workers = new ArrayList<>(one.workers);
        workers.addAll(other.workers);
        workers.sort(Comparator.comparing(Worker::id));
        return new Found(WorkerId.parse(workers.get(0).id()).orElseThrow(), List.copyOf(workers));
    }

    private void adopt(Planning planning, Found machine) {
        var adoption = planning.fleet().adoptions().get(machine.id.cloudId());
        if (adoption != null && adoption.isOpen()) {
            return;
        }
        var pool = planning.fleet().pool(machine.id.pool()).or(() -> planning.fleet().pool(PoolNames.label(machine.id.pool())));
        if (pool.isEmpty()) {
            warn(planning, machine, "no-pool", PoolNames.label(machine.id.pool()));
            return;
        }
        var match = new Match(pool.get(), pool.get().offers().stream().map(Offer::key)
                .filter(offer -> offer.machineType().equals(machine.id.machineType())).toList());
        if (match.offers.isEmpty()) {
            planning.warn(machine.id.cloudId(), because(machine, "no-type").word("pool", pool.get().name()).word("type", machine.id.machineType()));
        } else if (machine.workers.stream().noneMatch(worker -> serves(planning, worker, pool.get()))) {
            warn(planning, machine, "other-queues", pool.get().name());
        } else if (machine.workers.size() < pool.get().slots()) {
            planning.warn(machine.id.cloudId(), because(machine, "few-agents").word("pool", pool.get().name())
                    .number("agents", machine.workers.size()).number("slots", pool.get().slots()));
        } else if (adoption == null) {
            match.scope(List.of()).ifPresent(scope -> ask(planning, machine, match, scope, List.of(), null));
        } else {
            refused(planning, machine, match, adoption);
        }
    }

    private static boolean serves(Planning planning, Worker worker, Pool pool) {
        for (var queue : planning.spec().queues()) {
            var seen = planning.fleet().queues().get(queue.name());
            if (seen != null && queue.pools().contains(pool.name()) && worker.queueIds().contains(seen.id())) {
                return true;
            }
        }
        return false;
    }

    /** Its cloud said no. Another scope may have it; all else is for people to mend. */
    private void refused(Planning planning, Found machine, Match match, Adoption adoption) {
        switch (adoption.refusal()) {
            case NOT_THERE -> {
                var notIn = new ArrayList<>(adoption.notIn());
                notIn.add(adoption.scope());
                match.scope(notIn).ifPresentOrElse(scope -> ask(planning, machine, match, scope, notIn, adoption),
                        () -> planning.warn(machine.id.cloudId(), because(machine, "not-there").names("listed", notIn)));
            }
            case OF_ANOTHER -> planning.warn(machine.id.cloudId(), because(machine, "of-another").word("detail", adoption.detail()));
            case NO_SUCH_OFFER -> planning.warn(machine.id.cloudId(), because(machine, "no-offer").word("pool", adoption.pool())
                    .word("detail", adoption.detail()));
            case BY_CLOUD -> planning.warn(machine.id.cloudId(), because(machine, "by-cloud").word("detail", adoption.detail()));
        }
    }

    /** @param before what was asked so far; null: nothing was */
    private void ask(Planning planning, Found machine, Match match, String scope, List<String> notIn, Adoption before) {
        var seen = planning.fleet().scope(scope);
        if (seen.isEmpty() || seen.get().listedAt().equals(Instant.EPOCH) || !seen.get().foreignCluster().isEmpty()) {
            // Whose it is can't be told yet.
            await(planning, planning.fleet().adopting().get(machine.id.prefix()));
            return;
        }
        var id = Adoption.ID + machine.id.cloudId();
        var decision = planning.decide(this, Reason.ADOPTION).how("tag").pool(match.pool.name()).machines(List.of(id))
                .causes(before == null ? List.of() : List.of(before.decisionId())).word("worker", machine.worker().id()).word("listed", scope).write();
        var now = planning.now();
        var retryAt = now.plus(Repeats.after(1));
        send(planning, before != null ? before.again(scope, notIn, retryAt)
                : new Adoption(machine.id.cloudId(), match.pool.name(), scope, decision, now, 1, retryAt, List.of(), null, ""), match.in(scope), decision);
    }

    /** It was asked for and nobody answered yet. */
    private static void askAgain(Planning planning, Adoption adoption) {
        await(planning, adoption.askedAt());
        if (planning.hasPassed(adoption.retryAt())) {
            var offers = planning.fleet().pool(adoption.pool()).stream().flatMap(pool -> pool.offers().stream()).map(Offer::key)
                    .filter(offer -> offer.scope().equals(adoption.scope())).toList();
            if (!offers.isEmpty()) {
                send(planning, adoption.again(adoption.scope(), adoption.notIn(), planning.now().plus(Repeats.after(adoption.attempts() + 1))), offers,
                        adoption.decisionId());
            }
        }
    }

    private static void send(Planning planning, Adoption adoption, List<OfferKey> offers, String decision) {
        planning.write(new PlanRecord.AdoptionChanged(adoption));
        planning.issue(decision, new Command.Adopt(adoption.scope(), Adoption.ID + adoption.cloudId(), adoption.cloudId(), adoption.pool(), offers,
                adoption.attempts()));
        planning.remind(adoption.retryAt());
        await(planning, adoption.askedAt());
    }

    private static void await(Planning planning, Instant since) {
        var until = since.plus(PATIENCE);
        if (planning.now().isBefore(until)) {
            planning.awaitAdoption(until);
        }
    }

    private void warn(Planning planning, Found machine, String how, String pool) {
        planning.warn(machine.id.cloudId(), because(machine, how).word("pool", pool));
    }

    private Constraint.Draft because(Found machine, String how) {
        return Constraint.by(this, Reason.NOT_ADOPTED).how(how).word("worker", machine.worker().id());
    }
}
