package dev.muster.planner.control;

import static dev.muster.planner.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors;
import com.google.protobuf.DynamicMessage;
import dev.muster.contracts.GoldenFiles;
import dev.muster.v1.FleetView;
import dev.muster.v1.FleetsGrpc;
import dev.muster.v1.PauseFleetRequest;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What the command line of a release sent is understood by today's planner, and ends as it ended then. {@code SentRequestsTest} of the command
 * line writes what is sent. Of two releases, each runs against fleets and machines of its own: there are none, but for the fleet that it applies.
 */
@QuarkusTest
@QuarkusTestResource(BrokerResource.class)
class StoredRequestsTest {

    private static final GoldenFiles FILES = GoldenFiles.ofThisModule();
    private static final String SENT = "cli-requests.txt";
    private static final String ENDED = "cli-answers.txt";
    /** The one that the command lines apply. */
    private static final String FLEET = "demo";
    private static final MethodDescriptor.Marshaller<byte[]> BYTES = new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(byte[] value) {
            return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
            try {
                return stream.readAllBytes();
            } catch (IOException broken) {
                throw new UncheckedIOException(broken);
            }
        }
    };

    @TestHTTPResource("/")
    URI http;

    private ManagedChannel channel;

    /** @param call such as {@code muster.v1.Fleets/GetFleet} */
    private record Sent(String command, String call, byte[] request) {

        static Sent of(String line) {
            var parts = line.split("\t", -1);
            return new Sent(parts[0], parts[1], Base64.getDecoder().decode(parts[2]));
        }

        /** Null: there is no such call any more. */
        Descriptors.MethodDescriptor method() {
            var service = FleetView.getDescriptor().getFile().findServiceByName(call.substring(call.lastIndexOf('.', call.indexOf('/')) + 1, call.indexOf('/')));
            return service == null ? null : service.findMethodByName(call.substring(call.indexOf('/') + 1));
        }
    }

    @BeforeEach
    void connect() throws Exception {
        channel = ManagedChannelBuilder.forAddress(http.getHost(), http.getPort()).usePlaintext().build();
        await("the planner is ready", () -> ((HttpURLConnection) http.resolve("/q/health/ready").toURL().openConnection()).getResponseCode() == 200);
    }

    @AfterEach
    void disconnect() {
        channel.shutdownNow();
    }

    @Test
    void whatEachReleaseAsksIsAnsweredAsItWas() throws Exception {
        for (var version : FILES.versions()) {
            var sent = FILES.text(version, SENT).lines().map(Sent::of).toList();
            for (var one : sent) {
                assertThat(one.method()).as(one.call() + ", which " + version + " calls").isNotNull();
                assertThat(GoldenFiles.unknownFields(DynamicMessage.parseFrom(one.method().getInputType(), one.request()))).as(version + ": " + one.command()).isEmpty();
            }
            var ended = new ArrayList<String>();
            sent.forEach(one -> ended.add(one.command() + "\t" + one.call() + "\t" + end(one)));
            if (GoldenFiles.isToWrite() && version.equals(GoldenFiles.version())) {
                FILES.write(ENDED, String.join("\n", ended) + "\n");
            }
            assertThat(ended).as(version).isEqualTo(FILES.text(version, ENDED).lines().toList());
            assertThat(ended).noneMatch(end -> List.of("UNIMPLEMENTED", "INTERNAL", "UNKNOWN", "DEADLINE_EXCEEDED").contains(end.substring(end.lastIndexOf('\t') + 1)));
        }
    }

    /** A stream has been answered once its first message is there; so that one of news has some, a fleet is paused and goes on meanwhile. */
    private Status.Code end(Sent sent) {
        if (!sent.method().isServerStreaming()) {
            return end(() -> ClientCalls.blockingUnaryCall(channel, method(sent, MethodDescriptor.MethodType.UNARY), options(), sent.request()));
        }
        var first = CompletableFuture.supplyAsync(() -> end(() ->
                ClientCalls.blockingServerStreamingCall(channel, method(sent, MethodDescriptor.MethodType.SERVER_STREAMING), options(), sent.request()).next()));
        var fleets = FleetsGrpc.newBlockingStub(channel).withDeadlineAfter(60, TimeUnit.SECONDS);
        while (!first.isDone()) {
            fleets.pauseFleet(PauseFleetRequest.newBuilder().setName(FLEET).build());
            fleets.resumeFleet(PauseFleetRequest.newBuilder().setName(FLEET).build());
        }
        return first.join();
    }

    private static MethodDescriptor<byte[], byte[]> method(Sent sent, MethodDescriptor.MethodType type) {
        return MethodDescriptor.newBuilder(BYTES, BYTES).setFullMethodName(sent.call()).setType(type).build();
    }

    private static CallOptions options() {
        return CallOptions.DEFAULT.withDeadlineAfter(30, TimeUnit.SECONDS);
    }

    private static Status.Code end(Runnable call) {
        try {
            call.run();
            return Status.Code.OK;
        } catch (StatusRuntimeException refused) {
            return refused.getStatus().getCode();
        }
    }
}
