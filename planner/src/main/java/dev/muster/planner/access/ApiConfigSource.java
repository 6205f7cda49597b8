package dev.muster.planner.access;

import io.smallrye.config.ConfigSourceContext;
import io.smallrye.config.ConfigSourceFactory;
import io.smallrye.config.ConfigValue;
import io.smallrye.config.PropertiesConfigSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import org.eclipse.microprofile.config.spi.ConfigSource;

/**
 * Says in Quarkus' words what the planner's settings of TLS and of the largest message say in its own: whoever sets the planner up learns one set
 * of keys. Quarkus' own keys, where somebody sets them, win.
 */
public final class ApiConfigSource implements ConfigSourceFactory {

    /** Below every file and variable, above Quarkus' defaults. */
    private static final int ORDINAL = 200;
    private static final String TLS = "muster-api";
    private static final String LARGEST_MESSAGE = "4194304";

    @Override
    public Iterable<ConfigSource> getConfigSources(ConfigSourceContext context) {
        var told = new TreeMap<String, String>();
        told.put("quarkus.grpc.server.max-inbound-message-size", value(context, "muster.api.limits.message-bytes").orElse(LARGEST_MESSAGE));
        value(context, "muster.api.tls.certificate").ifPresent(certificate -> {
            var prefix = "quarkus.tls." + TLS + ".";
            told.put(prefix + "key-store.pem.api.cert", certificate);
            told.put(prefix + "key-store.pem.api.key", value(context, "muster.api.tls.key").orElse(""));
            value(context, "muster.api.tls.client-ca").ifPresent(authority -> told.put(prefix + "trust-store.pem.certs", authority));
            told.put(prefix + "reload-period", value(context, "muster.api.tls.reload").orElse("1m"));
            told.put("quarkus.http.tls-configuration-name", TLS);
            told.put("quarkus.http.insecure-requests", "disabled");
            // One port, with TLS or without.
            value(context, "quarkus.http.port").ifPresent(port -> told.put("quarkus.http.ssl-port", port));
        });
        return List.of(new PropertiesConfigSource(Map.copyOf(told), "the planner's API", ORDINAL));
    }

    private static Optional<String> value(ConfigSourceContext context, String key) {
        return Optional.ofNullable(context.getValue(key)).map(ConfigValue::getValue).filter(value -> !value.isEmpty());
    }

    @Override
    public OptionalInt getPriority() {
        return OptionalInt.of(ORDINAL);
    }
}
