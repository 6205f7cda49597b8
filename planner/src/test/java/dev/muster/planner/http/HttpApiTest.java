package dev.muster.planner.http;

import static dev.muster.planner.Await.await;
import static io.restassured.RestAssured.given;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.nullValue;
import static org.hamcrest.Matchers.startsWith;

import com.google.protobuf.util.JsonFormat;
import com.google.protobuf.util.Timestamps;
import dev.muster.planner.answer.Pages;
import dev.muster.planner.control.BrokerResource;
import dev.muster.planner.view.ReadModel;
import dev.muster.v1.Decision;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.MachineChange;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.Phase;
import dev.muster.v1.Reason;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.http.ContentType;
import io.restassured.response.ValidatableResponse;
import jakarta.inject.Inject;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** JSON over HTTP as a client meets it: the whole planner, on a real broker. */
@QuarkusTest
@QuarkusTestResource(BrokerResource.class)
class HttpApiTest {

    @TestHTTPResource("/")
    URI http;

    @ConfigProperty(name = "muster.kafka.bootstrap-servers")
    String brokers;

    @Inject
    ReadModel model;

    @Inject
    SeenCalls seen;

    @BeforeEach
    void ready() throws Exception {
        await("the planner is ready", () -> given().get("/q/health/ready").statusCode() == 200);
    }

    private static String spec(String name, String more) {
        return """
                {"name": "%s", "queues": [{"name": "%1$s-queue", "pools": ["cpu"]}], "pools": [{"name": "cpu", "limits": {"max": 3},
                 "offers": [{"key": {"provider": "aws", "account": "main", "region": "eu-west-1", "machineType": "m5.large"}}]}]%s}""".formatted(name, more);
    }

    private static ValidatableResponse put(String name, String more) {
        return given().contentType(ContentType.JSON).body("{\"spec\": " + spec(name, "") + more + "}").put("/v1/fleets/" + name).then();
    }

    @Test
    void aFleetsLife() throws Exception {
        put("whole", "").statusCode(200).header("ETag", "\"1\"").body("version", equalTo("1")).body("spec.workersPrefix", equalTo("lab-whole"));
        await("it is listed", () -> given().get("/v1/fleets").then().statusCode(200).extract().<List<String>>path("fleets.record.fleet").contains("whole"));
        given().get("/v1/fleets/whole").then().statusCode(200).header("ETag", "\"1\"").body("record.state", equalTo("ACTIVE")).body("waiting", equalTo(0))
                .body("microsPerHour", equalTo("0"));
        given().get("/v1/queues?fleet=whole").then().statusCode(200).body("queues.name", equalTo(List.of("whole-queue")));
        given().post("/v1/fleets/whole:pause").then().statusCode(200).body("state", equalTo("PAUSED"));
        given().contentType(ContentType.JSON).body("{}").post("/v1/fleets/whole:resume").then().statusCode(200).body("state", equalTo("ACTIVE"));
        given().queryParam("action", "LEAVE").delete("/v1/fleets/whole").then().statusCode(200);
    }

    @Test
    void aWriteIsReadableWhenItReturns() {
        put("readable", "").statusCode(200);
        given().get("/v1/fleets/readable").then().statusCode(200);
    }

    @Test
    void ofTwoEditsOfOneVersionTheSecondIsRefused() {
        put("raced", "").statusCode(200);
        var edit = given().contentType(ContentType.JSON).header("If-Match", "\"1\"").body("{\"spec\": " + spec("raced", ", \"currency\": \"EUR\"") + "}");
        edit.put("/v1/fleets/raced").then().statusCode(200).header("ETag", "\"2\"");
        given().contentType(ContentType.JSON).header("If-Match", "\"1\"").body("{\"spec\": " + spec("raced", ", \"currency\": \"GBP\"") + "}")
                .put("/v1/fleets/raced").then().statusCode(409).body("code", equalTo(10)).body("details[0].'@type'", equalTo("type.googleapis.com/google.rpc.ErrorInfo"))
                .body("details[0].reason", equalTo("VERSION_MISMATCH"));
        given().contentType(ContentType.JSON).header("If-None-Match", "*").body("{\"spec\": " + spec("raced", "") + "}").put("/v1/fleets/raced").then().statusCode(409);
    }

    @Test
    void aRepeatedRequestHasNoFurtherEffect() {
        put("repeated", "").statusCode(200);
        given().header("Idempotency-Key", "http-once").post("/v1/fleets/repeated:pause").then().statusCode(200).body("version", equalTo("2"));
        given().post("/v1/fleets/repeated:resume").then().statusCode(200).body("version", equalTo("3"));
        given().header("Idempotency-Key", "http-once").post("/v1/fleets/repeated:pause").then().statusCode(200).body("state", equalTo("ACTIVE"));
        given().contentType(ContentType.JSON).header("Idempotency-Key", "a").body("{\"requestId\": \"b\"}").post("/v1/fleets/repeated:pause").then().statusCode(400)
                .body("details[1].fieldViolations[0].field", equalTo("requestId"));
    }

    @Test
    void whatIsWrongWithASpecIsSaidFieldByField() {
        given().contentType(ContentType.JSON).body("{\"spec\": " + spec("bad", ", \"workersPrefix\": \"a:b\"") + "}").put("/v1/fleets/bad").then().statusCode(400)
                .body("code", equalTo(3)).body("details.find { it.'@type'.endsWith('BadRequest') }.fieldViolations.field", hasItem("workersPrefix"));
        given().contentType(ContentType.JSON).body("{\"spec\": " + spec("other", "") + "}").put("/v1/fleets/bad").then().statusCode(400)
                .body("details[1].fieldViolations[0].field", equalTo("name")).body("details[1].fieldViolations[0].description", containsString("the path says something else"));
        given().contentType(ContentType.JSON).body("{\"spec\": {\"nmae\": \"x\"}, \"version\": 1}").put("/v1/fleets/bad").then().statusCode(400)
                .body("details[1].fieldViolations.field", equalTo(List.of("spec.nmae", "version")));
    }

    @ParameterizedTest
    @CsvSource({
            "/v1/machines?colour=red, colour, is no field of ListMachinesRequest",
            "/v1/machines?endedToo=yes, endedToo, is 'yes'; write true or false",
            "/v1/machines?pageSize=many, pageSize, is 'many'; write a whole number from -2147483648 to 2147483647",
            "/v1/machines?phases=READY&phases=FLYING, phases, 'is ''FLYING''; write a name of Phase, such as REQUESTED'",
            "/v1/machines?fleet=a&fleet=b, fleet, is there twice",
            "/v1/fleets/a/history?labels.pool=x&labels.pool=y, labels.pool, is there twice",
            "/v1/fleets/a/spend?step=1h, step, 'is ''1h''; write seconds with an s, such as 3600s'",
            "/v1/fleets/a/spend?since=today, since, 'is ''today''; write a moment as RFC 3339 has it, such as 2026-11-01T12:00:00Z'",
            "/v1/fleets/a/versions/two, version, 'is ''two''; write a whole number from 0 to 18446744073709551615'",
            "/v1/machines?fleet=%ff, query, is not UTF-8",
    })
    void aQueryIsReadStrictly(String path, String field, String problem) {
        given().urlEncodingEnabled(false).get(path).then().statusCode(400).body("code", equalTo(3)).body("details[1].fieldViolations[0].field", equalTo(field))
                .body("details[1].fieldViolations[0].description", equalTo(problem));
    }

    @Test
    void aQueryReachesTheCallsFields() throws Exception {
        machineIs("m-http-1", "queried", "gpu", Phase.GONE);
        machineIs("m-http-2", "queried", "cpu", Phase.READY);
        await("they are shown", () -> given().get("/v1/machines?fleet=queried&ended_too=true").then().statusCode(200).extract()
                .<List<String>>path("machines.machineId").equals(List.of("m-http-1", "m-http-2")));
        given().get("/v1/machines?fleet=queried&pool=gpu&endedToo=true").then().body("machines.machineId", equalTo(List.of("m-http-1")));
        var first = given().get("/v1/machines?fleet=queried&endedToo=true&pageSize=1").then().body("machines.machineId", equalTo(List.of("m-http-1")))
                .extract().<String>path("nextPageToken");
        given().queryParam("pageToken", first).get("/v1/machines?fleet=queried&endedToo=true").then().body("machines.machineId", equalTo(List.of("m-http-2")));
        // A page's token is a place in the order of all: it may be before or behind a fleet that it was not given for.
        given().queryParam("pageToken", Pages.token("a/m-1")).get("/v1/machines?fleet=queried&endedToo=true").then().body("machines.size()", equalTo(2));
        given().queryParam("pageToken", Pages.token("z/m-1")).get("/v1/machines?fleet=queried&endedToo=true").then().body("machines.size()", equalTo(0));
        given().post("/v1/machines/m-none:drain").then().statusCode(404).body("code", equalTo(5)).body("message", equalTo("There is no machine 'm-none'."));
    }

    @Test
    void otherPathsAndMethodsAreRefusedAsStatus() throws Exception {
        given().get("/v1/clusters").then().statusCode(404).contentType(ContentType.JSON).body("code", equalTo(5)).body("details[0].reason", equalTo("NO_SUCH_PATH"));
        given().patch("/v1/fleets/a").then().statusCode(405).header("Allow", "DELETE, GET, HEAD, OPTIONS, PUT").body("details[0].reason", equalTo("METHOD_NOT_ALLOWED"));
        given().options("/v1/fleets").then().statusCode(204).header("Allow", "GET, HEAD, OPTIONS");
        given().head("/v1/fleets").then().statusCode(200).header("Content-Type", "application/json");
        given().head("/v1/fleets/none").then().statusCode(404);
        given().post("/v1/fleets").then().statusCode(405).header("Allow", "GET, HEAD, OPTIONS");
        given().post("/openapi.json").then().statusCode(405).header("Allow", "GET, HEAD, OPTIONS").body("details[0].reason", equalTo("METHOD_NOT_ALLOWED"));
        given().options("/openapi.json").then().statusCode(204).header("Allow", "GET, HEAD, OPTIONS");
        given().head("/openapi.json").then().statusCode(200).header("Content-Type", "application/json");
        // Methods that nobody knows, too, and those that others know; a method's name has a case.
        for (var method : List.of("BREW", "TRACE", "get")) {
            assertThat(raw(method + " /v1/fleets HTTP/1.1")).as(method).startsWith("HTTP/1.1 405").containsIgnoringCase("\r\nAllow: GET, HEAD, OPTIONS\r\n").contains("METHOD_NOT_ALLOWED");
            assertThat(raw(method + " /v1/clusters HTTP/1.1")).as(method).startsWith("HTTP/1.1 404").contains("NO_SUCH_PATH");
        }
        for (var path : List.of("/v1", "/v1/", "/v2/fleets", "/fleets", "/muster.v2.Fleets/GetFleet")) {
            assertThat(raw("GET " + path + " HTTP/1.1")).as(path).startsWith("HTTP/1.1 404");
        }
        given().get("/muster.v1.Fleets/GetFleet").then().statusCode(405).header("Allow", "POST");
        // What is no path at all is refused by the HTTP server, before anybody is asked.
        assertThat(raw("GET /v1/fleets/%zz HTTP/1.1")).startsWith("HTTP/1.1 400");
        assertThat(raw("GET /v1/fleets/%ff HTTP/1.1")).startsWith("HTTP/1.1 400").contains("\"code\":3", "is not UTF-8");
        assertThat(raw("GET /v1/../v1/fleets/./a HTTP/1.1")).startsWith("HTTP/1.1 404");
    }

    @Test
    void bodiesAreJsonAndNotTooLarge() {
        given().contentType(ContentType.TEXT).body("{}").post("/v1/fleets/a:pause").then().statusCode(415).body("details[0].reason", equalTo("NOT_JSON"));
        given().contentType("application/json; charset=latin1").body("{}").post("/v1/fleets/a:pause").then().statusCode(415);
        given().contentType(ContentType.JSON).body("{\"pool\": \"" + "x".repeat(Exchange.LARGEST_BODY) + "\"}").post("/v1/fleets/a:pause").then().statusCode(413)
                .body("code", equalTo(8)).body("details[0].reason", equalTo("BODY_TOO_LARGE"));
        given().contentType(ContentType.JSON).body(new byte[] {'{', '"', (byte) 0xff, '"', ':', '1', '}'}).post("/v1/fleets/a:pause").then().statusCode(400)
                .body("message", containsString("body is not UTF-8"));
        given().contentType(ContentType.JSON).body("{\"pool\": ").post("/v1/fleets/a:pause").then().statusCode(400).body("message", containsString("body is no whole JSON"));
        given().contentType(ContentType.JSON).body("{}").get("/v1/fleets").then().statusCode(400).body("message", containsString("its fields are in the query"));
    }

    @Test
    void aDeadlineHolds() {
        given().header("Grpc-Timeout", "1n").get("/v1/fleets").then().statusCode(504).body("code", equalTo(4)).body("details[0].reason", equalTo("DEADLINE"));
        given().header("Grpc-Timeout", "20S").get("/v1/fleets").then().statusCode(200);
        given().header("Grpc-Timeout", "soon").get("/v1/fleets").then().statusCode(400);
    }

    @Test
    void callsComeThroughTheInterceptorsWithWhoMakesThem() {
        given().header("Authorization", "Bearer abc").header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").header("X-Other", "x")
                .header("muster-peer-bin", "AAAA").header("grpc-status", "0").get("/v1/fleets").then().statusCode(200);
        var call = seen.last();
        assertThat(call.method()).isEqualTo("muster.v1.Fleets/ListFleets");
        assertThat(((InetSocketAddress) call.attributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR)).getAddress().isLoopbackAddress()).isTrue();
        assertThat(((InetSocketAddress) call.attributes().get(Grpc.TRANSPORT_ATTR_LOCAL_ADDR)).getPort()).isEqualTo(http.getPort());
        assertThat(call.attributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION)).isNull();
        assertThat(call.headers().keys()).contains("authorization", "traceparent").doesNotContain("x-other", "grpc-status", "muster-peer-bin");
        assertThat(call.headers().get(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER))).isEqualTo("Bearer abc");
    }

    @Test
    void answersAreForNoOtherPage() {
        given().header("Origin", "https://elsewhere.example").get("/v1/fleets").then().statusCode(200)
                .header("Access-Control-Allow-Origin", nullValue()).header("X-Content-Type-Options", "nosniff").header("Cache-Control", "no-store")
                .header("Content-Security-Policy", startsWith("default-src 'none'"));
    }

    @Test
    void servesItsOwnDescription() {
        given().get("/openapi.json").then().statusCode(200).contentType(ContentType.JSON).body("openapi", equalTo("3.1.0"))
                .body("paths.'/v1/fleets/{name}'.put.operationId", equalTo("Fleets_ApplyFleet"));
    }

    @Test
    void aWatchIsAStreamOfEvents() throws Exception {
        machineIs("m-seen", "streamed", "gpu", Phase.BOOTING);
        await("it is shown", () -> given().get("/v1/machines?fleet=streamed").then().extract().<List<String>>path("machines.machineId").contains("m-seen"));
        try (var events = watch("/v1/machines:watch?fleet=streamed", "")) {
            assertThat(events.head()).contains("HTTP/1.1 200", "text/event-stream", "nosniff");
            assertThat(machine(events.next()).getMachine().getMachineId()).isEqualTo("m-seen");
            assertThat(machine(events.next()).getSynced()).isTrue();
            machineIs("m-seen", "streamed", "gpu", Phase.READY);
            assertThat(machine(events.next()).getMachine().getPhase()).isEqualTo(Phase.READY);
        }
    }

    @Test
    void aWatchThatIsRefusedIsNoStream() {
        given().get("/v1/decisions:watch?fleet=nobody").then().statusCode(404).contentType(ContentType.JSON).body("code", equalTo(5));
        given().get("/v1/decisions:watch?colour=red").then().statusCode(400);
        given().head("/v1/decisions:watch").then().statusCode(405);
    }

    @Test
    void aWatchThatEndsSaysWhy() throws Exception {
        try (var events = watch("/v1/decisions:watch", "Grpc-Timeout: 1500m\r\n")) {
            assertThat(events.head()).contains("HTTP/1.1 200");
            assertThat(events.next()).contains("event: error\ndata: {\"code\":4,");
        }
    }

    @Test
    void aStreamGoesOnBehindTheLastEventThatWasRead() throws Exception {
        put("resumed", "").statusCode(200);
        var path = "/v1/decisions:watch?fleet=resumed&machineId=m-resumed";
        await("nobody watches", () -> model.watchers() == 0);
        String first;
        try (var events = watch(path, "")) {
            await("it watches", () -> model.watchers() == 1);
            decide("resumed", 1);
            decide("resumed", 2);
            first = events.next();
            assertThat(events(first).getDecisionId()).isEqualTo("resumed-1");
            assertThat(id(first)).isEqualTo(events(first).getResumeToken()).isNotEmpty();
        }
        // While nobody reads.
        decide("resumed", 3);
        String last;
        try (var events = watch(path, "Last-Event-ID: " + id(first) + "\r\n")) {
            assertThat(events(events.next()).getDecisionId()).isEqualTo("resumed-2");
            last = events.next();
            assertThat(events(last).getDecisionId()).isEqualTo("resumed-3");
            decide("resumed", 4);
            assertThat(events(events.next()).getDecisionId()).isEqualTo("resumed-4");
        }
        // A browser repeats the query as it was: what it read last goes before that.
        try (var events = watch(path + "&resumeToken=" + id(first), "Last-Event-ID: " + id(last) + "\r\n")) {
            assertThat(events(events.next()).getDecisionId()).isEqualTo("resumed-4");
        }
        given().header("Last-Event-ID", "nonsense").get(path).then().statusCode(400).body("code", equalTo(3)).body("details[1].fieldViolations[0].field", equalTo("resumeToken"));
    }

    @Test
    void aStreamOfStatesSendsAnewOnlyWhatChanged() throws Exception {
        machineIs("m-one", "changing", "gpu", Phase.READY);
        machineIs("m-two", "changing", "gpu", Phase.READY);
        await("they are shown", () -> given().get("/v1/machines?fleet=changing").then().extract().<List<String>>path("machines.machineId").size() == 2);
        String synced;
        try (var events = watch("/v1/machines:watch?fleet=changing", "")) {
            events.next();
            events.next();
            synced = events.next();
            assertThat(machine(synced).getFull()).isTrue();
        }
        machineIs("m-two", "changing", "gpu", Phase.GONE);
        await("it is shown", () -> given().get("/v1/machines/m-two").then().extract().<String>path("phase").equals("GONE"));
        try (var events = watch("/v1/machines:watch?fleet=changing", "Last-Event-ID: " + id(synced) + "\r\n")) {
            assertThat(machine(events.next()).getMachine().getMachineId()).isEqualTo("m-two");
            assertThat(machine(events.next())).satisfies(caughtUp -> {
                assertThat(caughtUp.getSynced()).isTrue();
                assertThat(caughtUp.getFull()).as("what was known holds").isFalse();
            });
        }
    }

    private void decide(String fleet, int number) throws Exception {
        var event = DecisionEvent.newBuilder().setDecisionId(fleet + "-" + number).setFleet(fleet).setAt(Timestamps.fromMillis(System.currentTimeMillis()))
                .setDecision(Decision.newBuilder().setReason(Reason.TASKS_WAIT).addMachineIds("m-" + fleet)).build();
        try (var producer = new KafkaProducer<>(Map.<String, Object>of("bootstrap.servers", brokers), new StringSerializer(), new ByteArraySerializer())) {
            producer.send(new ProducerRecord<>("muster.decisions", fleet, event.toByteArray())).get();
        }
    }

    private static String id(String event) {
        assertThat(event).startsWith("id: ");
        return event.substring(4, event.indexOf('\n'));
    }

    @Test
    void aReaderThatGoesAwayIsForgotten() throws Exception {
        await("nobody watches", () -> model.watchers() == 0);
        var events = watch("/v1/machines:watch?fleet=left", "");
        assertThat(machine(events.next()).getSynced()).isTrue();
        assertThat(model.watchers()).isEqualTo(1);
        events.close();
        await("nobody watches", () -> model.watchers() == 0);
    }

    @Test
    void aReaderThatGoesAwayWithHalfARequestBehindIsForgotten() throws Exception {
        await("nobody watches", () -> model.watchers() == 0);
        try (var reader = new Socket(http.getHost(), http.getPort())) {
            reader.getOutputStream().write(("GET /v1/machines:watch?fleet=left HTTP/1.1\r\nHost: x\r\n\r\nPOST /v1/fleets/left:pause HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{").getBytes(US_ASCII));
            await("it watches", () -> model.watchers() == 1);
        }
        await("nobody watches", () -> model.watchers() == 0);
    }

    @Test
    void aReaderThatDoesNotReadIsDroppedAndNobodyElse() throws Exception {
        await("nobody watches", () -> model.watchers() == 0);
        try (var slow = new Socket(); var reader = watch("/v1/decisions:watch", "")) {
            slow.setReceiveBufferSize(4096);
            slow.connect(new InetSocketAddress(http.getHost(), http.getPort()));
            slow.getOutputStream().write("GET /v1/decisions:watch HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".getBytes(UTF_8));
            await("both watch", () -> model.watchers() == 2);
            var sent = 0;
            try (var producer = new KafkaProducer<>(Map.<String, Object>of("bootstrap.servers", brokers), new StringSerializer(), new ByteArraySerializer())) {
                var deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
                while (model.watchers() == 2 && System.nanoTime() < deadline) {
                    for (int i = 0; i < 200; i++) {
                        var event = DecisionEvent.newBuilder().setDecisionId("slow-" + sent++).setFleet("slow").setAt(Timestamps.fromMillis(System.currentTimeMillis()))
                                .setDecision(Decision.newBuilder().setReason(Reason.TASKS_WAIT).setText("x".repeat(2000)));
                        producer.send(new ProducerRecord<>("muster.decisions", "slow", event.build().toByteArray()));
                    }
                    producer.flush();
                    // The reader that reads sees all of them.
                    for (int i = 0; i < 200; i++) {
                        assertThat(events(reader.next()).getDecisionId()).isEqualTo("slow-" + (sent - 200 + i));
                    }
                }
            }
            assertThat(model.watchers()).as("after %d events", sent).isEqualTo(1);
            // What it was told is at the end of what it has not read.
            slow.setSoTimeout(20_000);
            var told = new String(slow.getInputStream().readAllBytes(), UTF_8);
            assertThat(told.substring(told.length() - 600)).contains("event: error\ndata: {\"code\":8,").contains("READS_TOO_SLOWLY");
        }
        await("nobody watches", () -> model.watchers() == 0);
    }

    /** What is answered to a request's first line, as it is. */
    private String raw(String line) throws Exception {
        try (var socket = new Socket(http.getHost(), http.getPort())) {
            socket.setSoTimeout(20_000);
            socket.getOutputStream().write((line + "\r\nHost: x\r\nConnection: close\r\n\r\n").getBytes(UTF_8));
            return new String(socket.getInputStream().readAllBytes(), UTF_8);
        }
    }

    private Events watch(String path, String headers) throws Exception {
        return new Events(http.getHost(), http.getPort(), path, headers);
    }

    private static MachineChange machine(String event) throws Exception {
        var change = MachineChange.newBuilder();
        JsonFormat.parser().merge(event.substring(event.indexOf("data: ") + 6), change);
        return change.build();
    }

    private static DecisionEvent events(String event) throws Exception {
        var decision = DecisionEvent.newBuilder();
        JsonFormat.parser().merge(event.substring(event.indexOf("data: ") + 6), decision);
        return decision.build();
    }

    private void machineIs(String id, String fleet, String pool, Phase phase) throws Exception {
        var machine = MachineRecord.newBuilder().setMachineId(id).setFleet(fleet).setPool(pool).setPhase(phase).build();
        try (var producer = new KafkaProducer<>(Map.<String, Object>of("bootstrap.servers", brokers), new StringSerializer(), new ByteArraySerializer())) {
            producer.send(new ProducerRecord<>("muster.machines", null, Instant.now().toEpochMilli(), fleet + "/" + id, machine.toByteArray())).get();
        }
    }
}
