package dev.muster.planner.console;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.muster.planner.PlannerConfig;
import dev.muster.planner.access.AccessSettings;
import dev.muster.planner.http.HttpApi;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.net.URI;
import java.util.Locale;
import org.eclipse.microprofile.config.Config;

/**
 * The web console on the planner's one port: a page and its files, and how people sign in. All else the page has from the API, as anybody;
 * so it is shown to whoever asks, and has nothing to keep secret.
 */
@Singleton
public final class ConsolePages {

    private static final String ALLOWED = "GET, HEAD";
    private static final String FOR_EVER = "public, max-age=31536000, immutable";

    private final Vertx vertx;
    private final Buffer signIn;
    private final String connectsTo;
    private Future<ConsoleFiles> files;

    ConsolePages(Vertx vertx, PlannerConfig config, Config all) {
        this.vertx = vertx;
        var access = AccessSettings.of(config, all);
        signIn = signIn(access, config.api().oidc());
        connectsTo = access.oidc().map(oidc -> " " + origin(oidc.issuer())).orElse("");
    }

    void routes(@Observes Router router) {
        // Not in the way of the planner's start, which comes first.
        files = vertx.executeBlocking(ConsoleFiles::load);
        router.route("/").handler(routing -> files.onSuccess(loaded -> page(routing, loaded)).onFailure(routing::fail));
        router.route("/console/sign-in.json").handler(this::signIn);
        router.route("/console/*").handler(routing -> files.onSuccess(loaded -> file(routing, loaded)).onFailure(routing::fail));
    }

    private void page(RoutingContext routing, ConsoleFiles loaded) {
        if (isRefused(routing)) {
            return;
        }
        harden(routing).putHeader("Content-Security-Policy", "default-src 'none'; script-src 'self' " + loaded.importMapHash() + "; style-src 'self'; img-src 'self' data:;"
                + " connect-src 'self'" + connectsTo + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'")
                .putHeader("Permissions-Policy", "camera=(), geolocation=(), microphone=()").putHeader("Cross-Origin-Opener-Policy", "same-origin");
        send(routing, loaded.page(), "no-cache", "\"" + loaded.digest() + "\"");
    }

    private void file(RoutingContext routing, ConsoleFiles loaded) {
        if (isRefused(routing)) {
            return;
        }
        var path = routing.request().path();
        var file = path.startsWith(loaded.base()) ? loaded.files().get(path.substring(loaded.base().length())) : null;
        if (file == null) {
            harden(routing).setStatusCode(404).end();
        } else {
            harden(routing);
            send(routing, file, FOR_EVER, "\"" + loaded.digest() + "\"");
        }
    }

    private void signIn(RoutingContext routing) {
        if (!isRefused(routing)) {
            harden(routing).putHeader("Content-Type", "application/json").end(signIn);
        }
    }

    private static void send(RoutingContext routing, ConsoleFiles.File file, String cacheControl, String tag) {
        var response = routing.response().putHeader("Cache-Control", cacheControl).putHeader("ETag", tag).putHeader("Vary", "Accept-Encoding");
        if (tag.equals(routing.request().getHeader("If-None-Match"))) {
            response.setStatusCode(304).end();
            return;
        }
        response.putHeader("Content-Type", file.type());
        if (takesGzip(routing.request().getHeader("Accept-Encoding"))) {
            response.putHeader("Content-Encoding", "gzip").end(Buffer.buffer(file.packed()));
        } else {
            response.end(Buffer.buffer(file.plain()));
        }
    }

    private static boolean takesGzip(String accepted) {
        if (accepted != null) {
            for (var coding : accepted.toLowerCase(Locale.ROOT).split(",")) {
                var parts = coding.strip().split("\\s*;\\s*");
                if (parts[0].equals("gzip")) {
                    return parts.length == 1 || !parts[1].matches("q=0(\\.0*)?");
                }
            }
        }
        return false;
    }

    private static boolean isRefused(RoutingContext routing) {
        var method = routing.request().method();
        if (method.equals(HttpMethod.GET) || method.equals(HttpMethod.HEAD)) {
            return false;
        }
        harden(routing).putHeader("Allow", ALLOWED).setStatusCode(405).end();
        return true;
    }

    /** As the API's answers, and for no other page. */
    private static HttpServerResponse harden(RoutingContext routing) {
        return HttpApi.harden(routing).putHeader("Cross-Origin-Resource-Policy", "same-origin");
    }

    /** What a page must know before anybody is known: nothing that the provider's own pages don't show. */
    private static Buffer signIn(AccessSettings access, PlannerConfig.Api.Oidc oidc) {
        var answer = JsonNodeFactory.instance.objectNode();
        var ways = answer.putArray("ways");
        access.ways().stream().map(way -> way.name().toLowerCase(Locale.ROOT)).sorted().forEach(ways::add);
        if (access.oidc().isPresent() && oidc.consoleClient().isPresent()) {
            answer.putObject("oidc").put("issuer", access.oidc().get().issuer().toString()).put("client", oidc.consoleClient().get())
                    .put("audience", access.oidc().get().audience()).put("scope", oidc.consoleScope());
        }
        return Buffer.buffer(answer.toString());
    }

    private static String origin(URI issuer) {
        return issuer.getScheme() + "://" + issuer.getRawAuthority();
    }
}
