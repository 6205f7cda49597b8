package dev.muster.planner.foreign;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What {@code ~/clearml.conf} says of the server: its {@code api} section. The file is HOCON; read is what people and ClearML's
 * own wizard write into it, nested or dotted, quoted or not. What can't be understood is passed over.
 *
 * @param api empty if the file doesn't say, like all others
 */
public record ClearmlConf(String api, String web, String files, String accessKey, String secretKey) {

    public static final ClearmlConf NONE = new ClearmlConf("", "", "", "", "");
    /** Where ClearML's hosted service answers. */
    private static final String HOSTED = "https://api.clear.ml";

    /** The API server; the hosted one if the file doesn't say. */
    public String apiOr() {
        return api.isEmpty() ? HOSTED : api;
    }

    @Override
    public String toString() {
        return "ClearmlConf[api=" + api + ", web=" + web + ", files=" + files + "]";
    }

    public static ClearmlConf parse(String text) {
        var values = new Reader(text).read();
        return new ClearmlConf(value(values, "api.api_server"), value(values, "api.web_server"), value(values, "api.files_server"),
                value(values, "api.credentials.access_key"), value(values, "api.credentials.secret_key"));
    }

    private static String value(Map<String, String> values, String path) {
        var value = values.getOrDefault(path, "");
        // A reference to an environment variable is no value.
        return value.startsWith("${") ? "" : value;
    }

    /** Walks through the text and keeps, by dotted path, every plain value of an object; the last one of a path wins. */
    private static final class Reader {

        /** Deeper than anything that ClearML reads. */
        private static final int DEEPEST = 30;

        private final String text;
        private final Map<String, String> values = new HashMap<>();
        private int at;

        Reader(String text) {
            this.text = text;
        }

        Map<String, String> read() {
            skipSpace();
            if (peek() == '{') {
                at++;
            }
            object(List.of());
            return values;
        }

        private void object(List<String> path) {
            if (path.size() > DEEPEST) {
                return;
            }
            while (true) {
                skipSpace();
                while (peek() == ',') {
                    at++;
                    skipSpace();
                }
                if (at >= text.length()) {
                    return;
                }
                if (peek() == '}') {
                    at++;
                    return;
                }
                var key = key();
                if (key.isEmpty()) {
                    // Nothing that begins an entry: one character on, so that the walk ends.
                    at++;
                    continue;
                }
                var inner = new ArrayList<>(path);
                inner.addAll(key);
                skipBlanks();
                if (peek() == '{') {
                    at++;
                    object(inner);
                } else if (peek() == ':' || peek() == '=' || peek() == '+') {
                    at += peek() == '+' ? 2 : 1;
                    skipSpace();
                    value(inner);
                }
            }
        }

        private void value(List<String> path) {
            if (peek() == '{') {
                at++;
                object(path);
            } else if (peek() == '[') {
                skipList();
            } else if (peek() == '"') {
                values.put(String.join(".", path), quoted());
            } else {
                values.put(String.join(".", path), unquoted());
            }
        }

        private List<String> key() {
            var parts = new ArrayList<String>();
            while (at < text.length()) {
                if (peek() == '"') {
                    parts.add(quoted());
                } else {
                    var begin = at;
                    while (at < text.length() && (Character.isLetterOrDigit(peek()) || peek() == '_' || peek() == '-')) {
                        at++;
                    }
                    if (at == begin) {
                        return parts;
                    }
                    parts.add(text.substring(begin, at));
                }
                if (peek() != '.') {
                    return parts;
                }
                at++;
            }
            return parts;
        }

        private String quoted() {
            if (text.startsWith("\"\"\"", at)) {
                var end = text.indexOf("\"\"\"", at + 3);
                var value = text.substring(at + 3, end < 0 ? text.length() : end);
                at = end < 0 ? text.length() : end + 3;
                return value;
            }
            var value = new StringBuilder();
            for (at++; at < text.length() && peek() != '"' && peek() != '\n'; at++) {
                if (peek() == '\\' && at + 1 < text.length()) {
                    at++;
                }
                value.append(peek());
            }
            at++;
            return value.toString();
        }

        private String unquoted() {
            var begin = at;
            var braces = 0;
            while (at < text.length() && peek() != '\n' && peek() != ',' && peek() != '#' && !(peek() == '}' && braces == 0) && !isSlashComment()) {
                braces += peek() == '{' ? 1 : peek() == '}' ? -1 : 0;
                at++;
            }
            return text.substring(begin, at).strip();
        }

        /** Two slashes begin a comment, but not those of a URL. */
        private boolean isSlashComment() {
            return text.startsWith("//", at) && (at == 0 || text.charAt(at - 1) != ':');
        }

        private void skipList() {
            var depth = 0;
            while (at < text.length()) {
                if (peek() == '"') {
                    quoted();
                    continue;
                }
                if (peek() == '#') {
                    skipLine();
                    continue;
                }
                depth += peek() == '[' ? 1 : peek() == ']' ? -1 : 0;
                at++;
                if (depth == 0) {
                    return;
                }
            }
        }

        private void skipSpace() {
            while (at < text.length()) {
                if (Character.isWhitespace(peek())) {
                    at++;
                } else if (peek() == '#' || text.startsWith("//", at)) {
                    skipLine();
                } else {
                    return;
                }
            }
        }

        private void skipBlanks() {
            while (peek() == ' ' || peek() == '\t') {
                at++;
            }
        }

        private void skipLine() {
            while (at < text.length() && peek() != '\n') {
                at++;
            }
        }

        private char peek() {
            return at < text.length() ? text.charAt(at) : '\0';
        }
    }
}
