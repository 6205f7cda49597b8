package dev.muster.planner.control;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.contracts.FleetYaml;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.TopicSpan;
import dev.muster.contracts.Topics;
import dev.muster.v1.ApplyFleetRequest;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.FleetsGrpc;
import dev.muster.v1.GetFleetRequest;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.MetadataUtils;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.io.StringWriter;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A password that a person writes into a spec or a header by mistake ends with an error, and nowhere else. */
@QuarkusTest
@QuarkusTestResource(BrokerResource.class)
class SecretsInClearTest {

    private static final String PASSWORD = "hunter2hunter2";

    @TestHTTPResource("/")
    URI http;

    @ConfigProperty(name = "muster.kafka.bootstrap-servers")
    String brokers;

    private final StringWriter log = new StringWriter();
    private final Handler listener = new Handler() {
        @Override
        public void publish(LogRecord record) {
            log.append(record.getMessage()).append(' ').append(List.of(record.getParameters() == null ? new Object[0] : record.getParameters()).toString()).append('\n');
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };
    private ManagedChannel channel;
    private FleetsGrpc.FleetsBlockingStub fleets;

    @BeforeEach
    void connect() throws Exception {
        channel = ManagedChannelBuilder.forAddress(http.getHost(), http.getPort()).usePlaintext().build();
        fleets = FleetsGrpc.newBlockingStub(channel).withDeadlineAfter(60, TimeUnit.SECONDS);
        while (!get("/q/health/ready").startsWith("200")) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
        }
        Logger.getLogger("").addHandler(listener);
    }

    @AfterEach
    void disconnect() {
        Logger.getLogger("").removeHandler(listener);
        channel.shutdownNow();
    }

    @Test
    void areRefusedBeforeAnythingIsWrittenAndNeverRepeated() throws Exception {
        var answers = new ArrayList<String>();
        for (var agent : List.of("environment: {DB_PASSWORD: %s}", "environment: {INDEX: 'https://ann:%s@example.org'}", "extraConf: 'agent.git_pass: %s'",
                "initScript: 'docker login -u ann -p %s'", "storage: {s3: [{key: {secretRef: key}, secret: %s}]}", "environment: {KEY: {secretRef: '%s!'}}")) {
            var spec = FleetYaml.read("name: clear\nqueues: {clear: [cpu]}\npools: {cpu: {provider: aws, region: us-east-1, type: m6i.large, max: 1, agent: {"
                    + agent.formatted(PASSWORD) + "}}}\n");
            answers.add(refusal(spec, false));
            answers.add(refusal(spec, true));
        }
        var caller = new Metadata();
        caller.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + PASSWORD);
        try {
            answers.add(fleets.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(caller)).getFleet(GetFleetRequest.newBuilder().setName("clear").build()).toString());
        } catch (StatusRuntimeException refused) {
            answers.add(StatusProto.fromThrowable(refused) + refused.getMessage());
        }
        answers.add(get("/q/metrics"));
        answers.add(get("/q/health"));
        answers.add(get("/q/health?token=" + PASSWORD));

        assertThat(answers).noneMatch(answer -> answer.contains(PASSWORD));
        assertThat(log.toString()).doesNotContain(PASSWORD);
        assertThat(topics()).contains("muster.requests").doesNotContain(PASSWORD);
    }

    private String refusal(FleetSpec spec, boolean dry) {
        var request = ApplyFleetRequest.newBuilder().setSpec(spec).build();
        var said = new StringBuilder();
        assertThatThrownBy(() -> {
            if (dry) {
                fleets.validateFleet(request);
            } else {
                fleets.applyFleet(request);
            }
        }).isInstanceOfSatisfying(StatusRuntimeException.class, refused -> {
            assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
            said.append(refused.getMessage()).append(StatusProto.fromThrowable(refused));
        });
        return said.toString();
    }

    private String get(String path) throws Exception {
        var answer = HttpClient.newHttpClient().send(HttpRequest.newBuilder(http.resolve(path)).build(), HttpResponse.BodyHandlers.ofString());
        return answer.statusCode() + " " + answer.body();
    }

    /** Names and bytes of all topics. */
    private String topics() {
        var all = new StringBuilder();
        try (var span = new TopicSpan(KafkaSettings.consumer(brokers))) {
            for (var topic : new Topics(Topics.DEFAULT_PREFIX, Topics.SANDBOX_INPUT_PARTITIONS).all()) {
                all.append(topic.name()).append('\n');
                span.read(span.partitions(topic.name()), record -> {
                    all.append(record.key() == null ? "" : new String(record.key(), ISO_8859_1)).append(record.value() == null ? "" : new String(record.value(), ISO_8859_1));
                    record.headers().forEach(header -> all.append(new String(header.value(), ISO_8859_1)));
                });
            }
        }
        return all.toString();
    }
}
