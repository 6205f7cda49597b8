package dev.muster.provisioner.spi;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/** A call to a cloud that failed, or has no outcome yet. Its message is the cloud's own words or ours, for people, and holds no secret. */
public final class ProviderException extends Exception {

    private static final long serialVersionUID = 1L;
    private static final String UNDER_WAY = "UnderWay";

    private final FailureKind kind;
    private final String code;
    private final transient Duration again;
    private boolean faultOfTask;

    /** @param code the cloud's own, or one of ours where the cloud was not asked */
    public ProviderException(FailureKind kind, String code, String message) {
        this(kind, code, message, null);
    }

    public ProviderException(FailureKind kind, String code, String message, Throwable cause) {
        this(kind, code, message, cause, null);
    }

    private ProviderException(FailureKind kind, String code, String message, Throwable cause, Duration again) {
        super(Objects.requireNonNullElse(message, ""), cause);
        this.kind = Objects.requireNonNull(kind);
        this.code = Objects.requireNonNull(code);
        this.again = again;
    }

    /**
     * The cloud has taken the call and works on it: whether it succeeds, nobody knows yet. The same call is to be made again, by which
     * nothing is done twice.
     *
     * @param again when to ask; more than zero
     * @param what is under way, for people
     */
    public static ProviderException underWay(Duration again, String what) {
        if (again.isNegative() || again.isZero()) {
            throw new IllegalArgumentException("to be asked again after " + again + "; it must be more than zero");
        }
        return new ProviderException(FailureKind.UNAVAILABLE, UNDER_WAY, what, null, again);
    }

    /** An INVALID_SPEC that lies in the task that the machine was to be made for: for another task the same launch would do. */
    public static ProviderException faultOfTask(String code, String message) {
        var fault = new ProviderException(FailureKind.INVALID_SPEC, code, message);
        fault.faultOfTask = true;
        return fault;
    }

    public boolean isFaultOfTask() {
        return faultOfTask;
    }

    /** When a call that is under way is to be made again. Empty: this is a failure. */
    public Optional<Duration> again() {
        return Optional.ofNullable(again);
    }

    public FailureKind kind() {
        return kind;
    }

    public String code() {
        return code;
    }

    @Override
    public String toString() {
        return kind + " (" + code + "): " + getMessage();
    }
}
