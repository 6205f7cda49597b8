package dev.muster.k8s;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.muster.provisioner.spi.Await;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.authentication.TokenRequestBuilder;
import io.fabric8.kubernetes.api.model.authorization.v1.SelfSubjectAccessReviewBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The manifests in a real API server: taken, enough for Muster and its doctor, and no more. */
class KubeManifestsClusterTest {

    @TempDir
    static Path folder;
    private static final String SUFFIX = "-" + Long.toString(System.nanoTime(), 36);
    private static final String MUSTER = "muster" + SUFFIX;
    private static final String MACHINES = "muster-machines" + SUFFIX;
    private static final List<HasMetadata> made = new ArrayList<>();
    private static Config config;
    private static KubernetesClient admin;

    @BeforeAll
    static void apply() throws IOException {
        var found = TestCluster.config("manifests of deploy/k8s in a real API server");
        Assumptions.assumeTrue(found.isPresent(), "no cluster");
        config = found.get();
        admin = new KubernetesClientBuilder().withConfig(config).build();
        for (var file : Stream.concat(Stream.of("namespaces.yaml"), KubeManifestsTest.files().stream().filter(file -> !file.equals("namespaces.yaml"))).toList()) {
            for (var object : KubeManifestsTest.manifest(file)) {
                var own = ofOurOwn(object);
                admin.resource(own).dryRun().create();
                admin.resource(own).create();
                made.add(own);
            }
        }
    }

    /** Names of the cluster end in what no other run has. */
    private static HasMetadata ofOurOwn(HasMetadata object) {
        var yaml = Serialization.asYaml(object).replaceAll("(?m)(namespace: \"?muster(?:-machines)?)(\"?)$", "$1" + SUFFIX + "$2");
        HasMetadata own = Serialization.unmarshal(yaml);
        if (own.getMetadata().getNamespace() == null) {
            own.getMetadata().setName(own.getMetadata().getName() + SUFFIX);
        }
        if (own instanceof io.fabric8.kubernetes.api.model.rbac.ClusterRoleBinding binding) {
            binding.getRoleRef().setName(binding.getRoleRef().getName() + SUFFIX);
        }
        return own;
    }

    @AfterAll
    static void remove() {
        if (admin != null) {
            made.stream().filter(object -> object.getMetadata().getNamespace() == null).forEach(object -> admin.resource(object).delete());
            admin.close();
        }
    }

    private static boolean may(KubernetesClient who, String namespace, KubeRight right) {
        return who.authorization().v1().selfSubjectAccessReview().create(new SelfSubjectAccessReviewBuilder().withNewSpec().withNewResourceAttributes().withNamespace(namespace)
                .withVerb(right.verb()).withGroup(right.group()).withResource(right.name()).withSubresource(right.subresource()).endResourceAttributes().endSpec().build())
                .getStatus().getAllowed();
    }

    private static KubernetesClient as(String account) {
        return new KubernetesClientBuilder().withConfig(new ConfigBuilder(config).withImpersonateUsername("system:serviceaccount:" + account).build()).build();
    }

    @Test
    void musterMayWhatItCallsAndNotSecrets() {
        try (var muster = as(MUSTER + ":muster")) {
            assertThat(KubeRight.PROVISIONER).allSatisfy(right -> assertThat(may(muster, MACHINES, right)).as(right.toString()).isTrue());
            assertThat(KubeRight.NODES).allSatisfy(right -> assertThat(may(muster, "", right)).as(right.toString()).isTrue());
            assertThat(KubeRight.DOCTOR).allSatisfy(right -> assertThat(may(muster, right.namespaced() ? MACHINES : "", right)).as(right.toString()).isTrue());
            assertThat(KubeRight.SECRETS).allSatisfy(right -> assertThat(may(muster, MACHINES, right)).as(right.toString()).isFalse());
            assertThat(KubeRight.PROVISIONER).as("elsewhere").allSatisfy(right -> assertThat(may(muster, MUSTER, right)).as(right.toString()).isFalse());
            for (var more : List.of("update pods", "create pods/exec", "create pods/eviction", "create serviceaccounts/token", "create secrets", "create jobs", "create roles")) {
                assertThat(may(muster, MACHINES, new KubeRight(more.split(" ")[0], "", more.split(" ")[1], true))).as(more).isFalse();
            }
        }
    }

    @Test
    void podsMayNothing() {
        try (var machines = as(MACHINES + ":muster-machines")) {
            assertThat(Stream.of(KubeRight.PROVISIONER, KubeRight.SECRETS).flatMap(List::stream)).allSatisfy(right -> assertThat(may(machines, MACHINES, right)).as(right.toString()).isFalse());
            assertThat(KubeRight.NODES).allSatisfy(right -> assertThat(may(machines, "", right)).as(right.toString()).isFalse());
        }
    }

    // ---- the doctor with these rights

    private record Said(String check, String state, String seen) {}

    private static List<Said> examine(String k8s) throws IOException {
        var token = admin.serviceAccounts().inNamespace(MUSTER).withName("muster").tokenRequest(new TokenRequestBuilder().withNewSpec().withExpirationSeconds(3600L).endSpec().build())
                .getStatus().getToken();
        Files.writeString(folder.resolve("k8s-lab-token"), token);
        Files.write(folder.resolve("ca.crt"), config.getCaCertData() == null ? Files.readAllBytes(Path.of(config.getCaCertFile())) : java.util.Base64.getDecoder().decode(config.getCaCertData()));
        var answer = K8sDoctorTest.examined("""
                {"settings": {"muster.installation": "lab", "muster.secrets.folder": "%s", "muster.k8s.accounts.lab.server": "%s", "muster.k8s.accounts.lab.ca-file": "%s",
                  "muster.connections.\\"default\\".api": "https://api.example.com"},
                 "fleets": [{"name": "train", "connection": "default", "workersPrefix": "lab-train", "queues": [{"name": "gpu", "pools": ["main"]}],
                   "pools": [{"name": "main", "slots": 1, "limits": {"max": 4}, "offers": [{"key": {"provider": "k8s", "account": "lab", "region": "%s", "machineType": "pod", "market": "ON_DEMAND"}}],
                    "launch": {"image": "python:3.12", "boot": {"docker": false}, "k8s": {%s}}}]}]}
                """.formatted(folder, config.getMasterUrl(), folder.resolve("ca.crt"), MACHINES, k8s));
        assertThat(answer.toString()).doesNotContain(token);
        return StreamSupport.stream(answer.at("/accounts/0/checks").spliterator(), false)
                .map(check -> new Said(check.path("check").asText(), check.path("state").asText(), check.path("seen").asText())).toList();
    }

    private static List<Said> notOk(List<Said> said) {
        return said.stream().filter(one -> !one.state().equals("ok") && !one.check().equals("nodes")).toList();
    }

    @Test
    void theDoctorIsContentWithThem() throws IOException {
        var said = examine("\"requests\": {\"cpu\": \"500m\", \"memory\": \"1Gi\"}, \"priorityClass\": \"muster-tasks" + SUFFIX + "\"");

        assertThat(notOk(said)).isEmpty();
        assertThat(said).extracting(Said::check, Said::seen).contains(tuple("permissions", "all that calls need: 7; and nodes, for prices"), tuple("no-secrets", "may not be read"),
                tuple("dry-run", "would be taken"), tuple("quota", "50 of 50, for at most 4"));
        assertThat(admin.pods().inNamespace(MACHINES).list().getItems()).as("nothing is kept").isEmpty();
    }

    @Test
    void theDoctorSaysWhatTheServerRefuses() throws IOException {
        assertThat(notOk(examine("\"requests\": {\"cpu\": \"4\"}, \"limits\": {\"cpu\": \"1\"}"))).extracting(Said::check).containsExactly("dry-run");
        assertThat(notOk(examine("\"priorityClass\": \"gone\""))).extracting(Said::check, Said::state).containsExactly(tuple("priority-class", "failed"), tuple("dry-run", "skipped"));
        assertThat(notOk(examine("\"limits\": {\"nvidia.com/gpu\": \"9\"}"))).extracting(Said::check, Said::state).containsExactly(tuple("quota", "failed"), tuple("dry-run", "skipped"));
        assertThat(notOk(examine("\"limits\": {\"nvidia.com/gpu\": \"4\"}"))).extracting(Said::check, Said::state).containsExactly(tuple("quota", "warning"));
    }

    @Test
    void theDoctorMissesWhatItMayNotSee() throws IOException {
        var binding = admin.rbac().roleBindings().inNamespace(MACHINES).withName("muster");
        var kept = binding.get();
        binding.delete();
        try {
            var said = Await.until(() -> notOk(examine("")), some -> !some.isEmpty());
            assertThat(said).extracting(Said::check, Said::state).contains(tuple("permissions", "failed"), tuple("dry-run", "skipped"));
        } finally {
            kept.getMetadata().setResourceVersion(null);
            kept.getMetadata().setUid(null);
            admin.rbac().roleBindings().inNamespace(MACHINES).resource(kept).create();
            Await.until(() -> {
                try (var muster = as(MUSTER + ":muster")) {
                    return may(muster, MACHINES, KubeRight.CREATE_PODS);
                }
            }, allowed -> allowed);
        }
    }
}
