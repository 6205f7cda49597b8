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
            if (!because.isEmpty()) {
                response.withData("because", because);
            }
            // A cloud that doesn't answer makes no process unready: another would hear no more of it.
            start.host().listedAgo().forEach((scope, ago) -> response.withData(scope, "last listed whole " + ago.toSeconds() + " s ago"));
            return response.build();
        };
    }

    @Produces
    @Liveness
    HealthCheck live() {
        return () -> HealthCheckResponse.named("provisioner loops").status(start.host().isAlive()).build();
    }
}
