package dev.muster.sandbox.broker;

import dev.muster.contracts.Topics;
import dev.muster.sandbox.process.JvmCommand;
import dev.muster.sandbox.process.SupervisedJvm;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.errors.TopicExistsException;

/**
 * A real Kafka broker (KRaft, one node, loopback) in a JVM of its own, started again when it dies. Its data folder is
 * formatted once: cluster id, topics and records stay across restarts, of the broker as of whoever started it.
 *
 * <p>Ready when {@link #start} returns. Thread-safe.
 */
public final class KafkaBroker implements AutoCloseable {

    private static final Duration READY_WITHIN = Duration.ofSeconds(60);
    private static final int PORT_TRIES = 3;

    private final SupervisedJvm jvm;
    private final int port;
    private final String clusterId;

    private KafkaBroker(SupervisedJvm jvm, int port, String clusterId) {
        this.jvm = jvm;
        this.port = port;
        this.clusterId = clusterId;
    }

    /**
     * @param data records, settings and log of the broker; made if absent
     * @param port to listen on at 127.0.0.1; 0: a free one is found, and kept until close
     * @param library the broker's jars
     * @param log of the broker's process
     * @param onChange called when the process starts or ends; must not block
     * @param listeners further ones at 127.0.0.1, by the name of their protocol, such as {@code SASL_SSL}, with their ports
     * @param more of the server's own settings
     */
    public record Settings(Path data, int port, Path library, Path log, Runnable onChange, Map<String, Integer> listeners, Map<String, String> more) {

        /** Without protection, as in a sandbox. */
        public Settings(Path data, int port, Path library, Path log, Runnable onChange) {
            this(data, port, library, log, onChange, Map.of(), Map.of());
        }

        /** Log beside the data, jars where the build put them. */
        public Settings(Path data, int port) {
            this(data, port, builtLibrary(), data.resolve("broker.log"), () -> {});
        }
    }

    /**
     * The broker's jars as built in the source tree around the working folder, or in {@code muster.home} where that system
     * property is set.
     *
     * @throws IllegalStateException if they aren't there, with the command that builds them
     */
    public static Path builtLibrary() {
        var home = System.getProperty("muster.home");
        var start = Path.of(home == null ? "" : home).toAbsolutePath();
        for (var folder = start; folder != null; folder = folder.getParent()) {
            var library = folder.resolve("sandbox/broker/target/lib");
            if (Files.isDirectory(library)) {
                return library;
            }
        }
        throw new IllegalStateException("the broker's jars are not built under " + start
                + ": run mvn -B -q -pl sandbox/broker package in the source folder");
    }

    /**
     * Starts the broker and waits until it answers.
     *
     * @throws IOException if it can't start, in one sentence: the port in use, or where its log is
     */
    public static KafkaBroker start(Settings settings) throws IOException, InterruptedException {
        Files.createDirectories(settings.data());
        Files.createDirectories(settings.log().toAbsolutePath().getParent());
        if (settings.port() != 0 && isInUse(settings.port())) {
            throw new IOException("port " + settings.port() + " for Kafka is in use: end what listens there, or choose another");
        }
        for (var attempt = 1; ; attempt++) {
            var port = settings.port() == 0 ? freePort() : settings.port();
            try {
                return startOn(port, settings);
            } catch (IOException notStarted) {
                // Between finding a free port and listening on it somebody else may have taken it.
                if (settings.port() != 0 || attempt == PORT_TRIES) {
                    throw notStarted;
                }
            }
        }
    }

    private static KafkaBroker startOn(int port, Settings settings) throws IOException, InterruptedException {
        var records = settings.data().resolve("records").toAbsolutePath();
        var properties = settings.data().resolve("server.properties").toAbsolutePath();
        Files.writeString(properties, serverProperties(port, freePort(), records, settings));
        var jvm = SupervisedJvm.start(command(settings, properties), settings.onChange());
        try {
            awaitAnswer(jvm, port);
            return new KafkaBroker(jvm, port, clusterId(records));
        } catch (IOException | InterruptedException | RuntimeException notReady) {
            jvm.close();
            throw notReady;
        }
    }

    private static JvmCommand command(Settings settings, Path properties) {
        var library = settings.library().toAbsolutePath();
        var flags = new ArrayList<>(List.of("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                "-Dorg.slf4j.simpleLogger.showDateTime=true",
                "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-Dorg.slf4j.simpleLogger.log.kafka.server=info"));
        var archive = library.resolveSibling("broker.jsa");
        if (Files.exists(archive)) {
            flags.add("-XX:SharedArchiveFile=" + archive);
        }
        var target = List.of("-cp", library + "/*", "dev.muster.broker.Broker", properties.toString(), newClusterId());
        return new JvmCommand("kafka", flags, target, Map.of(), settings.data().toAbsolutePath(), settings.log());
    }

    /** 16 random bytes in base64url without padding; Kafka refuses ids that start with a dash. */
    private static String newClusterId() {
        var random = UUID.randomUUID();
        var bytes = ByteBuffer.allocate(16).putLong(random.getMostSignificantBits()).putLong(random.getLeastSignificantBits());
        var id = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes.array());
        return id.startsWith("-") ? newClusterId() : id;
    }

    private static String clusterId(Path records) throws IOException {
        var meta = new Properties();
        try (var reader = Files.newBufferedReader(records.resolve("meta.properties"))) {
            meta.load(reader);
        }
        return meta.getProperty("cluster.id");
    }

    private static String serverProperties(int port, int controllerPort, Path records, Settings settings) {
        var listeners = settings.listeners().entrySet().stream().sorted(Map.Entry.comparingByKey())
                .map(listener -> "," + listener.getKey() + "://127.0.0.1:" + listener.getValue()).collect(Collectors.joining());
        var more = settings.more().entrySet().stream().sorted(Map.Entry.comparingByKey())
                .map(setting -> setting.getKey() + "=" + setting.getValue().replace("\\", "\\\\") + "\n").collect(Collectors.joining());
        // What comes later in the file holds.
        return """
                process.roles=broker,controller
                node.id=1
                listeners=PLAINTEXT://127.0.0.1:%1$d,CONTROLLER://127.0.0.1:%2$d%4$s
                advertised.listeners=PLAINTEXT://127.0.0.1:%1$d%4$s
                controller.listener.names=CONTROLLER
                controller.quorum.voters=1@127.0.0.1:%2$d
                listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
                log.dirs=%3$s
                auto.create.topics.enable=false
                default.replication.factor=1
                min.insync.replicas=1
                # Few partitions of the broker's own topics: each costs files, and time at start.
                offsets.topic.replication.factor=1
                offsets.topic.num.partitions=4
                transaction.state.log.replication.factor=1
                transaction.state.log.min.isr=1
                transaction.state.log.num.partitions=4
                share.coordinator.state.topic.replication.factor=1
                share.coordinator.state.topic.min.isr=1
                share.coordinator.state.topic.num.partitions=1
                # A dead planner's open transaction holds back every reader until the broker ends it; the default looks every 10 s.
                transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
                group.initial.rebalance.delay.ms=0
                # Muster's groups use 6 s; tests go lower.
                group.min.session.timeout.ms=1000
                # The defaults (128 MiB, 10 MiB an index) are made for servers.
                log.cleaner.dedupe.buffer.size=8388608
                log.index.size.max.bytes=1048576
                num.network.threads=2
                num.io.threads=4
                num.recovery.threads.per.data.dir=2
                """.formatted(port, controllerPort, records.toString().replace("\\", "\\\\"), listeners) + more;
    }

    private static void awaitAnswer(SupervisedJvm jvm, int port) throws IOException, InterruptedException {
        var deadline = System.nanoTime() + READY_WITHIN.toNanos();
        while (System.nanoTime() < deadline) {
            if (jvm.ends() > 0) {
                throw new IOException("Kafka ended while starting, exit " + jvm.lastExit() + "; see " + jvm.log());
            }
            // A look at the port first: a client without a broker fills the log with warnings.
            if (isInUse(port) && answers(port)) {
                return;
            }
            TimeUnit.MILLISECONDS.sleep(50);
        }
        throw new IOException("Kafka was not ready within " + READY_WITHIN.toSeconds() + " s; see " + jvm.log());
    }

    private static boolean answers(int port) throws InterruptedException {
        try (var admin = Admin.create(Map.of("bootstrap.servers", "127.0.0.1:" + port,
                "default.api.timeout.ms", 5_000, "request.timeout.ms", 4_000))) {
            return !admin.describeCluster().nodes().get(6, TimeUnit.SECONDS).isEmpty();
        } catch (ExecutionException | java.util.concurrent.TimeoutException notYet) {
            return false;
        }
    }

    private static boolean isInUse(int port) {
        try (var socket = new java.net.Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 500);
            return true;
        } catch (IOException nobody) {
            return false;
        }
    }

    static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /**
     * Makes every topic of the installation that isn't there, and returns when each partition has a leader. Repeating it
     * changes nothing.
     *
     * @throws IllegalStateException if a planner input has another partition count than it must have, in one sentence
     */
    public void createTopics(Topics topics) throws IOException, InterruptedException {
        try (var admin = Admin.create(Map.of("bootstrap.servers", bootstrapServers()))) {
            var there = admin.listTopics().names().get(30, TimeUnit.SECONDS);
            var named = topics.all().stream().map(Topics.Definition::name).filter(there::contains).toList();
            var partitions = admin.describeTopics(named).allTopicNames().get(30, TimeUnit.SECONDS).values().stream()
                    .collect(Collectors.toMap(topic -> topic.name(), topic -> topic.partitions().size()));
            for (var topic : topics.all()) {
                var actual = partitions.get(topic.name());
                if (actual != null && actual != topic.partitions() && topics.inputs().contains(topic.name())) {
                    throw new IllegalStateException("topic " + topic.name() + " has " + actual + " partitions and must have "
                            + topic.partitions() + ": the count is fixed for an installation's life; restore it, or start from an empty data folder");
                }
            }
            var missing = topics.all().stream().filter(topic -> !there.contains(topic.name()))
                    .map(topic -> new NewTopic(topic.name(), topic.partitions(), (short) 1).configs(topic.config())).toList();
            for (var made : admin.createTopics(missing).values().values()) {
                try {
                    made.get(30, TimeUnit.SECONDS);
                } catch (ExecutionException failed) {
                    if (!(failed.getCause() instanceof TopicExistsException)) {
                        throw failed;
                    }
                }
            }
            awaitLeaders(admin, topics);
        } catch (ExecutionException | java.util.concurrent.TimeoutException failed) {
            throw new IOException("topics could not be made: " + failed.getMessage(), failed);
        }
    }

    private static void awaitLeaders(Admin admin, Topics topics) throws IOException, InterruptedException {
        var names = topics.all().stream().map(Topics.Definition::name).toList();
        var deadline = System.nanoTime() + READY_WITHIN.toNanos();
        while (System.nanoTime() < deadline) {
            try {
                var described = admin.describeTopics(names).allTopicNames().get(30, TimeUnit.SECONDS).values();
                if (described.stream().flatMap(topic -> topic.partitions().stream()).allMatch(p -> p.leader() != null)) {
                    return;
                }
            } catch (ExecutionException | java.util.concurrent.TimeoutException notYet) {
                // A topic made this moment may not be known yet.
            }
            TimeUnit.MILLISECONDS.sleep(20);
        }
        throw new IOException("topics had no leader within " + READY_WITHIN.toSeconds() + " s");
    }

    /** Host and port, as clients want it. */
    public String bootstrapServers() {
        return "127.0.0.1:" + port;
    }

    public int port() {
        return port;
    }

    /** Stays the same for the data folder's life. */
    public String clusterId() {
        return clusterId;
    }

    /** The broker's process: its pid, and whether it is alive. */
    public SupervisedJvm process() {
        return jvm;
    }

    /** Stops the broker in good order; the data stays. */
    @Override
    public void close() {
        jvm.close();
    }
}
