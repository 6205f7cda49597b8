package dev.muster.planner.simulation;

/** The world is as it must never be. */
final class Violated extends RuntimeException {

    private static final long serialVersionUID = 1;

    private final String invariant;

    Violated(String invariant, String what) {
        super(what, null, false, false);
        this.invariant = invariant;
    }

    /** Name of what is broken. */
    String invariant() {
        return invariant;
    }
}
