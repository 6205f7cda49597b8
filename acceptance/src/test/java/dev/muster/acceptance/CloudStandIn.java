package dev.muster.acceptance;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** One cloud of a sandbox: what a test orders of its stand-in, and its own books in the words that all of them have. Not thread-safe. */
record CloudStandIn(Kind kind, StandIns standIns) {

    enum Kind {
        AWS("aws", "/ec2"), GOOGLE("gcp", "/gce"), KUBERNETES("k8s", "/k8s");

        private final String provider;
        private final String path;

        Kind(String provider, String path) {
            this.provider = provider;
            this.path = path;
        }

        String provider() {
            return provider;
        }

        /** The process that calls it. */
        String provisioner() {
            return provider + "-provisioner";
        }
    }

    /**
     * One call that asked for machines, as the cloud has it in its books.
     *
     * @param place   a zone; a region where the caller left the zone to Google; null where a call was refused before it was looked at
     * @param market  in the cloud's own word
     * @param started what came of it: ids on AWS, names on Google
     */
    record LaunchCall(Instant at, String place, String market, int machines, String answer, List<String> started) {

        boolean isTaken() {
            return answer.equals("Success");
        }

        /** Such as {@code us-east-1a spot x 3: InsufficientInstanceCapacity}; {@code us-central1-a spot x 3: 0 started} of one that Google took. */
        String brief() {
            return place + " " + market + " x " + machines + ": " + (isTaken() && started.size() < machines ? started.size() + " started" : answer);
        }
    }

    JsonNode books() throws IOException, InterruptedException {
        return standIns.get(kind.path + "/books");
    }

    /** @param order below the stand-in's path of the admin port */
    void post(String order, String body) throws IOException, InterruptedException {
        standIns.post(kind.path + order, body);
    }

    void delete(String order) throws IOException, InterruptedException {
        standIns.delete(kind.path + order);
    }

    /** Kubernetes is asked for each pod by a call of its own, and keeps the pods alone. */
    List<LaunchCall> launchCalls() throws IOException, InterruptedException {
        var books = books();
        return Sandbox.list(books.path("launchCalls")).stream().map(call -> new LaunchCall(Instant.parse(call.path("at").asText()),
                call.path(kind == Kind.AWS ? "zone" : "location").asText(), call.path("market").asText(), call.path("max").asInt(), call.path("answer").asText(),
                started(books, call))).toList();
    }

    /** Google takes a call before it knows whether it has the machines: those that it had are in its books. */
    private List<String> started(JsonNode books, JsonNode call) {
        return kind == Kind.AWS ? Sandbox.list(call.path("instances")).stream().map(JsonNode::asText).toList()
                : Sandbox.list(books.path("instances")).stream().filter(instance -> instance.path("requestId").equals(call.path("requestId")))
                        .map(instance -> instance.path("name").asText()).toList();
    }

    List<String> briefly() throws IOException, InterruptedException {
        return launchCalls().stream().map(LaunchCall::brief).toList();
    }

    /** Between two of those calls. */
    Duration between(int earlier, int later) throws IOException, InterruptedException {
        var calls = launchCalls();
        return Duration.between(calls.get(earlier).at(), calls.get(later).at());
    }

    /** Machines that are paid for as such. */
    int live() throws IOException, InterruptedException {
        return books().path("live").asInt();
    }

    /** Nothing of what was ever launched is left, disks included. */
    boolean isEmpty() throws IOException, InterruptedException {
        return machines().stream().allMatch(machine -> machine.ended() != null);
    }

    /** Every machine that ever was, oldest first. */
    List<StormBooks.Machine> machines() throws IOException, InterruptedException {
        return switch (kind) {
            case AWS -> StormBooks.machines(books());
            case GOOGLE -> StormBooks.machinesOnGoogle(books());
            case KUBERNETES -> StormBooks.machinesOnKubernetes(books());
        };
    }

    /** @param id the cloud's */
    StormBooks.Machine machine(String id) throws IOException, InterruptedException {
        return machines().stream().filter(machine -> machine.id().equals(id)).findFirst().orElseThrow();
    }

    /** As the books have it. @param id the cloud's */
    JsonNode entry(String id) throws IOException, InterruptedException {
        return Sandbox.list(books().path("instances")).stream().filter(instance -> instance.path(kind == Kind.AWS ? "id" : "name").asText().equals(id))
                .findFirst().orElseThrow();
    }

    /** How often the cloud gave this answer to calls of this action. */
    int answers(String action, String answer) throws IOException, InterruptedException {
        return books().path("answers").path(action).path(answer).asInt();
    }

    /** {@code action → answer → how often}. */
    Map<String, Map<String, Integer>> answers() throws IOException, InterruptedException {
        var all = new TreeMap<String, Map<String, Integer>>();
        books().path("answers").fields().forEachRemaining(action -> {
            var counts = new TreeMap<String, Integer>();
            action.getValue().fields().forEachRemaining(count -> counts.put(count.getKey(), count.getValue().asInt()));
            all.put(action.getKey(), counts);
        });
        return all;
    }

    /** Calls that were received and are kept, oldest first. */
    List<JsonNode> held() throws IOException, InterruptedException {
        return Sandbox.list(standIns.get(kind.path + "/held").path("calls"));
    }

    /** For a test that waited in vain. */
    String told() throws IOException, InterruptedException {
        return kind + ": " + books().path("answers") + "\n  launches: " + briefly() + "\n  held: " + held() + "\n  machines: " + machines();
    }
}
