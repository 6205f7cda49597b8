package dev.muster.sandbox.clearml;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Collection;

/** JSON as ClearML's server writes it: documents addressed by dotted paths, times with microseconds and an offset. */
final class Json {

    static final ObjectMapper MAPPER = new ObjectMapper();
    private static final JsonNodeFactory NODES = MAPPER.getNodeFactory();
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSS'+00:00'")
            .withZone(ZoneOffset.UTC);

    private Json() {
    }

    static ObjectNode object() {
        return NODES.objectNode();
    }

    static ArrayNode array() {
        return NODES.arrayNode();
    }

    static ArrayNode array(Collection<String> values) {
        var array = NODES.arrayNode(values.size());
        values.forEach(array::add);
        return array;
    }

    static String time(Instant instant) {
        return TIME.format(instant);
    }

    static Instant instant(String time) {
        return OffsetDateTime.parse(time).toInstant();
    }

    /** The node at a path such as {@code execution.queue}; a missing node where the path ends early. */
    static JsonNode at(JsonNode document, String dottedPath) {
        var node = document;
        int from = 0;
        while (true) {
            int dot = dottedPath.indexOf('.', from);
            if (dot < 0) {
                return node.path(dottedPath.substring(from));
            }
            node = node.path(dottedPath.substring(from, dot));
            from = dot + 1;
        }
    }

    /** The object under {@code field}, made if it isn't there. */
    static ObjectNode child(ObjectNode parent, String field) {
        return parent.get(field) instanceof ObjectNode child ? child : parent.putObject(field);
    }

    /** Only the named dotted paths of a document, and its id, which the server always adds. */
    static ObjectNode project(ObjectNode document, Collection<String> paths) {
        if (paths.isEmpty()) {
            return document;
        }
        var projected = object();
        if (document.has("id")) {
            projected.set("id", document.get("id"));
        }
        for (var path : paths) {
            copyPath(document, projected, path);
        }
        return projected;
    }

    private static void copyPath(JsonNode from, ObjectNode to, String path) {
        int dot = path.indexOf('.');
        var head = dot < 0 ? path : path.substring(0, dot);
        var value = from.get(head);
        if (value == null) {
            return;
        }
        if (dot < 0) {
            to.set(head, value);
            return;
        }
        var rest = path.substring(dot + 1);
        if (value instanceof ObjectNode) {
            copyPath(value, child(to, head), rest);
        } else if (value instanceof ArrayNode elements) {
            // A path into a list names the field of each element, as `entries.task` does.
            var copies = to.get(head) instanceof ArrayNode earlier ? earlier : to.putArray(head);
            for (int i = 0; i < elements.size(); i++) {
                if (copies.size() <= i) {
                    copies.addObject();
                }
                if (elements.get(i) instanceof ObjectNode element && copies.get(i) instanceof ObjectNode copy) {
                    copyPath(element, copy, rest);
                }
            }
        }
    }
}
