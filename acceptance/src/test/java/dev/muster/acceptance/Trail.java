package dev.muster.acceptance;

import dev.muster.v1.DecisionEvent;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** What was decided for a fleet and what was refused to it, in order: for people to read, and for a test to compare. */
final class Trail {

    private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("HH:mm:ss.SSS").withZone(ZoneOffset.UTC);

    /**
     * @param brief    for a test: {@code TASKS_WAIT 3 x g4dn.xlarge us-east-1a}, with {@code probe} behind it where it is one; of a refusal
     *                 {@code ! QUOTA_HELD}; of one that is over {@code - QUOTA_HELD}
     * @param launched machine ids, where it launched some
     */
    record Step(Instant at, String brief, String rule, String text, List<String> launched) {

        boolean isLaunch() {
            return !launched.isEmpty();
        }
    }

    final List<Step> steps;

    private Trail(List<Step> steps) {
        this.steps = List.copyOf(steps);
    }

    static Trail of(List<DecisionEvent> events) {
        var steps = new ArrayList<Step>();
        events.stream().sorted(Comparator.comparingLong(DecisionEvent::getPlan)).forEach(event -> {
            var at = Instant.ofEpochSecond(event.getAt().getSeconds(), event.getAt().getNanos());
            if (event.hasDecision()) {
                var decision = event.getDecision();
                var launched = decision.containsNumbers("launched");
                steps.add(new Step(at, decision.getReason() + (launched ? " " + decision.getNumbersOrThrow("launched") + " x " + decision.getWordsOrThrow("offer")
                        + (decision.getNumbersOrDefault("probes", 0) > 0 ? " probe" : "") : ""), decision.getRule(), decision.getText(),
                        launched ? decision.getMachineIdsList() : List.of()));
            } else if (event.hasRefusal()) {
                var refusal = event.getRefusal();
                var over = refusal.getReasonValue() == 0;
                steps.add(new Step(at, over ? "- " + refusal.getWordsOrDefault("was", "") : "! " + refusal.getReason(), refusal.getRule(),
                        refusal.getText(), List.of()));
            }
        });
        return new Trail(steps);
    }

    /** Without what was said before the first launch, and that it is over: what a fleet waits for at its start is another story. */
    Trail fromFirstLaunch() {
        var first = 0;
        var over = new ArrayList<String>();
        while (first < steps.size() && !steps.get(first).isLaunch()) {
            over.add(steps.get(first++).brief.replace("! ", "- "));
        }
        return new Trail(steps.subList(first, steps.size()).stream().filter(step -> !over.remove(step.brief)).toList());
    }

    List<String> briefly() {
        return steps.stream().map(Step::brief).toList();
    }

    List<Step> launches() {
        return steps.stream().filter(Step::isLaunch).toList();
    }

    /** As a test's output. */
    void print(String title) {
        System.out.println(title);
        steps.forEach(step -> System.out.printf("  %s  %-44s %s: %s%n", CLOCK.format(step.at), step.brief, step.rule, step.text));
    }
}
