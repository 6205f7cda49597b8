package dev.muster.sandbox.ec2;

import dev.muster.sandbox.CloudTime;
import dev.muster.sandbox.machine.MachineImage;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/** The stand-in on a real port with its admin routes on another, and a plain HTTP client for both. */
final class Http implements AutoCloseable {

    final Vertx vertx = Vertx.vertx();
    final Map<String, MachineImage.Hardware> booted = new ConcurrentHashMap<>();
    final Ec2Server server;
    final String admin;
    private final HttpClient client = HttpClient.newHttpClient();

    Http(Ec2Config config, CloudTime time) {
        server = Ec2Server.start(vertx, config, hardware -> {
            booted.put(hardware.cloudId(), hardware);
            return () -> booted.remove(hardware.cloudId());
        }, time);
        var router = Router.router(vertx);
        server.mountAdmin(router);
        var http = vertx.createHttpServer(new HttpServerOptions().setHost("127.0.0.1").setPort(0)).requestHandler(router);
        http.listen().toCompletionStage().toCompletableFuture().join();
        admin = "http://127.0.0.1:" + http.actualPort();
    }

    HttpResponse<String> ec2(String action, String... parameters) {
        var all = new TreeMap<>(Map.of("Action", action, "Version", "2016-11-15"));
        for (int i = 0; i < parameters.length; i += 2) {
            all.put(parameters[i], parameters[i + 1]);
        }
        return form(credential(Ec2Config.ACCESS_KEY, "us-east-1", "ec2"), all);
    }

    HttpResponse<String> form(String authorization, Map<String, String> parameters) {
        var body = parameters.entrySet().stream().map(p -> p.getKey() + "=" + URLEncoder.encode(p.getValue(), StandardCharsets.UTF_8)).collect(Collectors.joining("&"));
        var request = HttpRequest.newBuilder(URI.create(server.url() + "/")).header("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
                .POST(HttpRequest.BodyPublishers.ofString(body));
        if (authorization != null) {
            request.header("Authorization", authorization);
        }
        return send(request);
    }

    static String credential(String key, String region, String service) {
        return "AWS4-HMAC-SHA256 Credential=" + key + "/20261123/" + region + "/" + service + "/aws4_request, SignedHeaders=host, Signature=0";
    }

    /** @param headers name, value, … */
    HttpResponse<String> get(String url, String... headers) {
        return send(with(HttpRequest.newBuilder(URI.create(url)).GET(), headers));
    }

    HttpResponse<String> put(String url, String... headers) {
        return send(with(HttpRequest.newBuilder(URI.create(url)).PUT(HttpRequest.BodyPublishers.noBody()), headers));
    }

    HttpResponse<String> admin(String path, JsonObject body) {
        return send(HttpRequest.newBuilder(URI.create(admin + path)).POST(HttpRequest.BodyPublishers.ofString(body.encode())));
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

    private static HttpRequest.Builder with(HttpRequest.Builder request, String... headers) {
        return headers.length == 0 ? request : request.headers(headers);
    }

    static String between(String text, String before, String after) {
        int start = text.indexOf(before);
        if (start < 0) {
            throw new AssertionError("no " + before + " in " + text);
        }
        return text.substring(start + before.length(), text.indexOf(after, start + before.length()));
    }

    @Override
    public void close() {
        server.close();
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }
}
