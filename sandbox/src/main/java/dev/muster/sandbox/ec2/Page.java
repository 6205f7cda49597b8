package dev.muster.sandbox.ec2;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.function.ToLongFunction;

/**
 * One page of an answer.
 *
 * @param next what the caller sends for the following page; null on the last
 */
record Page<T>(List<T> items, String next) {

    /** What fixed lists are paged by: their position. */
    static <T> Page<T> of(Call call, List<T> all, int least, int most) {
        int[] position = {0};
        var numbered = all.stream().map(item -> new Numbered<>(item, ++position[0])).toList();
        var page = of(call, numbered, Numbered::number, least, most);
        return new Page<>(page.items().stream().map(Numbered::item).toList(), page.next());
    }

    private record Numbered<T>(T item, long number) {
    }

    /**
     * The page that the call asks for.
     *
     * @param all in ascending order of {@code number}; what appears or goes between two pages shifts nothing
     * @param least smallest MaxResults allowed
     */
    static <T> Page<T> of(Call call, List<T> all, ToLongFunction<T> number, int least, int most) {
        var max = call.integer("MaxResults");
        max.ifPresent(results -> {
            if (results < least || results > most) {
                throw Refusal.invalidValue("Value ( " + results + " ) for parameter maxResults is invalid. Expecting a value from " + least + " to " + most + ".");
            }
        });
        long after = after(call.text("NextToken"));
        var rest = all.stream().filter(item -> number.applyAsLong(item) > after).toList();
        int size = max.orElse(Integer.MAX_VALUE);
        if (rest.size() <= size) {
            return new Page<>(rest, null);
        }
        var items = rest.subList(0, size);
        var token = "muster:" + number.applyAsLong(items.get(items.size() - 1));
        return new Page<>(items, Base64.getUrlEncoder().encodeToString(token.getBytes(StandardCharsets.UTF_8)));
    }

    private static long after(String token) {
        if (token == null || token.isEmpty()) {
            return Long.MIN_VALUE;
        }
        try {
            var text = new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8);
            if (text.startsWith("muster:")) {
                return Long.parseLong(text.substring("muster:".length()));
            }
        } catch (IllegalArgumentException e) {
            // Not one of ours: answered below, as any other token that isn't.
        }
        throw Refusal.of("InvalidPaginationToken", "The pagination token '" + token + "' is not valid");
    }
}
