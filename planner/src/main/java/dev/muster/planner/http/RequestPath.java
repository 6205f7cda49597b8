package dev.muster.planner.http;

import java.util.ArrayList;
import java.util.List;

/**
 * A request's path: its segments, decoded, and the verb behind the last one's colon. Some clients encode that colon, and no name that can stand
 * there has one, so that both are read as one.
 *
 * @param verb with its colon; empty: none
 */
record RequestPath(List<String> segments, String verb) {

    RequestPath {
        segments = List.copyOf(segments);
    }

    /** @throws HttpFailure if it is not well encoded */
    static RequestPath of(String path) {
        var segments = new ArrayList<String>();
        try {
            for (var part : path.substring(1).split("/", -1)) {
                segments.add(Percent.decoded(part));
            }
        } catch (IllegalArgumentException problem) {
            throw HttpFailure.invalid("path", problem.getMessage());
        }
        var last = segments.remove(segments.size() - 1);
        int colon = last.indexOf(':');
        segments.add(colon < 0 ? last : last.substring(0, colon));
        return new RequestPath(segments, colon < 0 ? "" : last.substring(colon));
    }
}
