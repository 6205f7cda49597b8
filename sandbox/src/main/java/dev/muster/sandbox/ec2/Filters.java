package dev.muster.sandbox.ec2;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * The filters of describe calls: a resource passes if for each filter one of its values matches one of the filter's; {@code *}
 * and {@code ?} are wildcards.
 *
 * @param <T> the resource
 */
final class Filters<T> {

    private static final int MOST_VALUES = 200;

    private final Map<String, Function<T, Collection<String>>> values = new HashMap<>();
    private Function<T, Map<String, String>> tags;

    /** A filter on a property with one value, which may be null. */
    Filters<T> on(String name, Function<T, Object> value) {
        values.put(name, resource -> {
            var found = value.apply(resource);
            return found == null ? List.of() : List.of(found.toString());
        });
        return this;
    }

    Filters<T> onEach(String name, Function<T, Collection<String>> all) {
        values.put(name, all);
        return this;
    }

    /** The filters {@code tag:<key>}, {@code tag-key} and {@code tag-value}. */
    Filters<T> onTags(Function<T, Map<String, String>> of) {
        tags = of;
        onEach("tag-key", resource -> of.apply(resource).keySet());
        return onEach("tag-value", resource -> of.apply(resource).values());
    }

    /** Reads the call's filters; one of an unknown name is refused. */
    Predicate<T> of(Call call) {
        Predicate<T> all = resource -> true;
        for (var filter : call.structures("Filter")) {
            var name = filter.required("Name");
            var wanted = filter.texts("Value").stream().map(Filters::pattern).toList();
            if (wanted.isEmpty()) {
                throw Refusal.invalidValue("The filter '" + name + "' has no values");
            }
            if (wanted.size() > MOST_VALUES) {
                throw Refusal.of("FilterLimitExceeded", "The maximum number of filter values specified on a single call is " + MOST_VALUES);
            }
            Function<T, Collection<String>> of;
            if (tags != null && name.startsWith("tag:")) {
                var key = name.substring("tag:".length());
                of = resource -> tags.apply(resource).containsKey(key) ? List.of(tags.apply(resource).get(key)) : List.of();
            } else {
                of = values.get(name);
            }
            if (of == null) {
                throw Refusal.invalidValue("The filter '" + name + "' is invalid");
            }
            var read = of;
            all = all.and(resource -> read.apply(resource).stream().anyMatch(value -> wanted.stream().anyMatch(pattern -> pattern.matcher(value).matches())));
        }
        return all;
    }

    private static Pattern pattern(String value) {
        var regex = new StringBuilder();
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == '\\' && i + 1 < value.length()) {
                regex.append(Pattern.quote(String.valueOf(value.charAt(++i))));
            } else {
                regex.append(c == '*' ? ".*" : c == '?' ? "." : Pattern.quote(String.valueOf(c)));
            }
        }
        return Pattern.compile(regex.toString(), Pattern.DOTALL);
    }
}
