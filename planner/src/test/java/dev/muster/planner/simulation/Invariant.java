package dev.muster.planner.simulation;

/**
 * Something that must hold after every step of every run, judged by what is true in the world and not by what the planner believes.
 * One object serves one run.
 */
interface Invariant {

    /** Called with each new fact, at once. */
    void check(World world, Fact fact);

    /** Called every now and then after faults have stopped. */
    default void checkWhileSettling(World world) {}

    /** Called when faults have stopped and the world has had its time to settle. */
    default void checkAtRest(World world) {}

    default void broken(String what) {
        throw new Violated(getClass().getSimpleName(), what);
    }
}
