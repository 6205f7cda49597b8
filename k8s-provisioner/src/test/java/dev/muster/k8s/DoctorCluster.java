package dev.muster.k8s;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.server.mock.KubernetesCrudDispatcher;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.fabric8.mockwebserver.MockWebServer;
import io.fabric8.mockwebserver.dsl.HttpMethod;
import io.fabric8.mockwebserver.http.Buffer;
import io.fabric8.mockwebserver.http.Dispatcher;
import io.fabric8.mockwebserver.http.Headers;
import io.fabric8.mockwebserver.http.MockResponse;
import io.fabric8.mockwebserver.http.RecordedRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** An API server for the doctor: fabric8's, with what that lacks: rights, who asks, dry runs, a clock, a version. What is wrong with it, a test says. */
final class DoctorCluster implements AutoCloseable {

    static final String TOKEN = "the-token-of-muster";
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern RESOURCE = Pattern.compile("/apis?(?:/(?<group>[a-z0-9.]+\\.[a-z0-9.]+))?/v1(?:/namespaces/(?<namespace>[^/?]+))?/(?<resource>[a-z]+)"
            + "(?:/(?<name>[^/?]+))?(?:/(?<sub>[a-z]+))?(?:\\?(?<query>.*))?");
    private static final Pattern NAMESPACE = Pattern.compile("/api/v1/namespaces/(?<name>[^/?]+)(?:\\?.*)?");

    private final MockWebServer server = new MockWebServer();
    private KubernetesCrudDispatcher objects = new KubernetesCrudDispatcher();
    /** Rights that whoever asks lacks. */
    private final Set<String> denied = new TreeSet<>();
    /** What was called, as a right: {@code pods list}. */
    private final Set<String> called = new TreeSet<>();
    private final Set<String> allowedSecrets = new HashSet<>();
    private int minor = 31;
    private boolean knowsUs = true;
    private String caller = "system:serviceaccount:muster:muster";
    private Duration ahead = Duration.ZERO;
    private MockResponse dryRun;
    private List<String> warnings = List.of();
    private int failure;

    DoctorCluster() {
        // It says every request.
        java.util.logging.Logger.getLogger(MockWebServer.class.getName()).setLevel(java.util.logging.Level.WARNING);
        server.useHttps();
        server.setDispatcher(new Dispatcher() {
            @Override
            public MockResponse dispatch(RecordedRequest request) {
                return answer(request).setHeader("Date", DateTimeFormatter.RFC_1123_DATE_TIME.format(ZonedDateTime.now(ZoneOffset.UTC).plus(ahead)));
            }
        });
        server.start();
        reset();
    }

    void reset() {
        objects = new KubernetesCrudDispatcher();
        denied.clear();
        called.clear();
        allowedSecrets.clear();
        minor = 31;
        knowsUs = true;
        caller = "system:serviceaccount:muster:muster";
        ahead = Duration.ZERO;
        dryRun = null;
        warnings = List.of();
        failure = 0;
    }

    String url() {
        return "https://localhost:" + server.getPort();
    }

    /** File with the CA that its certificate is of. */
    String ca() {
        return server.getSelfSignedCertificate().certificatePath();
    }

    /** A kubeconfig for it. */
    void kubeconfig(Path file, String url, String ca) {
        try {
            Files.writeString(file, """
                    apiVersion: v1
                    kind: Config
                    clusters: [{name: c, cluster: {server: "%s"%s}}]
                    users: [{name: muster, user: {token: %s}}]
                    contexts: [{name: c, context: {cluster: c, user: muster}}]
                    current-context: c
                    """.formatted(url, ca, TOKEN));
        } catch (IOException unwritable) {
            throw new UncheckedIOException(unwritable);
        }
    }

    void has(HasMetadata object) {
        var plural = object.getPlural();
        var group = object.getApiVersion().contains("/") ? "/apis/" + object.getApiVersion() : "/api/v1";
        var namespace = object.getMetadata().getNamespace();
        var path = group + (namespace == null ? "" : "/namespaces/" + namespace) + "/" + plural;
        var made = objects.dispatch(new RecordedRequest("HTTP/1.1", HttpMethod.POST, path, Headers.builder().build(), new Buffer(Serialization.asJson(object).getBytes(java.nio.charset.StandardCharsets.UTF_8))));
        if (made.code() >= 300) {
            throw new IllegalArgumentException(path + ": " + made.getStatus());
        }
    }

    void has(String yaml) {
        // What begins with a brace is read as JSON.
        has((HasMetadata) Serialization.unmarshal("---\n" + yaml));
    }

    void deny(String right) {
        denied.add(right);
    }

    void allowSecrets(String right) {
        allowedSecrets.add(right);
    }

    void minor(int version) {
        minor = version;
    }

    void knowsNobody() {
        knowsUs = false;
    }

    void caller(String name) {
        caller = name;
    }

    void clockAhead(Duration by) {
        ahead = by;
    }

    void refuse(int status, String message) {
        dryRun = status(status, message);
    }

    void warn(String... said) {
        warnings = List.of(said);
    }

    void fails(int status) {
        failure = status;
    }

    KubernetesClient client() {
        return new KubernetesClientBuilder().withConfig(K8sAccounts.paced(new ConfigBuilder(Config.empty()).withMasterUrl(url()).withCaCertFile(ca()).withOauthToken(TOKEN).build())).build();
    }

    Set<String> called() {
        return new TreeSet<>(called);
    }

    private MockResponse answer(RecordedRequest request) {
        var path = request.getPath();
        if (failure > 0 && !path.startsWith("/version")) {
            return status(failure, "etcd is not there");
        }
        if (path.startsWith("/version")) {
            return json(200, Map.of("major", "1", "minor", minor + "+", "gitVersion", "v1." + minor + ".2"));
        }
        if (!knowsUs || !("Bearer " + TOKEN).equals(request.getHeader("Authorization"))) {
            return status(401, "Unauthorized");
        }
        if (path.endsWith("/selfsubjectreviews")) {
            return minor < 28 ? status(404, "the server could not find the requested resource") : json(201, Map.of("status", Map.of("userInfo", Map.of("username", caller))));
        }
        if (path.endsWith("/selfsubjectaccessreviews")) {
            return denied.contains("selfsubjectaccessreviews create") ? forbidden("selfsubjectaccessreviews create")
                    : json(201, Map.of("status", Map.of("allowed", isAllowed(read(request.getUtf8Body()).at("/spec/resourceAttributes")))));
        }
        var right = right(request);
        called.add(right);
        if (denied.contains(right)) {
            return forbidden(right);
        }
        if (path.contains("dryRun=All")) {
            if (dryRun != null) {
                return dryRun;
            }
            var taken = new MockResponse().setResponseCode(201).setHeader("Content-Type", "application/json").setBody(request.getUtf8Body());
            warnings.forEach(warning -> taken.addHeader("Warning", "299 - \"" + warning.replace("\"", "\\\"") + "\""));
            return taken;
        }
        if (request.method() != HttpMethod.GET) {
            throw new AssertionError("the doctor changes something: " + request.getRequestLine());
        }
        // Its lists take neither a limit nor a reason: the doctor looks at reasons itself, too.
        return objects.dispatch(new RecordedRequest("HTTP/1.1", HttpMethod.GET, path.replaceAll("[?&](limit|fieldSelector)=[^&]*", "").replaceFirst("^([^?]*)&", "$1?"), request.getHeaders(),
                new Buffer(new byte[0])));
    }

    private boolean isAllowed(JsonNode asked) {
        var resource = asked.path("resource").asText() + (asked.path("subresource").asText("").isEmpty() ? "" : "/" + asked.path("subresource").asText());
        var right = resource + " " + asked.path("verb").asText();
        return resource.equals("secrets") ? allowedSecrets.contains(right) : !denied.contains(right);
    }

    /** As RBAC reads a request. */
    private static String right(RecordedRequest request) {
        var namespace = NAMESPACE.matcher(request.getPath());
        if (namespace.matches()) {
            return "namespaces get";
        }
        var found = RESOURCE.matcher(request.getPath());
        if (!found.matches()) {
            throw new AssertionError("no call that roles know: " + request.getRequestLine());
        }
        var verb = switch (request.method()) {
            case POST -> "create";
            case PATCH -> "patch";
            case DELETE -> "delete";
            case PUT -> "update";
            case GET -> found.group("name") != null ? "get" : found.group("query") != null && found.group("query").contains("watch=true") ? "watch" : "list";
            default -> throw new AssertionError(request.getRequestLine());
        };
        return found.group("resource") + (found.group("sub") == null ? "" : "/" + found.group("sub")) + " " + verb;
    }

    private static MockResponse forbidden(String right) {
        return status(403, right.split(" ")[0] + " is forbidden: User \"muster\" cannot " + right.split(" ")[1] + " resource \"" + right.split(" ")[0] + "\"");
    }

    private static MockResponse status(int code, String message) {
        return json(code, Map.of("kind", "Status", "apiVersion", "v1", "status", "Failure", "message", message, "code", code));
    }

    private static MockResponse json(int code, Object body) {
        return new MockResponse().setResponseCode(code).setHeader("Content-Type", "application/json").setBody(Serialization.asJson(body));
    }

    private static JsonNode read(String body) {
        try {
            return JSON.readTree(body);
        } catch (IOException none) {
            throw new UncheckedIOException(none);
        }
    }

    @Override
    public void close() {
        server.shutdown();
    }
}
