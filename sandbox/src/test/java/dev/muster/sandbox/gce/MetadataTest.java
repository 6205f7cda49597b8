package dev.muster.sandbox.gce;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.sandbox.SimulatedTime;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.net.http.HttpResponse;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a machine reads about itself. */
final class MetadataTest {

    private final SimulatedTime time = new SimulatedTime();
    private final Http http = new Http(GceConfig.defaults().withCredentials(false), time);

    @AfterEach
    void close() {
        http.close();
    }

    private String boot() {
        http.post(Cloud.INSTANCES, Cloud.spot(Cloud.instance("m-1"), "DELETE").put("serviceAccounts", new JsonArray().add(new JsonObject().put("email", "default")))
                .put("metadata", new JsonObject().put("items", new JsonArray().add(new JsonObject().put("key", "muster-mark").put("value", "none:0")))));
        time.pass(Duration.ofSeconds(21));
        return http.booted.get("m-1").metadataUrl() + "/computeMetadata/v1/";
    }

    private HttpResponse<String> read(String url) {
        return http.read(url, "Metadata-Flavor", "Google");
    }

    @Test
    void tellsTheMachineWhoItIsOnlyWithTheHeader() {
        var base = boot();

        var without = http.read(base + "instance/name");
        var with = read(base + "instance/name");

        assertThat(without.statusCode()).isEqualTo(403);
        assertThat(with.statusCode()).isEqualTo(200);
        assertThat(with.body()).isEqualTo("m-1");
        assertThat(with.headers().firstValue("Metadata-Flavor")).contains("Google");
        assertThat(read(base + "instance/zone").body()).matches("projects/\\d+/zones/us-central1-a");
        assertThat(read(base + "instance/id").body()).matches("\\d{19}");
        assertThat(read(base + "instance/machine-type").body()).endsWith("/machineTypes/e2-standard-2");
        assertThat(read(base + "instance/network-interfaces/0/ip").body()).isEqualTo("10.128.0.2");
        assertThat(read(base + "instance/scheduling/preemptible").body()).isEqualTo("TRUE");
        assertThat(read(base + "project/project-id").body()).isEqualTo("muster-sandbox");
        assertThat(read(base + "instance/flavor").statusCode()).isEqualTo(404);
        assertThat(read(base + "instance/attributes/none").statusCode()).isEqualTo(404);
    }

    @Test
    void listsFoldersAndTellsAllBelowThemAtOnce() {
        var base = boot();
        http.server.projectMetadata("startup-script", "#!/bin/sh");

        assertThat(read(base + "instance/attributes/").body()).isEqualTo("muster-mark\n");
        assertThat(read(base + "project/").body()).isEqualTo("attributes/\nnumeric-project-id\nproject-id\n");
        assertThat(new JsonObject(read(base + "instance/attributes/?recursive=true").body())).isEqualTo(new JsonObject().put("muster-mark", "none:0"));
        assertThat(read(base + "project/attributes/startup-script").body()).isEqualTo("#!/bin/sh");
        assertThat(read(base + "instance/attributes").statusCode()).isEqualTo(301);
    }

    @Test
    void aMarkIsReadAsSoonAsItIsWrittenAndTheBooksSayWhen() {
        // Given
        var base = boot();
        var fingerprint = new JsonObject(http.get(Cloud.INSTANCES + "/m-1").body()).getJsonObject("metadata").getString("fingerprint");

        // When
        http.post(Cloud.INSTANCES + "/m-1/setMetadata", new JsonObject().put("fingerprint", fingerprint)
                .put("items", new JsonArray().add(new JsonObject().put("key", "muster-mark").put("value", "drain:1"))));
        time.pass(Duration.ofSeconds(3));
        var mark = read(base + "instance/attributes/muster-mark").body();

        // Then
        assertThat(mark).isEqualTo("drain:1");
        assertThat(http.server.books().instances(time.now()).get(0).writings()).singleElement()
                .satisfies(writing -> assertThat(writing.read()).isEqualTo(writing.at().plusSeconds(3)));
    }

    @Test
    void aPreemptionIsAnnouncedUntilTheMachineIsGone() {
        // Given
        var base = boot();
        var before = read(base + "instance/preempted").body();

        // When
        http.server.preempt("m-1");
        var announced = read(base + "instance/preempted").body();
        time.pass(Duration.ofSeconds(30));

        // Then
        assertThat(before).isEqualTo("FALSE");
        assertThat(announced).isEqualTo("TRUE");
        assertThat(read(base + "instance/preempted").statusCode()).isEqualTo(404);
    }

    @Test
    void theTokenOfItsAccountOpensTheApi() {
        var base = boot();

        var token = new JsonObject(read(base + "instance/service-accounts/default/token").body());

        assertThat(read(base + "instance/service-accounts/default/email").body()).isEqualTo(http.server.account());
        http.authorization = "Bearer " + token.getString("access_token");
        assertThat(http.get("projects/muster-sandbox").statusCode()).isEqualTo(200);
    }
}
