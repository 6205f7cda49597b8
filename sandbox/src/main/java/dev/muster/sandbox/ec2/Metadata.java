package dev.muster.sandbox.ec2;

import dev.muster.sandbox.TimeScale;
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
import java.util.SortedMap;
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

    private static final String TAGS = "tags/instance/";

    private static final String ROLE_KEYS = "iam/security-credentials/";

    private final Ec2Cloud cloud;
    private final Sts sts;
    private final TimeScale timeScale;
    private final SplittableRandom random = new SplittableRandom();
    /** Token → when it ends; the token begins with the id of the machine it is for. Only touched on the server's event loop. */
    private final Map<String, Instant> tokens = new HashMap<>();

    Metadata(Ec2Cloud cloud, Sts sts, TimeScale timeScale) {
        this.cloud = cloud;
        this.sts = sts;
        this.timeScale = timeScale;
    }

    void mount(Router router) {
        router.routeWithRegex("/machines/(?<id>[^/]+)/latest(?<path>/.*)?").handler(this::answer);
        router.routeWithRegex("/machines/(?<id>[^/]+)/?").handler(context -> plain(context.response(), 200, "latest"));
    }

    /** Who may read what of a machine at this moment: what every request needs to know first. */
    private record Access(boolean enabled, boolean tokensRequired) {
    }

    private void answer(RoutingContext context) {
        var id = context.pathParam("id");
        var rawPath = context.request().path();
        var path = rawPath.substring(rawPath.indexOf("/latest") + "/latest".length());
        var response = context.response();
        var access = cloud.read(id, instance -> isUp(instance)
                ? new Access(instance.spec.metadata().enabled(), instance.spec.metadata().tokensRequired()) : null);
        if (access == null) {
            // Nobody is there to ask: a machine that is gone can't reach its own metadata.
            plain(response, 404, "no machine " + id + " is up");
            return;
        }
        if (!access.enabled()) {
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
        if (token == null && access.tokensRequired() || token != null && !valid(token, id)) {
            plain(response, 401, "Unauthorized");
            return;
        }
        String plainPath;
        try {
            plainPath = URLDecoder.decode(path.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            plain(response, 400, "Bad Request: " + e.getMessage());
            return;
        }
        var found = cloud.read(id, instance -> find(instance, plainPath));
        if (found == null) {
            plain(response, 404, "Not Found");
        } else {
            response.putHeader("Content-Type", path.startsWith("/user-data") ? "application/octet-stream" : "text/plain").putHeader("Server", "EC2ws").end(found);
        }
    }

    /** A machine answers from when it runs until its power is gone. */
    private static boolean isUp(Instance instance) {
        return switch (instance.state) {
            case RUNNING, SHUTTING_DOWN, STOPPING -> true;
            case PENDING, STOPPED, TERMINATED -> false;
        };
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

    /** Null if there is nothing at this path. */
    private Buffer find(Instance instance, String path) {
        return switch (path) {
            case "", "/" -> Buffer.buffer("dynamic\nmeta-data\nuser-data");
            case "/user-data", "/user-data/" -> instance.spec.userData().length == 0 ? null : Buffer.buffer(instance.spec.userData());
            case "/dynamic", "/dynamic/" -> Buffer.buffer("instance-identity/");
            case "/dynamic/instance-identity", "/dynamic/instance-identity/" -> Buffer.buffer("document");
            case "/dynamic/instance-identity/document" -> Buffer.buffer(identity(instance));
            default -> {
                if (!path.equals("/meta-data") && !path.startsWith("/meta-data/")) {
                    yield null;
                }
                var wanted = path.substring(Math.min(path.length(), "/meta-data/".length()));
                var text = metaData(instance, wanted);
                yield text == null ? null : Buffer.buffer(text);
            }
        };
    }

    private String metaData(Instance instance, String wanted) {
        // A guard asks for these two again and again, on every machine: no need to gather all the rest for it.
        if (wanted.startsWith(TAGS) && wanted.length() > TAGS.length()) {
            return instance.spec.metadata().tags() ? instance.readTag(cloud.now(), wanted.substring(TAGS.length())) : null;
        }
        if (wanted.equals("spot/instance-action") && instance.interruption == null) {
            return null;
        }
        if (instance.spec.profile() != null && wanted.equals(ROLE_KEYS + role(instance))) {
            return keys(instance);
        }
        var values = values(instance);
        return values.containsKey(wanted) ? values.get(wanted) : names(wanted, values);
    }

    private SortedMap<String, String> values(Instance instance) {
        var spec = instance.spec;
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
        values.put("placement/region", instance.scope.region());
        values.put("reservation-id", instance.reservation);
        values.put("security-groups", "default");
        values.put("services/domain", "amazonaws.com");
        values.put("services/partition", "aws");
        if (spec.profile() != null) {
            values.put("iam/info", new JsonObject().put("Code", "Success").put("LastUpdated", second(instance.launched))
                    .put("InstanceProfileArn", spec.profile()).encode());
            // Listed; told only to who asks for them.
            values.put(ROLE_KEYS + role(instance), "");
        }
        if (instance.interruption != null) {
            values.put("spot/instance-action", new JsonObject().put("action", "terminate").put("time", end(instance.interruption)).encode());
            values.put("spot/termination-time", end(instance.interruption));
        }
        if (spec.metadata().tags()) {
            instance.tagsSeenFromInside().forEach((key, value) -> values.put(TAGS + key, value));
        }
        return values;
    }

    /** Here a profile's role has the profile's name, as the console makes them. */
    private static String role(Instance instance) {
        return instance.spec.profile().substring(instance.spec.profile().lastIndexOf('/') + 1);
    }

    private String keys(Instance instance) {
        var keys = sts.ofMachine(instance.scope.account(), role(instance), instance.id);
        return new JsonObject().put("Code", "Success").put("LastUpdated", second(keys.updated())).put("Type", "AWS-HMAC").put("AccessKeyId", keys.id())
                .put("SecretAccessKey", keys.secret()).put("Token", keys.token()).put("Expiration", second(keys.expires())).encodePrettily();
    }

    private static String identity(Instance instance) {
        return new JsonObject().put("accountId", instance.scope.account()).put("architecture", instance.spec.image().architecture())
                .put("availabilityZone", instance.zone.name()).put("imageId", instance.spec.image().id()).put("instanceId", instance.id)
                .put("instanceType", instance.spec.type().name()).put("pendingTime", second(instance.started)).put("privateIp", instance.address)
                .put("region", instance.scope.region()).put("version", "2017-09-30").encodePrettily();
    }

    private static String second(Instant instant) {
        return instant.truncatedTo(ChronoUnit.SECONDS).toString();
    }

    /** EC2 tells the second. Where machines live faster a whole notice may be shorter than that, and the time is told in full. */
    private String end(Instant interruption) {
        return timeScale.speed() == 1 ? second(interruption) : interruption.truncatedTo(ChronoUnit.MILLIS).toString();
    }

    /** The names below a path, one a line, those with more below them ending in a slash; null if there are none. */
    private static String names(String path, SortedMap<String, String> values) {
        var prefix = path.isEmpty() || path.endsWith("/") ? path : path + "/";
        var names = new TreeSet<String>();
        for (var key : values.keySet()) {
            if (key.startsWith(prefix)) {
                var rest = key.substring(prefix.length());
                int slash = rest.indexOf('/');
                names.add(slash < 0 ? rest : rest.substring(0, slash + 1));
            }
        }
        return names.isEmpty() ? null : String.join("\n", names);
    }

    private static void plain(HttpServerResponse response, int status, String text) {
        response.setStatusCode(status).putHeader("Content-Type", "text/plain").putHeader("Server", "EC2ws").end(text);
    }
}
