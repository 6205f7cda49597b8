package dev.muster.sandbox.suite;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.util.concurrent.CompletionException;

/**
 * The suite's own HTTP port on loopback.
 *
 * <pre>
 * GET  /status      {@link SuiteState}
 * POST /stop        202; everything ends
 * /clearml/…, /ec2/…, /gce/…, /k8s/…  books, faults and more of the stand-ins, where there are some
 * </pre>
 */
final class AdminServer {

    private final HttpServer server;
    private final Router router;

    private AdminServer(HttpServer server, Router router) {
        this.server = server;
        this.router = router;
    }

    static AdminServer start(Vertx vertx, int port, Suite suite) throws IOException {
        var router = Router.router(vertx);
        router.get("/status").handler(context -> vertx.executeBlocking(() -> suite.state().toJson())
                .onSuccess(json -> context.response().putHeader("Content-Type", "application/json").end(io.vertx.core.buffer.Buffer.buffer(json)))
                .onFailure(context::fail));
        router.post("/stop").handler(context -> {
            context.response().setStatusCode(202).putHeader("Content-Type", "application/json").end(new JsonObject().put("stopping", true).encode())
                    // After the answer is out: the server ends with the rest.
                    .onComplete(sent -> suite.askToStop());
        });
        router.errorHandler(404, AdminServer::unknown);
        var options = new HttpServerOptions().setHost("127.0.0.1").setPort(port);
        try {
            return new AdminServer(vertx.createHttpServer(options).requestHandler(router).listen().toCompletionStage().toCompletableFuture().join(), router);
        } catch (CompletionException taken) {
            throw new IOException("port " + port + " for admin is in use: end what listens there, or choose another", taken);
        }
    }

    private static void unknown(RoutingContext context) {
        context.response().setStatusCode(404).putHeader("Content-Type", "application/json").end(new JsonObject()
                .put("error", "there is no " + context.request().path() + "; there are /status, /stop, /clearml/books, /ec2/books").encode());
    }

    /** For the stand-ins' routes. */
    Router router() {
        return router;
    }

    String url() {
        return "http://127.0.0.1:" + server.actualPort();
    }
}
