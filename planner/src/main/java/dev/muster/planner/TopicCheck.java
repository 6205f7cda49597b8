package dev.muster.planner;

import dev.muster.contracts.KafkaConnection;
import dev.muster.contracts.KafkaRights;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.Topics;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** Whether the broker lets the planner in, allows it what it must do, and has the topics as it needs them. Kafka Streams would plan one fleet on two partitions without a word. */
final class TopicCheck {

    /** A broker that starts together with the planner is there within it; one that is down for longer is for people to see. */
    private static final int BROKER_WITHIN_SECONDS = 30;

    private TopicCheck() {}

    /** @throws IllegalStateException in one sentence that says what is wrong and what to do */
    static void require(KafkaConnection kafka, Topics topics) {
        var config = KafkaSettings.client(kafka);
        config.put("default.api.timeout.ms", BROKER_WITHIN_SECONDS * 1000);
        config.put("request.timeout.ms", 5_000);
        try (var admin = Admin.create(config)) {
            KafkaRights.require(admin, topics, Settings.SERVICE, kafka);
            var problems = topics.problems(partitions(admin, kafka, topics));
            if (!problems.isEmpty()) {
                throw new IllegalStateException(String.join("; ", problems) + ".");
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("it was stopped while it started.");
        } catch (ConfigException wrong) {
            throw new IllegalStateException("muster.kafka.bootstrap-servers is '" + kafka.bootstrapServers() + "', and " + wrong.getMessage() + ".");
        } catch (KafkaException wrong) {
            throw wrong.getCause() instanceof ConfigException address
                    ? new IllegalStateException("muster.kafka.bootstrap-servers is '" + kafka.bootstrapServers() + "', and " + address.getMessage() + ".")
                    : unreachable(kafka, wrong);
        }
    }

    private static Map<String, Integer> partitions(Admin admin, KafkaConnection kafka, Topics topics) throws InterruptedException {
        var names = topics.all().stream().map(definition -> definition.name()).toList();
        var found = new HashMap<String, Integer>();
        try {
            for (var topic : admin.describeTopics(names).topicNameValues().entrySet()) {
                try {
                    TopicDescription description = topic.getValue().get(BROKER_WITHIN_SECONDS, TimeUnit.SECONDS);
                    found.put(topic.getKey(), description.partitions().size());
                } catch (ExecutionException failed) {
                    if (!(failed.getCause() instanceof UnknownTopicOrPartitionException)) {
                        throw unreachable(kafka, failed.getCause());
                    }
                }
            }
        } catch (TimeoutException silent) {
            throw unreachable(kafka, silent);
        }
        return found;
    }

    private static IllegalStateException unreachable(KafkaConnection kafka, Throwable why) {
        if (KafkaConnection.isRefusal(why)) {
            return new IllegalStateException(kafka.problem(why) + ".");
        }
        return new IllegalStateException("Kafka does not answer at " + kafka.bootstrapServers() + " ("
                + why.getClass().getSimpleName() + "); start it, or set muster.kafka.bootstrap-servers to where it is.");
    }
}
