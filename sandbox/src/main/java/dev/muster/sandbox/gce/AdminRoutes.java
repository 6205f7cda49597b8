package dev.muster.sandbox.gce;

import static dev.muster.sandbox.AdminJson.act;
import static dev.muster.sandbox.AdminJson.json;
import static dev.muster.sandbox.AdminJson.on;
import static dev.muster.sandbox.AdminJson.onConsole;
import static dev.muster.sandbox.AdminJson.onDelete;
import static dev.muster.sandbox.AdminJson.onHeld;
import static dev.muster.sandbox.AdminJson.onInstance;
import static dev.muster.sandbox.AdminJson.required;
import static dev.muster.sandbox.AdminJson.seconds;

import dev.muster.sandbox.HeldCalls;
import dev.muster.sandbox.gce.Faults.ApiFault;
import dev.muster.sandbox.gce.Faults.BootFault;
import dev.muster.sandbox.gce.Faults.LaunchFault;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.Set;

/** What the Java API of {@link GceServer} offers, as JSON over HTTP: the books to read, faults and shortages to order. */
final class AdminRoutes {

    private final GceServer server;

    AdminRoutes(GceServer server) {
        this.server = server;
    }

    void mount(Router router) {
        router.get("/gce/books").handler(context -> json(context, 200, books()));
        on(router, "/gce/capacity", Set.of("type", "zone", "market", "most"), body -> {
            var which = filter(body);
            if (body.getInteger("most") == null) {
                server.capacity().plenty(which);
            } else {
                server.capacity().atMost(which, body.getInteger("most"));
            }
        });
        onDelete(router, "/gce/capacity", server.capacity()::reset);
        // Without a region: of the whole project. Without a limit: as at first.
        on(router, "/gce/quotas", Set.of("region", "metric", "limit", "refusedBy"), body -> {
            if (body.containsKey("refusedBy")) {
                server.capacity().quotaRefusal(switch (required(body, "refusedBy")) {
                    case "call" -> Capacity.QuotaRefusal.BY_CALL;
                    case "operation" -> Capacity.QuotaRefusal.BY_OPERATION;
                    default -> throw new IllegalArgumentException("refusedBy is " + body.getString("refusedBy") + "; it must be call or operation");
                });
            }
            if (body.containsKey("metric")) {
                server.capacity().quota(body.getString("region"), required(body, "metric"), body.getDouble("limit"));
            }
        });
        on(router, "/gce/addresses", Set.of("region"), body -> server.capacity().noAddresses(required(body, "region")));
        on(router, "/gce/spot-prices", Set.of("type", "zone", "dollars"),
                body -> server.capacity().spotPrice(filter(body), new BigDecimal(String.valueOf(body.getValue("dollars")))));
        on(router, "/gce/withheld", Set.of("type", "zone"), body -> server.capacity().withhold(required(body, "type"), required(body, "zone")));
        on(router, "/gce/faults/calls", Set.of("method", "times", "kind", "status", "reason", "message", "seconds"),
                body -> server.faults().onCall(body.getString("method"), body.getInteger("times", 1), apiFault(body)));
        on(router, "/gce/faults/launches", Set.of("type", "zone", "market", "times", "kind", "status", "code", "message", "seconds"),
                body -> server.faults().onLaunch(filter(body), body.getInteger("times", 1), launchFault(body)));
        on(router, "/gce/faults/operations", Set.of("type", "times", "kind", "status", "code", "message", "seconds"),
                body -> server.faults().onOperation(required(body, "type"), body.getInteger("times", 1), launchFault(body)));
        on(router, "/gce/faults/boots", Set.of("type", "zone", "market", "times", "kind", "seconds"),
                body -> server.faults().onBoot(filter(body), body.getInteger("times", 1), bootFault(body)));
        on(router, "/gce/faults/denials", Set.of("permission"), body -> server.faults().deny(required(body, "permission")));
        on(router, "/gce/faults/outages", Set.of("zone", "over"), body -> {
            if (Boolean.TRUE.equals(body.getBoolean("over"))) {
                server.faults().reachable(required(body, "zone"));
            } else {
                server.faults().outage(required(body, "zone"));
            }
        });
        onDelete(router, "/gce/faults", server.faults()::reset);
        onHeld(router, "/gce/held", "method", server::held, server::release);
        router.post("/gce/keys").handler(context -> context.response().putHeader("Content-Type", "application/json").end(server.keyFile()));
        // Without an id: all keys of the account.
        on(router, "/gce/keys/revoked", Set.of("id"), body -> {
            if (body.getString("id") == null) {
                server.revokeAll();
            } else {
                server.revoke(body.getString("id"));
            }
        });
        // Without a number: none.
        on(router, "/gce/throttling", Set.of("perMinute"), body -> server.throttling(body.getInteger("perMinute")));
        router.post("/gce/requests/forgotten").handler(context -> act(context, server::forgetRequests));
        on(router, "/gce/project-metadata", Set.of("key", "value"), body -> server.projectMetadata(required(body, "key"), body.getString("value")));
        on(router, "/gce/preemptions", Set.of("instance", "type", "zone"), body -> {
            if (body.containsKey("instance")) {
                server.preempt(body.getString("instance"));
            } else {
                server.preemptAll(filter(body));
            }
        });
        var instances = "/gce/instances";
        onConsole(router, instances, server::console);
        onInstance(router, instances, "stop", server::stop);
        onInstance(router, instances, "delete", server::delete);
        onInstance(router, instances, "power-off", server::powerOff);
        onInstance(router, instances, "host-error", server::hostError);
        onInstance(router, instances, "die", server::die);
    }

    private static OfferFilter filter(JsonObject body) {
        return new OfferFilter(body.getString("type"), body.getString("zone"), body.getString("market"));
    }

    private static ApiFault apiFault(JsonObject body) {
        return switch (required(body, "kind")) {
            case "refuse" -> new ApiFault.Refuse(body.getInteger("status", 503), body.getString("reason", "backendError"),
                    body.getString("message", "Internal error. Please try again or contact Google Support."));
            case "lose-answer" -> new ApiFault.LoseAnswer(false);
            case "cut-answer" -> new ApiFault.LoseAnswer(true);
            case "slow" -> new ApiFault.Slow(seconds(body));
            case "held" -> new ApiFault.Held(HeldCalls.Moment.BEFORE_EFFECT);
            case "held-answer" -> new ApiFault.Held(HeldCalls.Moment.BEFORE_ANSWER);
            default -> throw new IllegalArgumentException("kind is " + body.getString("kind")
                    + "; it must be refuse, lose-answer, cut-answer, slow, held or held-answer");
        };
    }

    private static LaunchFault launchFault(JsonObject body) {
        return switch (required(body, "kind")) {
            case "fail" -> {
                var usual = LaunchFault.Fail.internalError();
                yield new LaunchFault.Fail(body.getString("code", usual.code()), body.getString("message", usual.message()), body.getInteger("status", usual.httpStatus()));
            }
            case "exhausted" -> new LaunchFault.Exhausted();
            case "slow" -> new LaunchFault.Slow(seconds(body));
            default -> throw new IllegalArgumentException("kind is " + body.getString("kind") + "; it must be fail, exhausted or slow");
        };
    }

    private static BootFault bootFault(JsonObject body) {
        return switch (required(body, "kind")) {
            case "never-boots" -> new BootFault.NeverBoots();
            case "dies" -> new BootFault.Dies(seconds(body));
            case "host-error" -> new BootFault.HostError(seconds(body));
            case "slow" -> new BootFault.Slow(seconds(body));
            default -> throw new IllegalArgumentException("kind is " + body.getString("kind") + "; it must be never-boots, dies, host-error or slow");
        };
    }

    private JsonObject books() {
        var books = server.books();
        var calls = new JsonArray();
        for (var call : books.launchCalls()) {
            calls.add(new JsonObject().put("at", call.at()).put("method", call.method()).put("location", call.location()).put("requestId", call.requestId())
                    .put("type", call.type()).put("market", call.market()).put("min", call.min()).put("max", call.max()).put("answer", call.answer())
                    .put("repeated", call.repeated()).put("answerLost", call.answerLost()).put("names", new JsonArray(call.names())).put("body", call.body()));
        }
        var instances = new JsonArray();
        var dollars = BigDecimal.ZERO;
        for (var entry : books.instances(Instant.now())) {
            instances.add(new JsonObject().put("id", entry.id()).put("name", entry.name()).put("requestId", entry.requestId()).put("labels", entry.labels())
                    .put("type", entry.type()).put("gpus", entry.gpus()).put("zone", entry.zone()).put("market", entry.market()).put("dollarsPerHour", entry.dollarsPerHour())
                    .put("created", entry.created()).put("running", entry.running()).put("ending", entry.ending()).put("stopped", entry.stopped()).put("gone", entry.gone())
                    .put("status", entry.status()).put("endReason", entry.endReason()).put("dollars", entry.dollars()).put("diskDollars", entry.diskDollars())
                    .put("writings", writings(entry)));
            dollars = dollars.add(entry.dollars());
        }
        return new JsonObject().put("launchCalls", calls).put("answers", books.answers()).put("instances", instances).put("live", books.live()).put("peak", books.peak())
                .put("peakByLabel", books.peaks()).put("dollars", dollars);
    }

    private static JsonArray writings(Books.Entry entry) {
        var writings = new JsonArray();
        for (var writing : entry.writings()) {
            writings.add(new JsonObject().put("at", writing.at()).put("key", writing.key()).put("value", writing.value()).put("read", writing.read()));
        }
        return writings;
    }
}
