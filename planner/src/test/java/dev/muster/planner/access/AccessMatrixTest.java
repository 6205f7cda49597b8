package dev.muster.planner.access;

import static dev.muster.planner.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.DynamicMessage;
import dev.muster.contracts.KafkaSettings;
import dev.muster.planner.control.BrokerResource;
import dev.muster.v1.Access;
import dev.muster.v1.AccessOuterClass;
import dev.muster.v1.ApplyFleetRequest;
import dev.muster.v1.DecisionsGrpc;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.FleetsGrpc;
import dev.muster.v1.GetCallerRequest;
import dev.muster.v1.GetInstallationRequest;
import dev.muster.v1.GetMachineRequest;
import dev.muster.v1.Grant;
import dev.muster.v1.InstallationGrpc;
import dev.muster.v1.ListDecisionsRequest;
import dev.muster.v1.ListFleetsRequest;
import dev.muster.v1.ListMachinesRequest;
import dev.muster.v1.ListQueuesRequest;
import dev.muster.v1.Limits;
import dev.muster.v1.MachineNameRequest;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.MachinesGrpc;
import dev.muster.v1.OfferKey;
import dev.muster.v1.OfferSpec;
import dev.muster.v1.PauseFleetRequest;
import dev.muster.v1.Phase;
import dev.muster.v1.PoolSpec;
import dev.muster.v1.QueueSpec;
import dev.muster.v1.QueuesGrpc;
import dev.muster.v1.Role;
import dev.muster.v1.WatchMachinesRequest;
import grpc.health.v1.HealthGrpc;
import grpc.health.v1.HealthOuterClass.HealthCheckRequest;
import io.grpc.CallOptions;
import io.grpc.ChannelCredentials;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.stub.AbstractBlockingStub;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.eclipse.microprofile.config.ConfigProvider;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jose4j.jwk.PublicJsonWebKey;
import org.jose4j.jws.AlgorithmIdentifiers;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Who may do what, on the whole planner behind TLS: every call for every role, and every way to prove who one is. */
@QuarkusTest
@QuarkusTestResource(BrokerResource.class)
@QuarkusTestResource(value = SecuredPlannerResource.class, restrictToAnnotatedClass = true)
class AccessMatrixTest {

    private static final Metadata.Key<String> AUTHORIZATION = Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    private static final List<Status.Code> DENIED = List.of(Status.Code.UNAUTHENTICATED, Status.Code.PERMISSION_DENIED);
    private static final List<Status.Code> UNHELPFUL = List.of(Status.Code.UNKNOWN, Status.Code.UNIMPLEMENTED);
    private static final Map<String, Map<String, Role>> CALLERS = Map.of(
            "viewer-own", Map.of("own", Role.VIEWER), "operator-own", Map.of("own", Role.OPERATOR), "admin-own", Map.of("own", Role.ADMIN),
            "viewer-all", Map.of("*", Role.VIEWER), "operator-all", Map.of("*", Role.OPERATOR), "admin-all", Map.of("*", Role.ADMIN));

    @Inject
    AccessInterceptor access;

    @TestHTTPResource(value = "/", tls = true)
    URI https;

    // Asked for below: what is injected would have to be there for every test class of the module, since all of them are in each application.
    private Path folder;

    @ConfigProperty(name = "muster.kafka.bootstrap-servers")
    String brokers;

    private static boolean machinesAreThere;

    private final List<ManagedChannel> channels = new ArrayList<>();
    private ManagedChannel channel;

    @BeforeEach
    void connect() throws Exception {
        folder = Path.of(ConfigProvider.getConfig().getValue("test.access.folder", String.class));
        channel = channel(TlsChannelCredentials.newBuilder().trustManager(folder.resolve("tls/ca.pem").toFile()).build());
        if (!machinesAreThere) {
            machineIs("own");
            machineIs("other");
            machinesAreThere = true;
        }
    }

    @AfterEach
    void disconnect() {
        channels.forEach(ManagedChannel::shutdownNow);
    }

    private ManagedChannel channel(ChannelCredentials credentials) {
        var made = Grpc.newChannelBuilder(https.getHost() + ":" + https.getPort(), credentials).build();
        channels.add(made);
        return made;
    }

    private ManagedChannel channelWith(String certificate) throws Exception {
        return channel(TlsChannelCredentials.newBuilder().trustManager(folder.resolve("tls/ca.pem").toFile())
                .keyManager(folder.resolve(certificate + ".pem").toFile(), folder.resolve(certificate + ".key").toFile()).build());
    }

    private static ClientInterceptor bearer(String token) {
        var headers = new Metadata();
        headers.put(AUTHORIZATION, "Bearer " + token);
        return MetadataUtils.newAttachHeadersInterceptor(headers);
    }

    private static <S extends AbstractBlockingStub<S>> S as(String caller, S stub) {
        return with(SecuredPlannerResource.token(caller), stub);
    }

    private static <S extends AbstractBlockingStub<S>> S with(String token, S stub) {
        return stub.withInterceptors(bearer(token)).withDeadlineAfter(60, TimeUnit.SECONDS);
    }

    private void machineIs(String fleet) throws Exception {
        var machine = MachineRecord.newBuilder().setMachineId("m-" + fleet).setFleet(fleet).setPool("cpu").setPhase(Phase.READY).build();
        try (var producer = new KafkaProducer<>(KafkaSettings.producer(brokers), new StringSerializer(), new ByteArraySerializer())) {
            producer.send(new ProducerRecord<>("muster.machines", fleet + "/m-" + fleet, machine.toByteArray())).get();
        }
        await("the machine of " + fleet + " is known", () -> {
            try {
                return as("admin-all", MachinesGrpc.newBlockingStub(channel)).getMachine(GetMachineRequest.newBuilder().setMachineId("m-" + fleet).build()).getFleet().equals(fleet);
            } catch (StatusRuntimeException refused) {
                return false;
            }
        });
    }

    // Every call.

    private record Call(com.google.protobuf.Descriptors.MethodDescriptor method, Access access) {

        boolean namesSomething() {
            return !access.getFleet().isEmpty() || !access.getMachine().isEmpty();
        }

        /** About a fleet or its machine; about none, if that is empty. */
        DynamicMessage request(String fleet) {
            var request = DynamicMessage.newBuilder(method.getInputType());
            if (!fleet.isEmpty()) {
                set(request, access.getFleet(), fleet);
                set(request, access.getReads(), fleet);
                set(request, access.getMachine(), "m-" + fleet);
            }
            return request.build();
        }

        private static void set(DynamicMessage.Builder message, String path, String value) {
            if (path.isEmpty()) {
                return;
            }
            var dot = path.indexOf('.');
            FieldDescriptor field = message.getDescriptorForType().findFieldByName(dot < 0 ? path : path.substring(0, dot));
            if (dot < 0) {
                message.setField(field, value);
            } else {
                var inner = ((DynamicMessage) message.getField(field)).toBuilder();
                set(inner, path.substring(dot + 1), value);
                message.setField(field, inner.build());
            }
        }

        /** What access.proto says, in other words than the planner's. */
        boolean isFor(Map<String, Role> held, String fleet) {
            var everywhere = held.getOrDefault("*", Role.ROLE_UNSPECIFIED).getNumber();
            var there = Math.max(everywhere, held.getOrDefault(fleet, Role.ROLE_UNSPECIFIED).getNumber());
            var least = access.getRole().getNumber();
            return access.getEverywhere() ? everywhere >= least : !namesSomething() || fleet.isEmpty() && access.getRole() == Role.VIEWER || there >= least;
        }

        @Override
        public String toString() {
            return method.getFullName();
        }
    }

    private static List<Call> calls() {
        return FleetsGrpc.getServiceDescriptor().getSchemaDescriptor() instanceof io.grpc.protobuf.ProtoFileDescriptorSupplier file
                ? file.getFileDescriptor().getServices().stream().flatMap(service -> service.getMethods().stream())
                        .map(method -> new Call(method, method.getOptions().getExtension(AccessOuterClass.access))).toList() : List.of();
    }

    @Test
    void theConsoleIsShownToAnybodyAndSaysWhereOneSignsIn() throws Exception {
        var issuer = ConfigProvider.getConfig().getValue("muster.api.oidc.issuer", String.class);
        var http = new TlsHttp(folder, https.getPort());
        assertThat(http.get("/console/sign-in.json", null, null).body()).isEqualTo("{\"ways\":[\"certificates\",\"oidc\",\"tokens\"],\"oidc\":{\"issuer\":\"" + issuer
                + "\",\"client\":\"muster-console\",\"audience\":\"" + TestIssuer.AUDIENCE + "\",\"scope\":\"openid\"}}");
        var page = http.get("/", null, null);
        assertThat(page.statusCode()).isEqualTo(200);
        assertThat(page.headers().firstValue("Content-Security-Policy").orElseThrow()).contains("connect-src 'self' " + issuer.replaceAll("^(https?://[^/]+).*", "$1") + ";");
        assertThat(page.headers().firstValue("Strict-Transport-Security")).isPresent();
    }

    @Test
    void everyCallSaysWhatItNeeds() {
        assertThat(calls()).hasSizeGreaterThan(40).allSatisfy(call -> {
            assertThat(call.method().getOptions().hasExtension(AccessOuterClass.access)).as(call.toString()).isTrue();
            assertThat(call.access().getRole()).as(call.toString()).isIn(Role.VIEWER, Role.OPERATOR, Role.ADMIN);
        });
    }

    @Test
    void everyRoleMayMakeTheCallsThatAreForItAndNoOther() {
        var wrong = new ArrayList<String>();
        var made = 0;
        for (var call : calls()) {
            var outcomes = new ArrayList<Map.Entry<String, CompletableFuture<Status>>>();
            for (var caller : CALLERS.entrySet()) {
                for (var fleet : call.namesSomething() ? List.of("own", "other", "") : List.of("")) {
                    outcomes.add(Map.entry(caller.getKey() + " " + call + " '" + fleet + "' " + (call.isFor(caller.getValue(), fleet) ? "may" : "may not"),
                            outcome(call, call.request(fleet), bearer(SecuredPlannerResource.token(caller.getKey())))));
                }
            }
            outcomes.add(Map.entry("nobody " + call + " may not", outcome(call, call.request("own"), bearer("mst_of-nobody"))));
            outcomes.add(Map.entry("silence " + call + " may not", outcome(call, call.request("own"), null)));
            for (var outcome : outcomes) {
                var status = outcome.getValue().join();
                made++;
                // A change that names nothing is one of nothing: who may change something is told so. What machines others have is not told.
                var denied = DENIED.contains(status.getCode()) || status.getCode() == Status.Code.NOT_FOUND && status.getDescription().equals("There is no machine 'm-other'.")
                        && outcome.getKey().contains("-own ") || status.getCode() == Status.Code.INVALID_ARGUMENT && outcome.getKey().contains(" '' may not");
                // Several at once may be more than the service reads topics for, or previews; who gets so far was let in.
                var tooMany = status.getCode() == Status.Code.RESOURCE_EXHAUSTED && Stream.of("As many calls read topics as may at once.", "Other previews are under way.")
                        .noneMatch(status.getDescription()::startsWith);
                if (outcome.getKey().endsWith("may not") != denied || tooMany || UNHELPFUL.contains(status.getCode())) {
                    wrong.add(outcome.getKey() + ": " + status);
                }
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(made).isGreaterThan(600);
    }

    /** How it ends; a stream that has not ended within a moment was allowed. */
    private CompletableFuture<Status> outcome(Call call, DynamicMessage request, ClientInterceptor who) {
        var method = MethodDescriptor.<DynamicMessage, DynamicMessage>newBuilder()
                .setType(call.method().isServerStreaming() ? MethodDescriptor.MethodType.SERVER_STREAMING : MethodDescriptor.MethodType.UNARY)
                .setFullMethodName(MethodDescriptor.generateFullMethodName(call.method().getService().getFullName(), call.method().getName()))
                .setRequestMarshaller(ProtoUtils.marshaller(DynamicMessage.getDefaultInstance(call.method().getInputType())))
                .setResponseMarshaller(ProtoUtils.marshaller(DynamicMessage.getDefaultInstance(call.method().getOutputType()))).build();
        var options = CallOptions.DEFAULT.withDeadlineAfter(call.method().isServerStreaming() ? 1 : 60, TimeUnit.SECONDS);
        var made = who == null ? channel.newCall(method, options) : who.interceptCall(method, options, channel);
        var end = new CompletableFuture<Status>();
        made.start(new ClientCall.Listener<>() {
            @Override
            public void onClose(Status status, Metadata trailers) {
                end.complete(status);
            }
        }, new Metadata());
        made.request(Integer.MAX_VALUE);
        made.sendMessage(request);
        made.halfClose();
        return end;
    }

    // What is told of what one may not see.

    private static void assertRefused(Callable<?> call, Status.Code code, String because) {
        assertThatThrownBy(call::call).isInstanceOfSatisfying(StatusRuntimeException.class, refused -> {
            assertThat(refused.getStatus().getCode()).as(refused.toString()).isEqualTo(code);
            assertThat(refused.getStatus().getDescription()).contains(because);
        });
    }

    @Test
    void aMachineOfAnotherFleetIsAsOneThatNeverWas() {
        var machines = as("admin-own", MachinesGrpc.newBlockingStub(channel));
        assertRefused(() -> machines.drainMachine(MachineNameRequest.newBuilder().setMachineId("m-other").build()), Status.Code.NOT_FOUND, "There is no machine 'm-other'.");
        assertRefused(() -> machines.drainMachine(MachineNameRequest.newBuilder().setMachineId("m-never").build()), Status.Code.NOT_FOUND, "There is no machine 'm-never'.");
        assertRefused(() -> as("viewer-own", MachinesGrpc.newBlockingStub(channel)).drainMachine(MachineNameRequest.newBuilder().setMachineId("m-own").build()),
                Status.Code.PERMISSION_DENIED, "needs the role operator for fleet 'own', which token:viewer-own doesn't hold");
    }

    @Test
    void aFleetIsDeniedByItsNameWhetherOrNotThereIsOne() {
        var fleets = as("operator-own", FleetsGrpc.newBlockingStub(channel));
        for (var fleet : List.of("other", "never-was")) {
            assertRefused(() -> fleets.pauseFleet(PauseFleetRequest.newBuilder().setName(fleet).build()), Status.Code.PERMISSION_DENIED,
                    "needs the role operator for fleet '" + fleet + "'");
        }
        assertRefused(() -> fleets.pauseFleet(PauseFleetRequest.getDefaultInstance()), Status.Code.INVALID_ARGUMENT, "name is missing");
    }

    @Test
    void whatIsOfAllFleetsIsOfThoseThatTheCallerMayRead() throws Exception {
        for (var fleet : List.of("own", "other")) {
            as("admin-all", FleetsGrpc.newBlockingStub(channel)).applyFleet(ApplyFleetRequest.newBuilder().setSpec(spec(fleet)).build());
        }
        await("both are shown", () -> fleetsOf("admin-all").containsAll(List.of("own", "other")));
        assertThat(fleetsOf("viewer-own")).containsExactly("own");
        assertThat(as("viewer-own", MachinesGrpc.newBlockingStub(channel)).listMachines(ListMachinesRequest.newBuilder().setEndedToo(true).build()).getMachinesList())
                .extracting(MachineRecord::getFleet).containsOnly("own");
        assertThat(as("viewer-own", QueuesGrpc.newBlockingStub(channel)).listQueues(ListQueuesRequest.getDefaultInstance()).getQueuesList())
                .extracting(queue -> queue.getFleet()).containsOnly("own");
    }

    private List<String> fleetsOf(String caller) {
        return as(caller, FleetsGrpc.newBlockingStub(channel)).listFleets(ListFleetsRequest.getDefaultInstance()).getFleetsList().stream().map(view -> view.getRecord().getFleet()).toList();
    }

    @Test
    void auditSaysWhoAndAsWhat() throws Exception {
        as("admin-all", FleetsGrpc.newBlockingStub(channel)).applyFleet(ApplyFleetRequest.newBuilder().setSpec(spec("own")).build());
        as("operator-own", FleetsGrpc.newBlockingStub(channel)).pauseFleet(PauseFleetRequest.newBuilder().setName("own").build());
        await("it is audited", () -> as("viewer-own", DecisionsGrpc.newBlockingStub(channel)).listDecisions(ListDecisionsRequest.newBuilder().setFleet("own").build())
                .getDecisionsList().stream().anyMatch(event -> event.getAudit().getCaller().equals("token:operator-own") && event.getAudit().getRole().equals("operator")));
    }

    // Who calls.

    private dev.muster.v1.Caller whoami(ManagedChannel over, String token) {
        var installation = InstallationGrpc.newBlockingStub(over).withDeadlineAfter(30, TimeUnit.SECONDS);
        return (token == null ? installation : with(token, installation)).getCaller(GetCallerRequest.getDefaultInstance());
    }

    private static Grant grant(Role role, String fleet) {
        return Grant.newBuilder().setRole(role).setFleet(fleet).build();
    }

    @Test
    void aCallerIsToldWhoItIsAndWhatItHolds() {
        var caller = whoami(channel, SecuredPlannerResource.token("operator-own"));
        assertThat(caller).isEqualTo(dev.muster.v1.Caller.newBuilder().setName("token:operator-own").addGrants(grant(Role.OPERATOR, "own")).build());
    }

    @Test
    void aTokenOfTheIdentityProviderIsKnownAndAForgedOneIsNot() throws Exception {
        var key = PublicJsonWebKey.Factory.newPublicJwk(Files.readString(folder.resolve("issuer.json")));
        var issuer = ConfigProvider.getConfig().getValue("muster.api.oidc.issuer", URI.class);
        var claims = TestIssuer.claims(issuer, "ann", all -> all.setStringListClaim("groups", "ml"));
        var ann = whoami(channel, TestIssuer.token(key, AlgorithmIdentifiers.RSA_USING_SHA256, claims));
        assertThat(ann.getName()).isEqualTo("oidc:ann");
        assertThat(ann.getGrantsList()).containsExactly(grant(Role.OPERATOR, "own"));
        assertThat(ann.getExpiresAt().getSeconds()).isEqualTo(claims.getExpirationTime().getValue());
        var unknown = whoami(channel, TestIssuer.token(key, AlgorithmIdentifiers.RSA_USING_SHA256, TestIssuer.claims(issuer, "bob", all -> { })));
        assertThat(unknown.getGrantsList()).isEmpty();
        assertRefused(() -> whoami(channel, TestIssuer.token(TestIssuer.rsa("first"), AlgorithmIdentifiers.RSA_USING_SHA256, claims)), Status.Code.UNAUTHENTICATED, "signature is not good");
    }

    @Test
    void aClientCertificateIsKnownByItsSubjectOrItsOtherNames() throws Exception {
        var ops = whoami(channelWith("tls/ops"), null);
        assertThat(ops.getName()).isEqualTo("certificate:CN=ops,O=Example");
        assertThat(ops.getGrantsList()).containsExactly(grant(Role.OPERATOR, "own"));
        var ci = whoami(channelWith("tls/ci"), null);
        assertThat(ci.getGrantsList()).containsExactly(grant(Role.VIEWER, "*"));
        assertThat(whoami(channelWith("tls/stranger"), null).getGrantsList()).isEmpty();
    }

    @Test
    void aTokenSaysMoreThanTheConnection() throws Exception {
        assertThat(whoami(channelWith("tls/ops"), SecuredPlannerResource.token("admin-all")).getName()).isEqualTo("token:admin-all");
        assertRefused(() -> whoami(channelWith("tls/ops"), "mst_of-nobody"), Status.Code.UNAUTHENTICATED, "none of those");
    }

    @Test
    void withoutAnythingOneIsToldWhatToDo() {
        assertRefused(() -> whoami(channel, null), Status.Code.UNAUTHENTICATED, "send the header authorization: Bearer <token>, or show a client certificate.");
    }

    @Test
    void aCertificateOfAnotherAuthorityIsNobodys() throws Exception {
        // A client keeps a certificate to itself that the server has no use for; one that doesn't is cut off.
        assertThatThrownBy(() -> whoami(channelWith("other/ops"), null)).isInstanceOfSatisfying(StatusRuntimeException.class,
                refused -> assertThat(refused.getStatus().getCode()).isIn(Status.Code.UNAUTHENTICATED, Status.Code.UNAVAILABLE));
    }

    @Test
    void nothingGoesWithoutTls() {
        assertRefused(() -> whoami(channel(InsecureChannelCredentials.create()), SecuredPlannerResource.token("admin-all")), Status.Code.UNAVAILABLE, "");
    }

    @Test
    void aRenewedCertificateHoldsForNewConnections() throws Exception {
        var renewed = new TestAuthority(folder.resolve("renewed"), "Renewed").with("server", "CN=planner", "ip:127.0.0.1,dns:localhost");
        for (var file : List.of("server.pem", "server.key")) {
            Files.copy(folder.resolve("tls/" + file), folder.resolve("tls/old-" + file));
            Files.copy(folder.resolve("renewed/" + file), folder.resolve("tls/" + file), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        }
        try {
            await("the renewed certificate is shown", () -> {
                try {
                    var over = channel(TlsChannelCredentials.newBuilder().trustManager(renewed.certificate().toFile()).build());
                    return whoami(over, SecuredPlannerResource.token("viewer-own")).getName().equals("token:viewer-own");
                } catch (StatusRuntimeException notYet) {
                    return false;
                }
            });
        } finally {
            for (var file : List.of("server.pem", "server.key")) {
                Files.move(folder.resolve("tls/old-" + file), folder.resolve("tls/" + file), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
            }
            await("the first one is shown again", () -> {
                try {
                    return !whoami(channel(TlsChannelCredentials.newBuilder().trustManager(folder.resolve("tls/ca.pem").toFile()).build()),
                            SecuredPlannerResource.token("viewer-own")).getName().isEmpty();
                } catch (StatusRuntimeException notYet) {
                    return false;
                }
            });
        }
    }

    @Test
    void overHttpTheSameCallersAreKnown() throws Exception {
        var http = new TlsHttp(folder, https.getPort());
        assertThat(http.get("/v1/caller", SecuredPlannerResource.token("viewer-own"), null).body()).contains("token:viewer-own");
        assertThat(http.get("/v1/caller", null, "tls/ops").body().replace("\\u003d", "=")).contains("certificate:CN=ops,O=Example");
        assertThat(http.get("/v1/caller", null, null).statusCode()).isEqualTo(401);
        assertThat(http.get("/v1/caller", "mst_of-nobody", "tls/ops").statusCode()).isEqualTo(401);
        assertThat(http.get("/v1/fleets/other", SecuredPlannerResource.token("viewer-own"), null).statusCode()).isEqualTo(403);
    }

    @Test
    void overHttpACertificateMayDoWhatItsNameHoldsAndNoMore() throws Exception {
        for (var fleet : List.of("own", "other")) {
            as("admin-all", FleetsGrpc.newBlockingStub(channel)).applyFleet(ApplyFleetRequest.newBuilder().setSpec(spec(fleet)).build());
        }
        var http = new TlsHttp(folder, https.getPort());
        assertThat(http.send("POST", "/v1/fleets/own:pause", null, "tls/ops").statusCode()).as("an operator of its own").isEqualTo(200);
        assertThat(http.send("POST", "/v1/fleets/own:resume", null, "tls/ops").statusCode()).isEqualTo(200);
        await("it is audited by the certificate's name", () -> as("viewer-own", DecisionsGrpc.newBlockingStub(channel)).listDecisions(ListDecisionsRequest.newBuilder().setFleet("own").build())
                .getDecisionsList().stream().anyMatch(event -> event.getAudit().getCaller().equals("certificate:CN=ops,O=Example") && event.getAudit().getRole().equals("operator")));
        assertThat(http.send("DELETE", "/v1/fleets/own", null, "tls/ops").statusCode()).as("no admin").isEqualTo(403);
        assertThat(http.send("POST", "/v1/fleets/other:pause", null, "tls/ops").statusCode()).as("not of the other").isEqualTo(403);
        assertThat(http.send("GET", "/v1/fleets/other", null, "tls/ci").statusCode()).as("a viewer of all").isEqualTo(200);
        assertThat(http.send("POST", "/v1/fleets/other:pause", null, "tls/ci").statusCode()).isEqualTo(403);
        assertThat(http.send("GET", "/v1/fleets/own", null, "tls/stranger").statusCode()).as("known, and holds nothing").isEqualTo(403);
        var unknown = http.send("GET", "/v1/fleets/own", null, null);
        assertThat(unknown.statusCode()).isEqualTo(401);
        assertThat(unknown.headers().firstValue("WWW-Authenticate")).contains("Bearer");
        assertThatThrownBy(() -> http.send("GET", "/v1/fleets/own", null, "other/ops")).as("the name, by another authority").isInstanceOf(IOException.class);
    }

    @Test
    void healthIsForAnybodyAndReflectionForWhoeverIsKnown() {
        assertThat(HealthGrpc.newBlockingStub(channel).check(HealthCheckRequest.getDefaultInstance()).getStatus().name()).isEqualTo("SERVING");
        assertThat(services(bearer(SecuredPlannerResource.token("viewer-own"))).join()).contains("muster.v1.Fleets");
        assertThatThrownBy(() -> services(bearer("mst_of-nobody")).join()).hasRootCauseInstanceOf(StatusRuntimeException.class).hasMessageContaining("UNAUTHENTICATED");
    }

    private CompletableFuture<List<String>> services(ClientInterceptor who) {
        var answer = new CompletableFuture<List<String>>();
        var call = ServerReflectionGrpc.newStub(channel).withInterceptors(who).withDeadlineAfter(30, TimeUnit.SECONDS).serverReflectionInfo(new StreamObserver<>() {
            @Override
            public void onNext(ServerReflectionResponse said) {
                answer.complete(said.getListServicesResponse().getServiceList().stream().map(service -> service.getName()).toList());
            }

            @Override
            public void onError(Throwable refused) {
                answer.completeExceptionally(refused);
            }

            @Override
            public void onCompleted() {
                answer.completeExceptionally(new AssertionError("it said nothing"));
            }
        });
        call.onNext(ServerReflectionRequest.newBuilder().setListServices("").build());
        call.onCompleted();
        return answer;
    }

    @Test
    void whoMayNotReadEverythingIsToldNoNamesOfTheInstallation() throws Exception {
        var request = GetInstallationRequest.getDefaultInstance();
        await("the planner has reported", () -> as("viewer-all", InstallationGrpc.newBlockingStub(channel)).getInstallation(request).getServicesCount() > 0);
        var own = as("viewer-own", InstallationGrpc.newBlockingStub(channel)).getInstallation(request);
        assertThat(own.getAuthenticated()).isTrue();
        assertThat(own.getName()).isEqualTo("lab");
        assertThat(own.getServicesList()).allSatisfy(service -> assertThat(service.getOwnedList()).isEmpty());
    }

    @Test
    void aMessageThatIsTooLargeIsRefused() {
        var text = "x".repeat(5 << 20);
        assertThatThrownBy(() -> as("admin-all", FleetsGrpc.newBlockingStub(channel)).validateFleet(ApplyFleetRequest.newBuilder()
                .setSpec(FleetSpec.newBuilder().setName("own").setWorkersPrefix(text)).build())).isInstanceOfSatisfying(StatusRuntimeException.class,
                refused -> assertThat(refused.getStatus().getCode()).isIn(Status.Code.RESOURCE_EXHAUSTED, Status.Code.CANCELLED));
        assertThat(whoami(channel, SecuredPlannerResource.token("admin-all")).getName()).isEqualTo("token:admin-all");
    }

    @Test
    void aMessageThatGrowsOnUnpackingIsRefusedBeforeItDoes() {
        var bomb = "x".repeat(64 << 20);
        assertRefused(() -> with("mst_of-nobody", FleetsGrpc.newBlockingStub(channel)).withCompression("gzip").validateFleet(ApplyFleetRequest.newBuilder()
                .setSpec(FleetSpec.newBuilder().setName("own").setWorkersPrefix(bomb)).build()), Status.Code.RESOURCE_EXHAUSTED, "longer than");
        assertRefused(() -> HealthGrpc.newBlockingStub(channel).withCompression("gzip").check(HealthCheckRequest.newBuilder().setService(bomb).build()),
                Status.Code.UNIMPLEMENTED, "no compressed requests");
        assertThat(whoami(channel, SecuredPlannerResource.token("admin-all")).getName()).isEqualTo("token:admin-all");
    }

    @Test
    void aWatchIsOverWhenItsClientIsGoneHoweverItWent() throws Exception {
        await("no other watch is open", () -> access.openWatches() == 0);
        var leaving = channel(TlsChannelCredentials.newBuilder().trustManager(folder.resolve("tls/ca.pem").toFile()).build());
        var watch = MachinesGrpc.newBlockingStub(leaving).withInterceptors(bearer(SecuredPlannerResource.token("viewer-own"))).watchMachines(WatchMachinesRequest.newBuilder().setFleet("own").build());
        assertThat(watch.hasNext()).isTrue();
        assertThat(access.openWatches()).isEqualTo(1);
        leaving.shutdownNow();
        await("the watch of the client that left is over", () -> access.openWatches() == 0);

        try (var wire = new Wire(https.getPort())) {
            var cut = Grpc.newChannelBuilder("127.0.0.1:" + wire.port(), TlsChannelCredentials.newBuilder().trustManager(folder.resolve("tls/ca.pem").toFile()).build()).build();
            channels.add(cut);
            var lost = MachinesGrpc.newBlockingStub(cut).withInterceptors(bearer(SecuredPlannerResource.token("viewer-own"))).watchMachines(WatchMachinesRequest.newBuilder().setFleet("own").build());
            assertThat(lost.hasNext()).isTrue();
            assertThat(access.openWatches()).isEqualTo(1);
            wire.cut();
            await("the watch of the client that was cut off is over", () -> access.openWatches() == 0);
        }
    }

    /** The way between a client and the planner, which can be cut. */
    private static final class Wire implements AutoCloseable {

        private final ServerSocket listening = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
        private final List<Socket> ends = new CopyOnWriteArrayList<>();

        private Wire(int to) throws IOException {
            thread(() -> {
                while (!listening.isClosed()) {
                    var client = listening.accept();
                    var server = new Socket(InetAddress.getLoopbackAddress(), to);
                    ends.addAll(List.of(client, server));
                    thread(() -> client.getInputStream().transferTo(server.getOutputStream()));
                    thread(() -> server.getInputStream().transferTo(client.getOutputStream()));
                }
                return null;
            });
        }

        private static void thread(Callable<?> work) {
            var thread = new Thread(() -> {
                try {
                    work.call();
                } catch (Exception cut) {
                    // As it may be.
                }
            }, "wire");
            thread.setDaemon(true);
            thread.start();
        }

        private int port() {
            return listening.getLocalPort();
        }

        private void cut() throws IOException {
            listening.close();
            for (var end : ends) {
                if (!end.isClosed()) {
                    end.setSoLinger(true, 0);
                    end.close();
                }
            }
        }

        @Override
        public void close() throws IOException {
            cut();
        }
    }

    private static FleetSpec.Builder spec(String name) {
        var key = OfferKey.newBuilder().setProvider("aws").setAccount("main").setRegion("eu-west-1").setMachineType("m5.large");
        return FleetSpec.newBuilder().setName(name).addQueues(QueueSpec.newBuilder().setName(name + "-queue").addPools("cpu"))
                .addPools(PoolSpec.newBuilder().setName("cpu").setLimits(Limits.newBuilder().setMax(3)).addOffers(OfferSpec.newBuilder().setKey(key)));
    }
}
