package dev.muster.contracts;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Levels of a running process's log, from a file that people edit: a line {@code dev.muster=DEBUG} for a category and all below it, read anew
 * every few seconds. A line that is taken out, and a file that is removed, gives the category back the level it had.
 *
 * <p>A file rather than an address to post to: it needs no port and no key, and is a ConfigMap where there is one.
 */
public final class LogLevels implements AutoCloseable {

    /** The words that Quarkus takes for levels, and java.util.logging's for the same. */
    private static final Map<String, Level> LEVELS = Map.of("ERROR", Level.SEVERE, "WARN", Level.WARNING, "INFO", Level.INFO, "DEBUG", Level.FINE,
            "OFF", Level.OFF);
    private static final Duration EVERY = Duration.ofSeconds(2);
    private static final Logger LOG = Logger.getLogger(LogLevels.class.getName());

    private final Path file;
    /** What each category that was set had before; null: as the one above it. Holding the loggers keeps them from being collected with their level. */
    private final Map<Logger, Level> initial = new HashMap<>();
    private Map<String, Level> inForce = Map.of();
    private String problem = "";
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(task -> {
        var thread = new Thread(task, "log-levels");
        thread.setDaemon(true);
        return thread;
    });

    private LogLevels(Path file) {
        this.file = file;
    }

    /** Follows {@code file}, which need not be there, from now on until it is closed. */
    public static LogLevels follow(Path file) {
        var levels = new LogLevels(file);
        levels.read();
        levels.timer.scheduleWithFixedDelay(levels::read, EVERY.toMillis(), EVERY.toMillis(), TimeUnit.MILLISECONDS);
        return levels;
    }

    private void read() {
        try {
            apply(parse(Files.readAllLines(file)));
            problem = "";
        } catch (NoSuchFileException none) {
            apply(Map.of());
        } catch (IOException | IllegalArgumentException wrong) {
            // Once each time that it changes. The levels stay as they are.
            if (!wrong.toString().equals(problem)) {
                LOG.warning("The log levels in " + file + " can't be read; they stay as they are. reason=" + wrong.getMessage());
            }
            problem = wrong.toString();
        }
    }

    /** By category, from lines {@code category=LEVEL}; empty ones, and those that begin with {@code #}, say nothing. */
    static Map<String, Level> parse(List<String> lines) {
        var levels = new TreeMap<String, Level>();
        for (var line : lines) {
            var text = line.strip();
            if (text.isEmpty() || text.startsWith("#")) {
                continue;
            }
            var equals = text.indexOf('=');
            var level = equals < 1 ? null : LEVELS.get(text.substring(equals + 1).strip());
            if (level == null) {
                throw new IllegalArgumentException("'" + text + "' must be category=LEVEL, with a level of OFF, ERROR, WARN, INFO, DEBUG");
            }
            levels.put(text.substring(0, equals).strip(), level);
        }
        return levels;
    }

    private void apply(Map<String, Level> wanted) {
        if (wanted.equals(inForce)) {
            return;
        }
        wanted.forEach((category, level) -> {
            var logger = Logger.getLogger(category);
            if (!initial.containsKey(logger)) {
                initial.put(logger, logger.getLevel());
            }
            logger.setLevel(level);
        });
        inForce.keySet().stream().filter(category -> !wanted.containsKey(category)).map(Logger::getLogger)
                .forEach(logger -> logger.setLevel(initial.get(logger)));
        inForce = wanted;
        LOG.info("The log levels are as " + file + " says. levels=" + wanted);
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}
