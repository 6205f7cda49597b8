package dev.muster.watcher;

import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.LogLevels;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;

/** The levels of this process's log, as a file says if one is configured, and as the control API sets them. */
@ApplicationScoped
public class LiveLogLevels {

    private final Settings settings;
    private LogLevels levels;

    public LiveLogLevels(Settings settings) {
        this.settings = settings;
    }

    void start(@Observes StartupEvent event) {
        levels = LogLevels.follow(Settings.SERVICE, settings.logLevelsFile(), KafkaSettings.consumer(settings.kafka()), settings.topics());
    }

    void stop(@Observes ShutdownEvent event) {
        levels.close();
    }
}
