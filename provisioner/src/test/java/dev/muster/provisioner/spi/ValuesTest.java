package dev.muster.provisioner.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** The words that tags and keys are made of, and the bucket that paces. */
class ValuesTest {

    @Test
    void aMachinesIdFollowsFromItsBatch() {
        assertThat(MachineIds.of("m4kq2abcd-17", 3)).isEqualTo("m4kq2abcd-20");
        assertThat(MachineIds.of("a-i-0123", 5)).isEqualTo("a-i-0123");
        assertThatThrownBy(() -> MachineIds.of("somebody's", 0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aMarkIsReadAsItIsWritten() {
        for (var word : Mark.Word.values()) {
            var mark = new Mark(word, 7);
            assertThat(Mark.parse(mark.text())).contains(mark);
        }
        assertThat(new Mark(Mark.Word.DRAIN_NOW, 7).text()).isEqualTo("drain-now:7");
        assertThat(Mark.parse("drain")).isEmpty();
        assertThat(Mark.parse("sleep:1")).isEmpty();
        assertThat(Mark.parse("drain:x")).isEmpty();
    }

    @Test
    void keepUntilIsReadAsItIsWritten() {
        var keep = KeepUntil.from(Instant.ofEpochSecond(1_800_000_000), "q1Sh-9_kTzOmUQ");

        assertThat(keep.text()).isEqualTo("1800007200@q1Sh-9_kTzOmUQ");
        assertThat(KeepUntil.parse(keep.text())).isEqualTo(Optional.of(keep));
        assertThat(keep.setAt()).isEqualTo(Instant.ofEpochSecond(1_800_000_000));
        assertThat(KeepUntil.parse("soon")).isEmpty();
    }

    @Test
    void aBucketLetsABurstThroughAndThenItsRate() {
        var nanos = new AtomicLong();
        var bucket = new TokenBucket(2, 4, nanos::get);

        assertThat(bucket.take(1)).isZero();
        assertThat(bucket.take(1)).isZero();
        assertThat(bucket.take(1)).isEqualTo(Duration.ofMillis(250));
        assertThat(bucket.take(1)).isEqualTo(Duration.ofMillis(500));
        nanos.addAndGet(Duration.ofSeconds(1).toNanos());
        assertThat(bucket.take(2)).isZero();
        nanos.addAndGet(Duration.ofHours(1).toNanos());
        assertThat(bucket.take(3)).isEqualTo(Duration.ofMillis(250));
    }
}
