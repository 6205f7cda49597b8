package dev.muster.planner.access;

import static dev.muster.planner.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.rpc.RetryInfo;
import dev.muster.v1.Caller;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.DecisionsGrpc;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetsGrpc;
import dev.muster.v1.GetCallerRequest;
import dev.muster.v1.InstallationGrpc;
import dev.muster.v1.PauseFleetRequest;
import dev.muster.v1.WatchDecisionsRequest;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.InsecureServerCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.AbstractBlockingStub;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jose4j.jws.AlgorithmIdentifiers;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What stands before every call: how much each caller may ask for, and what becomes of calls and watches meanwhile. Over gRPC, without a planner. */
class AccessInterceptorTest {

    private static final AccessSettings.Limits PLENTY = new AccessSettings.Limits(1000, 1000, 100, 100);

    @TempDir
    Path folder;

    private volatile Instant now = Instant.now();
    private AccessInterceptor access;
    private Server server;
    private ManagedChannel channel;

    private final Clock clock = new Clock() {
        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }

        @Override
        public Instant instant() {
            return now;
        }
    };

    private void start(AccessSettings.Limits limits, Optional<AccessSettings.Oidc> oidc) throws Exception {
        grant("ann", "admin", "train", Optional.empty());
        var ways = EnumSet.of(AccessSettings.Way.TOKENS);
        if (oidc.isPresent()) {
            ways.add(AccessSettings.Way.OIDC);
        }
        access = new AccessInterceptor(new AccessSettings(ways, Optional.of(folder.resolve("grants.yaml")), oidc, limits, List.of()), machine -> Optional.empty(), clock);
        server = Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create()).intercept(access).addService(new Fleets()).addService(new Installation())
                .addService(new Decisions()).addService(undeclared()).build().start();
        channel = Grpc.newChannelBuilder("127.0.0.1:" + server.getPort(), InsecureChannelCredentials.create()).build();
    }

    @AfterEach
    void stop() {
        channel.shutdownNow();
        server.shutdownNow();
        access.close();
    }

    /** Replaces the grants by those of two tokens, "ann" and "bob": the second reads everything. */
    private void grant(String name, String role, String fleet, Optional<Instant> expires) throws Exception {
        var file = Files.writeString(folder.resolve("grants.new"), """
                grants:
                  - {token: %s, name: %s, role: %s, fleets: [%s]%s}
                  - {token: %s, name: bob, role: viewer, fleets: ["*"]}
                """.formatted(hash("ann"), name, role, fleet, expires.map(at -> ", expires: \"" + at + "\"").orElse(""), hash("bob")));
        Files.move(file, folder.resolve("grants.yaml"), java.nio.file.StandardCopyOption.REPLACE_EXISTING, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
    }

    private static String hash(String name) {
        return HexFormat.of().formatHex(StaticTokens.sha256("mst_" + name));
    }

    private static final class Fleets extends FleetsGrpc.FleetsImplBase {
        @Override
        public void pauseFleet(PauseFleetRequest request, StreamObserver<FleetRecord> call) {
            call.onNext(FleetRecord.newBuilder().setChangedBy(dev.muster.planner.access.Caller.current().name()).build());
            call.onCompleted();
        }
    }

    private static final class Installation extends InstallationGrpc.InstallationImplBase {
        @Override
        public void getCaller(GetCallerRequest request, StreamObserver<Caller> call) {
            call.onNext(Caller.newBuilder().setName(dev.muster.planner.access.Caller.current().name()).build());
            call.onCompleted();
        }
    }

    /** Says one thing, and stays open. */
    private static final class Decisions extends DecisionsGrpc.DecisionsImplBase {
        @Override
        public void watchDecisions(WatchDecisionsRequest request, StreamObserver<DecisionEvent> call) {
            call.onNext(DecisionEvent.newBuilder().setFleet("train").build());
        }
    }

    private static final MethodDescriptor<GetCallerRequest, Caller> UNDECLARED = MethodDescriptor.<GetCallerRequest, Caller>newBuilder()
            .setType(MethodDescriptor.MethodType.UNARY).setFullMethodName("muster.v1.Other/Call")
            .setRequestMarshaller(ProtoUtils.marshaller(GetCallerRequest.getDefaultInstance())).setResponseMarshaller(ProtoUtils.marshaller(Caller.getDefaultInstance())).build();

    private static ServerServiceDefinition undeclared() {
        return ServerServiceDefinition.builder("muster.v1.Other").addMethod(UNDECLARED, ServerCalls.asyncUnaryCall((request, call) -> {
            call.onNext(Caller.getDefaultInstance());
            call.onCompleted();
        })).build();
    }

    private static <S extends AbstractBlockingStub<S>> S as(String token, S stub) {
        var headers = new Metadata();
        headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
        return stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers)).withDeadlineAfter(30, TimeUnit.SECONDS);
    }

    private String whoami(String token) {
        return as(token, InstallationGrpc.newBlockingStub(channel)).getCaller(GetCallerRequest.getDefaultInstance()).getName();
    }

    private String pause(String token) {
        return as(token, FleetsGrpc.newBlockingStub(channel)).pauseFleet(PauseFleetRequest.newBuilder().setName("train").build()).getChangedBy();
    }

    private Iterator<DecisionEvent> watch(String token) {
        var watch = as(token, DecisionsGrpc.newBlockingStub(channel)).watchDecisions(WatchDecisionsRequest.newBuilder().setFleet("train").build());
        watch.next();
        return watch;
    }

    private static StatusRuntimeException refused(Callable<?> call) {
        try {
            call.call();
        } catch (StatusRuntimeException refused) {
            return refused;
        } catch (Exception other) {
            throw new AssertionError(other);
        }
        throw new AssertionError("it was not refused");
    }

    private static Status.Code code(Callable<?> call) {
        return refused(call).getStatus().getCode();
    }

    @Test
    void readsAndWritesOfEachCallerAreCountedApart() throws Exception {
        start(new AccessSettings.Limits(2, 1, 10, 10), Optional.empty());
        assertThat(pause("mst_ann")).isEqualTo("token:ann");
        pause("mst_ann");
        var refused = refused(() -> pause("mst_ann"));
        assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
        assertThat(StatusProto.fromThrowable(refused).getDetailsList().stream().filter(detail -> detail.is(RetryInfo.class)).findFirst().orElseThrow().unpack(RetryInfo.class).getRetryDelay())
                .satisfies(delay -> assertThat(Duration.ofSeconds(delay.getSeconds(), delay.getNanos())).isBetween(Duration.ofMillis(1), Duration.ofSeconds(1)));
        assertThat(whoami("mst_ann")).isEqualTo("token:ann");
        assertThat(whoami("mst_bob")).isEqualTo("token:bob");
    }

    @Test
    void aCallThatDoesNotSayWhatItNeedsIsForNobody() throws Exception {
        start(PLENTY, Optional.empty());
        var headers = new Metadata();
        headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer mst_ann");
        var refused = refused(() -> ClientCalls.blockingUnaryCall(io.grpc.ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(headers)), UNDECLARED,
                io.grpc.CallOptions.DEFAULT, GetCallerRequest.getDefaultInstance()));
        assertThat(refused.getStatus()).satisfies(status -> {
            assertThat(status.getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
            assertThat(status.getDescription()).isEqualTo("Nobody may call muster.v1.Other/Call: it doesn't say what it needs.");
        });
    }

    @Test
    void watchesAreCountedByCallerAndInAll() throws Exception {
        start(new AccessSettings.Limits(1000, 1000, 2, 3), Optional.empty());
        watch("mst_ann");
        watch("mst_ann");
        assertThat(code(() -> watch("mst_ann"))).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
        watch("mst_bob");
        assertThat(code(() -> watch("mst_bob"))).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
        assertThat(access.openWatches()).isEqualTo(3);
        assertThat(whoami("mst_ann")).isEqualTo("token:ann");
    }

    @Test
    void aWatchThatIsCancelledMakesRoom() throws Exception {
        start(new AccessSettings.Limits(1000, 1000, 1, 1), Optional.empty());
        var context = io.grpc.Context.current().withCancellation();
        context.run(() -> watch("mst_ann"));
        assertThat(code(() -> watch("mst_bob"))).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
        context.cancel(null);
        await("the watch is over", () -> access.openWatches() == 0);
        watch("mst_bob");
    }

    @Test
    void aWatchEndsWhenItsCallerMayNoLongerWatchAndOthersGoOn() throws Exception {
        start(PLENTY, Optional.empty());
        var ann = watch("mst_ann");
        watch("mst_bob");
        grant("ann", "viewer", "eval", Optional.empty());
        var ended = refused(ann::hasNext);
        assertThat(ended.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        assertThat(ended.getStatus().getDescription()).isEqualTo("What token:ann may do has changed: watch again.");
        assertThat(code(() -> watch("mst_ann"))).isEqualTo(Status.Code.PERMISSION_DENIED);
        assertThat(access.openWatches()).isEqualTo(1);
    }

    @Test
    void aWatchEndsWithWhatItsCallerHasShown() throws Exception {
        start(PLENTY, Optional.empty());
        grant("ann", "admin", "train", Optional.of(now.plusSeconds(60)));
        await("the token has an end", () -> {
            var stub = as("mst_ann", InstallationGrpc.newBlockingStub(channel));
            now = now.plusSeconds(61);
            try {
                stub.getCaller(GetCallerRequest.getDefaultInstance());
                return false;
            } catch (StatusRuntimeException over) {
                return over.getStatus().getCode() == Status.Code.UNAUTHENTICATED;
            } finally {
                now = now.minusSeconds(61);
            }
        });
        var ann = watch("mst_ann");
        now = now.plusSeconds(61);
        assertThat(code(ann::hasNext)).isEqualTo(Status.Code.UNAUTHENTICATED);
    }

    @Test
    void aCallIsHeldUntilItsTokenCanBeJudgedAndOthersAreNot() throws Exception {
        try (var issuer = new TestIssuer()) {
            var key = TestIssuer.ec("first");
            issuer.publish(key);
            issuer.hold(true);
            start(PLENTY, Optional.of(new AccessSettings.Oidc(issuer.uri(), TestIssuer.AUDIENCE, "sub", "groups", Optional.empty(), Duration.ofSeconds(30))));
            var token = TestIssuer.token(key, AlgorithmIdentifiers.ECDSA_USING_P256_CURVE_AND_SHA256, issuer.claims("carol", claims -> { }));
            var held = CompletableFuture.supplyAsync(() -> whoami(token));
            await("the provider is asked", () -> issuer.held() > 0);
            assertThat(whoami("mst_ann")).isEqualTo("token:ann");
            assertThat(held).isNotDone();
            issuer.hold(false);
            assertThat(held.get(20, TimeUnit.SECONDS)).isEqualTo("oidc:carol");
        }
    }

    @Test
    void aHeaderThatIsNoBearerIsToldHowItMustBe() throws Exception {
        start(PLENTY, Optional.empty());
        var headers = new Metadata();
        headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Basic YW5uOm1zdF9hbm4=");
        assertThatThrownBy(() -> InstallationGrpc.newBlockingStub(channel).withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers)).getCaller(GetCallerRequest.getDefaultInstance()))
                .hasMessageContaining("must be: Bearer, a blank, and a token");
        assertThatThrownBy(() -> whoami("eyJhbGciOiJub25lIn0.e30.")).hasMessageContaining("takes no tokens of an identity provider");
    }
}
