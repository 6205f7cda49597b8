package dev.muster.planner.console;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import dev.muster.planner.access.TestIssuer;
import java.io.IOException;
import java.net.URI;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jose4j.jwk.PublicJsonWebKey;
import org.jose4j.jws.AlgorithmIdentifiers;
import org.jose4j.jwt.NumericDate;

/**
 * An identity provider with a page of its own, over HTTP on loopback: authorization code with PKCE (RFC 6749, 7636) for one public client, and refresh
 * tokens that are good once. It refuses what a real one does. Who is to sign in is chosen on its page.
 */
final class PlayedProvider implements AutoCloseable {

    static final String CLIENT = "muster-console";
    private static final long CODE_SECONDS = 60;

    /** @param seconds that a token of theirs is good for */
    record Person(String name, List<String> groups, int seconds, boolean isRefreshed) {}

    private record Asked(String redirect, String challenge, Person person, Instant at) {}

    private record Answer(int status, String body) {

        /** As RFC 6749, 5.2, has it. */
        static Answer refused(String error, String description) {
            return new Answer(400, "{\"error\":\"" + error + "\",\"error_description\":\"" + description + "\"}");
        }
    }

    private final TestIssuer issuer = new TestIssuer();
    private final PublicJsonWebKey key = TestIssuer.rsa("of-the-provider");
    private final Map<String, Person> people = new LinkedHashMap<>();
    private final Map<String, Asked> codes = new ConcurrentHashMap<>();
    private final Map<String, Person> refreshes = new ConcurrentHashMap<>();
    private final SecureRandom random = new SecureRandom();

    PlayedProvider(Person... people) throws Exception {
        for (var person : people) {
            this.people.put(person.name(), person);
        }
        issuer.publish(key);
        issuer.serve("/authorize", this::authorize);
        issuer.serve("/token", this::token);
    }

    URI uri() {
        return issuer.uri();
    }

    /** Of a client on this computer any port will do (RFC 8252, 7.3), and nothing else of its address. */
    private static boolean isRegistered(String redirect) {
        return redirect != null && redirect.matches("http://(localhost|127\\.0\\.0\\.1):\\d+/");
    }

    /** The page on which one signs in, and where its buttons lead. */
    private void authorize(HttpExchange exchange) throws IOException {
        var asked = fields(Objects.requireNonNullElse(exchange.getRequestURI().getRawQuery(), ""));
        var redirect = asked.get("redirect_uri");
        // Of whom it doesn't know, or to where, it leads nobody back.
        if (!CLIENT.equals(asked.get("client_id")) || !isRegistered(redirect)) {
            answer(exchange, 400, "text/html", "<!doctype html><title>Refused</title><h1>This client or its address is not known here</h1>");
            return;
        }
        var wrong = !"code".equals(asked.get("response_type")) ? Optional.of("unsupported_response_type")
                : !List.of(asked.getOrDefault("scope", "").split(" ")).contains("openid") ? Optional.of("invalid_scope")
                        : !"S256".equals(asked.get("code_challenge_method")) || !asked.getOrDefault("code_challenge", "").matches("[A-Za-z0-9_-]{43}") ? Optional.of("invalid_request")
                                : "nobody".equals(asked.get("as")) ? Optional.of("access_denied") : Optional.<String>empty();
        if (wrong.isPresent()) {
            leadBack(exchange, redirect, Map.of("error", wrong.get(), "error_description", "The sign-in was refused at the provider.", "state", asked.getOrDefault("state", "")));
        } else if (people.containsKey(asked.getOrDefault("as", ""))) {
            var code = secret();
            codes.put(code, new Asked(redirect, asked.get("code_challenge"), people.get(asked.get("as")), Instant.now()));
            leadBack(exchange, redirect, Map.of("code", code, "state", asked.getOrDefault("state", "")));
        } else {
            UnaryOperator<String> link = name -> "<p><a href=\"/authorize?" + exchange.getRequestURI().getRawQuery().replace("&", "&amp;") + "&amp;as=" + name + "\">" + name + "</a></p>";
            answer(exchange, 200, "text/html", "<!doctype html><html lang=\"en\"><title>Provider</title><h1>Who are you?</h1>" + people.keySet().stream().map(link).collect(Collectors.joining()) + link.apply("nobody"));
        }
    }

    private static void leadBack(HttpExchange exchange, String redirect, Map<String, String> with) throws IOException {
        exchange.getResponseHeaders().set("Location", redirect + "?" + with.entrySet().stream().map(entry -> entry.getKey() + "=" + URLEncoder.encode(entry.getValue(), UTF_8)).collect(Collectors.joining("&")));
        answer(exchange, 302, "text/plain", "");
    }

    private void token(HttpExchange exchange) throws IOException {
        // Pages of registered addresses may read the answer, and no others.
        var origin = exchange.getRequestHeaders().getFirst("Origin");
        if (origin != null && isRegistered(origin + "/")) {
            exchange.getResponseHeaders().set("Access-Control-Allow-Origin", origin);
        }
        var answer = exchange.getRequestMethod().equals("POST") ? redeem(fields(new String(exchange.getRequestBody().readAllBytes(), UTF_8))) : new Answer(405, "{}");
        exchange.getResponseHeaders().set("Cache-Control", "no-store");
        answer(exchange, answer.status(), "application/json", answer.body());
    }

    private Answer redeem(Map<String, String> sent) {
        if (!CLIENT.equals(sent.get("client_id"))) {
            return Answer.refused("invalid_client", "The client is not known.");
        }
        switch (sent.getOrDefault("grant_type", "")) {
            case "authorization_code" -> {
                // Whoever comes with it: it is good once.
                var asked = codes.remove(sent.getOrDefault("code", ""));
                if (asked == null || asked.at().plusSeconds(CODE_SECONDS).isBefore(Instant.now())) {
                    return Answer.refused("invalid_grant", "The code is not known, was used, or is over.");
                }
                if (!asked.redirect().equals(sent.get("redirect_uri"))) {
                    return Answer.refused("invalid_grant", "The code was for another address.");
                }
                if (!asked.challenge().equals(challenge(sent.getOrDefault("code_verifier", "")))) {
                    return Answer.refused("invalid_grant", "The verifier is not that of the challenge.");
                }
                return tokens(asked.person());
            }
            case "refresh_token" -> {
                var person = refreshes.remove(sent.getOrDefault("refresh_token", ""));
                return person == null ? Answer.refused("invalid_grant", "The refresh token is not known, or was used.") : tokens(person);
            }
            default -> {
                return Answer.refused("unsupported_grant_type", "Only authorization_code and refresh_token are.");
            }
        }
    }

    /** The access token is for a service of the provider's own, as of some it is; the ID token is for the planner. */
    private Answer tokens(Person person) {
        var claims = issuer.claims(person.name(), all -> {
            all.setStringListClaim("groups", person.groups());
            all.setGeneratedJwtId();
            all.setExpirationTime(NumericDate.fromSeconds(Instant.now().getEpochSecond() + person.seconds()));
        });
        try {
            var refresh = "";
            if (person.isRefreshed()) {
                var secret = secret();
                refreshes.put(secret, person);
                refresh = ",\"refresh_token\":\"" + secret + "\"";
            }
            return new Answer(200, "{\"token_type\":\"Bearer\",\"expires_in\":" + person.seconds() + ",\"access_token\":\"" + secret() + "\",\"id_token\":\""
                    + TestIssuer.token(key, AlgorithmIdentifiers.RSA_USING_SHA256, claims) + "\"" + refresh + "}");
        } catch (Exception impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    static String challenge(String verifier) {
        try {
            return Base64.getUrlEncoder().withoutPadding().encodeToString(MessageDigest.getInstance("SHA-256").digest(verifier.getBytes(UTF_8)));
        } catch (java.security.NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private String secret() {
        var bytes = new byte[24];
        random.nextBytes(bytes);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    private static Map<String, String> fields(String form) {
        var fields = new LinkedHashMap<String, String>();
        for (var pair : form.split("&")) {
            var at = pair.indexOf('=');
            if (at > 0) {
                fields.put(URLDecoder.decode(pair.substring(0, at), UTF_8), URLDecoder.decode(pair.substring(at + 1), UTF_8));
            }
        }
        return fields;
    }

    private static void answer(HttpExchange exchange, int status, String type, String body) throws IOException {
        try (exchange) {
            var bytes = body.getBytes(UTF_8);
            exchange.getResponseHeaders().set("Content-Type", type + "; charset=utf-8");
            exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
            exchange.getResponseBody().write(bytes);
        }
    }

    @Override
    public void close() {
        issuer.close();
    }
}
