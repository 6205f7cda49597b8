package dev.muster.planner;

import jakarta.inject.Singleton;
import java.util.stream.Collectors;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;

/**
 * Ready: the stream runs with its state restored, its inputs are read to where they were and go on to be, and the API's read model has caught up.
 *
 * <p>Queues that nobody sees make no planner unready: another would see no more, and this one answers who asks why. They are named.
 */
@org.eclipse.microprofile.health.Readiness
@Singleton
final class Readiness implements HealthCheck {

    private static final int NAMED = 10;

    private final PlannerService planner;

    Readiness(PlannerService planner) {
        this.planner = planner;
    }

    @Override
    public HealthCheckResponse call() {
        var because = planner.notReadyBecause();
        var response = HealthCheckResponse.named("planner").status(because.isEmpty());
        because.ifPresent(why -> response.withData("because", why));
        response.withData("partitions", String.join(" ", planner.owned()));
        var unseen = planner.unseen();
        if (!unseen.isEmpty()) {
            response.withData("held, queues not seen", unseen.stream().limit(NAMED).collect(Collectors.joining(" ")) + (unseen.size() > NAMED ? " and " + (unseen.size() - NAMED) + " more" : ""));
        }
        return response.build();
    }
}
