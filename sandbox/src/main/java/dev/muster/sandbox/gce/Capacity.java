package dev.muster.sandbox.gce;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.ToIntFunction;

/**
 * What the cloud has left and what the project may have: plenty at first, less on request. Thread-safe; a change holds for the next
 * launch and touches nothing that runs.
 */
public final class Capacity {

    /** The metric that counts GPUs of all regions. */
    public static final String GPUS_ALL_REGIONS = "GPUS_ALL_REGIONS";

    /** Where a caller hears of a quota that is full. Google has both: most often the operation fails, at times the call itself. */
    public enum QuotaRefusal { BY_CALL, BY_OPERATION }

    // What a region lists of a project that has asked for more: enough for any test that doesn't lower it.
    private static final Map<String, Double> REGIONAL = new TreeMap<>(Map.ofEntries(Map.entry("CPUS", 20_000.0), Map.entry("N2_CPUS", 20_000.0), Map.entry("C3_CPUS", 20_000.0),
            Map.entry("A2_CPUS", 20_000.0), Map.entry("T2A_CPUS", 20_000.0), Map.entry("DISKS_TOTAL_GB", 10_000_000.0), Map.entry("SSD_TOTAL_GB", 10_000_000.0),
            Map.entry("INSTANCES", 20_000.0), Map.entry("IN_USE_ADDRESSES", 20_000.0), Map.entry("NVIDIA_T4_GPUS", 5_000.0), Map.entry("NVIDIA_L4_GPUS", 5_000.0),
            Map.entry("NVIDIA_A100_GPUS", 5_000.0), Map.entry("NVIDIA_V100_GPUS", 5_000.0), Map.entry("NVIDIA_P100_GPUS", 5_000.0), Map.entry("NVIDIA_P4_GPUS", 5_000.0),
            // A project without a preemptible quota of its own has spot machines count towards the standard one.
            Map.entry("PREEMPTIBLE_CPUS", 0.0), Map.entry("PREEMPTIBLE_NVIDIA_T4_GPUS", 0.0), Map.entry("PREEMPTIBLE_NVIDIA_L4_GPUS", 0.0),
            Map.entry("PREEMPTIBLE_NVIDIA_A100_GPUS", 0.0), Map.entry("PREEMPTIBLE_NVIDIA_V100_GPUS", 0.0), Map.entry("PREEMPTIBLE_NVIDIA_P100_GPUS", 0.0),
            Map.entry("PREEMPTIBLE_NVIDIA_P4_GPUS", 0.0)));
    private static final Map<String, Double> GLOBAL = new TreeMap<>(Map.of(GPUS_ALL_REGIONS, 10_000.0, "CPUS_ALL_REGIONS", 100_000.0, "NETWORKS", 50.0, "IMAGES", 2_000.0));

    private final Map<OfferFilter, Integer> most = new LinkedHashMap<>();
    private final Map<Key, Double> quotas = new HashMap<>();
    private final Map<OfferFilter, BigDecimal> spotPrices = new LinkedHashMap<>();
    private final Set<OfferFilter> notOffered = new HashSet<>();
    private final Set<String> full = new HashSet<>();
    private QuotaRefusal quotaRefusal = QuotaRefusal.BY_OPERATION;

    /** @param region null: of the whole project */
    private record Key(String region, String metric) {
    }

    /** At most {@code live} instances that match may hold capacity at once; 0 means that there is none. */
    public synchronized void atMost(OfferFilter which, int live) {
        if (live < 0) {
            throw new IllegalArgumentException("at most " + live + " machines makes no sense; it must be 0 or more");
        }
        most.put(which, live);
    }

    /** No capacity for what matches: ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS. */
    public void none(OfferFilter which) {
        atMost(which, 0);
    }

    /** Takes back what {@link #atMost} or {@link #none} said of exactly this filter. */
    public synchronized void plenty(OfferFilter which) {
        most.remove(which);
    }

    /**
     * The project's quota of one metric.
     *
     * @param region null for a metric of the whole project, such as {@link #GPUS_ALL_REGIONS}
     * @param metric such as {@code CPUS}, {@code PREEMPTIBLE_CPUS}, {@code NVIDIA_T4_GPUS}, {@code IN_USE_ADDRESSES}, {@code INSTANCES}
     * @param limit null: as at first
     */
    public synchronized void quota(String region, String metric, Double limit) {
        if (region != null && Geography.region(region).isEmpty()) {
            throw new IllegalArgumentException("region is " + region + ", which the stand-in doesn't have");
        }
        var known = region == null ? GLOBAL : REGIONAL;
        if (!known.containsKey(metric)) {
            throw new IllegalArgumentException("metric is " + metric + "; it must be one of " + known.keySet());
        }
        if (limit == null) {
            quotas.remove(new Key(region, metric));
        } else {
            quotas.put(new Key(region, metric), limit);
        }
    }

    /** Where a full quota is heard of from now on. */
    public synchronized void quotaRefusal(QuotaRefusal how) {
        quotaRefusal = how;
    }

    /** Takes a type out of a zone: a launch there answers that the type does not exist in it. */
    public synchronized void withhold(String type, String zone) {
        notOffered.add(new OfferFilter(type, zone, null));
    }

    /** No address of the region's subnetwork is free: IP_SPACE_EXHAUSTED. */
    public synchronized void noAddresses(String region) {
        full.add(region);
    }

    /** Sets the spot price of what matches, in dollars an hour, GPUs included; a later call wins over an earlier one. */
    public synchronized void spotPrice(OfferFilter which, BigDecimal dollars) {
        spotPrices.remove(which);
        spotPrices.put(which, dollars);
    }

    /** Plenty of everything again, first quotas, first prices. */
    public synchronized void reset() {
        most.clear();
        quotas.clear();
        spotPrices.clear();
        notOffered.clear();
        full.clear();
        quotaRefusal = QuotaRefusal.BY_OPERATION;
    }

    /** How many more instances the cloud has room for. */
    synchronized int room(String type, String zone, String market, ToIntFunction<OfferFilter> live) {
        int room = Integer.MAX_VALUE;
        for (var rule : most.entrySet()) {
            if (rule.getKey().matches(type, zone, market)) {
                room = Math.min(room, Math.max(0, rule.getValue() - live.applyAsInt(rule.getKey())));
            }
        }
        return room;
    }

    synchronized double quota(String region, String metric) {
        return quotas.getOrDefault(new Key(region, metric), (region == null ? GLOBAL : REGIONAL).getOrDefault(metric, Double.MAX_VALUE));
    }

    /** The quota that a spot machine's use counts towards. */
    synchronized String spotMetric(String region, String metric) {
        var preemptible = "PREEMPTIBLE_" + (metric.endsWith("CPUS") ? "CPUS" : metric);
        return quota(region, preemptible) > 0 || quotas.containsKey(new Key(region, preemptible)) ? preemptible : metric;
    }

    static List<String> metrics(String region) {
        return List.copyOf((region == null ? GLOBAL : REGIONAL).keySet());
    }

    synchronized QuotaRefusal quotaRefusal() {
        return quotaRefusal;
    }

    synchronized boolean hasAddresses(String region) {
        return !full.contains(region);
    }

    synchronized boolean offered(MachineType type, String zone) {
        return type.soldIn(zone) && notOffered.stream().noneMatch(offer -> offer.matches(type.name(), zone, null));
    }

    /**
     * Dollars an hour: 28 to 42 percent of the list price, by type and zone, unless set.
     *
     * @param listPrice with all GPUs
     */
    synchronized BigDecimal spotPrice(MachineType type, String zone, BigDecimal listPrice) {
        var set = new ArrayList<>(spotPrices.entrySet());
        for (int i = set.size() - 1; i >= 0; i--) {
            if (set.get(i).getKey().matches(type.name(), zone, OfferFilter.SPOT)) {
                return set.get(i).getValue();
            }
        }
        var share = BigDecimal.valueOf(28 + Math.floorMod((type.name() + zone).hashCode(), 15), 2);
        return listPrice.multiply(share).setScale(6, RoundingMode.HALF_UP);
    }
}
