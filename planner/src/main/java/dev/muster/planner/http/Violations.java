package dev.muster.planner.http;

import com.google.rpc.BadRequest;
import java.util.ArrayList;
import java.util.List;

/** All that is wrong with one request, so that it can be said at once. */
final class Violations {

    /** Whoever sends more of them is helped by no list. */
    private static final int MOST = 50;
    /** Of what was sent, shown back. Characters. */
    private static final int SHOWN = 60;

    private final List<BadRequest.FieldViolation> found = new ArrayList<>();

    /** @param field its path in lowerCamelCase, such as spec.pools[0].limits.max */
    void add(String field, String problem) {
        if (found.size() < MOST) {
            found.add(BadRequest.FieldViolation.newBuilder().setField(shown(field)).setDescription(problem).build());
        }
    }

    /** A problem with a value, which is named. */
    void add(String field, String value, String problem) {
        add(field, "is '" + shown(value) + "'; " + problem);
    }

    void throwIfAny() {
        if (!found.isEmpty()) {
            throw HttpFailure.invalid(found);
        }
    }

    /** What anybody sent, cut and without what a terminal or a log would take for its own. */
    private static String shown(String text) {
        var cut = text.length() > SHOWN ? text.substring(0, SHOWN) + "…" : text;
        return cut.codePoints().map(c -> Character.isISOControl(c) || c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? '?' : c)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString();
    }
}
