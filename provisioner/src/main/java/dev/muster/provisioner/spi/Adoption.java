package dev.muster.provisioner.spi;

import java.util.Optional;

/**
 * What came of a wish to adopt a machine.
 *
 * @param machine as lists will show it from now on; empty: it was left as it is
 * @param refusal why; null where it was taken
 * @param detail the same for people, as words that follow "the machine"; empty where it was taken
 */
public record Adoption(Optional<MachineSeen> machine, Refusal refusal, String detail) {

    /** Why a machine is left as it is. */
    public enum Refusal {
        /** The cloud shows no such machine, or one that ends or stands still. */
        NOT_THERE,
        /** Its tags say that it is another fleet's, or was let go. */
        OF_ANOTHER,
        /** It is none of the offers that it may be. */
        NO_SUCH_OFFER
    }

    public static Adoption of(MachineSeen machine) {
        return new Adoption(Optional.of(machine), null, "");
    }

    public static Adoption refused(Refusal why, String detail) {
        return new Adoption(Optional.empty(), why, detail);
    }
}
