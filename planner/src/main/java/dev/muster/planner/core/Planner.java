package dev.muster.planner.core;

import dev.muster.planner.core.rules.AdoptMachines;
import dev.muster.planner.core.rules.AvoidExhaustedOffers;
import dev.muster.planner.core.rules.CarryOutRequests;
import dev.muster.planner.core.rules.DrainAboveLimits;
import dev.muster.planner.core.rules.DrainAtBudget;
import dev.muster.planner.core.rules.EndDeletedFleet;
import dev.muster.planner.core.rules.FailTasksAtFault;
import dev.muster.planner.core.rules.FinishDrains;
import dev.muster.planner.core.rules.FollowMachines;
import dev.muster.planner.core.rules.FollowSchedule;
import dev.muster.planner.core.rules.ForgetEndedMachines;
import dev.muster.planner.core.rules.GiveUpOnStuckMachines;
import dev.muster.planner.core.rules.GrowGradually;
import dev.muster.planner.core.rules.HoldOnStaleFacts;
import dev.muster.planner.core.rules.HoldOnUnknownScopes;
import dev.muster.planner.core.rules.JudgeStrangers;
import dev.muster.planner.core.rules.KeepWarm;
import dev.muster.planner.core.rules.ReleaseIdleMachines;
import dev.muster.planner.core.rules.LetGoOfTakenTasks;
import dev.muster.planner.core.rules.MoveOnFromFullClusters;
import dev.muster.planner.core.rules.RescueLostTasks;
import dev.muster.planner.core.rules.RetireOldMachines;
import dev.muster.planner.core.rules.RollBackFromSpot;
import dev.muster.planner.core.rules.StayUnderCeiling;
import dev.muster.planner.core.rules.StayWithinBudget;
import dev.muster.planner.core.rules.StayWithinLimits;
import dev.muster.planner.core.rules.WaitForAdoption;
import dev.muster.planner.core.rules.WaitForDelay;
import dev.muster.planner.core.rules.WantEnoughForDemand;
import dev.muster.planner.core.rules.WarnOfMistakes;
import dev.muster.planner.core.rules.WriteHistory;
import java.time.Instant;
import java.util.List;

/** Decides what a fleet does next, and why. Pure: the same fleet and now give the same plan. */
public final class Planner {

    /** What a launch must pass, in order; then what each of its offers must. */
    static final List<Rule.OfLaunch> LAUNCH_RULES =
            List.of(new HoldOnUnknownScopes(), new WaitForAdoption(), new StayWithinLimits(), new WaitForDelay(), new GrowGradually());
    static final List<Rule.OfOffer> OFFER_RULES =
            List.of(new StayUnderCeiling(), new RollBackFromSpot(), new AvoidExhaustedOffers(), new StayWithinBudget());

    private static final List<Rule> RULES = rules(new Launches(LAUNCH_RULES, OFFER_RULES));

    private Planner() {}

    /** Every rule, in the order in which they apply. What a machine is and counts for is settled before anything is admitted. */
    static List<Rule> rules(Launches launches) {
        return List.of(
                new FollowMachines(),
                new JudgeStrangers(),
                new HoldOnStaleFacts(),
                new AdoptMachines(),
                new EndDeletedFleet(),
                new CarryOutRequests(),
                new FollowSchedule(),
                new DrainAtBudget(),
                new DrainAboveLimits(),
                new FailTasksAtFault(),
                new LetGoOfTakenTasks(),
                new MoveOnFromFullClusters(),
                new WantEnoughForDemand(launches),
                new KeepWarm(launches),
                new ReleaseIdleMachines(),
                new RetireOldMachines(),
                new GiveUpOnStuckMachines(),
                new FinishDrains(),
                new RescueLostTasks(),
                new WarnOfMistakes(),
                new WriteHistory(),
                new ForgetEndedMachines());
    }

    /**
     * Plans and applies: on return the fleet is as after the plan, and the records say everything that was done.
     *
     * @param now never before {@link Fleet#newestAt()}
     */
    public static Plan plan(Fleet fleet, Instant now) {
        return plan(fleet, now, RULES);
    }

    /** By other rules, as a test has them. */
    static Plan plan(Fleet fleet, Instant now, List<Rule> rules) {
        var planning = new Planning(fleet, now);
        for (var rule : rules) {
            rule.apply(planning);
        }
        return planning.done();
    }
}
