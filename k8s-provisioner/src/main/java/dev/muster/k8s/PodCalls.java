package dev.muster.k8s;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.ProviderException;
import io.fabric8.kubernetes.api.model.ListOptionsBuilder;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodList;
import io.fabric8.kubernetes.api.model.Status;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.Watch;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/** The calls of a cluster that are used, one request each. What the server refuses is already sorted. */
final class PodCalls {

    private static final ObjectMapper JSON = new ObjectMapper();

    private static final String MERGE_PATCH = "application/merge-patch+json";

    /** Of objects on a page. A pod is some 30 KB as it comes, and three times that while it is read: a page must fit into a small heap. */
    private static final long MOST_ON_PAGE = 100;
    /** A console's end is looked for in so many lines, of which a pod with lines of usual length has 64 KB. */
    private static final int CONSOLE_LINES = 2_000;
    /** What a pod with endless lines may answer. Bytes; the server counts them from the first of the lines above. */
    private static final int CONSOLE_MOST = 1024 * 1024;

    private final KubernetesClient client;

    PodCalls(KubernetesClient client) {
        this.client = client;
    }

    private interface Call<R> {
        R make();
    }

    private static <R> R made(Call<R> call) throws ProviderException {
        try {
            return call.make();
        } catch (KubernetesClientException failure) {
            throw K8sFailures.translate(failure);
        }
    }

    Pod create(String namespace, Pod pod) throws ProviderException {
        return made(() -> client.pods().inNamespace(namespace).resource(pod).create());
    }

    /** Whether the server would take it, quotas and policies included; nothing is made. */
    void tryCreate(String namespace, Pod pod) throws ProviderException {
        made(() -> client.pods().inNamespace(namespace).resource(pod).dryRun().create());
    }

    /** Empty if there is none such. */
    Optional<Pod> pod(String namespace, String name) throws ProviderException {
        return Optional.ofNullable(made(() -> client.pods().inNamespace(namespace).withName(name).get()));
    }

    /**
     * What a namespace has, as of one moment.
     *
     * @param version from which a watch goes on
     */
    record Listed(List<Pod> pods, String version) {}

    /** What nobody asks of a pod again is most of it: its script takes some 28 KB of each container's environment. */
    static void lighten(Pod pod) {
        pod.getMetadata().setManagedFields(List.of());
        if (pod.getSpec() != null) {
            pod.getSpec().setVolumes(List.of());
            Stream.concat(pod.getSpec().getContainers().stream(), pod.getSpec().getInitContainers().stream()).forEach(container -> {
                container.setEnv(List.of());
                container.setCommand(List.of());
                container.setArgs(List.of());
                container.setVolumeMounts(List.of());
            });
        }
    }

    /** @param labels that they have; empty: all pods of the namespace. They come without what {@link #lighten} leaves out. */
    Listed list(String namespace, Map<String, String> labels) throws ProviderException {
        return made(() -> {
            var pods = new ArrayList<Pod>();
            PodList page = null;
            do {
                // All pages are of the moment of the first.
                var options = new ListOptionsBuilder().withLimit(MOST_ON_PAGE).withContinue(page == null ? null : page.getMetadata().getContinue()).build();
                page = client.pods().inNamespace(namespace).withLabels(labels).list(options);
                page.getItems().forEach(PodCalls::lighten);
                pods.addAll(page.getItems());
            } while (page.getMetadata().getContinue() != null && !page.getMetadata().getContinue().isEmpty());
            return new Listed(List.copyOf(pods), page.getMetadata().getResourceVersion());
        });
    }

    /** Whether the namespace may be listed. */
    void look(String namespace) throws ProviderException {
        made(() -> client.pods().inNamespace(namespace).list(new ListOptionsBuilder().withLimit(1L).build()));
    }

    /** @param lasts until the server ends it, which is not a failure */
    Watch watch(String namespace, Map<String, String> labels, String version, Duration lasts, Watcher<Pod> watcher) throws ProviderException {
        return made(() -> client.pods().inNamespace(namespace).withLabels(labels).watch(new ListOptionsBuilder().withResourceVersion(version)
                .withTimeoutSeconds(lasts.toSeconds()).withAllowWatchBookmarks(true).build(), watcher));
    }

    /**
     * Writes over the pod as it was seen.
     *
     * @param changes by annotation; null takes it away
     * @throws ProviderException with code {@link K8sFailures#CONFLICT} if it has changed since
     */
    Pod patch(Pod seen, Map<String, String> labels, Map<String, String> changes) throws ProviderException {
        var metadata = new LinkedHashMap<String, Object>();
        metadata.put("resourceVersion", seen.getMetadata().getResourceVersion());
        if (!labels.isEmpty()) {
            metadata.put("labels", labels);
        }
        metadata.put("annotations", changes);
        var patch = json(Map.of("metadata", metadata));
        return made(() -> merge(path(seen), patch));
    }

    /** The library's own patch reads the object first, for nothing: a mark would be two requests. */
    private Pod merge(String path, String patch) {
        var http = client.getHttpClient();
        var request = http.newHttpRequestBuilder().uri(client.getMasterUrl().toString().replaceFirst("/$", "") + path).method("PATCH", MERGE_PATCH, patch).build();
        HttpResponse<String> answer;
        try {
            answer = http.sendAsync(request, String.class).get(client.getConfiguration().getRequestTimeout(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException none) {
            throw new KubernetesClientException("no answer", none);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new KubernetesClientException("interrupted", interrupted);
        }
        if (!answer.isSuccessful()) {
            throw new KubernetesClientException("refused", answer.code(), status(answer.body()));
        }
        return client.getKubernetesSerialization().unmarshal(answer.body(), Pod.class);
    }

    /** Null where the body is none. */
    private Status status(String body) {
        try {
            return body == null || body.isEmpty() ? null : client.getKubernetesSerialization().unmarshal(body, Status.class);
        } catch (RuntimeException other) {
            return null;
        }
    }

    /**
     * Deletes the pod with its own grace period.
     *
     * @param asSeen only if nothing about it has changed since
     * @return false if there is none such any more
     * @throws ProviderException with code {@link K8sFailures#CONFLICT} if it is another by now, or has changed
     */
    boolean delete(Pod pod, boolean asSeen) throws ProviderException {
        var only = new LinkedHashMap<String, String>();
        only.put("uid", pod.getMetadata().getUid());
        if (asSeen) {
            only.put("resourceVersion", pod.getMetadata().getResourceVersion());
        }
        var options = json(Map.of("kind", "DeleteOptions", "apiVersion", "v1", "preconditions", only));
        try {
            made(() -> client.raw(path(pod), "DELETE", options));
            return true;
        } catch (ProviderException refused) {
            if (refused.code().equals(K8sFailures.NOT_FOUND)) {
                return false;
            }
            throw refused;
        }
    }

    /** The end of what a container has written; empty if it hasn't begun or isn't there any more. */
    String log(Pod pod, String container) throws ProviderException {
        try {
            var text = made(() -> client.raw(path(pod) + "/log?container=" + container + "&tailLines=" + CONSOLE_LINES + "&limitBytes=" + CONSOLE_MOST,
                    "GET", null));
            return text == null ? "" : text;
        } catch (ProviderException refused) {
            // BadRequest: it waits to start, or its node has forgotten it.
            if (refused.code().equals(K8sFailures.NOT_FOUND) || refused.code().equals("BadRequest")) {
                return "";
            }
            throw refused;
        }
    }

    /** Value of a ConfigMap's key; empty if either isn't there. */
    Optional<String> configMap(String namespace, String name, String key) throws ProviderException {
        var map = made(() -> client.configMaps().inNamespace(namespace).withName(name).get());
        return Optional.ofNullable(map).map(found -> found.getData()).map(data -> data.get(key));
    }

    /** Every node: a right of the whole cluster. */
    List<Node> nodes() throws ProviderException {
        return made(() -> {
            var nodes = new ArrayList<Node>();
            String next = null;
            do {
                var page = client.nodes().list(new ListOptionsBuilder().withLimit(MOST_ON_PAGE).withContinue(next).build());
                nodes.addAll(page.getItems());
                next = page.getMetadata().getContinue();
            } while (next != null && !next.isEmpty());
            return List.copyOf(nodes);
        });
    }

    private static String path(Pod pod) {
        return "/api/v1/namespaces/" + pod.getMetadata().getNamespace() + "/pods/" + pod.getMetadata().getName();
    }

    private static String json(Object value) {
        try {
            return JSON.writeValueAsString(value);
        } catch (JsonProcessingException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    static ProviderException invalid(String code, String message) {
        return new ProviderException(FailureKind.INVALID_SPEC, code, message);
    }
}
