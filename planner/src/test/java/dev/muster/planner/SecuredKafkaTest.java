package dev.muster.planner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.contracts.FleetYaml;
import dev.muster.contracts.KafkaConnection;
import dev.muster.contracts.KafkaRights;
import dev.muster.contracts.KafkaSecurity;
import dev.muster.contracts.SecretsFolder;
import dev.muster.v1.ApplyFleetRequest;
import dev.muster.v1.DecisionsGrpc;
import dev.muster.v1.FleetsGrpc;
import dev.muster.v1.ListDecisionsRequest;
import io.grpc.ManagedChannelBuilder;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.acl.AclBinding;
import org.eclipse.microprofile.config.ConfigProvider;
import org.junit.jupiter.api.Test;

/** The planner at a broker that demands to know who speaks, with its documented rights and no others; and what it says where it is refused. */
@QuarkusTest
@TestProfile(SecuredKafkaTest.Secured.class)
class SecuredKafkaTest {

    public static class Secured implements QuarkusTestProfile {

        @Override
        public List<TestResourceEntry> testResources() {
            return List.of(new TestResourceEntry(SecuredBrokerResource.class));
        }

        @Override
        public boolean disableGlobalTestResources() {
            return true;
        }
    }

    @TestHTTPResource("/")
    URI http;

    @Test
    void plansWithExactlyItsRights() throws Exception {
        await("the planner is ready", () -> ready() == 200);
        var channel = ManagedChannelBuilder.forAddress(http.getHost(), http.getPort()).usePlaintext().build();
        try {
            var fleets = FleetsGrpc.newBlockingStub(channel).withDeadlineAfter(60, TimeUnit.SECONDS);

            var applied = fleets.applyFleet(ApplyFleetRequest.newBuilder().setSpec(FleetYaml.read("""
                    name: vision
                    queues: {gpu: [main]}
                    pools: {main: {provider: aws, region: us-east-1, type: g5.xlarge, max: 4, price: 1.006}}
                    """)).build());

            assertThat(applied.getVersion()).isEqualTo(1);
            var decisions = DecisionsGrpc.newBlockingStub(channel);
            await("the change is audited", () -> decisions.listDecisions(ListDecisionsRequest.newBuilder().setFleet("vision").build()).getDecisionsList().stream()
                    .anyMatch(event -> event.hasAudit()));
        } finally {
            channel.shutdownNow();
        }
        TopicCheck.require(kafka(Map.of()), SecuredBrokerResource.TOPICS);
    }

    @Test
    void saysAtItsStartWhichRightIsMissing() throws Exception {
        var missing = KafkaRights.of(SecuredBrokerResource.TOPICS, KafkaRights.PLANNER).stream().filter(right -> right.name().equals("muster.commands.aws")).toList();
        var bindings = missing.stream().map(right -> right.to("User:" + SecuredBrokerResource.USER)).toList();
        try (var admin = Admin.create(Map.<String, Object>of("bootstrap.servers", config("test.kafka.everything")))) {
            admin.deleteAcls(bindings.stream().map(AclBinding::toFilter).toList()).all().get();
            try {
                await("the check fails", () -> !problem(kafka(Map.of())).isEmpty());
                assertThat(problem(kafka(Map.of()))).isEqualTo("Kafka at " + config("muster.kafka.bootstrap-servers")
                        + " doesn't allow user muster-planner with the password in the secret kafka-password-muster-planner: WRITE on topic muster.commands.aws;"
                        + " docs/kafka.md has what planner must be allowed.");
            } finally {
                admin.createAcls(bindings).all().get();
            }
        }
    }

    @Test
    void saysAtItsStartWhoIsRefused() throws Exception {
        Files.writeString(Path.of(config("muster.secrets.folder")).resolve("other-password"), "not the password");

        assertThat(problem(kafka(Map.of("muster.kafka.security.password-secret", "other-password"))))
                .startsWith("Kafka at " + config("muster.kafka.bootstrap-servers") + " refuses user muster-planner with the password in the secret other-password: ")
                .doesNotContain("not the password");
        assertThatThrownBy(() -> kafka(Map.of("muster.kafka.security.password-secret", "hunter2")))
                .hasMessageStartingWith("muster.kafka.security.password-secret names no file of the secrets folder").hasMessageNotContaining("hunter2");
    }

    private static String problem(KafkaConnection kafka) {
        try {
            TopicCheck.require(kafka, SecuredBrokerResource.TOPICS);
            return "";
        } catch (IllegalStateException wrong) {
            return wrong.getMessage();
        }
    }

    /** The planner's own, but for these. */
    private static KafkaConnection kafka(Map<String, String> changed) {
        var keys = new HashMap<String, String>();
        for (var key : List.of("protocol", "username", "password-secret", "ca")) {
            keys.put("muster.kafka.security." + key, config("muster.kafka.security." + key));
        }
        keys.putAll(changed);
        return KafkaConnection.of(config("muster.kafka.bootstrap-servers"), KafkaSecurity.of(key -> Optional.ofNullable(keys.get(key))),
                new SecretsFolder(Path.of(config("muster.secrets.folder"))));
    }

    private static String config(String key) {
        return ConfigProvider.getConfig().getValue(key, String.class);
    }

    private int ready() throws Exception {
        return HttpClient.newHttpClient().send(HttpRequest.newBuilder(http.resolve("/q/health/ready")).build(), HttpResponse.BodyHandlers.discarding()).statusCode();
    }

    private static void await(String what, Callable<Boolean> condition) throws Exception {
        var deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!condition.call()) {
            assertThat(System.nanoTime()).as("waited a minute until " + what).isLessThan(deadline);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
        }
    }
}
