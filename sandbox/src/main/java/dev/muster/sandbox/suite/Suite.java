package dev.muster.sandbox.suite;

import dev.muster.sandbox.broker.KafkaBroker;
import dev.muster.sandbox.process.JvmCommand;
import dev.muster.sandbox.process.SupervisedJvm;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * A whole Muster on one computer: Kafka, unless the user has one, and the services as child processes, started again when they end; in a sandbox also
 * the stand-ins for ClearML and clouds, inside this process. Children never outlive it.
 *
 * <p>How it is doing stands in {@code suite.json} of its folder and at {@code GET /status} of its admin port.
 */
public final class Suite implements AutoCloseable {

    private static final Duration LOOK_EVERY = Duration.ofMillis(250);
    private static final Duration HEALTH_TIMEOUT = Duration.ofSeconds(2);

    private final SuiteSettings settings;
    private final Path folder;
    private final HttpClient http = HttpClient.newBuilder().connectTimeout(HEALTH_TIMEOUT).version(HttpClient.Version.HTTP_1_1).build();
    private final CountDownLatch stopAsked = new CountDownLatch(1);
    private final Map<String, Child> children = new TreeMap<>();
    private final Vertx vertx = Vertx.vertx(new io.vertx.core.VertxOptions().setEventLoopPoolSize(2).setWorkerPoolSize(8));

    private KafkaBroker broker;
    private StandIns standIns;
    private AdminServer admin;
    private int controlPort;
    private String clearml = "";
    private Map<String, String> connections = Map.of();
    private FileChannel lock;
    private String doing = "starting";
    private String failed = "";
    private boolean closed;

    /** A service's process and what its health said last. */
    private static final class Child {
        private final SupervisedJvm jvm;
        private final int port;
        private String problem = "starting";

        private Child(SupervisedJvm jvm, int port) {
            this.jvm = jvm;
            this.port = port;
        }
    }

    private Suite(SuiteSettings settings) {
        this.settings = settings;
        this.folder = Path.of(settings.folder()).toAbsolutePath();
    }

    /**
     * Runs until it is asked to stop.
     *
     * @param arguments the file with the {@link SuiteSettings}
     */
    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 1) {
            System.err.println("usage: Suite SETTINGS.json; ./muster up starts it");
            System.exit(2);
        }
        var suite = new Suite(SuiteSettings.read(Path.of(arguments[0])));
        Runtime.getRuntime().addShutdownHook(new Thread(suite::close, "stop-suite"));
        try {
            suite.start();
        } catch (IOException | RuntimeException notStarted) {
            suite.fail(notStarted);
            System.exit(1);
        }
        suite.watchUntilStopped();
        System.exit(0);
    }

    /** Starts everything; returns when every process is started, which is before every one is ready. */
    public static Suite start(SuiteSettings settings) throws IOException, InterruptedException {
        var suite = new Suite(settings);
        try {
            suite.start();
        } catch (IOException | RuntimeException | InterruptedException notStarted) {
            suite.close();
            throw notStarted;
        }
        var watch = new Thread(suite::watchUntilStopped, "suite-watch");
        watch.setDaemon(true);
        watch.start();
        return suite;
    }

    /**
     * What a service is told where it meets others, by its own names of the settings; nothing is started. Kafka, which has no address then,
     * has none in it.
     *
     * @param module folder of its build, and its name
     */
    public static Map<String, String> told(SuiteSettings settings, String module) {
        return new Services(settings).told(module);
    }

    private void start() throws IOException, InterruptedException {
        Files.createDirectories(folder.resolve("logs"));
        takeFolder();
        if (settings.sandbox()) {
            // The clouds begin empty; records of their machines would be of machines that never were.
            delete(Path.of(settings.data()));
        }
        for (var port : settings.ports().entrySet()) {
            requireFree(port.getKey(), port.getValue());
        }
        admin = AdminServer.start(vertx, settings.port("admin"), this);
        var servers = new HashMap<>(settings.connections());
        var accounts = new HashMap<>(settings.accounts());
        if (settings.sandbox()) {
            progress("starting the stand-ins");
            standIns = StandIns.start(vertx, settings, admin.router());
            servers.put("default", standIns.connection());
            accounts.putAll(standIns.accounts());
        }
        connections = servers.entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, server -> server.getValue().api()));
        clearml = connections.getOrDefault("default", "");
        var services = new Services(settings);
        var running = services.running(accounts);
        services.requireBuilt(running);
        if (settings.kafka() == null) {
            startBroker();
        } else {
            progress("looking at Kafka");
            OwnKafka.require(settings, running.stream().map(Services.Service::module).toList());
        }
        progress("starting the services");
        ControlToken.make(folder);
        controlPort = portFor("control");
        for (var service : running) {
            startService(services, service, servers, accounts);
        }
        write();
    }

    private void startBroker() throws IOException, InterruptedException {
        progress("starting Kafka");
        var library = new Services(settings).programs().broker();
        broker = KafkaBroker.start(new KafkaBroker.Settings(Path.of(settings.data()).resolve("kafka"), settings.port("kafka"),
                library, folder.resolve("logs/kafka.log"), this::write));
        progress("making the topics");
        broker.createTopics(settings.topics());
    }

    /** Empty: there is none yet. */
    private String kafka() {
        return settings.kafka() != null ? settings.kafka().bootstrapServers() : broker == null ? "" : broker.bootstrapServers();
    }

    /** Two suites in one folder would share Kafka's data and each other's state file. */
    private void takeFolder() throws IOException {
        lock = FileChannel.open(folder.resolve("suite.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        if (lock.tryLock() == null) {
            throw new IOException("another suite runs in " + folder + ": end it with ./muster down");
        }
    }

    private void startService(Services services, Services.Service service, Map<String, SuiteSettings.Connection> connections,
            Map<String, SuiteSettings.Account> accounts) throws IOException {
        var port = service.module().equals(Services.PLANNER) ? controlPort : portFor(service.module());
        var work = Files.createDirectories(folder.resolve(service.module()));
        Services.write(services.properties(service, kafka(), port, connections, accounts), work);
        var command = new JvmCommand(service.module(), Services.flags(service), services.programs().start(service.module()),
                // Fewer arenas: a JVM's native memory otherwise grows with its threads.
                Map.of("MALLOC_ARENA_MAX", "2"), work, folder.resolve("logs").resolve(service.module() + ".log"));
        synchronized (this) {
            if (!closed) {
                children.put(service.module(), new Child(SupervisedJvm.start(command, this::write), port));
            }
        }
    }

    private int portFor(String process) throws IOException {
        if (settings.port(process) != 0) {
            return settings.port(process);
        }
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static void requireFree(String process, int port) throws IOException {
        if (port == 0) {
            return;
        }
        try (var socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        } catch (IOException inUse) {
            throw new IOException("port " + port + " for " + process + " is in use: end what listens there, or choose another", inUse);
        }
    }

    private void watchUntilStopped() {
        try {
            while (!stopAsked.await(LOOK_EVERY.toMillis(), TimeUnit.MILLISECONDS)) {
                look();
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        close();
    }

    private void look() {
        List<Child> looked;
        synchronized (this) {
            looked = List.copyOf(children.values());
        }
        var changed = false;
        for (var child : looked) {
            var problem = child.jvm.isAlive() ? health(child.port) : "not running";
            synchronized (this) {
                changed |= !problem.equals(child.problem);
                child.problem = problem;
            }
        }
        synchronized (this) {
            var unready = children.entrySet().stream().filter(child -> !child.getValue().problem.isEmpty()).map(Map.Entry::getKey)
                    .collect(Collectors.joining(", "));
            var now = unready.isEmpty() ? "" : "waiting for " + unready;
            changed |= !now.equals(doing);
            doing = now;
        }
        if (changed) {
            write();
        }
    }

    private String health(int port) {
        try {
            var request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/q/health/ready")).timeout(HEALTH_TIMEOUT).build();
            var answer = http.send(request, HttpResponse.BodyHandlers.ofString());
            return answer.statusCode() == 200 ? "" : "not ready: " + HealthAnswer.problem(answer.body());
        } catch (IOException silent) {
            return "does not answer";
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return "does not answer";
        }
    }

    private synchronized void progress(String now) {
        doing = now;
        write();
    }

    private void fail(Exception why) {
        synchronized (this) {
            failed = why.getMessage() == null ? why.toString() : why.getMessage();
        }
        why.printStackTrace();
        write();
        close();
    }

    /** As of now. */
    public synchronized SuiteState state() {
        var processes = new ArrayList<SuiteState.ProcessState>();
        if (broker != null) {
            processes.add(state("kafka", broker.process(), broker.port(), broker.process().isAlive() ? "" : "not running"));
        }
        children.forEach((name, child) -> processes.add(state(name, child.jvm, child.port, child.problem)));
        var self = ProcessHandle.current();
        return new SuiteState(self.pid(), SuiteState.startedAt(self), settings.sandbox(), settings.installation(), settings.speed(),
                failed.isEmpty() && doing.isEmpty() && processes.stream().allMatch(SuiteState.ProcessState::ready),
                doing, failed, admin == null ? "" : admin.url(), controlPort == 0 ? "" : "127.0.0.1:" + controlPort,
                kafka(), clearml, connections, standIns == null ? "" : standIns.ec2Url(), standIns == null ? "" : standIns.gceUrl(),
                standIns == null ? "" : standIns.k8sUrl(), standIns == null ? "" : standIns.kubeconfig(),
                settings.secrets(), processes);
    }

    private SuiteState.ProcessState state(String name, SupervisedJvm jvm, int port, String problem) {
        var handle = ProcessHandle.of(jvm.pid());
        return new SuiteState.ProcessState(name, jvm.pid(), handle.map(SuiteState::startedAt).orElse(0L), jvm.isAlive(),
                problem.isEmpty() && jvm.isAlive(), problem, jvm.ends(), port, jvm.log().toString(), rssMib(jvm.pid()));
    }

    private static long rssMib(long pid) {
        try (var lines = Files.lines(Path.of("/proc", Long.toString(pid), "status"))) {
            return lines.filter(line -> line.startsWith("VmRSS:")).map(line -> line.replaceAll("\\D", ""))
                    .mapToLong(Long::parseLong).findFirst().orElse(0) / 1024;
        } catch (IOException | UncheckedIOException notLinux) {
            return 0;
        }
    }

    private synchronized void write() {
        if (closed) {
            return;
        }
        try {
            state().write(folder);
        } catch (IOException unwritable) {
            throw new UncheckedIOException("the state file in " + folder + " can't be written", unwritable);
        }
    }

    /** Asks it to stop; returns at once. */
    void askToStop() {
        stopAsked.countDown();
    }

    /** Ends all processes, the broker last; returns when they are gone. A suite that failed leaves its state for whoever reads why. */
    @Override
    public void close() {
        List<SupervisedJvm> ending;
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            ending = children.values().stream().map(child -> child.jvm).toList();
        }
        stopAsked.countDown();
        ending.forEach(SupervisedJvm::askToEnd);
        ending.forEach(SupervisedJvm::close);
        if (standIns != null) {
            standIns.close();
        }
        if (broker != null) {
            broker.close();
        }
        if (failed.isEmpty()) {
            try {
                Files.deleteIfExists(SuiteState.file(folder));
                ControlToken.forget(folder);
            } catch (IOException left) {
                System.err.println("could not delete " + SuiteState.file(folder) + ": " + left);
            }
        }
        vertx.close().toCompletionStage().toCompletableFuture().join();
        try {
            if (lock != null) {
                lock.close();
            }
        } catch (IOException released) {
            System.err.println("could not release " + folder + ": " + released);
        }
    }

    private static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (var files = Files.walk(folder)) {
            for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
