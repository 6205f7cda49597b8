package dev.muster.sandbox;

import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** How a stand-in cloud is served: on 127.0.0.1, with answers that faults delay, cut off or hold. */
public final class CloudHttp {

    private static final DateTimeFormatter DATE = DateTimeFormatter.RFC_1123_DATE_TIME.withZone(ZoneOffset.UTC);

    private final Vertx vertx;
    private final String cloud;
    private final CloudTime time;
    private final HeldCalls held = new HeldCalls();
    private HttpServer server;
    private String scheme;

    /**
     * @param vertx whose event loops serve; stays the caller's to close
     * @param cloud as sentences name it, such as {@code EC2}
     */
    public CloudHttp(Vertx vertx, String cloud, CloudTime time) {
        this.vertx = vertx;
        this.cloud = cloud;
        this.time = time;
    }

    /**
     * Listens, and returns once it does. Closes the clock if it can't.
     *
     * @param port 0 for any free one
     * @throws IllegalStateException if the port is taken, with a sentence that names it
     */
    public void listen(int port, Router routes) {
        listen(port, routes, new HttpServerOptions());
    }

    /** As above. @param options such as TLS */
    public void listen(int port, Router routes, HttpServerOptions options) {
        scheme = options.isSsl() ? "https" : "http";
        server = vertx.createHttpServer(options.setHost("127.0.0.1").setPort(port).setHandle100ContinueAutomatically(true))
                .requestHandler(routes);
        try {
            server.listen().toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            time.close();
            throw new IllegalStateException("The " + cloud + " stand-in can't listen on 127.0.0.1:" + port
                    + "; choose another port, or 0 for any free one.", e);
        } catch (InterruptedException e) {
            time.close();
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while the " + cloud + " stand-in started", e);
        }
    }

    /** Without a trailing slash. */
    public String url() {
        return scheme + "://127.0.0.1:" + server.actualPort();
    }

    public HeldCalls held() {
        return held;
    }

    /** Stops listening. */
    public void close() {
        try {
            server.close().toCompletionStage().toCompletableFuture().get(5, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException("the " + cloud + " stand-in did not stop listening", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Not by a BodyHandler: it would decode forms itself, and no form of over 256 fields, which a thousand ids are. */
    public static void body(RoutingContext context, int longest, Consumer<Buffer> then, Runnable tooLong) {
        var body = Buffer.buffer();
        context.request().handler(part -> {
            if (body.length() <= longest) {
                body.appendBuffer(part);
            }
        }).endHandler(end -> {
            if (body.length() > longest) {
                tooLong.run();
            } else {
                then.accept(body);
            }
        });
    }

    /** Has a call take its effect and be answered: now or, if a fault holds it, when a test says so. @param moment null: it isn't held */
    public <A> void answer(RoutingContext context, String action, HeldCalls.Moment moment, Supplier<A> effect, Consumer<A> send) {
        if (moment == null) {
            send.accept(effect.get());
            return;
        }
        // The answer to one that had its effect is made then, and not when it is let go.
        var acted = moment == HeldCalls.Moment.BEFORE_ANSWER ? effect.get() : null;
        var here = vertx.getOrCreateContext();
        held.hold(time.now(), action, moment, () -> !context.response().closed(), fate -> {
            if (fate == HeldCalls.Fate.FORGET) {
                here.runOnContext(now -> context.request().connection().close());
                return;
            }
            var answer = acted == null ? effect.get() : acted;
            here.runOnContext(now -> send.accept(answer));
        });
    }

    /** Writes an answer once the delay is over, or cuts the connection then. */
    public void send(RoutingContext context, Duration delay, boolean cut, Runnable write) {
        if (delay.isZero()) {
            send(context, cut, write);
        } else {
            vertx.setTimer(Math.max(1, delay.toMillis()), timer -> send(context, cut, write));
        }
    }

    private static void send(RoutingContext context, boolean cut, Runnable write) {
        if (cut) {
            context.request().connection().close();
        } else if (!context.response().closed()) {
            write.run();
        }
    }

    /** The {@code Date} of an answer. @param ahead by how much the cloud's clock is */
    public String date(Duration ahead) {
        return DATE.format(time.now().plus(ahead));
    }

    /** The fields of a form or query; null has none. @throws IllegalArgumentException if it is malformed */
    public static Map<String, String> decode(String form) {
        var fields = new TreeMap<String, String>();
        if (form == null || form.isEmpty()) {
            return fields;
        }
        for (var pair : form.split("&")) {
            int equals = pair.indexOf('=');
            var name = equals < 0 ? pair : pair.substring(0, equals);
            fields.put(URLDecoder.decode(name, StandardCharsets.UTF_8),
                    equals < 0 ? "" : URLDecoder.decode(pair.substring(equals + 1), StandardCharsets.UTF_8));
        }
        return fields;
    }
}
