package dev.muster.planner.access;

import io.grpc.Status;
import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

/**
 * Refuses compressed requests of gRPC's own services, reflection and health, as the protocol has it for an encoding that a server doesn't know. Vert.x,
 * which reads them, counts the largest request as it comes: some KiB of it could become gigabytes before anybody has asked who sends it. The API's
 * own edge counts what it unpacks.
 */
@Singleton
final class CompressedRequests {

    private static final String OURS = "/muster.v1.";
    /** Before all that reads requests. */
    private static final int FIRST = 10_000;

    void register(@Observes Filters filters) {
        filters.register(CompressedRequests::refuse, FIRST);
    }

    private static void refuse(RoutingContext call) {
        var type = call.request().getHeader("content-type");
        var encoding = call.request().getHeader("grpc-encoding");
        if (type == null || !type.startsWith("application/grpc") || encoding == null || encoding.equals("identity") || call.request().path().startsWith(OURS)) {
            call.next();
            return;
        }
        call.response().putHeader("content-type", "application/grpc").putHeader("grpc-status", Integer.toString(Status.Code.UNIMPLEMENTED.value()))
                .putHeader("grpc-message", "This call takes no compressed requests.").putHeader("grpc-accept-encoding", "identity").end();
    }
}
