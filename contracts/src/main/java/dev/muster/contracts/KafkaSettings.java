package dev.muster.contracts;

import java.util.LinkedHashMap;
import java.util.Map;

/** Client settings that correctness rests on, in one place. Each map may be added to, not contradicted. */
public final class KafkaSettings {

    /** A record is never larger; full pictures and inventories go in numbered parts. Bytes. */
    public static final int MAX_RECORD_BYTES = 512 * 1024;

    private KafkaSettings() {}

    /** Of everything that speaks to Kafka: where it is, and who we are. */
    public static Map<String, Object> client(KafkaConnection kafka) {
        var settings = new LinkedHashMap<String, Object>(kafka.security());
        settings.put("bootstrap.servers", kafka.bootstrapServers());
        return settings;
    }

    /** Of every reader of a topic that the planner or a provisioner writes in transactions. */
    public static Map<String, Object> consumer(KafkaConnection kafka) {
        var settings = client(kafka);
        settings.put("isolation.level", "read_committed");
        settings.put("enable.auto.commit", false);
        settings.put("auto.offset.reset", "earliest");
        settings.put("allow.auto.create.topics", false);
        return settings;
    }

    /** Of every writer. Transactional writers add their {@code transactional.id}. */
    public static Map<String, Object> producer(KafkaConnection kafka) {
        var settings = client(kafka);
        settings.put("enable.idempotence", true);
        settings.put("acks", "all");
        settings.put("max.request.size", 2 * MAX_RECORD_BYTES);
        // Commands wait for nobody: a record is sent when it is there.
        settings.put("linger.ms", 0);
        return settings;
    }

    /** As above, of a broker that asks nobody who they are: the sandbox's and most tests'. Services have a {@link KafkaConnection}. */
    public static Map<String, Object> consumer(String bootstrapServers) {
        return consumer(KafkaConnection.plaintext(bootstrapServers));
    }

    /** As above, of a broker that asks nobody who they are. */
    public static Map<String, Object> producer(String bootstrapServers) {
        return producer(KafkaConnection.plaintext(bootstrapServers));
    }
}
