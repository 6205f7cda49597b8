package dev.muster.planner.simulation;

/**
 * How a run ended.
 *
 * @param invariant that was violated; null: none
 * @param what the violation; null: none
 * @param at when, milliseconds since the world began
 * @param tally what had happened until then
 */
record Outcome(String invariant, String what, long at, Tally tally) {

    boolean isViolation() {
        return invariant != null;
    }
}
