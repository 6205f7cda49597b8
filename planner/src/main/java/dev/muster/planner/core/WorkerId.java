package dev.muster.planner.core;

import java.util.Optional;

/**
 * A worker id of a machine of ours, {@code prefix:pool:machine type:cloud id[.slot]}: ClearML's own convention, whose parser
 * refuses a fifth part.
 */
public record WorkerId(String prefix, String pool, String machineType, String cloudId) {

    /** Empty if the text is no such id. */
    public static Optional<WorkerId> parse(String text) {
        // By hand, since a look may name ten thousand.
        var first = text.indexOf(':');
        var second = text.indexOf(':', first + 1);
        var third = text.indexOf(':', second + 1);
        var isOne = first > 0 && second > first + 1 && third > second + 1 && third < text.length() - 1
                && text.indexOf(':', third + 1) < 0 && text.indexOf('/') < 0;
        return isOne ? Optional.of(new WorkerId(text.substring(0, first), text.substring(first + 1, second),
                text.substring(second + 1, third), text.substring(third + 1, endOfCloudId(text, third + 1)))) : Optional.empty();
    }

    /** Before the slot, a number behind the last dot, if there is one. */
    private static int endOfCloudId(String text, int begin) {
        var dot = text.length() - 1;
        while (dot > begin && text.charAt(dot) >= '0' && text.charAt(dot) <= '9') {
            dot--;
        }
        return dot > begin && text.charAt(dot) == '.' && dot < text.length() - 1 ? dot : text.length();
    }
}
