package dev.muster.planner.access;

import dev.muster.contracts.InvalidYamlException;
import dev.muster.contracts.YamlValue;
import dev.muster.v1.Role;
import dev.muster.v1.Violation;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import javax.security.auth.x500.X500Principal;

/**
 * Who holds which role for which fleets: the file {@code grants.yaml}, read.
 *
 * <pre>
 * grants:
 *   - {oidc-group: ml-team, role: viewer, fleets: ["*"]}
 *   - {oidc-subject: ann@example.org, role: admin, fleets: [train, eval]}
 *   - {token: 5f1d…, name: ci, role: operator, fleets: [train], expires: 2027-01-31T00:00:00Z}
 *   - {certificate: "CN=ops,O=Example", role: admin, fleets: ["*"]}
 * </pre>
 *
 * @param roles by holder ({@code oidc-subject:…}, {@code oidc-group:…}, {@code token:…}, {@code certificate:…}), then by fleet
 */
record Grants(List<Token> tokens, Map<String, Map<String, Role>> roles) {

    static final Grants NONE = new Grants(List.of(), Map.of());
    static final String SUBJECT = "oidc-subject";
    static final String GROUP = "oidc-group";
    static final String TOKEN = "token";
    static final String CERTIFICATE = "certificate";
    private static final List<String> KINDS = List.of(SUBJECT, GROUP, TOKEN, CERTIFICATE);
    private static final Map<String, Role> ROLES = Map.of("viewer", Role.VIEWER, "operator", Role.OPERATOR, "admin", Role.ADMIN);
    private static final String FLEET = "\\*|[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
    private static final String TOKEN_NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}";

    /**
     * A static token, of which only the hash is known.
     *
     * @param hash SHA-256 of the token's text
     * @param name of who has it, for audit; a token and the one that takes its place may have one name
     */
    record Token(Hash hash, String name, Optional<Instant> expires) {

        String holder() {
            return TOKEN + ":" + hash;
        }
    }

    /** 32 bytes of a hash. Not the token: the hash of 256 random bits tells nothing of them, and may be seen. */
    record Hash(String hex) {

        static Hash of(byte[] digest) {
            return new Hash(HexFormat.of().formatHex(digest));
        }

        byte[] bytes() {
            return HexFormat.of().parseHex(hex);
        }

        @Override
        public String toString() {
            return hex;
        }
    }

    Grants {
        tokens = List.copyOf(tokens);
        roles = roles.entrySet().stream().collect(Collectors.toUnmodifiableMap(Map.Entry::getKey, held -> Map.copyOf(held.getValue())));
    }

    /** What an identity may do now. */
    Caller caller(Identity identity) {
        var held = new Caller(identity.name(), Map.of(), identity.expiresAt());
        for (var holder : identity.holders()) {
            for (var role : roles.getOrDefault(holder, Map.of()).entrySet()) {
                held = held.with(role.getValue(), role.getKey());
            }
        }
        return held;
    }

    /** @throws InvalidYamlException with everything that is wrong, each with its line */
    static Grants parse(String text) throws InvalidYamlException {
        var violations = new ArrayList<Violation>();
        var documents = YamlValue.parse(text, violations);
        if (violations.isEmpty() && (documents.size() != 1 || !documents.get(0).isObject())) {
            violations.add(Violation.newBuilder().setProblem("line 1: holds no grants").setFix("begin with grants: and a list below it").build());
        }
        var reading = new Reading();
        if (violations.isEmpty()) {
            var top = documents.get(0);
            if (!top.has("grants")) {
                top.missing("grants", "begin with grants: and a list below it");
            }
            top.list("grants").forEach(reading::grant);
            top.finish();
        }
        if (!violations.isEmpty()) {
            throw new InvalidYamlException(violations);
        }
        return new Grants(List.copyOf(reading.tokens.values()), reading.roles);
    }

    private static final class Reading {

        private final Map<String, Token> tokens = new LinkedHashMap<>();
        private final Map<String, Map<String, Role>> roles = new HashMap<>();

        private void grant(YamlValue grant) {
            if (!grant.isObject()) {
                grant.wrong("is no grant", "write one of " + String.join(", ", KINDS) + ", with role and fleets");
                return;
            }
            var kinds = grant.written(KINDS);
            var holder = Optional.<String>empty();
            if (kinds.size() != 1) {
                grant.wrong(kinds.isEmpty() ? "says not who holds it" : "says more than once who holds it", "write one of " + String.join(", ", KINDS));
            } else {
                holder = holder(kinds.get(0), grant);
            }
            if (!grant.has("role")) {
                grant.missing("role", "write viewer, operator or admin");
            }
            var role = grant.choice("role", ROLES);
            if (!grant.has("fleets")) {
                grant.missing("fleets", "name fleets, or \"*\" for all");
            }
            var fleets = new ArrayList<String>();
            for (var item : grant.list("fleets")) {
                item.text().filter(name -> name.matches(FLEET) || item.wrong("'" + name + "' is no name of a fleet", "name fleets, or \"*\" for all")).ifPresent(fleets::add);
            }
            grant.finish();
            if (holder.isPresent() && role.isPresent()) {
                var held = roles.computeIfAbsent(holder.get(), one -> new TreeMap<>());
                fleets.forEach(fleet -> held.merge(fleet, role.get(), (one, other) -> one.getNumber() >= other.getNumber() ? one : other));
            }
        }

        private Optional<String> holder(String kind, YamlValue grant) {
            var written = grant.get(kind);
            var text = written.flatMap(YamlValue::text).map(String::strip);
            if (text.isEmpty() || text.get().isEmpty()) {
                written.ifPresent(value -> value.wrong("is empty", "say who holds it"));
                return Optional.empty();
            }
            return switch (kind) {
                case TOKEN -> token(text.get(), written.get(), grant);
                case CERTIFICATE -> certificate(text.get(), written.get());
                default -> Optional.of(kind + ":" + text.get());
            };
        }

        /** What stands in place of a hash is never repeated: it may be the token. */
        private Optional<String> token(String text, YamlValue value, YamlValue grant) {
            var hex = (text.startsWith("sha256:") ? text.substring("sha256:".length()) : text).toLowerCase(Locale.ROOT);
            var name = grant.text("name");
            if (!grant.has("name")) {
                grant.missing("name", "name who has the token, for audit");
            }
            name.filter(one -> !one.matches(TOKEN_NAME)).ifPresent(one -> grant.get("name").ifPresent(
                    wrong -> wrong.wrong("is no name", "use up to 64 letters, digits, '.', '_' and '-'")));
            var expires = grant.text("expires").flatMap(written -> {
                try {
                    return Optional.of(Instant.parse(written));
                } catch (DateTimeParseException noTime) {
                    grant.get("expires").ifPresent(wrong -> wrong.wrong("is '" + written + "'", "write a time such as 2027-01-31T00:00:00Z"));
                    return Optional.empty();
                }
            });
            if (!hex.matches("[0-9a-f]{64}")) {
                value.wrong(text.startsWith(StaticTokens.PREFIX) ? "is a token itself" : "is no SHA-256",
                        "write the hash of the token, 64 hexadecimal digits, as printf %s \"$TOKEN\" | sha256sum shows it");
                return Optional.empty();
            }
            if (name.isEmpty()) {
                return Optional.empty();
            }
            var token = new Token(new Hash(hex), name.get(), expires);
            var before = tokens.putIfAbsent(hex, token);
            if (before != null && !before.equals(token)) {
                value.wrong("is also the token of " + before.name(), "give one token one name and one end");
                return Optional.empty();
            }
            return Optional.of(token.holder());
        }

        private static Optional<String> certificate(String text, YamlValue value) {
            var holder = ClientCertificate.holder(text);
            if (holder.isEmpty()) {
                value.wrong("'" + text + "' is no name in a certificate", "write a subject such as CN=ops,O=Example, or dns:…, uri:… or email:…");
            }
            return holder;
        }
    }
}
