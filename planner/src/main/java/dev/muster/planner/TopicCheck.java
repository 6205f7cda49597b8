package dev.muster.planner;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** Whether the broker's topics are as the planner needs them. Kafka Streams would plan one fleet on two partitions without a word. */
final class TopicCheck {

    /** A broker that starts together with the planner is there within it; one that is down for longer is for people to see. */
    private static final int BROKER_WITHIN_SECONDS = 30;

    private TopicCheck() {}

    /** @throws IllegalStateException in one sentence that says what is wrong and what to do */
    static void require(Settings settings) {
        Map<String, Object> config = Map.of(
                "bootstrap.servers", settings.bootstrapServers(),
                "default.api.timeout.ms", BROKER_WITHIN_SECONDS * 1000,
                "request.timeout.ms", 5_000);
        try (var admin = Admin.create(config)) {
            var problems = settings.topics().problems(partitions(admin, settings));
            if (!problems.isEmpty()) {
                throw new IllegalStateException(String.join("; ", problems) + ".");
            }
        } catch (KafkaException wrong) {
            var cause = wrong.getCause() == null ? wrong : wrong.getCause();
            throw new IllegalStateException("muster.kafka.bootstrap-servers is '" + settings.bootstrapServers()
                    + "', and " + cause.getMessage() + ".");
        }
    }

    private static Map<String, Integer> partitions(Admin admin, Settings settings) {
        var names = settings.topics().all().stream().map(definition -> definition.name()).toList();
        var found = new HashMap<String, Integer>();
        try {
            for (var topic : admin.describeTopics(names).topicNameValues().entrySet()) {
                try {
                    TopicDescription description = topic.getValue().get(BROKER_WITHIN_SECONDS, TimeUnit.SECONDS);
                    found.put(topic.getKey(), description.partitions().size());
                } catch (ExecutionException failed) {
                    if (!(failed.getCause() instanceof UnknownTopicOrPartitionException)) {
                        throw unreachable(settings, failed.getCause());
                    }
                }
            }
        } catch (TimeoutException silent) {
            throw unreachable(settings, silent);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("it was stopped while it started.");
        }
        return found;
    }

    private static IllegalStateException unreachable(Settings settings, Throwable why) {
        return new IllegalStateException("Kafka does not answer at " + settings.bootstrapServers() + " ("
                + why.getClass().getSimpleName() + "); start it, or set muster.kafka.bootstrap-servers to where it is.");
    }
}
