package dev.muster.sandbox.ec2;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.sandbox.TimeScale;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

final class BooksTest {

    @Test
    void peakCountsWhatIsShuttingDownAndNotWhatIsGone() {
        // Given
        var cloud = new Cloud();
        var gpu = List.of("TagSpecification.1.ResourceType", "instance", "TagSpecification.1.Tag.1.Key", "muster-pool", "TagSpecification.1.Tag.1.Value", "gpu").toArray(String[]::new);
        var first = cloud.launch(2, gpu);
        cloud.launch(1);
        cloud.untilRunning();

        // When
        cloud.call("TerminateInstances", "InstanceId.1", first.get(0));
        cloud.launch(1, gpu);
        var during = cloud.ec2.books().live();
        cloud.untilTerminated();
        cloud.launch(1);

        // Then
        assertThat(during).isEqualTo(4);
        assertThat(cloud.ec2.books().peak()).isEqualTo(4);
        assertThat(cloud.ec2.books().peak("muster-pool", "gpu")).isEqualTo(3);
        assertThat(cloud.ec2.books().peak("muster-pool", "cpu")).isZero();
    }

    @Test
    void everyCallAndInstanceIsOnRecord() {
        // Given
        var cloud = new Cloud();
        var began = cloud.time.now();

        // When
        var id = cloud.run("g5.xlarge", 1, 2, "ClientToken", "batch-1", "InstanceMarketOptions.MarketType", "spot", "Placement.AvailabilityZone", "us-east-1b").all("//instanceId").get(0);
        cloud.run("g5.xlarge", 1, 1, "ImageId", "ami-0000000a");
        cloud.untilRunning();
        cloud.ec2.interrupt(id);
        cloud.time.pass(Duration.ofMinutes(3));

        // Then
        var calls = cloud.ec2.books().launchCalls();
        assertThat(calls).extracting(Books.LaunchCall::answer).containsExactly("Success", "InvalidAMIID.NotFound");
        assertThat(calls.get(0)).extracting(Books.LaunchCall::at, Books.LaunchCall::clientToken, Books.LaunchCall::zone, Books.LaunchCall::market, Books.LaunchCall::min, Books.LaunchCall::max)
                .containsExactly(began, "batch-1", "us-east-1b", "spot", 1, 2);
        var entry = cloud.ec2.books().instances(cloud.time.now()).get(0);
        assertThat(entry.id()).isEqualTo(id);
        assertThat(entry.running()).isEqualTo(began.plusSeconds(20));
        assertThat(entry.ending()).isEqualTo(began.plusSeconds(21 + 120));
        assertThat(entry.ended()).isEqualTo(began.plusSeconds(21 + 120 + 5));
        assertThat(entry.endReason()).isEqualTo("Server.SpotInstanceTermination");
    }

    @Test
    void aTagIsOnRecordWithTheTimeAtWhichItsMachineReadIt() {
        // Given
        var cloud = new Cloud();
        var id = cloud.launch(1, "MetadataOptions.InstanceMetadataTags", "enabled").get(0);
        cloud.untilRunning();
        var written = cloud.time.now();

        // When
        cloud.call("CreateTags", "ResourceId.1", id, "Tag.1.Key", "muster-mark", "Tag.1.Value", "drain:1");
        cloud.time.pass(Duration.ofSeconds(1));
        cloud.ec2.read(id, instance -> instance.readTag(cloud.time.now(), "muster-mark"));
        cloud.time.pass(Duration.ofSeconds(1));
        cloud.ec2.read(id, instance -> instance.readTag(cloud.time.now(), "muster-mark"));
        cloud.call("CreateTags", "ResourceId.1", id, "Tag.1.Key", "muster-mark", "Tag.1.Value", "none:2");

        // Then
        assertThat(cloud.ec2.books().instances(cloud.time.now()).get(0).taggings()).containsExactly(
                new Books.Tagging(written, "muster-mark", "drain:1", written.plusSeconds(1)),
                new Books.Tagging(written.plusSeconds(2), "muster-mark", "none:2", null));
    }

    @Test
    void costIsByTheSimulatedSecondWithAMinuteAtLeast() {
        // Given
        var cloud = new Cloud(Ec2Config.defaults().withTimeScale(new TimeScale(600)));
        var ids = cloud.run("m5.large", 2, 2).all("//instanceId");
        cloud.time.pass(Duration.ofMillis(34));

        // When
        cloud.call("TerminateInstances", "InstanceId.1", ids.get(0));
        cloud.time.pass(Duration.ofSeconds(6));

        // Then
        var entries = cloud.ec2.books().instances(cloud.time.now());
        assertThat(entries.get(0).dollars()).isEqualByComparingTo("0.0016");
        // Six real seconds are an hour at 600; it has run a little longer.
        assertThat(entries.get(1).dollars()).isBetween(new BigDecimal("0.096"), new BigDecimal("0.0961"));
    }
}
