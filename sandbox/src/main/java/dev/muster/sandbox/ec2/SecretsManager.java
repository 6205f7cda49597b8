package dev.muster.sandbox.ec2;

import dev.muster.sandbox.CloudTime;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;

/** Secrets Manager's secrets, each with its current version alone. AWS JSON 1.1: GetSecretValue and BatchGetSecretValue. Thread-safe. */
final class SecretsManager {

    static final String TARGET = "secretsmanager.";

    /** As the service's own limit of names in one call. */
    private static final int MOST = 20;

    private final CloudTime time;
    private final Map<String, Secret> secrets = new HashMap<>();

    private record Secret(String value, Instant written, String version) {
    }

    SecretsManager(CloudTime time) {
        this.time = time;
    }

    synchronized void put(String name, String value) {
        if (!name.matches("[A-Za-z0-9/_+=.@-]{1,512}")) {
            throw new IllegalArgumentException("name is " + name + "; it must be 1 to 512 letters, digits and /_+=.@-");
        }
        secrets.put(name, new Secret(value, time.now(), UUID.nameUUIDFromBytes((name + value).getBytes(StandardCharsets.UTF_8)).toString()));
    }

    /** @throws Refusal as the service would */
    synchronized JsonObject answer(Call.Scope scope, String operation, JsonObject request) {
        return switch (operation) {
            case "GetSecretValue" -> {
                var id = request.getString("SecretId");
                if (id == null || id.isEmpty()) {
                    throw Refusal.of("ValidationException", "1 validation error detected: Value at 'secretId' failed to satisfy constraint: Member must not be null");
                }
                yield find(scope, id);
            }
            case "BatchGetSecretValue" -> {
                var ids = request.getJsonArray("SecretIdList", new JsonArray());
                if (ids.isEmpty() || ids.size() > MOST) {
                    throw Refusal.of("InvalidParameterException", "SecretIdList must have 1 to " + MOST + " ids");
                }
                var found = new JsonArray();
                var errors = new JsonArray();
                for (var id : ids) {
                    try {
                        found.add(find(scope, String.valueOf(id)));
                    } catch (Refusal refused) {
                        errors.add(new JsonObject().put("SecretId", id).put("ErrorCode", refused.code()).put("Message", refused.getMessage()));
                    }
                }
                yield new JsonObject().put("SecretValues", found).put("Errors", errors);
            }
            default -> throw Refusal.of("UnknownOperationException", "This stand-in for Secrets Manager answers GetSecretValue and BatchGetSecretValue, not " + operation);
        };
    }

    /** By name, ARN, or an ARN without the six characters at its end. */
    private JsonObject find(Call.Scope scope, String asked) {
        for (var entry : secrets.entrySet()) {
            var name = entry.getKey();
            var start = "arn:aws:secretsmanager:" + scope.region() + ":" + scope.account() + ":secret:" + name;
            var arn = start + "-" + Geography.id("s", name).substring(2, 8);
            if (asked.equals(name) || asked.equals(start) || asked.equals(arn)) {
                var secret = entry.getValue();
                return new JsonObject().put("ARN", arn).put("Name", name).put("VersionId", secret.version()).put("SecretString", secret.value())
                        .put("VersionStages", new JsonArray().add("AWSCURRENT")).put("CreatedDate", secret.written().toEpochMilli() / 1000.0);
            }
        }
        throw Refusal.of("ResourceNotFoundException", "Secrets Manager can't find the specified secret.");
    }
}
