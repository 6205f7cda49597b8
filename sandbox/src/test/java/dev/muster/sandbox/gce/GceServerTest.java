package dev.muster.sandbox.gce;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.sandbox.HeldCalls;
import dev.muster.sandbox.SimulatedTime;
import dev.muster.sandbox.clearml.Await;
import dev.muster.sandbox.gce.Faults.ApiFault;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.net.http.HttpRequest;
import java.net.URI;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What happens to calls on their way, and the admin routes. */
final class GceServerTest {

    private static final Duration SOON = Duration.ofSeconds(20);

    private final SimulatedTime time = new SimulatedTime();
    private final Http http = new Http(GceConfig.defaults().withCredentials(false), time);

    @AfterEach
    void close() {
        http.close();
    }

    @Test
    void aLostAnswerHasHadItsEffect() {
        // Given
        http.server.faults().onCall("instances.insert", 1, new ApiFault.LoseAnswer(false));
        http.server.faults().onCall("instances.insert", 1, new ApiFault.LoseAnswer(true));

        // When
        var lost = http.insert("m-1");
        assertThatThrownBy(() -> http.insert("m-2")).hasRootCauseInstanceOf(java.io.IOException.class);

        // Then
        assertThat(lost.statusCode()).isEqualTo(503);
        assertThat(new JsonObject(http.get(Cloud.INSTANCES).body()).getJsonArray("items")).hasSize(2);
        assertThat(http.server.books().launchCalls()).extracting(Books.LaunchCall::answerLost).containsExactly(true, true);
    }

    @Test
    void aRefusalAsOrderedDoesNothing() {
        http.server.faults().onCall("instances.insert", 1, ApiFault.Refuse.rateLimited(403));

        var refused = http.insert("m-1");

        assertThat(refused.statusCode()).isEqualTo(403);
        var error = new JsonObject(refused.body()).getJsonObject("error").getJsonArray("errors").getJsonObject(0);
        assertThat(error.getString("reason")).isEqualTo("rateLimitExceeded");
        assertThat(error.getString("domain")).isEqualTo("usageLimits");
        assertThat(new JsonObject(http.get(Cloud.INSTANCES).body()).containsKey("items")).isFalse();
    }

    @Test
    void aHeldCallWaitsBeforeItsEffectOrAfterUntilItsFateIsSaid() throws Exception {
        // Given
        http.server.faults().onCall("instances.insert", 1, new ApiFault.Held(HeldCalls.Moment.BEFORE_EFFECT));
        http.server.faults().onCall("instances.insert", 1, new ApiFault.Held(HeldCalls.Moment.BEFORE_ANSWER));
        var before = http.inserting("m-1");
        Await.until(SOON, () -> "not held", () -> http.server.held().size() == 1);
        var after = http.inserting("m-2");
        Await.until(SOON, () -> "not held", () -> http.server.held().size() == 2);

        // When
        var meanwhile = new JsonObject(http.get(Cloud.INSTANCES).body()).getJsonArray("items");
        http.admin("/gce/held", new JsonObject().put("fate", "act"));

        // Then
        assertThat(meanwhile).hasSize(1);
        assertThat(before.get(10, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
        assertThat(after.get(10, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
        assertThat(new JsonObject(http.get(Cloud.INSTANCES).body()).getJsonArray("items")).hasSize(2);
    }

    @Test
    void aWaitIsAnsweredOnceTheOperationIsDoneOrAfterTwoMinutes() throws Exception {
        // Given
        var operation = new JsonObject(http.insert("m-1").body());
        http.server.faults().onLaunch(OfferFilter.any(), 1, new Faults.LaunchFault.Slow(Duration.ofHours(1)));
        var slow = new JsonObject(http.insert("m-2").body());

        // When
        var waiting = http.client.sendAsync(http.request("POST", Links.path(operation.getString("selfLink")) + "/wait", null).build(), BodyHandlers.ofString());
        var longer = http.client.sendAsync(http.request("POST", Links.path(slow.getString("selfLink")) + "/wait", null).build(), BodyHandlers.ofString());
        Await.until(SOON, () -> "not asked", () -> http.server.books().answers().containsKey("zoneOperations.wait")
                && http.server.books().answers().get("zoneOperations.wait").get("Success") == 2);
        var early = waiting.isDone();
        time.pass(Duration.ofSeconds(30));
        var done = waiting.get(10, TimeUnit.SECONDS);
        time.pass(Duration.ofMinutes(2));

        // Then
        assertThat(early).isFalse();
        assertThat(new JsonObject(done.body()).getString("status")).isEqualTo("DONE");
        assertThat(new JsonObject(longer.get(10, TimeUnit.SECONDS).body()).getString("status")).isEqualTo("RUNNING");
    }

    @Test
    void severalCallsInOneRequestAreAnsweredEach() {
        // Given
        http.insert("m-1");
        var batch = "--x\r\nContent-Type: application/http\r\nContent-ID: <a+1>\r\n\r\nGET /compute/v1/" + Cloud.INSTANCES + "/m-1 HTTP/1.1\r\nHost: any\r\n\r\n\r\n"
                + "--x\r\nContent-Type: application/http\r\nContent-ID: <a+2>\r\n\r\nGET /compute/v1/" + Cloud.INSTANCES + "/m-2 HTTP/1.1\r\n\r\n\r\n--x--";

        // When
        var answer = http.send(HttpRequest.newBuilder(URI.create(http.server.url() + "/batch/compute/v1")).header("Content-Type", "multipart/mixed; boundary=x")
                .POST(HttpRequest.BodyPublishers.ofString(batch)));

        // Then
        assertThat(answer.body()).containsSubsequence("Content-ID: <response-a+1>", "HTTP/1.1 200", "\"name\" : \"m-1\"", "Content-ID: <response-a+2>", "HTTP/1.1 404");
    }

    @Test
    void tellsWhatAnAccountMay() {
        // Given
        http.admin("/gce/faults/denials", new JsonObject().put("permission", "compute.instances.delete"));
        var asked = new JsonObject().put("permissions", new JsonArray().add("compute.instances.create").add("compute.instances.delete"));

        // When
        var answer = http.send(HttpRequest.newBuilder(URI.create(http.server.url() + "/v1/projects/muster-sandbox:testIamPermissions"))
                .POST(HttpRequest.BodyPublishers.ofString(asked.encode())));

        // Then
        assertThat(new JsonObject(answer.body())).isEqualTo(new JsonObject().put("permissions", new JsonArray().add("compute.instances.create")));
    }

    @Test
    void whatIsNoCallOfTheApiIsNotFound() {
        assertThat(http.get("projects/muster-sandbox/zones/us-central1-a/flavors").statusCode()).isEqualTo(404);
        assertThat(http.send(http.request("POST", Cloud.INSTANCES, null).method("POST", HttpRequest.BodyPublishers.ofString("{no json"))).statusCode()).isEqualTo(400);
    }

    @Test
    void adminRoutesOrderShortagesFaultsAndEnds() {
        // Given
        http.admin("/gce/capacity", new JsonObject().put("type", "e2-standard-2").put("zone", "us-central1-a").put("most", 1));
        http.admin("/gce/faults/boots", new JsonObject().put("kind", "never-boots"));
        http.insert("m-1");
        http.insert("m-2");
        time.pass(Duration.ofSeconds(21));

        // When
        http.admin("/gce/instances/m-1/power-off", new JsonObject());
        time.pass(Duration.ofSeconds(21));

        // Then
        var books = http.books();
        assertThat(books.getJsonArray("instances")).hasSize(1);
        assertThat(books.getJsonArray("instances").getJsonObject(0).getString("endReason")).isEqualTo("compute.instances.guestTerminate");
        assertThat(books.getJsonArray("launchCalls")).hasSize(2);
        assertThat(books.getInteger("live")).isZero();
        assertThat(http.read(http.admin + "/gce/instances/m-1/console").body()).contains("Kernel panic");
        assertThat(http.admin("/gce/capacity", new JsonObject().put("flavor", "x")).statusCode()).isEqualTo(400);
        assertThat(http.admin("/gce/quotas", new JsonObject().put("region", "us-central1").put("metric", "FLAVORS").put("limit", 1)).body()).contains("metric is FLAVORS");
        assertThat(http.admin("/gce/faults/calls", new JsonObject().put("method", "instances.explode").put("kind", "slow").put("seconds", 1)).statusCode()).isEqualTo(400);
        assertThat(http.admin("/gce/preemptions", new JsonObject().put("instance", "m-9")).body()).contains("there is no instance m-9");
    }
}
