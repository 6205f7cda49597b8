package dev.muster.sandbox.k8s;

import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/** Which objects a list or a watch shows: label selectors of both kinds, and the field selectors that a real server knows. */
final class Selectors {

    private static final Set<String> EVERYWHERE = Set.of("metadata.name", "metadata.namespace");
    private static final Map<Resource, Set<String>> FIELDS = Map.of(
            Resource.PODS, Set.of("spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.phase", "status.podIP",
                    "status.nominatedNodeName"),
            Resource.EVENTS, Set.of("involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid", "involvedObject.apiVersion",
                    "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type"),
            Resource.NODES, Set.of("spec.unschedulable"),
            Resource.NAMESPACES, Set.of("status.phase"),
            Resource.SECRETS, Set.of("type"));
    private static final Pattern SET = Pattern.compile("\\s*(\\S+)\\s+(in|notin)\\s*\\(([^)]*)\\)\\s*");
    private static final Pattern EQUAL = Pattern.compile("\\s*([^\\s!=]+)\\s*(==|=|!=)\\s*([^\\s,]*)\\s*");

    private Selectors() {
    }

    /** @param labels as in the query; null: all. @throws Refusal if one can't be read */
    static Predicate<JsonObject> of(Resource resource, String labels, String fields) {
        Predicate<JsonObject> all = object -> true;
        for (var term : terms(labels)) {
            all = all.and(label(term));
        }
        for (var term : terms(fields)) {
            all = all.and(field(resource, term));
        }
        return all;
    }

    /** Commas in brackets separate values and not terms. */
    private static List<String> terms(String selector) {
        var terms = new ArrayList<String>();
        if (selector == null || selector.isBlank()) {
            return terms;
        }
        int depth = 0;
        int from = 0;
        for (int i = 0; i < selector.length(); i++) {
            char c = selector.charAt(i);
            depth += c == '(' ? 1 : c == ')' ? -1 : 0;
            if (c == ',' && depth == 0) {
                terms.add(selector.substring(from, i));
                from = i + 1;
            }
        }
        terms.add(selector.substring(from));
        return terms;
    }

    private static Predicate<JsonObject> label(String term) {
        var set = SET.matcher(term);
        if (set.matches()) {
            var values = Set.of(set.group(3).trim().split("\\s*,\\s*"));
            boolean in = set.group(2).equals("in");
            return object -> {
                var value = labelOf(object, set.group(1));
                return in ? value != null && values.contains(value) : value == null || !values.contains(value);
            };
        }
        var equal = EQUAL.matcher(term);
        if (equal.matches()) {
            boolean not = equal.group(2).equals("!=");
            return object -> equal.group(3).equals(labelOf(object, equal.group(1))) != not;
        }
        var key = term.trim();
        if (key.isEmpty() || key.contains(" ")) {
            throw Refusal.badRequest("unable to parse requirement: found '" + key + "', expected: identifier");
        }
        return key.startsWith("!") ? object -> labelOf(object, key.substring(1).trim()) == null : object -> labelOf(object, key) != null;
    }

    private static String labelOf(JsonObject object, String key) {
        return Json.child(Json.meta(object), "labels").getString(key);
    }

    private static Predicate<JsonObject> field(Resource resource, String term) {
        var equal = EQUAL.matcher(term);
        if (!equal.matches()) {
            throw Refusal.badRequest("invalid selector: '" + term + "'; can't understand '" + term + "'");
        }
        var field = equal.group(1);
        if (!EVERYWHERE.contains(field) && !FIELDS.getOrDefault(resource, Set.of()).contains(field)) {
            throw Refusal.badRequest(FIELDS.containsKey(resource) ? "field label not supported: " + field
                    : "\"" + field + "\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"");
        }
        boolean not = equal.group(2).equals("!=");
        var path = field.equals("source") ? new String[] {"source", "component"} : field.split("\\.");
        return object -> Json.text(object, path).equals(equal.group(3)) != not;
    }
}
