package dev.muster.k8s;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.muster.provisioner.doctor.DoctorQuestion;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.http.HttpRequest;
import io.fabric8.kubernetes.client.http.HttpResponse;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** The doctor's calls to one API server, by the provisioner's own client and its credentials, but with nothing of an answer left out. It keeps none. Used by one thread. */
final class DoctorCalls implements AutoCloseable {

    private static final int SECONDS = 15;
    private static final int CONNECT_MILLIS = 5_000;
    /** Of a list that is read page by page. */
    private static final int PAGE = 500;

    /**
     * What came back.
     *
     * @param status 0: nothing did
     * @param body missing if it is no JSON
     * @param date as the server says it
     * @param warnings what the server takes and people should know
     * @param broken why nothing came back; else null
     */
    record Answer(int status, JsonNode body, Optional<String> date, List<String> warnings, Throwable broken) {

        boolean succeeded() {
            return status >= 200 && status < 300;
        }

        boolean denied() {
            return status == 403;
        }

        boolean notFound() {
            return status == 404;
        }

        /** The server's own words. */
        String words() {
            if (broken != null) {
                return cause(broken).getMessage() == null ? cause(broken).getClass().getSimpleName() : cause(broken).getMessage();
            }
            var message = body.path("message").asText();
            return message.isEmpty() ? "HTTP " + status : message;
        }

        /** What lies beneath what clients wrap it into. */
        static Throwable cause(Throwable thrown) {
            var cause = thrown;
            while (cause.getCause() != null && cause.getCause() != cause) {
                cause = cause.getCause();
            }
            return cause;
        }
    }

    private final Config config;
    private final KubernetesClient client;

    DoctorCalls(Config account) {
        // A person waits: what gives no answer now is said.
        this.config = new ConfigBuilder(account).withRequestRetryBackoffLimit(0).withConnectionTimeout(CONNECT_MILLIS).withRequestTimeout(SECONDS * 1_000).build();
        this.client = new KubernetesClientBuilder().withConfig(config).build();
    }

    Config config() {
        return config;
    }

    /** Ends without a slash. */
    String server() {
        return config.getMasterUrl().replaceFirst("/+$", "");
    }

    Answer get(String path) {
        return send(client.getHttpClient().newHttpRequestBuilder().uri(server() + path));
    }

    Answer post(String path, Object body) {
        return send(client.getHttpClient().newHttpRequestBuilder().uri(server() + path).post("application/json", client.getKubernetesSerialization().asJson(body)));
    }

    /** A whole list, whose items the answer's body has. @param query empty, or such as {@code labelSelector=a} */
    Answer all(String path, String query) {
        var items = new ArrayList<JsonNode>();
        var more = "";
        do {
            var answer = get(path + "?limit=" + PAGE + (query.isEmpty() ? "" : "&" + query) + (more.isEmpty() ? "" : "&continue=" + encoded(more)));
            if (!answer.succeeded()) {
                return answer;
            }
            answer.body().path("items").forEach(items::add);
            more = answer.body().path("metadata").path("continue").asText("");
        } while (!more.isEmpty());
        ObjectNode list = DoctorQuestion.JSON.createObjectNode();
        list.putArray("items").addAll(items);
        return new Answer(200, list, Optional.empty(), List.of(), null);
    }

    static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    <T> T read(JsonNode body, Class<T> type) {
        return client.getKubernetesSerialization().unmarshal(body.toString(), type);
    }

    private Answer send(HttpRequest.Builder request) {
        try {
            HttpResponse<String> response = client.getHttpClient().sendAsync(request.timeout(SECONDS, TimeUnit.SECONDS).build(), String.class).get(SECONDS + 1, TimeUnit.SECONDS);
            return new Answer(response.code(), json(response.body()), Optional.ofNullable(response.header("Date")), warnings(response.headers("Warning")), null);
        } catch (ExecutionException broken) {
            return new Answer(0, MissingNode.getInstance(), Optional.empty(), List.of(), broken);
        } catch (TimeoutException late) {
            return new Answer(0, MissingNode.getInstance(), Optional.empty(), List.of(), new TimeoutException("no answer after " + SECONDS + " s"));
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return new Answer(0, MissingNode.getInstance(), Optional.empty(), List.of(), interrupted);
        }
    }

    private static JsonNode json(String body) {
        try {
            return body == null || body.isEmpty() ? MissingNode.getInstance() : DoctorQuestion.JSON.readTree(body);
        } catch (JsonProcessingException none) {
            return MissingNode.getInstance();
        }
    }

    /** RFC 7234, 5.5, as API servers write it: {@code 299 - "text"}. */
    private static List<String> warnings(List<String> headers) {
        return headers == null ? List.of() : headers.stream().map(header -> header.replaceFirst("^\\d+ \\S+ \"(.*)\"$", "$1").replace("\\\"", "\"")).toList();
    }

    @Override
    public void close() {
        client.close();
    }
}
