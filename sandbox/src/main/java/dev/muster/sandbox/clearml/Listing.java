package dev.muster.sandbox.clearml;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;

/** How every {@code get_all} filters, orders, pages and scrolls. Not thread-safe. */
final class Listing {

    /** No answer has more rows, whatever {@code page_size} says. */
    static final int ROWS_MAX = 500;
    static final Duration SCROLL_LIFE = Duration.ofSeconds(600);

    private record Scroll(Instant expires, List<ObjectNode> rows, int position) {
    }

    private final Map<String, Scroll> scrolls = new HashMap<>();
    private final Clock clock;

    Listing(Clock clock) {
        this.clock = clock;
    }

    /**
     * The rows of one answer, put under {@code name}, with a scroll id if the request scrolls.
     *
     * @param shown what is answered for a stored document, made only for the rows of this page
     */
    ObjectNode page(Call call, String name, Stream<ObjectNode> matching, UnaryOperator<ObjectNode> shown) {
        var answer = Json.object();
        var rows = answer.putArray(name);
        var onlyFields = call.texts("only_fields");
        UnaryOperator<ObjectNode> row = document -> Json.project(shown.apply(document), onlyFields);
        if (call.has("scroll_id") || call.has("size") && !call.has("page_size")) {
            scroll(call, matching, answer, rows, row);
            return answer;
        }
        long size = call.number("page_size", ROWS_MAX);
        long page = call.number("page", 0);
        if (size < 1) {
            throw ApiFault.invalid("page_size", "must be at least 1");
        }
        if (page < 0) {
            throw ApiFault.invalid("page", "must be at least 0");
        }
        size = Math.min(size, ROWS_MAX);
        ordered(call, matching).skip(page * size).limit(size).map(row).forEach(rows::add);
        return answer;
    }

    private void scroll(Call call, Stream<ObjectNode> matching, ObjectNode answer, ArrayNode rows, UnaryOperator<ObjectNode> row) {
        var now = clock.instant();
        scrolls.values().removeIf(scroll -> !now.isBefore(scroll.expires));
        long size = call.number("size", ROWS_MAX);
        if (size < 1) {
            throw ApiFault.invalid("size", "must be at least 1");
        }
        var id = call.optionalText("scroll_id").orElseGet(Logins::newId);
        var standing = scrolls.get(id);
        if (call.has("scroll_id") && standing == null) {
            throw new ApiFault(400, 1104, "Invalid scroll id: scroll_id=" + id);
        }
        if (standing == null || call.flag("refresh_scroll")) {
            standing = new Scroll(now, ordered(call, matching).toList(), 0);
        }
        int end = (int) Math.min(standing.rows.size(), standing.position + Math.min(size, ROWS_MAX));
        standing.rows.subList(standing.position, end).stream().map(row).forEach(rows::add);
        scrolls.put(id, new Scroll(now.plus(SCROLL_LIFE), standing.rows, end));
        answer.put("scroll_id", id);
    }

    private static Stream<ObjectNode> ordered(Call call, Stream<ObjectNode> rows) {
        Comparator<ObjectNode> order = null;
        for (var key : call.texts("order_by")) {
            boolean descending = key.startsWith("-");
            var path = descending || key.startsWith("+") ? key.substring(1) : key;
            Comparator<ObjectNode> next = Comparator.comparing(row -> Json.at(row, path), Listing::compare);
            next = descending ? next.reversed() : next;
            order = order == null ? next : order.thenComparing(next);
        }
        return order == null ? rows : rows.sorted(order);
    }

    private static int compare(JsonNode a, JsonNode b) {
        if (a.isNumber() && b.isNumber()) {
            return Double.compare(a.asDouble(), b.asDouble());
        }
        // Times are written so that their text sorts like the times; what is absent sorts first.
        return a.asText("").compareTo(b.asText(""));
    }

    /**
     * A test of documents by the fields of a request: every field of {@code listFields} that the request has must hold one of
     * its values ({@code -value} excludes, {@code __$all} asks for all of them, null for absence), and {@code name} is a regex.
     */
    static Predicate<ObjectNode> filter(Call call, Set<String> listFields) {
        var tests = new ArrayList<Predicate<ObjectNode>>();
        for (var field : listFields) {
            if (call.has(field)) {
                tests.add(listFilter(field, call.get(field)));
            }
        }
        if (call.has("name")) {
            var name = pattern("name", call.text("name"));
            tests.add(document -> name.matcher(document.path("name").asText()).find());
        }
        for (var combined : List.of("_any_", "_all_")) {
            if (call.get(combined).has("pattern")) {
                var pattern = pattern(combined, call.get(combined).path("pattern").asText());
                var fields = new ArrayList<String>();
                call.get(combined).path("fields").forEach(field -> fields.add(field.asText()));
                tests.add(document -> combined.equals("_any_")
                        ? fields.stream().anyMatch(field -> pattern.matcher(Json.at(document, field).asText()).find())
                        : fields.stream().allMatch(field -> pattern.matcher(Json.at(document, field).asText()).find()));
            }
        }
        return document -> tests.stream().allMatch(test -> test.test(document));
    }

    private static Pattern pattern(String field, String regex) {
        try {
            return Pattern.compile(regex);
        } catch (PatternSyntaxException bad) {
            throw new ApiFault(400, 21, "Invalid regular expression: field=" + field + ", pattern=" + regex);
        }
    }

    private static Predicate<ObjectNode> listFilter(String field, JsonNode wanted) {
        var include = new HashSet<String>();
        var exclude = new HashSet<String>();
        boolean all = false;
        boolean absent = false;
        boolean nextExcluded = false;
        for (var value : wanted.isArray() ? wanted : Json.array().add(wanted)) {
            if (value.isNull()) {
                absent = true;
                continue;
            }
            var text = value.asText();
            if (text.startsWith("__$")) {
                all |= text.equals("__$all") || text.equals("__$and");
                nextExcluded = text.equals("__$not");
            } else if (nextExcluded || text.startsWith("-")) {
                exclude.add(text.startsWith("-") ? text.substring(1) : text);
                nextExcluded = false;
            } else {
                include.add(text);
            }
        }
        boolean takesAbsent = absent;
        boolean takesAll = all;
        return document -> {
            var value = Json.at(document, field);
            if (value.isMissingNode() || value.isNull()) {
                return takesAbsent || include.isEmpty();
            }
            if (value instanceof ArrayNode elements) {
                var held = new HashSet<String>();
                elements.forEach(element -> held.add(element.asText()));
                return exclude.stream().noneMatch(held::contains)
                        && (include.isEmpty() || (takesAll ? held.containsAll(include) : include.stream().anyMatch(held::contains)));
            }
            var text = value.asText();
            return !exclude.contains(text) && (include.isEmpty() ? !takesAbsent || !exclude.isEmpty() : include.contains(text));
        };
    }
}
