package dev.muster.sandbox.gce;

import io.vertx.core.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;

/**
 * One page of a list.
 *
 * @param next what the caller sends for the following page; null on the last
 */
record Page(List<Item> items, String next) {

    private static final String NEWEST_FIRST = "creationTimestamp desc";

    /** @param scope in which it is; empty where the list has one scope */
    record Item(String scope, JsonObject resource) {

        private String time() {
            return resource.getString("creationTimestamp", resource.getString("insertTime", ""));
        }
    }

    /** The page that the call asks for: by scope and name, or the newest first. What appears or goes between two pages shifts nothing. */
    static Page of(Call call, List<Item> all, String message) {
        var order = call.query().getOrDefault("orderBy", "");
        if (!List.of("", "name", NEWEST_FIRST).contains(order)) {
            throw Refusal.invalid("orderBy", order, "Only sorting by name or creationTimestamp desc is supported.");
        }
        boolean newestFirst = order.equals(NEWEST_FIRST);
        Comparator<String> keys = newestFirst ? Comparator.reverseOrder() : Comparator.naturalOrder();
        var filter = Filter.of(call.query().get("filter"), message);
        var after = after(call.query().get("pageToken"));
        var rest = all.stream().filter(item -> filter.test(item.resource)).filter(item -> after == null || keys.compare(key(item, newestFirst), after) > 0)
                .sorted(Comparator.comparing(item -> key(item, newestFirst), keys)).toList();
        int size = call.maxResults();
        if (rest.size() <= size) {
            return new Page(rest, null);
        }
        var items = rest.subList(0, size);
        // A page may be empty: maxResults=0 is allowed.
        var last = items.isEmpty() ? after == null ? newestFirst ? "\uffff" : "" : after : key(items.get(items.size() - 1), newestFirst);
        return new Page(items, Base64.getUrlEncoder().encodeToString(("muster:" + last).getBytes(StandardCharsets.UTF_8)));
    }

    private static String key(Item item, boolean newestFirst) {
        return (newestFirst ? item.time() : "") + "/" + item.scope + "/" + item.resource.getString("name");
    }

    private static String after(String token) {
        if (token == null || token.isEmpty()) {
            return null;
        }
        try {
            var text = new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8);
            if (text.startsWith("muster:")) {
                return text.substring("muster:".length());
            }
        } catch (IllegalArgumentException e) {
            // Not one of ours: answered below, as any other token that isn't.
        }
        throw Refusal.invalid("pageToken", token, "The page token is invalid.");
    }
}
