package dev.muster.telemetry;

/** How a service writes its log. */
public enum LogFormat {
    /** Lines for people, as {@code quarkus.log.console.format} says. */
    TEXT,
    /** One JSON object a line, for those who collect them. */
    JSON
}
