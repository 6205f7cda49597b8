package dev.muster.sandbox.ec2;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

final class ThrottleTest {

    private final Cloud cloud = new Cloud(Ec2Config.defaults().withThrottling(true));

    @Test
    void launchRequestsComeFiveAtOnceThenTwoASecond() {
        // When
        int burst = successes(() -> cloud.run("t3.micro", 1, 1), 20);
        cloud.time.pass(Duration.ofSeconds(1));
        int second = successes(() -> cloud.run("t3.micro", 1, 1), 20);
        cloud.time.pass(Duration.ofMinutes(10));
        int full = successes(() -> cloud.run("t3.micro", 1, 1), 20);

        // Then
        assertThat(burst).isEqualTo(5);
        assertThat(second).isEqualTo(2);
        assertThat(full).isEqualTo(5);
    }

    @Test
    void aThousandMachinesAtOnceThenTwoASecond() {
        // When
        var thousand = cloud.run("t3.micro", 1000, 1000);
        var more = cloud.run("t3.micro", 2, 2);
        cloud.time.pass(Duration.ofSeconds(1));
        var refilled = cloud.run("t3.micro", 2, 2);
        var empty = cloud.run("t3.micro", 1, 1);

        // Then
        assertThat(thousand.all("//instanceId")).hasSize(1000);
        assertThat(more.status).isEqualTo(503);
        assertThat(more.code()).isEqualTo("RequestLimitExceeded");
        assertThat(refilled.code()).isEqualTo("Success");
        assertThat(empty.code()).isEqualTo("RequestLimitExceeded");
    }

    @Test
    void aRepeatedTokenCostsARequestButNoMachines() {
        // Given
        cloud.run("t3.micro", 1000, 1000, "ClientToken", "batch-1");

        // When
        var again = cloud.run("t3.micro", 1000, 1000, "ClientToken", "batch-1");

        // Then
        assertThat(again.all("//instanceId")).hasSize(1000);
    }

    @Test
    void readsThatNameNothingHaveTheSmallerBucket() {
        // When
        int wide = successes(() -> cloud.call("DescribeInstances"), 200);
        int paged = successes(() -> cloud.call("DescribeInstances", "MaxResults", "1000"), 200);
        int always = successes(() -> cloud.call("DescribeSubnets"), 200);

        // Then
        assertThat(wide).isEqualTo(50);
        assertThat(paged).isEqualTo(100);
        assertThat(always).isEqualTo(100);
    }

    @Test
    void terminationsAreTwentyASecondAfterTheFirstThousand() {
        // Given
        var big = new Cloud(Ec2Config.defaults());
        var ids = big.launch(1000);
        big.ec2.throttling(true);
        var more = big.launch(21);
        big.untilRunning();

        // When
        var thousand = big.call("TerminateInstances", numbered(ids));
        var throttled = big.call("TerminateInstances", numbered(more));
        big.time.pass(Duration.ofSeconds(1));
        var twenty = big.call("TerminateInstances", numbered(more.subList(0, 20)));

        // Then
        assertThat(thousand.code()).isEqualTo("Success");
        assertThat(throttled.code()).isEqualTo("RequestLimitExceeded");
        assertThat(twenty.code()).isEqualTo("Success");
    }

    @Test
    void eachRegionHasBucketsOfItsOwn() {
        // Given
        successes(() -> cloud.call("DescribeInstances"), 200);

        // When
        var elsewhere = cloud.call(new Call.Scope(Ec2Config.ACCOUNT, "us-west-2"), "DescribeInstances");

        // Then
        assertThat(elsewhere.code()).isEqualTo("Success");
    }

    @Test
    void isOffUnlessAskedFor() {
        // Given
        var calm = new Cloud();

        // When
        int all = successes(() -> calm.call("DescribeInstances"), 200);

        // Then
        assertThat(all).isEqualTo(200);
    }

    private static String[] numbered(List<String> ids) {
        var parameters = new ArrayList<String>();
        for (var id : ids) {
            parameters.addAll(List.of("InstanceId." + (parameters.size() / 2 + 1), id));
        }
        return parameters.toArray(String[]::new);
    }

    private static int successes(Supplier<Cloud.Reply> call, int times) {
        int successes = 0;
        for (int i = 0; i < times; i++) {
            successes += call.get().code().equals("Success") ? 1 : 0;
        }
        return successes;
    }
}
