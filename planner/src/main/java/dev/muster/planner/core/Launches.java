package dev.muster.planner.core;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;

/** Admits launches: a proposal passes every rule, gets its offers, and becomes machines on the books and commands. */
public final class Launches {

    /** Most machines of one call, so that 1,000 take ten. */
    public static final int LARGEST_BATCH = 100;
    /** How long a launch may wait unread before it is no longer wanted. */
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    /** EC2's RunInstances bucket holds 1,000 instances and refills with 2 a second; other clouds allow no less. */
    private static final int BURST = 1000;
    private static final int REFILL_PER_SECOND = 2;
    /** A refused machine is replaced by one launched within this time; later launches are on their own. */
    private static final Duration REPLACED_WITHIN = Duration.ofMinutes(10);

    private final List<Rule.OfLaunch> rules;
    private final List<Rule.OfOffer> offerRules;

    /** @param proposal with the cut, if there are not offers enough */
    public record Chosen(Proposal proposal, List<Share> shares, List<PlanRecord.Alternative> alternatives) {}

    /** Machines of one offer. {@code probe}: the held offer's one try; null: it is not held. */
    public record Share(Offer offer, int machines, List<Hold> probes) {}

    /** @param offerRules in order; the first that allows the fewest of an offer is named */
    public Launches(List<Rule.OfLaunch> rules, List<Rule.OfOffer> offerRules) {
        this.rules = List.copyOf(rules);
        this.offerRules = List.copyOf(offerRules);
    }

    /** What {@link #admit} would answer now. */
    public Proposal weigh(Planning planning, Proposal proposal) {
        var left = limited(planning, proposal);
        return left.size() == 0 ? left : choose(planning, left).proposal();
    }

    private Proposal limited(Planning planning, Proposal proposal) {
        var left = proposal;
        for (var rule : rules) {
            if (left.size() > 0) {
                left = rule.limit(planning, left);
            }
        }
        return left;
    }

    /** Launches what the rules leave of it. Answers the proposal with its cuts. */
    public Proposal admit(Planning planning, Object asker, Reason reason, Proposal proposal, int waiting, int supply) {
        var left = limited(planning, proposal);
        if (left.size() == 0) {
            return left;
        }
        var chosen = choose(planning, left);
        var tasks = proposal.tasks().iterator();
        for (var share : chosen.shares()) {
            for (int done = 0; done < share.machines(); done += LARGEST_BATCH) {
                var count = Math.min(LARGEST_BATCH, share.machines() - done);
                launch(planning, asker, reason, chosen, share, count, waiting, supply,
                        proposal.tasks().isEmpty() ? List.of() : Stream.generate(tasks::next).limit(count).toList());
            }
        }
        return chosen.proposal();
    }

    private Chosen choose(Planning planning, Proposal proposal) {
        var shares = new ArrayList<Share>();
        var alternatives = new ArrayList<PlanRecord.Alternative>();
        var cuts = new ArrayList<Verdict>();
        int left = proposal.size();
        for (var offer : inOrder(planning, proposal.pool())) {
            var price = planning.committed(proposal.pool(), offer);
            if (left == 0) {
                alternatives.add(new PlanRecord.Alternative(offer.key(), null, price, null));
                continue;
            }
            int allowed = left;
            Verdict cut = null;
            var probes = new ArrayList<Hold>();
            for (var rule : offerRules) {
                var verdict = rule.judge(planning, proposal, offer, allowed, shares);
                probes.addAll(verdict.probes());
                if (verdict.allowed() < allowed) {
                    allowed = verdict.allowed();
                    cut = verdict;
                }
                if (allowed == 0) {
                    break;
                }
            }
            if (cut != null) {
                cuts.add(cut);
            }
            if (allowed > 0) {
                shares.add(new Share(offer, allowed, List.copyOf(probes)));
                left -= allowed;
            }
            alternatives.add(allowed > 0 ? new PlanRecord.Alternative(offer.key(), null, price, null)
                    : new PlanRecord.Alternative(offer.key(), cut.constraint().reason(), price, cut.until()));
        }
        // The first cut is named, since its offer is the one that is wanted.
        return new Chosen(left == 0 ? proposal : proposal.atMost(proposal.size() - left, cuts.stream().map(Verdict::constraint).toList()), shares, alternatives);
    }

    private static List<Offer> inOrder(Planning planning, Pool pool) {
        if (pool.order() == Pool.Order.LISTED) {
            return pool.offers();
        }
        // A price that is not known is no bargain: such offers come last.
        return pool.offers().stream().sorted(Comparator.comparingLong(offer -> planning.price(pool, offer).orElse(Long.MAX_VALUE))).toList();
    }

    /** @param tasks that the machines are made for, each of a batch of its own; empty: all are one batch */
    private static void launch(Planning planning, Object asker, Reason reason, Chosen chosen, Share share, int count, int waiting,
            int supply, List<String> tasks) {
        var pool = chosen.proposal().pool();
        var queue = chosen.proposal().queue();
        var now = planning.now();
        var replaceable = replaceable(planning, pool, queue).filter(machine -> machine.endedAt().plus(REPLACED_WITHIN).isAfter(now)).map(Machine::id)
                .limit(count).toList();
        var why = replaceable.isEmpty() ? reason : Reason.LAUNCH_WAS_REFUSED;
        var refusedBy = replaceable.stream().flatMap(id -> planning.fleet().machine(id).stream()).map(Machine::decisionId).distinct().toList();
        var decision = planning.decide(asker, why).causes(refusedBy).pool(pool.name()).queue(queue).alternatives(chosen.alternatives()).constraints(chosen.proposal().before())
                .number("waiting", waiting).number("supply", supply).number("launched", count)
                .number("poolMachines", planning.books(pool).counted() + count).number("probes", share.probes().size()).offer(share.offer().key())
                .names("replaced", replaceable);
        var committed = planning.committed(pool, share.offer());
        committed.ifPresent(micros -> decision.number("microsPerHour", micros));
        var starting = planning.fleet().in(Phase.REQUESTED).stream().filter(m -> m.offer().isScopedAs(share.offer().key())).count();
        var expiresAt = now.plus(PATIENCE).plusSeconds(Math.max(0, starting + count - BURST) / REFILL_PER_SECOND);
        var queueIds = queueIds(planning, pool);
        var ids = new ArrayList<String>();
        for (int i = 0; i < count; i++) {
            ids.add(planning.mintMachineId());
        }
        for (int i = 0; i < count; i++) {
            var isBound = !tasks.isEmpty();
            planning.put(new Machine(ids.get(i), pool.name(), share.offer().key(), ids.get(isBound ? i : 0), isBound ? 0 : i, "", Phase.REQUESTED, null,
                    null, "", false, null, 0, Mark.NONE, Mark.NONE, CloudState.UNKNOWN, Ending.UNKNOWN, committed,
                    i < replaceable.size() ? replaceable.get(i) : "", decision.id(), queueIds, now, expiresAt, null, null, null, null, null,
                    null, null, null, 0, queue, false, null, null, null, isBound ? tasks.get(i) : "", CloudNote.NONE, null, null, null));
        }
        for (var probe : share.probes()) {
            planning.write(new PlanRecord.HoldChanged(
                    new Hold(probe.kind(), probe.subject(), probe.since(), probe.until(), probe.failures(), ids.get(0), probe.message())));
        }
        rollBack(planning, pool, share.offer());
        decision.machines(ids).tasks(tasks).write();
        // What a budget counted is the most that may be paid: a spot price above it ends the machine, not the budget.
        var maxPrice = share.offer().key().market() != Market.SPOT ? OptionalLong.empty()
                : share.offer().ceiling().isPresent() ? share.offer().ceiling() : share.offer().price();
        var queueId = Optional.ofNullable(planning.fleet().queues().get(queue)).map(QueueSeen::id).orElse("");
        if (tasks.isEmpty()) {
            planning.issue(decision.id(), new Command.Launch(ids.get(0), ids, pool.name(), share.offer().key(), maxPrice.orElse(0), expiresAt,
                    queueIds, queue, queueId, ""));
        }
        for (int i = 0; i < tasks.size(); i++) {
            planning.issue(decision.id(), new Command.Launch(ids.get(i), List.of(ids.get(i)), pool.name(), share.offer().key(), maxPrice.orElse(0),
                    expiresAt, List.of(queueId), queue, queueId, tasks.get(i)));
        }
    }

    /** Refused machines that a launch stands in for: the pool's own, then those that other pools were to have for the queue. */
    private static Stream<Machine> replaceable(Planning planning, Pool pool, String queue) {
        var own = refused(planning, pool.name());
        var others = planning.spec().queues().stream().filter(each -> each.name().equals(queue)).flatMap(each -> each.pools().stream())
                .filter(other -> !other.equals(pool.name())).flatMap(other -> refused(planning, other)).filter(machine -> machine.queue().equals(queue));
        return Stream.concat(own, others);
    }

    private static Stream<Machine> refused(Planning planning, String pool) {
        return planning.fleet().unreplaced(pool).stream().flatMap(id -> planning.fleet().machine(id).stream());
    }

    /** An on-demand machine in place of spot begins the blackout. */
    private static void rollBack(Planning planning, Pool pool, Offer offer) {
        var refused = planning.fleet().hold(Hold.Kind.SPOT, pool.name()).filter(hold -> hold.until() == null);
        if (offer.key().market() != Market.SPOT && refused.isPresent() && !pool.spot().blackout().isZero()) {
            var hold = refused.get();
            planning.write(new PlanRecord.HoldChanged(new Hold(hold.kind(), hold.subject(), hold.since(), planning.now().plus(pool.spot().blackout()),
                    hold.failures(), "", hold.message())));
        }
    }

    /** Ids of the queues whose tasks the pool's machines take: by priority, then as listed. */
    private static List<String> queueIds(Planning planning, Pool pool) {
        return planning.spec().queues().stream()
                .filter(queue -> queue.pools().contains(pool.name()))
                .sorted((a, b) -> Integer.compare(b.priority(), a.priority()))
                .map(queue -> planning.fleet().queues().get(queue.name()))
                .filter(seen -> seen != null && seen.state() == QueueSeen.State.SERVED)
                .map(QueueSeen::id).toList();
    }
}
