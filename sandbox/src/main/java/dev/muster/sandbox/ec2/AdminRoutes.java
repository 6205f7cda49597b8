package dev.muster.sandbox.ec2;

import static dev.muster.sandbox.AdminJson.json;
import static dev.muster.sandbox.AdminJson.on;
import static dev.muster.sandbox.AdminJson.onConsole;
import static dev.muster.sandbox.AdminJson.onDelete;
import static dev.muster.sandbox.AdminJson.onHeld;
import static dev.muster.sandbox.AdminJson.onInstance;
import static dev.muster.sandbox.AdminJson.required;
import static dev.muster.sandbox.AdminJson.seconds;

import dev.muster.sandbox.HeldCalls;
import dev.muster.sandbox.ec2.Faults.ApiFault;
import dev.muster.sandbox.ec2.Faults.BootFault;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;

/** What the Java API of {@link Ec2Server} offers, as JSON over HTTP: the books to read, faults and shortages to order. */
final class AdminRoutes {

    private final Ec2Server server;

    AdminRoutes(Ec2Server server) {
        this.server = server;
    }

    void mount(Router router) {
        router.get("/ec2/books").handler(context -> json(context, 200, books()));
        on(router, "/ec2/capacity", Set.of("type", "zone", "market", "most"), body -> {
            var which = filter(body);
            if (body.getInteger("most") == null) {
                server.capacity().plenty(which);
            } else {
                server.capacity().atMost(which, body.getInteger("most"));
            }
        });
        onDelete(router, "/ec2/capacity", server.capacity()::reset);
        on(router, "/ec2/quotas", Set.of("family", "market", "vcpus", "instances"), body -> {
            if (body.containsKey("instances")) {
                server.capacity().instanceQuota(body.getInteger("instances"));
            } else {
                server.capacity().vcpuQuota(required(body, "family"), required(body, "market"), body.getInteger("vcpus"));
            }
        });
        on(router, "/ec2/spot-prices", Set.of("type", "zone", "dollars"),
                body -> server.capacity().spotPrice(filter(body), new BigDecimal(String.valueOf(body.getValue("dollars")))));
        on(router, "/ec2/withheld", Set.of("type", "zone"), body -> server.capacity().withhold(required(body, "type"), required(body, "zone")));
        on(router, "/ec2/faults/calls", Set.of("action", "times", "kind", "status", "code", "message", "seconds"),
                body -> server.faults().onCall(body.getString("action"), body.getInteger("times", 1), apiFault(body)));
        on(router, "/ec2/faults/boots", Set.of("type", "zone", "market", "times", "kind", "seconds"),
                body -> server.faults().onBoot(filter(body), body.getInteger("times", 1), bootFault(body)));
        on(router, "/ec2/faults/denials", Set.of("action"), body -> server.faults().deny(required(body, "action")));
        onHeld(router, "/ec2/held", "action", server::held, server::release);
        on(router, "/ec2/access-keys", Set.of("key", "account"), body -> {
            if (body.getString("account") == null) {
                server.revoke(required(body, "key"));
            } else {
                server.accept(required(body, "key"), body.getString("account"));
            }
        });
        onDelete(router, "/ec2/faults", server.faults()::reset);
        on(router, "/ec2/missing", Set.of("kind", "name"),
                body -> server.surroundings().missing(Surroundings.parse(Surroundings.Kind.class, required(body, "kind")), required(body, "name")));
        on(router, "/ec2/subnets", Set.of("subnet", "route", "full"), body -> {
            if (Boolean.FALSE.equals(body.getBoolean("route"))) {
                server.surroundings().withoutRoute(required(body, "subnet"));
            }
            if (Boolean.TRUE.equals(body.getBoolean("full"))) {
                server.surroundings().full(required(body, "subnet"));
            }
        });
        on(router, "/ec2/volume-key", Set.of("key"),
                body -> server.surroundings().volumeKey(Surroundings.parse(Surroundings.VolumeKey.class, required(body, "key"))));
        on(router, "/ec2/clock", Set.of("ahead"), body -> server.surroundings().clockAhead(Duration.ofSeconds(body.getInteger("ahead", 0))));
        onDelete(router, "/ec2/surroundings", server.surroundings()::reset);
        on(router, "/ec2/throttling", Set.of("on"), body -> server.throttling(Boolean.TRUE.equals(body.getBoolean("on"))));
        on(router, "/ec2/parameters", Set.of("name", "value", "secure"),
                body -> server.parameter(required(body, "name"), required(body, "value"), Boolean.TRUE.equals(body.getBoolean("secure"))));
        on(router, "/ec2/roles", Set.of("arn", "externalId", "seconds"),
                body -> server.role(required(body, "arn"), body.getString("externalId"), body.containsKey("seconds") ? seconds(body) : null));
        on(router, "/ec2/secrets", Set.of("name", "value"), body -> server.secret(required(body, "name"), required(body, "value")));
        on(router, "/ec2/interruptions", Set.of("instance", "type", "zone"), body -> {
            if (body.containsKey("instance")) {
                server.interrupt(body.getString("instance"));
            } else {
                server.interruptAll(filter(body));
            }
        });
        var instances = "/ec2/instances";
        onConsole(router, instances, server::console);
        onInstance(router, instances, "stop", server::stop);
        onInstance(router, instances, "terminate", server::terminate);
        onInstance(router, instances, "power-off", server::powerOff);
        onInstance(router, instances, "die", server::die);
    }

    private static OfferFilter filter(JsonObject body) {
        return new OfferFilter(body.getString("type"), body.getString("zone"), body.getString("market"));
    }

    private static ApiFault apiFault(JsonObject body) {
        return switch (required(body, "kind")) {
            case "refuse" -> new ApiFault.Refuse(body.getInteger("status", 500), body.getString("code", "InternalError"),
                    body.getString("message", "An internal error has occurred"));
            case "lose-answer" -> new ApiFault.LoseAnswer(false);
            case "cut-answer" -> new ApiFault.LoseAnswer(true);
            case "slow" -> new ApiFault.Slow(seconds(body));
            case "held" -> new ApiFault.Held(HeldCalls.Moment.BEFORE_EFFECT);
            case "held-answer" -> new ApiFault.Held(HeldCalls.Moment.BEFORE_ANSWER);
            default -> throw new IllegalArgumentException("kind is " + body.getString("kind")
                    + "; it must be refuse, lose-answer, cut-answer, slow, held or held-answer");
        };
    }

    private static BootFault bootFault(JsonObject body) {
        return switch (required(body, "kind")) {
            case "never-boots" -> new BootFault.NeverBoots();
            case "fails-to-launch" -> new BootFault.FailsToLaunch();
            case "no-capacity-after-all" -> new BootFault.NoCapacityAfterAll();
            case "dies" -> new BootFault.Dies(seconds(body));
            case "slow" -> new BootFault.Slow(seconds(body));
            default -> throw new IllegalArgumentException("kind is " + body.getString("kind")
                    + "; it must be never-boots, fails-to-launch, no-capacity-after-all, dies or slow");
        };
    }

    private JsonObject books() {
        var books = server.books();
        var calls = new JsonArray();
        for (var call : books.launchCalls()) {
            calls.add(new JsonObject().put("at", call.at()).put("region", call.region()).put("clientToken", call.clientToken()).put("type", call.type())
                    .put("zone", call.zone()).put("market", call.market()).put("min", call.min()).put("max", call.max()).put("answer", call.answer())
                    .put("repeated", call.repeated()).put("answerLost", call.answerLost()).put("instances", new JsonArray(call.instances()))
                    .put("parameters", call.parameters()));
        }
        var instances = new JsonArray();
        var dollars = BigDecimal.ZERO;
        for (var entry : books.instances(Instant.now())) {
            instances.add(new JsonObject().put("id", entry.id()).put("region", entry.region()).put("clientToken", entry.clientToken())
                    .put("launchIndex", entry.launchIndex()).put("tags", entry.tags()).put("type", entry.type()).put("zone", entry.zone()).put("market", entry.market())
                    .put("dollarsPerHour", entry.dollarsPerHour()).put("launched", entry.launched()).put("running", entry.running()).put("ending", entry.ending())
                    .put("ended", entry.ended()).put("state", entry.state()).put("endReason", entry.endReason()).put("dollars", entry.dollars())
                    .put("taggings", taggings(entry)));
            dollars = dollars.add(entry.dollars());
        }
        return new JsonObject().put("launchCalls", calls).put("answers", books.answers()).put("instances", instances).put("live", books.live()).put("peak", books.peak())
                .put("peakByTag", books.peaks()).put("dollars", dollars);
    }

    private static JsonArray taggings(Books.Entry entry) {
        var taggings = new JsonArray();
        for (var tagging : entry.taggings()) {
            taggings.add(new JsonObject().put("at", tagging.at()).put("key", tagging.key()).put("value", tagging.value()).put("read", tagging.read()));
        }
        return taggings;
    }
}
