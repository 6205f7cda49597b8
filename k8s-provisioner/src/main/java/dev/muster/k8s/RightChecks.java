package dev.muster.k8s;

import static dev.muster.k8s.DoctorCheck.NO_SECRETS;
import static dev.muster.k8s.DoctorCheck.PERMISSIONS;

import dev.muster.k8s.DoctorCalls.Answer;
import dev.muster.provisioner.doctor.Findings;
import dev.muster.provisioner.doctor.Findings.About;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What the account may do, as the API server itself says it of whoever asks. Used by one thread. */
final class RightChecks {

    private final DoctorCalls calls;
    private final Findings findings;
    private final String namespace;

    RightChecks(DoctorCalls calls, Findings findings, String namespace) {
        this.calls = calls;
        this.findings = findings;
        this.namespace = namespace;
    }

    /** @param templates pools have templates in ConfigMaps */
    void examine(boolean templates) {
        var wanted = KubeRight.PROVISIONER.stream().filter(right -> templates || !right.equals(KubeRight.TEMPLATES)).toList();
        var about = new About(PERMISSIONS, "");
        var denied = new ArrayList<KubeRight>();
        for (var right : wanted) {
            var answer = ask(calls, namespace, right);
            if (!answer.succeeded()) {
                findings.failed(about, "can't be asked for: " + answer.words(), "let the account create selfsubjectaccessreviews, as the role system:basic-user does");
                return;
            }
            if (!allows(answer)) {
                denied.add(right);
            }
        }
        if (!denied.isEmpty()) {
            findings.failed(about, "not allowed in " + namespace + ": " + KubeRight.words(denied), "bind a role that has them to the account in that namespace: deploy/k8s/rights.yaml has one");
        } else {
            var nodes = KubeRight.NODES.stream().allMatch(right -> allows(ask(calls, namespace, right)));
            findings.ok(about, "all that calls need: " + wanted.size() + (nodes ? "; and nodes, for prices" : "; not nodes, so that pods have no price by their node"));
        }
        secrets();
    }

    private void secrets() {
        var about = new About(NO_SECRETS, namespace);
        List<KubeRight> allowed = KubeRight.SECRETS.stream().filter(right -> allows(ask(calls, namespace, right))).toList();
        if (allowed.isEmpty()) {
            findings.ok(about, "may not be read");
        } else {
            findings.warning(about, "allowed: " + KubeRight.words(allowed) + ", which Muster never calls", "give it a service account of its own, with deploy/k8s/rights.yaml");
        }
    }

    static Answer ask(DoctorCalls calls, String namespace, KubeRight right) {
        var attributes = Map.of("verb", right.verb(), "group", right.group(), "resource", right.name(), "subresource", right.subresource(),
                "namespace", right.namespaced() ? namespace : "");
        return calls.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", Map.of("apiVersion", "authorization.k8s.io/v1", "kind", "SelfSubjectAccessReview",
                "spec", Map.of("resourceAttributes", attributes)));
    }

    private static boolean allows(Answer answer) {
        return answer.body().at("/status/allowed").asBoolean();
    }

    /** A look that only the doctor takes, and that failed. */
    static void notSeen(Findings findings, About about, Answer answer, String right) {
        if (answer.denied()) {
            findings.warning(about, "can't be seen: " + right + " is not allowed", "allow it to see this: deploy/k8s/doctor.yaml does; Muster's services don't need it");
        } else {
            findings.warning(about, "can't be seen: " + answer.words(), "ask again");
        }
    }
}
