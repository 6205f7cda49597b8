package dev.muster.planner.access;

import dev.muster.planner.PlannerConfig;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.eclipse.microprofile.config.Config;

/**
 * How callers are known, and how much they may ask for; checked. An API that spends money is never open by accident: from elsewhere it is
 * reached only by callers that are known, over TLS, unless somebody has said otherwise in so many words.
 *
 * @param ways in which callers are known; empty: nobody is asked who they are
 * @param grants absent where nobody is asked
 * @param oidc present with {@link Way#OIDC}
 * @param notices what whoever runs the planner should know about these settings
 */
public record AccessSettings(Set<Way> ways, Optional<Path> grants, Optional<Oidc> oidc, Limits limits, List<String> notices) {

    /** How a caller proves who it is. */
    public enum Way { TOKENS, OIDC, CERTIFICATES }

    private static final String OFF = "off";
    /** Quarkus' own default where a planner runs for real. */
    private static final String EVERY_ADDRESS = "0.0.0.0";

    /**
     * An identity provider.
     *
     * @param subject claim that names the caller
     * @param groups claim that holds the caller's groups; dots lead into objects
     * @param ca file with the authority of the provider's certificate; absent: the JVM's own
     */
    public record Oidc(URI issuer, String audience, String subject, String groups, Optional<Path> ca, Duration leeway) {}

    /**
     * @param reads a second, of one caller; twice as many at once
     * @param writes as above
     * @param watches at once, of one caller
     * @param watchesInAll at once, of all callers
     */
    public record Limits(int reads, int writes, int watches, int watchesInAll) {

        public Limits {
            atLeastOne("muster.api.limits.reads-per-second", reads);
            atLeastOne("muster.api.limits.writes-per-second", writes);
            atLeastOne("muster.api.limits.watches-per-caller", watches);
            atLeastOne("muster.api.limits.watches", watchesInAll);
        }

        private static void atLeastOne(String key, int value) {
            if (value < 1) {
                throw new IllegalArgumentException(key + " is " + value + ": set it to at least 1");
            }
        }
    }

    public AccessSettings {
        ways = Set.copyOf(ways);
        notices = List.copyOf(notices);
    }

    public boolean isOpen() {
        return ways.isEmpty();
    }

    /** As the planner that runs with this configuration has it. @throws IllegalArgumentException in one sentence that names the key and the fix */
    public static AccessSettings of(PlannerConfig config, Config all) {
        return of(config.api(), all.getOptionalValue("quarkus.http.host", String.class).orElse(EVERY_ADDRESS));
    }

    /**
     * A certificate of the settings is one that callers are shown: {@link ApiConfigSource} passes it on, but sees no file other than of properties that
     * {@code quarkus.config.locations} names, and the planner would then speak in clear.
     *
     * @throws IllegalArgumentException in one sentence, if it is not
     */
    public static void requireShown(PlannerConfig config, Config all) {
        if (config.api().tls().certificate().isPresent() && all.getOptionalValue("quarkus.http.tls-configuration-name", String.class).isEmpty()) {
            throw new IllegalArgumentException("muster.api.tls.certificate is set where it is read too late for TLS: put the settings into config/application.properties"
                    + " in the folder that the planner works in, into a .properties file that quarkus.config.locations names, or into its environment");
        }
    }

    /** @param host that the planner listens on */
    static AccessSettings of(PlannerConfig.Api api, String host) {
        var ways = ways(api.authentication());
        var isLocal = isLoopback(host);
        var notices = new java.util.ArrayList<String>();
        checkTls(api.tls(), ways.orElse(Set.of()));
        if (ways.isEmpty() && !isLocal) {
            throw new IllegalArgumentException("muster.api.authentication is missing, and quarkus.http.host is " + host + ": say how callers are known, such as"
                    + " muster.api.authentication=tokens with muster.api.grants=/etc/muster/grants.yaml, and muster.api.tls.certificate and muster.api.tls.key;"
                    + " or listen on this computer only, with quarkus.http.host=127.0.0.1 (docs/access.md)");
        }
        var known = ways.orElse(Set.of());
        if (known.isEmpty()) {
            notices.add("Nobody is asked who they are: whoever reaches " + host + " may do everything");
            return new AccessSettings(known, Optional.empty(), Optional.empty(), limits(api.limits()), notices);
        }
        if (api.tls().certificate().isEmpty() && !isLocal) {
            if (!api.plaintext()) {
                throw new IllegalArgumentException("muster.api.tls.certificate is missing, and quarkus.http.host is " + host + ": tokens would pass the network as"
                        + " they are. Set muster.api.tls.certificate and muster.api.tls.key, or muster.api.plaintext=true where a proxy or a mesh has ended TLS");
            }
            notices.add("Calls come without TLS, as muster.api.plaintext says");
        }
        var grants = api.grants().orElseThrow(() -> new IllegalArgumentException(
                "muster.api.grants is missing: name the file that says who may do what, such as muster.api.grants=/etc/muster/grants.yaml"));
        GrantsFile.check(grants);
        return new AccessSettings(known, Optional.of(grants), known.contains(Way.OIDC) ? Optional.of(oidc(api.oidc())) : Optional.empty(), limits(api.limits()), notices);
    }

    /** Empty: nothing is said. An empty set: off. */
    private static Optional<Set<Way>> ways(Optional<List<String>> said) {
        if (said.isEmpty()) {
            return Optional.empty();
        }
        if (said.get().equals(List.of(OFF))) {
            return Optional.of(Set.of());
        }
        var ways = EnumSet.noneOf(Way.class);
        for (var word : said.get()) {
            ways.add(Arrays.stream(Way.values()).filter(way -> way.name().toLowerCase(Locale.ROOT).equals(word)).findFirst().orElseThrow(() -> new IllegalArgumentException(
                    "muster.api.authentication is " + String.join(",", said.get()) + ": write any of "
                            + Arrays.stream(Way.values()).map(way -> way.name().toLowerCase(Locale.ROOT)).collect(Collectors.joining(", ")) + ", with commas between, or off")));
        }
        return Optional.of(ways);
    }

    private static void checkTls(PlannerConfig.Api.Tls tls, Set<Way> ways) {
        if (tls.certificate().isPresent() != tls.key().isPresent()) {
            var missing = tls.certificate().isPresent() ? "key" : "certificate";
            throw new IllegalArgumentException("muster.api.tls." + missing + " is missing: name both PEM files, muster.api.tls.certificate and muster.api.tls.key");
        }
        readable("muster.api.tls.certificate", tls.certificate());
        readable("muster.api.tls.key", tls.key());
        readable("muster.api.tls.client-ca", tls.clientCa());
        if (tls.clientCa().isPresent() && tls.certificate().isEmpty()) {
            throw new IllegalArgumentException("muster.api.tls.client-ca is set without muster.api.tls.certificate: clients show certificates over TLS only");
        }
        if (tls.clientCa().isEmpty() && (ways.contains(Way.CERTIFICATES) || tls.clientCertificateRequired())) {
            throw new IllegalArgumentException("muster.api.tls.client-ca is missing: name the PEM file of the authority whose client certificates count");
        }
    }

    private static void readable(String key, Optional<Path> file) {
        if (file.isPresent() && !Files.isReadable(file.get())) {
            throw new IllegalArgumentException(key + " is " + file.get() + ", which can't be read");
        }
    }

    private static Oidc oidc(PlannerConfig.Api.Oidc oidc) {
        var issuer = oidc.issuer().orElseThrow(() -> new IllegalArgumentException(
                "muster.api.oidc.issuer is missing: name the identity provider as its tokens do, such as muster.api.oidc.issuer=https://login.example.org/realms/ml"));
        var audience = oidc.audience().orElseThrow(() -> new IllegalArgumentException(
                "muster.api.oidc.audience is missing: name the audience that tokens for this planner have, such as muster.api.oidc.audience=muster"));
        requireSafe("muster.api.oidc.issuer", issuer);
        readable("muster.api.oidc.ca", oidc.ca());
        if (oidc.leeway().isNegative() || oidc.leeway().compareTo(Duration.ofMinutes(5)) > 0) {
            throw new IllegalArgumentException("muster.api.oidc.leeway is " + oidc.leeway() + ": set it to at most 5 minutes");
        }
        return new Oidc(issuer, audience, oidc.subjectClaim(), oidc.groupsClaim(), oidc.ca(), oidc.leeway());
    }

    /** Keys that decide who is who don't come from where anybody on the way could change them. */
    static void requireSafe(String what, URI uri) {
        var isLocal = "http".equals(uri.getScheme()) && uri.getHost() != null && isLoopback(uri.getHost());
        if (!isLocal && (!"https".equals(uri.getScheme()) || uri.getHost() == null)) {
            throw new IllegalArgumentException(what + " is " + uri + ": it must begin with https://");
        }
    }

    private static Limits limits(PlannerConfig.Api.Limits limits) {
        if (limits.messageBytes() < 64 * 1024) {
            throw new IllegalArgumentException("muster.api.limits.message-bytes is " + limits.messageBytes() + ": set it to at least 65536");
        }
        return new Limits(limits.readsPerSecond(), limits.writesPerSecond(), limits.watchesPerCaller(), limits.watches());
    }

    private static boolean isLoopback(String host) {
        try {
            return InetAddress.getByName(host).isLoopbackAddress();
        } catch (UnknownHostException unknown) {
            return false;
        }
    }
}
