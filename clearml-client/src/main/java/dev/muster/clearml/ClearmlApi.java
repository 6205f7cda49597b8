package dev.muster.clearml;

import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import org.jboss.resteasy.reactive.RestResponse;

/**
 * ClearML's HTTP API as a REST client: every call is a POST of one JSON object to
 * {@code v<version>/<service>.<action>}.
 *
 * <p>Bodies are bytes both ways: {@link Clearml} writes and reads them, since answers are judged field by field. Public only
 * because the client that is generated for it needs that.
 */
@Path("/")
public interface ClearmlApi {

    String JSON = "application/json";
    /** One JSON object a line; events.add_batch takes nothing else. */
    String JSON_LINES = "application/json-lines";

    /** Without a version: as the server's newest. For what comes before that is known. */
    @POST
    @Path("{call}")
    @Consumes(JSON)
    @Produces(JSON)
    Uni<RestResponse<byte[]>> post(@PathParam("call") String call, @HeaderParam("Authorization") String authorization, byte[] body);

    @POST
    @Path("v{version}/{call}")
    @Consumes(JSON)
    @Produces(JSON)
    Uni<RestResponse<byte[]>> post(@PathParam("version") String version, @PathParam("call") String call,
            @HeaderParam("Authorization") String authorization, byte[] body);

    @POST
    @Path("v{version}/{call}")
    @Consumes(JSON_LINES)
    @Produces(JSON)
    Uni<RestResponse<byte[]>> postLines(@PathParam("version") String version, @PathParam("call") String call,
            @HeaderParam("Authorization") String authorization, byte[] body);
}
