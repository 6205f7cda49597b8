package dev.muster.planner.http;

import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Calls over gRPC whose frames or Protobuf were valid once, out of a number each. */
final class MutatedGrpc {

    private final List<Binding> bindings;

    /** @param hurried it asks for less time than the call may take */
    record Shot(String what, String path, Map<String, String> headers, byte[] body, boolean isStream, boolean hurried) {}

    MutatedGrpc(List<Binding> bindings) {
        this.bindings = bindings;
    }

    Shot shot(long number) {
        var random = new Random(number);
        random.nextInt();
        var binding = bindings.get(random.nextInt(bindings.size()));
        var message = new RandomMessages(random).fill(binding.newRequest(), 4).toByteArray();
        var path = "/" + binding.call().getFullMethodName();
        var headers = new LinkedHashMap<>(Map.of("content-type", "application/grpc", "te", "trailers"));
        var what = new StringBuilder(binding.rpc().getName());
        int flag = 0;
        int length = -1;
        int frames = 1;
        for (int i = random.nextInt(2); i >= 0; i--) {
            var kind = random.nextInt(14);
            what.append(' ').append(kind);
            switch (kind) {
                case 0 -> message = Arrays.copyOf(message, message.length == 0 ? 0 : random.nextInt(message.length));
                case 1, 2 -> {
                    for (int flips = random.nextInt(6); flips >= 0 && message.length > 0; flips--) {
                        message[random.nextInt(message.length)] = (byte) random.nextInt(256);
                    }
                }
                case 3 -> {
                    message = new byte[random.nextInt(200)];
                    random.nextBytes(message);
                }
                case 4 -> message = unknown(message, random);
                case 5 -> message = nested(random);
                case 6 -> length = List.of(0, 1, message.length + 1, Math.max(0, message.length - 1), 5_000_000, Integer.MAX_VALUE, -1).get(random.nextInt(7));
                case 7 -> flag = List.of(1, 2, 255).get(random.nextInt(3));
                case 8 -> {
                    flag = 1;
                    headers.put("grpc-encoding", List.of("gzip", "identity", "snappy", "x").get(random.nextInt(4)));
                }
                case 9 -> frames = List.of(0, 2, 5).get(random.nextInt(3));
                case 10 -> path = List.of("/muster.v1.Fleets/None", "/muster.v1.None/GetFleet", "/None", "//", "/muster.v1.Fleets/", path + "/x", path.toUpperCase(java.util.Locale.ROOT))
                        .get(random.nextInt(7));
                case 11 -> headers.put("grpc-timeout", List.of("1n", "1m", "10S", "x", "-1S", "999999999S", "").get(random.nextInt(7)));
                // Two of the longest are still less than the 8 KiB that a server lets a client's HTTP/2 send.
                case 12 -> headers.put(List.of("authorization", "x-bin", "grpc-accept-encoding", "muster-peer-bin", "user-agent", "grpc-trace-bin").get(random.nextInt(6)),
                        List.of("Bearer x", "%%%", "\u00e9", "x".repeat(3000), "", "AAAA").get(random.nextInt(6)));
                default -> headers.put("content-type", List.of("application/grpc+proto", "application/grpc+json", "application/grpc-web", "application/grpcx", "application/grpc;x")
                        .get(random.nextInt(5)));
            }
        }
        var body = new ByteArrayOutputStream();
        for (int i = 0; i < frames; i++) {
            body.write(flag);
            body.writeBytes(ByteBuffer.allocate(4).putInt(length == -1 ? message.length : length).array());
            body.writeBytes(message);
        }
        return new Shot(what.toString(), path, headers, body.toByteArray(), binding.isStream(), headers.containsKey("grpc-timeout"));
    }

    private static byte[] unknown(byte[] message, Random random) {
        try {
            var out = new ByteArrayOutputStream();
            out.writeBytes(message);
            var coded = CodedOutputStream.newInstance(out);
            for (int i = random.nextInt(20); i >= 0; i--) {
                switch (random.nextInt(4)) {
                    case 0 -> coded.writeUInt64(1 + random.nextInt(500_000_000), random.nextLong());
                    case 1 -> coded.writeByteArray(1 + random.nextInt(60), new byte[random.nextInt(50)]);
                    case 2 -> coded.writeFixed32(1 + random.nextInt(60), random.nextInt());
                    default -> coded.writeFixed64(1 + random.nextInt(60), random.nextLong());
                }
            }
            coded.flush();
            return out.toByteArray();
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
    }

    /** Groups without end, or objects within field 1. */
    private static byte[] nested(Random random) {
        int depth = 1 + random.nextInt(3000);
        var bytes = new byte[0];
        if (random.nextBoolean()) {
            bytes = new byte[depth];
            Arrays.fill(bytes, (byte) 0x0b);
            return bytes;
        }
        for (int i = 0; i < Math.min(depth, 400); i++) {
            var outer = new ByteArrayOutputStream();
            outer.write(0x0a);
            for (int left = bytes.length; ; left >>>= 7) {
                if (left < 128) {
                    outer.write(left);
                    break;
                }
                outer.write(left & 127 | 128);
            }
            outer.writeBytes(bytes);
            bytes = outer.toByteArray();
        }
        return bytes;
    }
}
