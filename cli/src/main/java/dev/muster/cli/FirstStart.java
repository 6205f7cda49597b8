package dev.muster.cli;

import dev.muster.sandbox.suite.SuiteState;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.FleetState;
import dev.muster.v1.FleetView;
import dev.muster.v1.FleetsGrpc;
import dev.muster.v1.ListFleetsRequest;
import dev.muster.v1.ListFleetsResponse;
import dev.muster.v1.ListMachinesRequest;
import dev.muster.v1.ListMachinesResponse;
import dev.muster.v1.ListQueuesRequest;
import dev.muster.v1.ListQueuesResponse;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.MachinesGrpc;
import dev.muster.v1.Phase;
import dev.muster.v1.QueueView;
import dev.muster.v1.QueuesGrpc;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/** What the build runs once: usual commands, against answers of its own, so that the classes that they need can be kept ready for the next start. */
final class FirstStart {

    private FirstStart() {}

    public static void main(String[] arguments) throws IOException {
        // A call in vain comes first: it is the command line that says how connections are made, and not the server here.
        Muster.run("complete-names", "FLEET", "--server", "127.0.0.1:9");
        var server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)).addService(new Fleets()).addService(new Machines())
                .addService(new Queues()).build().start();
        var address = "127.0.0.1:" + server.getPort();
        for (var command : new String[] {"version", "machine list", "machine list --json", "machine list --yaml", "fleet list", "queue list", "complete-names FLEET", "context list"}) {
            ask((command + " --server " + address).split(" "));
        }
        ask("fleet", "--help");
        var folder = Files.createTempDirectory("muster-first-start");
        var run = Files.createDirectories(folder.resolve("run"));
        var own = ProcessHandle.current();
        Output.JSON.writeValue(SuiteState.file(run).toFile(), new SuiteState(own.pid(), own.info().startInstant().map(Instant::toEpochMilli).orElse(0L), true, "first", 1, true, "", "", "",
                address, "", "", Map.of(), "", "", "", "", "", List.of()));
        ask("machine", "list", "--folder", folder.toString());
        server.shutdownNow();
        Files.delete(SuiteState.file(run));
        Files.delete(run);
        Files.delete(folder);
    }

    private static void ask(String... command) {
        if (Muster.run(command) != 0) {
            throw new IllegalStateException(String.join(" ", command) + " failed");
        }
    }

    private static final class Fleets extends FleetsGrpc.FleetsImplBase {
        @Override
        public void listFleets(ListFleetsRequest request, StreamObserver<ListFleetsResponse> answer) {
            answer.onNext(ListFleetsResponse.newBuilder().addFleets(FleetView.newBuilder().setRecord(FleetRecord.newBuilder().setFleet("demo").setVersion(1).setState(FleetState.ACTIVE)
                    .setSpec(FleetSpec.newBuilder().setName("demo"))).putMachines("READY", 1).setMicrosPerHour(96_000)).build());
            answer.onCompleted();
        }
    }

    private static final class Machines extends MachinesGrpc.MachinesImplBase {
        @Override
        public void listMachines(ListMachinesRequest request, StreamObserver<ListMachinesResponse> answer) {
            answer.onNext(ListMachinesResponse.newBuilder().addMachines(MachineRecord.newBuilder().setMachineId("m-1").setFleet("demo").setPool("cpu").setPhase(Phase.READY)
                    .setCommittedMicrosPerHour(96_000).setRequestedAt(Times.timestamp(Instant.EPOCH))).build());
            answer.onCompleted();
        }
    }

    private static final class Queues extends QueuesGrpc.QueuesImplBase {
        @Override
        public void listQueues(ListQueuesRequest request, StreamObserver<ListQueuesResponse> answer) {
            answer.onNext(ListQueuesResponse.newBuilder().addQueues(QueueView.newBuilder().setFleet("demo").setName("cpu").setWaiting(1)).build());
            answer.onCompleted();
        }
    }
}
