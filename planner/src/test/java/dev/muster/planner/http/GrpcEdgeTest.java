package dev.muster.planner.http;

import static dev.muster.planner.Await.await;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import com.google.rpc.BadRequest;
import dev.muster.planner.control.BrokerResource;
import dev.muster.planner.view.ReadModel;
import dev.muster.v1.ApplyFleetRequest;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.FleetsGrpc;
import dev.muster.v1.GetFleetRequest;
import dev.muster.v1.ListFleetsRequest;
import dev.muster.v1.ListFleetsResponse;
import dev.muster.v1.PoolSpec;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.Http2Settings;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.RequestOptions;
import jakarta.inject.Inject;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What gRPC's edge does with clients that others than grpc-java wrote, or that end in the middle. */
@QuarkusTest
@QuarkusTestResource(BrokerResource.class)
class GrpcEdgeTest {

    @TestHTTPResource("/")
    URI http;

    @Inject
    ReadModel model;

    @Inject
    SeenCalls seen;

    private final Vertx vertx = Vertx.vertx();
    private ManagedChannel channel;

    @BeforeEach
    void connect() throws Exception {
        channel = ManagedChannelBuilder.forAddress(http.getHost(), http.getPort()).usePlaintext().build();
        await("the planner is ready", () -> given().get("/q/health/ready").statusCode() == 200);
        await("nobody watches", () -> model.watchers() == 0);
    }

    @AfterEach
    void disconnect() throws Exception {
        channel.shutdownNow();
        vertx.close().toCompletionStage().toCompletableFuture().get(20, TimeUnit.SECONDS);
    }

    private HttpClientRequest request(String method, String... headers) throws Exception {
        return request(vertx.createHttpClient(http2()), "/muster.v1." + method, headers);
    }

    private static HttpClientOptions http2() {
        return new HttpClientOptions().setProtocolVersion(HttpVersion.HTTP_2).setHttp2ClearTextUpgrade(false);
    }

    private HttpClientRequest request(HttpClient client, String path, String... headers) throws Exception {
        var request = client.request(new RequestOptions().setHost(http.getHost()).setPort(http.getPort()).setMethod(HttpMethod.POST).setURI(path))
                .toCompletionStage().toCompletableFuture().get(20, TimeUnit.SECONDS);
        request.putHeader("content-type", "application/grpc").putHeader("te", "trailers");
        for (int i = 0; i < headers.length; i += 2) {
            request.putHeader(headers[i], headers[i + 1]);
        }
        return request;
    }

    /** Code and text of how a call ends. */
    private String ended(String method, byte[] body, String... headers) throws Exception {
        return ended(request(method, headers), body);
    }

    private static String ended(HttpClientRequest request, byte[] body) throws Exception {
        Future<HttpClientResponse> response = request.send(Buffer.buffer(body));
        return response.compose(answer -> answer.getHeader("grpc-status") != null
                ? Future.succeededFuture(answer.getHeader("grpc-status") + " " + answer.getHeader("grpc-message"))
                : answer.end().map(over -> answer.getTrailer("grpc-status") + " " + answer.getTrailer("grpc-message")))
                .toCompletionStage().toCompletableFuture().get(20, TimeUnit.SECONDS);
    }

    @ParameterizedTest
    @CsvSource({
            "'', 3, has no message",
            "0000, 3, has no message",
            "0000000005, 3, not one whole message",
            "00000000000000000000, 3, not one whole message",
            "00000000020aff, 3, can%27t be read",
            "0100000000, 3, not how",
            "0700000000, 3, flag",
            "007fffffff, 8, longer than",
            "00ffffffff, 8, longer than",
    })
    void whatIsNoMessageIsTheClientsMistake(String hex, int code, String because) throws Exception {
        var bytes = new byte[hex.length() / 2];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) Integer.parseInt(hex.substring(2 * i, 2 * i + 2), 16);
        }
        assertThat(ended("Fleets/GetFleet", bytes)).startsWith(code + " ").contains(because.replace("%27", "'"));
    }

    @Test
    void whatIsCompressedOtherwiseIsRefusedAndGzipIsRead() throws Exception {
        assertThat(ended("Fleets/GetFleet", new byte[] {1, 0, 0, 0, 0}, "grpc-encoding", "snappy")).startsWith("12 ");
        assertThat(ended("Fleets/GetFleet", new byte[] {1, 0, 0, 0, 2, 1, 2}, "grpc-encoding", "gzip")).startsWith("3 ");
        assertThat(FleetsGrpc.newBlockingStub(channel).withCompression("gzip").listFleets(ListFleetsRequest.getDefaultInstance())).isInstanceOf(ListFleetsResponse.class);
    }

    @Test
    void whatIsNoCallIsSaidToBeNone() throws Exception {
        for (var path : List.of("Fleets/None", "None/GetFleet", "Fleets/", "Fleets/GetFleet/x", "fleets/getfleet")) {
            assertThat(ended(path, new byte[5])).as(path).isEqualTo("12 There is no such call.");
        }
    }

    @Test
    void everyCallIsThere() throws Exception {
        for (var binding : new Bindings().all()) {
            assertThat(ended(binding.call().getFullMethodName().substring("muster.v1.".length()), new byte[5], "grpc-timeout", "5S")).as(binding.rpc().getFullName()).doesNotStartWith("12 ");
        }
    }

    @Test
    void aWatchEndsWithItsConnection() throws Exception {
        var request = request("Machines/WatchMachines");
        request.response().onSuccess(response -> response.handler(message -> { }));
        request.end(Buffer.buffer(new byte[5]));
        await("it watches", () -> model.watchers() == 1);
        // No reset comes before: so it is when a process is killed.
        request.connection().close();
        await("nobody watches", () -> model.watchers() == 0);
    }

    /** The last of an answer waits for the client's window when the client leaves. That is its stream's end, and no other's. */
    @ParameterizedTest
    @CsvSource({"/muster.v1.Fleets/ListFleets, 0000000000", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo, 000000001222106d75737465722e76312e466c65657473"})
    void whoLeavesACallKeepsTheConnectionForTheOthers(String path, String hex) throws Exception {
        var client = vertx.createHttpClient(http2().setInitialSettings(new Http2Settings().setInitialWindowSize(1)));
        var first = request(client, "/muster.v1.Fleets/ListFleets");
        assertThat(ended(first, new byte[5])).startsWith("0 ");
        for (int i = 0; i < 50; i++) {
            var left = request(client, path);
            assertThat(left.connection()).as("the connection after %d calls", i).isSameAs(first.connection());
            var head = left.response().onSuccess(answer -> answer.pause().exceptionHandler(reset -> { }));
            left.end(Buffer.buffer(HexFormat.of().parseHex(hex)));
            assertThat(head.toCompletionStage().toCompletableFuture().get(20, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
            left.reset(8);
        }
        var last = request(client, "/muster.v1.Fleets/ListFleets");
        assertThat(last.connection()).isSameAs(first.connection());
        assertThat(ended(last, new byte[5])).startsWith("0 ");
    }

    @Test
    void aDeadlineHoldsWhoeverKeepsTheTime() throws Exception {
        assertThat(ended("Decisions/WatchDecisions", new byte[5], "grpc-timeout", "700m")).startsWith("4 ");
        await("nobody watches", () -> model.watchers() == 0);
    }

    @Test
    void errorsAndTheirDetailsComeWhole() {
        assertThatThrownBy(() -> FleetsGrpc.newBlockingStub(channel).getFleet(GetFleetRequest.newBuilder().setName("Zürich %").build()))
                .isInstanceOfSatisfying(StatusRuntimeException.class, refused -> {
                    assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.NOT_FOUND);
                    assertThat(refused.getStatus().getDescription()).isEqualTo("There is no fleet 'Zürich %'.");
                    assertThat(io.grpc.protobuf.StatusProto.fromThrowable(refused).getDetailsCount()).isEqualTo(1);
                });
    }

    @Test
    void ofMoreMistakesThanAClientsHeadersTakeTheFirstAreTold() {
        var spec = FleetSpec.newBuilder().setName("wrong");
        for (int i = 0; i < 300; i++) {
            spec.addPools(PoolSpec.newBuilder().setName("Wrong Pool " + i));
        }
        assertThatThrownBy(() -> FleetsGrpc.newBlockingStub(channel).validateFleet(ApplyFleetRequest.newBuilder().setSpec(spec).build()))
                .isInstanceOfSatisfying(StatusRuntimeException.class, refused -> {
                    assertThat(refused.getStatus().getCode()).as(refused.toString()).isEqualTo(Status.Code.INVALID_ARGUMENT);
                    assertThat(refused.getStatus().getDescription()).matches("(?s).*…\n… and \\d+ more\\.");
                    var details = io.grpc.protobuf.StatusProto.fromThrowable(refused).getDetailsList();
                    assertThat(details).extracting(detail -> detail.getTypeUrl().replaceAll(".*\\.", "")).containsExactly("ErrorInfo", "BadRequest");
                    var told = unpacked(details.get(1)).getFieldViolationsCount();
                    assertThat(told).isBetween(5, 299);
                    assertThat(refused.getStatus().getDescription()).endsWith("… and " + (violations(spec) - told) + " more.");
                });
    }

    /** As JSON over HTTP tells them: all. */
    private static int violations(FleetSpec.Builder spec) {
        try {
            return given().contentType("application/json").body("{\"spec\": " + JsonFormat.printer().print(spec) + "}").post("/v1/fleets:validate").then().statusCode(400)
                    .extract().<List<Object>>path("details[1].fieldViolations").size();
        } catch (InvalidProtocolBufferException impossible) {
            throw new AssertionError(impossible);
        }
    }

    private static BadRequest unpacked(Any detail) {
        try {
            return detail.unpack(BadRequest.class);
        } catch (InvalidProtocolBufferException impossible) {
            throw new AssertionError(impossible);
        }
    }

    @Test
    void aCallHasTheConnectionsAttributesAndItsOwnHeaders() {
        var headers = new Metadata();
        headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer abc");
        headers.put(Metadata.Key.of("x-other-bin", Metadata.BINARY_BYTE_MARSHALLER), new byte[] {1, 2});
        headers.put(Metadata.Key.of("muster-peer-bin", Metadata.BINARY_BYTE_MARSHALLER), new byte[] {3});
        FleetsGrpc.newBlockingStub(channel).withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers)).listFleets(ListFleetsRequest.getDefaultInstance());
        var call = seen.last();
        assertThat(((InetSocketAddress) call.attributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR)).getAddress().isLoopbackAddress()).isTrue();
        assertThat(call.headers().get(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER))).isEqualTo("Bearer abc");
        assertThat(call.headers().get(Metadata.Key.of("x-other-bin", Metadata.BINARY_BYTE_MARSHALLER))).containsExactly(1, 2);
        assertThat(call.headers().keys()).doesNotContain("muster-peer-bin");
    }
}
