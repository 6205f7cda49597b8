package dev.muster.planner;

import dev.muster.contracts.KafkaRights;
import dev.muster.contracts.Topics;
import dev.muster.sandbox.broker.SecuredBroker;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import java.util.HashMap;
import java.util.Map;

/** A broker that demands to know who speaks, at which the planner has the rights of docs/kafka.md and no others. */
public final class SecuredBrokerResource implements QuarkusTestResourceLifecycleManager {

    static final Topics TOPICS = new Topics(Topics.DEFAULT_PREFIX, Topics.SANDBOX_INPUT_PARTITIONS);
    static final String USER = "muster-planner";

    private ResourceFolder folder;
    private SecuredBroker broker;

    @Override
    public Map<String, String> start() {
        try {
            folder = new ResourceFolder("planner-secured");
            broker = SecuredBroker.start(folder.path());
            broker.broker().createTopics(TOPICS);
            broker.service(TOPICS, KafkaRights.PLANNER);
            var settings = new HashMap<>(broker.settings(USER));
            settings.put("muster.installation", "lab");
            settings.put("muster.topics.input-partitions", Integer.toString(TOPICS.inputPartitions()));
            settings.put("test.kafka.everything", broker.broker().bootstrapServers());
            return settings;
        } catch (Exception failed) {
            throw new IllegalStateException("the broker of the test did not start", failed);
        }
    }

    @Override
    public void stop() {
        if (broker != null) {
            broker.close();
        }
        if (folder != null) {
            folder.close();
        }
    }
}
