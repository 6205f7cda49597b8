package dev.muster.planner.answer;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.grpc.StatusRuntimeException;
import java.util.Base64;
import java.util.OptionalLong;

/** Page sizes and tokens. A token says after what the next page begins, in words that only the server reads. */
public final class Pages {

    private static final int DEFAULT_SIZE = 100;
    private static final int LARGEST = 1000;

    private Pages() {}

    public static int size(int asked) {
        if (asked < 0) {
            throw ApiErrors.invalid("pageSize", "is " + asked, "use 1 to " + LARGEST + ", or 0 for " + DEFAULT_SIZE);
        }
        return asked == 0 ? DEFAULT_SIZE : Math.min(asked, LARGEST);
    }

    public static String token(String last) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(last.getBytes(UTF_8));
    }

    /** The number that the page before ended with; empty for the first. */
    public static OptionalLong number(String token) {
        var last = after(token);
        try {
            return last.isEmpty() ? OptionalLong.empty() : OptionalLong.of(Long.parseUnsignedLong(last));
        } catch (NumberFormatException notOurs) {
            throw notOurs(token);
        }
    }

    private static StatusRuntimeException notOurs(String token) {
        return ApiErrors.invalid("pageToken", "'" + token + "' is none that a page ended with", "send next_page_token as it came, or nothing");
    }

    /** What the page before ended with; empty for the first. */
    public static String after(String token) {
        try {
            return new String(Base64.getUrlDecoder().decode(token), UTF_8);
        } catch (IllegalArgumentException notOurs) {
            throw notOurs(token);
        }
    }
}
