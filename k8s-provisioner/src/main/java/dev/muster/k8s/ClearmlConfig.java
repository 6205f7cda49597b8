package dev.muster.k8s;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/** How ClearML servers are called: of the settings that all services share, those that say it. */
@ConfigMapping(prefix = "muster")
public interface ClearmlConfig {

    /** ClearML servers by the names that fleets use. */
    Map<String, Connection> connections();

    interface Connection {
        /** Base of the ClearML API that Muster calls. Required. */
        Optional<URI> api();

        /** For a connection to be there. */
        @WithDefault("3s")
        Duration connectTimeout();

        /** For a whole answer. */
        @WithDefault("8s")
        Duration timeout();

        /** PEM file of the authorities to trust instead of the JVM's own. */
        Optional<Path> caBundle();

        /** Answers may come compressed. */
        @WithDefault("true")
        boolean compression();

        /** HTTP proxy as {@code http://host:port}. */
        Optional<URI> proxy();
    }
}
