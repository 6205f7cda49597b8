import static java.nio.charset.StandardCharsets.UTF_8;

import dev.muster.contracts.ProtobufSerde;
import dev.muster.v1.DecisionEvent;
import java.io.FileReader;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Prints what Muster does and refuses, and why, from the topic of decisions: what is there, then what comes.
 *
 * <p>{@code java -cp 'cli/target/lib/*' DecisionReader.java HOST:PORT [KAFKA.properties]}, after a build. The file has what the brokers ask of their
 * clients: security.protocol, sasl.mechanism, sasl.jaas.config.
 */
final class DecisionReader {

    public static void main(String[] arguments) throws Exception {
        var settings = new Properties();
        if (arguments.length > 1) {
            settings.load(new FileReader(arguments[1], UTF_8));
        }
        settings.put("bootstrap.servers", arguments[0]);
        // The planner writes in transactions: what was taken back must not be seen.
        settings.put("isolation.level", "read_committed");
        settings.put("auto.offset.reset", "earliest");
        settings.put("group.id", "decision-reader");
        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new ProtobufSerde<>(DecisionEvent.parser()).deserializer())) {
            consumer.subscribe(List.of("muster.decisions"));
            while (true) {
                for (var record : consumer.poll(Duration.ofSeconds(1))) {
                    var event = record.value();
                    switch (event.getWhatCase()) {
                        case DECISION -> System.out.println(record.key() + ": " + event.getDecision().getText());
                        case REFUSAL -> System.out.println(record.key() + ": " + event.getRefusal().getText());
                        case AUDIT -> System.out.println(record.key() + ": " + event.getAudit().getCaller() + ", " + event.getAudit().getWhat());
                        default -> { }
                    }
                }
            }
        }
    }
}
