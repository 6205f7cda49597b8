package dev.muster.acceptance;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnknownFieldSet;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** Takes traces by OpenTelemetry's protocol over HTTP, as a collector does, and keeps what they say. */
final class Collector implements AutoCloseable {

    private final HttpServer server;
    private final List<Span> spans = new CopyOnWriteArrayList<>();

    /** @param parent empty: it begins its trace */
    record Span(String service, String trace, String id, String parent, String name, Map<String, String> attributes) {}

    Collector() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/v1/traces", exchange -> {
            take(exchange.getRequestBody().readAllBytes());
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        server.start();
    }

    String endpoint() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    List<Span> spans() {
        return List.copyOf(spans);
    }

    /** Those whose parent this is, of that name. */
    List<Span> after(Span span, String name) {
        return spans.stream().filter(next -> next.trace().equals(span.trace()) && next.parent().equals(span.id()) && next.name().equals(name)).toList();
    }

    /** By the numbers of fields in opentelemetry/proto/trace/v1/trace.proto. */
    private void take(byte[] request) throws InvalidProtocolBufferException {
        for (var ofResource : UnknownFieldSet.parseFrom(request).getField(1).getLengthDelimitedList()) {
            var resourceSpans = UnknownFieldSet.parseFrom(ofResource);
            var resource = attributes(UnknownFieldSet.parseFrom(resourceSpans.getField(1).getLengthDelimitedList().get(0)), 1);
            for (var ofScope : resourceSpans.getField(2).getLengthDelimitedList()) {
                for (var one : UnknownFieldSet.parseFrom(ofScope).getField(2).getLengthDelimitedList()) {
                    var span = UnknownFieldSet.parseFrom(one);
                    spans.add(new Span(resource.getOrDefault("service.name", ""), hex(span, 1), hex(span, 2), hex(span, 4), text(span, 5), attributes(span, 9)));
                }
            }
        }
    }

    private static Map<String, String> attributes(UnknownFieldSet of, int field) throws InvalidProtocolBufferException {
        var attributes = new TreeMap<String, String>();
        for (var one : of.getField(field).getLengthDelimitedList()) {
            var pair = UnknownFieldSet.parseFrom(one);
            var value = pair.getField(2).getLengthDelimitedList();
            attributes.put(text(pair, 1), value.isEmpty() ? "" : text(UnknownFieldSet.parseFrom(value.get(0)), 1));
        }
        return attributes;
    }

    private static String text(UnknownFieldSet of, int field) {
        return bytes(of, field).toStringUtf8();
    }

    private static String hex(UnknownFieldSet of, int field) {
        return HexFormat.of().formatHex(bytes(of, field).toByteArray());
    }

    private static ByteString bytes(UnknownFieldSet of, int field) {
        var values = of.getField(field).getLengthDelimitedList();
        return values.isEmpty() ? ByteString.EMPTY : values.get(0);
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
