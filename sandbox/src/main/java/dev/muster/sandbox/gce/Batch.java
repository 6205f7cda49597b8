package dev.muster.sandbox.gce;

import io.vertx.core.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/** Several calls in one request, as Google's older clients and gcloud send them: {@code multipart/mixed} of whole HTTP requests. */
final class Batch {

    private static final Pattern REQUEST_LINE = Pattern.compile("(GET|POST|DELETE) (\\S+) HTTP/1\\.1");
    private static final String ANSWERS = "batch_muster";

    private Batch() {
    }

    /** @param id that the answer refers to @param target path and query */
    record Part(String id, String http, String target, String body) {
    }

    /** @param status of its HTTP answer */
    record Answered(String id, int status, JsonObject body) {
    }

    /** @throws Refusal if it can't be read */
    static List<Part> read(String contentType, String body) {
        var boundary = Pattern.compile("boundary=\"?([^\";]+)\"?").matcher(contentType == null ? "" : contentType);
        if (!boundary.find()) {
            throw Refusal.badRequest("A batch must be multipart/mixed with a boundary.");
        }
        var parts = new ArrayList<Part>();
        for (var piece : body.replace("\r\n", "\n").split(Pattern.quote("--" + boundary.group(1)))) {
            if (!piece.isBlank() && !piece.strip().equals("--")) {
                parts.add(part(piece));
            }
        }
        return parts;
    }

    private static Part part(String piece) {
        // Headers of the part, headers of the request, its body: an empty line between each.
        var sections = piece.stripLeading().split("\n\n", 3);
        var line = REQUEST_LINE.matcher(sections.length < 2 ? "" : sections[1].stripLeading());
        if (!line.lookingAt()) {
            throw Refusal.badRequest("A part of the batch is no HTTP request.");
        }
        var id = "";
        for (var header : sections[0].split("\n")) {
            if (header.toLowerCase(Locale.ROOT).startsWith("content-id:")) {
                id = header.substring("content-id:".length()).strip().replaceAll("[<>]", "");
            }
        }
        return new Part(id, line.group(1), line.group(2), sections.length < 3 ? "" : sections[2].strip());
    }

    static String contentType() {
        return "multipart/mixed; boundary=" + ANSWERS;
    }

    static String write(List<Answered> answers) {
        var all = new StringBuilder();
        for (var answer : answers) {
            var body = answer.body().encodePrettily();
            all.append("--").append(ANSWERS).append("\r\nContent-Type: application/http\r\nContent-ID: <response-").append(answer.id()).append(">\r\n\r\nHTTP/1.1 ")
                    .append(answer.status()).append(answer.status() == 200 ? " OK" : " Error").append("\r\nContent-Type: application/json; charset=UTF-8\r\nContent-Length: ")
                    .append(body.getBytes(StandardCharsets.UTF_8).length).append("\r\n\r\n").append(body).append("\r\n");
        }
        return all.append("--").append(ANSWERS).append("--\r\n").toString();
    }
}
