package dev.muster.planner.control;

import dev.muster.contracts.Topics;
import dev.muster.planner.ResourceFolder;
import dev.muster.sandbox.broker.KafkaBroker;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import java.util.Map;

/** A broker with the topics, in a folder of its own, as long as the tests run. */
public final class BrokerResource implements QuarkusTestResourceLifecycleManager {

    /** Of each fleet: few, so that a test can have more. */
    static final int DECISIONS_KEPT = 100;

    private ResourceFolder folder;
    private KafkaBroker broker;

    @Override
    public Map<String, String> start() {
        try {
            folder = new ResourceFolder("planner-test");
            broker = KafkaBroker.start(new KafkaBroker.Settings(folder.path(), 0));
            broker.createTopics(new Topics(Topics.DEFAULT_PREFIX, Topics.SANDBOX_INPUT_PARTITIONS));
            return Map.of(
                    "muster.installation", "lab",
                    "muster.kafka.bootstrap-servers", broker.bootstrapServers(),
                    "muster.planner.decisions-kept", Integer.toString(DECISIONS_KEPT),
                    "muster.topics.input-partitions", Integer.toString(Topics.SANDBOX_INPUT_PARTITIONS));
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
