package dev.muster.k8s;

import static dev.muster.k8s.DoctorCheck.BOOT;
import static dev.muster.k8s.DoctorCheck.CREDENTIALS;
import static dev.muster.k8s.DoctorCheck.DRY_RUN;
import static dev.muster.k8s.DoctorCheck.MACHINE_HOSTS;
import static dev.muster.k8s.DoctorCheck.NODES;
import static dev.muster.k8s.DoctorCheck.POD;
import static dev.muster.k8s.DoctorCheck.PRIORITY_CLASS;
import static dev.muster.k8s.DoctorCheck.PULL_SECRETS;
import static dev.muster.k8s.DoctorCheck.QUOTA;
import static dev.muster.k8s.DoctorCheck.SECRET;
import static dev.muster.k8s.DoctorCheck.SERVICE_ACCOUNT;
import static dev.muster.k8s.DoctorCheck.TEMPLATE;

import dev.muster.k8s.DoctorCalls.Answer;
import dev.muster.provisioner.doctor.DoctorQuestion;
import dev.muster.provisioner.doctor.Findings;
import dev.muster.provisioner.doctor.Findings.About;
import dev.muster.provisioner.doctor.Findings.State;
import dev.muster.provisioner.doctor.PlannedLaunches;
import dev.muster.provisioner.spi.LaunchSettings;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import dev.muster.v1.OfferSpec;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** Looks at one cluster in one namespace: at what its fleets are told first, then at the cluster. It changes nothing there. Used by one thread. */
final class ScopeDoctor {

    private static final Set<DoctorCheck> OF_FLEETS = EnumSet.of(BOOT, MACHINE_HOSTS, TEMPLATE, POD, SERVICE_ACCOUNT, SECRET, PULL_SECRETS, PRIORITY_CLASS, QUOTA, DRY_RUN, NODES);

    /** Of a task pod, whose task there isn't yet: one that asks for nothing. */
    private static final TaskWish NOTHING = new TaskWish("0".repeat(32), "task", "0".repeat(32), "project", "0".repeat(32), "", List.of(), "", new TreeMap<>());

    /** A pool's offer, which can be looked at once the cluster was asked for its template. */
    private record Launch(PlannedLaunches.Planned pool, MachineBatch batch) {

        String configMap() {
            return batch.settings().k8s().map(k8s -> k8s.templateConfigMap()).orElse("");
        }
    }

    private final DoctorQuestion question;
    private final K8sAccounts accounts;
    private final Pods pods;
    private final Scope scope;
    private final Findings findings = new Findings();

    ScopeDoctor(DoctorQuestion question, K8sAccounts accounts, Scope scope) {
        this.question = question;
        this.accounts = accounts;
        this.pods = new Pods(question.installation());
        this.scope = scope;
    }

    List<Findings.Finding> examine() {
        var planned = new PlannedLaunches(question, scope, Optional.of(PodMachines.READ));
        var asked = planned.pools().isEmpty() ? EnumSet.complementOf(EnumSet.copyOf(OF_FLEETS)) : EnumSet.allOf(DoctorCheck.class);
        K8sAccounts.Account account;
        Config config;
        try {
            account = accounts.account(scope);
            config = K8sAccounts.config(scope.account(), account, question.secrets());
        } catch (ProviderException | KubernetesClientException unknown) {
            findings.failed(new About(CREDENTIALS, ""), unknown.getMessage(), "configure the account, or name one that is");
            findings.skipRest(asked, CREDENTIALS);
            return findings.inOrder();
        }
        var launches = launches(planned);
        try (var calls = new DoctorCalls(config)) {
            var cluster = new ClusterChecks(calls, findings, scope.account(), scope.region());
            var pointless = cluster.examine();
            if (pointless == null) {
                examine(calls, cluster.caller(), account, launches);
                pointless = firstFailed();
            }
            findings.skipRest(asked, pointless);
            return findings.inOrder();
        }
    }

    private void examine(DoctorCalls calls, String caller, K8sAccounts.Account account, List<Launch> launches) {
        new RightChecks(calls, findings, scope.region()).examine(launches.stream().anyMatch(launch -> !launch.configMap().isEmpty()));
        var uses = uses(calls, account, launches);
        var checks = new PodChecks(calls, findings, scope.region(), caller);
        checks.examine(uses);
        new QuotaChecks(calls, findings, scope.region(), question.installation()).examine(uses);
        new NodeChecks(calls, findings).examine(checks.dryRun(uses));
    }

    /** What kept a pool from having a pod to look at; where all have one, nothing is left out. */
    private DoctorCheck firstFailed() {
        return findings.inOrder().stream().filter(one -> one.state() == State.FAILED && List.of(BOOT, TEMPLATE, POD).contains(one.about().check()))
                .map(one -> (DoctorCheck) one.about().check()).findFirst().orElse(DoctorCheck.PERMISSIONS);
    }

    // ---- what fleets are told

    private List<Launch> launches(PlannedLaunches planned) {
        var launches = new ArrayList<Launch>();
        for (var pool : planned.pools()) {
            planned.machineHosts(pool, findings, MACHINE_HOSTS, BOOT, State.FAILED);
            for (var offer : pool.offers()) {
                launch(planned, pool, offer).ifPresent(launches::add);
            }
        }
        return launches;
    }

    private Optional<Launch> launch(PlannedLaunches planned, PlannedLaunches.Planned pool, OfferSpec offer) {
        var about = new About(BOOT, pool.name());
        try {
            var batch = planned.batch(pool, offer);
            findings.ok(about, "has all that it is given");
            return Optional.of(new Launch(pool, batch));
        } catch (ProviderException wrong) {
            findings.failed(about, wrong.getMessage(), "correct it in the fleet or the configuration");
            return Optional.empty();
        }
    }

    // ---- pods

    private List<Use> uses(DoctorCalls calls, K8sAccounts.Account account, List<Launch> launches) {
        var uses = new ArrayList<Use>();
        for (var launch : launches) {
            var name = launch.pool().name();
            var template = Optional.<String>empty();
            if (!launch.configMap().isEmpty()) {
                template = template(calls, launch);
                if (template.isEmpty()) {
                    findings.skipped(new About(POD, name), TEMPLATE);
                    continue;
                }
            } else {
                findings.ok(new About(TEMPLATE, name), "is in no ConfigMap");
            }
            try {
                var use = new Use(launch.pool().fleet(), launch.pool().pool(), pod(launch.batch(), account, template));
                // What is no quantity is only seen where it is counted with.
                use.requests();
                use.limits();
                uses.add(use);
                findings.ok(new About(POD, name), "can be written");
            } catch (ProviderException unwritten) {
                findings.failed(new About(POD, name), unwritten.getMessage(), "correct it in the pool or its template");
            } catch (NumberFormatException none) {
                findings.failed(new About(POD, name), "requests or limits hold what is no Kubernetes quantity", "write quantities such as 500m, 4 and 16Gi in the pool and its template");
            }
        }
        return uses;
    }

    private Pod pod(MachineBatch batch, K8sAccounts.Account account, Optional<String> template) throws ProviderException {
        var k8s = batch.settings().k8s().orElse(LaunchSettings.K8s.DEFAULTS);
        return pods.of(batch, 0, account, Pods.template(k8s, template), batch.cause().task().isEmpty() ? Optional.empty() : Optional.of(NOTHING));
    }

    private Optional<String> template(DoctorCalls calls, Launch launch) {
        var about = new About(TEMPLATE, launch.configMap());
        Answer answer = calls.get("/api/v1/namespaces/" + scope.region() + "/configmaps/" + launch.configMap());
        if (answer.denied()) {
            findings.skipped(about, DoctorCheck.PERMISSIONS);
            return Optional.empty();
        }
        if (!answer.succeeded()) {
            findings.failed(about, answer.notFound() ? "is not there, and " + launch.pool().name() + " names it" : "can't be read: " + answer.words(),
                    "kubectl create configmap " + launch.configMap() + " --namespace " + scope.region() + " --from-file " + Pods.TEMPLATE_KEY);
            return Optional.empty();
        }
        var text = answer.body().path("data").path(Pods.TEMPLATE_KEY);
        if (!text.isTextual()) {
            findings.failed(about, "has no key " + Pods.TEMPLATE_KEY, "put the PodTemplateSpec under that key");
            return Optional.empty();
        }
        findings.ok(about, "is there");
        return Optional.of(text.asText());
    }
}
