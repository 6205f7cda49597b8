package dev.muster.planner.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.planner.PlannerConfig;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfig;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which planners start, open to whom, and what the others are told. */
class AccessSettingsTest {

    private static final AccessSettings.Limits DEFAULTS = new AccessSettings.Limits(1000, 100, 100, 500);

    @TempDir
    Path folder;

    private Path grants;
    private Path pem;

    @BeforeEach
    void writeFiles() throws Exception {
        grants = Files.writeString(folder.resolve("grants.yaml"), "grants: [{oidc-group: ml, role: viewer, fleets: [train]}]");
        pem = Files.writeString(folder.resolve("some.pem"), "of no matter here");
    }

    private static AccessSettings settings(String host, Map<String, String> keys) {
        var all = new HashMap<String, String>();
        keys.forEach((key, value) -> all.put("muster.api." + key, value));
        return AccessSettings.of(config(all).getConfigMapping(PlannerConfig.class).api(), host);
    }

    private static SmallRyeConfig config(Map<String, String> all) {
        return new SmallRyeConfigBuilder().addDiscoveredConverters().withMapping(PlannerConfig.class).withValidateUnknown(false)
                .withSources(new PropertiesConfigSource(all, "test", 500)).build();
    }

    private Map<String, String> with(String... more) {
        var keys = new HashMap<>(Map.of("authentication", "tokens", "grants", grants.toString()));
        for (var i = 0; i < more.length; i += 2) {
            keys.put(more[i], more[i + 1]);
        }
        return keys;
    }

    private static void assertRefused(String host, Map<String, String> keys, String... because) {
        assertThatThrownBy(() -> settings(host, keys)).isInstanceOf(IllegalArgumentException.class).hasMessageContainingAll(because);
    }

    @Test
    void onThisComputerAPlannerMayBeOpenAndSaysSo() {
        for (var host : List.of("127.0.0.1", "localhost", "::1")) {
            var open = settings(host, Map.of());
            assertThat(open.isOpen()).isTrue();
            assertThat(open.limits()).isEqualTo(DEFAULTS);
            assertThat(open.notices()).containsExactly("Nobody is asked who they are: whoever reaches " + host + " may do everything");
        }
    }

    @Test
    void fromElsewhereNoPlannerIsOpenByOversight() {
        assertRefused("0.0.0.0", Map.of(), "muster.api.authentication is missing", "muster.api.grants=", "muster.api.tls.certificate", "quarkus.http.host=127.0.0.1");
        assertRefused("192.0.2.7", Map.of("grants", grants.toString()), "muster.api.authentication is missing");
        assertThat(settings("0.0.0.0", Map.of("authentication", "off")).notices()).hasSize(1);
    }

    @Test
    void aCertificateThatIsReadTooLateIsNoneAndSaid() {
        var keys = new HashMap<>(Map.of("muster.api.tls.certificate", pem.toString(), "muster.api.tls.key", pem.toString()));
        var late = config(keys);
        assertThatThrownBy(() -> AccessSettings.requireShown(late.getConfigMapping(PlannerConfig.class), late)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("muster.api.tls.certificate is set where it is read too late", "config/application.properties", "quarkus.config.locations");
        keys.put("quarkus.http.tls-configuration-name", "muster-api");
        var shown = config(keys);
        AccessSettings.requireShown(shown.getConfigMapping(PlannerConfig.class), shown);
    }

    /** As a unit of systemd or a container has it. */
    @Test
    void aCertificateOfAFileThatIsNamedElsewhereIsShown() throws IOException {
        var file = Files.writeString(pem.resolveSibling("application.properties"), "muster.api.tls.certificate=/etc/muster/api/tls.crt\nmuster.api.tls.key=/etc/muster/api/tls.key\n");
        var told = new SmallRyeConfigBuilder().withDefaultValue("quarkus.http.port", "8480").withDefaultValue("quarkus.config.locations", file.toString())
                .withSources(new ApiConfigSource()).build();
        assertThat(told.getValue("quarkus.http.tls-configuration-name", String.class)).isEqualTo("muster-api");
        assertThat(told.getValue("quarkus.tls.muster-api.key-store.pem.api.cert", String.class)).isEqualTo("/etc/muster/api/tls.crt");
        assertThat(told.getValue("quarkus.http.ssl-port", String.class)).isEqualTo("8480");
    }

    @Test
    void tokensDoNotPassTheNetworkInClearByOversight() {
        assertRefused("0.0.0.0", with(), "muster.api.tls.certificate is missing", "muster.api.plaintext=true");
        assertThat(settings("0.0.0.0", with("plaintext", "true")).notices()).containsExactly("Calls come without TLS, as muster.api.plaintext says");
        assertThat(settings("0.0.0.0", with("tls.certificate", pem.toString(), "tls.key", pem.toString())).notices()).isEmpty();
        assertThat(settings("127.0.0.1", with()).notices()).isEmpty();
    }

    @Test
    void readsEachKey() {
        var keys = with("authentication", "oidc,certificates", "oidc.issuer", "https://login.example.org/realms/ml", "oidc.audience", "muster", "oidc.subject-claim", "email",
                "oidc.groups-claim", "realm_access.roles", "oidc.leeway", "PT5S", "oidc.ca", pem.toString(), "tls.certificate", pem.toString(), "tls.key", pem.toString(),
                "tls.client-ca", pem.toString(), "limits.reads-per-second", "20", "limits.writes-per-second", "2", "limits.watches-per-caller", "3", "limits.watches", "30");
        assertThat(settings("0.0.0.0", keys)).isEqualTo(new AccessSettings(Set.of(AccessSettings.Way.OIDC, AccessSettings.Way.CERTIFICATES), Optional.of(grants),
                Optional.of(new AccessSettings.Oidc(URI.create("https://login.example.org/realms/ml"), "muster", "email", "realm_access.roles", Optional.of(pem), Duration.ofSeconds(5))),
                new AccessSettings.Limits(20, 2, 3, 30), List.of()));
    }

    @Test
    void aBadKeyIsNamedWithItsFix() throws Exception {
        assertRefused("127.0.0.1", with("authentication", "passwords"), "muster.api.authentication is passwords", "tokens, oidc, certificates");
        assertRefused("127.0.0.1", Map.of("authentication", "tokens"), "muster.api.grants is missing");
        assertRefused("127.0.0.1", with("grants", folder.resolve("none").toString()), "muster.api.grants is ", "which is not there");
        Files.writeString(grants, "grants:\n  - {oidc-group: ml, role: owner, fleets: [train]}");
        assertRefused("127.0.0.1", with(), "grants.yaml, which has mistakes: grants[0].role: line 2: is 'owner'");
        Files.writeString(grants, "grants: []");
        assertRefused("127.0.0.1", with("authentication", "oidc"), "muster.api.oidc.issuer is missing");
        assertRefused("127.0.0.1", with("authentication", "oidc", "oidc.issuer", "https://login.example.org"), "muster.api.oidc.audience is missing");
        assertRefused("127.0.0.1", with("authentication", "oidc", "oidc.issuer", "http://login.example.org", "oidc.audience", "muster"), "must begin with https://");
        assertRefused("127.0.0.1", with("authentication", "oidc", "oidc.issuer", "https://login.example.org", "oidc.audience", "muster", "oidc.leeway", "PT1H"), "muster.api.oidc.leeway");
        assertRefused("127.0.0.1", with("authentication", "certificates"), "muster.api.tls.client-ca is missing");
        assertRefused("127.0.0.1", with("tls.certificate", pem.toString()), "muster.api.tls.key is missing");
        assertRefused("127.0.0.1", with("tls.client-ca", pem.toString()), "without muster.api.tls.certificate");
        assertRefused("127.0.0.1", with("tls.certificate", pem.toString(), "tls.key", folder.resolve("none").toString()), "muster.api.tls.key is ", "can't be read");
        assertRefused("127.0.0.1", with("tls.client-certificate-required", "true"), "muster.api.tls.client-ca is missing");
        for (var limit : List.of("reads-per-second", "writes-per-second", "watches-per-caller", "watches", "message-bytes")) {
            assertRefused("127.0.0.1", with("limits." + limit, "0"), "muster.api.limits." + limit + " is 0");
        }
    }
}
