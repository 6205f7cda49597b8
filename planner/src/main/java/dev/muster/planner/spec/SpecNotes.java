package dev.muster.planner.spec;

import dev.muster.v1.BudgetAction;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.Market;
import dev.muster.v1.OfferKey;
import dev.muster.v1.PoolSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiPredicate;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** What a spec may say and people should know: sentences that an answer carries beside the accepted spec. */
public final class SpecNotes {

    private SpecNotes() {}

    /** @param filled a spec without violations, with every default */
    public static List<String> of(FleetSpec filled) {
        var notes = new ArrayList<String>();
        launchesOnly(filled, notes);
        endsTasks(filled, notes);
        notes.addAll(BudgetValidator.starvedPools(filled));
        for (var pool : BudgetValidator.poolsUnderPeriods(filled)) {
            reserves(pool, notes);
        }
        var underBudget = !filled.getBudgetsList().isEmpty() || filled.getQueuesList().stream().anyMatch(queue -> queue.getBudgetsCount() > 0);
        for (var pool : filled.getPoolsList()) {
            notCounted(filled, pool, underBudget || pool.getBudgetsCount() > 0, notes);
            ages(pool, notes);
            onGoogleCloud(pool, notes);
            onKubernetes(pool, notes);
        }
        caps(filled, notes);
        return notes;
    }

    private static void onGoogleCloud(PoolSpec pool, List<String> notes) {
        var at = "pools." + pool.getName();
        if (pool.getOffersList().stream().anyMatch(offer -> offer.getKey().getProvider().equals("gcp") && offer.hasPriceCeilingMicrosPerHour())) {
            notes.add(at + ": Google takes no maximum price. ceiling is what a budget counts, and above which nothing is launched; a machine that runs stays when its price rises, and then costs more than is counted.");
        }
        var gcp = pool.getLaunch().getGcp();
        if (!gcp.getGpuType().isEmpty() && pool.getOffersList().stream().anyMatch(offer -> !offer.hasPriceMicrosPerHour())) {
            notes.add(at + ": write price in each offer, with the GPUs in it. A price file has one price a machine type, and GPUs that are attached are not in it.");
        }
        if (gcp.getLocalSsds() > 0) {
            notes.add(at + ": local SSDs are not counted unless price has them in it.");
        }
        if (gcp.hasMaxRunDuration()) {
            notes.add(at + ".gcp.maxRunDuration ends a machine after " + Findings.text(gcp.getMaxRunDuration())
                    + " with the task that it runs, which is put back into its queue and begins again. maxAge lets the task end.");
        }
        if (gcp.getPreemptible()) {
            notes.add(at + ".gcp.preemptible: Google ends such machines after 24 h at the latest; those of the spot market have no such end.");
        }
    }

    private static void onKubernetes(PoolSpec pool, List<String> notes) {
        var at = "pools." + pool.getName();
        var unknown = new TreeSet<>(pool.getOnEndMap().keySet());
        K8sLaunchValidator.REASONS.forEach(unknown::remove);
        unknown.forEach(reason -> notes.add(at + ".onEnd." + reason + ": a pod's end has that reason only if the cluster words it so; those that Muster knows are "
                + String.join(", ", K8sLaunchValidator.REASONS) + "."));
        var boot = pool.getLaunch().getBoot();
        if (pool.getLaunch().getK8S().getImageEntrypoint() && (boot.hasInitScript() || boot.hasExtraConf() || boot.hasCheckpointHook())) {
            notes.add(at + ".k8s.imageEntrypoint: the image's own entrypoint runs and no agent, so that agent.initScript, extraConf and checkpointHook do nothing.");
        }
    }

    /** What a fleet's caps on resources don't count. */
    private static void caps(FleetSpec spec, List<String> notes) {
        var pods = spec.getPoolsList().stream().filter(Defaults::isOfPods).toList();
        for (var cap : new TreeMap<>(spec.getLimits().getResourcesMap()).entrySet()) {
            var at = "limits.resources." + cap.getKey();
            var asking = pods.stream().filter(pool -> K8sLaunchValidator.requested(pool.getLaunch()).containsKey(cap.getKey())).toList();
            if (asking.isEmpty()) {
                notes.add(at + " limits nothing: no pool asks for it in k8s.requests or k8s.limits.");
            }
            asking.stream().filter(pool -> K8sLaunchValidator.requested(pool.getLaunch()).get(cap.getKey()) > Quantity.thousandths(cap.getValue())).forEach(pool ->
                    notes.add(at + " leaves no room for a pod of pool " + pool.getName() + ", which asks for more."));
            pods.stream().filter(pool -> !asking.contains(pool) && hasTemplate(pool)).forEach(pool -> notes.add(at + " does not count what only the template of pool " + pool.getName()
                    + " asks for: write it in k8s.requests, too."));
        }
    }

    private static boolean hasTemplate(PoolSpec pool) {
        return !pool.getLaunch().getK8S().getTemplate().isEmpty() || !pool.getLaunch().getK8S().getTemplateConfigMap().isEmpty();
    }

    /**
     * Of offers on Google Cloud whose price nothing tells.
     *
     * @param isPriced whether an offer's price is known beside the spec; its key has its market
     */
    public static List<String> ofPrices(FleetSpec filled, Predicate<OfferKey> isPriced) {
        var notes = new ArrayList<String>();
        for (var pool : filled.getPoolsList()) {
            var unknown = pool.getOffersList().stream().filter(offer -> offer.getKey().getProvider().equals("gcp") && !offer.hasPriceMicrosPerHour() && !isPriced.test(offer.getKey()))
                    .map(offer -> offer.getKey().getRegion() + ": " + offer.getKey().getMachineType() + (offer.getKey().getMarket() == Market.SPOT ? "/spot" : ""))
                    .distinct().sorted().collect(Collectors.joining(", "));
            if (!unknown.isEmpty()) {
                notes.add("pools." + pool.getName() + ": Google's API tells no prices, so the machines' own cost is not counted until price, or the provisioner's price file, gives it (" + unknown + ").");
            }
        }
        return notes;
    }

    private static void launchesOnly(FleetSpec spec, List<String> notes) {
        var paths = BudgetValidator.withAction(spec, BudgetAction.STOP_LAUNCHING);
        if (!paths.isEmpty()) {
            notes.add("onLimit: stop-launching (" + String.join(", ", paths) + ") does not bound spending: machines that run work on until they are idle. drain and stop-busy do.");
        }
    }

    private static void endsTasks(FleetSpec spec, List<String> notes) {
        var paths = BudgetValidator.withAction(spec, BudgetAction.STOP_BUSY);
        if (!paths.isEmpty()) {
            notes.add("onLimit: stop-busy (" + String.join(", ", paths) + ") ends running tasks when the money is spent; they are put back into their queues and begin again.");
        }
    }

    /** A machine that never gets a worker is paid for until its deadline: more than it reserved, if that is shorter. */
    private static void reserves(PoolSpec pool, List<String> notes) {
        var needed = pool.getRegistrationDeadline().toBuilder().setSeconds(pool.getRegistrationDeadline().getSeconds() + 60).build();
        if (Findings.compare(pool.getReserveFor(), needed) < 0) {
            notes.add("pools." + pool.getName() + ".reserveFor is " + Findings.text(pool.getReserveFor()) + ", and a machine that never gets a worker is paid for up to registerWithin, "
                    + Findings.text(pool.getRegistrationDeadline()) + ": it can spend more than it reserves.");
        }
    }

    private static void notCounted(FleetSpec spec, PoolSpec pool, boolean underBudget, List<String> notes) {
        // What pods use is paid for with their nodes.
        if (Defaults.isOfPods(pool)) {
            return;
        }
        var cost = pool.getCost();
        var sized = pool.getLaunch().getDisksList().stream().anyMatch(disk -> disk.getSizeGib() > 0);
        var at = "pools." + pool.getName();
        if (!cost.hasDiskMicrosPerGibMonth() && (sized || underBudget)) {
            notes.add(at + ": disks are not counted, since cost.diskPerGibMonth gives no price.");
        } else if (cost.hasDiskMicrosPerGibMonth() && !sized) {
            notes.add(at + ": the image's own disk is not counted, since disks gives no size.");
        }
        if (!cost.hasPublicIpv4MicrosPerHour() && underBudget && CostTable.hasPublicAddress(pool.getLaunch())) {
            notes.add(at + ": public IPv4 addresses are not counted, since " + (Defaults.CURRENCY.equals(spec.getCurrency())
                    ? "cost.publicIpv4PerHour gives no price." : "the known price is in dollars; write cost.publicIpv4PerHour in " + spec.getCurrency() + "."));
        }
    }

    private static void ages(PoolSpec pool, List<String> notes) {
        if (pool.hasMaxAge() && Findings.compare(pool.getMaxAge(), pool.getReserveFor()) < 0) {
            notes.add("pools." + pool.getName() + ".maxAge is " + Findings.text(pool.getMaxAge()) + ", less than the longest task to expect (reserveFor, " + Findings.text(pool.getReserveFor())
                    + "): such a task is not cut short, but its machine takes no other and stays past its age.");
        }
    }

    /**
     * Where marks don't reach machines that run.
     *
     * @param isWithoutLiveMarks of a provider's machine type; false also where that is not known
     */
    public static List<String> ofTypes(FleetSpec filled, BiPredicate<String, String> isWithoutLiveMarks) {
        var notes = new ArrayList<String>();
        for (var pool : filled.getPoolsList()) {
            var types = pool.getOffersList().stream().map(offer -> offer.getKey()).filter(key -> isWithoutLiveMarks.test(key.getProvider(), key.getMachineType()))
                    .map(key -> key.getMachineType()).distinct().sorted().toList();
            if (!types.isEmpty()) {
                notes.add("pools." + pool.getName() + ": machines of " + String.join(", ", types) + " don't see a mark that is written while they run, since EC2 "
                        + "shows tags at once only on types whose hypervisor is nitro: their drains wait until two looks show them idle, and a task that begins "
                        + "in between is put back. Types of a newer generation have it.");
            }
        }
        return notes;
    }

    /** What limits that were lowered wait for. @param counted machines that count now */
    public static List<String> ofChange(FleetSpec next, int counted) {
        var pools = next.getPoolsList().stream().map(PoolSpec::getLimits).collect(Collectors.summingLong(limits -> limits.hasMax() ? limits.getMax() : Integer.MAX_VALUE));
        var most = next.getLimits().hasMax() ? Math.min(pools, next.getLimits().getMax()) : pools;
        return counted > most ? List.of(counted + " machines count now, and the spec allows " + most + ": " + (counted - most)
                + " leave, idle ones first, busy ones when their task ends; until then nothing is launched.") : List.of();
    }
}
