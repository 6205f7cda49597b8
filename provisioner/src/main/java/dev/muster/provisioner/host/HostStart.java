package dev.muster.provisioner.host;

import dev.muster.contracts.KafkaConnection;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.LogLevels;
import dev.muster.contracts.SecretsFolder;
import dev.muster.contracts.Topics;
import dev.muster.provisioner.spi.MachineProvider;
import dev.muster.telemetry.Meters;
import dev.muster.telemetry.Traces;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.runtime.configuration.ConfigurationException;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** Starts the host with the application, and ends it with it. */
@ApplicationScoped
public class HostStart {

    private final ProvisionerHost host;
    private final HostSettings settings;
    private final Traces traces;
    private final Optional<Path> levelsFile;
    private LogLevels levels;

    HostStart(HostConfig config, MachineProvider provider, SecretsFolder secrets, MeterRegistry registry,
            @ConfigProperty(name = "quarkus.application.version") String version) {
        this.settings = orRefuse(() -> settings(config, provider.name() + "-provisioner", version));
        this.levelsFile = config.log().levelsFile();
        this.traces = orRefuse(() -> Traces.of(settings.service(), settings.instance(), version, config.traces().endpoint(), config.traces().ratio()));
        this.host = new ProvisionerHost(settings, provider, secrets, new Meters(registry), traces, Clock.systemUTC());
    }

    /** What is wrong with the configuration ends the start with its one sentence. */
    public static <T> T orRefuse(Supplier<T> configured) {
        try {
            return configured.get();
        } catch (IllegalArgumentException wrong) {
            throw new ConfigurationException(wrong.getMessage());
        }
    }

    static HostSettings settings(HostConfig config, String service, String version) {
        return new HostSettings(service, version, config.instance().orElseGet(HostStart::hostAndProcess), config.instance().isPresent(),
                installation(config), kafka(config), new Topics(config.topics().prefix(), config.topics().inputPartitions()),
                connections(config), config.inventory().fast(), config.inventory().slow(), Backoff.USUAL,
                config.prices().file().map(HostStart::priceFile));
    }

    private static KafkaConnection kafka(HostConfig config) {
        return KafkaConnection.of(config.kafka().bootstrapServers(), config.kafka().security(), secrets(config));
    }

    /** ClearML servers by name. @throws IllegalArgumentException naming the key and the fix */
    public static Map<String, Connection> connections(HostConfig config) {
        var connections = new TreeMap<String, Connection>();
        config.connections().forEach((name, connection) -> {
            var api = connection.api().orElseThrow(() -> new IllegalArgumentException(
                    "muster.connections." + name + ".api is missing; set it to the URL of the ClearML API server"));
            var machines = connection.machineHosts();
            Stream.of(Optional.of(api), machines.api(), machines.web(), machines.files()).flatMap(Optional::stream)
                    .forEach(host -> plain("an address of muster.connections." + name, host, "https://api.clear.ml"));
            connections.put(name, Connection.of(name, api, machines.api(), machines.web(), machines.files()));
        });
        return connections;
    }

    /** An address that is logged and shown: what has more may be a password, and is not even repeated here. */
    private static void plain(String key, String url, String example) {
        if (!url.matches("[^@?#]*")) {
            throw new IllegalArgumentException(key + " has a user name, a password, a query or a fragment; it must be a URL such as " + example + ", and keys are files of the secrets folder");
        }
    }

    /** @throws IllegalArgumentException naming the key and, as the fix, the example */
    public static Optional<URI> url(String key, Optional<String> url, String example) {
        return url.map(text -> {
            plain(key, text, example);
            try {
                var uri = URI.create(text);
                if (uri.getScheme() != null && uri.getHost() != null) {
                    return uri;
                }
            } catch (IllegalArgumentException malformed) {
                // Said below.
            }
            throw new IllegalArgumentException(key + " is '" + text + "'; it must be a URL such as " + example);
        });
    }

    /** @throws IllegalArgumentException naming the key and the fix */
    public static String installation(HostConfig config) {
        var name = config.installation().orElseThrow(() -> new IllegalArgumentException(
                "muster.installation is missing; set it to a name that no other Muster on the same clouds has"));
        if (!name.matches("[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")) {
            throw new IllegalArgumentException(
                    "muster.installation is '" + name + "'; use 1 to 32 lower-case letters, digits and '-', beginning and ending with no '-'");
        }
        return name;
    }

    /** Read once, so that a file that can't be is found at the start. */
    private static Path priceFile(String name) {
        var path = Path.of(name);
        Prices.check(path);
        return path;
    }

    private static String hostAndProcess() {
        try {
            return InetAddress.getLocalHost().getHostName() + ":" + ProcessHandle.current().pid();
        } catch (UnknownHostException unnamed) {
            return "localhost:" + ProcessHandle.current().pid();
        }
    }

    @Produces
    @Singleton
    static SecretsFolder secrets(HostConfig config) {
        return new SecretsFolder(Path.of(config.secrets().folder()));
    }

    ProvisionerHost host() {
        return host;
    }

    void onStart(@Observes StartupEvent event) {
        levels = LogLevels.follow(settings.service(), levelsFile, KafkaSettings.consumer(settings.kafka()), settings.topics());
        host.start();
    }

    void onStop(@Observes ShutdownEvent event) {
        host.close();
        levels.close();
        traces.close();
    }
}
