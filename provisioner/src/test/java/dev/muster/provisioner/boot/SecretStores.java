package dev.muster.provisioner.boot;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** AWS's secret stores, which a test fills: SSM's GetParameters, and GetSecretValue and BatchGetSecretValue of Secrets Manager. Thread-safe. */
final class SecretStores implements AutoCloseable {

    static final String ACCESS_KEY = "ASIAMACHINE";
    static final String SECRET_KEY = "machine/secret+key";
    static final String TOKEN = "machine-token";

    private final LoopbackServer server;
    private final Map<String, String> parameters = new ConcurrentHashMap<>();
    private final Map<String, String> secrets = new ConcurrentHashMap<>();
    private final Set<String> denied = ConcurrentHashMap.newKeySet();
    private final Deque<Refusal> next = new ArrayDeque<>();

    private record Refusal(int status, String code) {}

    private static final class Refused extends Exception {
        private static final long serialVersionUID = 1;
        private final transient Refusal refusal;

        Refused(int status, String code) {
            this.refusal = new Refusal(status, code);
        }
    }

    SecretStores() throws IOException {
        server = new LoopbackServer();
        server.answer("", (exchange, asked) -> {
            JsonObject answer;
            int status = 200;
            try {
                answer = answer(asked.header("X-amz-target"), new JsonObject(new String(asked.body(), UTF_8)));
            } catch (Refused refused) {
                status = refused.refusal.status();
                answer = new JsonObject().put("__type", refused.refusal.code()).put("message", "Words of the cloud");
            }
            LoopbackServer.send(exchange, status, answer.encode().getBytes(UTF_8));
        });
    }

    String url() {
        return server.url() + "/";
    }

    void parameter(String name, String value) {
        parameters.put(name, value);
    }

    void secret(String name, String value) {
        secrets.put(name, value);
    }

    /** By name, or a whole action. */
    void deny(String what) {
        denied.add(what);
    }

    /** The next calls are answered so, each once. */
    synchronized void refuseNext(int status, String code) {
        next.add(new Refusal(status, code));
    }

    /** What was called, in order. */
    List<String> calls() {
        return asked().stream().map(asked -> asked.header("X-amz-target")).toList();
    }

    List<LoopbackServer.Asked> asked() {
        return server.asked("");
    }

    private JsonObject answer(String target, JsonObject request) throws Refused {
        synchronized (this) {
            if (!next.isEmpty()) {
                var refusal = next.remove();
                throw new Refused(refusal.status(), refusal.code());
            }
        }
        check(target);
        return switch (target) {
            case "AmazonSSM.GetParameters" -> {
                var found = new JsonArray();
                var invalid = new JsonArray();
                for (var name : names(request.getJsonArray("Names"), 10)) {
                    check(name);
                    if (parameters.containsKey(name)) {
                        found.add(new JsonObject().put("Name", name).put("ARN", "arn:aws:ssm:us-east-1:123456789012:parameter" + name)
                                .put("Value", request.getBoolean("WithDecryption") ? parameters.get(name) : "sealed"));
                    } else {
                        invalid.add(name);
                    }
                }
                yield new JsonObject().put("Parameters", found).put("InvalidParameters", invalid);
            }
            case "secretsmanager.GetSecretValue" -> secret(request.getString("SecretId"));
            case "secretsmanager.BatchGetSecretValue" -> {
                var found = new JsonArray();
                var errors = new JsonArray();
                for (var name : names(request.getJsonArray("SecretIdList"), 20)) {
                    try {
                        found.add(secret(name));
                    } catch (Refused refused) {
                        errors.add(new JsonObject().put("SecretId", name).put("ErrorCode", refused.refusal.code()));
                    }
                }
                yield new JsonObject().put("SecretValues", found).put("Errors", errors);
            }
            default -> throw new Refused(400, "UnknownOperationException");
        };
    }

    private static List<String> names(JsonArray names, int most) throws Refused {
        if (names.isEmpty() || names.size() > most) {
            throw new Refused(400, "ValidationException");
        }
        return names.stream().map(String.class::cast).toList();
    }

    private JsonObject secret(String name) throws Refused {
        check(name);
        if (!secrets.containsKey(name)) {
            throw new Refused(400, "ResourceNotFoundException");
        }
        return new JsonObject().put("Name", name).put("ARN", "arn:aws:secretsmanager:us-east-1:123456789012:secret:" + name + "-AbCdEf")
                .put("SecretString", secrets.get(name));
    }

    private void check(String what) throws Refused {
        if (denied.contains(what)) {
            throw new Refused(400, "com.amazonaws#AccessDeniedException");
        }
    }

    @Override
    public void close() {
        server.close();
    }
}
