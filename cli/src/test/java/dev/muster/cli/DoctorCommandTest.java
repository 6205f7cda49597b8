package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.sandbox.clearml.ClearmlConfig;
import dev.muster.sandbox.clearml.ClearmlServer;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DoctorCommandTest {

    private static final Path PAGE = Path.of("..", "docs", "clearml.md");
    private static final String SECRET = "the-secret-of-the-key";

    private static Vertx vertx;

    @TempDir
    Path folder;

    private AutoCloseable server;

    @BeforeAll
    static void beginServers() {
        vertx = Vertx.vertx();
    }

    @AfterAll
    static void endServers() {
        vertx.close();
    }

    @AfterEach
    void endServer() throws Exception {
        if (server != null) {
            server.close();
        }
    }

    private ClearmlServer clearml(String version) {
        var clearml = ClearmlServer.start(vertx, 0, ClearmlConfig.of(new ClearmlConfig.Credential("the-key", SECRET, "ann", "acme")).withApiVersion(version));
        server = clearml;
        return clearml;
    }

    /** Answers all calls alike. @param date null: none is told */
    private String answering(int status, String body, Instant date) {
        var http = vertx.createHttpServer().requestHandler(request -> {
            if (date != null) {
                request.response().putHeader("Date", DateTimeFormatter.RFC_1123_DATE_TIME.format(date.atZone(ZoneOffset.UTC)));
            }
            request.response().setStatusCode(status).end(body);
        }).listen(0, "127.0.0.1").toCompletionStage().toCompletableFuture().join();
        server = () -> http.close().toCompletionStage().toCompletableFuture().join();
        return "http://127.0.0.1:" + http.actualPort();
    }

    private Ran examine(String api, String secret, String... more) throws IOException {
        Files.createDirectories(folder.resolve("secrets"));
        Files.writeString(folder.resolve("secrets/clearml-default-access-key"), "the-key\n");
        Files.writeString(folder.resolve("secrets/clearml-default-secret-key"), secret + "\n");
        Files.writeString(folder.resolve("muster.yaml"), """
                installation: team-a
                connections: {default: {api: "%s", machineHosts: {api: "https://api.example.com"}}}
                accounts: {default: {provider: aws, regions: [us-east-1]}}
                """.formatted(api));
        var arguments = new ArrayList<>(List.of("doctor", "clearml", "--config", folder.resolve("muster.yaml").toString()));
        arguments.addAll(List.of(more));
        var ran = Ran.of(arguments.toArray(String[]::new));
        assertThat(ran.out() + ran.err()).doesNotContain(SECRET);
        return ran;
    }

    private Path fleet(String name, String more) throws IOException {
        return Files.writeString(folder.resolve(name + ".yaml"), """
                name: %s
                queues: {gpu: [main], notebooks: [main]}
                pools: {main: {provider: aws, region: us-east-1, type: g4dn.xlarge, max: 4}}
                %s
                """.formatted(name, more));
    }

    private static String state(Ran ran, String check) throws IOException {
        return StreamSupport.stream(Output.JSON.readTree(ran.out()).path("connections").path(0).path("checks").spliterator(), false)
                .filter(one -> one.path("check").asText().equals(check)).findFirst().orElseThrow().path("state").asText();
    }

    @Test
    void saysWhatItsPageShows() throws Exception {
        var clearml = clearml("2.34");
        var people = new ClearmlApi(clearml.url(), "the-key", SECRET);
        var queue = people.queueMade("gpu");
        for (var worker : new String[] {"desk-7:gpu0", "team-a-train:main:g4dn.xlarge:i-0abc", "muster-queue-watcher@team-a.default"}) {
            var register = Output.JSON.createObjectNode().put("worker", worker).put("timeout", 600);
            register.putArray("queues").add(queue);
            people.call("workers.register", register);
        }
        var ran = examine(clearml.url(), SECRET, "-f", fleet("train", "").toString());
        assertThat(ran.err()).isEmpty();
        assertThat(ran.exitCode()).isEqualTo(1);
        var shown = Pattern.compile("^```\n(connection default.*?)^```$", Pattern.DOTALL | Pattern.MULTILINE).matcher(Files.readString(PAGE));
        assertThat(shown.find()).as("the page shows an answer").isTrue();
        assertThat(ran.out().replace(clearml.url(), "https://api.example.com").replaceAll("in [0-9]+ ms", "in 12 ms")).isEqualTo(shown.group(1));
    }

    @Test
    void passesWhereMusterCreatesTheQueues() throws Exception {
        var ran = examine(clearml("2.20").url(), SECRET, "--json", "-f", fleet("train", "createQueues: true").toString());
        assertThat(ran.exitCode()).isZero();
        assertThat(state(ran, "version")).isEqualTo("ok");
        assertThat(state(ran, "queue gpu")).isEqualTo("warning");
    }

    @Test
    void saysThatTheKeyIsWrongAndWhereToPutAnother() throws Exception {
        var ran = examine(clearml("2.34").url(), "wrong-one");
        assertThat(ran.exitCode()).isEqualTo(1);
        assertThat(ran.out()).contains("failed   key", "401", "clearml-default-secret-key").doesNotContain("wrong-one");
    }

    @Test
    void saysThatTheServerIsTooOld() throws Exception {
        var ran = examine(clearml("2.19").url(), SECRET);
        assertThat(ran.exitCode()).isEqualTo(1);
        assertThat(ran.out()).contains("failed   version", "the server's API is 2.19", "2.20 or newer");
    }

    @Test
    void saysThatNobodyAnswers() throws Exception {
        int port;
        try (var nobody = new ServerSocket(0)) {
            port = nobody.getLocalPort();
        }
        var ran = examine("http://127.0.0.1:" + port, SECRET, "--json");
        assertThat(ran.exitCode()).isEqualTo(1);
        assertThat(state(ran, "server")).isEqualTo("failed");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "200 | <html>login</html>      | a web page",
        "200 | {\"ok\": true}          | not ClearML's JSON",
        "502 | Bad Gateway             | not ClearML's JSON",
        "200 | ''                      | not ClearML's JSON",
    })
    void saysThatSomethingElseAnswers(int status, String body, String seen) throws Exception {
        var ran = examine(answering(status, body, null), SECRET);
        assertThat(ran.exitCode()).isEqualTo(1);
        assertThat(ran.out()).contains("failed   server", seen, "port 8008");
    }

    @ParameterizedTest
    @CsvSource({"-600, behind", "600, ahead of"})
    void saysThatClocksDiffer(int seconds, String how) throws Exception {
        var ran = examine(answering(200, "{\"meta\": {\"result_code\": 200}, \"data\": {}}", Instant.now().plusSeconds(seconds)), SECRET);
        assertThat(ran.out()).containsPattern("warning  clock +the server's is (59|60)[0-9] s " + how + " this computer's");
        assertThat(ran.out()).contains("gives no token");
    }

    @Test
    void namesTheConnectionsThereAre() throws Exception {
        var ran = examine("http://127.0.0.1:1", SECRET, "--connection", "other");
        assertThat(ran.exitCode()).isEqualTo(2);
        assertThat(ran.err()).contains("there is no connection other: there are default");
    }

    @Test
    void asksForAFileWhereNothingRuns() {
        var ran = Ran.of("doctor", "clearml", "--folder", folder.toString());
        assertThat(ran.exitCode()).isEqualTo(3);
        assertThat(ran.err()).contains("muster.yaml");
    }

    @Test
    void warnsOfAnAddressThatEachMachineTakesForItsOwn() throws Exception {
        var clearml = clearml("2.34");
        examine(clearml.url(), SECRET);
        Files.writeString(folder.resolve("muster.yaml"), "installation: team-a\nconnections: {default: {api: \"" + clearml.url() + "\"}}\n");
        var ran = Ran.of("doctor", "clearml", "--config", folder.resolve("muster.yaml").toString());
        assertThat(ran.exitCode()).isZero();
        assertThat(ran.out()).contains("warning  machines", "machineHosts");
    }
}
