package dev.muster.planner.access;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.security.Key;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jose4j.jwk.EcJwkGenerator;
import org.jose4j.jwk.JsonWebKey;
import org.jose4j.jwk.JsonWebKeySet;
import org.jose4j.jwk.PublicJsonWebKey;
import org.jose4j.jwk.RsaJwkGenerator;
import org.jose4j.jws.JsonWebSignature;
import org.jose4j.jwt.JwtClaims;
import org.jose4j.keys.EllipticCurves;
import org.jose4j.lang.JoseException;

/** A small identity provider: discovery and keys over HTTP on loopback, and tokens that are signed with them. */
public final class TestIssuer implements AutoCloseable {

    public static final String AUDIENCE = "muster";

    private final HttpServer server;
    private final List<PublicJsonWebKey> published = new CopyOnWriteArrayList<>();
    private final AtomicInteger asked = new AtomicInteger();
    private final AtomicInteger held = new AtomicInteger();
    private volatile boolean broken;
    private volatile CountDownLatch hold = new CountDownLatch(0);
    private volatile String says;

    public TestIssuer() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/.well-known/openid-configuration", exchange -> answer(exchange, "{\"issuer\":\"" + says + "\",\"jwks_uri\":\"" + uri()
                + "/keys\",\"authorization_endpoint\":\"" + uri() + "/authorize\",\"token_endpoint\":\"" + uri() + "/token\"}"));
        server.createContext("/keys", exchange -> {
            asked.incrementAndGet();
            answer(exchange, new JsonWebKeySet(published).toJson(JsonWebKey.OutputControlLevel.PUBLIC_ONLY));
        });
        server.start();
        says = uri().toString();
    }

    public URI uri() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    }

    /** Answers another path, such as those of its endpoints, which it names but doesn't have. */
    public void serve(String path, HttpHandler handler) {
        server.createContext(path, handler);
    }

    /** How often somebody fetched the keys. */
    int asked() {
        return asked.get();
    }

    /** From now on it answers nothing of use; or does again. */
    void breakDown(boolean broken) {
        this.broken = broken;
    }

    /** From now on it lets everybody wait; or no longer does. */
    void hold(boolean waiting) {
        hold.countDown();
        hold = new CountDownLatch(waiting ? 1 : 0);
    }

    /** How many have been let wait. */
    int held() {
        return held.get();
    }

    /** Its discovery document names another issuer from now on. */
    void pretend(String issuer) {
        says = issuer;
    }

    public void publish(PublicJsonWebKey... keys) {
        published.clear();
        published.addAll(List.of(keys));
    }

    public static PublicJsonWebKey rsa(String id) throws JoseException {
        var key = RsaJwkGenerator.generateJwk(2048);
        key.setKeyId(id);
        return key;
    }

    static PublicJsonWebKey ec(String id) throws JoseException {
        var key = EcJwkGenerator.generateJwk(EllipticCurves.P256);
        key.setKeyId(id);
        return key;
    }

    /** Of this issuer, for the planner, good for ten minutes, but for what is changed. */
    public JwtClaims claims(String subject, Consumer<JwtClaims> changed) {
        return claims(uri(), subject, changed);
    }

    static JwtClaims claims(URI issuer, String subject, Consumer<JwtClaims> changed) {
        var claims = new JwtClaims();
        claims.setIssuer(issuer.toString());
        claims.setAudience(AUDIENCE);
        claims.setSubject(subject);
        claims.setExpirationTimeMinutesInTheFuture(10);
        changed.accept(claims);
        return claims;
    }

    public static String token(PublicJsonWebKey key, String algorithm, JwtClaims claims) throws JoseException {
        return token(key.getPrivateKey(), key.getKeyId(), algorithm, claims);
    }

    static String token(Key key, String id, String algorithm, JwtClaims claims) throws JoseException {
        var jws = new JsonWebSignature();
        jws.setPayload(claims.toJson());
        jws.setKey(key);
        jws.setKeyIdHeaderValue(id);
        jws.setAlgorithmHeaderValue(algorithm);
        jws.setDoKeyValidation(false);
        jws.setAlgorithmConstraints(org.jose4j.jwa.AlgorithmConstraints.NO_CONSTRAINTS);
        return jws.getCompactSerialization();
    }

    private void answer(HttpExchange exchange, String body) throws IOException {
        try (exchange) {
            if (hold.getCount() > 0) {
                held.incrementAndGet();
                hold.await();
            }
            var bytes = body.getBytes(UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "application/json");
            // What every page may read, as real providers have it.
            exchange.getResponseHeaders().set("Access-Control-Allow-Origin", "*");
            exchange.sendResponseHeaders(broken ? 503 : 200, bytes.length);
            exchange.getResponseBody().write(bytes);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
