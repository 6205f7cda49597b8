package dev.muster.planner.http;

import com.google.protobuf.Message;
import dev.muster.planner.PlannerConfig;
import io.grpc.BindableService;
import io.grpc.MethodDescriptor;
import io.grpc.ServerInterceptor;
import io.quarkus.grpc.GrpcService;
import io.quarkus.runtime.ShutdownEvent;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Any;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Singleton;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The API's edge on the planner's one port: JSON over HTTP, whose rules are in docs/http.md, and gRPC. It knows no call: paths come from the
 * options beside the calls, and each request becomes a call of the gRPC services in this process.
 */
@Singleton
public final class HttpApi {

    private static final String DESCRIPTION_ALLOWS = "GET, HEAD, OPTIONS";

    private final Vertx vertx;
    private final Bindings bindings = new Bindings();
    private final Map<String, MethodDescriptor<Message, Message>> methods;
    private final LocalCalls calls;
    private final EventTexts events = new EventTexts(EventStream::event);
    private final int largestMessage;
    private final StreamFailures streamFailures = new StreamFailures();
    private Buffer openApi;

    HttpApi(Vertx vertx, PlannerConfig config, @GrpcService Instance<BindableService> services, @Any Instance<ServerInterceptor> interceptors) {
        this.vertx = vertx;
        calls = new LocalCalls(services, interceptors);
        largestMessage = config.api().limits().messageBytes();
        methods = bindings.all().stream().map(Binding::call).distinct().collect(Collectors.toMap(call -> "/" + call.getFullMethodName(), Function.identity()));
    }

    void routes(@Observes Router router) {
        // Whoever answers: Quarkus' own calls, too.
        router.route().order(Integer.MIN_VALUE).handler(routing -> {
            streamFailures.keepFrom(routing.request());
            routing.next();
        });
        router.route("/v1/*").handler(this::call);
        // Before Quarkus' own, which has the same services for whoever comes past here.
        router.route("/muster.v1.*").order(-1).handler(this::grpc);
        router.route("/openapi.json").handler(this::openApi);
    }

    void stop(@Observes ShutdownEvent event) {
        calls.close();
    }

    private void call(RoutingContext routing) {
        harden(routing);
        new Exchange(vertx, routing.request(), routing.response(), calls, events, EventStream.Pace.USUAL).begin(bindings);
    }

    private void grpc(RoutingContext routing) {
        var request = routing.request();
        var type = request.getHeader("Content-Type");
        if (request.version() != HttpVersion.HTTP_2 || !request.method().equals(HttpMethod.POST)) {
            routing.response().setStatusCode(request.method().equals(HttpMethod.POST) ? 426 : 405).putHeader("Allow", "POST").end();
        } else if (type == null || !GrpcExchange.isSpoken(type)) {
            routing.response().setStatusCode(415).end();
        } else if (!methods.containsKey(request.path())) {
            routing.response().putHeader("content-type", "application/grpc").putHeader("grpc-status", "12").putHeader("grpc-message", "There is no such call.").end();
        } else {
            new GrpcExchange(vertx, request, calls, methods.get(request.path()), largestMessage).begin();
        }
    }

    private void openApi(RoutingContext routing) {
        var response = harden(routing);
        var method = routing.request().method();
        if (method.equals(HttpMethod.OPTIONS)) {
            response.putHeader("Allow", DESCRIPTION_ALLOWS).setStatusCode(204).end();
        } else if (!method.equals(HttpMethod.GET) && !method.equals(HttpMethod.HEAD)) {
            var refused = HttpFailure.methodNotAllowed(method.name(), DESCRIPTION_ALLOWS);
            response.putHeader("Allow", DESCRIPTION_ALLOWS).putHeader("Content-Type", "application/json").setStatusCode(refused.code()).end(JsonAnswers.json(refused.status()));
        } else {
            if (openApi == null) {
                openApi = Buffer.buffer(OpenApi.of(bindings).toString());
            }
            response.putHeader("Content-Type", "application/json").end(openApi);
        }
    }

    /** For browsers: what comes from here is data, for nobody else's page, and kept nowhere. */
    public static HttpServerResponse harden(RoutingContext routing) {
        var response = routing.response().putHeader("X-Content-Type-Options", "nosniff").putHeader("Cache-Control", "no-store")
                .putHeader("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'").putHeader("Referrer-Policy", "no-referrer");
        return routing.request().isSSL() ? response.putHeader("Strict-Transport-Security", "max-age=31536000") : response;
    }
}
