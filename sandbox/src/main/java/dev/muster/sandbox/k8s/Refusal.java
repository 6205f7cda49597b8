package dev.muster.sandbox.k8s;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.stream.Collectors;

/** A call that the API server doesn't do, as the Status object that says why. */
final class Refusal extends RuntimeException {

    private static final long serialVersionUID = 1;

    private final int code;
    private final String reason;
    private final transient JsonObject details;

    /** @param details null for none */
    Refusal(int code, String reason, String message, JsonObject details) {
        super(message, null, false, false);
        this.code = code;
        this.reason = reason;
        this.details = details;
    }

    static Refusal notFound(Resource resource, String name) {
        return new Refusal(404, "NotFound", resource.qualified() + " \"" + name + "\" not found", details(resource, name));
    }

    static Refusal noSuchPath() {
        return new Refusal(404, "NotFound", "the server could not find the requested resource", new JsonObject());
    }

    static Refusal alreadyExists(Resource resource, String name) {
        return new Refusal(409, "AlreadyExists", resource.qualified() + " \"" + name + "\" already exists", details(resource, name));
    }

    static Refusal conflict(Resource resource, String name, String why) {
        return new Refusal(409, "Conflict", "Operation cannot be fulfilled on " + resource.qualified() + " \"" + name + "\": " + why, details(resource, name));
    }

    /** Of a delete, which names the kind. @param which {@code UID} or {@code ResourceVersion} */
    static Refusal precondition(Resource resource, String name, String which, String wanted, String there) {
        return new Refusal(409, "Conflict", "Operation cannot be fulfilled on " + resource.kind() + " \"" + name + "\": the " + which + " in the precondition (" + wanted
                + ") does not match the " + which + " in record (" + there + "). The object might have been "
                + (which.equals("UID") ? "deleted and then recreated" : "modified"), details(resource, name).put("kind", resource.kind()));
    }

    /** By an admission plug-in. */
    static Refusal forbidden(Resource resource, String name, String why) {
        return new Refusal(403, "Forbidden", resource.qualified() + " \"" + name + "\" is forbidden: " + why, details(resource, name));
    }

    static Refusal namespaceTerminating(Resource resource, String name, String namespace) {
        return new Refusal(403, "Forbidden", resource.qualified() + " \"" + name + "\" is forbidden: unable to create new content in namespace " + namespace
                + " because it is being terminated", details(resource, name).put("causes", new JsonArray().add(new JsonObject().put("reason", "NamespaceTerminating")
                .put("message", "namespace " + namespace + " is being terminated").put("field", "metadata.namespace"))));
    }

    /** By the caller's rights. @param name empty where the call names no object */
    static Refusal notAllowed(String user, String verb, Resource resource, String subresource, String namespace, String name) {
        var path = resource.plural() + (subresource.isEmpty() ? "" : "/" + subresource);
        var where = namespace.isEmpty() ? " at the cluster scope" : " in the namespace \"" + namespace + "\"";
        return new Refusal(403, "Forbidden", resource.qualified() + (name.isEmpty() ? "" : " \"" + name + "\"") + " is forbidden: User \"" + user + "\" cannot " + verb
                + " resource \"" + path + "\" in API group \"" + resource.group() + "\"" + where, details(resource, name));
    }

    static Refusal unauthorized() {
        return new Refusal(401, "Unauthorized", "Unauthorized", null);
    }

    static Refusal badRequest(String message) {
        return new Refusal(400, "BadRequest", message, null);
    }

    /** A field that is wrong. @param reason such as {@code FieldValueRequired} */
    record Cause(String field, String reason, String message) {
    }

    static Refusal invalid(Resource resource, String name, List<Cause> causes) {
        var told = causes.stream().map(cause -> cause.field + ": " + cause.message).collect(Collectors.joining(", "));
        var details = new JsonObject().put("name", name);
        if (!resource.group().isEmpty()) {
            details.put("group", resource.group());
        }
        details.put("kind", resource.kind()).put("causes", new JsonArray(causes.stream().map(cause -> new JsonObject().put("reason", cause.reason)
                .put("message", cause.message).put("field", cause.field)).toList()));
        return new Refusal(422, "Invalid", resource.kind() + (resource.group().isEmpty() ? "" : "." + resource.group()) + " \"" + name + "\" is invalid: "
                + (causes.size() == 1 ? told : "[" + told + "]"), details);
    }

    /** A version that the server has no history of any more. */
    static Refusal expired(String message) {
        return new Refusal(410, "Expired", message, null);
    }

    /** The one answer that is no object: a server that has too much to do writes none. */
    boolean isPlain() {
        return code == 429 && retryAfter() != null;
    }

    private static JsonObject details(Resource resource, String name) {
        var details = new JsonObject();
        if (!name.isEmpty()) {
            details.put("name", name);
        }
        if (!resource.group().isEmpty()) {
            details.put("group", resource.group());
        }
        return details.put("kind", resource.plural());
    }

    int code() {
        return code;
    }

    String reason() {
        return reason;
    }

    /** Seconds; null: it doesn't say. */
    Integer retryAfter() {
        return details == null ? null : details.getInteger("retryAfterSeconds");
    }

    JsonObject json() {
        var status = new JsonObject().put("kind", "Status").put("apiVersion", "v1").put("metadata", new JsonObject()).put("status", "Failure")
                .put("message", getMessage()).put("reason", reason);
        if (details != null) {
            status.put("details", details);
        }
        return status.put("code", code);
    }
}
