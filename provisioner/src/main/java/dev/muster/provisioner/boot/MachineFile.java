package dev.muster.provisioner.boot;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A file of a machine as far as it is known here. User data has its lines up to the first with a value that the machine fetches; from
 * there on it is pieces, which the machine puts together: so no text can be taken for a place where a value belongs.
 */
final class MachineFile {

    /** How a value stands in its file. {@code fetch_secrets.py} does the same to what it fetches. */
    enum Quoting {
        /** As it is. */
        NONE {
            @Override
            String quote(String text) {
                return text;
            }
        },
        /** The rest of a line; a value of several lines is refused. */
        LINE {
            @Override
            String quote(String text) {
                return text;
            }
        },
        /** Within single quotes of a shell. */
        SHELL {
            @Override
            String quote(String text) {
                return text.replace("'", "'\\''");
            }
        },
        /** Within double quotes of JSON. */
        JSON {
            @Override
            String quote(String text) {
                var quoted = new StringBuilder();
                for (char c : text.toCharArray()) {
                    switch (c) {
                        case '"', '\\' -> quoted.append('\\').append(c);
                        case '\n' -> quoted.append("\\n");
                        case '\r' -> quoted.append("\\r");
                        case '\t' -> quoted.append("\\t");
                        default -> quoted.append(c < ' ' ? "\\u%04x".formatted((int) c) : Character.toString(c));
                    }
                }
                return quoted.toString();
            }
        };

        abstract String quote(String text);
    }

    private final StringBuilder known = new StringBuilder();
    /** JSON: a string is text, a pair is a reference and its quoting. */
    private final List<String> rest = new ArrayList<>();

    MachineFile text(String text) {
        if (rest.isEmpty()) {
            known.append(text);
        } else {
            rest.add(json(text));
        }
        return this;
    }

    MachineFile value(Given value, Quoting quoting) {
        if (value instanceof Given.Kept kept) {
            if (rest.isEmpty()) {
                // Whole lines: a shell reads the file before the rest is there.
                int line = known.lastIndexOf("\n") + 1;
                rest.add(json(known.substring(line)));
                known.setLength(line);
            }
            rest.add("[" + json(kept.reference().toString()) + "," + json(quoting.name().toLowerCase(java.util.Locale.ROOT)) + "]");
            return this;
        }
        return text(quoting.quote(((Given.Text) value).text()));
    }

    boolean isKnown() {
        return rest.isEmpty();
    }

    /** What is in user data. */
    String known() {
        return known.toString();
    }

    /** What the machine appends, as a JSON array. */
    String rest() {
        return rest.stream().collect(Collectors.joining(",", "[", "]"));
    }

    static String json(String text) {
        return '"' + Quoting.JSON.quote(text) + '"';
    }
}
