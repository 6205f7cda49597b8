package dev.muster.planner.core;

/** One named step of planning: acts by writing records. */
public interface Rule {

    void apply(Planning planning);

    /** A step that lets fewer machines be launched than asked for, and says why. It writes nothing. */
    interface OfLaunch {
        Proposal limit(Planning planning, Proposal proposal);
    }
}
