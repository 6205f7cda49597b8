package dev.muster.contracts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Timestamp;
import com.sun.net.httpserver.HttpServer;
import dev.muster.v1.LogLevel;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LogLevelsTest {

    private static final Logger ONE = Logger.getLogger("test.levels.one");
    private static final Logger OTHER = Logger.getLogger("test.levels.other");

    @TempDir
    Path folder;

    @Test
    void followAFileThatIsWrittenChangedAndRemoved() throws Exception {
        // Given
        var file = folder.resolve("levels");
        OTHER.setLevel(Level.WARNING);
        try (var levels = LogLevels.follow(file)) {
            // When
            Files.writeString(file, "# look closer\n\ntest.levels.one=DEBUG\n test.levels.other = ERROR\n");

            // Then
            await(() -> ONE.getLevel() == Level.FINE && OTHER.getLevel() == Level.SEVERE);

            // When
            Files.writeString(file, "test.levels.one=OFF");

            // Then
            await(() -> ONE.getLevel() == Level.OFF && OTHER.getLevel() == Level.WARNING);

            // When
            Files.writeString(file, "test.levels.other=LOUD");
            Files.delete(file);

            // Then
            await(() -> ONE.getLevel() == null && OTHER.getLevel() == Level.WARNING);
        }
    }

    @Test
    void areLinesOfCategoryAndLevel() {
        assertThat(LogLevels.parse(List.of("dev.muster=DEBUG", "#dev.muster=OFF", "", "a = WARN ")))
                .isEqualTo(Map.of("dev.muster", Level.FINE, "a", Level.WARNING));
    }

    @ParameterizedTest
    @ValueSource(strings = {"dev.muster", "=DEBUG", "dev.muster=debug", "dev.muster=TRACE", "dev.muster=", "DEBUG"})
    void anotherLineIsNamedWithItsFix(String line) {
        assertThatThrownBy(() -> LogLevels.parse(List.of(line))).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'" + line + "' must be category=LEVEL, with a level of OFF, ERROR, WARN, INFO, DEBUG");
    }

    private static LogLevel level(String service, String category, String level, Instant until) {
        return LogLevel.newBuilder().setService(service).setCategory(category).setLevel(level)
                .setUntil(Timestamp.newBuilder().setSeconds(until.getEpochSecond())).build();
    }

    /** The time, as the test has it. */
    private static final class Watch extends Clock {
        private Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneId.of("UTC");
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }

    @Test
    void aLevelOfTheTopicHoldsUntilItsTimeIsOver() {
        var watch = new Watch();
        var category = Logger.getLogger("dev.muster.levels.topic");
        category.setLevel(Level.WARNING);
        try (var levels = new LogLevels("planner", Optional.empty(), watch)) {
            var hour = level("planner", "dev.muster.levels.topic", "DEBUG", watch.now.plusSeconds(3600));
            levels.on("planner/dev.muster.levels.topic", hour, watch.now);
            levels.on("queue-watcher/dev.muster.levels.topic", level("queue-watcher", "dev.muster.levels.topic", "OFF", watch.now.plusSeconds(3600)), watch.now);
            levels.turn();
            assertThat(category.getLevel()).isEqualTo(Level.FINE);
            assertThat(levels.levels().keySet()).containsExactly("planner/dev.muster.levels.topic", "queue-watcher/dev.muster.levels.topic");

            watch.now = watch.now.plusSeconds(3600);
            levels.turn();
            assertThat(category.getLevel()).isEqualTo(Level.WARNING);
            assertThat(levels.levels()).isEmpty();
            assertThat(levels.over(watch.now)).containsExactly("planner/dev.muster.levels.topic", "queue-watcher/dev.muster.levels.topic");

            levels.on("planner/dev.muster.levels.topic", level("planner", "dev.muster.levels.topic", "ERROR", watch.now.plusSeconds(60)), watch.now);
            levels.turn();
            assertThat(category.getLevel()).isEqualTo(Level.SEVERE);
            levels.on("planner/dev.muster.levels.topic", null, watch.now);
            levels.turn();
            assertThat(category.getLevel()).isEqualTo(Level.WARNING);
        }
    }

    @Test
    void theNewerWordCountsOfTheFileAndTheTopic() throws Exception {
        var watch = new Watch();
        var file = Files.writeString(folder.resolve("words"), "dev.muster.levels.both=WARN\n");
        Files.setLastModifiedTime(file, FileTime.from(watch.now.minusSeconds(600)));
        var category = Logger.getLogger("dev.muster.levels.both");
        try (var levels = new LogLevels("planner", Optional.of(file), watch)) {
            levels.turn();
            assertThat(category.getLevel()).isEqualTo(Level.WARNING);
            levels.on("planner/dev.muster.levels.both", level("planner", "dev.muster.levels.both", "DEBUG", watch.now.plusSeconds(3600)), watch.now);
            levels.turn();
            assertThat(category.getLevel()).isEqualTo(Level.FINE);

            // Another line that changes is no word about this one.
            Files.writeString(file, "dev.muster.levels.both=WARN\ndev.muster.levels.third=INFO\n");
            Files.setLastModifiedTime(file, FileTime.from(watch.now.plusSeconds(30)));
            levels.turn();
            assertThat(category.getLevel()).isEqualTo(Level.FINE);

            Files.writeString(file, "dev.muster.levels.both=ERROR\n");
            Files.setLastModifiedTime(file, FileTime.from(watch.now.plusSeconds(60)));
            levels.turn();
            assertThat(category.getLevel()).isEqualTo(Level.SEVERE);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"org", "org.apache", "org.apache.http.wire", "org.apache.hc", "org.apache.kafka", "org.apache.kafka.common.security", "software.amazon.awssdk.request",
            "software.amazon.awssdk.auth.signer", "io.vertx", "io.netty", "io.grpc.netty", "io.quarkus.oidc", "io.fabric8.kubernetes.client.http", "com.google.api.client.http",
            "sun.net.www.protocol.http", "jdk.httpclient", "okhttp3", "dev", "dev.musterous"})
    void whatWritesKeysIntoTheLogCannotBeSetToDebugFromAfar(String category) {
        assertThat(LogLevels.problem(category, "DEBUG")).get().asString().contains("can't be set to DEBUG");
        assertThat(LogLevels.problem(category, "INFO")).isEmpty();
        // Nor by somebody who can write to the topic.
        var watch = new Watch();
        try (var levels = new LogLevels("planner", Optional.empty(), watch)) {
            levels.on("planner/" + category, level("planner", category, "DEBUG", watch.now.plusSeconds(60)), watch.now);
            levels.turn();
            assertThat(Logger.getLogger(category).getLevel()).isNotEqualTo(Level.FINE);
        }
    }

    /** What the rule is for: the JDK's own HTTP client, which AWS's SDK runs on, writes a request's headers to its log at DEBUG. */
    @Test
    void theJdksHttpClientWouldWriteAKeyIntoTheLog() throws Exception {
        var said = new StringBuilder();
        var logger = Logger.getLogger("sun.net.www.protocol.http.HttpURLConnection");
        var handler = new Handler() {
            @Override
            public void publish(LogRecord record) {
                said.append(record.getMessage());
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        handler.setLevel(Level.ALL);
        logger.addHandler(handler);
        try (var levels = new LogLevels("planner", Optional.empty(), new Watch())) {
            // The rule keeps it from being set.
            levels.on("planner/" + logger.getName(), level("planner", logger.getName(), "DEBUG", Instant.now().plusSeconds(60)), Instant.now());
            levels.turn();
            call();
            assertThat(said.toString()).doesNotContain("planted");
            // And without it the key is there.
            logger.setLevel(Level.FINE);
            call();
            assertThat(said.toString()).contains("planted");
        } finally {
            logger.removeHandler(handler);
            logger.setLevel(null);
        }
    }

    private static void call() throws Exception {
        var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        server.start();
        try {
            var connection = (HttpURLConnection) new URL("http://127.0.0.1:" + server.getAddress().getPort() + "/").openConnection();
            connection.setRequestProperty("Authorization", "Bearer planted");
            assertThat(connection.getResponseCode()).isEqualTo(200);
        } finally {
            server.stop(0);
        }
    }

    @Test
    void whatMayBeSetFromAfar() {
        assertThat(LogLevels.problem("dev.muster", "DEBUG")).isEmpty();
        assertThat(LogLevels.problem("dev.muster.planner.stream", "DEBUG")).isEmpty();
        assertThat(LogLevels.problem("org.apache.kafka.clients.consumer", "DEBUG")).isEmpty();
        assertThat(LogLevels.problem("org.apache.kafka", "WARN")).isEmpty();
        for (var category : List.of("", " ", "a..b", ".a", "a b", "a/b", "a=DEBUG", "x".repeat(201))) {
            assertThat(LogLevels.problem(category, "INFO")).as(category).contains("is no category of a log, such as dev.muster");
        }
        for (var level : List.of("", "debug", "TRACE", "ALL", "FINE")) {
            assertThat(LogLevels.problem("dev.muster", level)).get().asString().contains("use one of OFF, ERROR, WARN, INFO, DEBUG");
        }
    }

    private interface Condition {
        boolean holds();
    }

    private static void await(Condition condition) {
        var deadline = Instant.now().plus(Duration.ofSeconds(20));
        while (!condition.holds()) {
            assertThat(Instant.now()).isBefore(deadline);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
        }
    }
}
