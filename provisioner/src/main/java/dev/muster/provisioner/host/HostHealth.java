package dev.muster.provisioner.host;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Produces;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Liveness;
import org.eclipse.microprofile.health.Readiness;

/** What {@code /q/health} says. */
@ApplicationScoped
class HostHealth {

    private final HostStart start;

    HostHealth(HostStart start) {
        this.start = start;
    }

    @Produces
    @Readiness
    HealthCheck ready() {
        return () -> {
            var because = start.host().notReadyBecause();
            var response = HealthCheckResponse.named("provisioner").status(because.isEmpty());
            return because.isEmpty() ? response.build() : response.withData("because", because).build();
        };
    }

    @Produces
    @Liveness
    HealthCheck live() {
        return () -> HealthCheckResponse.named("provisioner loops").status(start.host().isAlive()).build();
    }
}
