package dev.muster.cli;

import dev.muster.contracts.KafkaConnection;
import dev.muster.contracts.KafkaSecurity;
import dev.muster.contracts.SecretsFolder;
import dev.muster.contracts.Topics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Properties;
import java.util.logging.Level;
import java.util.logging.Logger;
import picocli.CommandLine.Option;

/** Which Kafka a command speaks to, and as whom: the local run's, or as a file of a service's own settings says. */
final class KafkaOptions {

    @Option(names = "--kafka", paramLabel = "HOST:PORT", description = "Kafka to speak to (default: that of the settings, else the local run's).")
    String kafka;

    @Option(names = "--kafka-settings", paramLabel = "FILE", description = "Properties with muster.kafka.*, muster.topics.* and muster.secrets.folder, as a service has them.")
    Path file;

    @Option(names = "--topics-prefix", paramLabel = "PREFIX", description = "Before the name of every topic (default: that of the settings, else " + Topics.DEFAULT_PREFIX + ").")
    String prefix;

    /** What was told; of a local run what its planner was told. */
    record Told(KafkaConnection kafka, Topics topics) {}

    /** @throws CliFailure if there is neither a file nor a local run, or the settings are wrong */
    Told told(CommonOptions common) {
        // Whoever holds the logger keeps the level.
        QUIET.setLevel(Level.OFF);
        var properties = new Properties();
        if (file != null) {
            read(file, properties);
        } else if (kafka == null) {
            common.run().requireRunning();
            read(common.run().runFolder().resolve("planner/config/application.properties"), properties);
        }
        try {
            return new Told(connection(properties, kafka), new Topics(prefix != null ? prefix : properties.getProperty("muster.topics.prefix", Topics.DEFAULT_PREFIX),
                    Integer.parseInt(properties.getProperty("muster.topics.input-partitions", Integer.toString(Topics.DEFAULT_INPUT_PARTITIONS)))));
        } catch (NumberFormatException noNumber) {
            throw CliFailure.failed("muster.topics.input-partitions is no number");
        } catch (IllegalArgumentException wrong) {
            throw CliFailure.failed(wrong.getMessage());
        }
    }

    /** As whoever has the settings in this file connects. */
    KafkaConnection of(Path settings) {
        var properties = new Properties();
        read(settings, properties);
        try {
            return connection(properties, kafka);
        } catch (IllegalArgumentException wrong) {
            throw CliFailure.failed(settings + ": " + wrong.getMessage());
        }
    }

    private static KafkaConnection connection(Properties properties, String kafka) {
        var servers = kafka != null ? kafka : properties.getProperty("muster.kafka.bootstrap-servers");
        if (servers == null) {
            throw new IllegalArgumentException("muster.kafka.bootstrap-servers is missing: name a broker with it, or with --kafka");
        }
        return KafkaConnection.of(servers, KafkaSecurity.of(key -> Optional.ofNullable(properties.getProperty(key))),
                new SecretsFolder(Path.of(properties.getProperty("muster.secrets.folder", "secrets"))));
    }

    private static void read(Path file, Properties properties) {
        try (var reader = Files.newBufferedReader(file)) {
            properties.load(reader);
        } catch (IOException | IllegalArgumentException unreadable) {
            throw CliFailure.failed(file + " can't be read: " + unreadable.getClass().getSimpleName());
        }
    }

    private static final Logger QUIET = Logger.getLogger("org.apache.kafka");
}
