package dev.muster.telemetry;

import io.smallrye.config.WithDefault;
import java.nio.file.Path;
import java.util.Optional;

/** How a service logs: {@code muster.log.*}. */
public interface LogConfig {

    /** File of log levels that are followed while the process runs, lines {@code category=LEVEL}. Default: none. */
    Optional<Path> levelsFile();

    /** How the log is written: {@code text} for people, {@code json} one object a line. */
    @WithDefault("text")
    LogFormat format();
}
