package dev.muster.planner.core;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

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
    private final OfferChoice choice;

    /** Chooses the offers of a launch. */
    public interface OfferChoice {
        Chosen choose(Planning planning, Proposal proposal);
    }

    /** @param proposal with the cut, if there are not offers enough */
    public record Chosen(Proposal proposal, List<Share> shares, List<PlanRecord.Alternative> alternatives) {}

    /** Machines of one offer. {@code probe}: the held offer's one try; null: it is not held. */
    public record Share(Offer offer, int machines, List<Hold> probes) {}

    public Launches(List<Rule.OfLaunch> rules, OfferChoice choice) {
        this.rules = List.copyOf(rules);
        this.choice = choice;
    }

    /** Launches what the rules leave of it. Answers the proposal with its cuts. */
    public Proposal admit(Planning planning, Object asker, Reason reason, Proposal proposal, int waiting, int supply) {
        for (var rule : rules) {
            if (proposal.size() > 0) {
                proposal = rule.limit(planning, proposal);
            }
        }
        if (proposal.size() == 0) {
            return proposal;
        }
        var chosen = choice.choose(planning, proposal);
        for (var share : chosen.shares()) {
            for (int done = 0; done < share.machines(); done += LARGEST_BATCH) {
                launch(planning, asker, reason, chosen, share, Math.min(LARGEST_BATCH, share.machines() - done), waiting, supply);
            }
        }
        return chosen.proposal();
    }

    private static void launch(Planning planning, Object asker, Reason reason, Chosen chosen, Share share, int count, int waiting,
            int supply) {
        var pool = chosen.proposal().pool();
        var queue = chosen.proposal().queue();
        var now = planning.now();
        var replaceable = planning.fleet().unreplaced(pool.name()).stream()
                .filter(id -> planning.fleet().machine(id).filter(m -> m.endedAt().plus(REPLACED_WITHIN).isAfter(now)).isPresent())
                .limit(count).toList();
        var why = replaceable.isEmpty() ? reason : Reason.LAUNCH_WAS_REFUSED;
        var decision = planning.decide(asker, why).pool(pool.name()).queue(queue).alternatives(chosen.alternatives())
                .number("waiting", waiting).number("supply", supply).number("launched", count)
                .number("poolMachines", planning.books(pool).counted() + count);
        var committed = share.offer().committed();
        committed.ifPresent(micros -> decision.number("microsPerHour", micros));
        var starting = planning.fleet().active().values().stream()
                .filter(m -> m.phase() == Phase.REQUESTED && m.offer().scope().equals(share.offer().key().scope())).count();
        var expiresAt = now.plus(PATIENCE).plusSeconds(Math.max(0, starting + count - BURST) / REFILL_PER_SECOND);
        var queueIds = queueIds(planning, pool);
        var ids = new ArrayList<String>();
        for (int i = 0; i < count; i++) {
            ids.add(planning.mintMachineId());
        }
        for (int i = 0; i < count; i++) {
            planning.put(new Machine(ids.get(i), pool.name(), share.offer().key(), ids.get(0), i, "", Phase.REQUESTED, null, null, "",
                    false, null, 0, Mark.NONE, Mark.NONE, CloudState.UNKNOWN, Ending.UNKNOWN, committed,
                    i < replaceable.size() ? replaceable.get(i) : "", decision.id(), queueIds, now, expiresAt, null, null, null, null, null,
                    null, null, null, 0));
        }
        for (var probe : share.probes()) {
            planning.write(new PlanRecord.HoldChanged(
                    new Hold(probe.kind(), probe.subject(), probe.since(), probe.until(), probe.failures(), ids.get(0), probe.message())));
        }
        decision.machines(ids).write(sentence(pool, queue, share, count, waiting, supply, replaceable));
        var maxPrice = share.offer().key().market() == Market.SPOT ? share.offer().ceiling() : OptionalLong.empty();
        planning.issue(decision.id(), new Command.Launch(ids.get(0), ids, pool.name(), share.offer().key(), maxPrice.orElse(0), expiresAt,
                queueIds));
    }

    private static String sentence(Pool pool, String queue, Share share, int count, int waiting, int supply, List<String> replaced) {
        var why = queue.isEmpty() ? pool.name() + " is below its minimum " + pool.limits().min()
                : waiting + (waiting == 1 ? " task waits in " : " tasks wait in ") + queue + ", machines for " + supply
                        + " are idle or booting";
        return why + ": launch " + count + " × " + share.offer().key()
                + (share.probes().isEmpty() ? "" : " as a probe of what was refused before")
                + (replaced.isEmpty() ? "" : " in place of " + String.join(", ", replaced));
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
