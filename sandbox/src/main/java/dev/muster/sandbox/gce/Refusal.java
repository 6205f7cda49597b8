package dev.muster.sandbox.gce;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;

/** A call that Compute Engine doesn't do, as the caller reads it. */
final class Refusal extends RuntimeException {

    private static final long serialVersionUID = 1;

    private final int status;
    private final String reason;
    private final String domain;
    /** What Google's front end adds to its own refusals; null on those of Compute Engine itself. */
    private final String canonical;
    private final transient JsonObject more;
    /** Null: none. */
    private final transient JsonArray details;

    Refusal(int status, String reason, String message) {
        this(status, reason, message, "global", null, new JsonObject());
    }

    /** The form that Google's front end has for a project's own faults: what is the matter is in the details. */
    private static Refusal ofProject(String reason, String detail, String message, JsonObject metadata) {
        var details = new JsonArray().add(new JsonObject().put("@type", "type.googleapis.com/google.rpc.ErrorInfo").put("reason", detail).put("domain", "googleapis.com")
                .put("metadata", metadata));
        return new Refusal(403, reason, message, "usageLimits", "PERMISSION_DENIED", new JsonObject().put("extendedHelp", "https://console.developers.google.com"), details);
    }

    static Refusal notSwitchedOn(Surroundings.Service service, String project) {
        var where = "https://console.developers.google.com/apis/api/" + service.host + "/overview?project=" + project;
        return ofProject("accessNotConfigured", "SERVICE_DISABLED", service.title + " has not been used in project " + project + " before or it is disabled. Enable it by visiting " + where
                + " then retry. If you enabled this API recently, wait a few minutes for the action to propagate to our systems and retry.",
                new JsonObject().put("service", service.host).put("consumer", "projects/" + project).put("activationUrl", where));
    }

    static Refusal withoutBill(String project) {
        return ofProject("forbidden", "BILLING_DISABLED", "This API method requires billing to be enabled. Please enable billing on project #" + project
                + " by visiting https://console.developers.google.com/billing/enable?project=" + project + " then retry.",
                new JsonObject().put("service", Surroundings.Service.COMPUTE.host).put("consumer", "projects/" + project));
    }

    private Refusal(int status, String reason, String message, String domain, String canonical, JsonObject more) {
        this(status, reason, message, domain, canonical, more, null);
    }

    private Refusal(int status, String reason, String message, String domain, String canonical, JsonObject more, JsonArray details) {
        super(message, null, false, false);
        this.status = status;
        this.reason = reason;
        this.domain = domain;
        this.canonical = canonical;
        this.more = more;
        this.details = details;
    }

    int status() {
        return status;
    }

    String reason() {
        return reason;
    }

    /** One field of what was sent is wrong. */
    static Refusal invalid(String field, String value, String why) {
        return new Refusal(400, "invalid", "Invalid value for field '" + field + "': '" + value + "'. " + why);
    }

    static Refusal required(String field) {
        return new Refusal(400, "required", "Required field '" + field + "' not specified");
    }

    /** @param resource such as {@code projects/p/zones/z/instances/i} */
    static Refusal notFound(String resource) {
        return new Refusal(404, "notFound", "The resource '" + resource + "' was not found");
    }

    static Refusal alreadyExists(String resource) {
        return new Refusal(409, "alreadyExists", "The resource '" + resource + "' already exists");
    }

    /** The words and the location are in googleapis/google-cloud-go#7802. */
    static Refusal conditionNotMet(String message) {
        return new Refusal(412, "conditionNotMet", message, "global", null, new JsonObject().put("location", "If-Match").put("locationType", "header"));
    }

    static Refusal forbidden(String permission, String resource) {
        return new Refusal(403, "forbidden", "Required '" + permission + "' permission for '" + resource + "'");
    }

    /** A quota of the project that is known to be full when the call comes. */
    static Refusal quotaExceeded(String message) {
        return new Refusal(403, "quotaExceeded", message, "usageLimits", null, new JsonObject());
    }

    /** What isn't of Google's schema. Its front end says so before Compute Engine sees anything. */
    static Refusal badRequest(String message) {
        return new Refusal(400, "badRequest", message, "global", "INVALID_ARGUMENT", new JsonObject());
    }

    static Refusal unauthenticated(String message) {
        return new Refusal(401, "authError", message, "global", "UNAUTHENTICATED", new JsonObject().put("location", "Authorization").put("locationType", "header"));
    }

    static Refusal backend() {
        return new Refusal(503, "backendError", "Internal error. Please try again or contact Google Support. (Code: '-6014523873543876608')", "global", null, new JsonObject());
    }

    /** As {@link #backend}, by a fault's order. */
    static Refusal of(int status, String reason, String message) {
        var domain = switch (reason) {
            case "quotaExceeded", "rateLimitExceeded", "userRateLimitExceeded", "dailyLimitExceeded" -> "usageLimits";
            default -> "global";
        };
        var canonical = switch (status) {
            case 401 -> "UNAUTHENTICATED";
            case 429 -> "RESOURCE_EXHAUSTED";
            default -> null;
        };
        return new Refusal(status, reason, message, domain, canonical, new JsonObject());
    }

    JsonObject json() {
        var first = new JsonObject().put("message", getMessage()).put("domain", domain).put("reason", reason).mergeIn(more);
        var error = new JsonObject().put("code", status).put("message", getMessage()).put("errors", new JsonArray().add(first));
        if (canonical != null) {
            error.put("status", canonical);
        }
        if (details != null) {
            error.put("details", details);
        }
        return new JsonObject().put("error", error);
    }
}
