package dev.muster.watcher;

import dev.muster.contracts.LogLevels;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.util.Optional;

/** The levels of this process's log, if a file is configured to say them. */
@ApplicationScoped
public class LiveLogLevels {

    private final Settings settings;
    private Optional<LogLevels> levels = Optional.empty();

    public LiveLogLevels(Settings settings) {
        this.settings = settings;
    }

    void start(@Observes StartupEvent event) {
        levels = settings.logLevelsFile().map(LogLevels::follow);
    }

    void stop(@Observes ShutdownEvent event) {
        levels.ifPresent(LogLevels::close);
    }
}
