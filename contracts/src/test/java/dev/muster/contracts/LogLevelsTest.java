package dev.muster.contracts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.Level;
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
