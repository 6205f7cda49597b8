package dev.muster.sandbox.gce;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.sandbox.gce.Faults.LaunchFault;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

final class InsertTest {

    private static final String ID = "6d6f1b7e-43a1-4c40-9c52-0b8a3c5d1e2f";

    private final Cloud cloud = new Cloud();

    @Test
    void anOperationGoesFromPendingToDoneWithItsInstance() {
        // When
        var pending = cloud.insert("m-1");
        var provisioning = cloud.status("m-1");
        cloud.time.pass(Duration.ofSeconds(1));
        var running = cloud.operation(pending);
        cloud.time.pass(Duration.ofSeconds(5));
        var staging = cloud.status("m-1");
        cloud.untilRunning();
        var done = cloud.operation(pending);

        // Then
        assertThat(pending.text("status")).isEqualTo("PENDING");
        assertThat(pending.text("operationType")).isEqualTo("insert");
        assertThat(pending.text("targetLink")).isEqualTo("https://www.googleapis.com/compute/v1/" + Cloud.INSTANCES + "/m-1");
        assertThat(provisioning).isEqualTo("PROVISIONING");
        assertThat(running.text("status")).isEqualTo("RUNNING");
        assertThat(running.at("progress")).isEqualTo(0);
        assertThat(staging).isEqualTo("STAGING");
        assertThat(done.text("status")).isEqualTo("DONE");
        assertThat(done.at("progress")).isEqualTo(100);
        assertThat(done.at("error")).isNull();
        assertThat(cloud.status("m-1")).isEqualTo("RUNNING");
        assertThat(cloud.booted).containsOnlyKeys("m-1");
    }

    @Test
    void anInstanceTellsWhatWasAskedForInFullAddresses() {
        // When
        cloud.post(Cloud.INSTANCES, Cloud.spot(Cloud.instance("m-1", "n1-standard-4"), "DELETE").put("labels", new JsonObject().put("muster-pool", "gpu"))
                .put("guestAccelerators", new JsonArray().add(new JsonObject().put("acceleratorType", "zones/" + Cloud.ZONE + "/acceleratorTypes/nvidia-tesla-t4").put("acceleratorCount", 1)))
                .put("metadata", new JsonObject().put("items", new JsonArray().add(new JsonObject().put("key", "startup-script").put("value", "#!/bin/sh")))));
        cloud.untilRunning();
        var shown = cloud.instanceNamed("m-1");

        // Then
        var base = "https://www.googleapis.com/compute/v1/projects/muster-sandbox/";
        assertThat(shown.text("selfLink")).isEqualTo(base + "zones/us-central1-a/instances/m-1");
        assertThat(shown.text("zone")).isEqualTo(base + "zones/us-central1-a");
        assertThat(shown.text("machineType")).isEqualTo(base + "zones/us-central1-a/machineTypes/n1-standard-4");
        assertThat(shown.text("networkInterfaces/0/subnetwork")).isEqualTo(base + "regions/us-central1/subnetworks/default");
        assertThat(shown.text("networkInterfaces/0/networkIP")).isEqualTo("10.128.0.2");
        assertThat(shown.text("guestAccelerators/0/acceleratorType")).isEqualTo(base + "zones/us-central1-a/acceleratorTypes/nvidia-tesla-t4");
        assertThat(shown.text("disks/0/source")).isEqualTo(base + "zones/us-central1-a/disks/m-1");
        assertThat(shown.at("labels")).isEqualTo(new JsonObject().put("muster-pool", "gpu"));
        assertThat(shown.at("scheduling")).isEqualTo(new JsonObject().put("automaticRestart", false).put("preemptible", true).put("onHostMaintenance", "TERMINATE")
                .put("provisioningModel", "SPOT").put("instanceTerminationAction", "DELETE"));
        assertThat(cloud.booted.get("m-1").userData()).isEqualTo("#!/bin/sh");
    }

    @Test
    void aRequestIdGivesBackItsFirstOperationAsItStandsNowWhateverIsSentWithIt() {
        // When
        var first = cloud.insert("m-1", "requestId", ID);
        cloud.untilRunning();
        var again = cloud.insert("m-2", "requestId", ID);

        // Then
        assertThat(again.text("name")).isEqualTo(first.text("name"));
        assertThat(again.text("status")).isEqualTo("DONE");
        assertThat(again.text("clientOperationId")).isEqualTo(ID);
        assertThat(cloud.status("m-2")).isEqualTo("gone");
        assertThat(cloud.gce.books().launchCalls()).extracting(Books.LaunchCall::repeated).containsExactly(false, true);
    }

    @Test
    void aRequestIdOfACallThatWasRefusedIsFreeAgainAndSoIsOneThatWasForgotten() {
        // Given
        cloud.insert("m-1");
        var refused = cloud.insert("m-1", "requestId", ID);

        // When
        var second = cloud.insert("m-2", "requestId", ID);
        cloud.gce.forgetRequests();
        var third = cloud.insert("m-3", "requestId", ID);

        // Then
        assertThat(refused.reason()).isEqualTo("alreadyExists");
        assertThat(second.status).isEqualTo(200);
        assertThat(third.text("name")).isNotEqualTo(second.text("name"));
        assertThat(cloud.status("m-3")).isEqualTo("PROVISIONING");
    }

    @Test
    void aRequestIdIsAUuid() {
        var word = cloud.insert("m-1", "requestId", "batch-1");
        var zero = cloud.insert("m-1", "requestId", "00000000-0000-0000-0000-000000000000");

        assertThat(List.of(word.status, zero.status)).containsOnly(400);
        assertThat(word.reason()).isEqualTo("invalid");
        assertThat(word.message()).startsWith("Invalid value for field 'requestId': 'batch-1'.");
    }

    @Test
    void aNameIsTakenInItsZoneUntilTheDeleteIsDone() {
        // Given
        cloud.insert("m-1");
        cloud.untilRunning();

        // When
        var taken = cloud.insert("m-1");
        var elsewhere = cloud.post("projects/muster-sandbox/zones/us-central1-b/instances", Cloud.properties("zones/us-central1-b/machineTypes/e2-standard-2").put("name", "m-1"));
        cloud.delete(Cloud.INSTANCES + "/m-1");
        cloud.time.pass(Duration.ofSeconds(1));
        var going = cloud.insert("m-1");
        cloud.untilStopped();
        var free = cloud.insert("m-1");

        // Then
        assertThat(taken.status).isEqualTo(409);
        assertThat(taken.reason()).isEqualTo("alreadyExists");
        assertThat(taken.message()).isEqualTo("The resource '" + Cloud.INSTANCES + "/m-1' already exists");
        assertThat(elsewhere.status).isEqualTo(200);
        assertThat(going.status).isEqualTo(409);
        assertThat(free.status).isEqualTo(200);
    }

    @Test
    void aLackOfMachinesShowsInTheOperationAndTakesTheInstanceAway() {
        // Given
        cloud.gce.capacity().none(OfferFilter.type("e2-standard-2").inZone("us-central1-a"));
        cloud.gce.capacity().none(OfferFilter.type("e2-standard-2").inZone("us-central1-c"));

        // When
        var started = cloud.insert("m-1");
        var before = cloud.status("m-1");
        cloud.untilRunning();
        var done = cloud.operation(started);

        // Then
        assertThat(started.status).isEqualTo(200);
        assertThat(before).isEqualTo("PROVISIONING");
        assertThat(cloud.status("m-1")).isEqualTo("gone");
        assertThat(done.at("httpErrorStatusCode")).isEqualTo(503);
        assertThat(done.text("httpErrorMessage")).isEqualTo("SERVICE UNAVAILABLE");
        assertThat(done.text("error/errors/0/code")).isEqualTo("ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS");
        assertThat(done.at("error/errors/0/errorDetails/2/errorInfo")).isEqualTo(new JsonObject().put("domain", "compute.googleapis.com").put("reason", "resource_availability")
                .put("metadatas", new JsonObject().put("attachment", "").put("vmType", "e2-standard-2").put("zone", "us-central1-a").put("zonesAvailable", "us-central1-b,us-central1-f")));
        assertThat(cloud.booted).isEmpty();
        assertThat(cloud.gce.books().instances(cloud.time.now())).isEmpty();
        assertThat(cloud.gce.books().peak()).isZero();
    }

    @Test
    void capacityIsCountedByMarketAndFreedByStopping() {
        // Given
        cloud.gce.capacity().atMost(OfferFilter.type("e2-standard-2").onMarket("spot"), 1);
        cloud.post(Cloud.INSTANCES, Cloud.spot(Cloud.instance("s-1"), "STOP"));
        cloud.insert("m-1");
        cloud.untilRunning();

        // When
        var full = cloud.post(Cloud.INSTANCES, Cloud.spot(Cloud.instance("s-2"), "STOP"));
        cloud.untilRunning();
        cloud.post(Cloud.INSTANCES + "/s-1/stop", new JsonObject());
        cloud.untilStopped();
        var free = cloud.post(Cloud.INSTANCES, Cloud.spot(Cloud.instance("s-3"), "STOP"));
        cloud.untilRunning();

        // Then
        assertThat(cloud.status("m-1")).isEqualTo("RUNNING");
        assertThat(cloud.operation(full).at("error")).isNotNull();
        assertThat(cloud.operation(free).at("error")).isNull();
        assertThat(cloud.status("s-1")).isEqualTo("TERMINATED");
        assertThat(cloud.status("s-3")).isEqualTo("RUNNING");
    }

    @Test
    void aFullQuotaFailsTheOperationOrTheCallAsToldTo() {
        // Given
        cloud.gce.capacity().quota("us-central1", "CPUS", 3.0);
        cloud.insert("m-1");

        // When
        var operation = cloud.insert("m-2");
        cloud.untilRunning();
        cloud.gce.capacity().quotaRefusal(Capacity.QuotaRefusal.BY_CALL);
        var call = cloud.insert("m-3");

        // Then
        var failed = cloud.operation(operation);
        assertThat(failed.text("error/errors/0/code")).isEqualTo("QUOTA_EXCEEDED");
        assertThat(failed.text("error/errors/0/message")).isEqualTo("Quota 'CPUS' exceeded.  Limit: 3.0 in region us-central1.");
        assertThat(failed.at("error/errors/0/errorDetails/0/quotaInfo")).isEqualTo(new JsonObject().put("metricName", "compute.googleapis.com/cpus")
                .put("limitName", "CPUS-per-project-region").put("limit", 3.0).put("dimensions", new JsonObject().put("region", "us-central1")));
        assertThat(failed.at("httpErrorStatusCode")).isEqualTo(403);
        assertThat(call.status).isEqualTo(403);
        assertThat(call.reason()).isEqualTo("quotaExceeded");
        assertThat(call.text("error/errors/0/domain")).isEqualTo("usageLimits");
        assertThat(call.message()).isEqualTo("Quota 'CPUS' exceeded.  Limit: 3.0 in region us-central1.");
    }

    @Test
    void quotasOfGpusSpotAndAddressesAreTheirOwn() {
        // Given
        cloud.gce.capacity().quota(null, Capacity.GPUS_ALL_REGIONS, 1.0);
        cloud.gce.capacity().quota("us-central1", "PREEMPTIBLE_CPUS", 2.0);
        cloud.gce.capacity().quota("us-central1", "IN_USE_ADDRESSES", 0.0);

        // When
        var gpus = cloud.post(Cloud.INSTANCES, Cloud.instance("g-1", "g2-standard-24").put("scheduling", new JsonObject().put("onHostMaintenance", "TERMINATE")));
        var spot = cloud.post(Cloud.INSTANCES, Cloud.spot(Cloud.instance("s-1", "e2-standard-4"), "STOP"));
        var external = Cloud.instance("e-1");
        external.getJsonArray("networkInterfaces").getJsonObject(0).put("accessConfigs", new JsonArray().add(new JsonObject().put("type", "ONE_TO_ONE_NAT")));
        var address = cloud.post(Cloud.INSTANCES, external);
        var plain = cloud.insert("m-1");
        cloud.untilRunning();

        // Then
        assertThat(error(gpus)).isEqualTo("QUOTA_EXCEEDED Quota 'GPUS_ALL_REGIONS' exceeded.  Limit: 1.0 globally.");
        assertThat(error(spot)).isEqualTo("QUOTA_EXCEEDED Quota 'PREEMPTIBLE_CPUS' exceeded.  Limit: 2.0 in region us-central1.");
        assertThat(error(address)).isEqualTo("QUOTA_EXCEEDED Quota 'IN_USE_ADDRESSES' exceeded.  Limit: 0.0 in region us-central1.");
        assertThat(error(plain)).isEqualTo("none");
    }

    @Test
    void operationsFailAsOrderedOrEndLate() {
        // Given
        cloud.gce.faults().onLaunch(OfferFilter.any(), 1, LaunchFault.Fail.internalError());
        cloud.gce.faults().onLaunch(OfferFilter.any(), 1, new LaunchFault.Exhausted());
        cloud.gce.faults().onLaunch(OfferFilter.type("e2-standard-4"), 1, new LaunchFault.Slow(Duration.ofMinutes(5)));

        // When
        var internal = cloud.insert("m-1");
        var exhausted = cloud.insert("m-2");
        var slow = cloud.post(Cloud.INSTANCES, Cloud.instance("m-3", "e2-standard-4"));
        cloud.gce.capacity().noAddresses("us-central1");
        var addresses = cloud.insert("m-4");
        cloud.untilRunning();
        var meanwhile = cloud.operation(slow).text("status");
        cloud.time.pass(Duration.ofMinutes(5));

        // Then
        assertThat(error(internal)).startsWith("INTERNAL_ERROR Internal error.");
        assertThat(error(exhausted)).isEqualTo("ZONE_RESOURCE_POOL_EXHAUSTED The zone 'projects/muster-sandbox/zones/us-central1-a' does not have enough resources available to fulfill "
                + "the request.  Try a different zone, or try again later.");
        assertThat(error(addresses)).isEqualTo("IP_SPACE_EXHAUSTED IP space of 'projects/muster-sandbox/regions/us-central1/subnetworks/default' is exhausted.");
        assertThat(meanwhile).isEqualTo("RUNNING");
        assertThat(error(slow)).isEqualTo("none");
        assertThat(cloud.status("m-3")).isEqualTo("RUNNING");
        assertThat(cloud.gce.books().live()).isEqualTo(1);
    }

    @Test
    void anOperationMayFailLate() {
        // Given
        cloud.gce.faults().onLaunch(OfferFilter.any(), 1, LaunchFault.Fail.unsupported());
        cloud.gce.faults().onLaunch(OfferFilter.any(), 1, new LaunchFault.Slow(Duration.ofMinutes(5)));

        // When
        var started = cloud.insert("m-1");
        cloud.untilRunning();
        var meanwhile = cloud.status("m-1");
        cloud.time.pass(Duration.ofMinutes(5));

        // Then
        assertThat(meanwhile).isEqualTo("PROVISIONING");
        assertThat(error(started)).startsWith("UNSUPPORTED_OPERATION");
        assertThat(cloud.status("m-1")).isEqualTo("gone");
    }

    @Test
    void refusesWhatMakesNoSenseWithTheFieldsName() {
        assertThat(invalid(Cloud.instance("M-1"))).isEqualTo("Invalid value for field 'resource.name': 'M-1'. Must be a match of regex '(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)'");
        assertThat(invalid(Cloud.instance("m-1").put("machineType", "e2-standard-2"))).isEqualTo("Invalid value for field 'resource.machineType': 'e2-standard-2'. The URL is malformed.");
        assertThat(invalid(Cloud.instance("m-1", "e2-standard-3"))).isEqualTo("Invalid value for field 'resource.machineType': 'e2-standard-3'. Machine type with name 'e2-standard-3' "
                + "does not exist in zone 'us-central1'.");
        assertThat(invalid(Cloud.instance("m-1").put("disks", new JsonArray()))).isEqualTo("Invalid value for field 'resource.disks': ''. No disks are specified.");
        var image = Cloud.instance("m-1");
        image.getJsonArray("disks").getJsonObject(0).getJsonObject("initializeParams").put("sourceImage", "projects/debian-cloud/global/images/family/debian-99");
        assertThat(invalid(image)).isEqualTo("Invalid value for field 'resource.disks[0].initializeParams.sourceImage': 'projects/debian-cloud/global/images/family/debian-99'. "
                + "The referenced image resource cannot be found.");
        assertThat(invalid(Cloud.instance("m-1").put("labels", new JsonObject().put("Pool", "x")))).startsWith("Invalid value for field 'resource.labels': ''. Label key 'Pool' violates");
        assertThat(invalid(Cloud.instance("m-1", "g2-standard-4"))).isEqualTo("Instances with guest accelerators do not support live migration.");
        assertThat(invalid(Cloud.instance("m-1").put("scheduling", new JsonObject().put("instanceTerminationAction", "DELETE"))))
                .startsWith("Invalid value for field 'resource.scheduling.instanceTerminationAction': 'DELETE'.");
        assertThat(invalid(Cloud.instance("m-1", "t2a-standard-1"))).contains("Requested boot disk architecture (X86_64) is not compatible with machine type architecture (ARM64).");
        assertThat(cloud.post("projects/muster-sandbox/zones/us-central1-x/instances", Cloud.instance("m-1")).message()).isEqualTo("Invalid value for field 'zone': 'us-central1-x'. Unknown zone.");
        assertThat(cloud.gce.books().launchCalls()).hasSize(10);
    }

    @Test
    void whoMayNotIsToldWhatItTakes() {
        // Given
        cloud.gce.faults().deny("compute.instances.create");

        // When
        var refused = cloud.insert("m-1");
        cloud.gce.faults().allow("compute.instances.create");
        var taken = cloud.insert("m-1");

        // Then
        assertThat(refused.status).isEqualTo(403);
        assertThat(refused.reason()).isEqualTo("forbidden");
        assertThat(refused.message()).isEqualTo("Required 'compute.instances.create' permission for '" + Cloud.INSTANCES + "/m-1'");
        assertThat(taken.status).isEqualTo(200);
    }

    @Test
    void aTemplateGivesWhatTheCallLeavesOut() {
        // Given
        var template = new JsonObject().put("name", "workers").put("properties", Cloud.properties("e2-standard-4").put("labels", new JsonObject().put("from", "template")));
        var cloud = new Cloud(GceConfig.defaults().withTemplates(List.of(template.encode())));

        // When
        var made = cloud.post(Cloud.INSTANCES, new JsonObject().put("name", "m-1").put("labels", new JsonObject().put("more", "yes")),
                "sourceInstanceTemplate", "global/instanceTemplates/workers");
        var none = cloud.post(Cloud.INSTANCES, new JsonObject().put("name", "m-2"), "sourceInstanceTemplate", "global/instanceTemplates/others");
        cloud.untilRunning();

        // Then
        assertThat(made.status).isEqualTo(200);
        assertThat(cloud.instanceNamed("m-1").text("machineType")).endsWith("/e2-standard-4");
        assertThat(cloud.instanceNamed("m-1").at("labels")).isEqualTo(new JsonObject().put("from", "template").put("more", "yes"));
        assertThat(none.status).isEqualTo(404);
    }

    private String invalid(JsonObject instance) {
        var reply = cloud.post(Cloud.INSTANCES, instance);
        assertThat(reply.status).as(reply.body.encode()).isEqualTo(400);
        return reply.message();
    }

    private String error(Cloud.Reply operation) {
        var now = cloud.operation(operation);
        assertThat(now.text("status")).isEqualTo("DONE");
        return now.at("error") == null ? "none" : now.text("error/errors/0/code") + " " + now.text("error/errors/0/message");
    }
}
