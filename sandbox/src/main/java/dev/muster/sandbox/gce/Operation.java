package dev.muster.sandbox.gce;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** Something long that a caller asked for or that Compute Engine did by itself. Guarded by the lock of {@link GceCloud}. */
final class Operation {

    enum Status { PENDING, RUNNING, DONE }

    /** Why it failed. @param details as {@code errorDetails} has them; null for none */
    record Failure(String code, String message, int httpStatus, JsonArray details) {

        private JsonObject json() {
            var error = new JsonObject().put("code", code).put("message", message);
            if (details != null) {
                error.put("errorDetails", details);
            }
            return error;
        }

        private String httpMessage() {
            return switch (httpStatus) {
                case 400 -> "BAD REQUEST";
                case 403 -> "FORBIDDEN";
                case 404 -> "NOT FOUND";
                case 409 -> "CONFLICT";
                case 412 -> "PRECONDITION FAILED";
                case 503 -> "SERVICE UNAVAILABLE";
                default -> "INTERNAL SERVER ERROR";
            };
        }
    }

    /** What a bulk insert did in one zone so far. */
    static final class Progress {
        int target;
        int created;
        int failed;
        int deleted;
        String status = "CREATING";
    }

    final long sequence;
    final String id;
    final String name;
    final String type;
    /** Such as {@code projects/p/zones/z}. */
    final String scope;
    final String target;
    final String targetId;
    final String user;
    final String requestId;
    final String groupId;
    final Instant inserted;
    final SortedMap<String, Progress> progress = new TreeMap<>();
    /** What waits for its end; each is called once. */
    final List<Runnable> waiting = new ArrayList<>();

    Status status = Status.PENDING;
    Instant started;
    Instant ended;
    Failure failure;
    String message;

    Operation(long sequence, String id, String name, String type, String scope, String target, String targetId, String user, String requestId, String groupId,
            Instant inserted) {
        this.sequence = sequence;
        this.id = id;
        this.name = name;
        this.type = type;
        this.scope = scope;
        this.target = target;
        this.targetId = targetId;
        this.user = user;
        this.requestId = requestId;
        this.groupId = groupId;
        this.inserted = inserted;
    }

    String path() {
        return scope + "/operations/" + name;
    }

    boolean isDone() {
        return status == Status.DONE;
    }

    JsonObject json() {
        var json = new JsonObject().put("kind", "compute#operation").put("id", id).put("name", name).put("operationType", type).put("targetLink", Links.to(target))
                .put("status", status.name()).put("user", user).put("progress", isDone() ? 100 : 0).put("insertTime", Links.time(inserted))
                .put("selfLink", Links.to(path()));
        if (targetId != null) {
            json.put("targetId", targetId);
        }
        if (scope.contains("/zones/")) {
            json.put("zone", Links.to(scope));
        } else if (scope.contains("/regions/")) {
            json.put("region", Links.to(scope));
        }
        if (requestId != null) {
            json.put("clientOperationId", requestId);
        }
        if (groupId != null) {
            json.put("operationGroupId", groupId);
        }
        if (message != null) {
            json.put("statusMessage", message);
        }
        if (started != null) {
            json.put("startTime", Links.time(started));
        }
        if (ended != null) {
            json.put("endTime", Links.time(ended));
        }
        if (failure != null) {
            json.put("error", new JsonObject().put("errors", new JsonArray().add(failure.json()))).put("httpErrorStatusCode", failure.httpStatus())
                    .put("httpErrorMessage", failure.httpMessage());
        }
        if (!progress.isEmpty()) {
            var places = new JsonObject();
            progress.forEach((zone, seen) -> places.put("zones/" + zone, progress(seen)));
            json.put("instancesBulkInsertOperationMetadata", new JsonObject().put("perLocationStatus", places));
        }
        return json;
    }

    private static JsonObject progress(Progress seen) {
        var json = new JsonObject().put("status", seen.status).put("targetVmCount", seen.target).put("createdVmCount", seen.created);
        if (seen.failed > 0) {
            json.put("failedToCreateVmCount", seen.failed);
        }
        if (seen.deleted > 0) {
            json.put("deletedVmCount", seen.deleted);
        }
        return json;
    }
}
