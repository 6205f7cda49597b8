package dev.muster.planner.core;

import java.util.Comparator;

/**
 * One way to get a pool's machine. Zone and subnet are empty where the cloud chooses; nothing else is empty.
 */
public record OfferKey(
        String provider, String account, String region, String zone, String subnet, String machineType, Market market)
        implements Comparable<OfferKey> {

    private static final Comparator<OfferKey> ORDER = Comparator.comparing(OfferKey::provider)
            .thenComparing(OfferKey::account).thenComparing(OfferKey::region).thenComparing(OfferKey::zone)
            .thenComparing(OfferKey::subnet).thenComparing(OfferKey::machineType).thenComparing(OfferKey::market);

    public OfferKey {
        if (provider.isEmpty() || account.isEmpty() || region.isEmpty() || machineType.isEmpty()) {
            throw new IllegalArgumentException("an offer needs provider, account, region and machine type, got "
                    + provider + "/" + account + "/" + region + "/" + machineType);
        }
    }

    /** What one cloud client lists and paces. */
    public String scope() {
        return provider + "/" + account + "/" + region;
    }

    /** Both are listed and paced by one cloud client. */
    public boolean isScopedAs(OfferKey other) {
        return region.equals(other.region) && account.equals(other.account) && provider.equals(other.provider);
    }

    /** What runs out together: capacity is remembered by it. A subnet lies in its zone, so that it is no part. */
    public OfferKey capacityKey() {
        return zone.isEmpty() || subnet.isEmpty() ? this : new OfferKey(provider, account, region, zone, "", machineType, market);
    }

    @Override
    public int compareTo(OfferKey other) {
        return ORDER.compare(this, other);
    }

    /** For people: {@code g4dn.xlarge us-east-1a spot}. */
    @Override
    public String toString() {
        var place = zone.isEmpty() ? region : zone;
        return machineType + " " + place + (subnet.isEmpty() ? "" : " " + subnet) + (market == Market.SPOT ? " spot" : "");
    }
}
