package dev.muster.planner.core;

import java.time.Instant;
import java.util.List;

/**
 * A machine of another autoscaler that its provisioner was asked to tag. It is forgotten once it is on the books.
 *
 * @param pool that it is to be of
 * @param scope where it is looked for
 * @param decisionId the decision that asked first
 * @param askedAt when that was
 * @param attempts how often was asked: the last command's ordinal
 * @param retryAt when it is asked again, if unanswered
 * @param notIn scopes that don't have it
 * @param refusal why it is not adopted; null: nothing was answered yet, or that it was done
 * @param detail the same for people; empty where there is no more to say
 */
public record Adoption(String cloudId, String pool, String scope, String decisionId, Instant askedAt, int attempts, Instant retryAt, List<String> notIn,
        Refusal refusal, String detail) {

    /** Begins the id of a machine that another hand launched; the cloud id follows. */
    public static final String ID = "a-";

    /** Why a cloud's answer was no. */
    public enum Refusal {
        /** No such machine runs in the scope. */
        NOT_THERE,
        /** Its tags say that it is another fleet's. */
        OF_ANOTHER,
        /** It is none of the pool's offers. */
        NO_SUCH_OFFER,
        /** The cloud does not allow it. */
        BY_CLOUD
    }

    public Adoption {
        notIn = List.copyOf(notIn);
    }

    /** Nobody has said no: it may be ours at any moment. */
    public boolean isOpen() {
        return refusal == null;
    }

    Adoption refused(Refusal why, String said) {
        return new Adoption(cloudId, pool, scope, decisionId, askedAt, attempts, null, notIn, why, said);
    }

    /** Asked once more, perhaps in another scope. */
    public Adoption again(String nextScope, List<String> nextNotIn, Instant nextRetryAt) {
        return new Adoption(cloudId, pool, nextScope, decisionId, askedAt, attempts + 1, nextRetryAt, nextNotIn, null, "");
    }
}
