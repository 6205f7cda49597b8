package dev.muster.sandbox.ec2;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.sandbox.SimulatedTime;
import io.vertx.core.json.JsonObject;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What only shows on the wire: who may call, other services on the port, faults, the admin routes. */
final class Ec2ServerTest {

    private static final Map<String, String> WHO_AM_I = Map.of("Action", "GetCallerIdentity", "Version", "2011-06-15");

    private final SimulatedTime time = new SimulatedTime();
    private final Http http = new Http(Ec2Config.defaults().withParameters(Map.of("/my/image", Ec2Config.UBUNTU.id())), time);

    @AfterEach
    void stop() {
        http.close();
    }

    @Test
    void onlyKnownAccessKeysAndRegionsPass() {
        // Given
        var call = Map.of("Action", "DescribeRegions", "Version", "2016-11-15");

        // Then
        assertThat(http.form(null, call)).satisfies(refused(401, "AuthFailure"));
        assertThat(http.form(Http.credential("SOMEONEELSE", "us-east-1", "ec2"), call)).satisfies(refused(401, "AuthFailure"));
        assertThat(http.form(Http.credential(Ec2Config.ACCESS_KEY, "mars-north-1", "ec2"), call)).satisfies(refused(401, "AuthFailure"));
        assertThat(http.form(Http.credential(Ec2Config.ACCESS_KEY, "eu-west-1", "ec2"), call).statusCode()).isEqualTo(200);
        assertThat(http.ec2("Describe")).satisfies(refused(400, "InvalidAction"));
        assertThat(http.form(Http.credential(Ec2Config.ACCESS_KEY, "eu-west-1", "ec2"), Map.of("Version", "2016-11-15"))).satisfies(refused(400, "MissingAction"));
    }

    @Test
    void aMalformedBodyIsRefusedAndTheNextOneServed() {
        // Given
        var broken = HttpRequest.newBuilder(URI.create(http.server.url() + "/")).header("Content-Type", "application/x-www-form-urlencoded")
                .header("Authorization", Http.credential(Ec2Config.ACCESS_KEY, "us-east-1", "ec2")).POST(HttpRequest.BodyPublishers.ofString("Action=%zz"));

        // Then
        assertThat(http.send(broken)).satisfies(refused(400, "MalformedQueryString"));
        assertThat(http.ec2("DescribeRegions").statusCode()).isEqualTo(200);
    }

    @Test
    void theRegionIsTheOneTheCredentialIsScopedTo() {
        // When
        var answer = http.form(Http.credential(Ec2Config.ACCESS_KEY, "eu-west-1", "ec2"), Map.of("Action", "DescribeAvailabilityZones", "Version", "2016-11-15"));

        // Then
        assertThat(answer.body()).contains("<zoneName>eu-west-1a</zoneName>").doesNotContain("us-east-1");
    }

    @Test
    void aThousandMachinesComeInTwentyCallsEachWithAnIdAndAnAddressOfItsOwn() {
        // When
        var ids = new HashSet<String>();
        for (int batch = 0; batch < 20; batch++) {
            var answer = http.ec2("RunInstances", "ImageId", Ec2Config.UBUNTU.id(), "InstanceType", "m5.large", "MinCount", "1", "MaxCount", "50", "ClientToken", "batch-" + batch,
                    "TagSpecification.1.ResourceType", "instance", "TagSpecification.1.Tag.1.Key", "muster-pool", "TagSpecification.1.Tag.1.Value", "cpu");
            assertThat(answer.statusCode()).isEqualTo(200);
            for (var part : answer.body().split("<instanceId>")) {
                ids.add(part.substring(0, 19));
            }
        }
        time.pass(Duration.ofSeconds(21));

        // Then
        assertThat(http.booted).hasSize(1000);
        assertThat(ids).containsAll(http.booted.keySet());
        assertThat(http.ec2("CreateTags", numbered("ResourceId", http.booted.keySet(), "Tag.1.Key", "muster-keep-until", "Tag.1.Value", "later")).statusCode()).isEqualTo(200);
        assertThat(http.ec2("TerminateInstances", numbered("InstanceId", http.booted.keySet())).statusCode()).isEqualTo(200);
        var books = new JsonObject(http.get(http.admin + "/ec2/books").body());
        assertThat(books.getJsonArray("launchCalls")).hasSize(20);
        assertThat(books.getJsonArray("instances")).hasSize(1000);
        assertThat(books.getJsonObject("peakByTag").getJsonObject("muster-pool").getInteger("cpu")).isEqualTo(1000);
    }

    @Test
    void callsWithOneTokenAtOneMomentStartOneSetOfMachines() {
        // When
        var calls = new ArrayList<CompletableFuture<HttpResponse<String>>>();
        for (int i = 0; i < 8; i++) {
            calls.add(CompletableFuture.supplyAsync(() -> http.ec2("RunInstances", "ImageId", Ec2Config.UBUNTU.id(), "InstanceType", "m5.large", "MinCount", "3",
                    "MaxCount", "3", "ClientToken", "batch-1")));
        }

        // Then
        assertThat(calls.stream().map(CompletableFuture::join).map(answer -> Http.between(answer.body(), "<reservationId>", "<")).distinct()).hasSize(1);
        assertThat(http.server.books().peak()).isEqualTo(3);
    }

    @Test
    void aCallerWhoStopsWaitingHasNotStoppedTheLaunch() {
        // Given
        http.server.faults().onCall("RunInstances", 1, new Faults.ApiFault.Slow(Duration.ofMinutes(5)));
        var form = "Action=RunInstances&Version=2016-11-15&MinCount=1&MaxCount=1&InstanceType=m5.large&ImageId=" + Ec2Config.UBUNTU.id();

        // When
        assertThatThrownBy(() -> http.send(HttpRequest.newBuilder(URI.create(http.server.url() + "/")).timeout(Duration.ofSeconds(2))
                .header("Content-Type", "application/x-www-form-urlencoded").header("Authorization", Http.credential(Ec2Config.ACCESS_KEY, "us-east-1", "ec2"))
                .POST(HttpRequest.BodyPublishers.ofString(form)))).hasCauseInstanceOf(HttpTimeoutException.class);

        // Then
        assertThat(http.server.books().live()).isEqualTo(1);
    }

    @Test
    void aHeldCallHasItsEffectOnceItIsLetGo() {
        // Given
        hold("RunInstances", "held");

        // When
        var answer = CompletableFuture.supplyAsync(this::launchOne);
        awaitHeld("before-effect", true);

        // Then
        assertThat(http.server.books().live()).isZero();
        http.admin("/ec2/held", new JsonObject().put("fate", "act"));
        assertThat(answer.join().statusCode()).isEqualTo(200);
        assertThat(http.server.books().live()).isEqualTo(1);
        assertThat(http.server.held()).isEmpty();
    }

    @Test
    void aCallThatIsHeldBeforeItsAnswerHasHadItsEffect() {
        // Given
        hold("RunInstances", "held-answer");

        // When
        var answer = CompletableFuture.supplyAsync(this::launchOne);
        awaitHeld("before-answer", true);

        // Then
        assertThat(http.server.books().live()).isEqualTo(1);
        assertThat(answer).isNotDone();
        http.admin("/ec2/held", new JsonObject().put("fate", "act"));
        assertThat(answer.join().statusCode()).isEqualTo(200);
        assertThat(http.server.books().live()).isEqualTo(1);
    }

    @Test
    void whatBecomesOfAHeldCallWhoseCallerHasGoneIsForTheTestToSay() {
        for (var fate : List.of("forget", "act")) {
            // Given
            hold("RunInstances", "held");
            assertThatThrownBy(() -> http.send(launch().timeout(Duration.ofSeconds(1)))).hasCauseInstanceOf(HttpTimeoutException.class);
            awaitHeld("before-effect", false);

            // When
            http.admin("/ec2/held", new JsonObject().put("fate", fate));

            // Then
            assertThat(http.server.books().live()).isEqualTo(fate.equals("act") ? 1 : 0);
        }
    }

    private void hold(String action, String kind) {
        assertThat(http.admin("/ec2/faults/calls", new JsonObject().put("action", action).put("kind", kind)).statusCode()).isEqualTo(200);
    }

    private void awaitHeld(String moment, boolean connected) {
        var deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (true) {
            var held = new JsonObject(http.get(http.admin + "/ec2/held").body()).getJsonArray("calls");
            if (held.size() == 1 && held.getJsonObject(0).getString("moment").equals(moment) && held.getJsonObject(0).getBoolean("connected") == connected) {
                return;
            }
            assertThat(System.nanoTime()).as(held.encode()).isLessThan(deadline);
            Thread.onSpinWait();
        }
    }

    private HttpResponse<String> launchOne() {
        return http.send(launch());
    }

    private HttpRequest.Builder launch() {
        return HttpRequest.newBuilder(URI.create(http.server.url() + "/")).header("Content-Type", "application/x-www-form-urlencoded")
                .header("Authorization", Http.credential(Ec2Config.ACCESS_KEY, "us-east-1", "ec2")).POST(HttpRequest.BodyPublishers.ofString(
                        "Action=RunInstances&Version=2016-11-15&MinCount=1&MaxCount=1&InstanceType=m5.large&ImageId=" + Ec2Config.UBUNTU.id()));
    }

    @Test
    void aKeyIsRevokedAndAnotherTaken() {
        // When
        http.admin("/ec2/access-keys", new JsonObject().put("key", Ec2Config.ACCESS_KEY));
        http.admin("/ec2/access-keys", new JsonObject().put("key", "ROTATED").put("account", Ec2Config.ACCOUNT));

        // Then
        var call = Map.of("Action", "DescribeRegions", "Version", "2016-11-15");
        assertThat(http.ec2("DescribeRegions")).satisfies(refused(401, "AuthFailure"));
        assertThat(http.form(Http.credential("ROTATED", "us-east-1", "ec2"), call).statusCode()).isEqualTo(200);
        assertThat(new JsonObject(http.get(http.admin + "/ec2/books").body()).getJsonObject("answers").getJsonObject("DescribeRegions").getMap())
                .isEqualTo(Map.of("AuthFailure", 1, "Success", 1));
        assertThat(http.admin("/ec2/access-keys", new JsonObject().put("key", "ROTATED").put("account", "me")).statusCode()).isEqualTo(400);
    }

    @Test
    void aMachineThatIsPoweredOffEndsFromInside() {
        // Given
        launchOne();
        time.pass(Duration.ofSeconds(21));
        var id = http.booted.keySet().iterator().next();

        // When
        http.admin("/ec2/instances/" + id + "/power-off", new JsonObject());
        time.pass(Duration.ofMinutes(1));

        // Then
        assertThat(http.server.books().instances(time.now()).get(0).endReason()).isEqualTo("Client.InstanceInitiatedShutdown");
    }

    @Test
    void stsSaysWhoCalls() {
        // Then
        assertThat(http.form(Http.credential(Ec2Config.ACCESS_KEY, "us-east-1", "sts"), WHO_AM_I).body()).contains("<Account>" + Ec2Config.ACCOUNT + "</Account>");
        assertThat(http.form(Http.credential("SOMEONEELSE", "us-east-1", "sts"), WHO_AM_I)).satisfies(refused(403, "InvalidClientTokenId"));
    }

    @Test
    void ssmTellsParametersAndKeepsSecretsSealedUnlessAsked() {
        // Given
        http.server.parameter("/my/secret", "hush", true);

        // Then
        assertThat(ssm("GetParameter", new JsonObject().put("Name", "/my/image")).getJsonObject("Parameter").getString("Value")).isEqualTo(Ec2Config.UBUNTU.id());
        assertThat(ssm("GetParameter", new JsonObject().put("Name", "/my/secret")).getJsonObject("Parameter").getString("Value")).isNotEqualTo("hush");
        assertThat(ssm("GetParameter", new JsonObject().put("Name", "/my/secret").put("WithDecryption", true)).getJsonObject("Parameter").getString("Value")).isEqualTo("hush");
        assertThat(ssm("GetParameter", new JsonObject().put("Name", "/none")).getString("__type")).isEqualTo("ParameterNotFound");
        assertThat(ssm("GetParameters", new JsonObject("{\"Names\":[\"/my/image\",\"/none\"]}")).getJsonArray("InvalidParameters")).containsExactly("/none");
        http.server.parameter("/my/image", "ami-00000000", false);
        assertThat(ssm("GetParameter", new JsonObject().put("Name", "/my/image")).getJsonObject("Parameter").getInteger("Version")).isEqualTo(2);
    }

    @Test
    void faultsAndShortagesAreOrderedOverHttp() {
        // When
        var ordered = http.admin("/ec2/capacity", new JsonObject().put("type", "g5.xlarge").put("zone", "us-east-1a").put("market", "spot").put("most", 0));
        http.admin("/ec2/faults/denials", new JsonObject().put("action", "CreateTags"));
        http.admin("/ec2/faults/calls", new JsonObject().put("action", "DescribeRegions").put("kind", "refuse").put("status", 503).put("code", "Unavailable").put("times", 1));
        http.admin("/ec2/faults/calls", new JsonObject().put("action", "DescribeVpcs").put("kind", "cut-answer"));

        // Then
        assertThat(ordered.statusCode()).isEqualTo(200);
        assertThat(http.ec2("RunInstances", "ImageId", Ec2Config.UBUNTU.id(), "InstanceType", "g5.xlarge", "MinCount", "1", "MaxCount", "1", "Placement.AvailabilityZone",
                "us-east-1a", "InstanceMarketOptions.MarketType", "spot")).satisfies(refused(500, "InsufficientInstanceCapacity"));
        assertThat(http.ec2("CreateTags", "ResourceId.1", "i-00000000", "Tag.1.Key", "a")).satisfies(refused(403, "UnauthorizedOperation"));
        assertThat(http.ec2("DescribeRegions")).satisfies(refused(503, "Unavailable"));
        assertThat(http.ec2("DescribeRegions").statusCode()).isEqualTo(200);
        assertThatThrownBy(() -> http.ec2("DescribeVpcs")).isInstanceOf(UncheckedIOException.class);
        assertThat(http.ec2("DescribeVpcs").statusCode()).isEqualTo(200);
    }

    @Test
    void wrongOrdersSayWhatIsWrong() {
        // Then
        assertThat(http.admin("/ec2/capacity", new JsonObject().put("type", "g5.tiny")).body()).contains("g5.tiny");
        assertThat(http.admin("/ec2/capacity", new JsonObject().put("typ", "g5.xlarge")).body()).contains("there is no field typ");
        assertThat(http.admin("/ec2/faults/boots", new JsonObject().put("kind", "explodes")).body()).contains("never-boots");
        assertThat(http.admin("/ec2/interruptions", new JsonObject().put("instance", "i-0")).body()).contains("there is no instance i-0");
        assertThat(http.admin("/ec2/quotas", new JsonObject().put("family", "x").put("market", "spot")).statusCode()).isEqualTo(400);
    }

    @Test
    void aTakenPortIsNamed() {
        // Given
        int port = URI.create(http.server.url()).getPort();

        // Then
        assertThatThrownBy(() -> Ec2Server.start(http.vertx, Ec2Config.defaults().withPort(port), hardware -> () -> {
        })).isInstanceOf(IllegalStateException.class).hasMessageContaining(String.valueOf(port));
    }

    private static String[] numbered(String name, Collection<String> values, String... more) {
        var parameters = new ArrayList<>(List.of(more));
        int number = 0;
        for (var value : values) {
            parameters.addAll(List.of(name + "." + ++number, value));
        }
        return parameters.toArray(String[]::new);
    }

    private JsonObject ssm(String operation, JsonObject body) {
        return new JsonObject(http.send(HttpRequest.newBuilder(URI.create(http.server.url() + "/")).header("X-Amz-Target", "AmazonSSM." + operation)
                .header("Content-Type", "application/x-amz-json-1.1").header("Authorization", Http.credential(Ec2Config.ACCESS_KEY, "us-east-1", "ssm"))
                .POST(HttpRequest.BodyPublishers.ofString(body.encode()))).body());
    }

    private static Consumer<HttpResponse<String>> refused(int status, String code) {
        return answer -> {
            assertThat(answer.statusCode()).isEqualTo(status);
            assertThat(Http.between(answer.body(), "<Code>", "<")).isEqualTo(code);
        };
    }
}
