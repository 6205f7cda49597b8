package dev.muster.packaging;

import dev.muster.contracts.Topics;
import dev.muster.sandbox.TimeScale;
import dev.muster.sandbox.broker.KafkaBroker;
import dev.muster.sandbox.clearml.ClearmlConfig;
import dev.muster.sandbox.clearml.ClearmlServer;
import dev.muster.sandbox.ec2.Ec2Config;
import dev.muster.sandbox.ec2.Ec2Server;
import dev.muster.sandbox.gce.GceConfig;
import dev.muster.sandbox.gce.GceServer;
import dev.muster.sandbox.k8s.ClusterConfig;
import dev.muster.sandbox.k8s.KubeServer;
import dev.muster.sandbox.machine.ClearmlMachine;
import dev.muster.sandbox.suite.ControlToken;
import dev.muster.sandbox.suite.Suite;
import dev.muster.sandbox.suite.SuiteSettings;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.InetAddress;
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
import java.util.Properties;
import java.util.concurrent.TimeUnit;

/** What the services meet when one of them is started alone: Kafka with Muster's topics, a ClearML and clouds, all on loopback. */
final class Surroundings implements AutoCloseable {

    private static final String KEY = "IMAGES";

    private final Path folder;
    private final Vertx vertx = Vertx.vertx();
    private final List<AutoCloseable> started = new ArrayList<>();
    private final HttpClient http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).version(HttpClient.Version.HTTP_1_1).build();
    private KafkaBroker broker;
    private SuiteSettings settings;

    private Surroundings(Path folder) {
        this.folder = folder;
    }

    /**
     * @param home the source folder, in which all is built
     * @param folder for their files; anybody may read them, since containers run as nobody who is known here
     */
    static Surroundings start(Path home, Path folder) throws IOException, InterruptedException {
        var surroundings = new Surroundings(Files.createDirectories(folder).toRealPath());
        try {
            surroundings.start(home);
            return surroundings;
        } catch (IOException | InterruptedException | RuntimeException notStarted) {
            surroundings.close();
            throw notStarted;
        }
    }

    private void start(Path home) throws IOException, InterruptedException {
        var topics = new Topics(Topics.DEFAULT_PREFIX, Topics.SANDBOX_INPUT_PARTITIONS);
        broker = begun(KafkaBroker.start(new KafkaBroker.Settings(folder.resolve("kafka"), 0, home.resolve("sandbox/broker/target/lib"), folder.resolve("kafka.log"), () -> {})));
        broker.createTopics(topics);
        var machines = new ClearmlMachine(vertx, new TimeScale(1));
        var clearml = begun(ClearmlServer.start(vertx, 0, ClearmlConfig.of(new ClearmlConfig.Credential(KEY, KEY, "images", "images"))));
        var ec2 = begun(Ec2Server.start(vertx, Ec2Config.defaults(), machines));
        var gce = begun(GceServer.start(vertx, GceConfig.defaults(), machines));
        var cluster = begun(KubeServer.start(vertx, ClusterConfig.defaults(), machines));
        write("kubeconfig", cluster.kubeconfig(KubeServer.PROVISIONER));
        write("secrets/clearml-default-access-key", KEY);
        write("secrets/clearml-default-secret-key", KEY);
        write("secrets/aws-default-access-key-id", Ec2Config.ACCESS_KEY);
        write("secrets/aws-default-secret-access-key", KEY);
        write("secrets/gcp-google-key", gce.keyFile());
        ControlToken.make(folder);
        settings = new SuiteSettings(home.toString(), folder.toString(), folder.toString(), false, "images", 1, topics.inputPartitions(), Map.of(),
                folder.resolve("secrets").toString(), Map.of("default", new SuiteSettings.Connection(clearml.url(), null, null, null)),
                Map.of("default", new SuiteSettings.Account("aws", List.of("us-east-1"), Ec2Config.UBUNTU.id(), ec2.url()),
                        "google", SuiteSettings.Account.google(GceConfig.PROJECT, List.of("us-central1"), null, gce.url()),
                        "cluster", SuiteSettings.Account.kubernetes(new SuiteSettings.Cluster(folder.resolve("kubeconfig").toString(), null, null, null, null, null),
                                List.of(ClusterConfig.NAMESPACE), null)),
                Map.of(), false, List.of(), null);
    }

    private <T extends AutoCloseable> T begun(T server) {
        started.add(server);
        return server;
    }

    private void write(String name, String content) throws IOException {
        var file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, content);
    }

    Path folder() {
        return folder;
    }

    /**
     * Writes what a service is told, as {@code config/application.properties} under the folder.
     *
     * @param seen where the service sees the folder with the files of these surroundings
     */
    void tell(String service, int port, Path working, Path seen) throws IOException {
        var told = new Properties();
        Suite.told(settings, service).forEach((key, value) -> told.put(key, value.replace(folder.toString(), seen.toString())));
        told.put("muster.kafka.bootstrap-servers", broker.bootstrapServers());
        told.put("quarkus.http.host", "127.0.0.1");
        told.put("quarkus.http.port", Integer.toString(port));
        try (var file = Files.newBufferedWriter(Files.createDirectories(working.resolve("config")).resolve("application.properties"))) {
            told.store(file, null);
        }
    }

    /** @return how long it took since this was asked @throws IOException if the process ends before, or isn't ready within the time */
    Duration awaitReady(Process process, int port, Duration within, Path log) throws IOException, InterruptedException {
        var began = System.nanoTime();
        var last = "nothing";
        while (System.nanoTime() - began < within.toNanos()) {
            if (!process.isAlive()) {
                throw new IOException("it ended while it started, exit " + process.exitValue() + ": " + Files.readString(log));
            }
            try {
                var answer = http.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/q/health/ready")).timeout(Duration.ofSeconds(2)).build(),
                        HttpResponse.BodyHandlers.ofString());
                last = answer.body();
                if (answer.statusCode() == 200) {
                    return Duration.ofNanos(System.nanoTime() - began);
                }
            } catch (IOException notYet) {
                // Nobody listens yet.
            }
            TimeUnit.MILLISECONDS.sleep(20);
        }
        throw new IOException("it was not ready within " + within.toSeconds() + " s, it says " + last + ": " + Files.readString(log));
    }

    static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    @Override
    public void close() {
        for (var i = started.size() - 1; i >= 0; i--) {
            try {
                started.get(i).close();
            } catch (Exception notClosed) {
                System.err.println("images: " + notClosed);
            }
        }
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }
}
