package dev.muster.contracts;

/** A record that can't be understood. Its message is the reason in its dead letter. */
public final class UnreadableRecordException extends Exception {

    private static final long serialVersionUID = 1L;

    public UnreadableRecordException(String reason) {
        super(reason);
    }
}
