package dev.muster.sandbox.gce;

/**
 * Some of what Compute Engine offers: a machine type in a zone on a market; null stands for any.
 *
 * @param type such as {@code n1-standard-4}
 * @param zone such as {@code us-central1-a}
 * @param market {@code standard} or {@code spot}
 */
public record OfferFilter(String type, String zone, String market) {

    public static final String STANDARD = "standard";
    public static final String SPOT = "spot";

    public OfferFilter {
        if (market != null && !market.equals(STANDARD) && !market.equals(SPOT)) {
            throw new IllegalArgumentException("market is " + market + "; it must be standard or spot, or null for both");
        }
        if (type != null && MachineType.named(type) == null) {
            throw new IllegalArgumentException("type is " + type + ", which the stand-in doesn't sell; machineTypes.list shows what it does");
        }
        if (zone != null && Geography.zone(zone).isEmpty()) {
            throw new IllegalArgumentException("zone is " + zone + ", which the stand-in doesn't have; zones.list shows those it has");
        }
    }

    public static OfferFilter any() {
        return new OfferFilter(null, null, null);
    }

    public static OfferFilter type(String type) {
        return new OfferFilter(type, null, null);
    }

    public OfferFilter inZone(String zone) {
        return new OfferFilter(type, zone, market);
    }

    public OfferFilter onMarket(String market) {
        return new OfferFilter(type, zone, market);
    }

    boolean matches(String otherType, String otherZone, String otherMarket) {
        return (type == null || type.equals(otherType)) && (zone == null || zone.equals(otherZone))
                && (market == null || market.equals(otherMarket));
    }
}
