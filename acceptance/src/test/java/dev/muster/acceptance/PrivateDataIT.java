package dev.muster.acceptance;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A task whose code is in a private repository and whose data is in a private object store, with the unmodified clearml-agent: it gets both
 * with the fleet's credentials, and these are found nowhere but on the machine.
 */
@Tag("long")
class PrivateDataIT {

    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final String USER = "lab bot";
    /** What shells, URLs, JSON and ClearML's configuration each could take for their own. */
    private static final String PASSWORD = "p$HOME \"q\" 'r' `id` $(id) @ \\n%41 #end";
    private static final String OBJECT = "what only the key opens";

    /** Reads the object with ClearML's SDK, as tasks do. */
    private static final String CODE = """
            import os
            from clearml import StorageManager
            path = StorageManager.get_local_copy(os.environ["OBJECT"])
            print("The object says: " + open(path).read(), flush=True)
            """;

    /** In moto every call needs a key once there is one that needs it. */
    private static final String PREPARE = """
            import boto3, json, sys, urllib.request
            from botocore import UNSIGNED
            from botocore.config import Config
            from botocore.exceptions import ClientError
            moto, text = sys.argv[1:]
            def client(service, key="none", secret="none", **more):
                return boto3.client(service, endpoint_url=moto, region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key=secret, **more)
            s3 = client("s3")
            s3.create_bucket(Bucket="data")
            s3.put_object(Bucket="data", Key="object.txt", Body=text.encode())
            iam = client("iam")
            iam.create_user(UserName="lab")
            rule = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
            iam.put_user_policy(UserName="lab", PolicyName="data", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [rule]}))
            key = iam.create_access_key(UserName="lab")["AccessKey"]
            urllib.request.urlopen(urllib.request.Request(moto + "/moto-api/reset-auth", data=b"0", headers={"Content-Type": "text/plain"})).read()
            refused = []
            for who, other in (("nobody", client("s3", config=Config(signature_version=UNSIGNED))), ("wrong secret", client("s3", key["AccessKeyId"], "x" * 40))):
                try:
                    other.get_object(Bucket="data", Key="object.txt")
                except ClientError as no:
                    refused.append(who + " " + str(no.response["ResponseMetadata"]["HTTPStatusCode"]))
            print(json.dumps({"key": key["AccessKeyId"], "secret": key["SecretAccessKey"], "refused": refused}))
            """;

    @TempDir
    Path folder;

    private Shell shell;
    private Process moto;

    @AfterEach
    void down() throws Exception {
        if (shell != null) {
            shell.run("./muster down");
            shell.endAll();
        }
        if (moto != null) {
            moto.destroyForcibly();
        }
    }

    /** @param inStore the fleet names AWS's secret stores, and the services never have the secrets */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aTaskReadsPrivateCodeAndDataAndTheirSecretsStayOnTheMachine(boolean inStore) throws Exception {
        var python = Parts.python("private code and data");
        var backend = Path.of(ran("git", "--exec-path")).resolve("git-http-backend");
        Parts.require("private code and data", backend, "install git");
        try (var git = new GitServer(backend, repositories(), USER, PASSWORD)) {
            var store = startMoto(python);
            var prepared = new ObjectMapper().readTree(ran(python.toString(), "-c", PREPARE, store, OBJECT));
            assertThat(prepared.path("refused").toString()).isEqualTo("[\"nobody 403\",\"wrong secret 403\"]");
            var secrets = List.of(new Secret("the repository's password", PASSWORD), new Secret("the object store's secret", prepared.path("secret").asText()));

            shell = new Shell(folder);
            shell.run("./muster up --machines processes --speed 10 --json").succeeded();
            var standIns = StandIns.of(shell);
            var clearml = Clearml.of(shell);
            var run = shell.run("./muster status --json").succeeded().json();
            var secretsFolder = Path.of(run.path("secrets").asText());
            var json = new ObjectMapper();
            if (inStore) {
                for (var secret : Map.of("git", json.writeValueAsString(Map.of("user", USER, "password", PASSWORD)), "s3-key", prepared.path("key").asText()).entrySet()) {
                    standIns.post("/ec2/secrets", json.writeValueAsString(Map.of("name", secret.getKey(), "value", secret.getValue())));
                }
                standIns.post("/ec2/parameters", json.writeValueAsString(Map.of("name", "/lab/s3-secret", "value", prepared.path("secret").asText(), "secure", true)));
            } else {
                for (var secret : Map.of("git-user", USER, "git-password", PASSWORD, "s3-key", prepared.path("key").asText(), "s3-secret",
                        prepared.path("secret").asText()).entrySet()) {
                    Files.writeString(secretsFolder.resolve(secret.getKey()), secret.getValue() + "\n");
                }
            }
            Files.writeString(folder.resolve("private.yaml"), """
                    name: private
                    queues:
                      cpu: [cpu]
                    pools:
                      cpu:
                        provider: aws
                        region: us-east-1
                        type: c5.xlarge
                        max: 1
                        idle: 20s
                        aws: {instanceProfile: private-machine}
                        agent:
                          docker: false
                          cpuOnly: true
                          environment:
                            CLEARML_AGENT_SKIP_PYTHON_ENV_INSTALL: "1"
                            CLEARML_AGENT_GIT_USER: {secretRef: "%2$s"}
                            CLEARML_AGENT_GIT_PASS: {secretRef: "%3$s"}
                            OBJECT: "s3://%1$s/data/object.txt"
                          storage: {s3: [{host: "%1$s", key: {secretRef: "%4$s"}, secret: {secretRef: "%5$s"}, insecure: true}]}
                    """.formatted(store.substring("http://".length()), inStore ? "secretsmanager:git#user" : "git-user",
                            inStore ? "secretsmanager:git#password" : "git-password", inStore ? "secretsmanager:s3-key" : "s3-key",
                            inStore ? "ssm:/lab/s3-secret" : "s3-secret"));
            shell.run("./muster fleet apply -f private.yaml").succeeded();
            Await.within(PATIENCE, "the queue is seen", () -> shell.run("./muster queue list --json").succeeded().out().contains("\"age\""));
            clearml.call("queues.create", "{\"name\": \"cpu\"}");
            var task = clearml.enqueue("""
                    {"name": "private", "type": "training", "script": {"binary": "python3", "repository": "%s/code.git", "branch": "main",
                     "entry_point": "read.py", "working_dir": ".", "requirements": {"pip": ""}}}""".formatted(git.url()), "cpu");
            Await.within(PATIENCE, "the task's end", () -> Set.of("completed", "failed", "stopped").contains(clearml.statusOf(task)));
            Await.within(PATIENCE, "the agent's last word on it", () -> clearml.logOf(task).contains("Process completed successfully")
                    || clearml.logOf(task).contains("Process failed"));

            var log = clearml.logOf(task);
            assertThat(clearml.statusOf(task)).as(log.substring(Math.max(0, log.length() - 3000))).isEqualTo("completed");
            assertThat(log).contains("The object says: " + OBJECT);
            assertThat(git.served()).isPositive();
            Await.within(PATIENCE, "no machine left", () -> shell.run("./muster machine list --json").succeeded().json().path("machines").isEmpty());

            var ids = StreamSupport.stream(standIns.get("/ec2/books").path("instances").spliterator(), false).map(machine -> machine.path("id").asText()).toList();
            assertThat(ids).isNotEmpty();
            var said = new TreeMap<>(AllRecords.of(run.path("kafka").asText()));
            assertThat(said.keySet()).contains("topic muster.commands.aws", "topic muster.decisions", "topic muster.fleets", "topic muster.requests");
            said.put("the task's log", log.getBytes(UTF_8));
            for (var id : ids) {
                said.put("the console of " + id, standIns.text("/ec2/instances/" + id + "/console").getBytes(UTF_8));
            }
            for (var secret : secrets) {
                // That it would be found: as it was put there, and as the agent writes it on the machine.
                var machines = folder.resolve(".muster/run/machines");
                assertThat(secret.filesWithIt(secretsFolder, List.of())).hasSize(inStore ? 0 : 1);
                assertThat(secret.filesWithIt(machines, List.of())).as(secret.name()).isNotEmpty();
                assertThat(said.keySet().stream().filter(place -> secret.isIn(said.get(place)))).as(secret.name()).isEmpty();
                // Kafka's own files, logs, the services' state and settings. A machine's folder is its disk.
                assertThat(secret.filesWithIt(folder.resolve(".muster"), List.of(secretsFolder, machines))).as(secret.name()).isEmpty();
            }
        }
    }

    /** A bare repository {@code code.git} with the task's code in it; the folder that it is in. */
    private Path repositories() throws Exception {
        var work = Files.createDirectories(folder.resolve("work"));
        Files.writeString(work.resolve("read.py"), CODE);
        for (var words : List.of(List.of("init", "-q", "-b", "main"), List.of("add", "read.py"),
                List.of("-c", "user.name=lab", "-c", "user.email=lab@example.org", "commit", "-q", "-m", "Read"))) {
            var command = new ArrayList<>(List.of("git", "-C", work.toString()));
            command.addAll(words);
            ran(command.toArray(String[]::new));
        }
        var repositories = Files.createDirectories(folder.resolve("repositories"));
        ran("git", "clone", "-q", "--bare", work.toString(), repositories.resolve("code.git").toString());
        return repositories;
    }

    private String startMoto(Path python) throws Exception {
        int port;
        try (var socket = new ServerSocket(0)) {
            port = socket.getLocalPort();
        }
        var builder = new ProcessBuilder(python.toString(), "-m", "moto.server", "-H", "127.0.0.1", "-p", Integer.toString(port)).redirectErrorStream(true)
                .redirectOutput(folder.resolve("moto.log").toFile());
        // Calls that need no key; the test ends that time itself.
        builder.environment().put("INITIAL_NO_AUTH_ACTION_COUNT", "1000000");
        moto = builder.start();
        var url = "http://127.0.0.1:" + port;
        var http = HttpClient.newHttpClient();
        Await.within(Duration.ofSeconds(30), "moto to answer", () -> {
            try {
                return http.send(HttpRequest.newBuilder(URI.create(url + "/moto-api/data.json")).build(), HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
            } catch (IOException notYet) {
                return false;
            }
        });
        return url;
    }

    /** What a program says that must go well. */
    private static String ran(String... command) throws IOException, InterruptedException {
        var process = new ProcessBuilder(command).redirectErrorStream(true).start();
        var said = new String(process.getInputStream().readAllBytes(), UTF_8).strip();
        assertThat(process.waitFor()).as("%s: %s", List.of(command), said).isZero();
        return said;
    }
}
