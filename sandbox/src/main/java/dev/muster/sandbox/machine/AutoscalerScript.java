package dev.muster.sandbox.machine;

import io.vertx.core.Future;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import java.net.URI;
import java.util.List;
import java.util.regex.Pattern;

/**
 * What ClearML's own autoscaler tells a machine at launch, read from the lines of its boot script that decide what runs: one
 * clearml-agent on one queue, without a guard. Everything else in that script installs packages, which takes a simulated machine no time.
 *
 * @param workerPrefix what stands before the machine's id in its worker's
 * @param queue by name: the agent asks the server for its id
 * @param docker image and arguments of tasks' containers; empty if they run without one
 * @param instanceId path in the metadata service that the script reads the machine's id from, without a token
 */
record AutoscalerScript(String workerPrefix, String queue, String docker, String instanceId, URI api, String accessKey, String secretKey) {

    private static final Pattern DAEMON = Pattern.compile("(?m)^.*clearml_agent .*daemon --queue '([^']+)'(?: --docker '([^']*)')?");
    private static final Pattern INSTANCE = Pattern.compile("(?m)^export DYNAMIC_INSTANCE_ID=\\$\\(curl http://169\\.254\\.169\\.254(/\\S+)\\)$");
    private static final Pattern WORKER = Pattern.compile("(?m)^export CLEARML_WORKER_ID=(\\S+):\\$DYNAMIC_INSTANCE_ID$");
    private static final Pattern API = Pattern.compile("(?m)^export CLEARML_API_HOST=(\\S+)$");
    private static final Pattern ACCESS_KEY = Pattern.compile("(?m)^export CLEARML_API_ACCESS_KEY='([^']+)'$");
    private static final Pattern SECRET_KEY = Pattern.compile("(?m)^export CLEARML_API_SECRET_KEY='([^']+)'$");
    private static final long TIMEOUT_MS = 10_000;

    /** Without the secret key. */
    @Override
    public String toString() {
        return "AutoscalerScript[workerPrefix=" + workerPrefix + ", queue=" + queue + ", docker=" + docker + ", api=" + api + "]";
    }

    /** Whether user-data is of that autoscaler and not of Muster. */
    static boolean isIn(String userData) {
        return DAEMON.matcher(userData).find() && WORKER.matcher(userData).find();
    }

    static AutoscalerScript read(String userData) throws BootScript.Unreadable {
        var daemon = DAEMON.matcher(userData);
        if (!daemon.find()) {
            throw new BootScript.Unreadable("the script starts no agent");
        }
        var docker = daemon.group(2) == null ? "" : daemon.group(2);
        return new AutoscalerScript(only(WORKER, userData, "CLEARML_WORKER_ID"), daemon.group(1), docker, only(INSTANCE, userData, "DYNAMIC_INSTANCE_ID"),
                URI.create(only(API, userData, "CLEARML_API_HOST")), only(ACCESS_KEY, userData, "CLEARML_API_ACCESS_KEY"),
                only(SECRET_KEY, userData, "CLEARML_API_SECRET_KEY"));
    }

    private static String only(Pattern pattern, String script, String variable) throws BootScript.Unreadable {
        var match = pattern.matcher(script);
        if (!match.find()) {
            throw new BootScript.Unreadable("the script sets no " + variable);
        }
        return match.group(1);
    }

    /** The worker's id. Where the metadata service wants a token, that part of it stays empty, as the script's {@code curl} knows none. */
    Future<String> worker(HttpClient http, String metadataUrl) {
        var options = new RequestOptions().setMethod(HttpMethod.GET).setAbsoluteURI(metadataUrl + instanceId).setTimeout(TIMEOUT_MS);
        return http.request(options)
                .compose(request -> request.send()
                        .compose(response -> response.body().map(body -> response.statusCode() == 200 ? body.toString().trim() : "")))
                .otherwise("")
                .map(id -> workerPrefix + ":" + id);
    }

    /** The same for an agent, once the queue's id is known. */
    BootScript watching(String queueId) {
        return new BootScript("ec2", workerPrefix, 1, List.of(queueId), api, accessKey, secretKey);
    }
}
