package dev.muster.planner.console;

import dev.muster.planner.access.TestIssuer;
import dev.muster.planner.console.PlayedProvider.Person;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Callers known by tokens, as in every lab, and people whom an identity provider knows. */
public final class OidcLabResource extends LabResource {

    static final Person ADMIN = new Person("ida", List.of("leads"), 600, false);
    static final Person VIEWER = new Person("otto", List.of("ml-team"), 600, false);
    /** Known to the provider, and to no grant. */
    static final Person STRANGER = new Person("eve", List.of(), 600, false);
    static final Person BRIEF = new Person("bea", List.of("leads"), 12, false);
    /** The console asks for another token a minute before one is over. */
    static final Person REFRESHED = new Person("rita", List.of("leads"), 63, true);

    private PlayedProvider provider;

    @Override
    public Map<String, String> start() {
        var settings = new HashMap<>(super.start());
        try {
            provider = new PlayedProvider(ADMIN, VIEWER, STRANGER, BRIEF, REFRESHED);
            Files.writeString(Path.of(settings.get("muster.api.grants")), """
                      - {oidc-group: leads, role: admin, fleets: ["*"]}
                      - {oidc-group: ml-team, role: viewer, fleets: ["*"]}
                    """.indent(0), StandardOpenOption.APPEND);
        } catch (Exception failed) {
            throw new IllegalStateException("the identity provider could not be played", failed);
        }
        settings.putAll(Map.of(
                "muster.api.authentication", "tokens,oidc",
                "muster.api.oidc.issuer", provider.uri().toString(),
                "muster.api.oidc.audience", TestIssuer.AUDIENCE,
                "muster.api.oidc.leeway", "0s",
                "muster.api.oidc.console-client", PlayedProvider.CLIENT));
        return settings;
    }

    @Override
    public void stop() {
        if (provider != null) {
            provider.close();
        }
        super.stop();
    }
}
