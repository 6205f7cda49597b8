package dev.muster.planner.core;

import java.util.Optional;

/**
 * A worker id of a machine of ours, {@code prefix:pool:machine type:cloud id[.slot]}: ClearML's own convention, whose parser
 * refuses a fifth part.
 */
public record WorkerId(String prefix, String pool, String machineType, String cloudId) {

    /** Empty if the text is no such id. */
    public static Optional<WorkerId> parse(String text) {
        var parts = text.split(":", -1);
        if (parts.length != 4) {
            return Optional.empty();
        }
        for (var part : parts) {
            if (part.isEmpty() || part.indexOf('/') >= 0) {
                return Optional.empty();
            }
        }
        var dot = parts[3].lastIndexOf('.');
        var slotted = dot > 0 && dot < parts[3].length() - 1
                && parts[3].substring(dot + 1).chars().allMatch(c -> c >= '0' && c <= '9');
        return Optional.of(new WorkerId(parts[0], parts[1], parts[2], slotted ? parts[3].substring(0, dot) : parts[3]));
    }
}
