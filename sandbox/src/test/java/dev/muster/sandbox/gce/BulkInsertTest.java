package dev.muster.sandbox.gce;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.sandbox.gce.Faults.LaunchFault;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class BulkInsertTest {

    private static final String REGIONAL = "projects/muster-sandbox/regions/us-central1/instances/bulkInsert";
    private static final String ID = "6d6f1b7e-43a1-4c40-9c52-0b8a3c5d1e2f";

    private final Cloud cloud = new Cloud();

    @Test
    void aZonalOneCreatesAllByTheirNamesWithAnOperationOfEach() {
        // When
        var started = cloud.post(Cloud.INSTANCES + "/bulkInsert", Cloud.bulk(Cloud.properties("e2-standard-2"), 2, "m-1", "m-2"));
        var first = cloud.operation(started);
        cloud.untilRunning();
        var done = cloud.operation(started);
        var own = cloud.get("projects/muster-sandbox/zones/us-central1-a/operations", "filter", "operationGroupId=" + started.text("operationGroupId") + " AND operationType=insert");

        // Then
        assertThat(started.text("operationType")).isEqualTo("bulkInsert");
        assertThat(first.at("instancesBulkInsertOperationMetadata/perLocationStatus")).isEqualTo(status("us-central1-a",
                new JsonObject().put("status", "CREATING").put("targetVmCount", 2).put("createdVmCount", 0)));
        assertThat(done.text("status")).isEqualTo("DONE");
        assertThat(done.at("error")).isNull();
        assertThat(done.at("instancesBulkInsertOperationMetadata/perLocationStatus")).isEqualTo(status("us-central1-a",
                new JsonObject().put("status", "DONE").put("targetVmCount", 2).put("createdVmCount", 2)));
        assertThat(own.names()).hasSize(2);
        assertThat(cloud.booted).containsOnlyKeys("m-1", "m-2");
    }

    @Test
    void createsWhatThereIsRoomForDownToItsLeast() {
        // Given
        cloud.gce.capacity().atMost(OfferFilter.type("e2-standard-2"), 2);

        // When
        var started = cloud.post(Cloud.INSTANCES + "/bulkInsert", Cloud.bulk(Cloud.properties("e2-standard-2"), 1, "m-1", "m-2", "m-3"), "requestId", ID);
        cloud.untilRunning();
        var done = cloud.operation(started);
        var failed = cloud.get("projects/muster-sandbox/zones/us-central1-a/operations", "filter", "operationGroupId=" + started.text("operationGroupId") + " AND httpErrorStatusCode=503");
        var again = cloud.post(Cloud.INSTANCES + "/bulkInsert", Cloud.bulk(Cloud.properties("e2-standard-2"), 1, "m-4"), "requestId", ID);

        // Then
        assertThat(done.at("error")).isNull();
        assertThat(done.at("instancesBulkInsertOperationMetadata/perLocationStatus")).isEqualTo(status("us-central1-a",
                new JsonObject().put("status", "DONE").put("targetVmCount", 3).put("createdVmCount", 2).put("failedToCreateVmCount", 1)));
        assertThat(failed.text("items/0/targetLink")).endsWith("/instances/m-3");
        assertThat(failed.text("items/0/error/errors/0/code")).isEqualTo("ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS");
        assertThat(cloud.booted).containsOnlyKeys("m-1", "m-2");
        assertThat(cloud.status("m-3")).isEqualTo("gone");
        assertThat(again.text("name")).isEqualTo(started.text("name"));
        assertThat(cloud.status("m-4")).isEqualTo("gone");
    }

    @Test
    void belowItsLeastAllGoAgain() {
        // Given
        cloud.gce.capacity().atMost(OfferFilter.type("e2-standard-2"), 2);

        // When
        var started = cloud.post(Cloud.INSTANCES + "/bulkInsert", Cloud.bulk(Cloud.properties("e2-standard-2"), 3, "m-1", "m-2", "m-3"));
        cloud.time.pass(Duration.ofSeconds(6));
        var rolling = cloud.operation(started);
        var going = cloud.status("m-1");
        cloud.untilStopped();
        var done = cloud.operation(started);

        // Then
        assertThat(rolling.text("status")).isEqualTo("RUNNING");
        assertThat(rolling.text("instancesBulkInsertOperationMetadata/perLocationStatus")).contains("ROLLING_BACK");
        assertThat(going).isEqualTo("STOPPING");
        assertThat(done.text("status")).isEqualTo("DONE");
        assertThat(done.text("error/errors/0/code")).isEqualTo("VM_MIN_COUNT_NOT_REACHED");
        assertThat(done.text("error/errors/0/message")).isEqualTo("Requested minimum count of 3 VMs could not be created.");
        assertThat(done.at("httpErrorStatusCode")).isEqualTo(503);
        assertThat(done.at("instancesBulkInsertOperationMetadata/perLocationStatus")).isEqualTo(status("us-central1-a",
                new JsonObject().put("status", "DONE").put("targetVmCount", 3).put("createdVmCount", 2).put("failedToCreateVmCount", 1).put("deletedVmCount", 2)));
        assertThat(cloud.get(Cloud.INSTANCES).names()).isEmpty();
        assertThat(cloud.booted).isEmpty();
        assertThat(cloud.gce.books().live()).isZero();
    }

    @Test
    void whereThereIsNoneAtAllNothingIsCreated() {
        // Given
        cloud.gce.capacity().none(OfferFilter.any());

        // When
        var started = cloud.post(REGIONAL, Cloud.bulk(Cloud.properties("e2-standard-2"), 1, "m-1", "m-2"));
        cloud.untilRunning();
        var done = cloud.operation(started);

        // Then
        assertThat(done.text("region")).endsWith("/regions/us-central1");
        assertThat(done.text("error/errors/0/code")).isEqualTo("VM_MIN_COUNT_NOT_REACHED");
        assertThat(cloud.gce.books().instances(cloud.time.now())).isEmpty();
    }

    @Test
    void aRegionalOneTakesTheZoneThatHasMostOrSpreadsAsTold() {
        // Given
        var type = OfferFilter.type("e2-standard-2");
        cloud.gce.capacity().atMost(type.inZone("us-central1-a"), 1);
        cloud.gce.capacity().atMost(type.inZone("us-central1-b"), 3);
        cloud.gce.capacity().atMost(type.inZone("us-central1-c"), 2);
        cloud.gce.capacity().none(type.inZone("us-central1-f"));

        // When
        var single = cloud.post(REGIONAL, Cloud.bulk(Cloud.properties("e2-standard-2"), 1, "s-1", "s-2"));
        cloud.untilRunning();
        var any = cloud.post(REGIONAL, Cloud.bulk(Cloud.properties("e2-standard-2"), 1, "a-1", "a-2", "a-3").put("locationPolicy", new JsonObject().put("targetShape", "ANY")));
        cloud.untilRunning();

        // Then
        assertThat(cloud.operation(single).at("instancesBulkInsertOperationMetadata/perLocationStatus")).isEqualTo(status("us-central1-b",
                new JsonObject().put("status", "DONE").put("targetVmCount", 2).put("createdVmCount", 2)));
        var spread = (JsonObject) cloud.operation(any).at("instancesBulkInsertOperationMetadata/perLocationStatus");
        assertThat(spread.fieldNames()).containsExactlyInAnyOrder("zones/us-central1-a", "zones/us-central1-c");
        assertThat(cloud.gce.books().live()).isEqualTo(5);
    }

    @Test
    void aRegionalOneKeepsToTheZonesThatItsPolicyAllows() {
        var policy = new JsonObject().put("locations", new JsonObject().put("zones/us-central1-c", new JsonObject().put("preference", "ALLOW")));
        var denied = new JsonObject();
        for (var zone : new String[] {"a", "b", "c"}) {
            denied.put("zones/us-central1-" + zone, new JsonObject().put("preference", "DENY"));
        }

        cloud.post(REGIONAL, Cloud.bulk(Cloud.properties("e2-standard-2"), 1, "m-1").put("locationPolicy", policy));
        cloud.post(REGIONAL, Cloud.bulk(Cloud.properties("e2-standard-2"), 1, "m-2").put("locationPolicy", new JsonObject().put("locations", denied)));
        var elsewhere = cloud.post(REGIONAL, Cloud.bulk(Cloud.properties("e2-standard-2"), 1, "m-3").put("locationPolicy", new JsonObject()
                .put("locations", new JsonObject().put("zones/europe-west4-a", new JsonObject().put("preference", "ALLOW")))));

        assertThat(cloud.gce.books().instances(cloud.time.now())).extracting(Books.Entry::zone).containsExactly("us-central1-c", "us-central1-f");
        assertThat(elsewhere.reason()).isEqualTo("invalid");
    }

    @Test
    void aNameThatIsTakenFailsAlone() {
        // Given
        cloud.insert("m-1");
        cloud.untilRunning();

        // When
        var started = cloud.post(Cloud.INSTANCES + "/bulkInsert", Cloud.bulk(Cloud.properties("e2-standard-2"), 1, "m-1", "m-2"));
        cloud.untilRunning();
        var own = cloud.get("projects/muster-sandbox/zones/us-central1-a/operations", "filter", "operationGroupId=" + started.text("operationGroupId") + " httpErrorStatusCode=409");

        // Then
        assertThat(own.text("items/0/error/errors/0/code")).isEqualTo("RESOURCE_ALREADY_EXISTS");
        assertThat(cloud.status("m-1")).isEqualTo("RUNNING");
        assertThat(cloud.status("m-2")).isEqualTo("RUNNING");
        assertThat(cloud.gce.books().instances(cloud.time.now())).hasSize(2);
    }

    @Test
    void aPatternNumbersItsMachines() {
        cloud.post(Cloud.INSTANCES + "/bulkInsert", new JsonObject().put("count", "3").put("namePattern", "m-##").put("instanceProperties", Cloud.properties("e2-standard-2")));

        assertThat(cloud.get(Cloud.INSTANCES).names()).containsExactly("m-01", "m-02", "m-03");
    }

    @Test
    void typesAreNamesHereAndCountsMustAgree() {
        var link = cloud.post(Cloud.INSTANCES + "/bulkInsert", Cloud.bulk(Cloud.properties("zones/us-central1-a/machineTypes/e2-standard-2"), 1, "m-1"));
        var count = cloud.post(Cloud.INSTANCES + "/bulkInsert", Cloud.bulk(Cloud.properties("e2-standard-2"), 1, "m-1").put("count", "2"));
        var least = cloud.post(Cloud.INSTANCES + "/bulkInsert", Cloud.bulk(Cloud.properties("e2-standard-2"), 2, "m-1"));
        var unnamed = cloud.post(Cloud.INSTANCES + "/bulkInsert", new JsonObject().put("count", "1").put("instanceProperties", Cloud.properties("e2-standard-2")));

        assertThat(link.message()).startsWith("Invalid value for field 'resource.instanceProperties.machineType': 'zones/us-central1-a/machineTypes/e2-standard-2'. Must be a match of regex");
        assertThat(count.message()).startsWith("Invalid value for field 'resource.perInstanceProperties'");
        assertThat(least.message()).startsWith("Invalid value for field 'resource.minCount': '2'");
        assertThat(unnamed.message()).startsWith("Invalid value for field 'resource.namePattern'");
        assertThat(cloud.get(Cloud.INSTANCES).names()).isEmpty();
    }

    @Test
    void aFailureOfOneIsItsOwn() {
        // Given
        cloud.gce.faults().onLaunch(OfferFilter.any(), 1, LaunchFault.Fail.internalError());

        // When
        var started = cloud.post(Cloud.INSTANCES + "/bulkInsert", Cloud.bulk(Cloud.properties("e2-standard-2"), 1, "m-1", "m-2"));
        cloud.untilRunning();

        // Then
        assertThat(cloud.operation(started).at("error")).isNull();
        assertThat(cloud.get(Cloud.INSTANCES).names()).containsExactly("m-2");
    }

    @Test
    void aThousandAtOnceAreOneCall() {
        var names = IntStream.range(0, 1000).mapToObj(i -> "m-" + i).toArray(String[]::new);

        var started = cloud.post(REGIONAL, Cloud.bulk(Cloud.properties("e2-standard-2"), 1000, names));
        cloud.untilRunning();

        assertThat(cloud.operation(started).text("status")).isEqualTo("DONE");
        assertThat(cloud.gce.books().live()).isEqualTo(1000);
        assertThat(cloud.gce.books().launchCalls()).singleElement().satisfies(call -> assertThat(call.names()).containsExactly(names));
    }

    private static JsonObject status(String zone, JsonObject status) {
        return new JsonObject().put("zones/" + zone, status);
    }
}
