package dev.muster.watcher;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.watcher.FailedRead.Remedy;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BackoffTest {

    private static List<Long> secondsAfter(Duration interval, double random, Remedy remedy) {
        var backoff = new Backoff(interval, () -> random);
        return IntStream.rangeClosed(1, 8).mapToObj(failures -> backoff.after(failures, remedy).toSeconds()).toList();
    }

    @Test
    void doublesUpToAMost() {
        assertThat(secondsAfter(Duration.ofSeconds(1), 0, Remedy.TIME)).containsExactly(1L, 2L, 4L, 5L, 5L, 5L, 5L, 5L);
        assertThat(secondsAfter(Duration.ofSeconds(10), 0, Remedy.TIME)).containsExactly(10L, 20L, 40L, 40L, 40L, 40L, 40L, 40L);
    }

    @Test
    void waitsLongerWhereAPersonMustAct() {
        assertThat(secondsAfter(Duration.ofSeconds(1), 0, Remedy.A_PERSON)).containsExactly(1L, 2L, 4L, 8L, 16L, 32L, 60L, 60L);
    }

    @Test
    void isSpreadOverHalfAndNeverShorterThanATick() {
        assertThat(secondsAfter(Duration.ofSeconds(1), 1, Remedy.A_PERSON)).containsExactly(1L, 1L, 2L, 4L, 8L, 16L, 30L, 30L);
    }

    @Test
    void staysWhereItIsHoweverOftenItFails() {
        assertThat(new Backoff(Duration.ofDays(1), () -> 0.5).after(Integer.MAX_VALUE, Remedy.TIME)).isEqualTo(Duration.ofDays(3));
    }
}
