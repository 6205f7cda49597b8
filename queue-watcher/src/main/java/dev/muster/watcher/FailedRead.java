package dev.muster.watcher;

import dev.muster.v1.ReadFailure;

/** The queue system did not tell what was asked. The message is for people and holds no secret. */
public final class FailedRead extends Exception {

    private static final long serialVersionUID = 1L;

    /** What it takes for a repeat to go well. */
    public enum Remedy {
        TIME,
        /** Somebody has to change something: a key, a right, a server's version. */
        A_PERSON
    }

    private final ReadFailure kind;
    private final Remedy remedy;
    private final String call;

    /** @param call such as {@code queues.get_all} */
    public FailedRead(ReadFailure kind, Remedy remedy, String call, String detail, Throwable cause) {
        super(detail, cause);
        this.kind = kind;
        this.remedy = remedy;
        this.call = call;
    }

    public ReadFailure kind() {
        return kind;
    }

    public Remedy remedy() {
        return remedy;
    }

    public String call() {
        return call;
    }
}
