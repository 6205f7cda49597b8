package dev.muster.planner.access;

import io.github.bucket4j.Bucket;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jboss.logging.Logger;
import org.jose4j.json.JsonUtil;
import org.jose4j.jwk.JsonWebKey;
import org.jose4j.jwk.JsonWebKeySet;
import org.jose4j.jwk.PublicJsonWebKey;
import org.jose4j.lang.JoseException;

/**
 * The public keys that an identity provider signs with, found by its discovery document. They are fetched beside the calls that wait for them,
 * kept while the provider can't be reached, and looked at again when a token names a key that isn't among them. Tokens that name keys at random
 * can't make the provider be asked more often than now and then. Thread-safe.
 */
final class OidcKeys implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(OidcKeys.class);
    private static final String DISCOVERY = "/.well-known/openid-configuration";
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    /** A key that a provider withdraws counts no longer than this. */
    private static final Duration MAX_AGE = Duration.ofMinutes(15);
    /** Providers rotate keys every few weeks; some publish two at once. */
    private static final int FETCHES_AT_ONCE = 3;
    private static final Duration A_FETCH_EVERY = Duration.ofSeconds(10);

    private final URI issuer;
    private final HttpClient http;
    private final ExecutorService executor = Executors.newSingleThreadExecutor(task -> {
        var thread = new Thread(task, "oidc-keys");
        thread.setDaemon(true);
        return thread;
    });
    private final Bucket fetches = Bucket.builder().addLimit(limit -> limit.capacity(FETCHES_AT_ONCE).refillGreedy(1, A_FETCH_EVERY)).build();
    private volatile List<JsonWebKey> keys = List.of();
    private CompletableFuture<List<JsonWebKey>> underWay;
    private long fetchedAt;

    OidcKeys(URI issuer, Optional<Path> ca) {
        this.issuer = issuer;
        var client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(PATIENCE).followRedirects(HttpClient.Redirect.NEVER).executor(executor);
        ca.ifPresent(file -> client.sslContext(trusting(file)));
        http = client.build();
    }

    private static SSLContext trusting(Path file) {
        try (var pem = Files.newInputStream(file)) {
            var store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            for (var certificate : CertificateFactory.getInstance("X.509").generateCertificates(pem)) {
                store.setCertificateEntry("ca-" + store.size(), certificate);
            }
            var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(store);
            var context = SSLContext.getInstance("TLS");
            context.init(null, trust.getTrustManagers(), null);
            return context;
        } catch (IOException | GeneralSecurityException unreadable) {
            throw new IllegalArgumentException("muster.api.oidc.ca is " + file + ", which can't be read as PEM certificates: " + unreadable.getMessage());
        }
    }

    /** As last fetched; empty: never yet. Old ones are looked at again, which nobody waits for. */
    List<JsonWebKey> known() {
        var now = keys;
        if (!now.isEmpty() && isOld()) {
            fetch();
        }
        return now;
    }

    private synchronized boolean isOld() {
        return System.nanoTime() - fetchedAt > MAX_AGE.toNanos();
    }

    /**
     * The keys after one more look at the provider; those that are known where it was looked at often enough.
     *
     * @return fails if the provider could not be asked
     */
    synchronized CompletableFuture<List<JsonWebKey>> fetch() {
        if (underWay != null) {
            return underWay;
        }
        if (!fetches.tryConsume(1)) {
            return keys.isEmpty() ? CompletableFuture.failedFuture(new IOException("it was asked a moment ago")) : CompletableFuture.completedFuture(keys);
        }
        var fetching = get(URI.create(issuer.toString().replaceAll("/$", "") + DISCOVERY)).thenCompose(this::keySet).thenApplyAsync(OidcKeys::usable, executor);
        underWay = fetching.whenComplete(this::fetched);
        // It may have been done before it was noted.
        var result = underWay;
        if (result.isDone()) {
            underWay = null;
        }
        return result;
    }

    private synchronized void fetched(List<JsonWebKey> now, Throwable failure) {
        underWay = null;
        if (failure != null) {
            LOG.warnf("The keys of the identity provider could not be fetched, those that are known stay; issuer=%s known=%d reason=%s", issuer, keys.size(),
                    failure.getCause() == null ? failure.toString() : failure.getCause().toString());
            return;
        }
        fetchedAt = System.nanoTime();
        keys = List.copyOf(now);
    }

    private CompletableFuture<String> keySet(String discovery) {
        try {
            var said = JsonUtil.parseJson(discovery);
            if (!issuer.toString().equals(said.get("issuer"))) {
                throw new IOException("its discovery document is of issuer " + said.get("issuer"));
            }
            var uri = URI.create(String.valueOf(said.get("jwks_uri")));
            AccessSettings.requireSafe("jwks_uri", uri);
            return get(uri);
        } catch (JoseException | IOException | IllegalArgumentException wrong) {
            return CompletableFuture.failedFuture(wrong);
        }
    }

    /** Keys for signatures that anybody may check; a key that only both sides know has no place here. */
    private static List<JsonWebKey> usable(String document) {
        try {
            var usable = new JsonWebKeySet(document).getJsonWebKeys().stream()
                    .filter(key -> key instanceof PublicJsonWebKey && (key.getUse() == null || key.getUse().equals("sig"))).toList();
            if (usable.isEmpty()) {
                throw new IOException("it has no key to sign with");
            }
            return usable;
        } catch (JoseException garbled) {
            throw new UncheckedIOException(new IOException("its keys can't be read: " + garbled.getMessage()));
        } catch (IOException none) {
            throw new UncheckedIOException(none);
        }
    }

    private CompletableFuture<String> get(URI uri) {
        return http.sendAsync(HttpRequest.newBuilder(uri).timeout(PATIENCE).header("Accept", "application/json").build(), HttpResponse.BodyHandlers.ofString())
                .thenApply(answer -> {
                    if (answer.statusCode() != 200) {
                        throw new UncheckedIOException(new IOException(uri + " answered " + answer.statusCode()));
                    }
                    return answer.body();
                });
    }

    @Override
    public void close() {
        executor.shutdownNow();
    }
}
