package dev.muster.sandbox.ec2;

import dev.muster.sandbox.CloudTime;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;

/** SSM's parameters: names of machine images, and secrets. AWS JSON 1.1: GetParameter and GetParameters. Thread-safe. */
final class Ssm {

    private final CloudTime time;
    private final Map<String, Parameter> parameters = new HashMap<>();

    /** @param version counts from 1; every write adds one */
    private record Parameter(String value, boolean secure, long version, Instant written) {
    }

    Ssm(CloudTime time, Map<String, String> first) {
        this.time = time;
        first.forEach((name, value) -> put(name, value, false));
    }

    synchronized void put(String name, String value, boolean secure) {
        var before = parameters.get(name);
        parameters.put(name, new Parameter(value, secure, before == null ? 1 : before.version() + 1, time.now()));
    }

    /** @param operation the part of X-Amz-Target after the dot */
    synchronized JsonObject answer(Call.Scope scope, String operation, JsonObject request) {
        boolean decrypt = Boolean.TRUE.equals(request.getBoolean("WithDecryption"));
        return switch (operation) {
            case "GetParameter" -> {
                var name = request.getString("Name");
                if (name == null || name.isEmpty()) {
                    throw Refusal.of("ValidationException", "1 validation error detected: Value at 'name' failed to satisfy constraint: Member must not be null");
                }
                var found = find(scope, name, decrypt);
                if (found == null) {
                    throw Refusal.of("ParameterNotFound", "Parameter " + name + " not found.");
                }
                yield new JsonObject().put("Parameter", found);
            }
            case "GetParameters" -> {
                var names = request.getJsonArray("Names", new JsonArray());
                if (names.isEmpty() || names.size() > 10) {
                    throw Refusal.of("ValidationException", "1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length from 1 to 10");
                }
                var found = new JsonArray();
                var invalid = new ArrayList<String>();
                var distinct = new LinkedHashSet<String>();
                names.forEach(name -> distinct.add(String.valueOf(name)));
                for (var name : distinct) {
                    var parameter = find(scope, name, decrypt);
                    if (parameter == null) {
                        invalid.add(name);
                    } else {
                        found.add(parameter);
                    }
                }
                yield new JsonObject().put("Parameters", found).put("InvalidParameters", new JsonArray(invalid));
            }
            default -> throw Refusal.of("UnknownOperationException", "This stand-in for SSM answers GetParameter and GetParameters, not " + operation);
        };
    }

    private JsonObject find(Call.Scope scope, String asked, boolean decrypt) {
        int arn = asked.indexOf(":parameter/");
        var name = asked.startsWith("arn:") && arn > 0 ? asked.substring(arn + ":parameter".length()) : asked;
        var parameter = parameters.get(name);
        if (parameter == null && name.startsWith("/")) {
            // A name without a leading slash loses it in no ARN.
            parameter = asked.startsWith("arn:") ? parameters.get(name.substring(1)) : null;
        }
        if (parameter == null) {
            return null;
        }
        var owner = name.startsWith("/aws/") ? "" : scope.account();
        return new JsonObject().put("Name", name).put("Type", parameter.secure() ? "SecureString" : "String")
                .put("Value", parameter.secure() && !decrypt ? "AQICAHsealed" : parameter.value()).put("Version", parameter.version())
                .put("LastModifiedDate", parameter.written().toEpochMilli() / 1000.0)
                .put("ARN", "arn:aws:ssm:" + scope.region() + ":" + owner + ":parameter" + (name.startsWith("/") ? "" : "/") + name).put("DataType", "text");
    }
}
