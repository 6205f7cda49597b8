package dev.muster.sandbox.gce;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ListTest {

    private static final String AGGREGATED = "projects/muster-sandbox/aggregated/instances";

    private final Cloud cloud = new Cloud();

    private void insert(String name, String zone, String pool) {
        cloud.post("projects/muster-sandbox/zones/" + zone + "/instances", Cloud.properties("zones/" + zone + "/machineTypes/e2-standard-2").put("name", name)
                .put("labels", new JsonObject().put("muster-pool", pool)));
    }

    @Test
    void filtersAsGoogleReadsThem() {
        // Given
        insert("a-1", Cloud.ZONE, "gpu");
        insert("a-2", Cloud.ZONE, "cpu");
        insert("b-1", Cloud.ZONE, "cpu");
        cloud.post(Cloud.INSTANCES, Cloud.spot(Cloud.instance("s-1"), "DELETE"));

        // Then
        assertThat(named("labels.muster-pool=gpu")).containsExactly("a-1");
        assertThat(named("labels.muster-pool:*")).containsExactly("a-1", "a-2", "b-1");
        assertThat(named("labels.muster-pool!=gpu")).containsExactly("a-2", "b-1", "s-1");
        assertThat(named("(labels.muster-pool = cpu) AND (name = a-*)")).containsExactly("a-2");
        assertThat(named("labels.muster-pool=cpu name=b-1")).containsExactly("b-1");
        assertThat(named("labels.muster-pool=gpu OR name=s-1")).containsExactly("a-1", "s-1");
        assertThat(named("NOT labels.muster-pool=cpu AND -name=s-1")).containsExactly("a-1");
        assertThat(named("name eq 'a-.*'")).containsExactly("a-1", "a-2");
        assertThat(named("name ne \"a-.*\"")).containsExactly("b-1", "s-1");
        assertThat(named("scheduling.preemptible=true")).containsExactly("s-1");
        assertThat(named("status=PROVISIONING AND zone=\"https://www.googleapis.com/compute/v1/projects/muster-sandbox/zones/us-central1-a\"")).hasSize(4);
        assertThat(named("creationTimestamp>2026-11-01T00:00:00-08:00")).hasSize(4);
        assertThat(named("disks.diskSizeGb>19")).hasSize(4);
        for (var wrong : List.of("name=", "flavor=x", "name=a-1)", "(name=a-1", "name a-1", "name eq '['", "=x")) {
            assertThat(cloud.get(Cloud.INSTANCES, "filter", wrong).message()).as(wrong)
                    .isEqualTo("Invalid value for field 'filter': '" + wrong + "'. Invalid list filter expression.");
        }
    }

    private List<String> named(String filter) {
        var reply = cloud.get(Cloud.INSTANCES, "filter", filter);
        assertThat(reply.status).as(reply.body.encode()).isEqualTo(200);
        return reply.names();
    }

    @Test
    void pagesByNameWhateverComesAndGoesBetween() {
        // Given
        for (int i = 1; i <= 5; i++) {
            insert("m-" + i, Cloud.ZONE, "cpu");
        }

        // When
        var first = cloud.get(Cloud.INSTANCES, "maxResults", "2");
        insert("m-0", Cloud.ZONE, "cpu");
        var second = cloud.get(Cloud.INSTANCES, "maxResults", "2", "pageToken", first.text("nextPageToken"));
        var third = cloud.get(Cloud.INSTANCES, "maxResults", "2", "pageToken", second.text("nextPageToken"));

        // Then
        assertThat(first.names()).containsExactly("m-1", "m-2");
        assertThat(second.names()).containsExactly("m-3", "m-4");
        assertThat(third.names()).containsExactly("m-5");
        assertThat(third.at("nextPageToken")).isNull();
        assertThat(cloud.get(Cloud.INSTANCES, "maxResults", "501").reason()).isEqualTo("invalid");
        assertThat(cloud.get(Cloud.INSTANCES, "pageToken", "none of ours").reason()).isEqualTo("invalid");
        assertThat(cloud.get(Cloud.INSTANCES, "orderBy", "status").reason()).isEqualTo("invalid");
    }

    @Test
    void theNewestOperationsComeFirstIfAskedForAndPageInThatOrder() {
        // Given
        for (int i = 1; i <= 3; i++) {
            insert("m-" + i, Cloud.ZONE, "cpu");
            cloud.untilRunning();
        }

        // When
        var targets = new ArrayList<String>();
        String token = "";
        do {
            var page = cloud.get("projects/muster-sandbox/zones/us-central1-a/operations", "orderBy", "creationTimestamp desc", "maxResults", "1", "pageToken", token);
            page.body.getJsonArray("items").forEach(item -> targets.add(Links.last(((JsonObject) item).getString("targetLink"))));
            token = page.text("nextPageToken");
        } while (token != null);

        // Then
        assertThat(targets).containsExactly("m-3", "m-2", "m-1");
    }

    @Test
    void anAggregatedListHasEveryZoneAndSaysWhereThereIsNothing() {
        // Given
        insert("m-1", "us-central1-a", "cpu");
        insert("m-1", "europe-west4-b", "cpu");
        insert("m-2", "us-central1-b", "gpu");

        // When
        var all = cloud.get(AGGREGATED, "filter", "labels.muster-pool=cpu");
        var page = cloud.get(AGGREGATED, "maxResults", "1");
        var next = cloud.get(AGGREGATED, "maxResults", "1", "pageToken", page.text("nextPageToken"));

        // Then
        assertThat(zonesWith(all)).containsExactly("zones/europe-west4-b", "zones/us-central1-a");
        assertThat(((JsonObject) all.at("items")).getJsonObject("zones/us-central1-b").getJsonObject("warning")).isEqualTo(new JsonObject().put("code", "NO_RESULTS_ON_PAGE")
                .put("message", "There are no results for scope 'zones/us-central1-b' on this page.")
                .put("data", new JsonArray().add(new JsonObject().put("key", "scope").put("value", "zones/us-central1-b"))));
        assertThat(all.body.containsKey("unreachables")).isFalse();
        assertThat(zonesWith(page)).containsExactly("zones/europe-west4-b");
        assertThat(zonesWith(next)).containsExactly("zones/us-central1-a");
    }

    private static List<String> zonesWith(Cloud.Reply reply) {
        return ((JsonObject) reply.at("items")).stream().filter(scope -> ((JsonObject) scope.getValue()).containsKey("instances")).map(scope -> scope.getKey()).toList();
    }

    @Test
    void aZoneOutOfReachFailsTheListUnlessPartOfTheTruthWillDo() {
        // Given
        insert("m-1", "us-central1-a", "cpu");
        insert("m-2", "us-central1-b", "cpu");
        cloud.gce.faults().outage("us-central1-b");

        // When
        var whole = cloud.get(AGGREGATED);
        var part = cloud.get(AGGREGATED, "returnPartialSuccess", "true");
        var own = cloud.get("projects/muster-sandbox/zones/us-central1-b/instances");
        var beside = cloud.get("projects/muster-sandbox/zones/us-central1-a/instances");

        // Then
        assertThat(whole.status).isEqualTo(503);
        assertThat(whole.reason()).isEqualTo("backendError");
        assertThat(part.status).isEqualTo(200);
        assertThat(zonesWith(part)).containsExactly("zones/us-central1-a");
        assertThat(((JsonObject) part.at("items")).getJsonObject("zones/us-central1-b").getJsonObject("warning").getString("code")).isEqualTo("UNREACHABLE");
        assertThat(part.text("unreachables/0")).isEqualTo("projects/muster-sandbox/zones/us-central1-b");
        assertThat(own.status).isEqualTo(503);
        assertThat(beside.names()).containsExactly("m-1");
        cloud.gce.faults().reachable("us-central1-b");
        assertThat(zonesWith(cloud.get(AGGREGATED))).hasSize(2);
    }

    @Test
    void operationsAreListedByScopeAndOverAllOfThem() {
        // Given
        insert("m-1", Cloud.ZONE, "cpu");
        cloud.post("projects/muster-sandbox/regions/us-central1/instances/bulkInsert", Cloud.bulk(Cloud.properties("e2-standard-2"), 1, "m-2"));
        cloud.untilRunning();

        // Then
        assertThat(cloud.get("projects/muster-sandbox/regions/us-central1/operations").names()).hasSize(1);
        assertThat(cloud.get("projects/muster-sandbox/global/operations").names()).isEmpty();
        assertThat(cloud.get("projects/muster-sandbox/zones/us-central1-a/operations", "filter", "status!=DONE").names()).isEmpty();
        var all = cloud.get("projects/muster-sandbox/aggregated/operations", "filter", "operationType=insert");
        assertThat(all.text("items/zones/us-central1-a")).isNull();
        assertThat(((JsonObject) all.at("items")).stream().filter(scope -> ((JsonObject) scope.getValue()).containsKey("operations")).count()).isPositive();
    }

    @Test
    void everythingElseIsThereToRead() {
        var home = "projects/muster-sandbox";
        for (var path : List.of(home, home + "/zones", home + "/zones/us-central1-f", home + "/regions", home + "/regions/us-east1", home + "/zones/us-central1-a/machineTypes",
                home + "/zones/us-central1-a/machineTypes/a2-highgpu-1g", home + "/aggregated/machineTypes", home + "/zones/us-central1-a/acceleratorTypes",
                home + "/zones/us-central1-a/acceleratorTypes/nvidia-tesla-t4", home + "/aggregated/acceleratorTypes", home + "/zones/us-central1-a/diskTypes",
                home + "/zones/us-central1-a/diskTypes/pd-ssd", home + "/regions/us-central1/subnetworks", home + "/regions/us-central1/subnetworks/default",
                home + "/global/networks", home + "/global/routes", home + "/regions/us-central1/routers", home + "/global/networks/default", "projects/debian-cloud/global/images", "projects/debian-cloud/global/images/family/debian-12",
                "projects/deeplearning-platform-release/global/images/" + GceConfig.DEEP_LEARNING.name(), home + "/global/images", home + "/global/instanceTemplates")) {
            assertThat(cloud.get(path).status).as(path).isEqualTo(200);
        }
        for (var list : List.of("zones", "regions", "zones/us-central1-a/machineTypes", "aggregated/acceleratorTypes", "zones/us-central1-a/diskTypes", "regions/us-central1/subnetworks",
                "regions/us-central1/routers", "global/networks", "global/routes", "global/images", "global/instanceTemplates")) {
            assertThat(cloud.get(home + "/" + list, "filter", "name:*").status).as(list).isEqualTo(200);
        }
        assertThat(cloud.get(home + "/zones/us-central1-a/machineTypes/e9-huge").message()).isEqualTo("The resource '" + home + "/zones/us-central1-a/machineTypes/e9-huge' was not found");
        assertThat(cloud.get("projects/debian-cloud/global/images/family/debian-1").message()).isEqualTo("The resource 'projects/debian-cloud/global/images/family/debian-1' was not found");
        assertThat(cloud.get("projects/someone-elses/zones").status).isEqualTo(404);
        assertThat(cloud.get(home + "/zones/us-central1-a/machineTypes/g2-standard-24").at("accelerators/0"))
                .isEqualTo(new JsonObject().put("guestAcceleratorType", "nvidia-l4").put("guestAcceleratorCount", 2));
    }

    @Test
    void quotasTellTheirUse() {
        // Given
        cloud.gce.capacity().quota("us-central1", "CPUS", 24.0);
        cloud.insert("m-1");

        // When
        var quotas = cloud.get("projects/muster-sandbox/regions/us-central1").body.getJsonArray("quotas");

        // Then
        assertThat(quotas).contains(new JsonObject().put("metric", "CPUS").put("limit", 24.0).put("usage", 2.0))
                .contains(new JsonObject().put("metric", "INSTANCES").put("limit", 20000.0).put("usage", 1.0));
    }
}
