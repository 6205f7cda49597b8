package dev.muster.planner.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Percent-encoding as RFC 3986 has it, strictly: what is no whole escape or no UTF-8 is refused, not guessed. */
final class Percent {

    private Percent() {}

    /** @throws IllegalArgumentException if it is not well encoded */
    static String decoded(String text) {
        if (text.indexOf('%') < 0 && text.chars().allMatch(c -> c > 0x20 && c < 0x7f)) {
            return text;
        }
        var bytes = new ByteArrayOutputStream(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c != '%') {
                if (c <= 0x20 || c >= 0x7f) {
                    throw new IllegalArgumentException("has a character that must be percent-encoded");
                }
                bytes.write(c);
                continue;
            }
            var whole = i + 2 < text.length();
            int high = whole ? Character.digit(text.charAt(i + 1), 16) : -1;
            int low = whole ? Character.digit(text.charAt(i + 2), 16) : -1;
            if (high < 0 || low < 0) {
                throw new IllegalArgumentException("has a '%' that begins no escape");
            }
            bytes.write(high << 4 | low);
            i += 2;
        }
        return utf8(bytes.toByteArray());
    }

    /** @throws IllegalArgumentException if it is none */
    static String utf8(byte[] bytes) {
        try {
            return UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException other) {
            throw new IllegalArgumentException("is not UTF-8");
        }
    }

    /** Names and values of a query, as forms encode them: '+' is a space. */
    static List<Map.Entry<String, String>> query(String query) {
        var pairs = new ArrayList<Map.Entry<String, String>>();
        if (query != null) {
            for (var pair : query.split("&")) {
                if (!pair.isEmpty()) {
                    int equals = pair.indexOf('=');
                    var name = equals < 0 ? pair : pair.substring(0, equals);
                    var value = equals < 0 ? "" : pair.substring(equals + 1);
                    pairs.add(Map.entry(decoded(name.replace("+", "%20")), decoded(value.replace("+", "%20"))));
                }
            }
        }
        return pairs;
    }
}
