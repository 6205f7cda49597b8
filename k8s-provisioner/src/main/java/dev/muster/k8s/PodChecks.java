package dev.muster.k8s;

import static dev.muster.k8s.DoctorCheck.DRY_RUN;
import static dev.muster.k8s.DoctorCheck.PERMISSIONS;
import static dev.muster.k8s.DoctorCheck.PRIORITY_CLASS;
import static dev.muster.k8s.DoctorCheck.PULL_SECRETS;
import static dev.muster.k8s.DoctorCheck.QUOTA;
import static dev.muster.k8s.DoctorCheck.SECRET;
import static dev.muster.k8s.DoctorCheck.SERVICE_ACCOUNT;

import com.fasterxml.jackson.databind.JsonNode;
import dev.muster.provisioner.doctor.Findings;
import dev.muster.provisioner.doctor.Findings.About;
import dev.muster.provisioner.doctor.Findings.State;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** Whether the API server would take a pool's pod, and what the pod names is there. Used by one thread. */
final class PodChecks {

    /** API servers keep events that long unless told otherwise. */
    private static final Duration LATELY = Duration.ofHours(1);

    private final DoctorCalls calls;
    private final Findings findings;
    private final String namespace;
    private final String caller;

    /** @param caller who Muster is; empty: unknown */
    PodChecks(DoctorCalls calls, Findings findings, String namespace, String caller) {
        this.calls = calls;
        this.findings = findings;
        this.namespace = namespace;
        this.caller = caller;
    }

    void examine(List<Use> uses) {
        for (var use : uses) {
            serviceAccount(use);
            secrets(use);
            pullSecrets(use);
            priorityClass(use);
        }
    }

    private void serviceAccount(Use use) {
        var name = Optional.ofNullable(use.pod().getSpec().getServiceAccountName()).filter(one -> !one.isEmpty()).orElse("default");
        var about = new About(SERVICE_ACCOUNT, name);
        if (caller.equals("system:serviceaccount:" + namespace + ":" + name)) {
            findings.failed(about, "is Muster's own: whoever gets at its token in a task may do what Muster may", "name another as serviceAccount of the pool or service-account of the account");
            return;
        }
        var answer = calls.get("/api/v1/namespaces/" + namespace + "/serviceaccounts/" + name);
        if (answer.notFound()) {
            findings.failed(about, "is not there, and pods of " + use.poolName() + " are it", "kubectl apply -f deploy/k8s/machines.yaml has one, or name one that is there as serviceAccount of the pool");
        } else if (answer.succeeded()) {
            findings.ok(about, "is there");
        } else {
            RightChecks.notSeen(findings, about, answer, "serviceaccounts get");
        }
    }

    private void secrets(Use use) {
        use.secretKeys().forEach((secret, keys) -> {
            var about = new About(SECRET, secret);
            var events = events(about, "FailedMount", message -> message.contains("secret") && message.contains(secret) || message.contains("non-existent secret key"));
            if (events.isEmpty()) {
                return;
            }
            if (!events.get().isEmpty()) {
                findings.warning(about, events.get().get(events.get().size() - 1), "put what is missing there, if it is still: " + create(secret, keys));
            } else {
                findings.ok(about, "is not looked at; pods need of it " + (keys.isEmpty() ? "whatever it has" : String.join(", ", keys)));
            }
        });
    }

    private String create(String secret, java.util.SortedSet<String> keys) {
        return "kubectl create secret generic " + secret + " --namespace " + namespace + keys.stream().map(key -> " --from-file " + key).collect(Collectors.joining());
    }

    private void pullSecrets(Use use) {
        var names = use.pod().getSpec().getImagePullSecrets().stream().map(reference -> reference.getName()).toList();
        var about = new About(PULL_SECRETS, use.poolName());
        if (names.isEmpty()) {
            findings.ok(about, "none are named");
            return;
        }
        var events = events(about, "FailedToRetrieveImagePullSecret", message -> names.stream().anyMatch(message::contains));
        if (events.isEmpty()) {
            return;
        }
        if (!events.get().isEmpty()) {
            findings.warning(about, events.get().get(events.get().size() - 1), "kubectl create secret docker-registry … --namespace " + namespace + ", if it still isn't there");
        } else {
            findings.ok(about, "not looked at: " + String.join(", ", names));
        }
    }

    /** What was said of pods in the last hour, oldest first; empty if it can't be seen, which is then said of {@code about}. */
    private Optional<List<String>> events(About about, String reason, Predicate<String> isIt) {
        var said = new ArrayList<String>();
        var answer = calls.all("/api/v1/namespaces/" + namespace + "/events", "fieldSelector=" + DoctorCalls.encoded("reason=" + reason));
        if (!answer.succeeded()) {
            RightChecks.notSeen(findings, about, answer, "events list");
            return Optional.empty();
        }
        for (var event : answer.body().path("items")) {
            if (event.path("reason").asText().equals(reason) && isIt.test(event.path("message").asText()) && isLate(event)) {
                said.add(event.at("/involvedObject/name").asText() + ": " + event.path("message").asText());
            }
        }
        return Optional.of(said);
    }

    private static boolean isLate(JsonNode event) {
        var time = event.path("lastTimestamp").asText("").isEmpty() || event.path("lastTimestamp").isNull() ? event.path("eventTime").asText("") : event.path("lastTimestamp").asText();
        try {
            return Instant.parse(time).isAfter(Instant.now().minus(LATELY));
        } catch (java.time.format.DateTimeParseException unsaid) {
            return false;
        }
    }

    private void priorityClass(Use use) {
        var name = use.pod().getSpec().getPriorityClassName();
        var about = new About(PRIORITY_CLASS, name == null || name.isEmpty() ? use.poolName() : name);
        if (name == null || name.isEmpty()) {
            findings.ok(about, "none is named: the cluster's default");
            return;
        }
        var answer = calls.get("/apis/scheduling.k8s.io/v1/priorityclasses/" + name);
        if (answer.notFound()) {
            findings.failed(about, "is not there", "kubectl create priorityclass " + name + " --value …, or name one that is there as priorityClass of the pool");
        } else if (answer.succeeded()) {
            findings.ok(about, "has " + answer.body().path("value").asLong());
        } else {
            RightChecks.notSeen(findings, about, answer, "priorityclasses get");
        }
    }

    /** @return the uses with what the API server has filled in, where it took the pod */
    List<Use> dryRun(List<Use> uses) {
        var seen = new ArrayList<Use>();
        for (var use : uses) {
            seen.add(dryRun(use));
        }
        return List.copyOf(seen);
    }

    private Use dryRun(Use use) {
        var about = new About(DRY_RUN, use.poolName());
        var since = since(use);
        if (since.isPresent()) {
            findings.skipped(about, since.get());
            return use;
        }
        // Unknown fields are told rather than refused: a launch drops them, too.
        var answer = calls.post("/api/v1/namespaces/" + namespace + "/pods?dryRun=All&fieldValidation=Warn", use.pod());
        if (answer.succeeded()) {
            if (answer.warnings().isEmpty()) {
                findings.ok(about, "would be taken");
            } else {
                findings.warning(about, "would be taken; the API server warns: " + String.join("; ", answer.warnings()), "correct it in the pool or its template");
            }
            return use.seenAs(calls.read(answer.body(), Pod.class));
        }
        var words = answer.words();
        if (answer.denied() && words.contains("exceeded quota")) {
            findings.warning(about, "is refused at the moment: " + words, "wait for pods to end, or raise the quota");
        } else if (answer.status() == 0 || answer.status() >= 500 || answer.status() == 429) {
            findings.warning(about, "can't be told: " + words, "ask again");
        } else if (words.contains("dry run") || words.contains("dry-run")) {
            findings.warning(about, "can't be told: " + words, "declare sideEffects: None on that webhook, or find out with ./muster pool test");
        } else {
            findings.failed(about, words, fix(words));
        }
        return use;
    }

    private static String fix(String words) {
        if (words.contains("violates PodSecurity")) {
            return "change the pool's template, or the label pod-security.kubernetes.io/enforce of the namespace";
        }
        return words.contains("admission webhook") ? "ask whoever keeps that webhook" : "correct it in the pool or its template";
    }

    /** What the dry run would stumble over, and which is said already. */
    private Optional<DoctorCheck> since(Use use) {
        var spec = use.pod().getSpec();
        if (findings.state(new About(PERMISSIONS, "")) == State.FAILED) {
            return Optional.of(PERMISSIONS);
        }
        if (findings.state(new About(SERVICE_ACCOUNT, String.valueOf(spec.getServiceAccountName()))) == State.FAILED) {
            return Optional.of(SERVICE_ACCOUNT);
        }
        if (findings.state(new About(PRIORITY_CLASS, String.valueOf(spec.getPriorityClassName()))) == State.FAILED) {
            return Optional.of(PRIORITY_CLASS);
        }
        return findings.inOrder().stream().anyMatch(one -> one.about().check() == QUOTA && one.state() == State.FAILED) ? Optional.of(QUOTA) : Optional.empty();
    }
}
