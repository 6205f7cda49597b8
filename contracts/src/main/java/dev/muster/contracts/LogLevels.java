package dev.muster.contracts;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.muster.v1.LogLevel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * Levels of a running process's log: from a file that people edit, with a line {@code dev.muster=DEBUG} for a category and all below it, read anew
 * every few seconds; and from the topic {@code log-levels}, where the control API sets them for a while. Where both speak of one category, the
 * newer word counts: the line, if the file was changed after the call. A line that is taken out, a file that is removed and a level whose time is
 * over give the category back the level it had.
 *
 * <p>A file rather than an address to post to: it needs no port and no key, and is a ConfigMap where there is one.
 */
public final class LogLevels implements AutoCloseable {

    /** The words that Quarkus takes for levels, and java.util.logging's for the same. */
    private static final Map<String, Level> LEVELS = Map.of("ERROR", Level.SEVERE, "WARN", Level.WARNING, "INFO", Level.INFO, "DEBUG", Level.FINE,
            "OFF", Level.OFF);
    private static final String WORDS = "OFF, ERROR, WARN, INFO, DEBUG";
    private static final Pattern CATEGORY = Pattern.compile("[A-Za-z_][A-Za-z0-9_$-]*(\\.[A-Za-z0-9_$-]+)*");
    private static final int LONGEST_CATEGORY = 200;
    /**
     * What may be set to DEBUG from afar. HTTP clients and servers, cloud SDKs and drivers write requests with their headers then, and with
     * them keys (AWS's signer and the JDK's HttpURLConnection do); so does every category above them.
     */
    private static final List<String> SPEAKS_FREELY = List.of("dev.muster", "org.apache.kafka.clients", "org.apache.kafka.streams");
    private static final Duration EVERY = Duration.ofSeconds(2);
    private static final Duration RETRY = Duration.ofSeconds(10);
    private static final Logger LOG = Logger.getLogger(LogLevels.class.getName());

    /** What somebody said, and when. */
    private record Word(Level level, Instant at) {}

    /** One entry of the topic. */
    private record Entry(LogLevel level, Instant at) {}

    private final String service;
    private final Optional<Path> file;
    private final Clock clock;
    /** What each category that was set had before; null: as the one above it. Holding the loggers keeps them from being collected with their level. */
    private final Map<Logger, Level> initial = new HashMap<>();
    private Map<String, Word> written = Map.of();
    private Map<String, Level> inForce = Map.of();
    private String problem = "";
    /** By key, of all services. */
    private final Map<String, Entry> set = new ConcurrentHashMap<>();
    private volatile boolean closing;
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(task -> {
        var thread = new Thread(task, "log-levels");
        thread.setDaemon(true);
        return thread;
    });
    private Thread reader;

    LogLevels(String service, Optional<Path> file, Clock clock) {
        this.service = service;
        this.file = file;
        this.clock = clock;
    }

    /** Follows {@code file}, which need not be there, from now on until it is closed. */
    public static LogLevels follow(Path file) {
        var levels = new LogLevels("", Optional.of(file), Clock.systemUTC());
        levels.start();
        return levels;
    }

    /**
     * Follows the file, if there is one, and what is set for the service on the topic, from now on until it is closed. Kafka need not answer yet.
     *
     * @param consumer {@link KafkaSettings#consumer}'s, perhaps with more
     */
    public static LogLevels follow(String service, Optional<Path> file, Map<String, Object> consumer, Topics topics) {
        var levels = new LogLevels(service, file, Clock.systemUTC());
        levels.start();
        levels.reader = new Thread(() -> levels.readForEver(consumer, topics), "log-levels-reader");
        levels.reader.setDaemon(true);
        levels.reader.start();
        return levels;
    }

    private void start() {
        turn();
        timer.scheduleWithFixedDelay(this::turn, EVERY.toMillis(), EVERY.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Key on the topic. */
    public static String key(String service, String category) {
        return service + "/" + category;
    }

    /** What keeps the API from setting it, in words that follow the category's or level's; empty: nothing does. */
    public static Optional<String> problem(String category, String level) {
        if (!CATEGORY.matcher(category).matches() || category.length() > LONGEST_CATEGORY) {
            return Optional.of("is no category of a log, such as dev.muster");
        }
        if (!LEVELS.containsKey(level)) {
            return Optional.of("can't be set to '" + level + "': use one of " + WORDS);
        }
        var speaksFreely = SPEAKS_FREELY.stream().anyMatch(free -> category.equals(free) || category.startsWith(free + "."));
        return level.equals("DEBUG") && !speaksFreely
                ? Optional.of("can't be set to DEBUG: it would write requests with their keys into the log. What is below " + String.join(", ", SPEAKS_FREELY) + " can")
                : Optional.empty();
    }

    /** Every level that is set on the topic now, of all services; by key. */
    public Map<String, LogLevel> levels() {
        var now = clock.instant();
        var levels = new TreeMap<String, LogLevel>();
        set.forEach((key, entry) -> {
            if (until(entry.level()).isAfter(now)) {
                levels.put(key, entry.level());
            }
        });
        return levels;
    }

    /** Keys of levels whose time was over at that moment, and that are still on the topic. */
    public Collection<String> over(Instant at) {
        return set.entrySet().stream().filter(each -> !until(each.getValue().level()).isAfter(at)).map(Map.Entry::getKey).sorted().toList();
    }

    private static Instant until(LogLevel level) {
        return Times.instant(level.getUntil());
    }

    /** A topic that is not there, and a broker that goes away, are no reason to stop. */
    private void readForEver(Map<String, Object> consumer, Topics topics) {
        try {
            while (!closing) {
                try (var table = new TopicTable(consumer, List.of(topics.logLevels()), this::on)) {
                    while (!closing && (!table.awaitCaughtUp(EVERY) || table.isCurrent())) {
                        TimeUnit.MILLISECONDS.sleep(200);
                    }
                } catch (RuntimeException broken) {
                    LOG.fine("The log levels can't be read and are tried again. reason=" + broken);
                }
                if (!closing) {
                    TimeUnit.MILLISECONDS.sleep(RETRY.toMillis());
                    set.clear();
                }
            }
        } catch (InterruptedException closed) {
            Thread.currentThread().interrupt();
        }
    }

    private void on(ConsumerRecord<byte[], byte[]> record) {
        if (record.key() == null) {
            return;
        }
        try {
            on(new String(record.key(), UTF_8), record.value() == null ? null : LogLevel.parseFrom(record.value()), Instant.ofEpochMilli(record.timestamp()));
            timer.execute(this::turn);
        } catch (InvalidProtocolBufferException unreadable) {
            LOG.warning("A log level can't be read and is passed over. key=" + new String(record.key(), UTF_8));
        } catch (RejectedExecutionException closed) {
            // Nobody follows it any longer.
        }
    }

    /** @param level null: as configured */
    void on(String key, LogLevel level, Instant at) {
        if (level == null) {
            set.remove(key);
        } else if (key.equals(key(level.getService(), level.getCategory()))) {
            set.put(key, new Entry(level, at));
        }
    }

    /** Looks at the file and the time. */
    synchronized void turn() {
        file.ifPresent(this::read);
        var wanted = new TreeMap<String, Level>();
        written.forEach((category, word) -> wanted.put(category, word.level()));
        var now = clock.instant();
        for (var entry : set.values()) {
            var level = entry.level();
            var line = written.get(level.getCategory());
            // Whoever can write to the topic may set no more than the API does.
            if (level.getService().equals(service) && until(level).isAfter(now) && problem(level.getCategory(), level.getLevel()).isEmpty()
                    && (line == null || !line.at().isAfter(entry.at()))) {
                wanted.put(level.getCategory(), LEVELS.get(level.getLevel()));
            }
        }
        apply(wanted);
    }

    private void read(Path path) {
        try {
            var at = Files.getLastModifiedTime(path).toInstant();
            var before = written;
            var words = new TreeMap<String, Word>();
            parse(Files.readAllLines(path)).forEach((category, level) -> {
                var word = before.get(category);
                words.put(category, word != null && word.level().equals(level) ? word : new Word(level, at));
            });
            written = words;
            problem = "";
        } catch (NoSuchFileException none) {
            written = Map.of();
        } catch (IOException | IllegalArgumentException wrong) {
            // Once each time that it changes. The levels stay as they are.
            if (!wrong.toString().equals(problem)) {
                LOG.warning("The log levels in " + path + " can't be read; they stay as they are. reason=" + wrong.getMessage());
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
                throw new IllegalArgumentException("'" + text + "' must be category=LEVEL, with a level of " + WORDS);
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
        LOG.info("The log levels have changed. levels=" + wanted);
    }

    @Override
    public void close() {
        closing = true;
        timer.shutdownNow();
        if (reader != null) {
            reader.interrupt();
        }
    }
}
