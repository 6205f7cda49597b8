package dev.muster.planner.core.rules;

import dev.muster.planner.core.Budget;
import dev.muster.planner.core.Constraint;
import dev.muster.planner.core.Costs;
import dev.muster.planner.core.Launches;
import dev.muster.planner.core.Offer;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Pool;
import dev.muster.planner.core.Proposal;
import dev.muster.planner.core.Queue;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;
import dev.muster.planner.core.Verdict;
import dev.muster.planner.core.Spending;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * No launch that a hard limit of money can't bear. A rate counts the most that each machine can cost, from its admission until its cloud
 * says that it is gone; a day or month counts what is spent and what all live machines may still spend.
 */
public final class StayWithinBudget implements Rule.OfOffer {

    @Override
    public Verdict judge(Planning planning, Proposal proposal, Offer offer, int wanted, List<Launches.Share> chosen) {
        var verdict = Verdict.allow(wanted);
        for (var applied : appliedTo(planning, proposal.pool().name(), proposal.queue())) {
            var next = judge(planning, applied, proposal, offer, verdict.allowed(), chosen);
            if (next.allowed() < verdict.allowed()) {
                verdict = next;
            }
        }
        return verdict;
    }

    /** A budget and the scope that it is on. */
    record Applied(Budget.Scope scope, Budget budget) {}

    /** Every budget of the fleet. */
    static List<Applied> all(Planning planning) {
        var all = new ArrayList<Applied>();
        planning.spec().budgets().forEach(budget -> all.add(new Applied(Budget.Scope.FLEET, budget)));
        for (Pool pool : planning.spec().pools()) {
            pool.budgets().forEach(budget -> all.add(new Applied(new Budget.Scope(Budget.Scope.Kind.POOL, pool.name()), budget)));
        }
        for (Queue queue : planning.spec().queues()) {
            queue.budgets().forEach(budget -> all.add(new Applied(new Budget.Scope(Budget.Scope.Kind.QUEUE, queue.name()), budget)));
        }
        return all;
    }

    /** Those that count a machine of that pool, launched for that queue. */
    static List<Applied> appliedTo(Planning planning, String pool, String queue) {
        return all(planning).stream().filter(applied -> applied.scope().counts(pool, queue)).toList();
    }

    private static Verdict judge(Planning planning, Applied applied, Proposal proposal, Offer offer, int wanted, List<Launches.Share> chosen) {
        var budget = applied.budget();
        var price = planning.committed(proposal.pool(), offer);
        var spending = planning.spending(applied.scope());
        if (budget.hard().isPresent()) {
            var unknown = unknown(planning, applied, offer, price, spending);
            if (unknown != null) {
                return unknown;
            }
        }
        return switch (budget.period()) {
            case HOUR -> rate(planning, applied, proposal, offer, wanted, chosen, spending);
            case DAY, MONTH -> period(planning, applied, proposal, offer, wanted, chosen, spending);
        };
    }

    /** Unknown is not zero: what may cost anything is not launched under a hard limit. */
    private static Verdict unknown(Planning planning, Applied applied, Offer offer, OptionalLong price, Spending spending) {
        if (price.isEmpty()) {
            return Verdict.atMost(0, null, because(Reason.PRICE_UNKNOWN, applied).how("offer").offer(offer.key()).done());
        }
        if (spending.unpriced() > 0) {
            return Verdict.atMost(0, null, because(Reason.PRICE_UNKNOWN, applied).how("machines").number("machines", spending.unpriced()).done());
        }
        var lost = planning.fleet().ledger().lostAt();
        if (lost != null && applied.budget().period() != Budget.Period.HOUR && !lost.isBefore(planning.beginOf(applied.budget().period()))) {
            var until = planning.endOf(applied.budget().period());
            return Verdict.atMost(0, until, because(Reason.LEDGER_UNKNOWN, applied).instant("lostAt", lost).period(applied.budget().period())
                    .instant("until", until).done());
        }
        return null;
    }

    private static Verdict rate(Planning planning, Applied applied, Proposal proposal, Offer offer, int wanted, List<Launches.Share> chosen,
            Spending spending) {
        var budget = applied.budget();
        var price = planning.committed(proposal.pool(), offer).orElse(0);
        var now = Math.addExact(spending.committed(), chosen(planning, proposal, chosen, (machines, each) -> Math.multiplyExact(each, machines)));
        if (budget.hard().isPresent()) {
            var allowed = fit(Math.subtractExact(budget.hard().getAsLong(), now), price, wanted);
            if (allowed < wanted) {
                return Verdict.atMost(allowed, null, because(Reason.BUDGET_REACHED, applied).how("rate").offer(offer.key()).number("microsPerHour", price)
                        .number("committedMicrosPerHour", Math.addExact(now, Math.multiplyExact(price, allowed)))
                        .number("hardMicros", budget.hard().getAsLong()).done());
            }
        }
        return soft(applied, proposal, offer, price, wanted, now,
                budget.soft().isPresent() ? fit(Math.subtractExact(budget.soft().getAsLong(), now), price, wanted) : wanted);
    }

    private static Verdict period(Planning planning, Applied applied, Proposal proposal, Offer offer, int wanted, List<Launches.Share> chosen,
            Spending spending) {
        var budget = applied.budget();
        var price = planning.committed(proposal.pool(), offer).orElse(0);
        var spent = spending.spent(budget.period());
        if (budget.hard().isPresent()) {
            var full = proposal.pool().reserveFor();
            var stay = budget.hardAction() == Budget.HardAction.STOP_LAUNCHING ? Duration.ZERO : Spending.stay(full);
            var each = Math.addExact(Costs.during(price, full), Costs.during(price, stay));
            var taken = Math.addExact(Math.addExact(spent, spending.reserved()), Costs.during(spending.committed(), stay));
            var before = chosen(planning, proposal, chosen, (machines, perHour) ->
                    Math.multiplyExact(Math.addExact(Costs.during(perHour, full), Costs.during(perHour, stay)), machines));
            var reservedBefore = chosen(planning, proposal, chosen, (machines, perHour) -> Math.multiplyExact(Costs.during(perHour, full), machines));
            var allowed = fit(Math.subtractExact(budget.hard().getAsLong(), Math.addExact(taken, before)), each, wanted);
            if (allowed < wanted) {
                var until = planning.endOf(budget.period());
                return Verdict.atMost(allowed, until, because(Reason.BUDGET_REACHED, applied).how("period").offer(offer.key()).number("spentMicros", spent)
                        .number("reservedMicros", spending.reserved() + reservedBefore + Costs.during(price, full) * allowed)
                        .number("hardMicros", budget.hard().getAsLong()).number("eachMicros", each).period(budget.period()).instant("until", until).done());
            }
        }
        return soft(applied, proposal, offer, price, wanted, spent, budget.soft().isPresent() && spent >= budget.soft().getAsLong() ? 0 : wanted);
    }

    /** @param below how many fit below the soft limit; the others only as its action says */
    private static Verdict soft(Applied applied, Proposal proposal, Offer offer, long price, int wanted, long now, int below) {
        var budget = applied.budget();
        if (below >= wanted) {
            return Verdict.allow(wanted);
        }
        var reached = because(Reason.SOFT_BUDGET_REACHED, applied).number("micros", now).number("softMicros", budget.soft().getAsLong());
        return switch (budget.softAction()) {
            case WARN -> Verdict.allow(wanted);
            case CHEAP_OFFERS_ONLY -> price <= budget.cheap().orElse(0) ? Verdict.allow(wanted)
                    : Verdict.atMost(below, null, reached.how("cheap-only").offer(offer.key()).number("microsPerHour", price).done());
            case HIGH_PRIORITY_ONLY -> proposal.priority() >= budget.minPriority() ? Verdict.allow(wanted)
                    : Verdict.atMost(below, null, reached.how("high-priority-only").number("minPriority", budget.minPriority()).done());
        };
    }

    private static Constraint.Draft because(Reason reason, Applied applied) {
        return Constraint.by(StayWithinBudget.class, reason).scope(applied.scope());
    }

    /** How many of that price fit. */
    private static int fit(long room, long each, int wanted) {
        if (room < 0) {
            return 0;
        }
        return each == 0 ? wanted : (int) Math.min(wanted, room / each);
    }

    private interface Each {
        long of(int machines, long perHour);
    }

    private static long chosen(Planning planning, Proposal proposal, List<Launches.Share> chosen, Each each) {
        long sum = 0;
        for (var share : chosen) {
            sum = Math.addExact(sum, each.of(share.machines(), planning.committed(proposal.pool(), share.offer()).orElse(0)));
        }
        return sum;
    }
}
