package dev.muster.planner.notify;

import dev.muster.v1.NotificationKind;
import java.time.Instant;

/**
 * One message for one webhook.
 *
 * @param secret that holds the webhook's address
 * @param offset of the first decision that it counts; -1: it is about something that lasts, and {@code due} says which moment of that
 * @param due when it was to be said
 */
record Notice(String fleet, String secret, NotificationKind kind, String text, long offset, Instant due) {}
