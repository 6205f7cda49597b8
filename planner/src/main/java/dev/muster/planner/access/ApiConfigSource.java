package dev.muster.planner.access;

import io.smallrye.config.ConfigSourceContext;
import io.smallrye.config.ConfigSourceFactory;
import io.smallrye.config.ConfigValue;
import io.smallrye.config.PropertiesConfigSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Properties;
import java.util.TreeMap;
import org.eclipse.microprofile.config.spi.ConfigSource;

/**
 * Says in Quarkus' words what the planner's settings of TLS and of the largest message say in its own: whoever sets the planner up learns one set
 * of keys. Quarkus' own keys, where somebody sets them, win.
 *
 * <p>Files that {@code quarkus.config.locations} names are sources that come at the same time as this one, and none of them shows the others. Those that are
 * properties are therefore read here, too.
 */
public final class ApiConfigSource implements ConfigSourceFactory {

    /** Below every file and variable, above Quarkus' defaults. */
    private static final int ORDINAL = 200;
    private static final String TLS = "muster-api";
    private static final String LARGEST_MESSAGE = "4194304";

    /** What is known when this source is made, and what is in the files that are named there. */
    private record Known(ConfigSourceContext context, Map<String, String> located) {

        Optional<String> value(String key) {
            return Optional.ofNullable(context.getValue(key)).map(ConfigValue::getValue).or(() -> Optional.ofNullable(located.get(key))).filter(value -> !value.isEmpty());
        }
    }

    @Override
    public Iterable<ConfigSource> getConfigSources(ConfigSourceContext context) {
        var known = new Known(context, located(context));
        var told = new TreeMap<String, String>();
        told.put("quarkus.grpc.server.max-inbound-message-size", known.value("muster.api.limits.message-bytes").orElse(LARGEST_MESSAGE));
        known.value("muster.api.tls.certificate").ifPresent(certificate -> {
            var prefix = "quarkus.tls." + TLS + ".";
            told.put(prefix + "key-store.pem.api.cert", certificate);
            told.put(prefix + "key-store.pem.api.key", known.value("muster.api.tls.key").orElse(""));
            known.value("muster.api.tls.client-ca").ifPresent(authority -> told.put(prefix + "trust-store.pem.certs", authority));
            told.put(prefix + "reload-period", known.value("muster.api.tls.reload").orElse("1m"));
            told.put("quarkus.http.tls-configuration-name", TLS);
            told.put("quarkus.http.insecure-requests", "disabled");
            // One port, with TLS or without.
            known.value("quarkus.http.port").ifPresent(port -> told.put("quarkus.http.ssl-port", port));
        });
        return List.of(new PropertiesConfigSource(Map.copyOf(told), "the planner's API", ORDINAL));
    }

    private static Map<String, String> located(ConfigSourceContext context) {
        var located = new HashMap<String, String>();
        for (var key : List.of("quarkus.config.locations", "smallrye.config.locations")) {
            var named = context.getValue(key);
            if (named == null || named.getValue() == null) {
                continue;
            }
            for (var place : named.getValue().split(",")) {
                var file = Path.of(place.strip().replaceFirst("^file:(//)?", ""));
                // Whoever reads the settings says what is wrong with a file that can't be read.
                if (place.endsWith(".properties") && Files.isReadable(file)) {
                    try (var text = Files.newBufferedReader(file)) {
                        var properties = new Properties();
                        properties.load(text);
                        properties.stringPropertyNames().forEach(name -> located.putIfAbsent(name, properties.getProperty(name)));
                    } catch (IOException | IllegalArgumentException unreadable) {
                        continue;
                    }
                }
            }
        }
        return located;
    }

    @Override
    public OptionalInt getPriority() {
        return OptionalInt.of(ORDINAL);
    }
}
