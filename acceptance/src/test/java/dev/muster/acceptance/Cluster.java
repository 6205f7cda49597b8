package dev.muster.acceptance;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.TreeSet;

/** The cluster of a sandbox: what a test orders of its stand-in, and its pods as its own books have them. Not thread-safe. */
record Cluster(CloudStandIn standIn) {

    static final String ACCOUNT = "cluster";
    static final String NAMESPACE = "muster";
    static final String SCOPE = "k8s/" + ACCOUNT + "/" + NAMESPACE;
    /** What no node has that is there from the start. */
    static final String TWO_GPUS = "limits: {nvidia.com/gpu: 2}";

    /**
     * A pod that is or was.
     *
     * @param name      the machine's id
     * @param task      that it was made for; empty: none
     * @param node      empty: none yet
     * @param reason    why it waits or ended; empty: nothing is said
     * @param exitCode  null: its container has not ended
     * @param scheduled when it was given its node; null: it never was, as with all that follow
     * @param marks     that it had, in order
     * @param tasks     that began in it
     */
    record Pod(String name, String uid, String fleet, String task, String node, String phase, String reason, Integer exitCode, Instant created, Instant scheduled,
            Instant running, Instant ended, Instant gone, List<String> marks, List<String> tasks) {

        boolean isWaiting() {
            return scheduled == null && ended == null;
        }

        boolean isRunning() {
            return running != null && ended == null;
        }
    }

    List<Pod> pods() throws IOException, InterruptedException {
        return Sandbox.list(standIn.books().path("pods")).stream().map(Cluster::pod).toList();
    }

    private static Pod pod(JsonNode entry) {
        var labels = entry.path("labels");
        return new Pod(entry.path("name").asText(), entry.path("uid").asText(), labels.path("muster.dev/fleet").asText(), labels.path("muster.dev/task").asText(),
                entry.path("node").asText(""), entry.path("phase").asText(), entry.path("reason").asText(""), entry.hasNonNull("exitCode") ? entry.path("exitCode").asInt() : null,
                time(entry, "created"), time(entry, "scheduled"), time(entry, "running"), time(entry, "ended"), time(entry, "gone"), texts(entry.path("marks")),
                texts(entry.path("tasks")));
    }

    private static Instant time(JsonNode entry, String field) {
        return entry.hasNonNull(field) ? Instant.parse(entry.path(field).asText()) : null;
    }

    private static List<String> texts(JsonNode array) {
        return Sandbox.list(array).stream().map(JsonNode::asText).toList();
    }

    Pod pod(String name) throws IOException, InterruptedException {
        return pods().stream().filter(pod -> pod.name().equals(name)).findFirst().orElseThrow();
    }

    /** Those that were made for a task, oldest first. */
    List<Pod> podsFor(String task) throws IOException, InterruptedException {
        return pods().stream().filter(pod -> pod.task().equals(task)).toList();
    }

    List<Pod> waiting() throws IOException, InterruptedException {
        return pods().stream().filter(Pod::isWaiting).toList();
    }

    List<Pod> running() throws IOException, InterruptedException {
        return pods().stream().filter(Pod::isRunning).toList();
    }

    /** No object of any pod is left. */
    boolean isSwept() throws IOException, InterruptedException {
        return pods().stream().allMatch(pod -> pod.gone() != null);
    }

    // Orders.

    /** Names of nodes that have power. */
    TreeSet<String> nodes() throws IOException, InterruptedException {
        return new TreeSet<>(texts(standIn.books().path("nodes")));
    }

    /** A node with two GPUs joins; its name. */
    String addNode() throws IOException, InterruptedException {
        var before = nodes();
        standIn.post("/nodes", "{\"name\": \"big\", \"cpu\": \"8\", \"memory\": \"32Gi\", \"gpus\": 2, \"dollarsPerHour\": 1.2}");
        var after = nodes();
        after.removeAll(before);
        return after.first();
    }

    /** @param what kill, shut-down or remove */
    void node(String name, String what) throws IOException, InterruptedException {
        standIn.post("/nodes/" + name + "/" + what, "");
    }

    /** @param what evict, preempt, out-of-memory, delete or delete-now */
    void order(Pod pod, String what) throws IOException, InterruptedException {
        standIn.post("/pods/" + NAMESPACE + "/" + pod.name() + "/" + what, "");
    }

    /** @param kind missing, denied, slow or fine */
    void image(String image, String kind) throws IOException, InterruptedException {
        standIn.post("/faults/images", "{\"image\": \"" + image + "\", \"kind\": \"" + kind + "\"}");
    }

    void deny(String verb) throws IOException, InterruptedException {
        standIn.post("/faults/denials", "{\"verb\": \"" + verb + "\", \"resource\": \"pods\"}");
    }

    void quota(String resource, int most) throws IOException, InterruptedException {
        standIn.post("/quotas", "{\"namespace\": \"" + NAMESPACE + "\", \"name\": \"team\", \"hard\": {\"" + resource + "\": \"" + most + "\"}}");
    }

    /** @param kind expire, cut, stall or go-on */
    void watches(String kind) throws IOException, InterruptedException {
        standIn.post("/watches", "{\"kind\": \"" + kind + "\"}");
    }
}
