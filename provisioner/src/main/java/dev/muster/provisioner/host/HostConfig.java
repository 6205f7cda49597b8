package dev.muster.provisioner.host;

import dev.muster.contracts.KafkaSecurity;
import dev.muster.telemetry.LogConfig;
import dev.muster.telemetry.TracesConfig;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/** Settings of every provisioner. */
@ConfigMapping(prefix = "muster")
public interface HostConfig {

    /** Name of this Muster among all that use the same clouds; on every machine's tags. Required. */
    Optional<String> installation();

    /** This process's name among the service's. Default: host name and process id. */
    Optional<String> instance();

    Kafka kafka();

    Topic topics();

    Secrets secrets();

    LogConfig log();

    TracesConfig traces();

    Inventory inventory();

    Prices prices();

    /** ClearML servers by the names that fleets use. */
    Map<String, ConnectionConfig> connections();

    interface Kafka {
        /** host:port, several with commas. */
        @WithDefault("localhost:9092")
        String bootstrapServers();

        /** How the provisioner shows who it is. */
        KafkaSecurity security();
    }

    interface Topic {
        /** Before every topic's name. */
        @WithDefault("muster.")
        String prefix();

        /** Partitions of the planner's inputs; fixed for the installation's life. */
        @WithDefault("32")
        int inputPartitions();
    }

    interface Secrets {
        /** Folder with one file a secret. */
        @WithDefault("secrets")
        String folder();
    }

    interface Inventory {
        /** Between two lists of a scope while something moves there. */
        @WithDefault("2s")
        Duration fast();

        /** Between two lists of a scope at rest. */
        @WithDefault("60s")
        Duration slow();
    }

    interface Prices {
        /** What machines cost where a spec does not say it; docs/prices.md has its form. Default: there is none. */
        Optional<String> file();
    }

    interface ConnectionConfig {
        /** URL of the API server as Muster's services call it. Required. */
        Optional<String> api();

        MachineHosts machineHosts();
    }

    /** What machines are given; by default it follows from {@code api}. */
    interface MachineHosts {
        Optional<String> api();

        Optional<String> web();

        Optional<String> files();
    }
}
