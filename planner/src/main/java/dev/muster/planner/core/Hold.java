package dev.muster.planner.core;

import java.time.Instant;

/**
 * Something that launches are kept from for a while.
 *
 * @param kind what is held, which says what {@code subject} is
 * @param subject an offer's capacity key, a quota, an account or a pool, as text
 * @param since when it was first held
 * @param until when it may be probed; null: until the spec or a secret changes
 * @param failures in a row
 * @param probe the machine that tries it now; empty: none
 * @param message the cloud's own words, for people
 */
public record Hold(Kind kind, String subject, Instant since, Instant until, int failures, String probe, String message) {

    public enum Kind {
        CAPACITY, QUOTA, ACCOUNT, POOL, CIRCUIT,
        /** Spot offers of a pool were refused, since then; {@code until}: none is tried before, a roll-back having begun. */
        SPOT
    }

    /** What identifies it. */
    public String key() {
        return kind + " " + subject;
    }

    /** Capacity runs out by type, zone and market. */
    public static String capacitySubject(OfferKey offer) {
        var key = offer.capacityKey();
        return key.scope() + " " + key;
    }

    /** Which of an account's quotas a machine type counts against is the cloud's to know: all of its market there wait. */
    public static String quotaSubject(OfferKey offer) {
        return offer.scope() + " " + offer.market();
    }

    public static String accountSubject(OfferKey offer) {
        return offer.provider() + "/" + offer.account();
    }
}
