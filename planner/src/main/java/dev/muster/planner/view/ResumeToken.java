package dev.muster.planner.view;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.Base64;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.zip.CRC32;

/**
 * Where a watch goes on, in words that only the server reads: the next offset of each partition of what it watches. Offsets are the topic's own,
 * so that every replica understands a token of every other.
 *
 * @param at when it was made, by the maker's clock
 * @param next the next offset, by partition
 */
public record ResumeToken(Instant at, SortedMap<Integer, Long> next) {

    private static final int FORM = 1;
    /** More than any topic of an installation has. */
    private static final int MOST_PARTITIONS = 10_000;

    public ResumeToken {
        next = Collections.unmodifiableSortedMap(new TreeMap<>((Map<Integer, Long>) next));
    }

    /** @param of what is watched, such as the installation and the topic: a token of something else is none here */
    public String text(String of) {
        var bytes = new ByteArrayOutputStream(16 + 8 * next.size());
        var out = CodedOutputStream.newInstance(bytes);
        try {
            out.writeRawByte((byte) FORM);
            out.writeFixed32NoTag(sum(of));
            out.writeUInt64NoTag(at.toEpochMilli());
            out.writeUInt32NoTag(next.size());
            for (var partition : next.entrySet()) {
                out.writeUInt32NoTag(partition.getKey());
                out.writeUInt64NoTag(partition.getValue());
            }
            out.flush();
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes.toByteArray());
    }

    /** Empty: it is no token, or one of something else. */
    public static Optional<ResumeToken> parse(String of, String text) {
        try {
            var in = CodedInputStream.newInstance(Base64.getUrlDecoder().decode(text));
            if (in.readRawByte() != FORM || in.readFixed32() != sum(of)) {
                return Optional.empty();
            }
            var at = Instant.ofEpochMilli(in.readUInt64());
            var count = in.readUInt32();
            if (count < 1 || count > MOST_PARTITIONS) {
                return Optional.empty();
            }
            var next = new TreeMap<Integer, Long>();
            for (int i = 0; i < count; i++) {
                var partition = in.readUInt32();
                var offset = in.readUInt64();
                if (partition < 0 || offset < 0 || next.put(partition, offset) != null) {
                    return Optional.empty();
                }
            }
            return in.isAtEnd() ? Optional.of(new ResumeToken(at, next)) : Optional.empty();
        } catch (IOException | IllegalArgumentException notOurs) {
            return Optional.empty();
        }
    }

    private static int sum(String of) {
        var sum = new CRC32();
        sum.update(of.getBytes(UTF_8));
        return (int) sum.getValue();
    }
}
