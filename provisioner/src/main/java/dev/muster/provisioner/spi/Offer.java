package dev.muster.provisioner.spi;

/**
 * One way to get a machine.
 *
 * @param zone empty: the cloud chooses
 * @param subnet empty: the account's default
 * @param machineType the cloud's word, never empty
 */
public record Offer(Scope scope, String zone, String subnet, String machineType, Market market) {

    /** How it is bought. */
    public enum Market {
        ON_DEMAND, SPOT
    }

    public Offer {
        if (machineType == null || machineType.isEmpty()) {
            throw new IllegalArgumentException("an offer of " + scope + " names no machine type");
        }
    }

    /** A machine of the other kind is one of these: what is left open here, the cloud chooses. */
    public boolean covers(Offer actual) {
        return scope.equals(actual.scope) && machineType.equals(actual.machineType) && market == actual.market
                && (zone.isEmpty() || zone.equals(actual.zone)) && (subnet.isEmpty() || subnet.equals(actual.subnet));
    }
}
