package dev.muster.planner.spec;

import dev.muster.contracts.Times;
import dev.muster.planner.core.Costs;
import dev.muster.planner.core.Spending;
import dev.muster.v1.BudgetAction;
import dev.muster.v1.BudgetPeriod;
import dev.muster.v1.BudgetSpec;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.Market;
import dev.muster.v1.OfferKey;
import dev.muster.v1.OfferSpec;
import dev.muster.v1.PoolSpec;
import dev.muster.v1.QueueSpec;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * What can be wrong with budgets: each by itself, together with the queues whose priorities it names, and with the prices of
 * the offers that it covers.
 */
final class BudgetValidator {

    private static final Set<BudgetAction> ON_LIMIT = Set.of(BudgetAction.STOP_LAUNCHING, BudgetAction.DRAIN_MACHINES, BudgetAction.STOP_BUSY);
    private static final Set<BudgetAction> ON_SOFT = Set.of(BudgetAction.WARN, BudgetAction.CHEAP_OFFERS_ONLY, BudgetAction.HIGH_PRIORITY_ONLY);

    private final FleetSpec spec;
    private final SpecPaths paths;
    private final Findings found;
    private final Predicate<OfferKey> priced;

    /** @param priced whether an offer's price is known beside the spec; its key has its market */
    BudgetValidator(FleetSpec spec, SpecPaths paths, Findings found, Predicate<OfferKey> priced) {
        this.spec = spec;
        this.paths = paths;
        this.found = found;
        this.priced = priced;
    }

    private static BudgetValidator of(FleetSpec filled) {
        return new BudgetValidator(filled, new SpecPaths(filled), new Findings(), offer -> false);
    }

    /**
     * One scope's budgets.
     *
     * @param at path of the scope; empty: the fleet
     * @param what for people, such as "pool gpu"
     * @param pools whose machines it counts
     * @param queues whose launches it counts
     */
    private record Scope(String at, String what, List<BudgetSpec> budgets, List<PoolSpec> pools, List<QueueSpec> queues) {

        boolean isHard() {
            return budgets.stream().anyMatch(BudgetSpec::hasHardMicros);
        }

        String path(int i) {
            var period = budgets.get(i).getPeriod();
            var alone = budgets.stream().filter(budget -> budget.getPeriod() == period).count() == 1;
            return SpecPaths.under(at, "budgets") + (alone && isKnown(period) ? "." + word(period) : "[" + i + "]");
        }
    }

    private List<Scope> scopes() {
        var scopes = new ArrayList<Scope>();
        scopes.add(new Scope("", "the fleet", spec.getBudgetsList(), spec.getPoolsList(), spec.getQueuesList()));
        for (int i = 0; i < spec.getQueuesCount(); i++) {
            var queue = spec.getQueues(i);
            var served = spec.getPoolsList().stream().filter(pool -> serves(pool, queue)).toList();
            scopes.add(new Scope(paths.queue(i), "queue " + queue.getName(), queue.getBudgetsList(), served, List.of(queue)));
        }
        for (int i = 0; i < spec.getPoolsCount(); i++) {
            var pool = spec.getPools(i);
            var served = spec.getQueuesList().stream().filter(queue -> serves(pool, queue)).toList();
            scopes.add(new Scope(paths.pool(i), "pool " + pool.getName(), pool.getBudgetsList(), List.of(pool), served));
        }
        return scopes;
    }

    private static boolean serves(PoolSpec pool, QueueSpec queue) {
        return queue.getPoolsCount() == 0 || queue.getPoolsList().contains(pool.getName());
    }

    /** Whether money of the fleet's currency is limited anywhere. */
    boolean isAny() {
        return scopes().stream().anyMatch(scope -> !scope.budgets().isEmpty());
    }

    /** Each budget by itself, and prices that are missing. */
    void judge() {
        for (var scope : scopes()) {
            var seen = new HashSet<BudgetPeriod>();
            for (int i = 0; i < scope.budgets().size(); i++) {
                judge(scope, scope.path(i), scope.budgets().get(i), seen);
            }
        }
        missingPrices();
    }

    private void judge(Scope scope, String field, BudgetSpec budget, Set<BudgetPeriod> seen) {
        if (!isKnown(budget.getPeriod())) {
            found.say(field + ".period", budget.getPeriod() == BudgetPeriod.UNRECOGNIZED ? "is one that this release doesn't know" : "is missing", "write hour, day or month");
        } else if (!seen.add(budget.getPeriod())) {
            found.say(field, "is the second budget of " + scope.what() + " for a" + (budget.getPeriod() == BudgetPeriod.PER_HOUR ? "n " : " ") + word(budget.getPeriod()),
                    "keep one for each of hour, day and month");
        }
        if (!budget.hasHardMicros() && !budget.hasSoftMicros()) {
            found.say(field, "has neither a limit nor a soft limit", "write limit, soft, or both");
        }
        var hardIsGood = budget.hasHardMicros() && found.limit(field + ".limit", budget.getHardMicros(), Findings.MOST_MICROS);
        var softIsGood = budget.hasSoftMicros() && found.limit(field + ".soft", budget.getSoftMicros(), Findings.MOST_MICROS);
        if (hardIsGood && softIsGood && budget.getSoftMicros() >= budget.getHardMicros()) {
            found.say(field + ".soft", "is " + Costs.text(budget.getSoftMicros()) + ", and the limit is " + Costs.text(budget.getHardMicros()),
                    "write less than the limit, or leave one of them out");
        }
        action(field + ".onLimit", budget.getHardAction(), budget.hasHardMicros(), "limit", ON_LIMIT, "stop-launching, drain or stop-busy", "onSoft");
        action(field + ".onSoft", budget.getSoftAction(), budget.hasSoftMicros(), "soft", ON_SOFT, "warn, cheap or high-priority", "onLimit");
        cheap(field, budget);
        priority(scope, field, budget);
    }

    private void action(String field, BudgetAction action, boolean hasLimit, String limit, Set<BudgetAction> allowed, String words, String otherSide) {
        if (action == BudgetAction.BUDGET_ACTION_UNSPECIFIED) {
            return;
        }
        if (action == BudgetAction.UNRECOGNIZED) {
            found.say(field, "is one that this release doesn't know", "use " + words);
        } else if (!allowed.contains(action)) {
            found.say(field, "is '" + word(action) + "', which is for " + otherSide, "use " + words);
        } else if (!hasLimit) {
            found.say(field, "is set, and there is no " + limit, "write " + limit + ", or leave it out");
        }
    }

    private void cheap(String field, BudgetSpec budget) {
        if (budget.getSoftAction() != BudgetAction.CHEAP_OFFERS_ONLY) {
            if (budget.hasCheapMicrosPerHour()) {
                found.say(field + ".cheap", "is set, and onSoft is not cheap", "write onSoft: cheap, or leave it out");
            }
        } else if (!budget.hasCheapMicrosPerHour()) {
            found.say(field + ".cheap", "is missing", "write the most that a machine may cost an hour once the soft limit is passed");
        } else {
            found.limit(field + ".cheap", budget.getCheapMicrosPerHour(), Findings.DEAREST_HOUR);
        }
    }

    private void priority(Scope scope, String field, BudgetSpec budget) {
        if (budget.getSoftAction() != BudgetAction.HIGH_PRIORITY_ONLY) {
            if (budget.getMinPriority() != 0) {
                found.say(field + ".minPriority", "is set, and onSoft is not high-priority", "write onSoft: high-priority, or leave it out");
            }
            return;
        }
        var highest = scope.queues().stream().mapToInt(QueueSpec::getPriority).max();
        var lowest = scope.queues().stream().mapToInt(QueueSpec::getPriority).min();
        if (highest.isPresent() && highest.getAsInt() < budget.getMinPriority()) {
            found.say(field + ".minPriority", "is " + budget.getMinPriority() + ", and the highest priority of a queue here is " + highest.getAsInt(),
                    scope.queues().size() == 1 ? "use stop-launching with a limit instead" : "write a priority that some queue has");
        } else if (lowest.isPresent() && lowest.getAsInt() >= budget.getMinPriority()) {
            found.say(field + ".minPriority", "is " + budget.getMinPriority() + ", and every queue here has that priority or a higher one, so that nothing would be kept back",
                    scope.queues().size() == 1 ? "use cheap or warn instead" : "give some queue a lower priority, or use cheap or warn");
        }
    }

    /** Under a hard limit, what may cost anything is never launched. */
    private void missingPrices() {
        var hard = scopes().stream().filter(Scope::isHard).toList();
        for (int p = 0; p < spec.getPoolsCount(); p++) {
            var pool = spec.getPools(p);
            var over = hard.stream().filter(scope -> scope.pools().contains(pool)).findFirst();
            if (over.isEmpty()) {
                continue;
            }
            for (int o = 0; o < pool.getOffersCount(); o++) {
                var offer = pool.getOffers(o);
                var spot = offer.getKey().getMarket() == Market.SPOT;
                var key = offer.getKey().getMarket() == Market.MARKET_UNSPECIFIED ? offer.getKey().toBuilder().setMarket(Defaults.MARKET).build() : offer.getKey();
                // A price file has one price a machine type, and these GPUs come on top of it.
                var withGpus = key.getProvider().equals("gcp") && !pool.getLaunch().getGcp().getGpuType().isEmpty();
                if (!offer.hasPriceMicrosPerHour() && !(spot && offer.hasPriceCeilingMicrosPerHour()) && (withGpus || !priced.test(key))) {
                    found.say(paths.offer(p, o) + (spot ? ".ceiling" : ".price"), "is missing, and " + over.get().what() + " has a budget with a limit: without a price nothing can be launched under it",
                            withGpus ? "write price, with the GPUs in it" : spot ? "write the most to pay an hour, or price" : "write what an hour costs, or use a soft limit until its provisioner has reported a price");
                }
            }
        }
    }

    /**
     * Limits that not even one machine fits into, and prices whose sums would not fit.
     *
     * @param filled the same spec with every default; nothing else may be wrong with it
     */
    static void judgeAmounts(FleetSpec filled, SpecPaths paths, Findings found) {
        var validator = new BudgetValidator(filled, paths, found, offer -> false);
        validator.dearest();
        if (found.isEmpty()) {
            validator.scopes().forEach(validator::roomForOne);
        }
    }

    private void dearest() {
        for (int p = 0; p < spec.getPoolsCount(); p++) {
            var pool = spec.getPools(p);
            for (int o = 0; o < pool.getOffersCount(); o++) {
                var hour = perHour(pool, pool.getOffers(o));
                if (hour.isPresent() && hour.getAsLong() > Findings.DEAREST_HOUR) {
                    found.say(paths.pool(p) + ".cost", "makes " + paths.offer(p, o) + " cost " + Costs.text(hour.getAsLong()) + " an hour, which can't be meant",
                            "lower factor, diskPerGibMonth or the price");
                }
            }
        }
    }

    private void roomForOne(Scope scope) {
        for (int i = 0; i < scope.budgets().size(); i++) {
            var budget = scope.budgets().get(i);
            var least = budget.hasHardMicros() ? least(scope.pools(), budget) : OptionalLong.empty();
            if (least.isPresent() && least.getAsLong() > budget.getHardMicros()) {
                found.say(scope.path(i) + ".limit", "is " + Costs.text(budget.getHardMicros()) + ", and the cheapest machine of " + scope.what() + " needs "
                                + Costs.text(least.getAsLong()) + (budget.getPeriod() == BudgetPeriod.PER_HOUR ? " an hour" : " (what it costs in its reserveFor, and while it leaves)"),
                        "raise it to at least " + Costs.text(least.getAsLong()) + (budget.getPeriod() == BudgetPeriod.PER_HOUR ? "" : ", or shorten reserveFor"));
            }
        }
    }

    /** Pools that a limit keeps from ever having a machine, though others may; each a sentence. The spec is filled and good. */
    static List<String> starvedPools(FleetSpec filled) {
        var notes = new ArrayList<String>();
        for (var scope : of(filled).scopes()) {
            for (int i = 0; i < scope.budgets().size(); i++) {
                var budget = scope.budgets().get(i);
                for (var pool : budget.hasHardMicros() ? scope.pools() : List.<PoolSpec>of()) {
                    var least = least(List.of(pool), budget);
                    if (least.isPresent() && least.getAsLong() > budget.getHardMicros()) {
                        notes.add(scope.path(i) + ".limit leaves no room for a machine of pool " + pool.getName() + ", which needs " + Costs.text(least.getAsLong()) + ".");
                    }
                }
            }
        }
        return notes;
    }

    /** What the first machine must find free. Empty: no price is known. */
    private static OptionalLong least(Collection<PoolSpec> pools, BudgetSpec budget) {
        return pools.stream().flatMapToLong(pool -> pool.getOffersList().stream().map(offer -> perHour(pool, offer)).filter(OptionalLong::isPresent)
                .mapToLong(perHour -> needed(pool, budget, perHour.getAsLong()))).min();
    }

    private static long needed(PoolSpec pool, BudgetSpec budget, long perHour) {
        if (budget.getPeriod() == BudgetPeriod.PER_HOUR) {
            return perHour;
        }
        var reserve = Times.duration(pool.getReserveFor());
        var stays = budget.getHardAction() == BudgetAction.STOP_LAUNCHING ? 0 : Costs.during(perHour, Spending.stay(reserve));
        return Math.addExact(Costs.during(perHour, reserve), stays);
    }

    /** The most that a machine of the offer can cost an hour, all included. Empty: not known from the spec. */
    private static OptionalLong perHour(PoolSpec filled, OfferSpec offer) {
        if (offer.getKey().getMarket() == Market.SPOT && offer.hasPriceCeilingMicrosPerHour()) {
            return OptionalLong.of(CostTable.of(filled).of(offer.getPriceCeilingMicrosPerHour()));
        }
        return offer.hasPriceMicrosPerHour() ? OptionalLong.of(CostTable.of(filled).of(offer.getPriceMicrosPerHour())) : OptionalLong.empty();
    }

    private static boolean isKnown(BudgetPeriod period) {
        return period == BudgetPeriod.PER_HOUR || period == BudgetPeriod.PER_DAY || period == BudgetPeriod.PER_MONTH;
    }

    static String word(BudgetPeriod period) {
        return switch (period) {
            case PER_HOUR -> "hour";
            case PER_DAY -> "day";
            case PER_MONTH -> "month";
            case BUDGET_PERIOD_UNSPECIFIED, UNRECOGNIZED -> "";
        };
    }

    private static String word(BudgetAction action) {
        return switch (action) {
            case WARN -> "warn";
            case CHEAP_OFFERS_ONLY -> "cheap";
            case HIGH_PRIORITY_ONLY -> "high-priority";
            case STOP_LAUNCHING -> "stop-launching";
            case DRAIN_MACHINES -> "drain";
            case STOP_BUSY -> "stop-busy";
            case BUDGET_ACTION_UNSPECIFIED, UNRECOGNIZED -> "";
        };
    }

    /** All budgets with a hard limit and that action, by their paths. */
    static List<String> withAction(FleetSpec filled, BudgetAction action) {
        return of(filled).scopes().stream().flatMap(scope -> java.util.stream.IntStream.range(0, scope.budgets().size())
                .filter(i -> scope.budgets().get(i).hasHardMicros() && scope.budgets().get(i).getHardAction() == action).mapToObj(scope::path)).collect(Collectors.toList());
    }

    /** Pools that a day's or month's hard limit covers. */
    static List<PoolSpec> poolsUnderPeriods(FleetSpec filled) {
        return of(filled).scopes().stream()
                .filter(scope -> scope.budgets().stream().anyMatch(budget -> budget.hasHardMicros() && budget.getPeriod() != BudgetPeriod.PER_HOUR))
                .flatMap(scope -> scope.pools().stream()).distinct().toList();
    }
}
