package dev.muster.provisioner.spi;

import java.util.Objects;

/** A call to a cloud that failed. Its message is the cloud's own words or ours, for people, and holds no secret. */
public final class ProviderException extends Exception {

    private static final long serialVersionUID = 1L;

    private final FailureKind kind;
    private final String code;

    /** @param code the cloud's own, or one of ours where the cloud was not asked */
    public ProviderException(FailureKind kind, String code, String message) {
        this(kind, code, message, null);
    }

    public ProviderException(FailureKind kind, String code, String message, Throwable cause) {
        super(Objects.requireNonNullElse(message, ""), cause);
        this.kind = Objects.requireNonNull(kind);
        this.code = Objects.requireNonNull(code);
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
