package dev.muster.planner.http;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor.JavaType;
import com.google.protobuf.Message;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Makes a call's request out of its path, query, body and headers. All that is wrong with them is said at once. */
final class RequestReader {

    /** Of one query. */
    private static final int MOST_PARAMETERS = 500;
    private static final String REQUEST_ID = "request_id";
    private static final String EXPECTED_VERSION = "expected_version";
    private static final String RESUME_TOKEN = "resume_token";

    private final Message.Builder request;
    private final Violations found = new Violations();
    /** What the query has set: once each. */
    private final Set<String> given = new HashSet<>();

    private RequestReader(Message.Builder request) {
        this.request = request;
    }

    /**
     * Headers that stand for a field of the request, where it has one.
     *
     * @param idempotencyKey request_id
     * @param ifMatch expected_version, in quotes as ETag has it
     * @param ifNoneMatch only {@code *}: the fleet must not exist
     * @param lastEventId resume_token; it comes before the query's, since a browser repeats that as it was
     */
    record Conditions(String idempotencyKey, String ifMatch, String ifNoneMatch, String lastEventId) {}

    /** @param body null where the binding has none. @throws HttpFailure that names all that is wrong */
    static Message read(Bindings.Match match, String query, String body, Conditions conditions) {
        var binding = match.binding();
        var reader = new RequestReader(binding.newRequest());
        var parameters = parameters(query);
        if (binding.hasBody()) {
            if (!body.isBlank()) {
                JsonMessages.read(body, reader.request, reader.found);
            }
            parameters.forEach(parameter -> reader.found.add(parameter.getKey(), "is in the query; this call's fields are in its body"));
        } else {
            parameters.forEach(parameter -> reader.parameter(parameter.getKey(), parameter.getValue()));
        }
        match.values().forEach(reader::pathField);
        reader.conditions(conditions);
        reader.found.throwIfAny();
        return reader.request.build();
    }

    private static List<Map.Entry<String, String>> parameters(String query) {
        List<Map.Entry<String, String>> parameters;
        try {
            parameters = Percent.query(query);
        } catch (IllegalArgumentException problem) {
            throw HttpFailure.invalid("query", problem.getMessage());
        }
        if (parameters.size() > MOST_PARAMETERS) {
            throw HttpFailure.invalid("query", "has " + parameters.size() + " parameters; use at most " + MOST_PARAMETERS);
        }
        return parameters;
    }

    private void parameter(String name, String value) {
        var into = request;
        // labels[key], as OpenAPI writes objects in a query, is labels.key.
        var rest = name.endsWith("]") && name.indexOf('[') > 0 ? name.substring(0, name.length() - 1).replaceFirst("\\[", ".") : name;
        while (true) {
            int dot = rest.indexOf('.');
            var first = dot < 0 ? rest : rest.substring(0, dot);
            var field = JsonMessages.field(into.getDescriptorForType(), first);
            if (field == null) {
                found.add(name, "is no field of " + into.getDescriptorForType().getName());
                return;
            }
            if (dot < 0) {
                set(name, into, field, value);
                return;
            }
            rest = rest.substring(dot + 1);
            if (field.isMapField()) {
                put(name, into, field, rest, value);
                return;
            }
            if (field.isRepeated() || field.getJavaType() != JavaType.MESSAGE || FieldText.isText(field)) {
                found.add(name, field.isRepeated() ? "is in a list of objects, which a query can't have" : "has a part behind a field that has none");
                return;
            }
            into = into.getFieldBuilder(field);
        }
    }

    private void set(String name, Message.Builder into, FieldDescriptor field, String value) {
        if (field.getJavaType() == JavaType.MESSAGE && !FieldText.isText(field)) {
            found.add(name, field.isMapField() ? "needs a key: " + name + ".key=value" : "is an object: name its fields, as in " + name + "."
                    + field.getMessageType().getFields().get(0).getJsonName());
            return;
        }
        try {
            var read = FieldText.value(field, value);
            if (field.isRepeated()) {
                into.addRepeatedField(field, read);
            } else if (!given.add(name.substring(0, name.lastIndexOf('.') + 1) + field.getJsonName())) {
                found.add(name, "is there twice");
            } else if (field.getRealContainingOneof() != null && into.hasOneof(field.getRealContainingOneof())) {
                found.add(name, "can't be beside " + into.getOneofFieldDescriptor(field.getRealContainingOneof()).getJsonName() + ": only one of them is");
            } else {
                into.setField(field, read);
            }
        } catch (IllegalArgumentException problem) {
            found.add(name, value, problem.getMessage());
        }
    }

    private void put(String name, Message.Builder into, FieldDescriptor map, String key, String value) {
        var keyField = map.getMessageType().findFieldByNumber(1);
        var valueField = map.getMessageType().findFieldByNumber(2);
        if (valueField.getJavaType() == JavaType.MESSAGE) {
            found.add(name, "is in a map of objects, which a query can't have");
        } else if (!given.add(name)) {
            found.add(name, "is there twice");
        } else {
            try {
                into.addRepeatedField(map, into.newBuilderForField(map).setField(keyField, FieldText.value(keyField, key))
                        .setField(valueField, FieldText.value(valueField, value)).build());
            } catch (IllegalArgumentException problem) {
                found.add(name, value, problem.getMessage());
            }
        }
    }

    /** What the path says holds; a body or query that says something else is a mistake of somebody's. */
    private void pathField(String path, String value) {
        var into = request;
        var parts = path.split("\\.");
        for (int i = 0; i < parts.length - 1; i++) {
            into = into.getFieldBuilder(into.getDescriptorForType().findFieldByName(parts[i]));
        }
        var field = into.getDescriptorForType().findFieldByName(parts[parts.length - 1]);
        same(into, field, value, "the path");
    }

    private void conditions(Conditions conditions) {
        header(REQUEST_ID, conditions.idempotencyKey(), "the header Idempotency-Key");
        if (conditions.ifMatch() != null && has(EXPECTED_VERSION)) {
            if (conditions.ifMatch().matches("\"\\d{1,19}\"")) {
                header(EXPECTED_VERSION, conditions.ifMatch().replace("\"", ""), "the header If-Match");
            } else {
                found.add("If-Match", conditions.ifMatch(), "write the fleet's version in quotes, as ETag has it");
            }
        }
        if (conditions.ifNoneMatch() != null && has(EXPECTED_VERSION)) {
            if (conditions.ifNoneMatch().equals("*")) {
                header(EXPECTED_VERSION, "0", "the header If-None-Match");
            } else {
                found.add("If-None-Match", conditions.ifNoneMatch(), "write *, which says that there must be no such fleet, or leave it out");
            }
        }
        if (conditions.lastEventId() != null && !conditions.lastEventId().isEmpty() && has(RESUME_TOKEN)) {
            var field = request.getDescriptorForType().findFieldByName(RESUME_TOKEN);
            request.setField(field, conditions.lastEventId());
        }
    }

    private boolean has(String field) {
        return request.getDescriptorForType().findFieldByName(field) != null;
    }

    private void header(String field, String value, String header) {
        if (value != null && has(field)) {
            same(request, request.getDescriptorForType().findFieldByName(field), value, header);
        }
    }

    private void same(Message.Builder into, FieldDescriptor field, String value, String source) {
        try {
            var read = FieldText.value(field, value);
            var there = into.getField(field);
            var isThere = field.hasPresence() ? into.hasField(field) : !there.equals(field.getDefaultValue());
            if (isThere && !there.equals(read)) {
                found.add(field.getJsonName(), String.valueOf(there), source + " says something else");
                return;
            }
            into.setField(field, read);
        } catch (IllegalArgumentException problem) {
            found.add(field.getJsonName(), value, problem.getMessage());
        }
    }
}
