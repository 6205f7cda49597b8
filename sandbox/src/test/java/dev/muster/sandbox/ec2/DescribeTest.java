package dev.muster.sandbox.ec2;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

final class DescribeTest {

    private final Cloud cloud = new Cloud(Ec2Config.defaults().withDescribeDelay(Duration.ofSeconds(1)));

    @Test
    void aNewInstanceShowsOnlyAfterAWhile() {
        // Given
        var id = cloud.launch(1).get(0);

        // When
        var atOnce = cloud.call("DescribeInstances", "InstanceId.1", id);
        var all = cloud.call("DescribeInstances");
        cloud.time.pass(Duration.ofSeconds(1));
        var later = cloud.call("DescribeInstances", "InstanceId.1", id);

        // Then
        assertThat(atOnce.status).isEqualTo(400);
        assertThat(atOnce.code()).isEqualTo("InvalidInstanceID.NotFound");
        assertThat(all.all("//instanceId")).isEmpty();
        assertThat(later.one("//instanceState/name")).isEqualTo("pending");
    }

    @Test
    void pagesShowEveryInstanceOnceWhileOthersComeAndGo() {
        // Given
        var ids = new ArrayList<String>();
        for (int batch = 0; batch < 4; batch++) {
            ids.addAll(cloud.launch(6));
        }
        cloud.untilRunning();

        // When
        var seen = new ArrayList<String>();
        String next = null;
        int pages = 0;
        do {
            var page = next == null ? cloud.call("DescribeInstances", "MaxResults", "7") : cloud.call("DescribeInstances", "MaxResults", "7", "NextToken", next);
            seen.addAll(page.all("//instanceId"));
            next = page.one("/DescribeInstancesResponse/nextToken");
            pages++;
            ids.addAll(pages == 1 ? cloud.launch(1) : List.of());
            cloud.time.pass(Duration.ofSeconds(2));
        } while (next != null);

        // Then
        assertThat(seen).doesNotHaveDuplicates();
        assertThat(new TreeSet<>(seen)).isEqualTo(new TreeSet<>(ids));
        assertThat(pages).isEqualTo(4);
    }

    @Test
    void pagesAndIdsDoNotGoTogetherAndPageSizesHaveBounds() {
        // Given
        var id = cloud.launch(1).get(0);

        // Then
        assertThat(cloud.call("DescribeInstances", "InstanceId.1", id, "MaxResults", "5").code()).isEqualTo("InvalidParameterCombination");
        assertThat(cloud.call("DescribeInstances", "MaxResults", "4").code()).isEqualTo("InvalidParameterValue");
        assertThat(cloud.call("DescribeInstances", "MaxResults", "1001").code()).isEqualTo("InvalidParameterValue");
        assertThat(cloud.call("DescribeInstances", "NextToken", "bm9uc2Vuc2U=").code()).isEqualTo("InvalidPaginationToken");
    }

    @Test
    void oneUnknownOrMalformedIdFailsTheWholeCall() {
        // Given
        var id = cloud.launch(1).get(0);
        cloud.untilRunning();

        // Then
        assertThat(cloud.call("DescribeInstances", "InstanceId.1", id, "InstanceId.2", "i-00000000000000000").code()).isEqualTo("InvalidInstanceID.NotFound");
        assertThat(cloud.call("DescribeInstances", "InstanceId.1", "m1").code()).isEqualTo("InvalidInstanceID.Malformed");
        assertThat(cloud.call("TerminateInstances", "InstanceId.1", id, "InstanceId.2", "i-00000000000000000").code()).isEqualTo("InvalidInstanceID.NotFound");
        assertThat(cloud.state(id)).isEqualTo("running");
    }

    @Test
    void filtersAreAndedTheirValuesOredAndMayHaveWildcards() {
        // Given
        var tagged = cloud.launch(1, "TagSpecification.1.ResourceType", "instance", "TagSpecification.1.Tag.1.Key", "muster-fleet", "TagSpecification.1.Tag.1.Value", "team-a");
        var spot = cloud.run("g5.xlarge", 1, 1, "InstanceMarketOptions.MarketType", "spot", "Placement.AvailabilityZone", "us-east-1b").all("//instanceId");
        var plain = cloud.launch(1);
        cloud.untilRunning();
        cloud.call("TerminateInstances", "InstanceId.1", plain.get(0));

        // Then
        assertThat(filtered("tag:muster-fleet", "team-*")).isEqualTo(tagged);
        assertThat(filtered("tag:muster-fleet", "team-b")).isEmpty();
        assertThat(filtered("tag-key", "muster-fleet")).isEqualTo(tagged);
        assertThat(filtered("instance-lifecycle", "spot")).isEqualTo(spot);
        assertThat(filtered("availability-zone", "us-east-1b")).isEqualTo(spot);
        assertThat(filtered("instance-state-name", "shutting-down")).isEqualTo(plain);
        assertThat(cloud.call("DescribeInstances", "Filter.1.Name", "instance-state-name", "Filter.1.Value.1", "running", "Filter.1.Value.2", "pending", "Filter.2.Name",
                "instance-type", "Filter.2.Value.1", "g5.?large").all("//instanceId")).isEqualTo(spot);
        assertThat(cloud.call("DescribeInstances", "Filter.1.Name", "colour", "Filter.1.Value.1", "red").code()).isEqualTo("InvalidParameterValue");
    }

    @Test
    void aTerminatedInstanceStaysForAnHour() {
        // Given
        var id = cloud.launch(1).get(0);
        cloud.untilRunning();
        cloud.call("TerminateInstances", "InstanceId.1", id);
        cloud.untilTerminated();

        // When
        cloud.time.pass(Duration.ofMinutes(59));
        var within = cloud.state(id);
        cloud.time.pass(Duration.ofMinutes(2));
        var after = cloud.call("DescribeInstances", "InstanceId.1", id);

        // Then
        assertThat(within).isEqualTo("terminated");
        assertThat(after.code()).isEqualTo("InvalidInstanceID.NotFound");
        assertThat(cloud.ec2.books().instances(cloud.time.now())).hasSize(1);
    }

    @Test
    void accountsAndRegionsDoNotSeeEachOther() {
        // Given
        var id = cloud.launch(1).get(0);
        cloud.untilRunning();

        // When
        var otherRegion = cloud.call(new Call.Scope(Ec2Config.ACCOUNT, "us-west-2"), "DescribeInstances");
        var otherAccount = cloud.call(new Call.Scope("999999999999", "us-east-1"), "TerminateInstances", "InstanceId.1", id);

        // Then
        assertThat(otherRegion.all("//instanceId")).isEmpty();
        assertThat(otherAccount.code()).isEqualTo("InvalidInstanceID.NotFound");
    }

    private List<String> filtered(String name, String value) {
        return cloud.call("DescribeInstances", "Filter.1.Name", name, "Filter.1.Value.1", value).all("//instanceId");
    }
}
