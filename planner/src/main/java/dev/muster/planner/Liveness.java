package dev.muster.planner;

import jakarta.inject.Singleton;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;

/** Alive: the stream has not given up for good, and no planning has stood still for ten minutes. Whatever it waits for outside makes no difference. */
@org.eclipse.microprofile.health.Liveness
@Singleton
final class Liveness implements HealthCheck {

    private final PlannerService planner;

    Liveness(PlannerService planner) {
        this.planner = planner;
    }

    @Override
    public HealthCheckResponse call() {
        return HealthCheckResponse.named("planner").status(planner.isAlive()).build();
    }
}
