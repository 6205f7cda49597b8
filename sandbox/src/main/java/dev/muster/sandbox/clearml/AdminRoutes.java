package dev.muster.sandbox.clearml;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/**
 * What a test or a person may ask of the stand-in beside the API: faults to strike, and the books.
 *
 * <pre>
 * POST   faults       {"endpoints":"queues.*","kind":"slow","ms":500,"times":3} → {"id":1}
 *                     kind: slow (ms), error (status, subcode), unauthorized, cut_body, stall; no times means always
 * GET    faults       {"struck":7,"standing":[{"id":1,…}]}
 * DELETE faults, faults/1
 * GET    books        the summary of every task; ?brief=true leaves the tasks out, ?steps=true tells all that happened to each
 * GET    calls        how often each endpoint was called
 * </pre>
 */
final class AdminRoutes {

    private static final Set<String> FIELDS = Set.of("endpoints", "kind", "times", "ms", "status", "subcode");

    private final ClearmlServer server;

    AdminRoutes(ClearmlServer server) {
        this.server = server;
    }

    void mount(Router router, String prefix) {
        router.post(prefix + "/faults").handler(BodyHandler.create(false)).handler(this::add);
        router.get(prefix + "/faults").handler(this::list);
        router.delete(prefix + "/faults").handler(context -> {
            server.faults().clear();
            answer(context, 200, Json.object());
        });
        router.delete(prefix + "/faults/:id").handler(context -> {
            boolean removed = context.pathParam("id").matches("\\d{1,18}") && server.faults().remove(Long.parseLong(context.pathParam("id")));
            answer(context, removed ? 200 : 404, removed ? Json.object() : Json.object().put("error", "no fault has this id"));
        });
        router.get(prefix + "/books").handler(context -> {
            var books = server.books();
            if ("true".equals(context.request().getParam("brief"))) {
                answer(context, 200, new Books.Summary(books.count(), books.byStatus(), List.of()));
            } else {
                answer(context, 200, "true".equals(context.request().getParam("steps")) ? books : books.withoutSteps());
            }
        });
        router.get(prefix + "/calls").handler(context -> answer(context, 200, server.calls()));
    }

    private void add(RoutingContext context) {
        try {
            var request = Json.MAPPER.readTree(context.body().buffer() == null ? new byte[0] : context.body().buffer().getBytes());
            answer(context, 200, Json.object().put("id", server.faults().add(fault(request))));
        } catch (IOException garbage) {
            answer(context, 400, Json.object().put("error", "the body is not JSON"));
        } catch (IllegalArgumentException invalid) {
            answer(context, 400, Json.object().put("error", invalid.getMessage()));
        }
    }

    private static Faults.Fault fault(JsonNode request) {
        request.fieldNames().forEachRemaining(field -> {
            if (!FIELDS.contains(field)) {
                throw new IllegalArgumentException("\"" + field + "\" is no field of a fault; there are " + new TreeSet<>(FIELDS));
            }
        });
        var endpoints = request.path("endpoints").asText("*");
        var fault = switch (request.path("kind").asText("").toLowerCase(Locale.ROOT)) {
            case "slow" -> Faults.Fault.slow(endpoints, Duration.ofMillis(request.path("ms").asLong()));
            case "error" -> Faults.Fault.error(endpoints, request.path("status").asInt(500), request.path("subcode").asInt(0));
            case "unauthorized" -> Faults.Fault.unauthorized(endpoints);
            case "cut_body" -> Faults.Fault.cutBody(endpoints);
            case "stall" -> Faults.Fault.stall(endpoints);
            default -> throw new IllegalArgumentException("kind is \"" + request.path("kind").asText("")
                    + "\"; it must be slow, error, unauthorized, cut_body or stall");
        };
        return request.has("times") ? fault.times(request.path("times").asInt(0)) : fault;
    }

    private void list(RoutingContext context) {
        var answer = Json.object().put("struck", server.faults().struck());
        var rows = answer.putArray("standing");
        server.faults().standing().forEach((id, fault) -> {
            var row = rows.addObject().put("id", id).put("endpoints", fault.endpoints())
                    .put("kind", fault.kind().name().toLowerCase(Locale.ROOT));
            if (fault.times() != Integer.MAX_VALUE) {
                row.put("times", fault.times());
            }
            if (!fault.delay().isZero()) {
                row.put("ms", fault.delay().toMillis());
            }
            if (fault.status() != 0) {
                row.put("status", fault.status()).put("subcode", fault.subcode());
            }
        });
        answer(context, 200, answer);
    }

    private static void answer(RoutingContext context, int status, Object body) {
        try {
            context.response().setStatusCode(status).putHeader("Content-Type", "application/json").end(Json.MAPPER.writeValueAsString(body));
        } catch (JsonProcessingException unwritable) {
            context.fail(unwritable);
        }
    }
}
