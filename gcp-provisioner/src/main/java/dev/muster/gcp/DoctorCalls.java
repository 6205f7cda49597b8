package dev.muster.gcp;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.muster.provisioner.doctor.Check;
import dev.muster.provisioner.doctor.DoctorQuestion;
import dev.muster.provisioner.doctor.Findings;
import dev.muster.provisioner.doctor.Findings.About;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * The doctor's calls with one account. Of each of Google's services it asks one or two questions, and for these plain requests with the account's
 * token stand in place of clients of several megabytes. They change nothing. Used by one thread.
 */
final class DoctorCalls {

    private static final Duration TIMEOUT = Duration.ofSeconds(20);
    /** What a project or its payer has not switched on. */
    private static final List<String> SWITCHED_OFF = List.of("accessNotConfigured", "SERVICE_DISABLED", "BILLING_DISABLED", "billingNotEnabled");

    /** One of Google's services. */
    enum Api {
        COMPUTE("https://compute.googleapis.com", "/compute/v1/"), RESOURCE_MANAGER("https://cloudresourcemanager.googleapis.com", "/v1/"),
        IAM("https://iam.googleapis.com", "/v1/"), KMS("https://cloudkms.googleapis.com", "/v1/");

        private final String usual;
        private final String root;

        Api(String usual, String root) {
            this.usual = usual;
            this.root = root;
        }
    }

    /**
     * A service's answer, be it an error.
     *
     * @param status HTTP's; 0: there was none
     * @param reason the error's; empty if it has none
     * @param date the service's time, to the second; null if it doesn't say
     */
    record Answer(String method, int status, JsonNode body, String reason, String message, Instant date, Instant asked, Instant answered) {

        boolean succeeded() {
            return status == 200;
        }

        /** Also of an id that there can't be. */
        boolean notFound() {
            return status == 404 || status == 400 && reason.equals("invalid");
        }

        /** The service isn't switched on, or nobody pays. */
        boolean switchedOff() {
            return SWITCHED_OFF.contains(reason);
        }

        /** The caller may not ask. */
        boolean denied() {
            return status == 403 && !switchedOff();
        }

        /** For people. */
        String words() {
            return status == 0 ? message : (reason.isEmpty() ? "HTTP " + status : reason) + (message.isEmpty() ? "" : ": " + message);
        }
    }

    private final Optional<URI> endpoint;
    private final AccountCredentials credentials;
    private final String project;
    private final HttpClient http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).version(HttpClient.Version.HTTP_1_1).build();

    /** @param endpoint in place of every service's own */
    DoctorCalls(GcpAccounts.Account account, AccountCredentials credentials) {
        this.endpoint = account.endpoint();
        this.project = account.project();
        this.credentials = credentials;
    }

    String project() {
        return project;
    }

    /** Without a slash at its end. */
    String endpoint(Api api) {
        return endpoint.map(uri -> uri.toString().replaceAll("/$", "")).orElse(api.usual);
    }

    /** A question of nobody in particular, to learn whether and when somebody answers. */
    Answer knock() {
        return send("knock", HttpRequest.newBuilder(URI.create(endpoint(Api.COMPUTE) + Api.COMPUTE.root + "projects/" + project)).timeout(TIMEOUT).GET());
    }

    /** @throws IOException if there is none; its message names the fix and nothing secret */
    void token() throws IOException {
        credentials.getRequestMetadata(URI.create(endpoint(Api.COMPUTE)));
    }

    /** @param path below the service's version, with its query */
    Answer get(Api api, String method, String path) {
        return authorized(method, api, path, request -> request.GET());
    }

    Answer post(Api api, String method, String path, JsonNode body) {
        return authorized(method, api, path, request -> request.header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(body.toString())));
    }

    /** Of Compute Engine. @param path below the project */
    Answer compute(String method, String path) {
        return get(Api.COMPUTE, method, "projects/" + project + (path.isEmpty() ? "" : "/" + path));
    }

    /** All pages of a list of Compute Engine. @return the answer that failed, or the last with all items */
    Answer all(String method, String path, String query) {
        var items = DoctorQuestion.JSON.createArrayNode();
        var token = "";
        while (true) {
            var page = compute(method, path + "?" + query + (token.isEmpty() ? "" : (query.isEmpty() ? "" : "&") + "pageToken=" + encoded(token)));
            if (!page.succeeded()) {
                return page;
            }
            if (page.body().path("items").isArray()) {
                page.body().path("items").forEach(items::add);
            } else {
                // A list of all places has their names before its items.
                page.body().path("items").forEach(place -> place.forEach(list -> list.forEach(items::add)));
            }
            token = page.body().path("nextPageToken").asText("");
            if (token.isEmpty()) {
                return new Answer(method, page.status(), items, "", "", page.date(), page.asked(), page.answered());
            }
        }
    }

    static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    /** What the caller may of it; empty if it can't be told. @param at whose permissions, with the service's own method behind a colon or slash */
    Optional<List<String>> allowed(Api api, String method, String at, Collection<String> permissions, Findings findings, About about) {
        var asked = DoctorQuestion.JSON.createObjectNode();
        permissions.forEach(asked.putArray("permissions")::add);
        return told(post(api, method, at, asked), findings, List.of(about)).map(body -> {
            var allowed = new ArrayList<String>();
            body.path("permissions").forEach(one -> allowed.add(one.asText()));
            return allowed;
        });
    }

    /** @return empty if it can't be told; then each of {@code abouts} says why. That there is no such thing is the caller's to see before */
    Optional<JsonNode> told(Answer answer, Findings findings, Collection<About> abouts) {
        if (answer.succeeded()) {
            return Optional.of(answer.body());
        }
        abouts.forEach(about -> untold(answer, findings, about));
        return Optional.empty();
    }

    private void untold(Answer answer, Findings findings, About about) {
        var permissions = GcePermissions.DOCTOR.getOrDefault(answer.method(), List.of());
        var permission = permissions.isEmpty() ? answer.method() : permissions.get(0);
        if (answer.denied() && GcePermissions.ofCalls().contains(permission)) {
            findings.skipped(about, (Check) DoctorCheck.PERMISSIONS);
        } else if (answer.denied()) {
            findings.warning(about, "can't be told: " + permission + " is not allowed", "allow " + permission + ", which only the doctor uses");
        } else if (answer.switchedOff()) {
            findings.warning(about, "can't be told: " + permission + ": " + answer.reason(), "switch the service on, which only the doctor uses: " + enable(answer.method()));
        } else {
            findings.warning(about, "can't be told: " + permission + ": " + answer.words(), "ask again");
        }
    }

    private String enable(String method) {
        var service = method.startsWith("iam.") ? "iam" : method.startsWith("cloudkms.") ? "cloudkms" : method.startsWith("resourcemanager.") ? "cloudresourcemanager" : "compute";
        return "gcloud services enable " + service + ".googleapis.com --project " + project;
    }

    private interface Shape {
        HttpRequest.Builder of(HttpRequest.Builder request);
    }

    private Answer authorized(String method, Api api, String path, Shape shape) {
        var url = URI.create(endpoint(api) + api.root + path);
        var request = HttpRequest.newBuilder(url).timeout(TIMEOUT);
        try {
            credentials.getRequestMetadata(url).forEach((name, values) -> values.forEach(value -> request.header(name, value)));
        } catch (IOException none) {
            return silent(method, String.valueOf(none.getMessage()), Instant.now());
        }
        return send(method, shape.of(request));
    }

    private static Answer silent(String method, String why, Instant asked) {
        return new Answer(method, 0, MissingNode.getInstance(), "", why, null, asked, Instant.now());
    }

    private Answer send(String method, HttpRequest.Builder request) {
        var asked = Instant.now();
        try {
            var answer = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
            var answered = Instant.now();
            var body = json(answer.body());
            var error = body.path("error");
            var reason = error.path("errors").path(0).path("reason").asText(error.path("status").asText(""));
            for (var detail : error.path("details")) {
                if (SWITCHED_OFF.contains(detail.path("reason").asText(""))) {
                    reason = detail.path("reason").asText();
                }
            }
            return new Answer(method, answer.statusCode(), body, reason, error.path("message").asText(""), date(answer.headers().firstValue("Date")), asked, answered);
        } catch (IOException silent) {
            return silent(method, silent.getMessage() == null ? silent.getClass().getSimpleName() : silent.getMessage(), asked);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return silent(method, "interrupted", asked);
        }
    }

    private static JsonNode json(String text) {
        try {
            return text.isBlank() ? MissingNode.getInstance() : DoctorQuestion.JSON.readTree(text);
        } catch (JsonProcessingException none) {
            return MissingNode.getInstance();
        }
    }

    private static Instant date(Optional<String> header) {
        try {
            return header.map(text -> ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant()).orElse(null);
        } catch (DateTimeException unreadable) {
            return null;
        }
    }
}
