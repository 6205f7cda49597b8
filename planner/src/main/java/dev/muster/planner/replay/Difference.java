package dev.muster.planner.replay;

/**
 * Something that the replay wrote otherwise than history.
 *
 * @param id of the decision, plan, command or record
 * @param recorded what history has, as text; empty: nothing
 * @param replayed what the replay wrote, as text; empty: nothing
 */
public record Difference(String fleet, String id, String topic, String recorded, String replayed) {}
