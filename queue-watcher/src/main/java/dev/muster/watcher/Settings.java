package dev.muster.watcher;

import dev.muster.clearml.ClearmlAddress;
import dev.muster.clearml.Credentials;
import dev.muster.clearml.Worker;
import dev.muster.contracts.KafkaConnection;
import dev.muster.contracts.SecretsFolder;
import dev.muster.contracts.Topics;
import dev.muster.telemetry.Traces;
import io.smallrye.config.SmallRyeConfigBuilder;
import jakarta.enterprise.context.ApplicationScoped;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.eclipse.microprofile.config.Config;
import org.eclipse.microprofile.config.spi.ConfigSourceProvider;

/** The settings, judged: what the rest of the watcher works with. */
@ApplicationScoped
public class Settings {

    static final String SERVICE = "queue-watcher";
    private static final Duration INTERVAL = Duration.ofSeconds(1);
    private static final Duration HOSTED_INTERVAL = Duration.ofSeconds(10);
    private static final List<String> REQUIRED = List.of("muster.installation", "muster.kafka.bootstrap-servers", "muster.secrets.folder");

    private final WatcherConfig config;
    private final String instance;
    private final Topics topics;
    private final SecretsFolder secrets;
    private final KafkaConnection kafka;

    public Settings(WatcherConfig config) {
        this.config = config;
        this.instance = config.instance().orElseGet(Settings::hostAndProcess);
        this.topics = new Topics(config.topics().prefix(), config.topics().inputPartitions());
        this.secrets = new SecretsFolder(config.secrets().folder());
        this.kafka = KafkaConnection.of(config.kafka().bootstrapServers(), config.kafka().security(), secrets);
    }

    /**
     * What keeps a process from starting, in one sentence that names the setting and the fix; null if nothing does.
     *
     * <p>Asked before the application starts: afterwards it would be one line in a hundred of stack trace.
     */
    static String problem(Config config) {
        for (var key : REQUIRED) {
            if (config.getOptionalValue(key, String.class).isEmpty()) {
                return key + " is not set: " + switch (key) {
                    case "muster.installation" -> "give this Muster a name, such as prod";
                    case "muster.kafka.bootstrap-servers" -> "set it to the brokers, as host:port[,host:port]";
                    default -> "set it to the folder that holds one file for each secret";
                } + " (as -D" + key + "=… or " + key.toUpperCase(java.util.Locale.ROOT).replaceAll("[^A-Z]", "_") + ")";
            }
        }
        try {
            // The application's own mapping is there only once it starts.
            var mapped = new SmallRyeConfigBuilder()
                    .addDefaultInterceptors()
                    .addDiscoveredConverters()
                    .withSources((ConfigSourceProvider) loader -> config.getConfigSources())
                    .withMapping(WatcherConfig.class)
                    .withValidateUnknown(false)
                    .build()
                    .getConfigMapping(WatcherConfig.class);
            if (mapped.connections().isEmpty()) {
                return "no connection is configured: set muster.connections." + WatchedFleet.DEFAULT_CONNECTION
                        + ".api to the address of your ClearML API server";
            }
            var settings = new Settings(mapped);
            for (var name : mapped.connections().keySet()) {
                var interval = settings.interval(name);
                if (interval.compareTo(Duration.ofMillis(50)) < 0) {
                    return "muster.connections." + name + ".interval is " + interval + "; it must be at least 50ms";
                }
                settings.address(name);
                settings.credentials(name);
            }
            Traces.check(mapped.traces().endpoint(), mapped.traces().ratio());
            return null;
        } catch (RuntimeException wrong) {
            return String.valueOf(wrong.getMessage()).strip().replaceAll("\\s*\\R\\s*", "; ");
        }
    }

    Topics topics() {
        return topics;
    }

    KafkaConnection kafka() {
        return kafka;
    }

    Optional<Path> logLevelsFile() {
        return config.log().levelsFile();
    }

    /** Where what was seen is followed from. */
    Traces traces(String version) {
        return Traces.of(SERVICE, instance, version, config.traces().endpoint(), config.traces().ratio());
    }

    SecretsFolder secrets() {
        return secrets;
    }

    String instance() {
        return instance;
    }

    /** The process as the source of events. */
    String source() {
        return SERVICE + "/" + instance;
    }

    /** Sorted by name. */
    Map<String, WatcherConfig.Connection> connections() {
        return new TreeMap<>(config.connections());
    }

    Duration interval(String connection) {
        var settings = config.connections().get(connection);
        return settings.interval().orElseGet(() -> isHosted(settings.api()) ? HOSTED_INTERVAL : INTERVAL);
    }

    /** ClearML's own service, which many share: app.clear.ml, api.clear.ml and the like. */
    private static boolean isHosted(URI api) {
        var host = String.valueOf(api.getHost()).toLowerCase(java.util.Locale.ROOT);
        return host.equals("clear.ml") || host.endsWith(".clear.ml");
    }

    /** Id of the worker that stands for this Muster at the connection's server; empty: none shall. */
    Optional<String> worker(String connection) {
        return config.connections().get(connection).registerWorker()
                ? Optional.of(Worker.MUSTER_PREFIX + config.installation() + "." + connection) : Optional.empty();
    }

    /** What to look at when the server refuses. */
    String keysOf(String connection) {
        return "its keys are in the files clearml-" + connection + "-access-key and clearml-" + connection + "-secret-key of "
                + config.secrets().folder();
    }

    ClearmlAddress address(String connection) {
        var settings = config.connections().get(connection);
        try {
            settings.caBundle().filter(file -> !java.nio.file.Files.isReadable(file)).ifPresent(file -> {
                throw new IllegalArgumentException("file " + file + " of muster.connections." + connection + ".ca-bundle can't be read");
            });
            return new ClearmlAddress(settings.api(), settings.connectTimeout(), settings.timeout(), settings.caBundle(), settings.proxy(),
                    settings.compression());
        } catch (IllegalArgumentException wrong) {
            throw new IllegalArgumentException("connection " + connection + ": " + wrong.getMessage(), wrong);
        }
    }

    /** Read from their files at each call. */
    Credentials credentials(String connection) {
        return new Credentials(
                secrets.requireHere(SecretsFolder.clearmlAccessKey(connection)).value(),
                secrets.requireHere(SecretsFolder.clearmlSecretKey(connection)).value());
    }

    private static String hostAndProcess() {
        var pid = ManagementFactory.getRuntimeMXBean().getPid();
        try {
            return InetAddress.getLocalHost().getHostName() + ":" + pid;
        } catch (UnknownHostException nameless) {
            return "localhost:" + pid;
        }
    }
}
