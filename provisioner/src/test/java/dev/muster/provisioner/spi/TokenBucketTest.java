package dev.muster.provisioner.spi;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** A cloud's rate, kept on our side. */
class TokenBucketTest {

    private final AtomicLong now = new AtomicLong();
    private final TokenBucket bucket = new TokenBucket(10, 2, now::get);

    private void pass(Duration time) {
        now.addAndGet(time.toNanos());
    }

    @Test
    void placesAreTakenAheadOneAfterTheOther() {
        assertThat(bucket.take(10)).isZero();
        assertThat(bucket.take(4)).isEqualTo(Duration.ofSeconds(2));
        assertThat(bucket.take(4)).isEqualTo(Duration.ofSeconds(4));
    }

    @Test
    void whatCannotGoNowTakesNothing() {
        assertThat(bucket.takeOrWait(10)).isZero();
        bucket.answered();

        assertThat(bucket.takeOrWait(4)).isEqualTo(Duration.ofSeconds(2));
        assertThat(bucket.takeOrWait(2)).isEqualTo(Duration.ofSeconds(1));
        pass(Duration.ofSeconds(2));
        assertThat(bucket.takeOrWait(4)).isZero();
    }

    @Test
    void whatWasRefusedIsGivenBack() {
        bucket.takeOrWait(10);
        bucket.answered();
        bucket.giveBack(10);

        assertThat(bucket.takeOrWait(10)).isZero();
    }

    @Test
    void aFullOneRefillsOnceACallThatTookFromItIsAnswered() {
        bucket.takeOrWait(6);
        pass(Duration.ofSeconds(3));
        bucket.takeOrWait(4);
        pass(Duration.ofSeconds(3));
        assertThat(bucket.takeOrWait(1)).as("nothing has reached the cloud for all we know").isEqualTo(Duration.ofMillis(500));

        bucket.answered();
        pass(Duration.ofMillis(500));

        assertThat(bucket.takeOrWait(1)).isZero();
        pass(Duration.ofSeconds(1));
        assertThat(bucket.takeOrWait(2)).as("it was not full any more").isZero();
    }
}
