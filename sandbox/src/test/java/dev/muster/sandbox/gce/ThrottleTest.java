package dev.muster.sandbox.gce;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Google's rate quotas. */
final class ThrottleTest {

    private final Cloud cloud = new Cloud();

    @Test
    void eachGroupHasItsRequestsInEachRegionUntilTheNextMinuteBegins() {
        // Given
        cloud.gce.throttling(2);
        cloud.time.pass(Duration.ofSeconds(50));
        cloud.get(Cloud.INSTANCES);
        cloud.get(Cloud.INSTANCES);

        // When
        var third = cloud.get(Cloud.INSTANCES);
        var otherZone = cloud.get("projects/muster-sandbox/zones/us-central1-b/instances");
        var otherRegion = cloud.get("projects/muster-sandbox/zones/europe-west4-b/instances");
        var otherGroup = cloud.insert("m-1");
        cloud.time.pass(Duration.ofSeconds(9));
        var still = cloud.get(Cloud.INSTANCES);
        cloud.time.pass(Duration.ofSeconds(1));
        var next = cloud.get(Cloud.INSTANCES);

        // Then
        assertThat(third.status).isEqualTo(403);
        assertThat(third.reason()).isEqualTo("rateLimitExceeded");
        assertThat(third.message()).isEqualTo("Quota exceeded for quota metric 'List requests' and limit 'List requests per minute per region' of service 'compute.googleapis.com' "
                + "for consumer 'project_number:314159265358'.");
        assertThat(otherZone.status).isEqualTo(403);
        assertThat(otherRegion.status).isEqualTo(200);
        assertThat(otherGroup.status).isEqualTo(200);
        assertThat(still.status).isEqualTo(403);
        assertThat(next.status).isEqualTo(200);
    }

    @Test
    void aListOfAllZonesCountsForAllRegionsTogetherAndNothingIsCountedUnlessAskedFor() {
        for (int i = 0; i < 10; i++) {
            assertThat(cloud.get("projects/muster-sandbox/aggregated/instances").status).isEqualTo(200);
        }
        cloud.gce.throttling(1);
        cloud.get("projects/muster-sandbox/aggregated/instances");

        var over = cloud.get("projects/muster-sandbox/aggregated/operations");

        assertThat(over.message()).contains("'Heavy-weight read requests per minute' of service");
        cloud.gce.throttling(null);
        assertThat(cloud.get("projects/muster-sandbox/aggregated/operations").status).isEqualTo(200);
    }
}
