package dev.muster.planner.access;

import dev.muster.planner.ResourceFolder;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import java.nio.file.Files;
import java.util.HexFormat;
import java.util.Map;
import org.jose4j.jwk.JsonWebKey;

/** What a planner with every way to know callers is told: TLS, client certificates, tokens, an identity provider, and who holds what. */
public final class SecuredPlannerResource implements QuarkusTestResourceLifecycleManager {

    private static final String GRANTS = """
            grants:
              - {token: %s, name: viewer-own, role: viewer, fleets: [own]}
              - {token: %s, name: operator-own, role: operator, fleets: [own]}
              - {token: %s, name: admin-own, role: admin, fleets: [own]}
              - {token: %s, name: viewer-all, role: viewer, fleets: ["*"]}
              - {token: %s, name: operator-all, role: operator, fleets: ["*"]}
              - {token: %s, name: admin-all, role: admin, fleets: ["*"]}
              - {oidc-group: ml, role: operator, fleets: [own]}
              - {certificate: "CN=ops,O=Example", role: operator, fleets: [own]}
              - {certificate: "uri:spiffe://example.org/ci", role: viewer, fleets: ["*"]}
            """;

    private ResourceFolder folder;
    private TestIssuer issuer;

    /** Of nobody but this test. */
    static String token(String name) {
        return StaticTokens.PREFIX + "for-a-test-" + name;
    }

    private static String hash(String name) {
        return HexFormat.of().formatHex(StaticTokens.sha256(token(name)));
    }

    @Override
    public Map<String, String> start() {
        try {
            folder = new ResourceFolder("planner-access");
            var authority = new TestAuthority(folder.path().resolve("tls"), "Example").with("server", "CN=planner", "ip:127.0.0.1,dns:localhost")
                    .with("ops", "CN=ops,O=Example", "dns:ops.example.org").with("ci", "CN=", "uri:spiffe://example.org/ci")
                    .with("stranger", "CN=stranger", "dns:stranger.example.org");
            new TestAuthority(folder.path().resolve("other"), "Elsewhere").with("ops", "CN=ops,O=Example", "dns:ops.example.org");
            issuer = new TestIssuer();
            var key = TestIssuer.rsa("first");
            issuer.publish(key);
            Files.writeString(folder.path().resolve("issuer.json"), key.toJson(JsonWebKey.OutputControlLevel.INCLUDE_PRIVATE));
            Files.writeString(folder.path().resolve("grants.yaml"), GRANTS.formatted(hash("viewer-own"), hash("operator-own"), hash("admin-own"), hash("viewer-all"),
                    hash("operator-all"), hash("admin-all")));
            return Map.ofEntries(
                    Map.entry("test.access.folder", folder.path().toString()),
                    Map.entry("quarkus.http.test-ssl-port", "0"),
                    Map.entry("muster.api.authentication", "tokens,oidc,certificates"),
                    Map.entry("muster.api.grants", folder.path().resolve("grants.yaml").toString()),
                    Map.entry("muster.api.oidc.issuer", issuer.uri().toString()),
                    Map.entry("muster.api.oidc.audience", TestIssuer.AUDIENCE),
                    Map.entry("muster.api.oidc.console-client", "muster-console"),
                    Map.entry("muster.api.tls.certificate", folder.path().resolve("tls/server.pem").toString()),
                    Map.entry("muster.api.tls.key", folder.path().resolve("tls/server.key").toString()),
                    Map.entry("muster.api.tls.client-ca", authority.certificate().toString()),
                    Map.entry("muster.api.tls.reload", "1s"));
        } catch (Exception failed) {
            throw new IllegalStateException("what the planner is told could not be made", failed);
        }
    }

    @Override
    public void stop() {
        if (issuer != null) {
            issuer.close();
        }
        if (folder != null) {
            folder.close();
        }
    }
}
