package dev.muster.sandbox.gce;

import dev.muster.sandbox.CloudTime;
import dev.muster.sandbox.machine.MachineImage;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/** The stand-in on a real port with its admin routes on another, and a plain HTTP client for both. */
final class Http implements AutoCloseable {

    final Vertx vertx = Vertx.vertx();
    final Map<String, MachineImage.Hardware> booted = new ConcurrentHashMap<>();
    final GceServer server;
    final String admin;
    final HttpClient client = HttpClient.newHttpClient();
    /** Sent with each call of the API. */
    String authorization;

    Http(GceConfig config, CloudTime time) {
        server = GceServer.start(vertx, config, hardware -> {
            booted.put(hardware.cloudId(), hardware);
            return () -> booted.remove(hardware.cloudId());
        }, time);
        var router = Router.router(vertx);
        server.mountAdmin(router);
        var http = vertx.createHttpServer(new HttpServerOptions().setHost("127.0.0.1").setPort(0)).requestHandler(router);
        http.listen().toCompletionStage().toCompletableFuture().join();
        admin = "http://127.0.0.1:" + http.actualPort();
    }

    /** @param path below {@code /compute/v1/} */
    HttpRequest.Builder request(String method, String path, JsonObject body) {
        var request = HttpRequest.newBuilder(URI.create(server.url() + "/compute/v1/" + path)).header("Content-Type", "application/json")
                .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body.encode()));
        return authorization == null ? request : request.header("Authorization", authorization);
    }

    HttpResponse<String> get(String path) {
        return send(request("GET", path, null));
    }

    HttpResponse<String> post(String path, JsonObject body) {
        return send(request("POST", path, body));
    }

    HttpResponse<String> insert(String name) {
        return post(Cloud.INSTANCES, Cloud.instance(name));
    }

    CompletableFuture<HttpResponse<String>> inserting(String name) {
        return client.sendAsync(request("POST", Cloud.INSTANCES, Cloud.instance(name)).build(), BodyHandlers.ofString());
    }

    HttpResponse<String> form(String path, String form) {
        return send(HttpRequest.newBuilder(URI.create(server.url() + path)).header("Content-Type", "application/x-www-form-urlencoded").POST(BodyPublishers.ofString(form)));
    }

    /** @param headers name, value, … */
    HttpResponse<String> read(String url, String... headers) {
        var request = HttpRequest.newBuilder(URI.create(url)).GET();
        return send(headers.length == 0 ? request : request.headers(headers));
    }

    HttpResponse<String> admin(String path, JsonObject body) {
        return send(HttpRequest.newBuilder(URI.create(admin + path)).POST(BodyPublishers.ofString(body.encode())));
    }

    JsonObject books() {
        return new JsonObject(read(admin + "/gce/books").body());
    }

    HttpResponse<String> send(HttpRequest.Builder request) {
        try {
            return client.send(request.build(), BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        server.close();
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }
}
