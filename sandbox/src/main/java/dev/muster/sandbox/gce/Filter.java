package dev.muster.sandbox.gce;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * The filter of a list call: comparisons of fields, with AND, OR, NOT and parentheses. {@code =} and {@code !=} compare whole values,
 * {@code :} finds a part ({@code :*} anything), {@code eq} and {@code ne} take a regular expression of the whole value.
 */
final class Filter {

    private static final Pattern TOKEN = Pattern.compile("\\s*(?:(\\()|(\\))|(!=|<=|>=|=|<|>|:)|\"((?:[^\"\\\\]|\\\\.)*)\"|'((?:[^'\\\\]|\\\\.)*)'|([^\\s()=!<>:\"']+))");

    private final String text;
    private final String message;
    private final List<Token> tokens = new ArrayList<>();
    private int next;

    private enum Kind { OPEN, CLOSE, OPERATOR, QUOTED, WORD }

    private record Token(Kind kind, String text) {
    }

    private Filter(String text, String message) {
        this.text = text;
        this.message = message;
        var matcher = TOKEN.matcher(text.strip());
        int end = 0;
        while (matcher.find() && matcher.start() == end) {
            end = matcher.end();
            if (matcher.group(1) != null) {
                tokens.add(new Token(Kind.OPEN, "("));
            } else if (matcher.group(2) != null) {
                tokens.add(new Token(Kind.CLOSE, ")"));
            } else if (matcher.group(3) != null) {
                tokens.add(new Token(Kind.OPERATOR, matcher.group(3)));
            } else if (matcher.group(6) != null) {
                tokens.add(new Token(Kind.WORD, matcher.group(6)));
            } else {
                var quoted = matcher.group(4) != null ? matcher.group(4) : matcher.group(5);
                tokens.add(new Token(Kind.QUOTED, quoted.replaceAll("\\\\([\"'])", "$1")));
            }
        }
        if (end != text.strip().length()) {
            throw invalid();
        }
    }

    /**
     * What passes the filter.
     *
     * @param text null or empty: everything
     * @param message of the schema, whose fields alone may be named
     */
    static Predicate<JsonObject> of(String text, String message) {
        if (text == null || text.isBlank()) {
            return resource -> true;
        }
        var filter = new Filter(text, message);
        var all = filter.alternatives();
        if (filter.next < filter.tokens.size()) {
            throw filter.invalid();
        }
        return all;
    }

    private Predicate<JsonObject> alternatives() {
        // OR binds closer than AND, as in all of Google's list filters (AIP-160).
        var all = alternative();
        while (peek() != null && peek().kind != Kind.CLOSE) {
            if (isWord("AND")) {
                next++;
            }
            all = all.and(alternative());
        }
        return all;
    }

    private Predicate<JsonObject> alternative() {
        var any = term();
        while (isWord("OR")) {
            next++;
            any = any.or(term());
        }
        return any;
    }

    private Predicate<JsonObject> term() {
        var token = take();
        if (token.kind == Kind.WORD && token.text.equals("NOT")) {
            return term().negate();
        }
        if (token.kind == Kind.OPEN) {
            var inner = alternatives();
            if (take().kind != Kind.CLOSE) {
                throw invalid();
            }
            return inner;
        }
        if (token.kind != Kind.WORD) {
            throw invalid();
        }
        boolean negated = token.text.startsWith("-");
        var comparison = comparison(negated ? token.text.substring(1) : token.text);
        return negated ? comparison.negate() : comparison;
    }

    private Predicate<JsonObject> comparison(String field) {
        if (!Schema.has(message, field)) {
            throw invalid();
        }
        var operator = take();
        var wanted = take();
        if (wanted.kind != Kind.WORD && wanted.kind != Kind.QUOTED) {
            throw invalid();
        }
        // A bare value may hold what else is an operator, such as the colons of a time or an address.
        var value = new StringBuilder(wanted.text);
        while (wanted.kind == Kind.WORD && peek() != null && peek().kind == Kind.OPERATOR && peek().text.equals(":")) {
            value.append(take().text).append(take().text);
        }
        var word = value.toString();
        return switch (operator.text) {
            case "=" -> resource -> values(resource, field).stream().anyMatch(like(word)::test);
            case "!=" -> resource -> values(resource, field).stream().noneMatch(like(word)::test);
            case ":" -> resource -> values(resource, field).stream().anyMatch(found -> word.equals("*") || like(word).test(found) || found.contains(word));
            case "eq" -> regex(field, word, true);
            case "ne" -> regex(field, word, false);
            case "<" -> resource -> values(resource, field).stream().anyMatch(found -> compare(found, word) < 0);
            case "<=" -> resource -> values(resource, field).stream().anyMatch(found -> compare(found, word) <= 0);
            case ">" -> resource -> values(resource, field).stream().anyMatch(found -> compare(found, word) > 0);
            case ">=" -> resource -> values(resource, field).stream().anyMatch(found -> compare(found, word) >= 0);
            default -> throw invalid();
        };
    }

    private Predicate<JsonObject> regex(String field, String expression, boolean wanted) {
        try {
            var pattern = Pattern.compile(expression);
            return resource -> wanted == values(resource, field).stream().anyMatch(found -> pattern.matcher(found).matches());
        } catch (PatternSyntaxException e) {
            throw invalid();
        }
    }

    /** Whole, with {@code *} for anything; a resource's address is also matched by its end, as its name. */
    private static Predicate<String> like(String wanted) {
        var pattern = Pattern.compile(Pattern.quote(wanted).replace("*", "\\E.*\\Q"), Pattern.DOTALL);
        return found -> pattern.matcher(found).matches();
    }

    private static int compare(String found, String wanted) {
        try {
            return Double.compare(Double.parseDouble(found), Double.parseDouble(wanted));
        } catch (NumberFormatException notNumbers) {
            try {
                return java.time.OffsetDateTime.parse(found).toInstant().compareTo(java.time.OffsetDateTime.parse(wanted).toInstant());
            } catch (java.time.format.DateTimeParseException notTimes) {
                return found.compareTo(wanted);
            }
        }
    }

    private static List<String> values(Object at, String path) {
        if (at instanceof JsonArray list) {
            return list.stream().flatMap(item -> values(item, path).stream()).toList();
        }
        if (path.isEmpty()) {
            return at == null ? List.of() : List.of(String.valueOf(at));
        }
        if (!(at instanceof JsonObject object)) {
            return List.of();
        }
        if (object.containsKey(path)) {
            // Also a label whose key has a dot.
            return values(object.getValue(path), "");
        }
        int dot = path.indexOf('.');
        return dot < 0 ? List.of() : values(object.getValue(path.substring(0, dot)), path.substring(dot + 1));
    }

    private boolean isWord(String word) {
        return peek() != null && peek().kind == Kind.WORD && peek().text.equals(word);
    }

    private Token peek() {
        return next < tokens.size() ? tokens.get(next) : null;
    }

    private Token take() {
        if (next >= tokens.size()) {
            throw invalid();
        }
        return tokens.get(next++);
    }

    private Refusal invalid() {
        return Refusal.invalid("filter", text, "Invalid list filter expression.");
    }
}
