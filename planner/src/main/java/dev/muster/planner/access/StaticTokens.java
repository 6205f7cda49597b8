package dev.muster.planner.access;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.grpc.StatusRuntimeException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.List;

/**
 * Tokens that don't change until somebody changes them, for set-ups without an identity provider.
 *
 * <p>A token is 256 random bits, so that its hash needs no salt and no slow function as a password's does: there is no list of likely tokens to
 * try, and 2^256 can't be tried. SHA-256 is enough, and costs a call a microsecond. The grants file holds hashes only; whoever reads it can't call.
 */
final class StaticTokens {

    /** Tokens begin with it, so that scanners of repositories and logs find one that was left there. */
    static final String PREFIX = "mst_";

    private StaticTokens() {}

    /** @throws StatusRuntimeException if it is none of the tokens, or no longer */
    static Identity identify(String token, List<Grants.Token> known, Instant now) {
        var digest = sha256(token);
        Grants.Token found = null;
        // All of them, each in the same time: how long the answer takes tells nothing about the hashes.
        for (var one : known) {
            if (MessageDigest.isEqual(one.hash().bytes(), digest)) {
                found = one;
            }
        }
        if (found == null) {
            throw AccessErrors.unauthenticated("The token is none of those that the planner's grants file has: ask for a new one.");
        }
        var identity = new Identity("token:" + found.name(), List.of(found.holder()), found.expires());
        if (identity.isOverAt(now)) {
            throw AccessErrors.unauthenticated("The token of " + found.name() + " ended at " + found.expires().get() + ": ask for a new one.");
        }
        return identity;
    }

    static byte[] sha256(String token) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(token.getBytes(UTF_8));
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException("every JVM has SHA-256", impossible);
        }
    }
}
