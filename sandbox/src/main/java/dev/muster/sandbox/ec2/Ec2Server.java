package dev.muster.sandbox.ec2;

import dev.muster.sandbox.CloudHttp;
import dev.muster.sandbox.CloudTime;
import dev.muster.sandbox.HeldCalls;
import dev.muster.sandbox.machine.MachineImage;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;

/**
 * A stand-in for Amazon EC2 on 127.0.0.1: the EC2 Query API (2016-11-15), SSM's GetParameter and GetParameters, Secrets
 * Manager's GetSecretValue and BatchGetSecretValue, STS's
 * GetCallerIdentity and AssumeRole, IAM's GetRole, KMS's DescribeKey, Service Quotas' GetServiceQuota, and the metadata service of every machine under {@code /machines/<instance id>}, all on one port.
 *
 * <p>A client sets {@link #url} as endpoint for all these services, {@link Ec2Config#ACCESS_KEY} with any secret, and any
 * region the stand-in has. What launches runs {@link MachineImage}; what the cloud saw is in {@link #books}.
 */
public final class Ec2Server implements AutoCloseable {

    private static final Pattern CREDENTIAL = Pattern.compile("AWS4-HMAC-SHA256 .*?Credential=([^/\\s,]+)/(\\d{8})/([^/]+)/([^/]+)/aws4_request");
    /** User data is 16 KB before base64 and URL encoding; a thousand ids are 30 KB. */
    private static final int LONGEST_BODY = 1024 * 1024;

    private final CloudHttp http;
    private final Ec2Cloud cloud;
    private final CloudTime time;
    private final Ec2Config config;
    private final Vertx vertx;
    private final Ssm ssm;
    /** Access key id → account. */
    private final Map<String, String> accessKeys;
    private final Sts sts;
    private final SecretsManager secrets;

    private Ec2Server(Vertx vertx, Ec2Cloud cloud, CloudTime time, Ec2Config config) {
        this.vertx = vertx;
        this.http = new CloudHttp(vertx, "EC2", time);
        this.cloud = cloud;
        this.time = time;
        this.config = config;
        this.ssm = new Ssm(time, config.parameters());
        this.accessKeys = new ConcurrentHashMap<>(config.accessKeys());
        this.sts = new Sts(time, accessKeys);
        this.secrets = new SecretsManager(time);
    }

    /**
     * Listens, and returns once it does.
     *
     * @param vertx whose event loops serve; stays the caller's to close
     * @param image what every machine boots
     * @throws IllegalStateException if the port is taken, with a sentence that names it
     */
    public static Ec2Server start(Vertx vertx, Ec2Config config, MachineImage image) {
        return start(vertx, config, image, CloudTime.real());
    }

    /** As above, by a clock of the caller's, which closes with the server. */
    public static Ec2Server start(Vertx vertx, Ec2Config config, MachineImage image, CloudTime time) {
        var cloud = new Ec2Cloud(config, time, image);
        var started = new Ec2Server(vertx, cloud, time, config);
        started.http.listen(config.port(), started.routes());
        cloud.servedAt(started.url());
        return started;
    }

    /** Without a trailing slash. */
    public String url() {
        return http.url();
    }

    public Capacity capacity() {
        return cloud.capacity();
    }

    public Faults faults() {
        return cloud.faults();
    }

    /** Routes, key pairs, roles, the clock and what else is around machines. */
    public Surroundings surroundings() {
        return cloud.surroundings();
    }

    public Books books() {
        return cloud.books();
    }

    /** Turns EC2's token buckets on or off. */
    public void throttling(boolean on) {
        cloud.throttling(on);
    }

    /**
     * Gives a spot instance its notice; it ends when the notice is over.
     *
     * @return when it ends
     * @throws IllegalArgumentException if there is no such instance, or it isn't a spot instance that is pending or running
     */
    public Instant interrupt(String instanceId) {
        return cloud.interrupt(instanceId);
    }

    /** Interrupts all pending and running spot instances that match, and says how many. */
    public int interruptAll(OfferFilter which) {
        return cloud.interruptAll(which);
    }

    /**
     * What a machine wrote so far, the last 64 KB of it.
     *
     * @throws IllegalArgumentException if there is no such instance
     */
    public String console(String instanceId) {
        return cloud.console(instanceId);
    }

    /** Stops an instance, as a person at the console would. */
    public void stop(String instanceId) {
        cloud.stop(instanceId);
    }

    /** Terminates an instance whatever runs on it, as a person at the console would. */
    public void terminate(String instanceId) {
        cloud.terminate(instanceId);
    }

    /** As {@code shutdown -h now} on the machine: EC2 says that it ended from inside. */
    public void powerOff(String instanceId) {
        cloud.powerOff(instanceId);
    }

    /** Takes calls signed with this key from now on, as the account's. */
    public void accept(String accessKey, String account) {
        if (!account.matches("\\d{12}")) {
            throw new IllegalArgumentException("account is " + account + "; it must have 12 digits");
        }
        accessKeys.put(accessKey, account);
    }

    /** Answers AuthFailure to what is signed with this key from now on, as when a person deactivates it. Unknown to EC2: nothing changes. */
    public void revoke(String accessKey) {
        accessKeys.remove(accessKey);
    }

    /** Calls held by order of {@link Faults.ApiFault.Held}, oldest first. */
    public List<HeldCalls.HeldCall> held() {
        return http.held().all();
    }

    /** Ends all held calls, oldest first, and says how many; returns when they have had their effect. */
    public int release(HeldCalls.Fate fate) {
        return http.held().release(fate);
    }

    /** Cuts a machine's power; EC2 goes on showing it as running, with an impaired status. */
    public void die(String instanceId) {
        cloud.die(instanceId);
    }

    /**
     * Writes an SSM parameter, in every region.
     *
     * @param secure a SecureString, told in clear only to a caller who asks for decryption
     */
    public void parameter(String name, String value, boolean secure) {
        ssm.put(name, value, secure);
    }

    /**
     * Writes a launch template, or the next version of it.
     *
     * @param parameters of RunInstances, as the query has them
     * @return its id
     */
    public String launchTemplate(String name, Map<String, String> parameters) {
        cloud.templates().put(name, parameters);
        return LaunchTemplates.id(name);
    }

    /**
     * Writes a secret of Secrets Manager, in every region.
     *
     * @throws IllegalArgumentException if it can't have that name
     */
    public void secret(String name, String value) {
        secrets.put(name, value);
    }

    /**
     * Makes a role that every caller may take on, and its keys act in the account of its ARN.
     *
     * @param externalId must be given with it; null: none
     * @param lasts how long its keys do, whatever a caller asks for; null: as asked
     * @throws IllegalArgumentException if that is no ARN of a role
     */
    public void role(String arn, String externalId, Duration lasts) {
        sts.role(arn, externalId, lasts);
    }

    /**
     * Adds the routes under {@code /ec2/}: {@code GET /ec2/books}, and by POST with a JSON object what the methods here do. Mount
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
        new Metadata(cloud, sts, config.timeScale()).mount(router);
        router.route("/").handler(context -> CloudHttp.body(context, LONGEST_BODY, body -> api(context, body), () ->
                xml(context.response(), 413, Xml.error("RequestEntityTooLarge", "The request is longer than " + LONGEST_BODY + " bytes"))));
        return router;
    }

    private void api(RoutingContext context, Buffer body) {
        var request = context.request();
        var credential = CREDENTIAL.matcher(request.getHeader("Authorization") == null ? "" : request.getHeader("Authorization"));
        boolean signed = credential.find();
        var caller = signed ? sts.caller(credential.group(1), request.getHeader("X-Amz-Security-Token")).orElse(null) : null;
        var region = signed ? credential.group(3) : "";
        if (request.method() != HttpMethod.POST && request.method() != HttpMethod.GET) {
            xml(context.response(), 405, Xml.error("InvalidRequest", "Use POST"));
            return;
        }
        var target = request.getHeader("X-Amz-Target");
        if (target != null && AccountApi.answers(target)) {
            account(context, body, target, caller, region);
            return;
        }
        if (target != null) {
            stores(context, body, target, caller, region);
            return;
        }
        SortedMap<String, String> parameters;
        try {
            parameters = parameters(request, body);
        } catch (IllegalArgumentException e) {
            xml(context.response(), 400, Xml.error("MalformedQueryString", "The query string is malformed: " + e.getMessage()));
            return;
        }
        var action = parameters.getOrDefault("Action", "");
        if (Sts.ACTIONS.contains(action)) {
            sts(context, action, caller, parameters);
            return;
        }
        if (AccountApi.ACTIONS.contains(action)) {
            iam(context, action, caller, parameters);
            return;
        }
        var service = signed ? credential.group(4) : "";
        if (caller == null) {
            cloud.books().answered(action, "AuthFailure");
            xml(context.response(), 401, signed ? Xml.error("AuthFailure", "AWS was not able to validate the provided access credentials")
                    : Xml.error("AuthFailure", "The request is not signed: send an AWS4-HMAC-SHA256 Authorization header"));
        } else if (caller.expired()) {
            xml(context.response(), 400, Xml.error("RequestExpired", "Request has expired."));
        } else if (Geography.region(region).isEmpty() || !service.equals("ec2")) {
            xml(context.response(), 401, Xml.error("AuthFailure", "Credential is scoped to " + region + "/" + service + "; it should be to ec2 in one of "
                    + String.join(", ", Geography.regions().stream().map(Geography.Region::name).toList())));
        } else if (action.isEmpty()) {
            xml(context.response(), 400, Xml.error("MissingAction", "The request must contain the parameter Action"));
        } else if (!"2016-11-15".equals(parameters.get("Version"))) {
            xml(context.response(), 400, Xml.error("InvalidParameterValue", "This stand-in speaks Version 2016-11-15; the request says "
                    + parameters.get("Version")));
        } else {
            ec2(context, Call.of(new Call.Scope(caller.account(), region), action, parameters));
        }
    }

    private void ec2(RoutingContext context, Call call) {
        var met = cloud.faults().of(call.action());
        http.answer(context, call.action(), met.held(), () -> cloud.answer(call, met), answer -> send(context, answer, "text/xml;charset=UTF-8"));
    }

    private void sts(RoutingContext context, String action, Sts.Caller caller, SortedMap<String, String> parameters) {
        var met = cloud.faults().of(action);
        int status = 200;
        String answer;
        try {
            if (caller == null) {
                throw new Refusal(403, "InvalidClientTokenId", "The security token included in the request is invalid.");
            }
            if (caller.expired()) {
                throw new Refusal(403, "ExpiredToken", "The security token included in the request is expired");
            }
            if (met.refusal() != null) {
                throw met.refusal();
            }
            // Who one is, one may always ask.
            if (action.equals("AssumeRole") && cloud.faults().denies(action)) {
                throw Sts.denied(caller, parameters.getOrDefault("RoleArn", ""));
            }
            answer = sts.answer(caller, action, parameters);
            if (met.lost()) {
                throw Faults.Met.LOST;
            }
        } catch (Refusal refused) {
            status = refused.status();
            answer = Sts.error(refused);
        }
        send(context, new Ec2Cloud.Answer(status, answer, met.delay(), met.cut()), "text/xml");
    }

    private void iam(RoutingContext context, String action, Sts.Caller caller, SortedMap<String, String> parameters) {
        var met = cloud.faults().of(action);
        int status = 200;
        String answer;
        try {
            if (caller == null || caller.expired()) {
                throw new Refusal(403, "InvalidClientTokenId", "The security token included in the request is invalid.");
            }
            if (met.refusal() != null) {
                throw met.refusal();
            }
            if (cloud.faults().denies(action)) {
                throw new Refusal(403, "AccessDenied", "User: " + caller.arn() + " is not authorized to perform: iam:" + action);
            }
            answer = cloud.account().role(caller.account(), parameters);
        } catch (Refusal refused) {
            status = refused.status();
            answer = AccountApi.error(refused);
        }
        send(context, new Ec2Cloud.Answer(status, answer, met.delay(), met.cut()), "text/xml");
    }

    /** KMS and Service Quotas, in AWS JSON 1.1. */
    private void account(RoutingContext context, Buffer sent, String target, Sts.Caller caller, String region) {
        var operation = target.substring(target.indexOf('.') + 1);
        var met = cloud.faults().of(operation);
        int status = 200;
        JsonObject answer;
        try {
            if (caller == null || caller.expired() || Geography.region(region).isEmpty()) {
                throw Refusal.of("UnrecognizedClientException", "The security token included in the request is invalid.");
            }
            if (met.refusal() != null) {
                throw met.refusal();
            }
            if (cloud.faults().denies(operation)) {
                throw Refusal.of("AccessDeniedException", "User: " + caller.arn() + " is not authorized to perform: " + AccountApi.permission(target));
            }
            answer = cloud.account().answer(new Call.Scope(caller.account(), region), target, sent.toJsonObject());
        } catch (DecodeException | ClassCastException e) {
            status = 400;
            answer = new JsonObject().put("__type", "SerializationException").put("message", "the body is no request of " + operation);
        } catch (Refusal refused) {
            status = refused.status();
            answer = new JsonObject().put("__type", refused.code()).put("message", refused.getMessage());
        }
        send(context, new Ec2Cloud.Answer(status, answer.encode(), met.delay(), met.cut()), "application/x-amz-json-1.1");
    }

    /** SSM and Secrets Manager, in AWS JSON 1.1. */
    private void stores(RoutingContext context, Buffer sent, String target, Sts.Caller caller, String region) {
        var operation = target.substring(target.indexOf('.') + 1);
        boolean ofSecrets = target.startsWith(SecretsManager.TARGET);
        var met = cloud.faults().of(operation);
        int status = 200;
        JsonObject answer;
        try {
            if (!ofSecrets && !target.startsWith("AmazonSSM.")) {
                throw Refusal.of("UnknownOperationException", "This stand-in answers SSM's GetParameter and GetParameters, and Secrets Manager's GetSecretValue"
                        + " and BatchGetSecretValue, not " + target);
            }
            if (caller == null || Geography.region(region).isEmpty()) {
                throw Refusal.of("UnrecognizedClientException", "The security token included in the request is invalid.");
            }
            if (caller.expired()) {
                throw Refusal.of("ExpiredTokenException", "The security token included in the request is expired");
            }
            if (met.refusal() != null) {
                throw met.refusal();
            }
            if (cloud.faults().denies(operation)) {
                throw Refusal.of("AccessDeniedException", "User: " + caller.arn() + " is not authorized to perform: "
                        + (ofSecrets ? "secretsmanager:" : "ssm:") + operation);
            }
            var scope = new Call.Scope(caller.account(), region);
            var request = sent.length() == 0 ? new JsonObject() : sent.toJsonObject();
            answer = ofSecrets ? secrets.answer(scope, operation, request) : ssm.answer(scope, operation, request);
            if (met.lost()) {
                throw Faults.Met.LOST;
            }
        } catch (DecodeException | ClassCastException e) {
            status = 400;
            answer = new JsonObject().put("__type", "SerializationException").put("message", "the body is no request of " + operation);
        } catch (Refusal refused) {
            status = refused.status();
            answer = new JsonObject().put("__type", refused.code()).put("message", refused.getMessage());
        }
        send(context, new Ec2Cloud.Answer(status, answer.encode(), met.delay(), met.cut()), "application/x-amz-json-1.1");
    }

    private void send(RoutingContext context, Ec2Cloud.Answer answer, String type) {
        http.send(context, answer.delay(), answer.cut(), () -> write(context.response(), answer.status(), type, answer.body()));
    }

    private void xml(HttpServerResponse response, int status, String body) {
        write(response, status, "text/xml;charset=UTF-8", body);
    }

    private void write(HttpServerResponse response, int status, String type, String body) {
        response.setStatusCode(status).putHeader("Content-Type", type).putHeader("Server", "AmazonEC2")
                .putHeader("Date", http.date(cloud.surroundings().clockAhead())).end(body);
    }

    private static SortedMap<String, String> parameters(HttpServerRequest request, Buffer body) {
        var parameters = new TreeMap<>(CloudHttp.decode(request.query()));
        var type = request.getHeader("Content-Type");
        if (type != null && type.startsWith("application/x-www-form-urlencoded")) {
            parameters.putAll(CloudHttp.decode(body.toString(StandardCharsets.UTF_8)));
        }
        return parameters;
    }
}
