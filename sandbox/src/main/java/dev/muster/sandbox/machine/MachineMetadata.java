package dev.muster.sandbox.machine;

import com.fasterxml.jackson.databind.JsonNode;
import io.vertx.core.Future;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;

/** What a machine's guard asks its cloud: its mark, and whether it is to be taken back. Each cloud has a way of its own to say it. */
interface MachineMetadata {

    /** @param status 404: there is none; 0: no answer */
    record Page(int status, String body) {
        static final Page LOST = new Page(0, "");
        static final Page NONE = new Page(404, "");
    }

    Future<Page> mark();

    /** A notice that the cloud takes the machine back. */
    Future<Page> notice();

    /** How many looks at the mark go by between two at the notice. */
    int noticeEvery();

    /** When a notice that was just read says the machine ends. @throws DateTimeParseException if it can't be read */
    Instant end(String notice);

    /** One request, whatever comes of it. */
    static Future<Page> send(HttpClient http, HttpMethod method, String url, String header, String value) {
        var options = new RequestOptions().setMethod(method).setAbsoluteURI(url).setTimeout(10_000).putHeader(header, value);
        return http.request(options)
                .compose(request -> request.send()
                        .compose(response -> response.body().map(body -> new Page(response.statusCode(), body.toString().trim()))))
                .otherwise(Page.LOST);
    }

    /** EC2's metadata service, version 2: marks are instance tags. */
    final class Ec2 implements MachineMetadata {

        private static final int TOKEN_SECONDS = 21_600;

        private final HttpClient http;
        private final String url;
        private String token;
        private Instant tokenExpires = Instant.MIN;

        Ec2(HttpClient http, String url) {
            this.http = http;
            this.url = url;
        }

        @Override
        public Future<Page> mark() {
            return get("/latest/meta-data/tags/instance/muster-mark");
        }

        @Override
        public Future<Page> notice() {
            return get("/latest/meta-data/spot/instance-action");
        }

        /** Amazon advises a look at the notice every 5 s. */
        @Override
        public int noticeEvery() {
            return 5;
        }

        @Override
        public Instant end(String notice) {
            try {
                JsonNode said = ApiClient.MAPPER.readTree(notice);
                return Instant.parse(said.path("time").asText(""));
            } catch (IOException broken) {
                throw new DateTimeParseException(broken.getMessage(), notice, 0, broken);
            }
        }

        private Future<Page> get(String path) {
            return withToken().compose(held -> held == null ? Future.succeededFuture(Page.LOST) : fetch(path, held)).compose(page -> {
                if (page.status() != 401) {
                    return Future.succeededFuture(page);
                }
                token = null;
                return withToken().compose(fresh -> fresh == null ? Future.succeededFuture(Page.LOST) : fetch(path, fresh));
            });
        }

        private Future<Page> fetch(String path, String held) {
            return send(http, HttpMethod.GET, url + path, "X-aws-ec2-metadata-token", held);
        }

        /** The token; null if none could be had. */
        private Future<String> withToken() {
            if (token != null && Instant.now().isBefore(tokenExpires)) {
                return Future.succeededFuture(token);
            }
            return send(http, HttpMethod.PUT, url + "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds", Integer.toString(TOKEN_SECONDS))
                    .map(page -> {
                        token = page.status() == 200 ? page.body() : null;
                        tokenExpires = Instant.now().plusSeconds(TOKEN_SECONDS - 60);
                        return token;
                    });
        }
    }

    /** Compute Engine's metadata server: marks are attributes of the instance. */
    final class Gce implements MachineMetadata {

        /** Google announces 30 s ahead and tells no time. */
        private static final Duration NOTICE = Duration.ofSeconds(30);

        private final HttpClient http;
        private final String url;
        private final Pace pace;

        Gce(HttpClient http, String url, Pace pace) {
            this.http = http;
            this.url = url + "/computeMetadata/v1/instance/";
            this.pace = pace;
        }

        @Override
        public Future<Page> mark() {
            return get("attributes/muster-mark");
        }

        @Override
        public Future<Page> notice() {
            return get("preempted").map(page -> page.status() == 200 && !page.body().equals("TRUE") ? Page.NONE : page);
        }

        /** There is too little time to let much of it go by. */
        @Override
        public int noticeEvery() {
            return 1;
        }

        @Override
        public Instant end(String notice) {
            return Instant.now().plus(pace.length(NOTICE));
        }

        private Future<Page> get(String path) {
            return send(http, HttpMethod.GET, url + path, "Metadata-Flavor", "Google");
        }
    }

    /** A pod's annotations. Nobody announces that a pod is taken away: it is told by a signal. */
    final class Pod implements MachineMetadata {

        private final PodHardware pod;

        Pod(PodHardware pod) {
            this.pod = pod;
        }

        @Override
        public Future<Page> mark() {
            var mark = pod.annotations().get("muster.dev/mark");
            return Future.succeededFuture(mark == null ? Page.NONE : new Page(200, mark));
        }

        @Override
        public Future<Page> notice() {
            return Future.succeededFuture(Page.NONE);
        }

        @Override
        public int noticeEvery() {
            return 1;
        }

        @Override
        public Instant end(String notice) {
            throw new IllegalStateException("a pod gets no notice");
        }
    }
}
