package dev.muster.sandbox.clearml;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Who may call: key pairs, and the signed tokens given for them. Not thread-safe. */
final class Logins {

    static final Duration DEFAULT_LIFE = Duration.ofDays(30);
    static final Duration LONGEST_LIFE = Duration.ofDays(365);
    private static final int KNOWN_TOKENS_MAX = 10_000;

    private record Known(Identity identity, Instant expires) {
    }

    private final Map<String, ClearmlConfig.Credential> credentials = new HashMap<>();
    private final Clock clock;
    private final String apiVersion;
    private final SecretKeySpec signingKey;
    // Checking a signature again on each of hundreds of calls a second buys nothing; revoked tokens leave this map.
    private final Map<String, Known> known = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Known> eldest) {
            return size() > KNOWN_TOKENS_MAX;
        }
    };
    private final Map<String, Instant> revoked = new HashMap<>();

    Logins(ClearmlConfig config) {
        this.clock = config.clock();
        this.apiVersion = config.apiVersion();
        config.credentials().forEach(credential -> credentials.put(credential.accessKey(), credential));
        var secret = new byte[32];
        new SecureRandom().nextBytes(secret);
        this.signingKey = new SecretKeySpec(secret, "HmacSHA256");
    }

    /**
     * The caller of a request.
     *
     * @param authorization the header's value; null if absent
     * @param cookieToken   the login cookie's value, used when there is no header; null if absent
     */
    Identity identify(String authorization, String cookieToken) {
        if (authorization == null || authorization.isBlank()) {
            if (cookieToken != null) {
                return byToken(cookieToken);
            }
            throw new ApiFault(401, 20, "Unauthorized (missing credentials)");
        }
        int space = authorization.indexOf(' ');
        var scheme = space < 0 ? authorization : authorization.substring(0, space);
        var value = space < 0 ? "" : authorization.substring(space + 1).trim();
        if (scheme.equalsIgnoreCase("Basic")) {
            return byKeys(value);
        }
        if (scheme.equalsIgnoreCase("Bearer")) {
            return byToken(value);
        }
        throw new ApiFault(401, 10, "Unauthorized (unsupported authentication type: only Basic and Bearer)");
    }

    private Identity byKeys(String encoded) {
        String pair;
        try {
            pair = new String(Base64.getDecoder().decode(encoded), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException notBase64) {
            throw new ApiFault(401, 21, "Unauthorized (malformed credentials: not base64)");
        }
        int colon = pair.indexOf(':');
        if (colon <= 0) {
            throw new ApiFault(401, 21, "Unauthorized (malformed credentials: no access_key:secret_key)");
        }
        var credential = credentials.get(pair.substring(0, colon));
        if (credential == null || !MessageDigest.isEqual(credential.secretKey().getBytes(StandardCharsets.UTF_8),
                pair.substring(colon + 1).getBytes(StandardCharsets.UTF_8))) {
            throw new ApiFault(401, 22, "Unauthorized (invalid credentials) (failed to locate provided credentials)");
        }
        return new Identity(credential.user(), credential.user(), credential.company(), credential.company());
    }

    private Identity byToken(String token) {
        var seen = known.get(token);
        if (seen == null) {
            seen = read(token);
            known.put(token, seen);
        }
        if (!clock.instant().isBefore(seen.expires)) {
            throw new ApiFault(401, 30, "Unauthorized (invalid token) (token expired)");
        }
        return seen.identity;
    }

    private Known read(String token) {
        var parts = token.split("\\.", -1);
        try {
            if (parts.length == 3 && !revoked.containsKey(token)
                    && MessageDigest.isEqual(sign(parts[0] + "." + parts[1]).getBytes(StandardCharsets.US_ASCII),
                    parts[2].getBytes(StandardCharsets.US_ASCII))) {
                var claims = Json.MAPPER.readTree(Base64.getUrlDecoder().decode(parts[1]));
                var identity = claims.path("identity");
                return new Known(new Identity(identity.path("user").asText(), identity.path("user_name").asText(),
                        identity.path("company").asText(), identity.path("company_name").asText()),
                        Instant.ofEpochSecond(claims.path("exp").asLong()));
            }
        } catch (IllegalArgumentException | IOException garbage) {
            // Falls through: what can't be read was not signed by this server.
        }
        throw new ApiFault(401, 30, "Unauthorized (invalid token)");
    }

    /** A new token for {@code caller}; {@code life} is cut to whole seconds. */
    String issue(Identity caller, Duration life) {
        var now = clock.instant();
        var claims = Json.object();
        claims.put("iat", now.getEpochSecond());
        claims.put("exp", now.plus(life).getEpochSecond());
        claims.put("session_id", UUID.randomUUID().toString().replace("-", ""));
        claims.put("env", "");
        claims.put("auth_type", "Bearer");
        var identity = claims.putObject("identity");
        identity.put("user", caller.user());
        identity.put("company", caller.company());
        identity.put("role", "user");
        identity.put("user_name", caller.userName());
        identity.put("company_name", caller.companyName());
        claims.put("api_version", apiVersion);
        claims.put("server_version", ClearmlServer.SERVER_VERSION);
        claims.put("server_build", ClearmlServer.SERVER_BUILD);
        claims.put("feature_set", "basic");
        var header = Json.object();
        header.put("alg", "HS256");
        header.put("typ", "JWT");
        var signed = encode(header) + "." + encode(claims);
        return signed + "." + sign(signed);
    }

    void revoke(String token) {
        known.remove(token);
        revoked.put(token, clock.instant());
    }

    private String sign(String text) {
        try {
            var mac = Mac.getInstance("HmacSHA256");
            mac.init(signingKey);
            return Base64.getUrlEncoder().withoutPadding().encodeToString(mac.doFinal(text.getBytes(StandardCharsets.US_ASCII)));
        } catch (GeneralSecurityException missingFromTheJdk) {
            throw new IllegalStateException("every JDK has HmacSHA256", missingFromTheJdk);
        }
    }

    private static String encode(ObjectNode node) {
        try {
            return Base64.getUrlEncoder().withoutPadding().encodeToString(Json.MAPPER.writeValueAsBytes(node));
        } catch (JsonProcessingException unwritable) {
            throw new IllegalStateException("a tree of plain values can always be written", unwritable);
        }
    }

    /** 32 hex digits, the form of every id that the server makes. */
    static String newId() {
        var uuid = UUID.randomUUID();
        return HexFormat.of().toHexDigits(uuid.getMostSignificantBits()) + HexFormat.of().toHexDigits(uuid.getLeastSignificantBits());
    }
}
