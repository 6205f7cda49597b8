package dev.muster.sandbox;

import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import java.time.Duration;
import java.util.Set;
import java.util.function.Consumer;

/** How the admin routes of stand-in clouds read and answer: JSON objects, each field known, wrong input told in a sentence. */
public final class AdminJson {

    private AdminJson() {
    }

    /** Has a POST do something with a body that has no other fields than these. */
    public static void on(Router router, String path, Set<String> fields, Consumer<JsonObject> act) {
        router.post(path).handler(BodyHandler.create(false)).handler(context -> act(context, () -> {
            var buffer = context.body().buffer();
            var body = buffer == null || buffer.length() == 0 ? new JsonObject() : buffer.toJsonObject();
            for (var field : body.fieldNames()) {
                if (!fields.contains(field)) {
                    throw new IllegalArgumentException("there is no field " + field + "; there are " + fields.stream().sorted().toList());
                }
            }
            act.accept(body);
        }));
    }

    /** Wrong input is the caller's to hear of. */
    public static void act(RoutingContext context, Runnable act) {
        try {
            act.run();
        } catch (DecodeException e) {
            json(context, 400, new JsonObject().put("error", "the body is not a JSON object"));
            return;
        } catch (IllegalArgumentException | ClassCastException e) {
            json(context, 400, new JsonObject().put("error", e.getMessage()));
            return;
        }
        json(context, 200, new JsonObject());
    }

    public static Duration seconds(JsonObject body) {
        var seconds = body.getDouble("seconds");
        if (seconds == null || seconds < 0) {
            throw new IllegalArgumentException("seconds is " + seconds + "; this kind of fault needs 0 or more");
        }
        return Duration.ofNanos(Math.round(seconds * 1e9));
    }

    public static String required(JsonObject body, String field) {
        var value = body.getString(field);
        if (value == null || value.isEmpty()) {
            throw new IllegalArgumentException(field + " is missing");
        }
        return value;
    }

    public static void json(RoutingContext context, int status, JsonObject body) {
        context.response().setStatusCode(status).putHeader("Content-Type", "application/json").end(body.encode());
    }
}
