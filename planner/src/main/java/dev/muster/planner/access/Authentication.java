package dev.muster.planner.access;

import io.grpc.Attributes;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import javax.net.ssl.SSLPeerUnverifiedException;

/** Who makes a call, by what came with it: a bearer token, else the certificate of the connection. Thread-safe; never blocks. */
final class Authentication implements AutoCloseable {

    private static final Metadata.Key<String> AUTHORIZATION = Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    private static final String BEARER = "bearer ";

    private final AccessSettings settings;
    private final Clock clock;
    private final Optional<GrantsFile> grants;
    private final Optional<OidcTokens> oidc;

    /** @param onChange after the grants have changed */
    Authentication(AccessSettings settings, Clock clock, Runnable onChange) {
        this.settings = settings;
        this.clock = clock;
        grants = settings.grants().map(file -> GrantsFile.follow(file, onChange));
        oidc = settings.oidc().map(oidc -> new OidcTokens(oidc, new OidcKeys(oidc.issuer(), oidc.ca()), clock));
    }

    Grants grants() {
        return grants.map(GrantsFile::grants).orElse(Grants.NONE);
    }

    /** @return fails with {@link StatusRuntimeException}, or with a bug */
    CompletionStage<Identity> identify(Metadata headers, Attributes connection) {
        try {
            var token = token(headers);
            if (token.isPresent()) {
                return identify(token.get());
            }
            var certificate = settings.ways().contains(AccessSettings.Way.CERTIFICATES) ? certificate(connection) : Optional.<X509Certificate>empty();
            return CompletableFuture.completedFuture(certificate.map(ClientCertificate::identity).orElseThrow(this::nothingShown));
        } catch (RuntimeException refused) {
            return CompletableFuture.failedFuture(refused);
        }
    }

    private CompletionStage<Identity> identify(String token) {
        if (token.startsWith(StaticTokens.PREFIX)) {
            if (!settings.ways().contains(AccessSettings.Way.TOKENS)) {
                throw AccessErrors.unauthenticated("The planner takes no tokens of its own: muster.api.authentication says what it takes.");
            }
            return CompletableFuture.completedFuture(StaticTokens.identify(token, grants().tokens(), clock.instant()));
        }
        return oidc.orElseThrow(() -> AccessErrors.unauthenticated("The planner takes no tokens of an identity provider; its own begin with " + StaticTokens.PREFIX + "."))
                .identify(token);
    }

    private static Optional<String> token(Metadata headers) {
        var said = headers.get(AUTHORIZATION);
        if (said == null) {
            return Optional.empty();
        }
        if (!said.regionMatches(true, 0, BEARER, 0, BEARER.length())) {
            throw AccessErrors.unauthenticated("The header authorization must be: Bearer, a blank, and a token.");
        }
        return Optional.of(said.substring(BEARER.length()).strip());
    }

    private StatusRuntimeException nothingShown() {
        return AccessErrors.unauthenticated("This call must say who makes it: send the header authorization: Bearer <token>"
                + (settings.ways().contains(AccessSettings.Way.CERTIFICATES) ? ", or show a client certificate" : "")
                + ".");
    }

    private static Optional<X509Certificate> certificate(Attributes connection) {
        var session = connection.get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
        if (session == null) {
            return Optional.empty();
        }
        try {
            return session.getPeerCertificates()[0] instanceof X509Certificate shown ? Optional.of(shown) : Optional.empty();
        } catch (SSLPeerUnverifiedException none) {
            return Optional.empty();
        }
    }

    @Override
    public void close() {
        grants.ifPresent(GrantsFile::close);
        oidc.ifPresent(OidcTokens::close);
    }
}
