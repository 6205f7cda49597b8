package dev.muster.planner.access;

import io.grpc.StatusRuntimeException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.jose4j.jwa.AlgorithmConstraints;
import org.jose4j.jwk.JsonWebKey;
import org.jose4j.jws.AlgorithmIdentifiers;
import org.jose4j.jwt.JwtClaims;
import org.jose4j.jwt.MalformedClaimException;
import org.jose4j.jwt.NumericDate;
import org.jose4j.jwt.consumer.ErrorCodes;
import org.jose4j.jwt.consumer.InvalidJwtException;
import org.jose4j.jwt.consumer.JwtConsumer;
import org.jose4j.jwt.consumer.JwtConsumerBuilder;
import org.jose4j.keys.resolvers.JwksVerificationKeyResolver;
import org.jose4j.lang.InvalidAlgorithmException;
import org.jose4j.lang.UnresolvableKeyException;

/**
 * Tokens of an identity provider: who they name, if they are signed by it, for this planner, and not over. A verdict is kept as long as the token
 * and the provider's keys are good, so that a caller who asks often is checked once. Thread-safe; never blocks.
 */
final class OidcTokens implements AutoCloseable {

    /** Each is a signature with a key that only the provider has. None is none, and one that is made with a shared key could be made with a public one. */
    private static final AlgorithmConstraints SIGNED = new AlgorithmConstraints(AlgorithmConstraints.ConstraintType.PERMIT,
            AlgorithmIdentifiers.RSA_USING_SHA256, AlgorithmIdentifiers.RSA_USING_SHA384, AlgorithmIdentifiers.RSA_USING_SHA512,
            AlgorithmIdentifiers.RSA_PSS_USING_SHA256, AlgorithmIdentifiers.RSA_PSS_USING_SHA384, AlgorithmIdentifiers.RSA_PSS_USING_SHA512,
            AlgorithmIdentifiers.ECDSA_USING_P256_CURVE_AND_SHA256, AlgorithmIdentifiers.ECDSA_USING_P384_CURVE_AND_SHA384,
            AlgorithmIdentifiers.ECDSA_USING_P521_CURVE_AND_SHA512);
    private static final int VERDICTS = 10_000;
    private static final int LONGEST_SUBJECT = 256;
    private static final String ASK_AGAIN = ": get a new one from the identity provider.";
    private static final Duration RETRY_IN = Duration.ofSeconds(5);

    private final AccessSettings.Oidc settings;
    private final OidcKeys keys;
    private final Clock clock;
    private final JwtConsumer unchecked = new JwtConsumerBuilder().setSkipAllValidators().setDisableRequireSignature().setSkipSignatureVerification().build();
    private List<JsonWebKey> verdictsBy = List.of();
    private final Map<Grants.Hash, Identity> verdicts = new LinkedHashMap<>(64, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Grants.Hash, Identity> eldest) {
            return size() > VERDICTS;
        }
    };

    /** The token may be good: its key isn't known yet. */
    private static final class UnknownKey extends Exception {
        private static final long serialVersionUID = 1;
    }

    OidcTokens(AccessSettings.Oidc settings, OidcKeys keys, Clock clock) {
        this.settings = settings;
        this.keys = keys;
        this.clock = clock;
    }

    /** @return fails with {@link StatusRuntimeException} */
    CompletionStage<Identity> identify(String token) {
        var hash = Grants.Hash.of(StaticTokens.sha256(token));
        var known = keys.known();
        var before = verdict(hash, known);
        if (before.isPresent()) {
            return CompletableFuture.completedFuture(before.get());
        }
        try {
            requireOurs(token);
            return CompletableFuture.completedFuture(keep(hash, known, verify(token, known)));
        } catch (UnknownKey unknown) {
            return keys.fetch().handle((fetched, failure) -> {
                if (failure != null) {
                    throw AccessErrors.unavailable("The identity provider's keys can't be fetched, so that the token can't be checked. Try again in a few seconds.", RETRY_IN);
                }
                try {
                    return keep(hash, fetched, verify(token, fetched));
                } catch (UnknownKey still) {
                    throw AccessErrors.unauthenticated("The token is signed with a key that its identity provider doesn't have" + ASK_AGAIN);
                }
            });
        } catch (StatusRuntimeException refused) {
            return CompletableFuture.failedFuture(refused);
        }
    }

    /** The status that a failed {@link #identify} ended with. */
    static Throwable cause(Throwable failure) {
        return failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
    }

    private synchronized Optional<Identity> verdict(Grants.Hash token, List<JsonWebKey> known) {
        if (verdictsBy != known) {
            // A key may have been withdrawn.
            verdicts.clear();
            verdictsBy = known;
        }
        var verdict = verdicts.get(token);
        if (verdict == null || verdict.isOverAt(clock.instant().minus(settings.leeway()))) {
            return Optional.empty();
        }
        return Optional.of(verdict);
    }

    private synchronized Identity keep(Grants.Hash token, List<JsonWebKey> by, Identity verdict) {
        if (verdictsBy == by) {
            verdicts.put(token, verdict);
        }
        return verdict;
    }

    /** Only for what names our provider is it asked for keys. */
    private void requireOurs(String token) {
        try {
            var said = unchecked.process(token);
            if (!settings.issuer().toString().equals(said.getJwtClaims().getIssuer())) {
                throw AccessErrors.unauthenticated("The token is not of issuer " + settings.issuer() + ASK_AGAIN);
            }
            SIGNED.checkConstraint(said.getJoseObjects().get(0).getAlgorithmHeaderValue());
        } catch (InvalidAlgorithmException notSigned) {
            throw AccessErrors.unauthenticated("The token is not signed with a private key of its identity provider" + ASK_AGAIN);
        } catch (InvalidJwtException | MalformedClaimException garbled) {
            throw AccessErrors.unauthenticated("The token is neither one of the planner's own (" + StaticTokens.PREFIX + "…) nor one of the identity provider's.");
        }
    }

    private Identity verify(String token, List<JsonWebKey> known) throws UnknownKey {
        var consumer = new JwtConsumerBuilder().setJwsAlgorithmConstraints(SIGNED).setVerificationKeyResolver(new JwksVerificationKeyResolver(known))
                .setExpectedIssuer(settings.issuer().toString()).setExpectedAudience(settings.audience()).setRequireExpirationTime()
                .setAllowedClockSkewInSeconds((int) settings.leeway().toSeconds()).setEvaluationTime(NumericDate.fromMilliseconds(clock.millis())).build();
        try {
            return identity(consumer.processToClaims(token));
        } catch (InvalidJwtException refused) {
            if (refused.getCause() instanceof UnresolvableKeyException) {
                throw new UnknownKey();
            }
            throw AccessErrors.unauthenticated(why(refused) + ASK_AGAIN);
        } catch (MalformedClaimException garbled) {
            throw AccessErrors.unauthenticated("The token's claims can't be read" + ASK_AGAIN);
        }
    }

    /** Never what the token holds: a forged one could have anything written into logs. */
    private String why(InvalidJwtException refused) {
        if (refused.hasErrorCode(ErrorCodes.EXPIRED)) {
            return "The token is over";
        } else if (refused.hasErrorCode(ErrorCodes.NOT_YET_VALID)) {
            return "The token is not valid yet";
        } else if (refused.hasErrorCode(ErrorCodes.AUDIENCE_INVALID) || refused.hasErrorCode(ErrorCodes.AUDIENCE_MISSING)) {
            return "The token is not for audience " + settings.audience();
        } else if (refused.hasErrorCode(ErrorCodes.EXPIRATION_MISSING)) {
            return "The token has no end";
        }
        return "The token's signature is not good";
    }

    private Identity identity(JwtClaims claims) throws MalformedClaimException {
        var subject = claim(claims.getClaimsMap(), settings.subject()).filter(String.class::isInstance).map(String.class::cast)
                .filter(name -> !name.isBlank() && name.length() <= LONGEST_SUBJECT && name.chars().noneMatch(Character::isISOControl))
                .orElseThrow(() -> AccessErrors.unauthenticated("The token has no name of its caller in the claim '" + settings.subject() + "'" + ASK_AGAIN));
        var holders = new ArrayList<>(List.of(Grants.SUBJECT + ":" + subject));
        claim(claims.getClaimsMap(), settings.groups()).ifPresent(groups -> {
            if (groups instanceof Collection<?> several) {
                several.stream().filter(String.class::isInstance).forEach(group -> holders.add(Grants.GROUP + ":" + group));
            } else if (groups instanceof String one) {
                holders.add(Grants.GROUP + ":" + one);
            }
        });
        return new Identity("oidc:" + subject, holders, Optional.of(Instant.ofEpochMilli(claims.getExpirationTime().getValueInMillis())));
    }

    /** A claim of that name, or at the end of that path of names. */
    private static Optional<Object> claim(Map<?, ?> claims, String name) {
        if (claims.get(name) != null) {
            return Optional.of(claims.get(name));
        }
        var dot = name.indexOf('.');
        return dot > 0 && claims.get(name.substring(0, dot)) instanceof Map<?, ?> inner ? claim(inner, name.substring(dot + 1)) : Optional.empty();
    }

    @Override
    public void close() {
        keys.close();
    }
}
