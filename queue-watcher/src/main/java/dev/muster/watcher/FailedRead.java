package dev.muster.watcher;

import dev.muster.v1.ReadFailure;

/** The queue system did not tell what was asked. The message is for people and holds no secret. */
public final class FailedRead extends Exception {

    private static final long serialVersionUID = 1L;

    private final ReadFailure kind;
    private final String call;

    /** @param call such as {@code queues.get_all} */
    public FailedRead(ReadFailure kind, String call, String detail, Throwable cause) {
        super(detail, cause);
        this.kind = kind;
        this.call = call;
    }

    public ReadFailure kind() {
        return kind;
    }

    public String call() {
        return call;
    }
}
