package dev.muster.planner.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.jose4j.jwk.PublicJsonWebKey;
import org.jose4j.jws.AlgorithmIdentifiers;
import org.jose4j.jwt.JwtClaims;
import org.jose4j.jwt.NumericDate;
import org.jose4j.keys.HmacKey;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Tokens of an identity provider, against one that answers over HTTP. */
class OidcTokensTest {

    private static PublicJsonWebKey key;
    private static PublicJsonWebKey another;

    private TestIssuer issuer;
    private OidcTokens tokens;

    @BeforeAll
    static void makeKeys() throws Exception {
        key = TestIssuer.rsa("first");
        another = TestIssuer.rsa("second");
    }

    @BeforeEach
    void start() throws Exception {
        issuer = new TestIssuer();
        issuer.publish(key);
        tokens = tokens(Clock.systemUTC(), "sub", "groups");
    }

    @AfterEach
    void stop() {
        tokens.close();
        issuer.close();
    }

    private OidcTokens tokens(Clock clock, String subject, String groups) {
        var settings = new AccessSettings.Oidc(issuer.uri(), TestIssuer.AUDIENCE, subject, groups, Optional.empty(), Duration.ofSeconds(30));
        return new OidcTokens(settings, new OidcKeys(issuer.uri(), Optional.empty()), clock);
    }

    private Identity identify(String token) {
        try {
            return tokens.identify(token).toCompletableFuture().orTimeout(20, TimeUnit.SECONDS).join();
        } catch (CompletionException refused) {
            throw (RuntimeException) refused.getCause();
        }
    }

    private String signed(JwtClaims claims) throws Exception {
        return TestIssuer.token(key, AlgorithmIdentifiers.RSA_USING_SHA256, claims);
    }

    private JwtClaims ann() {
        return issuer.claims("ann", claims -> claims.setStringListClaim("groups", "ml", "ops"));
    }

    private void assertRefused(String token, String because) {
        assertThatThrownBy(() -> identify(token)).isInstanceOfSatisfying(StatusRuntimeException.class, refused -> {
            assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.UNAUTHENTICATED);
            assertThat(refused.getStatus().getDescription()).contains(because).doesNotContain(token.isEmpty() ? "anything" : token);
        });
    }

    @Test
    void namesWhoTheTokenIsOfWithItsGroups() throws Exception {
        var claims = ann();
        assertThat(identify(signed(claims))).isEqualTo(new Identity("oidc:ann", List.of("oidc-subject:ann", "oidc-group:ml", "oidc-group:ops"),
                Optional.of(Instant.ofEpochMilli(claims.getExpirationTime().getValueInMillis()))));
    }

    @Test
    void takesEachKindOfSignatureWithAPrivateKey() throws Exception {
        var curve = TestIssuer.ec("curve");
        issuer.publish(key, curve);
        assertThat(identify(TestIssuer.token(key, AlgorithmIdentifiers.RSA_PSS_USING_SHA256, ann())).name()).isEqualTo("oidc:ann");
        assertThat(identify(TestIssuer.token(curve, AlgorithmIdentifiers.ECDSA_USING_P256_CURVE_AND_SHA256, ann())).name()).isEqualTo("oidc:ann");
    }

    @Test
    void readsNameAndGroupsWhereTheProviderPutsThem() throws Exception {
        tokens.close();
        tokens = tokens(Clock.systemUTC(), "email", "realm_access.roles");
        var claims = issuer.claims("4711", all -> {
            all.setStringClaim("email", "ann@example.org");
            all.setClaim("realm_access", Map.of("roles", List.of("ml")));
        });
        assertThat(identify(signed(claims)).holders()).containsExactly("oidc-subject:ann@example.org", "oidc-group:ml");
        assertRefused(signed(issuer.claims("4711", all -> { })), "no name of its caller in the claim 'email'");
        assertRefused(signed(issuer.claims("4711", all -> all.setStringClaim("email", "ann\ncaller=root"))), "no name of its caller");
    }

    @Test
    void refusesWhatIsOverNotYetOrWithoutEnd() throws Exception {
        assertRefused(signed(issuer.claims("ann", claims -> claims.setExpirationTimeMinutesInTheFuture(-2))), "is over");
        assertRefused(signed(issuer.claims("ann", claims -> claims.setNotBeforeMinutesInThePast(-5))), "not valid yet");
        assertRefused(signed(issuer.claims("ann", claims -> claims.unsetClaim("exp"))), "has no end");
    }

    @Test
    void clocksMayDifferALittle() throws Exception {
        assertThat(identify(signed(issuer.claims("ann", claims -> claims.setExpirationTime(NumericDate.fromMilliseconds(System.currentTimeMillis() - 10_000))))).name())
                .isEqualTo("oidc:ann");
    }

    @Test
    void aVerdictEndsWithItsToken() throws Exception {
        var token = signed(ann());
        assertThat(identify(token).name()).isEqualTo("oidc:ann");
        tokens.close();
        tokens = tokens(Clock.fixed(Instant.now().plus(Duration.ofMinutes(11)), ZoneOffset.UTC), "sub", "groups");
        assertRefused(token, "is over");
    }

    @Test
    void refusesTokensForOthersAndOfOthers() throws Exception {
        assertRefused(signed(issuer.claims("ann", claims -> claims.setAudience("elsewhere"))), "not for audience muster");
        assertRefused(signed(issuer.claims("ann", claims -> claims.unsetClaim("aud"))), "not for audience muster");
        assertRefused(signed(issuer.claims("ann", claims -> claims.setIssuer("https://login.example.org"))), "not of issuer " + issuer.uri());
        assertThat(issuer.asked()).isLessThanOrEqualTo(1);
    }

    @Test
    void refusesForgedTokens() throws Exception {
        identify(signed(ann()));
        assertRefused(TestIssuer.token(another.getPrivateKey(), "first", AlgorithmIdentifiers.RSA_USING_SHA256, ann()), "signature is not good");
        assertRefused(TestIssuer.token(null, "first", AlgorithmIdentifiers.NONE, ann()), "not signed with a private key");
        // The public key is known to all: a server that takes shared keys would take it for one.
        assertRefused(TestIssuer.token(new HmacKey(key.getPublicKey().getEncoded()), "first", AlgorithmIdentifiers.HMAC_SHA256, ann()), "not signed with a private key");
        var good = signed(ann()).split("\\.");
        var richer = signed(issuer.claims("root", claims -> { })).split("\\.");
        assertRefused(good[0] + "." + richer[1] + "." + good[2], "signature is not good");
        assertRefused("not.a.token", "neither one of the planner's own");
        assertRefused("", "neither one of the planner's own");
    }

    @Test
    void rotatedKeysAreFoundAndWithdrawnOnesCountNoMore() throws Exception {
        var old = signed(ann());
        identify(old);
        issuer.publish(another);
        assertThat(identify(TestIssuer.token(another, AlgorithmIdentifiers.RSA_USING_SHA256, ann())).name()).isEqualTo("oidc:ann");
        assertRefused(old, "a key that its identity provider doesn't have");
    }

    @Test
    void keysThatNobodyHasDoNotMakeTheProviderBeAskedEachTime() throws Exception {
        for (var i = 0; i < 50; i++) {
            assertRefused(TestIssuer.token(key.getPrivateKey(), "nobody-" + i, AlgorithmIdentifiers.RSA_USING_SHA256, ann()), "a key that its identity provider doesn't have");
        }
        assertThat(issuer.asked()).isLessThanOrEqualTo(4);
    }

    @Test
    void keysAreKeptWhileTheProviderIsDown() throws Exception {
        identify(signed(ann()));
        issuer.breakDown(true);
        assertThat(identify(signed(issuer.claims("bob", claims -> { }))).name()).isEqualTo("oidc:bob");
    }

    @Test
    void withoutKeysNobodyIsJudged() throws Exception {
        issuer.breakDown(true);
        assertThatThrownBy(() -> identify(signed(ann()))).isInstanceOfSatisfying(StatusRuntimeException.class,
                refused -> assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE));
        issuer.breakDown(false);
        assertThat(identify(signed(ann())).name()).isEqualTo("oidc:ann");
    }

    @Test
    void aDiscoveryDocumentOfAnotherIssuerIsNotBelieved() throws Exception {
        issuer.pretend("https://login.example.org");
        assertThatThrownBy(() -> identify(signed(ann()))).hasMessageContaining("can't be fetched");
    }
}
