package dev.muster.planner;

import jakarta.inject.Singleton;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;

/** Ready: the stream runs with its state restored, and the API's read model has caught up. */
@org.eclipse.microprofile.health.Readiness
@Singleton
final class Readiness implements HealthCheck {

    private final PlannerService planner;

    Readiness(PlannerService planner) {
        this.planner = planner;
    }

    @Override
    public HealthCheckResponse call() {
        var because = planner.notReadyBecause();
        var response = HealthCheckResponse.named("planner").status(because.isEmpty());
        because.ifPresent(why -> response.withData("because", why));
        return response.build();
    }
}
