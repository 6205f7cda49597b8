package dev.muster.watcher;

import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Default;
import java.time.Duration;
import java.util.Optional;
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

    private final Connections connections;
    private final FleetTable fleets;
    private final DemandPublisher publisher;
    private final KafkaAccess access;

    public WatcherReadiness(Connections connections, FleetTable fleets, DemandPublisher publisher, KafkaAccess access) {
        this.connections = connections;
        this.fleets = fleets;
        this.publisher = publisher;
        this.access = access;
    }

    void start(@Observes StartupEvent event) {
        access.start(() -> connections.hasJoined() && fleets.isCurrent());
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
        return connections.owned().entrySet().stream()
                .filter(connection -> !connection.getValue().isKnown())
                .findFirst()
                .map(connection -> "connection " + connection.getKey() + " has not been looked at yet");
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
