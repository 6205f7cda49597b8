package dev.muster.sandbox.k8s;

import java.util.List;
import java.util.Map;

/**
 * One request to the API, by what it is about.
 *
 * @param verb as rights name it: get, list, watch, create, update, patch, delete or deletecollection
 * @param subresource empty for none
 * @param namespace empty for none, or all of them
 * @param name empty for a collection
 */
record KubeCall(String verb, Resource resource, String subresource, String namespace, String name, Map<String, String> query) {

    /** @throws Refusal if the server has no such path, or doesn't take this method there */
    static KubeCall of(String method, String path, Map<String, String> query) {
        var steps = List.of(path.substring(1).split("/"));
        int at = steps.get(0).equals("api") ? 2 : 3;
        if (steps.size() <= at) {
            throw Refusal.noSuchPath();
        }
        var group = at == 2 ? "" : steps.get(1);
        var version = steps.get(at - 1);
        var namespace = "";
        if (steps.get(at).equals("namespaces") && steps.size() > at + 2 && Resource.find(group, version, steps.get(at + 2)).isPresent()) {
            namespace = steps.get(at + 1);
            at += 2;
        }
        var resource = Resource.find(group, version, steps.get(at)).orElseThrow(Refusal::noSuchPath);
        var name = steps.size() > at + 1 ? steps.get(at + 1) : "";
        var subresource = steps.size() > at + 2 ? steps.get(at + 2) : "";
        if (steps.size() > at + 3 || resource.namespaced() == namespace.isEmpty() && !(resource.namespaced() && name.isEmpty())) {
            throw Refusal.noSuchPath();
        }
        boolean watch = List.of("true", "1").contains(query.getOrDefault("watch", ""));
        var verb = switch (method) {
            case "GET" -> !name.isEmpty() ? "get" : watch ? "watch" : "list";
            case "POST" -> "create";
            case "PUT" -> "update";
            case "PATCH" -> "patch";
            case "DELETE" -> name.isEmpty() ? "deletecollection" : "delete";
            default -> throw notTaken();
        };
        if (verb.equals("create") && !name.isEmpty() && subresource.isEmpty() || name.isEmpty() && List.of("update", "patch").contains(verb)) {
            throw notTaken();
        }
        return new KubeCall(verb, resource, subresource, namespace, name, Map.copyOf(query));
    }

    private static Refusal notTaken() {
        return new Refusal(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", new io.vertx.core.json.JsonObject());
    }

    /** {@code pods/status}, as rights name it. */
    String target() {
        return resource.plural() + (subresource.isEmpty() ? "" : "/" + subresource);
    }

    /** {@code create pods}, as faults and books name it. */
    String action() {
        return verb + " " + target();
    }
}
