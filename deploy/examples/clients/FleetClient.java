import dev.muster.contracts.FleetYaml;
import dev.muster.v1.ApplyFleetRequest;
import dev.muster.v1.FleetsGrpc;
import dev.muster.v1.MachinesGrpc;
import dev.muster.v1.WatchMachinesRequest;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.Metadata;
import io.grpc.TlsChannelCredentials;
import io.grpc.stub.MetadataUtils;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

/**
 * Applies the fleet of a YAML file and watches its machines.
 *
 * <p>{@code java -cp 'cli/target/lib/*' FleetClient.java FLEET.yaml}, after a build. MUSTER_SERVER is host:port, MUSTER_TOKEN says who calls,
 * MUSTER_CA is the authority of the server's certificate.
 */
final class FleetClient {

    public static void main(String[] arguments) throws Exception {
        var ca = System.getenv("MUSTER_CA");
        var credentials = ca == null ? InsecureChannelCredentials.create() : TlsChannelCredentials.newBuilder().trustManager(new File(ca)).build();
        var caller = new Metadata();
        Optional.ofNullable(System.getenv("MUSTER_TOKEN"))
                .ifPresent(token -> caller.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token));
        var channel = Grpc.newChannelBuilder(Optional.ofNullable(System.getenv("MUSTER_SERVER")).orElse("localhost:8480"), credentials)
                .intercept(MetadataUtils.newAttachHeadersInterceptor(caller)).build();

        // Repeated with the same id after UNAVAILABLE or DEADLINE_EXCEEDED, it has no further effect.
        var request = ApplyFleetRequest.newBuilder().setSpec(FleetYaml.read(Files.readString(Path.of(arguments[0])))).setRequestId(UUID.randomUUID().toString());
        var fleet = FleetsGrpc.newBlockingStub(channel).withDeadlineAfter(30, TimeUnit.SECONDS).applyFleet(request.build());
        System.out.println("applied " + fleet.getFleet() + ", version " + fleet.getVersion());

        var changes = MachinesGrpc.newBlockingStub(channel).watchMachines(WatchMachinesRequest.newBuilder().setFleet(fleet.getFleet()).build());
        while (changes.hasNext()) {
            var change = changes.next();
            switch (change.getWhatCase()) {
                case MACHINE -> System.out.println("machine " + change.getMachine().getMachineId() + ": " + change.getMachine().getPhase());
                case FORGOTTEN -> System.out.println("forgotten " + change.getForgotten());
                case SYNCED -> System.out.println("synced");
                // A later release may send other cases: they are no reason to stop.
                default -> { }
            }
        }
    }
}
