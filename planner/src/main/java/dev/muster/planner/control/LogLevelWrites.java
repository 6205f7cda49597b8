package dev.muster.planner.control;

import com.google.protobuf.Timestamp;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.LogLevels;
import dev.muster.planner.Settings;
import dev.muster.v1.LogLevel;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/**
 * Levels of the services' logs that the API sets for a while, on the topic that every service follows; this one, too. What is over is taken off
 * the topic. Thread-safe.
 */
public final class LogLevelWrites implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(LogLevelWrites.class);
    /** So that clocks that differ don't take a level from a service that has it for some seconds more. */
    private static final Duration AFTER = Duration.ofSeconds(30);
    private static final int LOOKS = 100;
    private static final Executor SOON = CompletableFuture.delayedExecutor(50, TimeUnit.MILLISECONDS);

    private final Settings settings;
    private final RequestPublisher publisher;
    private volatile LogLevels levels;

    public LogLevelWrites(Settings settings, RequestPublisher publisher) {
        this.settings = settings;
        this.publisher = publisher;
    }

    public void start() {
        levels = LogLevels.follow(Settings.SERVICE, settings.logLevelsFile(), KafkaSettings.consumer(settings.kafka()), settings.topics());
    }

    /** Those that are set now, by service and category. */
    Collection<LogLevel> all() {
        return levels.levels().values();
    }

    /** Sets it, or with an empty level takes it back. Ends when this replica shows it. */
    CompletableFuture<LogLevel> set(String service, String category, String level, Duration lasts, String caller) {
        var until = Instant.now().plus(lasts);
        var set = LogLevel.newBuilder().setService(service).setCategory(category).setLevel(level).setCaller(caller);
        if (!level.isEmpty()) {
            set.setUntil(Timestamp.newBuilder().setSeconds(until.getEpochSecond()));
        }
        var written = set.build();
        var before = levels.levels().get(LogLevels.key(service, category));
        LOG.infof("A log level is set: service=%s category=%s level=%s until=%s before=%s caller=%s", service, category, level.isEmpty() ? "as configured" : level,
                level.isEmpty() ? "-" : until, before == null ? "as configured" : before.getLevel(), caller);
        return publisher.level(LogLevels.key(service, category), level.isEmpty() ? null : written).thenCompose(sent -> shown(written, LOOKS));
    }

    private CompletableFuture<LogLevel> shown(LogLevel written, int looks) {
        var now = levels.levels().get(LogLevels.key(written.getService(), written.getCategory()));
        // A write returns when it is readable; somebody may have set it anew in the meantime.
        if (looks == 0 || (written.getLevel().isEmpty() ? now == null : written.equals(now))) {
            return CompletableFuture.completedFuture(written);
        }
        return CompletableFuture.supplyAsync(() -> looks - 1, SOON).thenCompose(left -> shown(written, left));
    }

    /** Takes what is over off the topic. Each replica may, and one that does it again does no harm. */
    public void sweep() {
        levels.over(Instant.now().minus(AFTER)).forEach(key -> publisher.level(key, null));
    }

    @Override
    public void close() {
        if (levels != null) {
            levels.close();
        }
    }
}
