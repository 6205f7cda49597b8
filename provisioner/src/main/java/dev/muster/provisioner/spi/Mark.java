package dev.muster.provisioner.spi;

import java.util.Locale;
import java.util.Optional;

/**
 * What a machine's guard is told through its cloud.
 *
 * @param ordinal of the command that said so; a guard ignores lower ones
 */
public record Mark(Word word, long ordinal) {

    public enum Word {
        /** Work on. */
        NONE,
        /** Take no other task; power off after the last. */
        DRAIN,
        /** Kill agents and tasks and power off. */
        DRAIN_NOW,
        /** Muster has let go of it. */
        RELEASED
    }

    public static final Mark UNMARKED = new Mark(Word.NONE, 0);

    /** As a tag's value: {@code drain-now:7}. */
    public String text() {
        return word.name().toLowerCase(Locale.ROOT).replace('_', '-') + ":" + ordinal;
    }

    /** Empty if the text is no mark; somebody else may write tags too. */
    public static Optional<Mark> parse(String text) {
        int colon = text.indexOf(':');
        if (colon < 0) {
            return Optional.empty();
        }
        try {
            var word = Word.valueOf(text.substring(0, colon).toUpperCase(Locale.ROOT).replace('-', '_'));
            return Optional.of(new Mark(word, Long.parseUnsignedLong(text.substring(colon + 1))));
        } catch (IllegalArgumentException none) {
            return Optional.empty();
        }
    }
}
