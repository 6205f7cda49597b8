package dev.muster.acceptance;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.muster.contracts.SecretsFolder;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.regex.Pattern;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A secret that is planted in each place where a person might put one is found in no topic, log, answer, error or file, while all services log as much as they
 * can and what they do fails as often as it goes well.
 *
 * <p>Not looked at, each for its reason: the secrets folder and the file of the control API's token, where they are put; the machines' own user-data, which is how they get them on AWS without a
 * secret store, and is in EC2's stand-in's memory only; ClearML's stand-in, whose tasks hold what people write into tasks.
 */
@Tag("long")
class PlantedSecretsIT {

    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final Duration ANSWERS_WITHIN = Duration.ofSeconds(20);

    @TempDir
    Path folder;

    /** By where it was planted. */
    private final Map<String, Secret> planted = new LinkedHashMap<>();
    /** What was answered, by what was asked. */
    private final Map<String, String> said = new TreeMap<>();
    private final ConcurrentLinkedQueue<String> hooked = new ConcurrentLinkedQueue<>();
    private HttpServer webhook;
    private Sandbox muster;
    private String token;

    @BeforeEach
    void up() throws Exception {
        webhook = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        // It refuses, and says to whom it did.
        webhook.createContext("/", exchange -> {
            hooked.add(exchange.getRequestURI().getPath());
            var body = ("no such hook: " + exchange.getRequestURI()).getBytes(UTF_8);
            exchange.sendResponseHeaders(404, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        webhook.start();
        var environment = new TreeMap<>(Map.of("QUARKUS_LOG_LEVEL", "DEBUG", "QUARKUS_LOG_CATEGORY__SOFTWARE_AMAZON_AWSSDK__LEVEL", "DEBUG", "MUSTER_INVENTORY_SLOW", "5s"));
        for (var variable : List.of("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "CLEARML_API_SECRET_KEY", "CLEARML_AGENT_GIT_PASS", "GIT_TOKEN", "MUSTER_PASSWORD")) {
            environment.put(variable, plant("the environment's " + variable));
        }
        muster = new Sandbox(folder, 20, environment, CloudStandIn.Kind.AWS);
        token = Files.readString(tokenFile()).strip();
        planted.put("the control API's token", new Secret("the control API's token", token));
    }

    @AfterEach
    void down() {
        if (muster != null) {
            muster.close();
        }
        webhook.stop(0);
    }

    @Test
    void isFoundNowhereButWhereItWasPut() throws Exception {
        plantInTheSecretsFolder();
        plantInSpecs();
        plantInOtherFiles();
        plantInCalls();
        runAndFail();
        askEverything();

        var found = new ArrayList<String>();
        var topics = AllRecords.of(muster.kafka);
        for (var secret : planted.values()) {
            said.forEach((what, answer) -> {
                if (secret.isIn(answer)) {
                    found.add(secret + " in the answer to: " + what);
                }
            });
            topics.forEach((topic, bytes) -> {
                if (secret.isIn(bytes)) {
                    found.add(secret + " in " + topic);
                }
            });
            // Logs, Kafka's own files, the services' settings and state.
            secret.filesWithIt(folder.resolve(".muster"), List.of(muster.secrets, tokenFile())).forEach(file -> found.add(secret + " in " + folder.relativize(file)));
            muster.shell.processesLeft().stream().filter(secret::isIn).forEach(command -> found.add(secret + " in the command line " + command.split(" ")[0]));
        }
        assertThat(found).isEmpty();
        // That it would be found: the log says what services do in detail, and the topics hold what was accepted.
        assertThat(hooked).as("the webhook's address was used").contains("/hook/" + planted.get("the webhook's address").text());
        assertThat(topics.get("topic muster.fleets")).asString(UTF_8).contains("careful", "git-password");
        assertThat(logs()).contains("DEBUG");
        assertThat(topics.keySet()).contains("topic muster.commands.aws", "topic muster.decisions", "topic muster.requests", "topic muster.dead-letters");
    }

    /** Where the command line finds it, and nobody else looks. */
    private Path tokenFile() {
        return folder.resolve(".muster/run/token");
    }

    /** Not so long that it looks like a key by itself: what is refused must be refused for its place. */
    private String plant(String where) {
        var secret = new Secret(where, "pl4nt" + UUID.randomUUID().toString().substring(24));
        planted.put(where, secret);
        return secret.text();
    }

    private void plantInTheSecretsFolder() throws Exception {
        for (var file : List.of(SecretsFolder.clearmlSecretKey("default"), "aws-default-secret-access-key")) {
            planted.put("the file " + file, new Secret("the file " + file, Files.readString(muster.secrets.resolve(file)).strip()));
        }
        write("git-password", plant("the git password"));
        write("registry-token", plant("the registry's token"));
        write("extra-conf", "agent.git_pass: \"" + plant("the extra configuration") + "\"\n");
        write("init-script", "docker login -u ann -p " + plant("the init script") + " registry.example.org\n");
        write("s3-secret", plant("the object store's secret"));
        write("unused", plant("a secret that nobody names"));
        write("webhook", "http://127.0.0.1:" + webhook.getAddress().getPort() + "/hook/" + plant("the webhook's address"));
        muster.apply("careful", """
                name: careful
                notifications: [{secret: webhook}]
                queues: {gpu: [gpu], broken: [broken]}
                pools:
                  gpu:
                    provider: aws
                    region: us-east-1
                    type: g4dn.xlarge
                    max: 2
                    idle: 3s
                    agent:
                      environment: {CLEARML_AGENT_GIT_PASS: {secretRef: git-password}, REGISTRY_TOKEN: {secretRef: registry-token}}
                      extraConf: {secretRef: extra-conf}
                      initScript: {secretRef: init-script}
                      storage: {s3: [{key: {secretRef: unused}, secret: {secretRef: s3-secret}}]}
                  broken: {provider: aws, region: us-east-1, type: c5.xlarge, max: 1, idle: 3s, bootWithin: 2s, registerWithin: 2s}
                """);
    }

    private void write(String file, String text) throws IOException {
        Files.writeString(muster.secrets.resolve(file), text + "\n");
    }

    /** Each of them is refused, by the API or before. */
    private void plantInSpecs() throws Exception {
        var places = new LinkedHashMap<String, String>();
        places.put("a variable that is a secret by name", "agent: {environment: {DB_PASSWORD: %s}}");
        places.put("a URL in a variable", "agent: {environment: {PIP_INDEX_URL: \"https://ann:%s@pypi.example.org/simple\"}}");
        places.put("the extra configuration in clear", "agent: {extraConf: 'agent { git_pass: \"%s\" }'}");
        places.put("the init script in clear", "agent: {initScript: \"git clone https://ann:%s@git.example.org/code.git\"}");
        places.put("a login in the init script", "agent: {initScript: \"docker login -u ann -p %s registry.example.org\"}");
        places.put("the checkpoint hook in clear", "agent: {checkpointHook: \"curl -u ann:%s https://example.org/save\"}");
        places.put("a storage key in clear", "agent: {storage: {s3: [{key: {secretRef: unused}, secret: %s}]}}");
        places.put("a tag", "tags: {note: \"password=%s\"}");
        places.put("the launch spec", "aws: {launchSpec: {KeyName: \"https://ann:%s@example.org\"}}");
        places.put("the image", "image: \"https://ann:%s@registry.example.org/image\"");
        places.put("the environment as one text", "agent: {environment: \"DB_PASSWORD=%s\"}");
        places.put("a storage key as a list", "agent: {storage: {s3: [{key: {secretRef: unused}, secret: [%s]}]}}");
        places.put("a key that no spec has", "agent: {gitPassword: %s}");
        places.put("a reference that is the secret itself", "agent: {environment: {TOKEN: {secretRef: \"https://ann:%s@example.org\"}}}");
        places.put("a text that is no YAML", "agent: {extraConf: \"agent.git_pass: %s}");
        for (var place : places.entrySet()) {
            refused("clear", place.getKey(), """
                    name: clear
                    queues: {clear: [clear]}
                    pools:
                      clear:
                        provider: aws
                        region: us-east-1
                        type: g4dn.xlarge
                        max: 1
                        %s
                    """.formatted(place.getValue().formatted(plant(place.getKey()))));
        }
        refused("clear", "a webhook's address", """
                name: clear
                notifications: [{secret: "https://hooks.example.org/services/%s"}]
                queues: {clear: [clear]}
                pools: {clear: {provider: aws, region: us-east-1, type: g4dn.xlarge, max: 1}}
                """.formatted(plant("a webhook's address in clear")));
        refused("clear", "metadata on Google Cloud", """
                name: clear
                queues: {clear: [clear]}
                pools: {clear: {provider: gcp, region: us-central1, type: n1-standard-1, max: 1, gcp: {metadata: {note: "password=%s"}}}}
                """.formatted(plant("metadata on Google Cloud")));
        refused("clear", "a pod's template", """
                name: clear
                queues: {clear: [clear]}
                pools: {clear: {provider: k8s, namespace: ml, max: 1, k8s: {annotations: {note: "password=%s"}, template: {spec: {hostname: "secret: %s"}}}}}
                """.formatted(plant("a pod's annotation"), plant("a pod's template")));
    }

    private void refused(String fleet, String place, String spec) throws Exception {
        Files.writeString(folder.resolve(fleet + ".yaml"), spec);
        for (var verb : List.of("apply", "validate")) {
            var ran = ran("./muster fleet " + verb + " -f " + fleet + ".yaml # " + place);
            assertThat(ran.exitCode()).as(verb + " with " + place + ": " + ran).isNotZero();
        }
    }

    private void plantInOtherFiles() throws Exception {
        Files.writeString(folder.resolve("export.yaml"), """
                configurations:
                  extra_clearml_conf: 'agent { git_pass: "%s" }'
                  extra_vm_bash_script: "export DB_PASSWORD=%s"
                  queues: {gpu: [[aws4gpu, 2]]}
                  resource_configurations:
                    aws4gpu: {instance_type: g4dn.xlarge, is_spot: false, availability_zone: us-east-1b, ami_id: ami-0123456789abcdef0, ebs_device_name: /dev/sda1, ebs_volume_size: 100, ebs_volume_type: gp3}
                hyper_params:
                  cloud_provider: AWS
                  cloud_credentials_key: %s
                  cloud_credentials_secret: %s
                  cloud_credentials_region: us-east-1
                  git_user: ann
                  git_pass: %s
                  max_idle_time_min: 15
                  workers_prefix: dynamic_worker
                """.formatted(plant("an export's configuration"), plant("an export's script"), plant("an export's access key"), plant("an export's secret key"),
                plant("an export's git password")));
        ran("./muster import clearml export.yaml --name moved --secrets " + folder.resolve("imported") + " --output moved.yaml");
        ran("./muster import clearml export.yaml --name moved --secrets " + folder.resolve("imported") + " --output moved.yaml --force --json");
        for (var connection : List.of("https://ann:%s@clearml.example.org", "ann:%s@clearml.example.org", "https://clearml.example.org/?token=%s")) {
            Files.writeString(folder.resolve("muster.yaml"), "installation: lab\nconnections: {default: {api: \"" + connection.formatted(plant("muster.yaml's " + connection)) + "\"}}\n");
            assertThat(ran("./muster up --config muster.yaml # " + connection.replace("%s", "…")).exitCode()).as(connection).isNotZero();
            ran("./muster doctor clearml --config muster.yaml # " + connection.replace("%s", "…"));
        }
        Files.delete(folder.resolve("muster.yaml"));
    }

    private void plantInCalls() throws Exception {
        ran("MUSTER_TOKEN=" + plant("a wrong token of the command line") + " ./muster fleet list");
        var control = "http://" + muster.shell.run("./muster status --json").succeeded().json().path("control").asText();
        for (var header : List.of("Bearer %s", "Basic %s", "%s")) {
            var token = plant("a wrong token as " + header);
            for (var path : List.of("/v1/fleets", "/v1/fleets:watch", "/v1/openapi.json", "/q/health", "/nothing")) {
                get(control + path, header.formatted(token));
            }
        }
        for (var query : List.of("access_token", "token", "authorization", "password")) {
            get(control + "/v1/fleets?" + query + "=" + plant("the query's " + query), "");
        }
        post(control + "/v1/fleets:validate", "{\"spec\": {\"name\": \"clear\", \"pools\": [{\"launch\": {\"boot\": {\"environment\": {\"DB_PASSWORD\": {\"text\": \"" + plant("a body's variable") + "\"}}}}}]}}");
        post(control + "/v1/fleets:validate", "{\"spec\": {\"name\": \"clear\", \"limits\": \"" + plant("a body's field of another type") + "\"}}");
        post(control + "/v1/fleets:validate", "{\"spec\": {\"name\": \"clear\", \"password\": \"" + plant("a body's unknown field") + "\"}}");
        post(control + "/v1/fleets:validate", "{\"spec\": " + plant("a body that is no JSON"));
    }

    /** Tasks run, boots fail, keys are wrong, records can't be read. */
    private void runAndFail() throws Exception {
        var clearml = Clearml.of(muster.shell);
        var token = plant("a task's docker arguments");
        var parameter = plant("a task's hyperparameter");
        for (int i = 0; i < 2; i++) {
            clearml.enqueue("""
                    {"name": "sample", "type": "training", "script": {"binary": "python3", "entry_point": "muster_sample.py", "repository": ""},
                     "container": {"image": "python:3.11", "arguments": "-e TOKEN=%s"},
                     "hyperparams": {"Args": {"password": {"section": "Args", "name": "password", "value": "%s"}}}}""".formatted(token, parameter), "gpu");
        }
        clearml.enqueue("{\"name\": \"stuck\", \"type\": \"training\"}", "broken");
        muster.cloud(CloudStandIn.Kind.AWS).post("/faults/boots", "{\"type\": \"c5.xlarge\", \"kind\": \"never-boots\", \"times\": 100}");
        muster.await(PATIENCE, "machines of both kinds", () -> muster.machines().values().stream().map(machine -> machine.getPool()).distinct().count() == 2);
        muster.await(PATIENCE, "the webhook to be called", () -> !hooked.isEmpty());

        // Garbage where each service reads.
        var kafka = muster.shell.run("./muster status --json").succeeded().json().path("kafka").asText();
        try (var producer = new KafkaProducer<>(Map.<String, Object>of("bootstrap.servers", kafka), new ByteArraySerializer(), new ByteArraySerializer())) {
            for (var topic : List.of("requests", "demand", "machine-reports", "commands.aws", "commands.clearml", "fleets", "machines", "decisions")) {
                producer.send(new ProducerRecord<>("muster." + topic, "careful".getBytes(UTF_8), new byte[] {(byte) 0xff, 1, 2, 3})).get();
            }
        }

        // ClearML and the cloud refuse the keys that they are called with, which are the wrong ones and secret for all that.
        whileWrong("aws-default-access-key-id", "AuthFailure");
        // ClearML's are asked for only once the token is refused that they were changed into.
        muster.standIns.post("/clearml/faults", "{\"endpoints\": \"queues.*\", \"kind\": \"unauthorized\"}");
        whileWrong(SecretsFolder.clearmlSecretKey("default"), "invalid credentials");
        muster.standIns.delete("/clearml/faults");
        muster.cloud(CloudStandIn.Kind.AWS).post("/faults/denials", "{\"action\": \"TerminateInstances\"}");
        ran("./muster machine list --json").json().path("machines").forEach(machine -> quietly("./muster machine terminate " + machine.path("machineId").asText() + " --busy"));
        muster.cloud(CloudStandIn.Kind.AWS).delete("/faults");
        ran("./muster fleet pause careful");
        ran("./muster fleet resume careful");
    }

    private void whileWrong(String file, String refusal) throws Exception {
        var good = Files.readString(muster.secrets.resolve(file));
        var before = timesLogged(refusal);
        write(file, plant("the wrong key in " + file));
        Await.within(PATIENCE, "the wrong " + file + " to be refused", () -> timesLogged(refusal) > before);
        ran("./muster why queue gpu --fleet careful # while " + file + " is wrong");
        ran("./muster fleet get careful # while " + file + " is wrong");
        ran("./muster decision list careful --json # while " + file + " is wrong");
        Files.writeString(muster.secrets.resolve(file), good);
    }

    private void quietly(String line) {
        try {
            ran(line);
        } catch (Exception failed) {
            throw new AssertionError(line, failed);
        }
    }

    private void askEverything() throws Exception {
        for (var line : List.of("status", "status --json", "fleet list", "fleet list --json", "fleet get careful", "fleet get careful --json", "machine list --all --json", "queue list --json",
                "decision list careful --last 1000 --json", "why queue gpu --fleet careful", "version --json")) {
            ran("./muster " + line);
        }
        for (var process : muster.shell.run("./muster status --json").succeeded().json().path("processes")) {
            for (var url : List.of("health", "url", "http")) {
                if (process.hasNonNull(url)) {
                    get(process.path(url).asText(), "");
                }
            }
        }
        var control = "http://" + muster.shell.run("./muster status --json").succeeded().json().path("control").asText();
        for (var page : List.of("/q/health", "/q/metrics", "/v1/fleets", "/v1/fleets/careful", "/v1/machines?endedToo=true", "/v1/decisions?fleet=careful&pageSize=1000", "/v1/secrets",
                "/v1/installation", "/v1/caller", "/v1/logLevels", "/v1/pools", "/v1/queues", "/v1/budgets")) {
            get(control + page, "Bearer " + token);
        }
    }

    private Shell.Ran ran(String line) throws Exception {
        var ran = muster.shell.run(line);
        said.merge(line.replaceAll("pl4nt\\w+", "…"), ran.out() + "\n" + ran.err(), String::concat);
        return ran;
    }

    private void get(String url, String authorization) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(url)).timeout(ANSWERS_WITHIN);
        send(authorization.isEmpty() ? request : request.header("Authorization", authorization));
    }

    private void post(String url, String body) throws Exception {
        send(HttpRequest.newBuilder(URI.create(url)).timeout(ANSWERS_WITHIN).header("Content-Type", "application/json").header("Authorization", "Bearer " + token).POST(HttpRequest.BodyPublishers.ofString(body)));
    }

    private void send(HttpRequest.Builder builder) throws Exception {
        var request = builder.build();
        String answer;
        try {
            var got = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build().send(request, HttpResponse.BodyHandlers.ofString());
            answer = got.statusCode() + "\n" + got.headers().map() + "\n" + got.body();
        } catch (IOException none) {
            // A stream has no end to wait for.
            answer = none.toString();
        }
        said.merge(request.method() + " " + request.uri().toString().replaceAll("pl4nt\\w+", "…"), answer, String::concat);
    }

    private int timesLogged(String text) throws IOException {
        return logs().split(Pattern.quote(text), -1).length - 1;
    }

    private String logs() throws IOException {
        var all = new StringBuilder();
        try (var files = Files.walk(folder.resolve(".muster/run/logs"))) {
            for (var file : files.filter(Files::isRegularFile).toList()) {
                all.append(Files.readString(file, java.nio.charset.StandardCharsets.ISO_8859_1));
            }
        }
        return all.toString();
    }
}
