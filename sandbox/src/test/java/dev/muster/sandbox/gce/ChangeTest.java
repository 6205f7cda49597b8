package dev.muster.sandbox.gce;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Metadata and labels of what is there. */
final class ChangeTest {

    private final Cloud cloud = new Cloud();

    @BeforeEach
    void start() {
        cloud.post(Cloud.INSTANCES, Cloud.instance("m-1").put("labels", new JsonObject().put("muster-pool", "cpu")).put("metadata", items("muster-mark", "none:0")));
        cloud.untilRunning();
    }

    private static JsonObject items(String key, String value) {
        return new JsonObject().put("items", new JsonArray().add(new JsonObject().put("key", key).put("value", value)));
    }

    @Test
    void metadataIsWrittenWholeAgainstItsFingerprint() {
        // Given
        var fingerprint = cloud.instanceNamed("m-1").text("metadata/fingerprint");

        // When
        var written = cloud.post(Cloud.INSTANCES + "/m-1/setMetadata", items("muster-mark", "drain:1").put("fingerprint", fingerprint));
        var stale = cloud.post(Cloud.INSTANCES + "/m-1/setMetadata", items("muster-mark", "none:2").put("fingerprint", fingerprint));
        var without = cloud.post(Cloud.INSTANCES + "/m-1/setMetadata", items("muster-mark", "none:2"));
        cloud.time.pass(Duration.ofSeconds(1));

        // Then
        assertThat(cloud.operation(written).text("status")).isEqualTo("DONE");
        assertThat(cloud.operation(written).text("operationType")).isEqualTo("setMetadata");
        assertThat(stale.status).isEqualTo(412);
        assertThat(stale.body).isEqualTo(new JsonObject("""
                {"error": {"code": 412, "message": "Supplied fingerprint does not match current metadata fingerprint.", "errors": [
                  {"message": "Supplied fingerprint does not match current metadata fingerprint.", "domain": "global", "reason": "conditionNotMet",
                   "location": "If-Match", "locationType": "header"}]}}"""));
        assertThat(without.reason()).isEqualTo("conditionNotMet");
        assertThat(cloud.instanceNamed("m-1").at("metadata/items")).isEqualTo(items("muster-mark", "drain:1").getJsonArray("items"));
        assertThat(cloud.gce.books().instances(cloud.time.now()).get(0).writings()).extracting(Books.Writing::value).containsExactly("drain:1");
    }

    @Test
    void labelsAreWrittenWholeAgainstTheirFingerprint() {
        // Given
        var fingerprint = cloud.instanceNamed("m-1").text("labelFingerprint");
        var body = new JsonObject().put("labels", new JsonObject().put("muster-pool", "cpu").put("released", "yes")).put("labelFingerprint", fingerprint);

        // When
        var written = cloud.post(Cloud.INSTANCES + "/m-1/setLabels", body);
        var stale = cloud.post(Cloud.INSTANCES + "/m-1/setLabels", body);

        // Then
        assertThat(written.status).isEqualTo(200);
        assertThat(stale.message()).isEqualTo("Labels fingerprint either invalid or resource labels have changed");
        assertThat(cloud.instanceNamed("m-1").at("labels")).isEqualTo(body.getJsonObject("labels"));
    }

    @Test
    void whatNobodyMayWriteIsRefused() {
        var long256 = "x".repeat(256 * 1024 + 1);
        var fingerprint = cloud.instanceNamed("m-1").text("metadata/fingerprint");

        var tooLong = cloud.post(Cloud.INSTANCES + "/m-1/setMetadata", items("startup-script", long256).put("fingerprint", fingerprint));
        var key = cloud.post(Cloud.INSTANCES + "/m-1/setMetadata", items("a b", "x").put("fingerprint", fingerprint));
        var label = cloud.post(Cloud.INSTANCES + "/m-1/setLabels", new JsonObject().put("labels", new JsonObject().put("pool", "Not This")));
        var missing = cloud.post(Cloud.INSTANCES + "/m-2/setMetadata", items("a", "x"));

        assertThat(tooLong.status).isEqualTo(413);
        assertThat(tooLong.message()).isEqualTo("Value for field 'resource.items[0].value' is too large: maximum size 262144 character(s); actual size 262145.");
        assertThat(key.reason()).isEqualTo("invalid");
        assertThat(label.message()).startsWith("Invalid value for field 'labels': ''. Label value 'Not This' violates format constraints.");
        assertThat(missing.status).isEqualTo(404);
    }
}
