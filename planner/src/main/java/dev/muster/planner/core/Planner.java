package dev.muster.planner.core;

import dev.muster.planner.core.rules.AvoidExhaustedOffers;
import dev.muster.planner.core.rules.CarryOutRequests;
import dev.muster.planner.core.rules.EndDeletedFleet;
import dev.muster.planner.core.rules.FinishDrains;
import dev.muster.planner.core.rules.FollowMachines;
import dev.muster.planner.core.rules.ForgetEndedMachines;
import dev.muster.planner.core.rules.GiveUpOnStuckMachines;
import dev.muster.planner.core.rules.GrowGradually;
import dev.muster.planner.core.rules.HoldOnStaleFacts;
import dev.muster.planner.core.rules.HoldOnUnknownScopes;
import dev.muster.planner.core.rules.JudgeStrangers;
import dev.muster.planner.core.rules.KeepWarm;
import dev.muster.planner.core.rules.ReleaseIdleMachines;
import dev.muster.planner.core.rules.RescueLostTasks;
import dev.muster.planner.core.rules.StayWithinLimits;
import dev.muster.planner.core.rules.WantEnoughForDemand;
import java.time.Instant;
import java.util.List;

/** Decides what a fleet does next, and why. Pure: the same fleet and now give the same plan. */
public final class Planner {

    /** What a launch must pass, in order; then its offer is chosen. */
    private static final Launches LAUNCHES = new Launches(
            List.of(new HoldOnUnknownScopes(), new StayWithinLimits(), new GrowGradually()), new AvoidExhaustedOffers());

    /** Every rule, in the order in which they apply. What a machine is and counts for is settled before anything is admitted. */
    private static final List<Rule> RULES = List.of(
            new FollowMachines(),
            new JudgeStrangers(),
            new HoldOnStaleFacts(),
            new EndDeletedFleet(),
            new CarryOutRequests(),
            new WantEnoughForDemand(LAUNCHES),
            new KeepWarm(LAUNCHES),
            new ReleaseIdleMachines(),
            new GiveUpOnStuckMachines(),
            new FinishDrains(),
            new RescueLostTasks(),
            new ForgetEndedMachines());

    private Planner() {}

    /**
     * Plans and applies: on return the fleet is as after the plan, and the records say everything that was done.
     *
     * @param now never before {@link Fleet#newestAt()}
     */
    public static Plan plan(Fleet fleet, Instant now) {
        var planning = new Planning(fleet, now);
        for (var rule : RULES) {
            rule.apply(planning);
        }
        return planning.done();
    }
}
