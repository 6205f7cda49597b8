package dev.muster.sandbox.ec2;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Every machine's metadata service, each under {@code /machines/<instance id>}: what 169.254.169.254 answers on a real one.
 * Version 2 (token first) and, unless the launch required tokens, version 1.
 */
final class Metadata {

    private static final String TTL_HEADER = "X-aws-ec2-metadata-token-ttl-seconds";
    private static final String TOKEN_HEADER = "X-aws-ec2-metadata-token";
    private static final Duration LONGEST = Duration.ofHours(6);

    private final Ec2Cloud cloud;
    private final SplittableRandom random = new SplittableRandom();
    /** Token → when it ends; the token begins with the id of the machine it is for. Only touched on the server's event loop. */
    private final Map<String, Instant> tokens = new HashMap<>();

    Metadata(Ec2Cloud cloud) {
        this.cloud = cloud;
    }

    void mount(Router router) {
        router.routeWithRegex("/machines/(?<id>[^/]+)/latest(?<path>/.*)?").handler(this::answer);
        router.routeWithRegex("/machines/(?<id>[^/]+)/?").handler(context -> plain(context.response(), 200, "latest"));
    }

    /** What a request saw of its machine, read in one piece. */
    private record View(boolean enabled, boolean tokensRequired, byte[] userData, Map<String, String> values, String identity) {
    }

    private void answer(RoutingContext context) {
        var id = context.pathParam("id");
        var rawPath = context.request().path();
        var path = rawPath.substring(rawPath.indexOf("/latest") + "/latest".length());
        var response = context.response();
        var view = cloud.read(id, this::view);
        if (view == null) {
            // Nobody is there to ask: a machine that is gone can't reach its own metadata.
            plain(response, 404, "no machine " + id + " is up");
            return;
        }
        if (!view.enabled()) {
            plain(response, 403, "the metadata service of this machine is disabled");
            return;
        }
        if (path.equals("/api/token")) {
            issue(context, id);
            return;
        }
        if (context.request().method() != HttpMethod.GET && context.request().method() != HttpMethod.HEAD) {
            plain(response, 405, "only GET");
            return;
        }
        var token = context.request().getHeader(TOKEN_HEADER);
        if (token == null && view.tokensRequired() || token != null && !valid(token, id)) {
            plain(response, 401, "Unauthorized");
            return;
        }
        serve(response, path, view);
    }

    private void issue(RoutingContext context, String id) {
        var response = context.response();
        if (context.request().method() != HttpMethod.PUT) {
            plain(response, 405, "only PUT");
            return;
        }
        if (context.request().getHeader("X-Forwarded-For") != null) {
            plain(response, 403, "Forbidden");
            return;
        }
        long ttl;
        try {
            ttl = Long.parseLong(context.request().getHeader(TTL_HEADER));
        } catch (NumberFormatException e) {
            ttl = 0;
        }
        if (ttl < 1 || ttl > LONGEST.toSeconds()) {
            plain(response, 400, "Bad Request: " + TTL_HEADER + " must be 1 to " + LONGEST.toSeconds());
            return;
        }
        var now = cloud.now();
        tokens.values().removeIf(end -> end.isBefore(now));
        var token = id + "." + HexFormat.of().toHexDigits(random.nextLong()) + HexFormat.of().toHexDigits(random.nextLong()) + "==";
        tokens.put(token, now.plusSeconds(ttl));
        response.putHeader(TTL_HEADER, String.valueOf(ttl));
        plain(response, 200, token);
    }

    private boolean valid(String token, String id) {
        var end = tokens.get(token);
        return end != null && token.startsWith(id + ".") && cloud.now().isBefore(end);
    }

    /** Null unless the machine is up. */
    private View view(Instance instance) {
        if (instance.state != InstanceState.RUNNING && instance.state != InstanceState.SHUTTING_DOWN && instance.state != InstanceState.STOPPING) {
            return null;
        }
        var spec = instance.spec;
        var region = Geography.region(instance.scope.region()).orElseThrow();
        var values = new TreeMap<String, String>();
        values.put("ami-id", spec.image().id());
        values.put("ami-launch-index", String.valueOf(instance.launchIndex));
        values.put("hostname", instance.privateName());
        values.put("instance-action", "none");
        values.put("instance-id", instance.id);
        values.put("instance-life-cycle", spec.spot() ? "spot" : "on-demand");
        values.put("instance-type", spec.type().name());
        values.put("local-hostname", instance.privateName());
        values.put("local-ipv4", instance.address);
        values.put("mac", InstanceXml.mac(instance));
        values.put("placement/availability-zone", instance.zone.name());
        values.put("placement/availability-zone-id", instance.zone.id());
        values.put("placement/region", region.name());
        values.put("reservation-id", instance.reservation);
        values.put("security-groups", "default");
        values.put("services/domain", "amazonaws.com");
        values.put("services/partition", "aws");
        if (spec.profile() != null) {
            values.put("iam/info", new JsonObject().put("Code", "Success").put("LastUpdated", second(instance.launched))
                    .put("InstanceProfileArn", spec.profile()).encode());
        }
        if (instance.interruption != null) {
            values.put("spot/instance-action", new JsonObject().put("action", "terminate").put("time", second(instance.interruption)).encode());
            values.put("spot/termination-time", second(instance.interruption));
        }
        if (spec.metadata().tags()) {
            instance.tagsSeenFromInside().forEach((key, value) -> values.put("tags/instance/" + key, value));
        }
        var identity = new JsonObject().put("accountId", instance.scope.account()).put("architecture", spec.image().architecture())
                .put("availabilityZone", instance.zone.name()).put("imageId", spec.image().id()).put("instanceId", instance.id)
                .put("instanceType", spec.type().name()).put("pendingTime", second(instance.started)).put("privateIp", instance.address)
                .put("region", region.name()).put("version", "2017-09-30");
        return new View(spec.metadata().enabled(), spec.metadata().tokensRequired(), spec.userData(), values, identity.encodePrettily());
    }

    private static String second(Instant instant) {
        return instant.truncatedTo(ChronoUnit.SECONDS).toString();
    }

    private static void serve(HttpServerResponse response, String rawPath, View view) {
        var path = URLDecoder.decode(rawPath.replace("+", "%2B"), StandardCharsets.UTF_8);
        switch (path) {
            case "", "/" -> plain(response, 200, "dynamic\nmeta-data\nuser-data");
            case "/user-data", "/user-data/" -> {
                if (view.userData().length == 0) {
                    plain(response, 404, "Not Found");
                } else {
                    response.putHeader("Content-Type", "application/octet-stream").end(Buffer.buffer(view.userData()));
                }
            }
            case "/dynamic", "/dynamic/" -> plain(response, 200, "instance-identity/");
            case "/dynamic/instance-identity", "/dynamic/instance-identity/" -> plain(response, 200, "document");
            case "/dynamic/instance-identity/document" -> plain(response, 200, view.identity());
            default -> {
                if (path.equals("/meta-data") || path.startsWith("/meta-data/")) {
                    metaData(response, path.substring("/meta-data".length()), view.values());
                } else {
                    plain(response, 404, "Not Found");
                }
            }
        }
    }

    /** A value, or the names below a path, one a line, those with more below them ending in a slash. */
    private static void metaData(HttpServerResponse response, String path, Map<String, String> values) {
        var wanted = path.startsWith("/") ? path.substring(1) : path;
        var value = values.get(wanted);
        if (value != null) {
            plain(response, 200, value);
            return;
        }
        var prefix = wanted.isEmpty() || wanted.endsWith("/") ? wanted : wanted + "/";
        var names = new TreeSet<String>();
        for (var key : values.keySet()) {
            if (key.startsWith(prefix)) {
                var rest = key.substring(prefix.length());
                int slash = rest.indexOf('/');
                names.add(slash < 0 ? rest : rest.substring(0, slash + 1));
            }
        }
        if (names.isEmpty()) {
            plain(response, 404, "Not Found");
        } else {
            plain(response, 200, String.join("\n", names));
        }
    }

    private static void plain(HttpServerResponse response, int status, String text) {
        response.setStatusCode(status).putHeader("Content-Type", "text/plain").putHeader("Server", "EC2ws").end(text);
    }
}
