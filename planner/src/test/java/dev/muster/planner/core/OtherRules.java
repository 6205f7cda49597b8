package dev.muster.planner.core;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;

/** A planner with some of its rules taken out or changed, for tests that show what each rule is for. */
public final class OtherRules {

    private final List<Rule> rules;

    private OtherRules(List<Rule> rules) {
        this.rules = rules;
    }

    /** What each function makes of each rule; null takes it out. A changed rule that launches gets what admits launches. */
    public static OtherRules of(BiFunction<Launches, Rule, Rule> rule, UnaryOperator<Rule.OfLaunch> launchRule,
            UnaryOperator<Rule.OfOffer> offerRule) {
        var launches = launches(launchRule, offerRule);
        return new OtherRules(changed(Planner.rules(launches), each -> rule.apply(launches, each)));
    }

    /** What admits launches, by other rules. */
    public static Launches launches(UnaryOperator<Rule.OfLaunch> launchRule, UnaryOperator<Rule.OfOffer> offerRule) {
        return new Launches(changed(Planner.LAUNCH_RULES, launchRule), changed(Planner.OFFER_RULES, offerRule));
    }

    private static <T> List<T> changed(List<T> rules, UnaryOperator<T> change) {
        var changed = new ArrayList<T>();
        for (var rule : rules) {
            var now = change.apply(rule);
            if (now != null) {
                changed.add(now);
            }
        }
        return changed;
    }

    public Plan plan(Fleet fleet, Instant now) {
        return Planner.plan(fleet, now, rules);
    }
}
