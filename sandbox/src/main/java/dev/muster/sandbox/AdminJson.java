package dev.muster.sandbox;

import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

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

    /** Has a DELETE forget something. */
    public static void onDelete(Router router, String path, Runnable forget) {
        router.delete(path).handler(context -> act(context, forget));
    }

    /** Has a POST do something with the instance that its path names, {@code instances} being the path before it. */
    public static void onInstance(Router router, String instances, String verb, Consumer<String> act) {
        router.post(instances + "/:instance/" + verb).handler(context -> act(context, () -> act.accept(context.pathParam("instance"))));
    }

    /** Has a GET show what an instance wrote. @param console of an instance; fails with IllegalArgumentException if there is none */
    public static void onConsole(Router router, String instances, UnaryOperator<String> console) {
        router.get(instances + "/:instance/console").handler(context -> {
            try {
                context.response().putHeader("Content-Type", "text/plain;charset=UTF-8").end(console.apply(context.pathParam("instance")));
            } catch (IllegalArgumentException unknown) {
                json(context, 404, new JsonObject().put("error", unknown.getMessage()));
            }
        });
    }

    /**
     * Calls that a fault of kind held or held-answer keeps: by GET those that wait, by POST what becomes of all of them.
     *
     * @param word as this cloud names what is called
     */
    public static void onHeld(Router router, String path, String word, Supplier<List<HeldCalls.HeldCall>> held, Consumer<HeldCalls.Fate> release) {
        router.get(path).handler(context -> {
            var calls = new JsonArray();
            held.get().forEach(call -> calls.add(new JsonObject().put("at", call.at()).put(word, call.action())
                    .put("moment", call.moment() == HeldCalls.Moment.BEFORE_EFFECT ? "before-effect" : "before-answer").put("connected", call.connected())));
            json(context, 200, new JsonObject().put("calls", calls));
        });
        on(router, path, Set.of("fate"), body -> release.accept(switch (required(body, "fate")) {
            case "act" -> HeldCalls.Fate.ACT;
            case "forget" -> HeldCalls.Fate.FORGET;
            default -> throw new IllegalArgumentException("fate is " + body.getString("fate") + "; it must be act or forget");
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
