package dev.muster.sandbox.clearml;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One request as an endpoint sees it: who asks, and its fields, read leniently because the server takes the same fields from
 * a body, a query or a form, where numbers and lists arrive as text.
 *
 * @param batch  the lines of a json-lines body; empty for any other request
 * @param worker what the {@code X-ClearML-Worker} header says; null if absent
 * @param ip     the caller's address
 */
record Call(Identity caller, ObjectNode fields, List<ObjectNode> batch, String worker, String ip) {

    boolean has(String field) {
        return !fields.path(field).isMissingNode() && !fields.path(field).isNull();
    }

    JsonNode get(String field) {
        return fields.path(field);
    }

    /** The text of a field that must be there. */
    String text(String field) {
        return optionalText(field).orElseThrow(() -> ApiFault.missing(field));
    }

    Optional<String> optionalText(String field) {
        if (!has(field)) {
            return Optional.empty();
        }
        if (get(field).isContainerNode()) {
            throw ApiFault.invalid(field, "expected a string");
        }
        return Optional.of(get(field).asText());
    }

    boolean flag(String field) {
        return get(field).asBoolean(false);
    }

    boolean flag(String field, boolean whenAbsent) {
        return has(field) ? get(field).asBoolean(whenAbsent) : whenAbsent;
    }

    long number(String field, long whenAbsent) {
        if (!has(field)) {
            return whenAbsent;
        }
        var node = get(field);
        if (node.isNumber()) {
            return node.asLong();
        }
        try {
            return (long) Double.parseDouble(node.asText());
        } catch (NumberFormatException notANumber) {
            throw ApiFault.invalid(field, "expected a number");
        }
    }

    /** A list field; a single value counts as a list of one, an absent field as an empty list. */
    List<String> texts(String field) {
        if (!has(field)) {
            return List.of();
        }
        if (get(field) instanceof ArrayNode array) {
            var texts = new ArrayList<String>(array.size());
            for (var element : array) {
                if (element.isContainerNode()) {
                    throw ApiFault.invalid(field, "expected a list of strings");
                }
                texts.add(element.asText());
            }
            return texts;
        }
        return List.of(text(field));
    }

    /** An object field, copied so that stored documents never share nodes with requests; empty if absent. */
    Optional<ObjectNode> object(String field) {
        if (!has(field)) {
            return Optional.empty();
        }
        if (get(field) instanceof ObjectNode object) {
            return Optional.of(object.deepCopy());
        }
        throw ApiFault.invalid(field, "expected an object");
    }

    Call withFields(ObjectNode other) {
        return new Call(caller, other, batch, worker, ip);
    }
}
