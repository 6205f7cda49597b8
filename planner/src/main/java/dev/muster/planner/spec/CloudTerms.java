package dev.muster.planner.spec;

import dev.muster.contracts.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What a spec says in a cloud's own terms, as JSON, and where things stand in it. */
final class CloudTerms {

    private CloudTerms() {}

    /**
     * The JSON object that was written; empty if it is none, which is then among what was found.
     *
     * @param what of which there is to be an object, for people
     * @param example of a member
     */
    static Optional<Map<?, ?>> read(Findings found, String at, String json, String what, String example) {
        Object read;
        try {
            read = Json.read(json);
        } catch (IllegalArgumentException broken) {
            found.say(at, broken.getMessage(), "write " + what + ", or a JSON object of them");
            return Optional.empty();
        }
        if (!(read instanceof Map<?, ?> object)) {
            found.say(at, "is no JSON object", "write " + what + ", such as " + example);
            return Optional.empty();
        }
        return Optional.of(object);
    }

    /** The value at a path of members; null if there is none. */
    static Object at(Map<?, ?> object, String path) {
        Object value = object;
        for (var member : path.split("\\.")) {
            value = value instanceof Map<?, ?> map ? map.get(member) : null;
        }
        return value;
    }

    /** The items of a list, an empty object for each that is none; none of what is no list. */
    static List<Map<?, ?>> objects(Object list) {
        var objects = new ArrayList<Map<?, ?>>();
        if (list instanceof List<?> items) {
            items.forEach(item -> objects.add(item instanceof Map<?, ?> map ? map : Map.of()));
        }
        return objects;
    }
}
