package dev.muster.sandbox.k8s;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.Optional;
import java.util.stream.Collectors;

/** What the server says that it can do: {@code /version}, {@code /api}, {@code /apis} and the resources of each group. */
final class Discovery {

    /** The version whose behaviour the stand-in has. */
    static final String VERSION = "v1.30.4";

    private Discovery() {
    }

    static Optional<JsonObject> at(String path) {
        var plain = path.replaceAll("/+$", "");
        return switch (plain) {
            case "/version" -> Optional.of(new JsonObject().put("major", "1").put("minor", "30").put("gitVersion", VERSION).put("gitCommit", "").put("gitTreeState", "clean")
                    .put("buildDate", "2024-08-13T07:28:49Z").put("goVersion", "go1.22.5").put("compiler", "gc").put("platform", "linux/amd64"));
            case "/api" -> Optional.of(new JsonObject().put("kind", "APIVersions").put("versions", new JsonArray().add("v1")).put("serverAddressByClientCIDRs", new JsonArray()));
            case "/apis" -> Optional.of(new JsonObject().put("kind", "APIGroupList").put("apiVersion", "v1").put("groups", new JsonArray(Resource.ALL.stream()
                    .map(Resource::group).filter(group -> !group.isEmpty()).distinct().map(Discovery::group).toList())));
            default -> resources(plain);
        };
    }

    private static JsonObject group(String group) {
        var version = new JsonObject().put("groupVersion", group + "/v1").put("version", "v1");
        return new JsonObject().put("name", group).put("versions", new JsonArray().add(version)).put("preferredVersion", version);
    }

    private static Optional<JsonObject> resources(String path) {
        var of = Resource.ALL.stream().filter(one -> path.equals((one.group().isEmpty() ? "/api/" : "/apis/") + one.apiVersion())).collect(Collectors.toList());
        if (of.isEmpty()) {
            return Optional.empty();
        }
        var list = new JsonArray();
        for (var resource : of) {
            var verbs = new JsonArray();
            for (var verb : "create,delete,deletecollection,get,list,patch,update,watch".split(",")) {
                if (resource != Resource.ACCESS_REVIEWS || verb.equals("create")) {
                    verbs.add(verb);
                }
            }
            list.add(new JsonObject().put("name", resource.plural()).put("singularName", resource.singular()).put("namespaced", resource.namespaced())
                    .put("kind", resource.kind()).put("verbs", verbs).put("shortNames", new JsonArray(resource.shortNames())));
        }
        if (of.contains(Resource.PODS)) {
            list.add(new JsonObject().put("name", "pods/log").put("singularName", "").put("namespaced", true).put("kind", "Pod").put("verbs", new JsonArray().add("get")));
            list.add(new JsonObject().put("name", "pods/eviction").put("singularName", "").put("namespaced", true).put("group", "policy").put("version", "v1")
                    .put("kind", "Eviction").put("verbs", new JsonArray().add("create")));
            list.add(new JsonObject().put("name", "pods/binding").put("singularName", "").put("namespaced", true).put("kind", "Binding").put("verbs", new JsonArray().add("create")));
            list.add(new JsonObject().put("name", "pods/status").put("singularName", "").put("namespaced", true).put("kind", "Pod")
                    .put("verbs", new JsonArray().add("get").add("patch").add("update")));
            list.add(new JsonObject().put("name", "nodes/status").put("singularName", "").put("namespaced", false).put("kind", "Node")
                    .put("verbs", new JsonArray().add("get").add("patch").add("update")));
        }
        return Optional.of(new JsonObject().put("kind", "APIResourceList").put("apiVersion", "v1").put("groupVersion", of.get(0).apiVersion()).put("resources", list));
    }
}
