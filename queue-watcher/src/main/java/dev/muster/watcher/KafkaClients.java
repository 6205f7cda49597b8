package dev.muster.watcher;

import dev.muster.contracts.KafkaSettings;
import io.smallrye.common.annotation.Identifier;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Produces;
import java.util.HashMap;
import java.util.Map;

/** Settings of the messaging channels' Kafka clients, from the contract that all services share. */
@ApplicationScoped
public class KafkaClients {

    @Produces
    @Identifier("watcher-consumer")
    Map<String, Object> consumer(Settings settings) {
        var consumer = new HashMap<>(KafkaSettings.consumer(settings.kafka()));
        // A killed owner's connections are looked at again before their silence makes the planner hold.
        consumer.put("session.timeout.ms", 6_000);
        consumer.put("heartbeat.interval.ms", 2_000);
        // Owners keep what they have when another one comes or goes.
        consumer.put("partition.assignment.strategy", "org.apache.kafka.clients.consumer.CooperativeStickyAssignor");
        return consumer;
    }

    @Produces
    @Identifier("watcher-producer")
    Map<String, Object> producer(Settings settings) {
        var producer = new HashMap<>(KafkaSettings.producer(settings.kafka()));
        // What is older than ten seconds is no news: better to say the newest.
        producer.put("request.timeout.ms", 5_000);
        producer.put("delivery.timeout.ms", 10_000);
        producer.put("max.block.ms", 5_000);
        return producer;
    }
}
