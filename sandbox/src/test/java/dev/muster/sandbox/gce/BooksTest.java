package dev.muster.sandbox.gce;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.sandbox.TimeScale;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.math.BigDecimal;
import java.time.Duration;
import org.junit.jupiter.api.Test;

final class BooksTest {

    private final Cloud cloud = new Cloud();

    private Books books() {
        return cloud.gce.books();
    }

    private Books.Entry only() {
        return books().instances(cloud.time.now()).get(0);
    }

    @Test
    void aMachineCostsByTheSecondFromRunningToStoppedAndItsDiskUntilItIsDeleted() {
        // Given
        cloud.insert("m-1");
        cloud.time.pass(Duration.ofSeconds(20));

        // When
        cloud.time.pass(Duration.ofHours(1));
        cloud.post(Cloud.INSTANCES + "/m-1/stop", new JsonObject());
        cloud.untilStopped();
        var stopped = only();
        cloud.time.pass(Duration.ofHours(729));
        var later = only();

        // Then
        // An hour of e2-standard-2 and the 20 s that it takes to stop; 20 GB at 4 cents a GB and month.
        assertThat(stopped.dollars().subtract(stopped.diskDollars())).isEqualByComparingTo(new BigDecimal("0.067378"));
        assertThat(later.dollars().subtract(later.diskDollars())).isEqualByComparingTo(new BigDecimal("0.067378"));
        assertThat(later.diskDollars().doubleValue()).isBetween(0.799, 0.801);
        assertThat(later.status()).isEqualTo("TERMINATED");
        assertThat(later.endReason()).isEqualTo("stop");
    }

    @Test
    void aMinuteIsTheLeastAndTimeGoesAsFastAsMachinesLive() {
        // Given
        var fast = new Cloud(GceConfig.defaults().withTimeScale(new TimeScale(60)));
        cloud.insert("m-1");
        fast.insert("m-1");

        // When
        cloud.untilRunning();
        cloud.delete(Cloud.INSTANCES + "/m-1");
        cloud.untilStopped();
        fast.time.pass(Duration.ofMinutes(10));
        var hours = fast.gce.books().instances(fast.time.now()).get(0);

        // Then
        assertThat(only().dollars().subtract(only().diskDollars())).isEqualByComparingTo(new BigDecimal("0.001117"));
        assertThat(only().gone()).isNotNull();
        assertThat(hours.dollars().subtract(hours.diskDollars()).doubleValue()).isBetween(0.669, 0.671);
    }

    @Test
    void pricesAreOfTheMarketWithAllGpus() {
        // Given
        cloud.gce.capacity().spotPrice(OfferFilter.type("n1-standard-4"), new BigDecimal("0.11"));

        // When
        cloud.post(Cloud.INSTANCES, Cloud.instance("g-1", "n1-standard-4").put("scheduling", new JsonObject().put("onHostMaintenance", "TERMINATE")).put("guestAccelerators",
                new JsonArray().add(new JsonObject().put("acceleratorType", "zones/us-central1-a/acceleratorTypes/nvidia-tesla-t4").put("acceleratorCount", 1))));
        cloud.post(Cloud.INSTANCES, Cloud.spot(Cloud.instance("s-1", "n1-standard-4"), "STOP"));
        cloud.post(Cloud.INSTANCES, Cloud.spot(Cloud.instance("s-2", "e2-standard-2"), "STOP"));

        // Then
        var entries = books().instances(cloud.time.now());
        assertThat(entries.get(0).dollarsPerHour()).isEqualByComparingTo(new BigDecimal("0.539999"));
        assertThat(entries.get(0).gpus()).isEqualTo("nvidia-tesla-t4:1");
        assertThat(entries.get(1).dollarsPerHour()).isEqualByComparingTo(new BigDecimal("0.11"));
        assertThat(entries.get(2).dollarsPerHour().doubleValue()).isBetween(0.28 * 0.067006, 0.43 * 0.067006);
    }

    @Test
    void tellsCallsAnswersAndPeaksAndNoSecrets() {
        // Given
        var sent = Cloud.instance("m-1").put("labels", new JsonObject().put("muster-pool", "cpu"))
                .put("metadata", new JsonObject().put("items", new JsonArray().add(new JsonObject().put("key", "startup-script").put("value", "secret=hush"))));

        // When
        cloud.post(Cloud.INSTANCES, sent);
        cloud.post(Cloud.INSTANCES, sent);
        cloud.post(Cloud.INSTANCES, Cloud.instance("m-2").put("labels", new JsonObject().put("muster-pool", "cpu")));
        cloud.untilRunning();
        cloud.delete(Cloud.INSTANCES + "/m-1");
        cloud.untilStopped();

        // Then
        assertThat(books().launchCalls()).extracting(Books.LaunchCall::answer).containsExactly("Success", "alreadyExists", "Success");
        assertThat(books().launchCalls()).extracting(Books.LaunchCall::type).containsOnly("e2-standard-2");
        assertThat(books().launchCalls().toString()).doesNotContain("hush").contains("11 characters");
        assertThat(books().answers().get("instances.insert")).isEqualTo(java.util.Map.of("Success", 2, "alreadyExists", 1));
        assertThat(books().live()).isEqualTo(1);
        assertThat(books().peak()).isEqualTo(2);
        assertThat(books().peak("muster-pool", "cpu")).isEqualTo(2);
        assertThat(only().endReason()).isEqualTo("delete");
    }
}
