package dev.muster.provisioner.host;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Which offset may be committed, and what a successor is told. */
class OffsetLedgerTest {

    private static OffsetLedger read(long first, long last) {
        var ledger = new OffsetLedger(first, null);
        for (long offset = first; offset <= last; offset++) {
            ledger.read(offset);
        }
        return ledger;
    }

    @Test
    void commitsUpToTheOldestUnfinished() {
        var ledger = read(10, 14);

        ledger.finish(11);
        ledger.finish(13);

        assertThat(ledger.committable()).isEqualTo(10);
        ledger.finish(10);
        assertThat(ledger.committable()).isEqualTo(12);
        ledger.finish(12);
        ledger.finish(14);
        assertThat(ledger.committable()).isEqualTo(15);
        assertThat(ledger.metadata()).isEmpty();
    }

    @Test
    void aSuccessorSkipsWhatIsFinished() {
        var ledger = read(10, 20);
        for (long offset : new long[] {11, 12, 13, 17, 20}) {
            ledger.finish(offset);
        }

        assertThat(ledger.metadata()).isEqualTo("+1-3,7,10");
        var successor = new OffsetLedger(ledger.committable(), ledger.metadata());
        assertThat(successor.read(10)).isTrue();
        assertThat(successor.read(11)).isFalse();
        assertThat(successor.read(13)).isFalse();
        assertThat(successor.read(14)).isTrue();
        assertThat(successor.read(17)).isFalse();
        assertThat(successor.read(21)).isTrue();
        successor.finish(10);
        assertThat(successor.committable()).isEqualTo(14);
    }

    @Test
    void metadataStaysSmall() {
        var ledger = read(0, 100_000);
        for (long offset = 1; offset < 100_000; offset += 2) {
            ledger.finish(offset);
        }

        assertThat(ledger.metadata().length()).isBetween(3_900, 4_096);
    }

    @Test
    void metadataOfSomebodyElseIsIgnored() {
        assertThat(new OffsetLedger(5, "anything").read(5)).isTrue();
    }
}
