package dev.muster.planner.http;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * A path of google.api.http: words and fields of the request between slashes, and perhaps a verb, as in {@code /v1/fleets/{name}:pause}.
 * A field is one segment; patterns within a field are none of ours.
 *
 * @param verb with its colon; empty: none
 */
record PathTemplate(String text, List<Segment> segments, String verb) {

    /** @param field path of a field, such as spec.name; null: it is the word */
    record Segment(String word, String field) {}

    PathTemplate {
        segments = List.copyOf(segments);
    }

    static PathTemplate of(String text) {
        if (!text.matches("(/([A-Za-z0-9]+|\\{[a-z_.]+}))+(:[A-Za-z]+)?")) {
            throw new IllegalArgumentException(text + " is no path that this server understands");
        }
        int colon = text.indexOf(':');
        var path = colon < 0 ? text : text.substring(0, colon);
        var segments = new ArrayList<Segment>();
        for (var part : path.substring(1).split("/")) {
            segments.add(part.startsWith("{") ? new Segment(null, part.substring(1, part.length() - 1)) : new Segment(part, null));
        }
        return new PathTemplate(text, segments, colon < 0 ? "" : text.substring(colon));
    }

    List<String> fields() {
        return segments.stream().filter(segment -> segment.field() != null).map(Segment::field).toList();
    }

    /** What two paths have in common that can't be told apart. */
    String shape() {
        return segments.stream().map(segment -> segment.field() == null ? segment.word() : "{}").collect(Collectors.joining("/")) + verb;
    }

    /** Values by field; empty: it is another path. */
    Optional<Map<String, String>> match(RequestPath path) {
        if (path.segments().size() != segments.size() || !path.verb().equals(verb)) {
            return Optional.empty();
        }
        var values = new LinkedHashMap<String, String>();
        for (int i = 0; i < segments.size(); i++) {
            var wanted = segments.get(i);
            var there = path.segments().get(i);
            if (wanted.field() == null ? !wanted.word().equals(there) : there.isEmpty()) {
                return Optional.empty();
            }
            if (wanted.field() != null) {
                values.put(wanted.field(), there);
            }
        }
        return Optional.of(values);
    }
}
