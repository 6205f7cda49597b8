package dev.muster.telemetry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.UnknownFieldSet;
import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.junit.jupiter.api.Test;

class TracesTest {

    @Test
    void aStepOfAnotherServiceBelongsToTheTraceInTheHeaders() throws Exception {
        var received = new LinkedBlockingQueue<byte[]>();
        var collector = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        collector.createContext("/v1/traces", exchange -> {
            received.add(exchange.getRequestBody().readAllBytes());
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        collector.start();
        try (var traces = Traces.of("planner", "one", "1.0", Optional.of(URI.create("http://127.0.0.1:" + collector.getAddress().getPort())), 1)) {
            var headers = new RecordHeaders();
            // When
            var seen = traces.begin("demand seen", null, null, "fleet", "train");
            seen.context().write(headers);
            seen.end();
            var planned = traces.begin("plan", traces.from(headers), null);
            planned.failed("out_of_capacity");
            // Then
            assertThat(headers.toArray()).hasSize(1);
            var traceparent = new String(headers.lastHeader("traceparent").value(), UTF_8);
            assertThat(traceparent).matches("00-[0-9a-f]{32}-[0-9a-f]{16}-01");
            var spans = UnknownFieldSet.parseFrom(received.poll(10, TimeUnit.SECONDS)).getField(1).getLengthDelimitedList().get(0);
            var told = spans.toString(java.nio.charset.StandardCharsets.ISO_8859_1);
            assertThat(told).contains("demand seen").contains("train").contains("out_of_capacity").contains("service.name").contains("planner");
        } finally {
            collector.stop(0);
        }
    }

    @Test
    void offItWritesNothing() {
        var headers = new RecordHeaders();
        headers.add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".getBytes(UTF_8));
        var traces = Traces.of("planner", "one", "1.0", Optional.empty(), 1);
        assertThat(traces.isOn()).isFalse();
        assertThat(traces.from(headers)).isNull();
        assertThat(traces.begin("plan", null, null)).isSameAs(traces.begin("another", null, null));
    }

    @Test
    void whatIsNoTraceIsPassedOver() {
        try (var traces = Traces.of("planner", "one", "1.0", Optional.of(URI.create("http://127.0.0.1:1")), 0)) {
            var headers = new RecordHeaders();
            assertThat(traces.from(headers)).isNull();
            headers.add("traceparent", "rubbish".getBytes(UTF_8));
            assertThat(traces.from(headers)).isNull();
        }
    }

    @Test
    void anEndpointThatIsNoneIsNamedWithItsFix() {
        for (var wrong : new String[] {"collector:4318", "grpc://collector:4317", "http://user:word@collector:4318"}) {
            assertThatThrownBy(() -> Traces.of("planner", "one", "1.0", Optional.of(URI.create(wrong)), 1)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("muster.traces.endpoint").hasMessageNotContaining("word");
        }
    }
}
