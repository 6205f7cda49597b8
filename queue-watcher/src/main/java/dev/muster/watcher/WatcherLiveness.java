package dev.muster.watcher;

import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Liveness;

/** Alive: the looks that this process owes come to an end, good or bad. A server or a Kafka that doesn't answer makes no difference: a new process would hear no more. */
@Liveness
@ApplicationScoped
public class WatcherLiveness implements HealthCheck {

    /** Longer than everything that a slow server can make of one look: twenty queues made, each call at its time-out. */
    private static final Duration LONGEST_LOOK = Duration.ofMinutes(10);

    private final Connections connections;

    public WatcherLiveness(Connections connections) {
        this.connections = connections;
    }

    @Override
    public HealthCheckResponse call() {
        var stuck = connections.late(LONGEST_LOOK);
        var response = HealthCheckResponse.named(Settings.SERVICE + " looks").status(stuck.isEmpty());
        if (!stuck.isEmpty()) {
            response.withData("problem", "looks at " + String.join(", ", stuck) + " don't come to an end");
        }
        return response.build();
    }
}
