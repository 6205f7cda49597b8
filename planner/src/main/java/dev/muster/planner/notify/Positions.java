package dev.muster.planner.notify;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import java.util.TreeMap;

/**
 * How far webhooks were told of what one partition of decisions says. Kafka keeps it for the group, as the committed offset and the text beside
 * it, so that it outlives a process and moves with the partition.
 *
 * @param base of every webhook that is not among {@code behind}
 * @param behind by the webhook's key, those that have not taken everything yet
 */
record Positions(Position base, Map<String, Position> behind) {

    /**
     * @param offset of the first decision that is not told of
     * @param time up to which what lasts is told of
     */
    record Position(long offset, Instant time) {}

    /** Kafka keeps 4096 bytes beside an offset; each webhook takes 40. One that is left out is told some things never, after its hour of errors. */
    private static final int MOST = 90;
    private static final String VERSION = "1";

    Positions {
        behind = Map.copyOf(behind);
    }

    Position of(String key) {
        return behind.getOrDefault(key, base);
    }

    /** The first record that somebody has to be told of. */
    long firstOffset() {
        return behind.values().stream().mapToLong(Position::offset).reduce(base.offset(), Math::min);
    }

    /** Of one webhook: short, and says nothing of it. */
    static String key(String fleet, String secret) {
        try {
            var digest = MessageDigest.getInstance("SHA-256").digest((fleet + "/" + secret).getBytes(UTF_8));
            return Base64.getUrlEncoder().withoutPadding().encodeToString(Arrays.copyOf(digest, 6));
        } catch (NoSuchAlgorithmException everyJvmHasIt) {
            throw new IllegalStateException(everyJvmHasIt);
        }
    }

    /** What is kept beside the base's offset. */
    String text() {
        var text = new StringBuilder(VERSION).append(' ').append(base.time().toEpochMilli());
        new TreeMap<>(behind).entrySet().stream().limit(MOST).forEach(each -> text.append(' ').append(each.getKey()).append(':')
                .append(each.getValue().offset()).append(':').append(each.getValue().time().toEpochMilli()));
        return text.toString();
    }

    /** @param otherwise the time, if the text is none that this release has written */
    static Positions read(long offset, String text, Instant otherwise) {
        try {
            var parts = text.split(" ");
            if (parts[0].equals(VERSION)) {
                var behind = new TreeMap<String, Position>();
                for (int i = 2; i < parts.length; i++) {
                    var fields = parts[i].split(":");
                    behind.put(fields[0], new Position(Long.parseLong(fields[1]), Instant.ofEpochMilli(Long.parseLong(fields[2]))));
                }
                return new Positions(new Position(offset, Instant.ofEpochMilli(Long.parseLong(parts[1]))), behind);
            }
        } catch (RuntimeException another) {
            // Another release's, or an administrator's tool has set the offset.
        }
        return new Positions(new Position(offset, otherwise), Map.of());
    }
}
