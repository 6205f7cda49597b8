package dev.muster.planner.access;

import dev.muster.planner.PlannerConfig;
import io.quarkus.arc.Unremovable;
import io.quarkus.vertx.http.HttpServerOptionsCustomizer;
import io.vertx.core.http.ClientAuth;
import io.vertx.core.http.HttpServerOptions;
import jakarta.inject.Singleton;

/** Asks clients for certificates where there is an authority to judge them by. Quarkus' own setting for it is fixed when the planner is built. */
@Singleton
@Unremovable
final class TlsClients implements HttpServerOptionsCustomizer {

    private final PlannerConfig.Api.Tls tls;

    TlsClients(PlannerConfig config) {
        tls = config.api().tls();
    }

    @Override
    public void customizeHttpsServer(HttpServerOptions options) {
        if (tls.clientCa().isPresent()) {
            options.setClientAuth(tls.clientCertificateRequired() ? ClientAuth.REQUIRED : ClientAuth.REQUEST);
        }
    }
}
