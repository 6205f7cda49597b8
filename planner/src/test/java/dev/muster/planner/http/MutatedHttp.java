package dev.muster.planner.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import java.io.ByteArrayOutputStream;
import java.math.BigDecimal;
import java.net.URLEncoder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Requests over HTTP/1.1 that were valid once, out of a number each: wrong in JSON, path, query, headers, method or framing; some are left as they are. */
final class MutatedHttp {

    private static final List<String> NUMBERS = List.of("1e999999999", "-1e999999999", "99999999999999999999999999", "1.5", "-0", "1e-400", "0x10", "01", "NaN",
            "9".repeat(5000), "1" + "0".repeat(300) + ".1");
    private static final List<String> PATHS = List.of("%", "%4", "%zz", "%ff", "%c0%af", "%00", "%2e%2e", "..", ".", "//", "%2F", ":", "::pause", ":fly", "?", "#", "\\", " ",
            "\u00fc", "%F0%9F%98%80", "*", "{name}", "%25", ";x=1", "%3A", "x".repeat(6000));
    private static final List<String> HEADERS = List.of("Content-Type: text/plain", "Content-Type: application/json; charset=utf-16", "Content-Type: application/grpc",
            "Content-Type:", "Content-Encoding: gzip", "Grpc-Timeout: 1m", "Grpc-Timeout: 99999999H", "Grpc-Timeout: -1S", "Grpc-Timeout: \u00e9", "Idempotency-Key: " + "k".repeat(4000),
            "Idempotency-Key: \u00ff\u00fe", "Idempotency-Key:", "If-Match: \"1\"", "If-Match: *", "If-Match: \"99999999999999999999\"", "If-None-Match: *", "If-None-Match: \"x\"",
            "Last-Event-ID: nonsense", "Last-Event-ID: " + "t".repeat(3000), "Authorization: Bearer \u00e9\u00e9", "Authorization: Basic eDp5", "Authorization: Bearer " + "a".repeat(5000),
            "traceparent: x", "muster-peer-bin: AAAA", "Expect: 100-continue", "Accept: image/png", "Origin: null", "X-HTTP-Method-Override: DELETE", "Upgrade: h2c", "Range: bytes=0-",
            "Accept-Encoding: gzip", "grpc-status: 0", "X-Forwarded-For: 10.0.0.1", "Cookie: " + "c=1; ".repeat(300), "Host: y", "Transfer-Encoding: gzip");
    private static final List<String> METHODS = List.of("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW", "get");

    /** As Quarkus takes at most, unless it is told otherwise. Characters. */
    private static final int LONGEST_LINE = 4096;

    private final List<Binding> bindings;

    /**
     * @param leaves it isn't waited for an answer
     * @param broken the server need not take it for HTTP
     * @param hurried it asks for less time than the call may take
     */
    record Shot(String what, byte[] bytes, String method, boolean leaves, boolean broken, boolean hurried) {
        boolean isHead() {
            return method.equals("HEAD");
        }
    }

    MutatedHttp(List<Binding> bindings) {
        this.bindings = bindings;
    }

    Shot shot(long number) {
        var random = new Random(number);
        random.nextInt();
        var binding = bindings.get(random.nextInt(bindings.size()));
        var request = new RandomMessages(random).fill(binding.newRequest(), 3);
        var json = json(request);
        var method = binding.verb();
        var path = new StringBuilder();
        for (var segment : binding.path().segments()) {
            path.append('/').append(segment.field() == null ? segment.word() : encoded(random.nextInt(3) == 0 ? "fuzz-1" : text(request, segment.field(), random)));
        }
        path.append(binding.path().verb());
        var query = binding.hasBody() ? "" : query(json, random);
        byte[] body = binding.hasBody() ? json.toString().getBytes(UTF_8) : new byte[0];
        var headers = new ArrayList<String>();
        if (binding.hasBody()) {
            headers.add("Content-Type: application/json");
        }
        var leaves = false;
        var broken = false;
        var chunked = false;
        var what = new StringBuilder(binding.rpc().getName());
        for (int i = random.nextInt(3); i >= 0; i--) {
            var kind = random.nextInt(14);
            what.append(' ').append(kind);
            switch (kind) {
                case 0 -> body = mutated(json, random).toString().getBytes(UTF_8);
                case 1 -> body = java.util.Arrays.copyOf(body, body.length == 0 ? 0 : random.nextInt(body.length));
                case 2 -> body = texts(new String(body, ISO_8859_1), random).getBytes(ISO_8859_1);
                case 3 -> body = flipped(body, random);
                case 4 -> body = ("{\"x\":" + (random.nextBoolean() ? "[" : "{\"a\":").repeat(1 + random.nextInt(20_000))).getBytes(UTF_8);
                case 5 -> {
                    if (random.nextInt(40) == 0) {
                        body = ("{\"requestId\": \"" + "x".repeat(Exchange.LARGEST_BODY + random.nextInt(5)) + "\"}").getBytes(UTF_8);
                    }
                }
                case 6, 7 -> path.insert(random.nextInt(path.length()), PATHS.get(random.nextInt(PATHS.size())));
                case 8, 9 -> query += (query.isEmpty() ? "" : "&") + parameter(binding, random);
                case 10 -> headers.add(HEADERS.get(random.nextInt(HEADERS.size())));
                case 11 -> method = METHODS.get(random.nextInt(METHODS.size()));
                case 12 -> chunked = true;
                default -> leaves = random.nextBoolean();
            }
        }
        var sent = new ByteArrayOutputStream();
        var head = new StringBuilder(method).append(' ').append(path).append(query.isEmpty() ? "" : "?" + query).append(" HTTP/1.1\r\nHost: x\r\n");
        headers.forEach(header -> head.append(header).append("\r\n"));
        if (chunked) {
            head.append("Transfer-Encoding: chunked\r\n");
        } else if (body.length > 0 || binding.hasBody()) {
            head.append("Content-Length: ").append(body.length).append("\r\n");
        }
        head.append("\r\n");
        var first = head.toString().getBytes(ISO_8859_1);
        if (random.nextInt(40) == 0) {
            first = flipped(first, random);
            leaves = true;
        }
        var line = new String(first, ISO_8859_1);
        // A path that is longer is answered with 414 and the end of the connection, which may overtake the answer while bytes of it are still on their way.
        broken = line.indexOf("\r\n") > LONGEST_LINE || line.chars().anyMatch(c -> c > 0x7e) || !line.substring(0, Math.max(0, line.indexOf("\r\n"))).matches("[A-Z]+ /[^ #\\\\]* HTTP/1.1")
                || line.contains("Host: y") || line.contains("Transfer-Encoding: gzip") || line.contains("Upgrade:") || line.length() > 8000
                // A length and chunks at once, or a body where HTTP has none: what comes behind it is another request.
                || method.equals("CONNECT") || method.equals("TRACE");
        sent.writeBytes(first);
        sent.writeBytes(chunked ? chunks(body, random) : body);
        var bytes = sent.toByteArray();
        if (leaves) {
            bytes = java.util.Arrays.copyOf(bytes, random.nextInt(bytes.length + 1));
        }
        return new Shot(what.toString(), bytes, method, leaves, broken, line.contains("Grpc-Timeout"));
    }

    private static JsonObject json(Message request) {
        try {
            return JsonParser.parseString(JsonFormat.printer().print(request)).getAsJsonObject();
        } catch (InvalidProtocolBufferException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static String encoded(String text) {
        return text.isEmpty() ? "x" : URLEncoder.encode(text, UTF_8).replace("+", "%20");
    }

    private static String text(Message request, String field, Random random) {
        Message at = request;
        var parts = field.split("\\.");
        for (int i = 0; i < parts.length - 1; i++) {
            at = (Message) at.getField(at.getDescriptorForType().findFieldByName(parts[i]));
        }
        return String.valueOf(at.getField(at.getDescriptorForType().findFieldByName(parts[parts.length - 1])));
    }

    private static String query(JsonObject json, Random random) {
        var query = new ArrayList<String>();
        for (var field : json.entrySet()) {
            if (field.getValue().isJsonPrimitive()) {
                query.add(field.getKey() + "=" + encoded(field.getValue().getAsString()));
            } else if (field.getValue().isJsonObject()) {
                field.getValue().getAsJsonObject().entrySet().stream().filter(part -> part.getValue().isJsonPrimitive())
                        .forEach(part -> query.add(field.getKey() + "." + encoded(part.getKey()) + "=" + encoded(part.getValue().getAsString())));
            }
        }
        return String.join("&", query.subList(0, Math.min(query.size(), random.nextInt(8))));
    }

    private static String parameter(Binding binding, Random random) {
        var fields = binding.rpc().getInputType().getFields();
        var name = fields.isEmpty() || random.nextInt(4) == 0 ? List.of("x", "a.b.c", "labels", "labels[]", "labels[x", "spec", "spec.pools.name", "spec.budgets", "%ff", "", "step.seconds",
                "since.x", "fleet.name", "__proto__").get(random.nextInt(14)) : fields.get(random.nextInt(fields.size())).getJsonName();
        var value = random.nextBoolean() ? encoded(NUMBERS.get(random.nextInt(NUMBERS.size()))) : List.of("", "true", "%", "%ff", "+", "2026-11-01T00:00:00Z", "9999-99-99T00:00:00Z",
                "3600s", "-1s", "1e5s", "99999999999999s", "READY", "x".repeat(3000), "a&b=c", "%00").get(random.nextInt(15));
        return (name + "=" + value).repeat(1) + (random.nextInt(6) == 0 ? ("&" + name + "=" + value).repeat(random.nextInt(600)) : "");
    }

    /** One value somewhere within is another. */
    private static JsonElement mutated(JsonElement json, Random random) {
        if (json.isJsonObject() && json.getAsJsonObject().size() > 0 && random.nextInt(4) > 0) {
            var fields = new ArrayList<>(json.getAsJsonObject().entrySet());
            Map.Entry<String, JsonElement> field = fields.get(random.nextInt(fields.size()));
            var copy = json.getAsJsonObject().deepCopy();
            switch (random.nextInt(5)) {
                case 0 -> copy.add(field.getKey() + "x", field.getValue());
                case 1 -> copy.add(field.getKey().replaceAll("([A-Z])", "_$1").toLowerCase(java.util.Locale.ROOT), field.getValue());
                default -> copy.add(field.getKey(), mutated(field.getValue(), random));
            }
            return copy;
        }
        if (json.isJsonArray() && json.getAsJsonArray().size() > 0 && random.nextInt(3) > 0) {
            var copy = json.getAsJsonArray().deepCopy();
            copy.set(0, mutated(copy.get(0), random));
            return copy;
        }
        return switch (random.nextInt(9)) {
            case 0 -> JsonNull.INSTANCE;
            case 1 -> new JsonPrimitive(random.nextBoolean());
            case 2 -> new JsonPrimitive(new BigDecimal("1e" + random.nextInt(400)));
            case 3 -> new JsonPrimitive(NUMBERS.get(random.nextInt(NUMBERS.size())));
            case 4 -> new JsonPrimitive(random.nextLong());
            case 5 -> new JsonPrimitive("\ud800x");
            case 6 -> new JsonArray();
            case 7 -> {
                var object = new JsonObject();
                object.add("x", json);
                yield object;
            }
            default -> new JsonPrimitive("x".repeat(random.nextInt(5000)));
        };
    }

    /** As text: a number that is none of JSON's, a name twice, a comment, what comes behind. */
    private static String texts(String json, Random random) {
        return switch (random.nextInt(6)) {
            case 0 -> json.replaceFirst(":\\s*[^,}\\]]+", ":" + NUMBERS.get(random.nextInt(NUMBERS.size())));
            case 1 -> json.isEmpty() ? json : "{\"requestId\":\"a\",\"requestId\":\"b\"," + json.substring(1);
            case 2 -> json + json;
            case 3 -> "/* x */" + json;
            case 4 -> json.replace('"', '\'');
            default -> "\ufeff".getBytes(UTF_8).length + json;
        };
    }

    private static byte[] flipped(byte[] bytes, Random random) {
        var flipped = bytes.clone();
        for (int i = random.nextInt(4); i >= 0 && flipped.length > 0; i--) {
            flipped[random.nextInt(flipped.length)] = (byte) random.nextInt(256);
        }
        return flipped;
    }

    private static byte[] chunks(byte[] body, Random random) {
        var chunks = new ByteArrayOutputStream();
        for (int at = 0; at < body.length; ) {
            int length = Math.min(body.length - at, 1 + random.nextInt(8000));
            chunks.writeBytes((Integer.toHexString(length) + "\r\n").getBytes(ISO_8859_1));
            chunks.write(body, at, length);
            chunks.writeBytes("\r\n".getBytes(ISO_8859_1));
            at += length;
        }
        chunks.writeBytes("0\r\n\r\n".getBytes(ISO_8859_1));
        return chunks.toByteArray();
    }
}
