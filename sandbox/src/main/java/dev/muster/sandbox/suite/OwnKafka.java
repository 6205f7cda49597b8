package dev.muster.sandbox.suite;

import dev.muster.contracts.KafkaConnection;
import dev.muster.contracts.KafkaRights;
import dev.muster.contracts.KafkaSecurity;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.SecretsFolder;
import dev.muster.contracts.Topics;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/**
 * A Kafka of the user's own, looked at as each service that is to run before any is started: whoever is refused would only end, be started again, and say
 * why in a log.
 */
final class OwnKafka {

    /** It is there already: whoever waits longer waits in vain. */
    private static final int WITHIN_MS = 15_000;
    private static final int REQUEST_MS = 5_000;
    private static final Pattern SETTING = Pattern.compile("muster\\.kafka\\.((?:security\\.)?)([a-z-]+)");

    private OwnKafka() {}

    /** @param services by name. @throws IllegalStateException in one sentence that says what is wrong and what to do */
    static void require(SuiteSettings settings, List<String> services) throws InterruptedException {
        for (var service : services) {
            var told = new HashMap<>(settings.kafka().told(service));
            // A service's own settings come over these.
            told.putAll(settings.services().getOrDefault(service, Map.of()));
            KafkaConnection kafka;
            try {
                kafka = KafkaConnection.of(told.get("muster.kafka.bootstrap-servers"), KafkaSecurity.of(key -> Optional.ofNullable(told.get(key))),
                        new SecretsFolder(Path.of(settings.secrets())));
            } catch (IllegalArgumentException wrong) {
                throw new IllegalStateException(service + " can't connect to Kafka: " + asWritten(wrong.getMessage()), wrong);
            }
            require(kafka, settings.topics(), service);
        }
    }

    private static void require(KafkaConnection kafka, Topics topics, String service) throws InterruptedException {
        var config = KafkaSettings.client(kafka);
        config.put("default.api.timeout.ms", WITHIN_MS);
        config.put("request.timeout.ms", REQUEST_MS);
        try (var admin = Admin.create(config)) {
            admin.describeCluster().clusterId().get();
            if (service.equals(Services.PLANNER)) {
                var problems = topics.problems(partitions(admin, topics));
                if (!problems.isEmpty()) {
                    throw new IllegalStateException("Kafka at " + kafka.bootstrapServers() + ": " + asWritten(String.join("; ", problems)));
                }
            }
            KafkaRights.require(admin, topics, service, kafka);
        } catch (ExecutionException failed) {
            throw problem(kafka, failed.getCause());
        } catch (KafkaException failed) {
            throw problem(kafka, failed);
        }
    }

    private static Map<String, Integer> partitions(Admin admin, Topics topics) throws InterruptedException, ExecutionException {
        var found = new HashMap<String, Integer>();
        for (var topic : admin.describeTopics(topics.all().stream().map(Topics.Definition::name).toList()).topicNameValues().entrySet()) {
            try {
                found.put(topic.getKey(), topic.getValue().get().partitions().size());
            } catch (ExecutionException failed) {
                if (!(failed.getCause() instanceof UnknownTopicOrPartitionException)) {
                    throw failed;
                }
            }
        }
        return found;
    }

    private static IllegalStateException problem(KafkaConnection kafka, Throwable why) {
        for (var cause = why; cause != null; cause = cause.getCause()) {
            if (cause instanceof ConfigException address) {
                return new IllegalStateException("kafka.bootstrapServers is '" + kafka.bootstrapServers() + "', and " + address.getMessage(), why);
            }
        }
        if (KafkaConnection.isRefusal(why)) {
            return new IllegalStateException(asWritten(kafka.problem(why)), why);
        }
        return new IllegalStateException("Kafka does not answer at " + kafka.bootstrapServers() + " (" + why.getClass().getSimpleName()
                + "): start it, or set kafka.bootstrapServers to where it is; a listener with TLS answers nobody who comes without: set kafka.security", why);
    }

    /** Services' settings by the names that they have in muster.yaml. */
    private static String asWritten(String sentence) {
        return SETTING.matcher(sentence.replace("muster.kafka.security.*", "kafka.security")).replaceAll(setting -> "kafka." + setting.group(1)
                + Pattern.compile("-([a-z])").matcher(setting.group(2)).replaceAll(letter -> letter.group(1).toUpperCase(java.util.Locale.ROOT)))
                .replace("muster.topics.input-partitions", "inputPartitions");
    }
}
