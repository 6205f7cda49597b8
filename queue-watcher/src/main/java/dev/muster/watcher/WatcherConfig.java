package dev.muster.watcher;

import dev.muster.contracts.KafkaSecurity;
import dev.muster.telemetry.LogConfig;
import dev.muster.telemetry.TracesConfig;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/** Everything that can be set of the watcher. A process whose settings are wrong doesn't start, and says which and how. */
@ConfigMapping(prefix = "muster")
public interface WatcherConfig {

    /** Name of this Muster: part of what it calls things at clouds and queue systems. Required. */
    String installation();

    /** Name of this process, unique among the installation's watchers. Default: host and process id. */
    Optional<String> instance();

    Kafka kafka();

    Topics topics();

    Secrets secrets();

    /** ClearML servers by name. A fleet that names none means the one called default. At least one. */
    Map<String, Connection> connections();

    LogConfig log();

    TracesConfig traces();

    interface Kafka {
        /** As {@code host:port[,…]}. Required. */
        String bootstrapServers();

        /** How the watcher shows who it is. */
        KafkaSecurity security();
    }

    interface Topics {
        /** Before the name of every topic. */
        @WithDefault(dev.muster.contracts.Topics.DEFAULT_PREFIX)
        String prefix();

        /** Partitions of the planner's inputs and of the command topics; one number for the installation's life. */
        @WithDefault("32")
        int inputPartitions();
    }

    interface Secrets {
        /** Folder with one file a secret. Required. */
        Path folder();
    }

    interface Connection {
        /** Base of the ClearML API that Muster calls. Required. */
        URI api();

        /** Time between looks. Default: 1 s; 10 s where the API is ClearML's hosted service. */
        Optional<Duration> interval();

        /** Muster lists itself as a worker of its queues, so that ClearML shows them as served while no machine runs. */
        @WithDefault("true")
        boolean registerWorker();

        /** For a connection to be there. */
        @WithDefault("3s")
        Duration connectTimeout();

        /** For a whole answer. Two of them make a look, which may not be older than 10 s. */
        @WithDefault("8s")
        Duration timeout();

        /** PEM file of the authorities to trust instead of the JVM's own. */
        Optional<Path> caBundle();

        /** Answers may come compressed. Unpacking them costs more than taking them from a network that is near. */
        @WithDefault("true")
        boolean compression();

        /** HTTP proxy as {@code http://host:port}. */
        Optional<URI> proxy();
    }
}
