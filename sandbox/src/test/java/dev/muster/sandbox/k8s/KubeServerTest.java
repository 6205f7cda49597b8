package dev.muster.sandbox.k8s;

import static dev.muster.sandbox.k8s.Cluster.pod;
import static dev.muster.sandbox.k8s.Cluster.refusal;
import static dev.muster.sandbox.k8s.Cluster.withGpu;
import static dev.muster.sandbox.k8s.Cluster.withRequests;
import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.sandbox.HeldCalls;
import dev.muster.sandbox.clearml.Await;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.authorization.v1.SelfSubjectAccessReviewBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.WatcherException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The API server, as fabric8's client finds it. What it refuses is told in the words that a real one was heard to say. */
final class KubeServerTest {

    private static final Duration SOON = Duration.ofSeconds(20);
    private static final String NAMESPACE = ClusterConfig.NAMESPACE;
    private static final Vertx VERTX = Vertx.vertx();

    /** Without nodes nothing happens to a pod by itself. */
    private final KubeServer server = KubeServer.start(VERTX, ClusterConfig.defaults().withNodes(List.of()), Cluster.IDLE);
    private final KubernetesClient client = server.client(KubeServer.PROVISIONER);

    @BeforeEach
    void hasNoPods() {
        assertThat(pods()).isEmpty();
    }

    @AfterEach
    void closeAll() {
        client.close();
        server.close();
    }

    @AfterAll
    static void closeVertx() {
        VERTX.close().toCompletionStage().toCompletableFuture().join();
    }

    private List<Pod> pods() {
        return client.pods().inNamespace(NAMESPACE).list().getItems();
    }

    private Pod create(Pod pod) {
        return client.pods().inNamespace(NAMESPACE).resource(pod).create();
    }

    private Pod get(String name) {
        return client.pods().inNamespace(NAMESPACE).withName(name).get();
    }

    @Test
    void keepsAPodWithDefaultsUntilItIsDeleted() {
        var made = create(pod("m-1"));

        assertThat(made.getMetadata().getUid()).hasSize(36);
        assertThat(made.getSpec().getTerminationGracePeriodSeconds()).isEqualTo(30);
        assertThat(made.getSpec().getServiceAccountName()).isEqualTo("default");
        assertThat(made.getStatus().getPhase()).isEqualTo("Pending");
        assertThat(get("m-1").getMetadata().getUid()).isEqualTo(made.getMetadata().getUid());

        // No node has it, so that there is nobody to wait for.
        client.pods().inNamespace(NAMESPACE).withName("m-1").delete();
        assertThat(get("m-1")).isNull();
    }

    @Test
    void refusesASecondPodOfTheSameName() {
        create(pod("m-1"));

        assertThat(refusal(() -> create(pod("m-1")))).isEqualTo("409 AlreadyExists: pods \"m-1\" already exists");
    }

    @Test
    void refusesWhatIsInvalidWithACauseAField() {
        assertThat(refusal(() -> create(new PodBuilder(pod("M_1")).editSpec().editFirstContainer().withImage("").endContainer().endSpec().build())))
                .startsWith("422 Invalid: Pod \"M_1\" is invalid: [metadata.name: Invalid value: \"M_1\": a lowercase RFC 1123 subdomain must consist of")
                .endsWith("spec.containers[0].image: Required value]");
        assertThat(refusal(() -> create(withRequests(pod("a"), Map.of("nvidia.com/gpu", "1"), Map.of()))))
                .isEqualTo("422 Invalid: Pod \"a\" is invalid: spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources");
    }

    @Test
    void refusesWhatNamesSomethingThatIsNotThere() {
        assertThat(refusal(() -> client.pods().inNamespace("none-such").resource(pod("a")).create())).isEqualTo("404 NotFound: namespaces \"none-such\" not found");
        assertThat(refusal(() -> create(new PodBuilder(pod("a")).editSpec().withServiceAccountName("robot").endSpec().build())))
                .isEqualTo("403 Forbidden: pods \"a\" is forbidden: error looking up service account muster/robot: serviceaccount \"robot\" not found");
        assertThat(refusal(() -> create(new PodBuilder(pod("a")).editSpec().withPriorityClassName("none-such").endSpec().build())))
                .isEqualTo("403 Forbidden: pods \"a\" is forbidden: no PriorityClass with name none-such was found");
    }

    @Test
    void deletesOnlyThePodThatIsMeant() {
        var made = create(pod("m-1"));
        // The scheduler says on it that there is no node, once: what its version is before that is soon no longer so.
        Await.until(SOON, () -> "nothing said of m-1", () -> !get("m-1").getStatus().getConditions().isEmpty());
        var path = "/api/v1/namespaces/" + NAMESPACE + "/pods/m-1";

        assertThat(refusal(() -> client.raw(path, "DELETE", Map.of("preconditions", Map.of("uid", "11111111-1111-1111-1111-111111111111")))))
                .isEqualTo("409 Conflict: Operation cannot be fulfilled on Pod \"m-1\": the UID in the precondition (11111111-1111-1111-1111-111111111111) does not match the UID "
                        + "in record (" + made.getMetadata().getUid() + "). The object might have been deleted and then recreated");
        assertThat(refusal(() -> client.raw(path, "DELETE", Map.of("preconditions", Map.of("resourceVersion", "1"))))).startsWith("409 Conflict: ")
                .endsWith("The object might have been modified");
        assertThat(get("m-1")).isNotNull();

        client.raw(path, "DELETE", Map.of("preconditions", Map.of("uid", made.getMetadata().getUid(), "resourceVersion", get("m-1").getMetadata().getResourceVersion())));
        assertThat(get("m-1")).isNull();
    }

    @Test
    void refusesAChangeOfAnOldVersion() {
        var old = create(pod("m-1"));
        client.pods().inNamespace(NAMESPACE).withName("m-1").patch(PatchContext.of(PatchType.JSON_MERGE), "{\"metadata\": {\"annotations\": {\"muster.dev/mark\": \"drain:7\"}}}");
        assertThat(get("m-1").getMetadata().getAnnotations()).isEqualTo(Map.of("muster.dev/mark", "drain:7"));

        assertThat(refusal(() -> client.pods().inNamespace(NAMESPACE).resource(old).update())).isEqualTo("409 Conflict: Operation cannot be fulfilled on pods \"m-1\": "
                + "the object has been modified; please apply your changes to the latest version and try again");
    }

    @Test
    void aQuotaRefusesWhatExceedsItAndARepeatedCreateToo() {
        server.quota(NAMESPACE, "gpus", Map.of("count/pods", "5", "requests.nvidia.com/gpu", "1"));
        create(withGpu(pod("first")));
        var exceeded = "exceeded quota: gpus, requested: requests.nvidia.com/gpu=1, used: requests.nvidia.com/gpu=1, limited: requests.nvidia.com/gpu=1";

        assertThat(refusal(() -> create(withGpu(pod("second"))))).isEqualTo("403 Forbidden: pods \"second\" is forbidden: " + exceeded);
        // As a real server, whose quotas are asked before the name.
        assertThat(refusal(() -> create(withGpu(pod("first"))))).isEqualTo("403 Forbidden: pods \"first\" is forbidden: " + exceeded);
        create(pod("without"));
        assertThat(client.resourceQuotas().inNamespace(NAMESPACE).withName("gpus").get().getStatus().getUsed().get("count/pods").getAmount()).isEqualTo("2");

        client.pods().inNamespace(NAMESPACE).withName("first").delete();
        create(withGpu(pod("second")));

        server.quota(NAMESPACE, "gpus", Map.of("requests.cpu", "2"));
        assertThat(refusal(() -> create(pod("third")))).isEqualTo("403 Forbidden: pods \"third\" is forbidden: failed quota: gpus: must specify requests.cpu");
        assertThat(refusal(() -> create(withRequests(pod("third"), Map.of("cpu", "2500m"), Map.of())))).endsWith("requested: requests.cpu=2500m, used: requests.cpu=0, "
                + "limited: requests.cpu=2");
    }

    @Test
    void refusesWhomItDoesNotKnowAndWhatWasDenied() {
        server.faults().deny(new Faults.Denial("create", "pods", NAMESPACE));

        assertThat(refusal(() -> create(pod("a")))).isEqualTo("403 Forbidden: pods is forbidden: User \"" + KubeServer.PROVISIONER
                + "\" cannot create resource \"pods\" in API group \"\" in the namespace \"muster\"");
        assertThat(allowed("create")).isFalse();
        assertThat(allowed("delete")).isTrue();
        assertThat(refusal(() -> client.secrets().inNamespace(NAMESPACE).list())).startsWith("403 Forbidden: secrets is forbidden");

        server.revoke(KubeServer.PROVISIONER);
        assertThat(refusal(this::pods)).isEqualTo("401 Unauthorized: Unauthorized");
        server.faults().reset();
    }

    private boolean allowed(String verb) {
        return client.authorization().v1().selfSubjectAccessReview().create(new SelfSubjectAccessReviewBuilder().withNewSpec().withNewResourceAttributes()
                .withNamespace(NAMESPACE).withVerb(verb).withResource("pods").endResourceAttributes().endSpec().build()).getStatus().getAllowed();
    }

    @Test
    void anInformerStaysInStepThroughAnExpiredWatch() {
        // Given
        var seen = new CopyOnWriteArrayList<String>();
        try (var informer = client.pods().inNamespace(NAMESPACE).withLabel("muster.dev/installation").inform(new ResourceEventHandler<>() {
            @Override
            public void onAdd(Pod pod) {
                seen.add("+" + pod.getMetadata().getName());
            }

            @Override
            public void onUpdate(Pod old, Pod pod) {
                // Relists tell it of what has not changed, too.
            }

            @Override
            public void onDelete(Pod pod, boolean unknown) {
                seen.add("-" + pod.getMetadata().getName());
            }
        })) {
            create(labelled("m-1"));
            create(pod("other"));
            Await.until(SOON, () -> "seen " + seen, () -> seen.equals(List.of("+m-1")));

            // When
            server.expireWatches();
            client.pods().inNamespace(NAMESPACE).withName("m-1").delete();
            create(labelled("m-2"));

            // Then
            Await.until(SOON, () -> "seen " + seen, () -> seen.contains("+m-2") && seen.contains("-m-1"));
            assertThat(informer.getStore().list()).extracting(pod -> pod.getMetadata().getName()).containsExactly("m-2");
        }
    }

    private static Pod labelled(String name) {
        return new PodBuilder(pod(name)).editMetadata().addToLabels("muster.dev/installation", "i").endMetadata().build();
    }

    @Test
    void aWatchFromAForgottenVersionIsToldGone() {
        // Given
        var old = create(pod("m-1")).getMetadata().getResourceVersion();
        server.compact();
        var closed = new CompletableFuture<WatcherException>();

        // When
        try (var watch = client.pods().inNamespace(NAMESPACE).withResourceVersion(old).watch(new Watcher<>() {
            @Override
            public void eventReceived(Action action, Pod pod) {
                closed.completeExceptionally(new AssertionError("an event of " + pod.getMetadata().getName()));
            }

            @Override
            public void onClose(WatcherException why) {
                closed.complete(why);
            }
        })) {
            // Then
            var why = closed.orTimeout(20, java.util.concurrent.TimeUnit.SECONDS).join();
            assertThat(why.isHttpGone()).isTrue();
            assertThat(((KubernetesClientException) why.getCause()).getStatus().getReason()).isEqualTo("Expired");
        }
    }

    @Test
    void aLostAnswerHasItsEffectAndAHeldOneWhenItIsLetGo() {
        server.faults().onCall("create pods", 1, new Faults.ApiFault.LoseAnswer(false));
        // The client asks again by itself after a 504, and finds its own.
        assertThat(refusal(() -> create(pod("m-1")))).startsWith("409 AlreadyExists");
        assertThat(get("m-1")).isNotNull();

        server.faults().onCall("create pods", 1, new Faults.ApiFault.Held(HeldCalls.Moment.BEFORE_EFFECT));
        var made = CompletableFuture.supplyAsync(() -> create(pod("m-2")));
        Await.until(SOON, () -> "not held", () -> server.held().size() == 1);
        assertThat(get("m-2")).isNull();
        assertThat(server.release(HeldCalls.Fate.ACT)).isEqualTo(1);
        assertThat(made.join().getMetadata().getName()).isEqualTo("m-2");
        assertThat(server.books().answers().get("create pods")).isEqualTo(Map.of("Success", 2, "AlreadyExists", 1));
    }

    @Test
    void aServerThatIsBusyIsAskedAgain() {
        server.faults().onCall("create pods", 1, Faults.ApiFault.Refuse.tooManyRequests(1));

        // The client does so by itself.
        create(pod("m-1"));

        assertThat(server.books().answers().get("create pods")).isEqualTo(Map.of("TooManyRequests", 1, "Success", 1));
    }

    @Test
    void listsInPagesAndBySelectors() {
        for (int i = 0; i < 5; i++) {
            create(labelled("m-" + i));
        }
        create(pod("other"));

        var page = client.pods().inNamespace(NAMESPACE).list(new io.fabric8.kubernetes.api.model.ListOptionsBuilder().withLimit(4L).build());
        assertThat(page.getItems()).hasSize(4);
        var rest = client.pods().inNamespace(NAMESPACE).list(new io.fabric8.kubernetes.api.model.ListOptionsBuilder().withLimit(4L)
                .withContinue(page.getMetadata().getContinue()).build());
        assertThat(rest.getItems()).extracting(pod -> pod.getMetadata().getName()).containsExactly("m-4", "other");
        assertThat(client.pods().inNamespace(NAMESPACE).withLabelIn("muster.dev/installation", "i", "j").list().getItems()).hasSize(5);
        assertThat(client.pods().inNamespace(NAMESPACE).withoutLabel("muster.dev/installation").list().getItems()).hasSize(1);
        assertThat(client.pods().inAnyNamespace().withField("metadata.name", "m-3").list().getItems()).hasSize(1);
    }
}
