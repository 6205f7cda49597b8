package dev.muster.provisioner.spi;

/** Why a call to a cloud failed, sorted by what to do about it. The set is closed: each provider's table maps its codes to these. */
public enum FailureKind {

    /** The cloud has none left of that offer now. */
    OUT_OF_CAPACITY(false),
    /** The account may not have more. */
    QUOTA_EXCEEDED(false),
    /** Too many calls; nothing was done. */
    THROTTLED(true),
    /** No answer, or one that doesn't say whether it was done. */
    UNAVAILABLE(true),
    /** Credentials are missing, wrong, or not allowed to do this. */
    UNAUTHORIZED(false),
    /** The request can never succeed as it is. */
    INVALID_SPEC(false),
    /** Read too late, and certainly never called. */
    EXPIRED(false);

    private final boolean repeated;

    FailureKind(boolean repeated) {
        this.repeated = repeated;
    }

    /** The very same call is made again later, by the provisioner itself: the planner is not told. */
    public boolean isRepeated() {
        return repeated;
    }
}
