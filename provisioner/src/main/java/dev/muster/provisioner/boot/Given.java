package dev.muster.provisioner.boot;

import dev.muster.contracts.SecretRef;
import java.util.Objects;

/** A text that a machine is given: as it is, or as the reference by which the machine fetches it. Shows neither as text, since either may be secret. */
public sealed interface Given {

    Given NOTHING = new Text("");

    /** Goes into user data as it is. */
    record Text(String text) implements Given {

        public Text {
            Objects.requireNonNull(text);
        }

        @Override
        public String toString() {
            return "Text[…]";
        }
    }

    /** User data has the reference alone. */
    record Kept(SecretRef reference) implements Given {

        public Kept {
            if (!reference.isInStore()) {
                throw new IllegalArgumentException(reference + " is a file of the services, which a machine can't read");
            }
        }
    }

    static Given text(String text) {
        return text.isEmpty() ? NOTHING : new Text(text);
    }

    static Given kept(SecretRef reference) {
        return new Kept(reference);
    }

    /** Nothing is given. What a store keeps is something. */
    default boolean isEmpty() {
        return equals(NOTHING);
    }
}
