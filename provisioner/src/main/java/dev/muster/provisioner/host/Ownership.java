package dev.muster.provisioner.host;

import org.apache.kafka.common.TopicPartition;

/**
 * That this process owns one partition of commands, and with it the scopes whose keys fall there, from one assignment to its end.
 * A partition lost and won again is another ownership.
 */
final class Ownership {

    private final TopicPartition partition;
    private final long generation;
    private final long endAtStart;
    private final OffsetLedger ledger;
    private volatile boolean live = true;

    /**
     * @param generation wall-clock time in ms
     * @param endAtStart the partition's end then: what lies before it, a predecessor may have begun
     */
    Ownership(TopicPartition partition, long generation, long endAtStart, OffsetLedger ledger) {
        this.partition = partition;
        this.generation = generation;
        this.endAtStart = endAtStart;
        this.ledger = ledger;
    }

    TopicPartition partition() {
        return partition;
    }

    long generation() {
        return generation;
    }

    OffsetLedger ledger() {
        return ledger;
    }

    boolean mayHaveBeenBegun(long offset) {
        return offset < endAtStart;
    }

    /** False: another process answers for the partition; nothing more is called or said. */
    boolean isLive() {
        return live;
    }

    void end() {
        live = false;
    }
}
