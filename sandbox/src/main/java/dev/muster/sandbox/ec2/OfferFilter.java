package dev.muster.sandbox.ec2;

/**
 * Some of what EC2 offers: an instance type in a zone on a market; null stands for any.
 *
 * @param type such as {@code g5.xlarge}
 * @param zone such as {@code us-east-1a}
 * @param market {@code on-demand} or {@code spot}
 */
public record OfferFilter(String type, String zone, String market) {

    public static final String ON_DEMAND = "on-demand";
    public static final String SPOT = "spot";

    public OfferFilter {
        if (market != null && !market.equals(ON_DEMAND) && !market.equals(SPOT)) {
            throw new IllegalArgumentException("market is " + market + "; it must be on-demand or spot, or null for both");
        }
        if (type != null && InstanceType.named(type) == null) {
            throw new IllegalArgumentException("type is " + type + ", which the stand-in doesn't sell; DescribeInstanceTypes lists what it does");
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
