/** Tells people by webhook what needs a person: docs/notifications.md. */
package dev.muster.planner.notify;
