package dev.muster.planner.core;

import java.util.List;

/** One named step of planning: acts by writing records. */
public interface Rule {

    void apply(Planning planning);

    /** A step that lets fewer machines be launched than asked for, and says why. It writes nothing. */
    interface OfLaunch {
        Proposal limit(Planning planning, Proposal proposal);
    }

    /** A step that lets fewer machines of one offer be launched, and says why. It writes nothing. */
    interface OfOffer {

        /** @param chosen of the offers before it */
        Verdict judge(Planning planning, Proposal proposal, Offer offer, int wanted, List<Launches.Share> chosen);
    }
}
