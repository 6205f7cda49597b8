package dev.muster.planner.core;

/** Why a launch was refused, sorted by what to do about it. */
public enum FailureKind {
    OUT_OF_CAPACITY, QUOTA_EXCEEDED, THROTTLED, UNAVAILABLE, UNAUTHORIZED, INVALID_SPEC, EXPIRED,
    /** A newer provisioner's word. */
    UNKNOWN
}
