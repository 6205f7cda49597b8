package dev.muster.k8s;

import dev.muster.contracts.SecretsFolder;
import dev.muster.provisioner.host.Backoff;
import dev.muster.provisioner.host.HostStart;
import io.vertx.core.Vertx;
import jakarta.enterprise.inject.Disposes;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.time.Clock;

/** Makes of the configuration what reads and writes tasks at ClearML. */
class ClearmlSide {

    @Produces
    @Singleton
    ClearmlServers servers(Vertx vertx, SecretsFolder secrets, ClearmlConfig config) {
        return HostStart.orRefuse(() -> new ClearmlServers(vertx, secrets, ClearmlServers.addresses(config)));
    }

    void end(@Disposes ClearmlServers servers) {
        servers.close();
    }

    @Produces
    @Singleton
    TaskWishes wishes(ClearmlServers servers) {
        return new ClearmlTaskWishes(servers, Clock.systemUTC());
    }

    @Produces
    @Singleton
    TaskMirror mirror(ClearmlServers servers, SecretsFolder secrets) {
        return new TaskMirror(servers, secrets, Backoff.USUAL, Clock.systemUTC());
    }

    void end(@Disposes TaskMirror mirror) {
        mirror.close();
    }
}
