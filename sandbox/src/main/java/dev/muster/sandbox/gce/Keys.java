package dev.muster.sandbox.gce;

import dev.muster.sandbox.CloudTime;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * Keys of service accounts and the bearer tokens that they are changed for, as at {@code oauth2.googleapis.com/token}. As at Google, a
 * token that the caller signs itself, for the API as its audience, does as well. Thread-safe.
 */
final class Keys {

    private static final Duration TOKEN_LASTS = Duration.ofHours(1);
    /** "The assertion's end, at most 1 hour after it was issued", and clocks differ a little. */
    private static final Duration LEEWAY = Duration.ofMinutes(5);
    private static final String GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer";

    /** What Google's Java library names as audience, wherever the key file says that tokens are; the one for Python names that place. */
    private static final String GOOGLES = "https://oauth2.googleapis.com/token";

    private final CloudTime time;
    private final SplittableRandom random = new SplittableRandom();
    /** Key id → key. */
    private final Map<String, Key> keys = new HashMap<>();
    private final Map<String, Token> tokens = new HashMap<>();

    private record Key(String id, String email, KeyPair pair) {
    }

    /** One for all keys of a process, which their ids tell apart: a pair takes a second to be made, and each test and each start needs a key. */
    private static final class Pair {

        static final KeyPair OF_THIS_PROCESS = generate();

        private static KeyPair generate() {
            try {
                var generator = KeyPairGenerator.getInstance("RSA");
                generator.initialize(2048);
                return generator.generateKeyPair();
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException("every JDK has RSA", e);
            }
        }
    }

    /** @param key that it was changed for; null: a machine's, of its metadata server */
    private record Token(String email, String key, Instant ends) {
    }

    /** What a token request is answered with. */
    record Grant(int status, JsonObject body) {

        private static Grant refused(String description) {
            return new Grant(400, new JsonObject().put("error", "invalid_grant").put("error_description", description));
        }
    }

    Keys(CloudTime time) {
        this.time = time;
    }

    /**
     * The text of a new key's file, as IAM gives it away once.
     *
     * @param url of the stand-in
     */
    synchronized String create(String project, String email, String url) {
        var pair = Pair.OF_THIS_PROCESS;
        var id = HexFormat.of().toHexDigits(random.nextLong()) + HexFormat.of().toHexDigits(random.nextLong()) + HexFormat.of().toHexDigits(random.nextInt());
        keys.put(id, new Key(id, email, pair));
        var pem = "-----BEGIN PRIVATE KEY-----\n" + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(pair.getPrivate().getEncoded())
                + "\n-----END PRIVATE KEY-----\n";
        return new JsonObject().put("type", "service_account").put("project_id", project).put("private_key_id", id).put("private_key", pem)
                .put("client_email", email).put("client_id", Geography.id("account", email)).put("auth_uri", "https://accounts.google.com/o/oauth2/auth")
                .put("token_uri", url + "/token").put("auth_provider_x509_cert_url", "https://www.googleapis.com/oauth2/v1/certs")
                .put("client_x509_cert_url", "https://www.googleapis.com/robot/v1/metadata/x509/" + email.replace("@", "%40"))
                .put("universe_domain", "googleapis.com").encodePrettily() + "\n";
    }

    /** Takes a key away, and with it the tokens that it was changed for: Google lets those run out, within an hour. */
    synchronized void revoke(String id) {
        keys.remove(id);
        tokens.values().removeIf(token -> id.equals(token.key));
    }

    /** Takes all keys of an account away. */
    synchronized void revokeAll(String email) {
        keys.values().removeIf(key -> key.email.equals(email));
        tokens.values().removeIf(token -> token.email.equals(email) && token.key != null);
    }

    /** A token of a machine, from its metadata server. */
    synchronized JsonObject ofMachine(String email) {
        return granted(email, null);
    }

    /** @param form what was sent, decoded */
    synchronized Grant change(Map<String, String> form, String url) {
        if (!GRANT.equals(form.get("grant_type"))) {
            return new Grant(400, new JsonObject().put("error", "unsupported_grant_type").put("error_description", "Invalid grant_type: " + form.get("grant_type")));
        }
        var key = new String[1];
        var claims = claims(form.getOrDefault("assertion", ""), key);
        if (claims == null) {
            return Grant.refused("Invalid JWT Signature.");
        }
        var now = time.now();
        long issued = claims.getLong("iat", 0L);
        long ends = claims.getLong("exp", 0L);
        if (issued > now.plus(LEEWAY).getEpochSecond() || ends < now.minus(LEEWAY).getEpochSecond() || ends - issued > TOKEN_LASTS.toSeconds()) {
            return Grant.refused("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.");
        }
        if (!Set.of(url + "/token", GOOGLES).contains(claims.getString("aud", ""))) {
            return Grant.refused("Invalid JWT: Failed audience check. The right audience is " + url + "/token");
        }
        if (claims.getString("scope", "").isEmpty()) {
            return new Grant(400, new JsonObject().put("error", "invalid_scope").put("error_description", "Empty or missing scope not allowed."));
        }
        return new Grant(200, granted(claims.getString("iss"), key[0]));
    }

    private JsonObject granted(String email, String key) {
        var now = time.now();
        tokens.values().removeIf(token -> token.ends.isBefore(now));
        var token = "ya29.c." + HexFormat.of().toHexDigits(random.nextLong()) + HexFormat.of().toHexDigits(random.nextLong());
        tokens.put(token, new Token(email, key, now.plus(TOKEN_LASTS)));
        return new JsonObject().put("access_token", token).put("expires_in", TOKEN_LASTS.toSeconds() - 1).put("token_type", "Bearer");
    }

    /** Who sent it; null if the header opens nothing. */
    synchronized String caller(String authorization) {
        if (authorization == null || !authorization.startsWith("Bearer ")) {
            return null;
        }
        var bearer = authorization.substring("Bearer ".length()).trim();
        var token = tokens.get(bearer);
        if (token != null) {
            return time.now().isBefore(token.ends) ? token.email : null;
        }
        var claims = claims(bearer, new String[1]);
        if (claims == null || claims.getLong("exp", 0L) < time.now().getEpochSecond() || !own(claims)) {
            return null;
        }
        return claims.getString("iss");
    }

    /** Signed by the caller for the API itself: by its address, or by scope. */
    private static boolean own(JsonObject claims) {
        return Set.of("https://compute.googleapis.com/", "https://cloudresourcemanager.googleapis.com/").contains(claims.getString("aud", ""))
                || !claims.getString("scope", "").isEmpty() && claims.getString("iss").equals(claims.getString("sub"));
    }

    /** What an assertion says; null if no key of ours signed it. @param key gets the key's id */
    private JsonObject claims(String assertion, String[] key) {
        var part = assertion.split("\\.");
        if (part.length != 3) {
            return null;
        }
        try {
            var header = new JsonObject(new String(Base64.getUrlDecoder().decode(part[0]), StandardCharsets.UTF_8));
            var claims = new JsonObject(new String(Base64.getUrlDecoder().decode(part[1]), StandardCharsets.UTF_8));
            var known = keys.get(header.getString("kid", ""));
            if (known == null || !"RS256".equals(header.getString("alg")) || !known.email.equals(claims.getString("iss"))) {
                return null;
            }
            var signature = Signature.getInstance("SHA256withRSA");
            signature.initVerify(known.pair.getPublic());
            signature.update((part[0] + "." + part[1]).getBytes(StandardCharsets.US_ASCII));
            key[0] = known.id;
            return signature.verify(Base64.getUrlDecoder().decode(part[2])) ? claims : null;
        } catch (IllegalArgumentException | DecodeException | ClassCastException | GeneralSecurityException broken) {
            return null;
        }
    }
}
