package dev.muster.k8s;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.muster.clearml.Clearml;
import dev.muster.clearml.ClearmlAddress;
import dev.muster.clearml.ClearmlException;
import dev.muster.contracts.SecretsFolder;
import dev.muster.sandbox.clearml.ClearmlConfig;
import dev.muster.sandbox.clearml.ClearmlServer;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;

/** Stand-ins of ClearML servers with a queue each, and Muster's keys for them in a secrets folder. */
final class TestClearml implements AutoCloseable {

    private final Vertx vertx = Vertx.vertx();
    private final Map<String, ClearmlServer> byConnection = new LinkedHashMap<>();
    private final Map<String, String> queues = new LinkedHashMap<>();
    final SecretsFolder secrets;
    final ClearmlServers servers;

    TestClearml(Path folder, String... connections) throws IOException, ClearmlException {
        secrets = new SecretsFolder(folder);
        var addresses = new LinkedHashMap<String, ClearmlAddress>();
        for (var connection : connections) {
            var server = ClearmlServer.start(vertx, 0, ClearmlConfig.of(new ClearmlConfig.Credential("access-" + connection, "secret-of-" + connection, "muster", "lab")));
            byConnection.put(connection, server);
            addresses.put(connection, ClearmlAddress.at(URI.create(server.url())));
            writeKeys(connection, "secret-of-" + connection);
        }
        servers = new ClearmlServers(vertx, secrets, addresses);
        for (var connection : connections) {
            queues.put(connection, client(connection).createQueue("gpu"));
        }
    }

    void writeKeys(String connection, String secretKey) throws IOException {
        Files.writeString(secrets.folder().resolve(SecretsFolder.clearmlAccessKey(connection)), "access-" + connection);
        Files.writeString(secrets.folder().resolve(SecretsFolder.clearmlSecretKey(connection)), secretKey + "\n");
    }

    ClearmlServer server(String connection) {
        return byConnection.get(connection);
    }

    Clearml client(String connection) {
        return servers.find(connection).orElseThrow();
    }

    static ObjectNode fields() {
        return JsonNodeFactory.instance.objectNode().put("name", "train it").put("type", "training");
    }

    /** Id of a task that waits. */
    String waiting(String connection, ObjectNode fields) throws ClearmlException {
        var task = client(connection).createTask(fields);
        client(connection).enqueue(task, queues.get(connection), "");
        return task;
    }

    /** A call that Muster itself never makes. */
    void call(String connection, String endpoint, ObjectNode body) throws IOException, InterruptedException {
        var keys = Base64.getEncoder().encodeToString(("access-" + connection + ":secret-of-" + connection).getBytes(UTF_8));
        var request = HttpRequest.newBuilder(URI.create(server(connection).url() + "/" + endpoint)).header("Authorization", "Basic " + keys)
                .header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(body.toString())).build();
        var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() != 200) {
            throw new AssertionError(endpoint + ": " + answer.statusCode() + " " + answer.body());
        }
    }

    @Override
    public void close() {
        servers.close();
        byConnection.values().forEach(ClearmlServer::close);
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }
}
