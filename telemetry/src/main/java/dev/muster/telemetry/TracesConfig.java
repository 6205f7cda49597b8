package dev.muster.telemetry;

import io.smallrye.config.WithDefault;
import java.net.URI;
import java.util.Optional;

/** Where a service's traces go: {@code muster.traces.*}. */
public interface TracesConfig {

    /** URL of a collector that takes OpenTelemetry's protocol over HTTP, such as {@code http://collector:4318}. Absent: nothing is traced. */
    Optional<URI> endpoint();

    /** Of traces that are told: 1 is all, 0 none. */
    @WithDefault("1")
    double ratio();
}
