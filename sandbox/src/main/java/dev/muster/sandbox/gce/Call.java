package dev.muster.sandbox.gce;

import io.vertx.core.json.JsonObject;
import java.util.Map;
import java.util.OptionalInt;
import java.util.UUID;

/**
 * One call of the API, read.
 *
 * @param parts of the path, by their names in the route
 * @param query decoded
 * @param body empty if there is none
 * @param user who calls, as operations show it
 */
record Call(Route route, Map<String, String> parts, Map<String, String> query, JsonObject body, String user) {

    /** Google takes 500 at most, and 500 is what it takes where nothing is said. */
    private static final int MOST_RESULTS = 500;

    /** @throws Refusal if it isn't a call that Google would look at */
    static Call of(Route.Found found, Map<String, String> query, JsonObject body, String user) {
        for (var name : query.keySet()) {
            if (!found.route().takes(name)) {
                throw Refusal.badRequest("Invalid JSON payload received. Unknown name \"" + name + "\": Cannot bind query parameter. Field '" + name
                        + "' could not be found in request message.");
            }
        }
        if (found.route().body() != null) {
            Schema.check(body, found.route().body());
        } else if (!body.isEmpty()) {
            throw Refusal.badRequest("Invalid JSON payload received. Unknown name \"" + body.fieldNames().iterator().next() + "\": Cannot find field.");
        }
        return new Call(found.route(), found.parts(), query, body, user);
    }

    String method() {
        return route.method();
    }

    String project() {
        return parts.get("project");
    }

    String part(String name) {
        return parts.get(name);
    }

    /** Such as {@code projects/p/zones/z}: what the call is about, or what it lists. */
    String scope() {
        return "projects/" + project() + (parts.containsKey("zone") ? "/zones/" + part("zone") : parts.containsKey("region") ? "/regions/" + part("region") : "/global");
    }

    boolean is(String parameter) {
        return "true".equals(query.get(parameter));
    }

    /** What makes a repeated call the same one; null if it doesn't say. */
    String requestId() {
        var id = query.get("requestId");
        if (id == null || id.isEmpty()) {
            return null;
        }
        try {
            // UUID.fromString takes shorter parts, too.
            if (id.length() == 36 && !UUID.fromString(id).equals(new UUID(0, 0))) {
                return id;
            }
        } catch (IllegalArgumentException notOne) {
            // Said below.
        }
        throw Refusal.invalid("requestId", id, "The request ID must be a valid UUID, with the exception that zero UUID is not supported.");
    }

    int maxResults() {
        return number("maxResults", 0, MOST_RESULTS).orElse(MOST_RESULTS);
    }

    OptionalInt number(String parameter, int least, int most) {
        var text = query.get(parameter);
        if (text == null || text.isEmpty()) {
            return OptionalInt.empty();
        }
        try {
            int number = Integer.parseInt(text);
            if (number >= least && number <= most) {
                return OptionalInt.of(number);
            }
        } catch (NumberFormatException notOne) {
            throw Refusal.badRequest("Invalid value at '" + parameter + "' (TYPE_UINT32), \"" + text + "\"");
        }
        throw Refusal.invalid(parameter, text, "Acceptable values are " + least + " to " + most + ", inclusive.");
    }
}
