package dev.muster.planner.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.contracts.InvalidYamlException;
import dev.muster.v1.Role;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GrantsTest {

    private static final String TOKEN = "mst_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
    private static final String HASH = HexFormat.of().formatHex(StaticTokens.sha256(TOKEN));
    private static final String GOOD = """
            grants:
              - {oidc-group: ml-team, role: viewer, fleets: ["*"]}
              - {oidc-subject: ann@example.org, role: admin, fleets: [train, eval]}
              - {token: %s, name: ci, role: operator, fleets: [train], expires: "2027-01-31T00:00:00Z"}
              - {certificate: "cn=ops, O=Example", role: admin, fleets: ["*"]}
              - {certificate: "dns:Ops.example.org", role: viewer, fleets: train}
            """.formatted(HASH);

    @TempDir
    Path folder;

    @Test
    void readsWhoHoldsWhat() throws Exception {
        var token = new Grants.Token(new Grants.Hash(HASH), "ci", Optional.of(Instant.parse("2027-01-31T00:00:00Z")));
        assertThat(Grants.parse(GOOD)).isEqualTo(new Grants(List.of(token), Map.of(
                "oidc-group:ml-team", Map.of("*", Role.VIEWER),
                "oidc-subject:ann@example.org", Map.of("train", Role.ADMIN, "eval", Role.ADMIN),
                "token:" + HASH, Map.of("train", Role.OPERATOR),
                "certificate:cn=ops,o=example", Map.of("*", Role.ADMIN),
                "certificate:dns:ops.example.org", Map.of("train", Role.VIEWER))));
    }

    @Test
    void aCallerHoldsWhatItIsGrantedByNameAndByGroup() throws Exception {
        var ann = new Identity("oidc:ann@example.org", List.of("oidc-subject:ann@example.org", "oidc-group:ml-team", "oidc-group:other"), Optional.empty());
        assertThat(Grants.parse(GOOD).caller(ann)).isEqualTo(new Caller("oidc:ann@example.org", Map.of("*", Role.VIEWER, "train", Role.ADMIN, "eval", Role.ADMIN), Optional.empty()));
        assertThat(Grants.NONE.caller(ann).roles()).isEmpty();
    }

    @Test
    void everythingWrongIsSaidAtOnceWithItsLine() {
        var bad = """
                grants:
                  - {oidc-group: ml, oidc-subject: ann, role: viewer, fleets: ["*"]}
                  - {role: viewer, fleets: ["*"]}
                  - {oidc-group: ml, role: owner, fleets: ["*"]}
                  - {oidc-group: ml, role: viewer}
                  - {oidc-group: ml, role: viewer, fleets: ["Bad Name"]}
                  - {token: %s, role: viewer, fleets: ["*"]}
                  - {token: abc, name: ci, role: viewer, fleets: ["*"]}
                  - {certificate: nonsense, role: viewer, fleets: ["*"]}
                  - {oidc-group: ml, role: viewer, fleets: ["*"], expires: never}
                  - {token: %s, name: ci, role: viewer, fleets: ["*"], expires: never}
                """.formatted(HASH, HASH);
        assertThatThrownBy(() -> Grants.parse(bad)).isInstanceOfSatisfying(InvalidYamlException.class, wrong -> assertThat(wrong.getMessage().lines()).containsExactly(
                "grants[0]: line 2: says more than once who holds it; write one of oidc-subject, oidc-group, token, certificate",
                "grants[1]: line 3: says not who holds it; write one of oidc-subject, oidc-group, token, certificate",
                "grants[2].role: line 4: is 'owner'; write one of admin, operator, viewer",
                "grants[3].fleets: line 5: is missing; name fleets, or \"*\" for all",
                "grants[4].fleets[0]: line 6: 'Bad Name' is no name of a fleet; name fleets, or \"*\" for all",
                "grants[5].name: line 7: is missing; name who has the token, for audit",
                "grants[6].token: line 8: is no SHA-256; write the hash of the token, 64 hexadecimal digits, as printf %s \"$TOKEN\" | sha256sum shows it",
                "grants[7].certificate: line 9: 'nonsense' is no name in a certificate; write a subject such as CN=ops,O=Example, or dns:…, uri:… or email:…",
                "grants[8].expires: line 10: there is no such key; there are certificate, fleets, oidc-group, oidc-subject, role, token",
                "grants[9].expires: line 11: is 'never'; write a time such as 2027-01-31T00:00:00Z"));
    }

    @Test
    void aTokenThatStandsThereItselfIsNotRepeated() {
        assertThatThrownBy(() -> Grants.parse("grants: [{token: " + TOKEN + ", name: ci, role: viewer, fleets: [a]}]"))
                .hasMessageContaining("is a token itself").hasMessageNotContaining(TOKEN.substring(4));
    }

    @Test
    void noGrantsAreNoFile() {
        for (var text : List.of("", "[]", "grants", "{}", "other: []", "grants: [")) {
            assertThatThrownBy(() -> Grants.parse(text)).as(text).isInstanceOf(InvalidYamlException.class);
        }
    }

    @Test
    void oneTokenHasOneName() {
        assertThatThrownBy(() -> Grants.parse("grants:\n- {token: %s, name: a, role: viewer, fleets: [a]}\n- {token: %s, name: b, role: viewer, fleets: [a]}".formatted(HASH, HASH)))
                .hasMessageContaining("is also the token of a");
    }

    @Test
    void aTokenIsKnownByItsHashUntilItsEnd() throws Exception {
        var known = Grants.parse(GOOD).tokens();
        var before = Instant.parse("2027-01-30T00:00:00Z");
        assertThat(StaticTokens.identify(TOKEN, known, before).name()).isEqualTo("token:ci");
        assertThatThrownBy(() -> StaticTokens.identify(TOKEN + "x", known, before)).hasMessageContaining("none of those");
        assertThatThrownBy(() -> StaticTokens.identify(TOKEN, known, Instant.parse("2027-01-31T00:00:00Z"))).hasMessageContaining("The token of ci ended");
    }

    @Test
    void aFileIsReadAnewAndABadOneChangesNothing() throws Exception {
        var file = folder.resolve("grants.yaml");
        Files.writeString(file, GOOD);
        var changes = new AtomicInteger();
        try (var following = GrantsFile.follow(file, Duration.ofHours(1), changes::incrementAndGet)) {
            var before = following.grants();
            Files.writeString(file, "grants: [");
            following.look();
            assertThat(following.grants()).isEqualTo(before);
            Files.delete(file);
            following.look();
            assertThat(following.grants()).isEqualTo(before);
            assertThat(changes).hasValue(0);
            Files.writeString(file, "grants: [{oidc-group: ml, role: viewer, fleets: [a]}]");
            following.look();
            assertThat(following.grants().roles()).isEqualTo(Map.of("oidc-group:ml", Map.of("a", Role.VIEWER)));
            assertThat(changes).hasValue(1);
        }
    }

    @Test
    void aBadFileAtTheStartIsNamedWithItsLine() throws Exception {
        var file = folder.resolve("grants.yaml");
        assertThatThrownBy(() -> GrantsFile.check(file)).hasMessage("muster.api.grants is " + file + ", which is not there");
        Files.writeString(file, "grants:\n- {oidc-group: ml, role: owner, fleets: [a]}");
        assertThatThrownBy(() -> GrantsFile.check(file)).hasMessage("muster.api.grants is " + file + ", which has mistakes: grants[0].role: line 2: is 'owner'; write one of admin, operator, viewer");
    }
}
