package dev.muster.sandbox.gce;

import io.vertx.core.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.Base64;

/** How Google writes addresses, times and fingerprints. */
final class Links {

    private static final String BASE = "https://www.googleapis.com/compute/v1/";
    private static final String VERSION = "/compute/v1/";
    /** Compute Engine tells times of California's clocks. */
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSxxx").withZone(ZoneId.of("America/Los_Angeles"));

    private Links() {
    }

    /** @param path such as {@code projects/p/zones/z} */
    static String to(String path) {
        return BASE + path;
    }

    /** What {@link #to} was given; also of a partial address, and of one with another host. */
    static String path(String link) {
        int version = link.indexOf(VERSION);
        var path = version < 0 ? link : link.substring(version + VERSION.length());
        return path.startsWith("/") ? path.substring(1) : path;
    }

    static String last(String link) {
        return link.substring(link.lastIndexOf('/') + 1);
    }

    static String time(Instant instant) {
        return TIME.format(instant);
    }

    static String fingerprint(Object content) {
        try {
            var hash = MessageDigest.getInstance("SHA-256").digest(String.valueOf(content).getBytes(StandardCharsets.UTF_8));
            return Base64.getUrlEncoder().encodeToString(Arrays.copyOf(hash, 8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    static JsonObject resource(String kind, String path, String idKind) {
        return new JsonObject().put("kind", "compute#" + kind).put("id", Geography.id(idKind, path)).put("name", last(path)).put("selfLink", to(path));
    }
}
