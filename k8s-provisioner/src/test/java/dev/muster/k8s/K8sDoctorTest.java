package dev.muster.k8s;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.fasterxml.jackson.databind.JsonNode;
import dev.muster.provisioner.doctor.Check;
import dev.muster.provisioner.doctor.DoctorContract;
import dev.muster.provisioner.doctor.Findings.State;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class K8sDoctorTest extends DoctorContract<K8sDoctorTest.Asked> {

    private static final String NAMESPACE = "muster-machines";

    @TempDir
    static Path folder;
    private static DoctorCluster cluster;

    @BeforeAll
    static void start() throws IOException {
        cluster = new DoctorCluster();
        cluster.kubeconfig(folder.resolve("kubeconfig"), cluster.url(), ", certificate-authority: " + cluster.ca());
    }

    @AfterAll
    static void end() {
        cluster.close();
    }

    @BeforeEach
    void inOrder() {
        cluster.reset();
        cluster.has("{apiVersion: v1, kind: Namespace, metadata: {name: muster-machines}, status: {phase: Active}}");
        cluster.has("{apiVersion: v1, kind: ServiceAccount, metadata: {name: muster-machines, namespace: muster-machines}}");
        cluster.has("{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: muster-tasks}, value: -10}");
        cluster.has("{apiVersion: v1, kind: ResourceQuota, metadata: {name: most, namespace: muster-machines}, spec: {hard: {pods: \"50\", requests.nvidia.com/gpu: \"8\"}}}");
        cluster.has("""
                {apiVersion: v1, kind: Node, metadata: {name: gpu-1, labels: {accelerator: t4}},
                 spec: {taints: [{key: nvidia.com/gpu, value: present, effect: NoSchedule}]},
                 status: {allocatable: {cpu: 7910m, memory: 28Gi, nvidia.com/gpu: "1"}}}""");
        cluster.has("{apiVersion: v1, kind: Node, metadata: {name: cpu-1, labels: {}}, spec: {}, status: {allocatable: {cpu: \"4\", memory: 14Gi}}}");
    }

    /** A fleet with one pool, and what the doctor is told beside it. */
    static final class Asked {
        String provider = "k8s";
        String namespace = NAMESPACE;
        String image = "registry.example.com/train:2";
        String k8s = "";
        String requests = "\"cpu\": \"4\", \"memory\": \"16Gi\"";
        String limits = "\"nvidia.com/gpu\": \"1\"";
        String selector = "\"accelerator\": \"t4\"";
        String tolerations = "{\"key\": \"nvidia.com/gpu\", \"operator\": \"Exists\", \"effect\": \"NoSchedule\"}";
        String priorityClass = "muster-tasks";
        String environment = "\"GIT_PASS\": {\"secretRef\": \"git-token\"}";
        String ofFleet = "";
        int max = 4;
        String account = "lab";
        String machineApi = "https://api.example.com";
        String settings = "\"muster.k8s.accounts.\\\"lab\\\".kubeconfig\": \"" + folder.resolve("kubeconfig") + "\"";

        String json() {
            return """
                    {"settings": {"muster.installation": "lab", "muster.secrets.folder": "%s", %s, "muster.k8s.accounts.\\"lab\\".namespaces": "muster-machines",
                      "muster.connections.\\"default\\".api": "http://127.0.0.1:8008", "muster.connections.\\"default\\".machine-hosts.api": "%s"},
                     "fleets": [{"name": "train", "connection": "default", "workersPrefix": "lab-train", "queues": [{"name": "gpu", "pools": ["main"]}], %s
                       "pools": [{"name": "main", "slots": 1, "limits": {"max": %d}, "offers": [{"key": {"provider": "%s", "account": "%s", "region": "%s",
                         "machineType": "pod", "market": "ON_DEMAND"}}],
                        "launch": {"image": "%s", "boot": {"docker": false, "environment": {%s}},
                          "k8s": {"requests": {%s}, "limits": {%s}, "nodeSelector": {%s}, "tolerations": [%s], "priorityClass": "%s"%s}}}]}]}
                    """.formatted(folder, settings, machineApi, ofFleet, max, provider, account, namespace, image, environment, requests, limits, selector, tolerations, priorityClass, k8s);
        }
    }

    @Override
    protected Check[] checks() {
        return DoctorCheck.values();
    }

    @Override
    protected Path page() {
        return Path.of("..", "docs", "k8s-doctor.md");
    }

    @Override
    protected Asked asked() {
        return new Asked();
    }

    @Override
    protected JsonNode answer(Asked asked) throws IOException {
        var answer = examined(asked.json());
        assertThat(answer.toString()).doesNotContain(DoctorCluster.TOKEN);
        return answer;
    }

    static JsonNode examined(String question) throws IOException {
        return K8sDoctor.examine(new ByteArrayInputStream(question.getBytes(StandardCharsets.UTF_8)));
    }

    @Override
    protected Stream<Fault<Asked>> faults() {
        var all = new ArrayList<Fault<Asked>>(List.of(
                fails("nobody answers", DoctorCheck.ENDPOINT, "gives no answer", asked -> kubeconfig(asked, "https://localhost:" + freePort(), "")),
                fails("it fails", DoctorCheck.ENDPOINT, "etcd is not there", asked -> cluster.fails(503)),
                fails("a certificate of another CA", DoctorCheck.CERTIFICATE, "unable to find valid certification path", asked -> kubeconfig(asked, cluster.url(), "")),
                fails("a certificate for another name", DoctorCheck.CERTIFICATE, "https://127.0.0.1",
                        asked -> kubeconfig(asked, cluster.url().replace("localhost", "127.0.0.1"), ", certificate-authority: " + cluster.ca())),
                warns("a certificate that nobody looks at", DoctorCheck.CERTIFICATE, "is not looked at", asked -> kubeconfig(asked, cluster.url(), ", insecure-skip-tls-verify: true")),
                fails("a clock ten minutes off", DoctorCheck.CLOCK, "ahead of this computer's", asked -> cluster.clockAhead(Duration.ofMinutes(10))),
                warns("a clock ten seconds off", DoctorCheck.CLOCK, "behind this computer's", asked -> cluster.clockAhead(Duration.ofSeconds(-10))),
                fails("an account that isn't configured", DoctorCheck.CREDENTIALS, "no Kubernetes cluster 'other' is configured here", asked -> asked.account = "other"),
                fails("a token that isn't known", DoctorCheck.CREDENTIALS, "refuses them", asked -> cluster.knowsNobody()),
                fails("no token at all", DoctorCheck.CREDENTIALS, "system:anonymous", asked -> cluster.caller("system:anonymous")),
                fails("a token that is known and may not ask, before 1.28", DoctorCheck.CREDENTIALS, "selfsubjectaccessreviews", asked -> {
                    cluster.minor(27);
                    cluster.deny("selfsubjectaccessreviews create");
                }),
                fails("Kubernetes 1.19", DoctorCheck.VERSION, "v1.19.2 is older than 1.20", asked -> cluster.minor(19)),
                warns("Kubernetes 1.34", DoctorCheck.VERSION, "v1.34.2 is newer than 1.33", asked -> cluster.minor(34)),
                fails("a namespace that isn't there", DoctorCheck.NAMESPACE, "is not there", asked -> asked.namespace = "other"),
                fails("a namespace that goes", DoctorCheck.NAMESPACE, "is being deleted", asked -> {
                    cluster.has("{apiVersion: v1, kind: Namespace, metadata: {name: going}, status: {phase: Terminating}}");
                    asked.namespace = "going";
                }),
                fails("rights can't be asked for", DoctorCheck.PERMISSIONS, "can't be asked for", asked -> cluster.deny("selfsubjectaccessreviews create")),
                warns("Secrets may be read", DoctorCheck.NO_SECRETS, "secrets get", asked -> cluster.allowSecrets("secrets get")),
                fails("a connection that isn't configured", DoctorCheck.BOOT, "no connection 'other'", asked -> asked.ofFleet = "\"connection\": \"other\","),
                fails("a secret that pods can't read", DoctorCheck.BOOT, "ssm:/git", asked -> asked.environment = "\"GIT_PASS\": {\"secretRef\": \"ssm:/git\"}"),
                fails("pods are given a loopback address", DoctorCheck.MACHINE_HOSTS, "each one's own", asked -> asked.machineApi = "http://localhost:8008"),
                fails("a template that isn't there", DoctorCheck.TEMPLATE, "is not there", asked -> asked.k8s = ", \"templateConfigMap\": \"gone\""),
                fails("a ConfigMap without the template", DoctorCheck.TEMPLATE, "has no key template.yaml", asked -> template(asked, "other.yaml", "spec: {}")),
                fails("a template that is no YAML", DoctorCheck.POD, "the pod template can't be read", asked -> template(asked, "template.yaml", "spec: [}")),
                fails("a template with a placeholder of nothing", DoctorCheck.POD, "holds ${nothing}", asked -> template(asked, "template.yaml", "metadata: {annotations: {a: '${nothing}'}}")),
                fails("requests that are no quantity", DoctorCheck.POD, "no Kubernetes quantity", asked -> asked.requests = "\"cpu\": \"many\""),
                fails("a service account that isn't there", DoctorCheck.SERVICE_ACCOUNT, "is not there", asked -> asked.k8s = ", \"serviceAccount\": \"gone\""),
                fails("Muster's own service account", DoctorCheck.SERVICE_ACCOUNT, "is Muster's own", asked -> cluster.caller("system:serviceaccount:muster-machines:muster-machines")),
                warns("a Secret that a pod didn't find", DoctorCheck.SECRET, "\"muster-machines\" not found", asked -> event("FailedMount",
                        "MountVolume.SetUp failed for volume \\\"muster-secrets\\\" : secret \\\"muster-machines\\\" not found")),
                warns("a key that a pod didn't find", DoctorCheck.SECRET, "non-existent secret key: git-token", asked -> event("FailedMount",
                        "MountVolume.SetUp failed for volume \\\"muster-secrets\\\" : references non-existent secret key: git-token")),
                warns("a pull secret that a pod didn't find", DoctorCheck.PULL_SECRETS, "Unable to retrieve", asked -> {
                    asked.k8s = ", \"pullSecrets\": [\"registry\"]";
                    event("FailedToRetrieveImagePullSecret", "Unable to retrieve some image pull secrets (registry); attempting to pull the image may not succeed.");
                }),
                fails("a priority class that isn't there", DoctorCheck.PRIORITY_CLASS, "is not there", asked -> asked.priorityClass = "gone"),
                fails("a quota for no pod", DoctorCheck.QUOTA, "0 of 0, and one pod needs 1", asked -> quota("pods", "0", "0")),
                fails("a quota that others use up", DoctorCheck.QUOTA, "0 of 4, since others use 4, and one pod needs 1", asked -> quota("pods", "4", "4")),
                warns("a quota for some pods", DoctorCheck.QUOTA, "3 of 3, and the fleets may grow to 4", asked -> quota("pods", "3", "0")),
                warns("a quota for some memory", DoctorCheck.QUOTA, "32768Mi of 32768Mi, and the fleets may grow to 65536Mi", asked -> quota("requests.memory", "32Gi", "0")),
                warns("a quota for some CPU", DoctorCheck.QUOTA, "14.5 of 14.5, and the fleets may grow to 16", asked -> quota("cpu", "14500m", "0")),
                warns("a quota for some GPUs", DoctorCheck.QUOTA, "2 of 2, and the fleets may grow to 4", asked -> quota("requests.nvidia.com/gpu", "2", "0")),
                fails("a quota for limits", DoctorCheck.QUOTA, "0 of 0, and one pod needs 1", asked -> quota("limits.nvidia.com/gpu", "0", "0")),
                fails("PodSecurity", DoctorCheck.DRY_RUN, "violates PodSecurity", asked -> cluster.refuse(403, "pods \"m\" is forbidden: violates PodSecurity \"restricted:latest\"")),
                fails("a field that is wrong", DoctorCheck.DRY_RUN, "is invalid", asked -> cluster.refuse(422, "Pod \"m\" is invalid: spec.containers[0].image: Required value")),
                fails("a webhook that refuses", DoctorCheck.DRY_RUN, "admission webhook", asked -> cluster.refuse(400, "admission webhook \"images.example.com\" denied the request: no")),
                warns("a webhook without dry runs", DoctorCheck.DRY_RUN, "can't be told", asked -> cluster.refuse(400, "admission webhook \"x.example.com\" does not support dry run")),
                warns("a quota that is used up at the moment", DoctorCheck.DRY_RUN, "refused at the moment", asked -> cluster.refuse(403, "pods \"m\" is forbidden: exceeded quota: scoped")),
                warns("a field that the server doesn't know", DoctorCheck.DRY_RUN, "unknown field \"spec.hostIpc\"", asked -> cluster.warn("unknown field \"spec.hostIpc\"")),
                warns("no node has the label", DoctorCheck.NODES, "none of 2 could take it: 2 without the label accelerator=a100", asked -> asked.selector = "\"accelerator\": \"a100\""),
                warns("no toleration", DoctorCheck.NODES, "1 with the taint nvidia.com/gpu=present:NoSchedule; 1 without the label accelerator=t4", asked -> asked.tolerations = ""),
                warns("more than a node has", DoctorCheck.NODES, "with too little nvidia.com/gpu", asked -> asked.limits = "\"nvidia.com/gpu\": \"2\"")));
        for (var right : KubeRight.PROVISIONER) {
            all.add(fails(right + " is denied", DoctorCheck.PERMISSIONS, right.toString(), asked -> {
                if (right.equals(KubeRight.TEMPLATES)) {
                    template(asked, "template.yaml", "spec: {}");
                }
                cluster.deny(right.toString());
            }));
        }
        for (var denial : List.of(tuple("namespaces get", DoctorCheck.NAMESPACE), tuple("events list", DoctorCheck.SECRET), tuple("serviceaccounts get", DoctorCheck.SERVICE_ACCOUNT),
                tuple("priorityclasses get", DoctorCheck.PRIORITY_CLASS), tuple("resourcequotas list", DoctorCheck.QUOTA), tuple("nodes list", DoctorCheck.NODES))) {
            all.add(warns(denial.toList().get(0) + " is denied", (DoctorCheck) denial.toList().get(1), denial.toList().get(0) + " is not allowed",
                    asked -> cluster.deny((String) denial.toList().get(0))));
        }
        return all.stream();
    }

    private static void kubeconfig(Asked asked, String url, String ca) {
        var file = folder.resolve("kubeconfig-" + System.nanoTime());
        cluster.kubeconfig(file, url, ca);
        asked.settings = "\"muster.k8s.accounts.\\\"lab\\\".kubeconfig\": \"" + file + "\"";
    }

    private static void template(Asked asked, String key, String text) {
        cluster.has("{apiVersion: v1, kind: ConfigMap, metadata: {name: templates, namespace: muster-machines}, data: {" + key + ": \"" + text + "\"}}");
        asked.k8s = ", \"templateConfigMap\": \"templates\"";
    }

    private static void event(String reason, String message) {
        cluster.has("""
                {apiVersion: v1, kind: Event, metadata: {name: e-1, namespace: muster-machines}, reason: %s, message: "%s", lastTimestamp: "%s",
                 involvedObject: {kind: Pod, name: mk3v9x2aq-17, namespace: muster-machines}}""".formatted(reason, message, Instant.now().minusSeconds(600).toString().replaceFirst("\\..*", "Z")));
    }

    private static void quota(String resource, String hard, String used) {
        cluster.has("{apiVersion: v1, kind: ResourceQuota, metadata: {name: tight, namespace: muster-machines}, spec: {hard: {%s: \"%s\"}}, status: {used: {%s: \"%s\"}}}"
                .formatted(resource, hard, resource, used));
    }

    @Test
    void saysWhatItSaw() throws IOException {
        var said = examine(new Asked());
        assertThat(said).extracting(Said::check, Said::of, Said::seen).contains(tuple("credentials", "", "system:serviceaccount:muster:muster"), tuple("version", "", "v1.31.2"),
                tuple("permissions", "", "all that calls need: 7; and nodes, for prices"), tuple("no-secrets", NAMESPACE, "may not be read"),
                tuple("secret", "muster-machines", "is not looked at; pods need of it clearml-default-access-key, clearml-default-secret-key, git-token"),
                tuple("priority-class", "muster-tasks", "has -10"), tuple("quota", "most pods", "50 of 50, for at most 4"),
                tuple("quota", "most requests.nvidia.com/gpu", "8 of 8, for at most 4"), tuple("nodes", "train/main", "1 of 2 could take it if they were empty"));
    }

    /** What it calls is what roles grant; nothing of it changes anything, which the stand-in sees to. */
    @Test
    void callsWhatRolesGrant() throws IOException {
        var asked = new Asked();
        template(asked, "template.yaml", "spec: {}");
        examine(asked);

        var granted = Stream.concat(KubeRight.PROVISIONER.stream(), KubeRight.DOCTOR.stream()).map(KubeRight::toString).collect(Collectors.toSet());
        assertThat(granted).containsAll(cluster.called());
        assertThat(cluster.called()).as("nothing is granted to the doctor in vain").containsAll(KubeRight.DOCTOR.stream().map(KubeRight::toString).toList());
        assertThat(Arrays.stream(DoctorCheck.values()).flatMap(check -> check.permissions().stream())).isSubsetOf(granted);
    }

    @Test
    void podsOfOnesOwnTakeNothingFromTheQuotaThatTheyMayGrowInto() throws IOException {
        quota("requests.nvidia.com/gpu", "4", "3");
        for (var phase : List.of("Running", "Pending", "Succeeded")) {
            cluster.has("""
                    {apiVersion: v1, kind: Pod, metadata: {name: m-%s, namespace: muster-machines, labels: {muster.dev/installation: lab}}, status: {phase: %s},
                     spec: {containers: [{name: machine, image: x, resources: {limits: {nvidia.com/gpu: 1}}}]}}""".formatted(phase.toLowerCase(), phase));
        }
        assertThat(examine(new Asked())).filteredOn(one -> one.of().equals("tight requests.nvidia.com/gpu")).singleElement()
                .satisfies(one -> assertThat(one.seen()).isEqualTo("3 of 4, since others use 1, and the fleets may grow to 4"));
    }

    @Test
    void aFleetsOwnLimitOfAResourceBindsBeforeTheQuota() throws IOException {
        quota("requests.nvidia.com/gpu", "2", "0");
        var asked = new Asked();
        asked.ofFleet = "\"limits\": {\"resources\": {\"nvidia.com/gpu\": \"2\"}},";
        assertThat(inState(examine(asked), State.FAILED, State.WARNING)).isEmpty();
    }

    @Test
    void aTokenOfTheSecretsFolderDoesInPlaceOfAKubeconfig() throws IOException {
        var asked = new Asked();
        Files.writeString(folder.resolve("k8s-lab-token"), DoctorCluster.TOKEN + "\n");
        asked.settings = "\"muster.k8s.accounts.\\\"lab\\\".server\": \"" + cluster.url() + "\", \"muster.k8s.accounts.\\\"lab\\\".ca-file\": \"" + cluster.ca() + "\"";
        assertThat(inState(examine(asked), State.FAILED, State.WARNING, State.SKIPPED)).isEmpty();
    }

    @Test
    void aTaskPodIsLookedAtForATaskThatAsksForNothing() throws IOException {
        var asked = new Asked();
        asked.k8s = ", \"pods\": \"TASK_POD\", \"imageEntrypoint\": true";
        assertThat(inState(examine(asked), State.FAILED, State.WARNING, State.SKIPPED)).isEmpty();
    }

    @Test
    void fleetsOfOtherCloudsAreNoneOfItsBusiness() throws IOException {
        var asked = new Asked();
        asked.provider = "aws";
        assertThat(examine(asked)).extracting(Said::check).containsExactly("endpoint", "certificate", "clock", "credentials", "version", "namespace", "permissions", "no-secrets");
    }
}
