package dev.muster.sandbox.gce;

import dev.muster.sandbox.CloudHttp;
import dev.muster.sandbox.CloudTime;
import dev.muster.sandbox.HeldCalls;
import dev.muster.sandbox.machine.MachineImage;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * A stand-in for Google's Compute Engine on 127.0.0.1: the REST API v1, the token endpoint of service accounts, Resource Manager's
 * testIamPermissions of the project, and the metadata server of every machine under {@code /machines/<instance number>}, all on one port.
 *
 * <p>A client sets {@link #url} as endpoint and takes its credentials from {@link #keyFile}. What is launched runs {@link MachineImage};
 * what the cloud saw is in {@link #books}.
 */
public final class GceServer implements AutoCloseable {

    private static final String API = "/compute/v1/";
    /** Metadata is 512 KB at most, and a bulk insert names thousands of machines. */
    private static final int LONGEST_BODY = 4 * 1024 * 1024;

    private final CloudHttp http;
    private final GceCloud cloud;
    private final CloudTime time;
    private final GceConfig config;
    private final Vertx vertx;
    private final Keys keys;

    private GceServer(Vertx vertx, GceCloud cloud, CloudTime time, GceConfig config) {
        this.vertx = vertx;
        this.http = new CloudHttp(vertx, "Compute Engine", time);
        this.cloud = cloud;
        this.time = time;
        this.config = config;
        this.keys = new Keys(time);
    }

    /**
     * Listens, and returns once it does.
     *
     * @param vertx whose event loops serve; stays the caller's to close
     * @param image what every machine boots
     * @throws IllegalStateException if the port is taken, with a sentence that names it
     */
    public static GceServer start(Vertx vertx, GceConfig config, MachineImage image) {
        return start(vertx, config, image, CloudTime.real());
    }

    /** As above, by a clock of the caller's, which closes with the server. */
    public static GceServer start(Vertx vertx, GceConfig config, MachineImage image, CloudTime time) {
        var cloud = new GceCloud(config, time, image, account(config));
        var started = new GceServer(vertx, cloud, time, config);
        started.http.listen(config.port(), started.routes());
        cloud.servedAt(started.url());
        return started;
    }

    private static String account(GceConfig config) {
        return "muster@" + config.project() + ".iam.gserviceaccount.com";
    }

    /** Without a trailing slash. */
    public String url() {
        return http.url();
    }

    /** The service account of {@link #keyFile}, which machines have by default, too. */
    public String account() {
        return cloud.account();
    }

    /** The text of a key file of the service account, each time of a new key. Google's libraries read it and come here for their tokens. */
    public String keyFile() {
        return keys.create(config.project(), cloud.account(), url());
    }

    /**
     * Takes a key away: neither a new token nor a call is to be had with it from now on.
     *
     * @param id {@code private_key_id} in its file
     */
    public void revoke(String id) {
        keys.revoke(id);
    }

    /** Takes all keys of the service account away. */
    public void revokeAll() {
        keys.revokeAll(cloud.account());
    }

    public Capacity capacity() {
        return cloud.capacity();
    }

    public Faults faults() {
        return cloud.faults();
    }

    public Surroundings surroundings() {
        return cloud.surroundings();
    }

    public Books books() {
        return cloud.books();
    }

    /**
     * Announces to a spot instance that it is taken back; it stops, or is deleted, when the notice is over.
     *
     * @param instance its name or number
     * @return when it ends
     * @throws IllegalArgumentException if there is no such instance, or it isn't a spot instance that runs
     */
    public Instant preempt(String instance) {
        return cloud.preempt(instance);
    }

    /** Preempts all running spot instances that match, and says how many. */
    public int preemptAll(OfferFilter which) {
        return cloud.preemptAll(which);
    }

    /**
     * What a machine wrote so far, the last megabyte of it.
     *
     * @throws IllegalArgumentException if there is no such instance
     */
    public String console(String instance) {
        return cloud.console(instance);
    }

    /** Stops an instance, as a person at the console would. */
    public void stop(String instance) {
        cloud.stop(instance);
    }

    /** Deletes an instance whatever runs on it, as a person at the console would. */
    public void delete(String instance) {
        cloud.delete(instance);
    }

    /** As {@code shutdown -h now} on the machine: Compute Engine says that it ended from inside. */
    public void powerOff(String instance) {
        cloud.powerOff(instance);
    }

    /** The machine's host fails: Compute Engine stops it, and starts it again if it is to restart by itself. */
    public void hostError(String instance) {
        cloud.hostError(instance);
    }

    /** Cuts a machine's power; Compute Engine goes on showing it as running. */
    public void die(String instance) {
        cloud.die(instance);
    }

    /** Writes a value of the project's own metadata; null takes it away. */
    public void projectMetadata(String key, String value) {
        cloud.projectMetadata(key, value);
    }

    /**
     * Turns Google's rate quotas on.
     *
     * @param perMinute requests of each group of methods, 1,500 at Google where nothing else is agreed; null turns them off
     */
    public void throttling(Integer perMinute) {
        cloud.throttling(perMinute);
    }

    /** A request id that was used is a new one again, as after a time that Google doesn't tell. */
    public void forgetRequests() {
        cloud.forgetRequests();
    }

    /** Calls held by order of {@link Faults.ApiFault.Held}, oldest first. */
    public List<HeldCalls.HeldCall> held() {
        return http.held().all();
    }

    /** Ends all held calls, oldest first, and says how many; returns when they have had their effect. */
    public int release(HeldCalls.Fate fate) {
        return http.held().release(fate);
    }

    /**
     * Adds the routes under {@code /gce/}: {@code GET /gce/books}, and by POST with a JSON object what the methods here do. Mount
     * them on a server that isn't the cloud's own, so that no client meets them by accident.
     */
    public void mountAdmin(Router router) {
        new AdminRoutes(this).mount(router);
    }

    /** Cuts all machines' power and stops listening. */
    @Override
    public void close() {
        time.close();
        cloud.close();
        http.close();
    }

    private Router routes() {
        var router = Router.router(vertx);
        new Metadata(cloud, keys).mount(router);
        router.post("/token").handler(context -> read(context, body -> {
            var grant = keys.change(CloudHttp.decode(body.toString(StandardCharsets.UTF_8)), url());
            json(context, grant.status(), grant.body());
        }));
        router.postWithRegex("/v[13]/projects/(?<project>[^/:]+):testIamPermissions").handler(context -> read(context, body -> testPermissions(context, body)));
        router.post("/batch/compute/v1").handler(context -> read(context, body -> batch(context, body)));
        router.getWithRegex("/v1/projects/(?<project>[^/:]+)").handler(context -> beside(context, Surroundings.Service.RESOURCE_MANAGER, "resourcemanager.projects.get",
                () -> Surroundings.project(config.project())));
        var account = "/v1/projects/(?<project>[^/:]+)/serviceAccounts/(?<email>[^/:]+)";
        router.getWithRegex(account).handler(context -> beside(context, Surroundings.Service.IAM, "iam.serviceAccounts.get",
                () -> cloud.surroundings().account(context.pathParam("email"), config.project())));
        router.postWithRegex(account + ":testIamPermissions").handler(context -> read(context, body -> beside(context, Surroundings.Service.IAM, null, () -> {
            cloud.surroundings().account(context.pathParam("email"), config.project());
            return cloud.allowed(body(body));
        })));
        var key = "/v1/(?<key>projects/(?<project>[^/:]+)/locations/[^/:]+/keyRings/[^/:]+/cryptoKeys/[^/:]+)";
        router.getWithRegex(key).handler(context -> beside(context, Surroundings.Service.KMS, "cloudkms.cryptoKeys.get", () -> cloud.surroundings().key(context.pathParam("key"))));
        router.getWithRegex(key + ":getIamPolicy").handler(context -> beside(context, Surroundings.Service.KMS, "cloudkms.cryptoKeys.getIamPolicy",
                () -> cloud.surroundings().keyPolicy()));
        router.route(API + "*").handler(context -> read(context, body -> api(context, body)));
        return router;
    }

    private void read(RoutingContext context, Consumer<Buffer> then) {
        CloudHttp.body(context, LONGEST_BODY, then, () -> refuse(context, new Refusal(413, "uploadTooLarge", "The request is longer than " + LONGEST_BODY + " bytes")));
    }

    private void api(RoutingContext context, Buffer sent) {
        Call call;
        try {
            call = call(caller(context), context.request().method().name(), context.request().path(), context.request().query(), sent);
        } catch (Refusal refused) {
            refuse(context, refused);
            return;
        }
        var met = cloud.faults().of(call.method());
        http.answer(context, call.method(), met.held(), () -> cloud.answer(call, met), answer -> send(context, answer));
    }

    /** @throws Refusal if it isn't a call that Google would look at */
    private static Call call(String user, String http, String path, String query, Buffer sent) {
        try {
            var plain = URLDecoder.decode(path.substring(API.length()).replace("+", "%2B"), StandardCharsets.UTF_8);
            var found = Route.find(http, plain).orElseThrow(() -> new Refusal(404, "notFound", "The requested URL " + path + " was not found on this server."));
            return Call.of(found, CloudHttp.decode(query), body(sent), user);
        } catch (IllegalArgumentException e) {
            throw Refusal.badRequest("The request is malformed: " + e.getMessage());
        }
    }

    /** One after the other, as each stands now: a part is neither slow nor held. */
    private void batch(RoutingContext context, Buffer sent) {
        try {
            var user = caller(context);
            var answers = new ArrayList<Batch.Answered>();
            for (var part : Batch.read(context.request().getHeader("Content-Type"), sent.toString(StandardCharsets.UTF_8))) {
                answers.add(answer(user, part));
            }
            context.response().putHeader("Content-Type", Batch.contentType()).end(Batch.write(answers));
        } catch (Refusal refused) {
            refuse(context, refused);
        }
    }

    private Batch.Answered answer(String user, Batch.Part part) {
        try {
            var target = URI.create(part.target());
            if (!target.getPath().startsWith(API)) {
                throw new Refusal(404, "notFound", "The requested URL " + target.getPath() + " was not found on this server.");
            }
            var answer = cloud.answer(call(user, part.http(), target.getRawPath(), target.getRawQuery(), Buffer.buffer(part.body())));
            return new Batch.Answered(part.id(), answer.status(), answer.body());
        } catch (Refusal refused) {
            return new Batch.Answered(part.id(), refused.status(), refused.json());
        } catch (IllegalArgumentException e) {
            var refused = Refusal.badRequest("The request is malformed: " + e.getMessage());
            return new Batch.Answered(part.id(), refused.status(), refused.json());
        }
    }

    /** @throws Refusal if the config demands credentials and these open nothing */
    private String caller(RoutingContext context) {
        var user = keys.caller(context.request().getHeader("Authorization"));
        if (user == null && config.credentials()) {
            throw Refusal.unauthenticated("Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. "
                    + "See https://developers.google.com/identity/sign-in/web/devconsole-project.");
        }
        return user == null ? cloud.account() : user;
    }

    private static JsonObject body(Buffer sent) {
        if (sent.length() == 0) {
            return new JsonObject();
        }
        try {
            return sent.toJsonObject();
        } catch (DecodeException | ClassCastException e) {
            throw Refusal.badRequest("Invalid JSON payload received. Unexpected token.");
        }
    }

    private interface Shown {
        JsonObject show();
    }

    /** One call of another of Google's services. @param permission null: none is needed */
    private void beside(RoutingContext context, Surroundings.Service service, String permission, Shown shown) {
        try {
            caller(context);
            var project = context.pathParam("project");
            if (!project.equals(config.project()) && !project.equals("-")) {
                throw new Refusal(403, "forbidden", "The caller does not have permission");
            }
            cloud.surroundings().admit(service, config.project());
            if (permission != null && cloud.faults().denies(permission)) {
                throw new Refusal(403, "forbidden", "Permission '" + permission + "' denied on resource (or it may not exist).");
            }
            json(context, 200, shown.show());
        } catch (Refusal refused) {
            refuse(context, refused);
        }
    }

    private void testPermissions(RoutingContext context, Buffer sent) {
        try {
            caller(context);
            if (!context.pathParam("project").equals(config.project())) {
                throw new Refusal(403, "forbidden", "The caller does not have permission");
            }
            cloud.surroundings().admit(Surroundings.Service.RESOURCE_MANAGER, config.project());
            var body = body(sent);
            Schema.check(body, "TestPermissionsRequest");
            json(context, 200, cloud.allowed(body));
        } catch (Refusal refused) {
            refuse(context, refused);
        }
    }

    private void send(RoutingContext context, GceCloud.Answer answer) {
        if (answer.until() != null) {
            var here = vertx.getOrCreateContext();
            cloud.whenDone(answer.until(), () -> here.runOnContext(done ->
                    http.send(context, Duration.ZERO, answer.cut(), () -> json(context, 200, cloud.shown(answer.until())))));
        } else {
            http.send(context, answer.delay(), answer.cut(), () -> json(context, answer.status(), answer.body()));
        }
    }

    private void refuse(RoutingContext context, Refusal refused) {
        json(context, refused.status(), refused.json());
    }

    private void json(RoutingContext context, int status, JsonObject body) {
        context.response().setStatusCode(status).putHeader("Content-Type", "application/json; charset=UTF-8").putHeader("Server", "ESF")
                .putHeader("Date", http.date(cloud.surroundings().clockAhead())).end(body.encodePrettily());
    }
}
