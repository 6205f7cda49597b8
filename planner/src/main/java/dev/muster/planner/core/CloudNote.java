package dev.muster.planner.core;

/**
 * A cloud's own word about a machine: why it waits, doesn't start, or has ended.
 *
 * @param reason one word, such as Unschedulable or OOMKilled; empty: nothing is said
 * @param message the same for people; may be empty
 * @param faultOfTask it lies in the task that the machine was made for
 */
public record CloudNote(String reason, String message, boolean faultOfTask) {

    public static final CloudNote NONE = new CloudNote("", "", false);

    public boolean isEmpty() {
        return reason.isEmpty();
    }

    /** As people read it. */
    @Override
    public String toString() {
        return message.isEmpty() || message.equals(reason) ? reason : reason + ": " + message;
    }
}
