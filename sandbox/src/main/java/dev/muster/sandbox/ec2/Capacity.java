package dev.muster.sandbox.ec2;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToIntFunction;

/**
 * What the cloud has left and what the account may have: unlimited at first, less on request. Thread-safe; a change holds for
 * the next launch and touches nothing that runs.
 */
public final class Capacity {

    private final Map<OfferFilter, Integer> most = new LinkedHashMap<>();
    private final Map<Quota, Integer> vcpuQuotas = new HashMap<>();
    private final Map<OfferFilter, BigDecimal> spotPrices = new LinkedHashMap<>();
    private final Set<OfferFilter> notOffered = new HashSet<>();
    private Integer instanceQuota;

    private record Quota(InstanceType.QuotaGroup group, String market) {
    }

    /** At most {@code live} instances that match may hold capacity at once, over all accounts; 0 means that there is none. */
    public synchronized void atMost(OfferFilter which, int live) {
        if (live < 0) {
            throw new IllegalArgumentException("at most " + live + " machines makes no sense; it must be 0 or more");
        }
        most.put(which, live);
    }

    /** No capacity for what matches: InsufficientInstanceCapacity. */
    public void none(OfferFilter which) {
        atMost(which, 0);
    }

    /** Takes back what {@link #atMost} or {@link #none} said of exactly this filter. */
    public synchronized void plenty(OfferFilter which) {
        most.remove(which);
    }

    /**
     * The account's vCPU quota in each region. Beyond it on-demand launches answer VcpuLimitExceeded, spot launches
     * MaxSpotInstanceCountExceeded.
     *
     * @param family of instance types: {@code standard}, {@code g} or {@code p}
     * @param vcpus 0 or more; null lifts the quota
     */
    public synchronized void vcpuQuota(String family, String market, Integer vcpus) {
        var quota = new Quota(switch (family) {
            case "standard" -> InstanceType.QuotaGroup.STANDARD;
            case "g" -> InstanceType.QuotaGroup.G_AND_VT;
            case "p" -> InstanceType.QuotaGroup.P;
            default -> throw new IllegalArgumentException("family is " + family + "; it must be standard, g or p");
        }, OfferFilter.any().onMarket(market).market());
        if (market == null) {
            throw new IllegalArgumentException("market is missing; it must be on-demand or spot");
        }
        if (vcpus == null) {
            vcpuQuotas.remove(quota);
        } else {
            vcpuQuotas.put(quota, vcpus);
        }
    }

    /** Most instances that an account may have in a region, beyond which launches answer InstanceLimitExceeded; null lifts it. */
    public synchronized void instanceQuota(Integer instances) {
        instanceQuota = instances;
    }

    /** Takes a type out of a zone's offerings: launches there answer Unsupported. */
    public synchronized void withhold(String type, String zone) {
        notOffered.add(new OfferFilter(type, zone, null));
    }

    /** Sets the spot price of what matches, in dollars an hour; a later call wins over an earlier one. */
    public synchronized void spotPrice(OfferFilter which, BigDecimal dollars) {
        spotPrices.remove(which);
        spotPrices.put(which, dollars);
    }

    /** Plenty of everything again, no quotas, first prices. */
    public synchronized void reset() {
        most.clear();
        vcpuQuotas.clear();
        spotPrices.clear();
        notOffered.clear();
        instanceQuota = null;
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

    /** Null if there is no such quota. */
    synchronized Integer vcpuQuota(InstanceType.QuotaGroup group, String market) {
        return vcpuQuotas.get(new Quota(group, market));
    }

    /** Null if there is none. */
    synchronized Integer instanceQuota() {
        return instanceQuota;
    }

    /** As at Amazon, the largest GPU machines are not sold in every zone: here not in a region's third. */
    synchronized boolean offered(InstanceType type, Geography.Zone zone) {
        if (List.of("p4d", "p5").contains(type.family()) && zone.index() == 2) {
            return false;
        }
        return notOffered.stream().noneMatch(offer -> offer.matches(type.name(), zone.name(), null));
    }

    /** Dollars an hour: 28 to 42 percent of the list price, by type and zone, unless set. */
    synchronized BigDecimal spotPrice(InstanceType type, String zone) {
        var set = new ArrayList<>(spotPrices.entrySet());
        for (int i = set.size() - 1; i >= 0; i--) {
            if (set.get(i).getKey().matches(type.name(), zone, OfferFilter.SPOT)) {
                return set.get(i).getValue();
            }
        }
        var share = BigDecimal.valueOf(28 + Math.floorMod((type.name() + zone).hashCode(), 15), 2);
        return type.dollarsPerHour().multiply(share).setScale(6, RoundingMode.HALF_UP);
    }
}
