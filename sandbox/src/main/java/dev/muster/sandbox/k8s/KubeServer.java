package dev.muster.sandbox.k8s;

import dev.muster.sandbox.CloudHttp;
import dev.muster.sandbox.CloudTime;
import dev.muster.sandbox.HeldCalls;
import dev.muster.sandbox.machine.MachineImage;
import dev.muster.sandbox.process.Certificate;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.http.ServerWebSocket;
import io.vertx.core.json.JsonObject;
import io.vertx.core.net.PfxOptions;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;

/**
 * A stand-in for a Kubernetes cluster on 127.0.0.1, which fabric8's client and kubectl take for one: API server, scheduler, the controllers
 * of nodes and namespaces, and nodes whose pods are simulated machines.
 *
 * <p>{@link #kubeconfig} opens it. What the cluster saw is in {@link #books}.
 */
public final class KubeServer implements AutoCloseable {

    /** May do everything, faults or not. */
    public static final String ADMIN = "kubernetes-admin";
    /** Whom {@link #kubeconfig} lets in: everything but secrets, unless {@link Faults} say less. */
    public static final String PROVISIONER = "system:serviceaccount:" + ClusterConfig.NAMESPACE + ":muster-k8s-provisioner";

    /** Of a request that etcd would take. */
    private static final int LONGEST_BODY = 3 * 1024 * 1024;
    /** A minute at a real server. */
    private static final Duration BOOKMARKS = Duration.ofSeconds(60);
    private static final List<String> UNRESERVED = List.of("get", "list", "watch");

    private final Vertx vertx;
    private final ClusterConfig config;
    private final CloudTime time;
    private final CloudHttp http;
    private final KubeStore store = new KubeStore();
    private final KubeApi api;
    private final Faults faults = new Faults();
    private final Books books;
    private final Scheduler scheduler;
    private final NodeLife nodeLife;
    private final Map<String, String> users = new ConcurrentHashMap<>();
    private final Set<WatchStream> watches = ConcurrentHashMap.newKeySet();
    private final HttpClient toKubelets;
    private long bookmarks;
    private KubernetesClient kubeletClient;
    private Kubelets kubelets;

    private KubeServer(Vertx vertx, ClusterConfig config, CloudTime time) {
        this.vertx = vertx;
        this.config = config;
        this.time = time;
        this.http = new CloudHttp(vertx, "Kubernetes", time);
        this.api = new KubeApi(store, time);
        this.books = new Books(store, config.timeScale(), this::tasks, this::dollarsPerHour);
        this.scheduler = new Scheduler(api);
        this.nodeLife = new NodeLife(api, config);
        this.toKubelets = vertx.createHttpClient(new HttpClientOptions().setSsl(true).setTrustAll(true).setVerifyHost(false));
        store.onChange(change -> {
            if (change.resource() == Resource.PODS) {
                books.changed(change, time.now());
            }
        });
    }

    /**
     * Listens, and returns once it does and its nodes are ready.
     *
     * @param vertx whose event loops serve; stays the caller's to close
     * @param image what runs in every pod
     * @throws IllegalStateException if the port is taken, with a sentence that names it
     */
    public static KubeServer start(Vertx vertx, ClusterConfig config, MachineImage image) {
        var server = new KubeServer(vertx, config, CloudTime.real());
        for (var namespace : List.of("default", "kube-system", "kube-node-lease")) {
            server.addNamespace(namespace);
        }
        config.namespaces().forEach(server::addNamespace);
        var certificate = Certificate.own();
        server.http.listen(config.port(), server.routes(), new HttpServerOptions().setSsl(true)
                .setKeyCertOptions(new PfxOptions().setValue(Buffer.buffer(certificate.keyStore())).setPassword(certificate.password())));
        server.kubeletClient = server.client(ADMIN);
        server.kubelets = Kubelets.start(vertx, server.kubeletClient, image, config.timeScale(), 
                new Kubelets.Pace(config.pullTime(), config.startTime(), config.lostAfter().dividedBy(4)));
        config.nodes().forEach(server.kubelets::add);
        server.nodeLife.start();
        server.bookmarks = vertx.setPeriodic(BOOKMARKS.toMillis(), tick -> {
            synchronized (server.store) {
                server.watches.forEach(watch -> watch.bookmark(server.store.version()));
            }
        });
        return server;
    }

    /** Without a trailing slash. */
    public String url() {
        return http.url();
    }

    /** The certificate of the server's own authority. */
    public String authority() {
        return Certificate.own().pem();
    }

    /** A new token of a user, which need not have been heard of before. */
    public String token(String user) {
        var random = new byte[24];
        new java.security.SecureRandom().nextBytes(random);
        var token = Base64.getUrlEncoder().withoutPadding().encodeToString(random);
        users.put(token, user);
        return token;
    }

    /** Takes all tokens of a user away. */
    public void revoke(String user) {
        users.values().removeIf(user::equals);
    }

    /** The text of a kubeconfig with a new token of the user, in namespace muster. */
    public String kubeconfig(String user) {
        return """
                apiVersion: v1
                kind: Config
                current-context: sandbox
                clusters:
                  - name: sandbox
                    cluster:
                      server: %s
                      certificate-authority-data: %s
                contexts:
                  - name: sandbox
                    context: {cluster: sandbox, user: sandbox, namespace: %s}
                users:
                  - name: sandbox
                    user:
                      token: %s
                """.formatted(url(), Base64.getEncoder().encodeToString(authority().getBytes(StandardCharsets.UTF_8)),
                config.namespaces().isEmpty() ? "default" : config.namespaces().get(0), token(user));
    }

    /** A client with a token of the user; the caller's to close. */
    public KubernetesClient client(String user) {
        return new KubernetesClientBuilder().withConfig(new ConfigBuilder(io.fabric8.kubernetes.client.Config.empty()).withMasterUrl(url()).withOauthToken(token(user))
                .withCaCertData(Base64.getEncoder().encodeToString(authority().getBytes(StandardCharsets.UTF_8)))
                .withNamespace(config.namespaces().isEmpty() ? "default" : config.namespaces().get(0)).build()).build();
    }

    public Faults faults() {
        return faults;
    }

    /** The nodes, and what befalls them and their pods. */
    public Kubelets kubelets() {
        return kubelets;
    }

    public Books books() {
        return books;
    }

    /** A namespace with the service account that every namespace has. */
    public void addNamespace(String name) {
        api.create(Resource.NAMESPACES, "", new JsonObject().put("metadata", new JsonObject().put("name", name)
                .put("labels", new JsonObject().put("kubernetes.io/metadata.name", name))), false);
    }

    /** Keeps an object as an administrator would have made it. @param namespace empty for one of the cluster */
    public void add(String kind, String namespace, JsonObject object) {
        api.create(Resource.ALL.stream().filter(one -> one.kind().equals(kind)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("kind is " + kind + ", which the stand-in doesn't keep")), namespace, object, false);
    }

    /** Adds a secret with these values. */
    public void addSecret(String namespace, String name, Map<String, String> values) {
        var data = new JsonObject();
        values.forEach(data::put);
        add("Secret", namespace, new JsonObject().put("metadata", new JsonObject().put("name", name)).put("type", "Opaque").put("stringData", data));
    }

    public void addServiceAccount(String namespace, String name) {
        add("ServiceAccount", namespace, new JsonObject().put("metadata", new JsonObject().put("name", name)));
    }

    /** Limits what a namespace may have, such as {@code requests.nvidia.com/gpu} to {@code 2}. Replaces one of the same name. */
    public void quota(String namespace, String name, Map<String, String> hard) {
        var limits = new JsonObject();
        hard.forEach(limits::put);
        synchronized (store) {
            store.get(Resource.QUOTAS, namespace, name).ifPresent(old -> store.remove(Resource.QUOTAS, old));
            add("ResourceQuota", namespace, new JsonObject().put("metadata", new JsonObject().put("name", name)).put("spec", new JsonObject().put("hard", limits)));
        }
    }

    /**
     * From now on nodes are added while pods find no room that such a node would have.
     *
     * @param after machine time, which the time scale divides
     */
    public void grow(NodeShape shape, int most, Duration after) {
        scheduler.grow(shape, most, config.timeScale().real(after), (of, number) -> kubelets.add(of));
    }

    /** Takes a pod's place for one that matters more: it is deleted with its grace period. */
    public void preempt(String namespace, String pod) {
        synchronized (store) {
            var victim = pod(namespace, pod);
            api.event(victim, "default-scheduler", "Normal", "Preempted", "Preempted by a pod on node " + Json.text(victim, "spec", "nodeName"));
            api.evict(victim, "PreemptionByScheduler", "default-scheduler: preempting to accommodate a higher priority pod", KubeApi.DeleteOptions.PLAIN);
        }
    }

    /** Deletes a pod as a person with kubectl would. @param force without waiting for its node */
    public void delete(String namespace, String pod, boolean force) {
        synchronized (store) {
            api.delete(Resource.PODS, pod(namespace, pod), new KubeApi.DeleteOptions(force ? 0 : null, "", "", false));
        }
    }

    /** Takes a node out of the cluster as an administrator or an autoscaler does. */
    public void removeNode(String node) {
        kubelets.kill(node);
        synchronized (store) {
            store.get(Resource.NODES, "", node).ifPresent(one -> store.remove(Resource.NODES, one));
        }
    }

    private JsonObject pod(String namespace, String name) {
        return store.get(Resource.PODS, namespace, name).orElseThrow(() -> new IllegalArgumentException("there is no pod " + namespace + "/" + name));
    }

    /** Ends all watches and forgets all history, so that they must begin anew: each is told 410 in its stream. */
    public void expireWatches() {
        synchronized (store) {
            store.forgetHistory();
            watches.forEach(watch -> watch.fail(Refusal.expired("too old resource version: 1 (" + store.version() + ")")));
        }
    }

    /** Forgets all history; watches that are open go on. */
    public void compact() {
        synchronized (store) {
            store.forgetHistory();
        }
    }

    /** Breaks the connections of all watches. */
    public void cutWatches() {
        synchronized (store) {
            watches.forEach(WatchStream::cut);
        }
    }

    /** Has all watches of pods but the nodes' own keep their events back without a word, until {@code stall} is false. New ones are not affected. */
    public void stallWatches(boolean stall) {
        synchronized (store) {
            watches.stream().filter(watch -> watch.isOf(Resource.PODS) && !watch.isBy(ADMIN)).forEach(watch -> watch.stall(stall));
        }
    }

    /** Open watches, without the nodes' own. */
    public int watches() {
        return (int) watches.stream().filter(watch -> !watch.isBy(ADMIN)).count();
    }

    /** Calls held by order of {@link Faults.ApiFault.Held}, oldest first. */
    public List<HeldCalls.HeldCall> held() {
        return http.held().all();
    }

    /** Ends all held calls, oldest first, and says how many; returns when they have had their effect. */
    public int release(HeldCalls.Fate fate) {
        return http.held().release(fate);
    }

    /** Adds the routes under {@code /k8s/}. Mount them on a server that isn't the cluster's own. */
    public void mountAdmin(Router router) {
        new AdminRoutes(this).mount(router);
    }

    /** Cuts all machines' power and stops listening. */
    @Override
    public void close() {
        vertx.cancelTimer(bookmarks);
        time.close();
        kubelets.close();
        kubeletClient.close();
        http.close();
        toKubelets.close();
    }

    private Set<String> tasks(String uid) {
        return kubelets == null ? Set.of() : kubelets.tasks(uid);
    }

    private Map.Entry<java.math.BigDecimal, JsonObject> dollarsPerHour(String node) {
        return kubelets.price(node).<Map.Entry<java.math.BigDecimal, JsonObject>>map(price -> Map.entry(price, store.get(Resource.NODES, "", node)
                .map(one -> Json.child(Json.child(one, "status"), "allocatable")).orElse(new JsonObject()))).orElse(Map.entry(java.math.BigDecimal.ZERO, new JsonObject()));
    }

    // The API over HTTP.

    private Router routes() {
        var router = Router.router(vertx);
        for (var probe : List.of("/healthz", "/livez", "/readyz")) {
            router.get(probe).handler(context -> context.response().end("ok"));
        }
        router.get().handler(context -> {
            var found = Discovery.at(context.request().path());
            if (found.isPresent()) {
                json(context, 200, found.get());
            } else {
                context.next();
            }
        });
        for (var path : List.of("/api/*", "/apis/*")) {
            router.route(path).handler(this::api);
        }
        router.route().handler(context -> refuse(context, Refusal.noSuchPath()));
        return router;
    }

    private void api(RoutingContext context) {
        KubeCall call;
        try {
            var user = caller(context);
            call = KubeCall.of(context.request().method().name(), context.request().path(), CloudHttp.decode(context.request().query()));
            if (!allowed(user, call.verb(), call.target(), call.namespace())) {
                throw Refusal.notAllowed(user, call.verb(), call.resource(), call.subresource(), call.namespace(), call.name());
            }
            if (call.verb().equals("watch")) {
                watch(context, call, user);
                return;
            }
            if (call.subresource().equals("log")) {
                log(context, call, user);
                return;
            }
            CloudHttp.body(context, LONGEST_BODY, body -> answer(context, call, user, body),
                    () -> refuse(context, new Refusal(413, "RequestEntityTooLarge", "Request entity too large: limit is " + LONGEST_BODY, new JsonObject())));
        } catch (Refusal refused) {
            refuse(context, refused);
        }
    }

    private String caller(RoutingContext context) {
        var authorization = context.request().getHeader("Authorization");
        var user = authorization != null && authorization.startsWith("Bearer ") ? users.get(authorization.substring(7).trim()) : null;
        if (user == null && config.credentials()) {
            throw Refusal.unauthorized();
        }
        return user == null ? PROVISIONER : user;
    }

    private boolean allowed(String user, String verb, String resource, String namespace) {
        return user.equals(ADMIN) || !faults.denies(verb, resource, namespace) && !(user.equals(PROVISIONER) && resource.equals("secrets"));
    }

    private void answer(RoutingContext context, KubeCall call, String user, Buffer body) {
        var met = met(user, call);
        http.answer(context, call.action(), met.held(), () -> effect(context, call, user, body, met), answered -> http.send(context, met.delay(), met.cut(), () -> {
            if (answered instanceof Refusal refused) {
                refuse(context, refused);
            } else if (met.lost()) {
                refuse(context, new Refusal(504, "Timeout", "Timeout: request did not complete within requested timeout 34s", new JsonObject()));
            } else {
                var answer = (KubeApi.Answer) answered;
                json(context, answer.status(), answer.body());
            }
        }));
    }

    /** The cluster's own calls go well: what a test wants of its nodes, it tells them. */
    private Faults.Met met(String user, KubeCall call) {
        return user.equals(ADMIN) ? Faults.Met.NOTHING : faults.of(call.action());
    }

    private void count(String user, KubeCall call, String answer) {
        if (!user.equals(ADMIN)) {
            books.answered(call.action(), answer);
        }
    }

    /** An answer or a refusal, which is one, too. */
    private Object effect(RoutingContext context, KubeCall call, String user, Buffer body, Faults.Met met) {
        Object answered;
        try {
            if (met.refusal() != null) {
                throw met.refusal();
            }
            var answer = api.answer(call, context.request().getHeader("Content-Type"), body, (asked, verb) -> allowed(user, verb,
                    asked.getString("resource", "") + (asked.getString("subresource", "").isEmpty() ? "" : "/" + asked.getString("subresource")),
                    asked.getString("namespace", "")));
            answered = Tables.wanted(context.request().getHeader("Accept")) && answer.status() == 200 && UNRESERVED.contains(call.verb())
                    ? new KubeApi.Answer(200, table(call, answer.body())) : answer;
        } catch (Refusal refused) {
            answered = refused;
        } catch (RuntimeException defect) {
            // The caller would take a closed connection for the network's doing.
            defect.printStackTrace();
            answered = new Refusal(500, "InternalError", "Internal error occurred: " + defect, new JsonObject());
        }
        count(user, call, answered instanceof Refusal refused ? refused.reason() : "Success");
        return answered;
    }

    private JsonObject table(KubeCall call, JsonObject answer) {
        return call.verb().equals("list") ? Tables.of(call.resource(), Json.objects(answer, "items"), answer.getJsonObject("metadata"), time.now())
                : Tables.of(call.resource(), List.of(answer), new JsonObject().put("resourceVersion", Json.version(answer)), time.now());
    }

    // Watches.

    private void watch(RoutingContext context, KubeCall call, String user) {
        var met = met(user, call);
        if (met.refusal() != null) {
            throw met.refusal();
        }
        UnaryOperator<JsonObject> shown = Tables.wanted(context.request().getHeader("Accept"))
                ? object -> Tables.of(call.resource(), List.of(object), new JsonObject().put("resourceVersion", Json.version(object)), time.now())
                : object -> KubeApi.shown(call.resource(), object);
        // Refuses selectors before anything is sent.
        Selectors.of(call.resource(), call.query().get("labelSelector"), call.query().get("fieldSelector"));
        http.answer(context, call.action(), met.held(), () -> call, begun -> {
            var here = vertx.getOrCreateContext();
            if ("websocket".equalsIgnoreCase(context.request().getHeader("Upgrade"))) {
                context.request().toWebSocket().onSuccess(socket -> begin(call, user, shown, new SocketSink(here, socket)));
            } else {
                context.response().setChunked(true).putHeader("Content-Type", "application/json");
                // The head at once: a client waits for it, and there may be no event for long.
                context.response().writeHead();
                begin(call, user, shown, new ResponseSink(here, context));
            }
        });
        count(user, call, "Success");
    }

    private void begin(KubeCall call, String user, UnaryOperator<JsonObject> shown, Closable sink) {
        var stream = new WatchStream(call, user, shown, sink);
        sink.onClose(() -> {
            synchronized (store) {
                watches.remove(stream);
                store.forget(stream);
                stream.cut();
            }
        });
        synchronized (store) {
            watches.add(stream);
            stream.begin(store);
            store.onChange(stream);
        }
        if (call.query().containsKey("timeoutSeconds")) {
            vertx.setTimer(Math.max(1, KubeApi.number(call.query().get("timeoutSeconds"))) * 1000, due -> {
                synchronized (store) {
                    stream.end();
                }
            });
        }
    }

    private interface Closable extends WatchStream.Sink {
        void onClose(Runnable closed);
    }

    /** An event a line. Everything is sent on the connection's own thread, in the order given. */
    private record ResponseSink(Context here, RoutingContext context) implements Closable {

        @Override
        public void send(JsonObject event) {
            var line = event.toBuffer().appendByte((byte) '\n');
            here.runOnContext(now -> {
                if (!context.response().closed() && !context.response().ended()) {
                    context.response().write(line);
                }
            });
        }

        @Override
        public void end() {
            here.runOnContext(now -> {
                if (!context.response().closed() && !context.response().ended()) {
                    context.response().end();
                }
            });
        }

        @Override
        public void cut() {
            here.runOnContext(now -> {
                if (!context.response().ended()) {
                    context.request().connection().close();
                }
            });
        }

        @Override
        public void onClose(Runnable closed) {
            context.response().endHandler(ended -> closed.run());
            context.response().closeHandler(gone -> closed.run());
        }
    }

    /** An event a frame, as fabric8 asks first. */
    private record SocketSink(Context here, ServerWebSocket socket) implements Closable {

        @Override
        public void send(JsonObject event) {
            var text = event.encode();
            here.runOnContext(now -> {
                if (!socket.isClosed()) {
                    socket.writeTextMessage(text);
                }
            });
        }

        @Override
        public void end() {
            here.runOnContext(now -> socket.close());
        }

        @Override
        public void cut() {
            // Without the closing frame.
            here.runOnContext(now -> socket.close((short) 1011));
        }

        @Override
        public void onClose(Runnable closed) {
            socket.closeHandler(gone -> closed.run());
        }
    }

    // Logs, which the node has and not the API.

    private void log(RoutingContext context, KubeCall call, String user) {
        var pod = store(call);
        var node = Json.text(pod, "spec", "nodeName");
        var names = Json.objects(Json.child(pod, "spec"), "containers").stream().map(one -> one.getString("name")).toList();
        var container = call.query().getOrDefault("container", names.get(0));
        if (!names.contains(container)) {
            throw Refusal.badRequest("container " + container + " is not valid for pod " + call.name());
        }
        var met = met(user, call);
        if (met.refusal() != null) {
            throw met.refusal();
        }
        count(user, call, "Success");
        if (node.isEmpty()) {
            context.response().setStatusCode(204).end();
            return;
        }
        var port = store.get(Resource.NODES, "", node).map(one -> one.getJsonObject("status")
                .getJsonObject("daemonEndpoints").getJsonObject("kubeletEndpoint").getInteger("Port")).orElseThrow(() -> Refusal.notFound(Resource.NODES, node));
        var query = context.request().query();
        toKubelets.request(new RequestOptions().setMethod(HttpMethod.GET).setHost("127.0.0.1").setPort(port)
                .setURI("/containerLogs/" + call.namespace() + "/" + call.name() + "/" + container + (query == null ? "" : "?" + query)))
                .compose(request -> request.send())
                .onSuccess(answer -> {
                    context.response().setStatusCode(answer.statusCode()).putHeader("Content-Type", answer.getHeader("Content-Type")).setChunked(true);
                    answer.pipeTo(context.response());
                })
                .onFailure(silent -> refuse(context, new Refusal(500, "InternalError", "Internal error occurred: Get \"https://" + node + ":" + port
                        + "/containerLogs/\": dial tcp: connect: no route to host", new JsonObject())));
    }

    private JsonObject store(KubeCall call) {
        synchronized (store) {
            return store.get(Resource.PODS, call.namespace(), call.name()).orElseThrow(() -> Refusal.notFound(Resource.PODS, call.name()));
        }
    }

    private static void refuse(RoutingContext context, Refusal refused) {
        if (refused.retryAfter() != null) {
            context.response().putHeader("Retry-After", refused.retryAfter().toString());
        }
        if (refused.isPlain()) {
            context.response().setStatusCode(refused.code()).putHeader("Content-Type", "text/plain; charset=utf-8").end(refused.getMessage() + "\n");
            return;
        }
        json(context, refused.code(), refused.json());
    }

    private static void json(RoutingContext context, int status, JsonObject body) {
        if (!context.response().closed()) {
            context.response().setStatusCode(status).putHeader("Content-Type", "application/json").end(body.toBuffer());
        }
    }
}
