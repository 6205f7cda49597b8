package dev.muster.watcher;

import dev.muster.contracts.KafkaContact;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.reactive.messaging.kafka.KafkaClientService;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Default;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/**
 * Ready once the process is one of the watchers, knows the fleets, and has looked at what it owns.
 *
 * <p>A server that fails its looks makes no process unready: another one would see the same. It shows in the data.
 */
// Other beans ask for it by its type alone.
@Default
@Readiness
@ApplicationScoped
public class WatcherReadiness implements HealthCheck {

    /** Ages of events are judged by the broker's clock; beyond this they would be judged wrong. */
    private static final Duration MOST_SKEW = Duration.ofSeconds(5);
    /** What is not delivered within ten seconds is given up; by the next turn there is something new to say. */
    private static final double LONGEST_SILENCE_SECONDS = 15;
    /** Calls have time-outs, and a look has a few of them; so does what goes to Kafka. */
    private static final Duration LONGEST_LOOK = Duration.ofMinutes(2);

    private final Connections connections;
    private final FleetTable fleets;
    private final DemandPublisher publisher;
    private final KafkaAccess access;
    private final KafkaClientService clients;
    private final WatchMetrics metrics;
    private final Settings settings;

    public WatcherReadiness(Connections connections, FleetTable fleets, DemandPublisher publisher, KafkaAccess access, KafkaClientService clients,
            WatchMetrics metrics, Settings settings) {
        this.connections = connections;
        this.fleets = fleets;
        this.publisher = publisher;
        this.access = access;
        this.clients = clients;
        this.metrics = metrics;
        this.settings = settings;
    }

    void start(@Observes StartupEvent event) {
        access.start(() -> connections.hasJoined() && fleets.isCurrent());
        metrics.shows(Settings.SERVICE, () -> problem().isEmpty() ? 1 : 0, () -> publisher.skew().toMillis() / 1000.0);
        metrics.lags(settings.topics().commands("clearml"), () -> KafkaContact.lag(commandMetrics()));
    }

    void stop(@Observes ShutdownEvent event) {
        access.stop();
    }

    /** Why the process is not ready; empty if it is. */
    Optional<String> problem() {
        if (access.problem().isPresent()) {
            return access.problem();
        }
        if (!connections.hasJoined()) {
            return Optional.of("it has not joined the group of watchers: is Kafka there?");
        }
        if (!fleets.isCurrent()) {
            return Optional.of("the fleets have not been read: is Kafka there?");
        }
        if (publisher.skew().abs().compareTo(MOST_SKEW) > 0) {
            return Optional.of("this machine's clock is " + publisher.skew().toMillis() + " ms ahead of Kafka's; synchronize both");
        }
        var silence = Math.max(publisher.untakenFor().toMillis() / 1000.0, sinceHeartbeat());
        if (silence > LONGEST_SILENCE_SECONDS) {
            return Optional.of("Kafka has not answered for " + Math.round(silence) + " s");
        }
        var stuck = connections.late(LONGEST_LOOK);
        if (!stuck.isEmpty()) {
            return Optional.of("looks at " + String.join(", ", stuck) + " don't come to an end");
        }
        return connections.owned().entrySet().stream()
                .filter(connection -> !connection.getValue().isKnown())
                .findFirst()
                .map(connection -> "connection " + connection.getKey() + " has not been looked at yet");
    }

    private double sinceHeartbeat() {
        return KafkaContact.sinceHeartbeat(commandMetrics());
    }

    private Map<MetricName, ? extends Metric> commandMetrics() {
        var consumer = clients.getConsumer(Connections.CHANNEL);
        return consumer == null ? Map.of() : consumer.unwrap().metrics();
    }

    @Override
    public HealthCheckResponse call() {
        var problem = problem();
        var response = HealthCheckResponse.named(Settings.SERVICE).status(problem.isEmpty());
        problem.ifPresent(why -> response.withData("problem", why));
        connections.owned().forEach((name, health) -> response.withData("connection " + name,
                !health.isKnown() ? health.detail()
                        : health.isReachable() ? "reachable" + (health.detail().isEmpty() ? "" : ": " + health.detail())
                        : "failing " + health.failures() + " times: " + health.detail()));
        return response.build();
    }
}
