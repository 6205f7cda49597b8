package dev.muster.planner.notify;

import com.google.protobuf.Timestamp;
import dev.muster.v1.Constraint;
import dev.muster.v1.Decision;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.NotificationKind;
import dev.muster.v1.NotificationSpec;
import dev.muster.v1.Reason;
import dev.muster.v1.Refusal;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/** Events of the topic of decisions, as the planner writes them. */
final class Decisions {

    private Decisions() {}

    /** Nothing good is heard of ClearML. */
    static DecisionEvent unknown(String fleet, Instant at, Instant since, Reason reason) {
        return refusal(fleet, at, Refusal.newBuilder().setRule("HoldOnStaleFacts").setReason(reason).setSince(timestamp(since))
                .setText("nothing is launched or released: nothing was heard of ClearML since " + since).setUnblockedBy("a good look at ClearML"));
    }

    /** What was refused at all is no longer. */
    static DecisionEvent known(String fleet, Instant at) {
        return refusal(fleet, at, Refusal.newBuilder().setRule("HoldOnStaleFacts").setSince(timestamp(at)).putWords("was", "FACTS_STALE"));
    }

    /** A queue's launches don't get through. */
    static DecisionEvent refused(String fleet, Instant at, String queue, Constraint... why) {
        return refusal(fleet, at, Refusal.newBuilder().setRule(why[0].getRule()).setReason(why[0].getReason()).setQueue(queue).setSince(timestamp(at))
                .addAllConstraints(List.of(why)).setText("2 wait in " + queue + " with no machine to come; " + why[0].getReason()).setUnblockedBy("something"));
    }

    static DecisionEvent served(String fleet, Instant at, String queue) {
        return refusal(fleet, at, Refusal.newBuilder().setQueue(queue).setSince(timestamp(at)));
    }

    static Constraint constraint(Reason reason, Map<String, String> words) {
        return Constraint.newBuilder().setRule("ARule").setReason(reason).putAllWords(words).build();
    }

    static Constraint budget(String scope) {
        return constraint(Reason.BUDGET_REACHED, Map.of("scope", scope, "period", "day", "how", "period"));
    }

    static Constraint circuit(String pool) {
        return constraint(Reason.CIRCUIT_OPEN, Map.of("pool", pool, "how", "held"));
    }

    static DecisionEvent warning(String fleet, Instant at, Reason reason, String subject, String scope) {
        var warning = Refusal.newBuilder().setRule("ARule").setReason(reason).setSubject("ARule " + subject).setSince(timestamp(at)).putWords("scope", scope)
                .putWords("period", "day").setText(scope + " has spent too much");
        return refusal(fleet, at, warning);
    }

    static DecisionEvent noWarning(String fleet, Instant at, String subject) {
        return refusal(fleet, at, Refusal.newBuilder().setRule("ARule").setSubject("ARule " + subject).setSince(timestamp(at)));
    }

    static DecisionEvent decision(String fleet, Instant at, Reason reason, String pool, List<String> machines, List<String> tasks, String text) {
        return DecisionEvent.newBuilder().setFleet(fleet).setAt(timestamp(at)).setDecision(Decision.newBuilder().setReason(reason).setPool(pool)
                .addAllMachineIds(machines).addAllTaskIds(tasks).setText(text)).build();
    }

    private static DecisionEvent refusal(String fleet, Instant at, Refusal.Builder refusal) {
        return DecisionEvent.newBuilder().setFleet(fleet).setAt(timestamp(at)).setRefusal(refusal).build();
    }

    static NotificationSpec hook(String secret, NotificationKind... kinds) {
        return NotificationSpec.newBuilder().setWebhookSecret(secret).addAllKinds(List.of(kinds)).build();
    }

    private static Timestamp timestamp(Instant at) {
        return Timestamp.newBuilder().setSeconds(at.getEpochSecond()).setNanos(at.getNano()).build();
    }
}
