package dev.muster.sandbox.ec2;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What RunInstances starts, and what it refuses. */
final class LaunchTest {

    private final Cloud cloud = new Cloud();

    @Test
    void startsAsManyAsThereIsRoomForAboveTheMinimum() {
        // Given
        cloud.ec2.capacity().atMost(OfferFilter.type("m5.large").inZone("us-east-1a").onMarket("on-demand"), 3);

        // When
        var first = cloud.run("m5.large", 1, 5, "Placement.AvailabilityZone", "us-east-1a");
        var second = cloud.run("m5.large", 1, 5, "Placement.AvailabilityZone", "us-east-1a");
        var elsewhere = cloud.run("m5.large", 5, 5, "Placement.AvailabilityZone", "us-east-1b");

        // Then
        assertThat(first.all("//amiLaunchIndex")).containsExactly("0", "1", "2");
        assertThat(second.status).isEqualTo(500);
        assertThat(second.code()).isEqualTo("InsufficientInstanceCapacity");
        assertThat(second.message()).contains("us-east-1a").contains("choosing us-east-1b, us-east-1c");
        assertThat(elsewhere.all("//instanceId")).hasSize(5);
    }

    @Test
    void startsNoneIfTheMinimumDoesNotFit() {
        // Given
        cloud.ec2.capacity().atMost(OfferFilter.type("m5.large"), 3);

        // When
        var refused = cloud.run("m5.large", 4, 5);

        // Then
        assertThat(refused.code()).isEqualTo("InsufficientInstanceCapacity");
        assertThat(cloud.ec2.books().live()).isZero();
    }

    @Test
    void roomComesBackWhenAMachineIsGoneAndNotBefore() {
        // Given
        cloud.ec2.capacity().atMost(OfferFilter.type("m5.large"), 1);
        var id = cloud.launch(1).get(0);
        cloud.untilRunning();

        // When
        cloud.call("TerminateInstances", "InstanceId.1", id);
        var whileShuttingDown = cloud.run("m5.large", 1, 1);
        cloud.untilTerminated();
        var after = cloud.run("m5.large", 1, 1);

        // Then
        assertThat(whileShuttingDown.code()).isEqualTo("InsufficientInstanceCapacity");
        assertThat(after.code()).isEqualTo("Success");
    }

    @Test
    void choosesAZoneThatHasRoomWhenNoneIsAskedFor() {
        // Given
        cloud.ec2.capacity().none(OfferFilter.type("m5.large").inZone("us-east-1a"));

        // When
        var launched = cloud.run("m5.large", 2, 2);

        // Then
        assertThat(launched.all("//placement/availabilityZone")).containsOnly("us-east-1b");
    }

    @Test
    void marketsAreSoldApart() {
        // Given
        cloud.ec2.capacity().none(OfferFilter.any().onMarket("spot"));

        // When
        var spot = cloud.run("g5.xlarge", 1, 1, "InstanceMarketOptions.MarketType", "spot");
        var onDemand = cloud.run("g5.xlarge", 1, 1);

        // Then
        assertThat(spot.code()).isEqualTo("InsufficientInstanceCapacity");
        assertThat(spot.message()).contains("Spot");
        assertThat(onDemand.code()).isEqualTo("Success");
    }

    @Test
    void quotasAreByFamilyAndMarketInVcpus() {
        // Given
        cloud.ec2.capacity().vcpuQuota("g", "on-demand", 8);
        cloud.ec2.capacity().vcpuQuota("g", "spot", 0);

        // When
        var partly = cloud.run("g5.xlarge", 1, 5);
        var over = cloud.run("g4dn.xlarge", 1, 1);
        var spot = cloud.run("g5.xlarge", 1, 1, "InstanceMarketOptions.MarketType", "spot");
        var otherFamily = cloud.run("m5.large", 1, 1);

        // Then
        assertThat(partly.all("//instanceId")).hasSize(2);
        assertThat(over.code()).isEqualTo("VcpuLimitExceeded");
        assertThat(spot.code()).isEqualTo("MaxSpotInstanceCountExceeded");
        assertThat(otherFamily.code()).isEqualTo("Success");
    }

    @Test
    void instanceQuotaRefusesWhatExceedsIt() {
        // Given
        cloud.ec2.capacity().instanceQuota(2);
        cloud.launch(2);

        // When
        var refused = cloud.run("t3.micro", 1, 1);

        // Then
        assertThat(refused.code()).isEqualTo("InstanceLimitExceeded");
    }

    @Test
    void spotPriceAboveTheMaximumIsRefused() {
        // Given
        cloud.ec2.capacity().spotPrice(OfferFilter.type("g5.xlarge"), new BigDecimal("0.5"));

        // When
        var low = cloud.run("g5.xlarge", 1, 1, "InstanceMarketOptions.MarketType", "spot", "InstanceMarketOptions.SpotOptions.MaxPrice", "0.49");
        var enough = cloud.run("g5.xlarge", 1, 1, "InstanceMarketOptions.MarketType", "spot", "InstanceMarketOptions.SpotOptions.MaxPrice", "0.50",
                "InstanceMarketOptions.SpotOptions.SpotInstanceType", "one-time");

        // Then
        assertThat(low.code()).isEqualTo("SpotMaxPriceTooLow");
        assertThat(enough.one("//instanceLifecycle")).isEqualTo("spot");
        assertThat(cloud.ec2.books().instances(cloud.time.now()).get(0).dollarsPerHour()).isEqualByComparingTo("0.5");
    }

    @Test
    void typeNotSoldInAZoneIsUnsupportedThere() {
        // When
        var refused = cloud.run("p4d.24xlarge", 1, 1, "Placement.AvailabilityZone", "us-east-1c");

        // Then
        assertThat(refused.code()).isEqualTo("Unsupported");
        assertThat(refused.message()).contains("choosing us-east-1a, us-east-1b");
    }

    @Test
    void tagsVolumesAndPlacementAreAsTheCallSays() {
        // Given
        var subnet = Geography.region("us-east-1").orElseThrow().zones().get(1).subnet();

        // When
        var id = cloud.run("m5.large", 1, 1, "NetworkInterface.1.DeviceIndex", "0", "NetworkInterface.1.SubnetId", subnet, "TagSpecification.1.ResourceType", "instance",
                "TagSpecification.1.Tag.1.Key", "muster-pool", "TagSpecification.1.Tag.1.Value", "cpu", "TagSpecification.2.ResourceType", "volume",
                "TagSpecification.2.Tag.1.Key", "muster-pool", "TagSpecification.2.Tag.1.Value", "cpu", "BlockDeviceMapping.1.DeviceName", "/dev/sda1",
                "BlockDeviceMapping.1.Ebs.VolumeSize", "100", "IamInstanceProfile.Name", "agents", "KeyName", "me").one("//instanceId");
        cloud.untilRunning();
        var shown = cloud.call("DescribeInstances", "InstanceId.1", id);

        // Then
        assertThat(shown.one("//instancesSet/item/subnetId")).isEqualTo(subnet);
        assertThat(shown.one("//placement/availabilityZone")).isEqualTo("us-east-1b");
        assertThat(shown.one("//tagSet/item[key='muster-pool']/value")).isEqualTo("cpu");
        assertThat(shown.one("//iamInstanceProfile/arn")).isEqualTo("arn:aws:iam::" + Ec2Config.ACCOUNT + ":instance-profile/agents");
        var volume = shown.one("//blockDeviceMapping/item/ebs/volumeId");
        assertThat(cloud.call("DescribeTags", "Filter.1.Name", "resource-id", "Filter.1.Value.1", volume).one("//tagSet/item/value")).isEqualTo("cpu");
    }

    @Test
    void userDataAtTheLimitReachesTheMachineAndOneByteMoreIsRefused() {
        // Given
        var most = "x".repeat(LaunchSpec.MAX_USER_DATA);

        // When
        var id = cloud.launch(1, "UserData", Base64.getEncoder().encodeToString(most.getBytes())).get(0);
        var tooLong = cloud.run("m5.large", 1, 1, "UserData", Base64.getEncoder().encodeToString((most + "x").getBytes()));
        cloud.untilRunning();

        // Then
        assertThat(cloud.booted.get(id).userData()).isEqualTo(most);
        assertThat(tooLong.code()).isEqualTo("InvalidParameterValue");
    }

    @ParameterizedTest
    @CsvSource({
        "ImageId, ami-0000000a, InvalidAMIID.NotFound", "ImageId, ubuntu, InvalidAMIID.Malformed", "InstanceType, m5.huge, InvalidParameterValue",
        "InstanceType, m6g.large, InvalidParameterValue", "MinCount, 0, InvalidParameterValue", "MaxCount, none, InvalidParameterValue",
        "MinCount, 2, InvalidParameterCombination", "SubnetId, subnet-0000000a, InvalidSubnetID.NotFound", "SubnetId, here, InvalidSubnetID.Malformed",
        "SecurityGroupId.1, sg-0000000a, InvalidGroup.NotFound", "Placement.AvailabilityZone, us-east-1z, InvalidParameterValue",
        "UserData, ???, InvalidParameterValue", "LaunchTemplate.LaunchTemplateName, x, InvalidLaunchTemplateName.NotFoundException", "CpuOptions.CoreCount, 2, UnsupportedOperation", "ImageID, x, UnknownParameter",
        "ClientToken, a-token-of-more-than-sixty-four-characters-is-refused-by-ec2-at-once, InvalidParameterValue",
        "InstanceInitiatedShutdownBehavior, hibernate, InvalidParameterValue", "DryRun, true, DryRunOperation",
        "TagSpecification.1.ResourceType, instances, InvalidParameterValue", "InstanceMarketOptions.MarketType, capacity-block, UnsupportedOperation",
    })
    void refusesWithEc2sCode(String parameter, String value, String code) {
        // When
        var refused = cloud.run("m5.large", 1, 1, parameter, value);

        // Then
        assertThat(refused.code()).isEqualTo(code);
        assertThat(cloud.ec2.books().launchCalls()).extracting(Books.LaunchCall::answer).containsExactly(code);
        assertThat(cloud.ec2.books().live()).isZero();
    }

    @Test
    void takesFromItsTemplateWhatItDoesNotSayItself() {
        // Given
        cloud.ec2.templates().put("gpu", Map.of("ImageId", Ec2Config.UBUNTU.id(), "InstanceType", "g5.xlarge", "KeyName", "ops"));
        cloud.ec2.templates().put("gpu", Map.of("ImageId", Ec2Config.UBUNTU.id(), "KeyName", "others"));

        // When
        var first = cloud.call("RunInstances", "LaunchTemplate.LaunchTemplateName", "gpu", "InstanceType", "m5.large", "MinCount", "1", "MaxCount", "1");
        var latest = cloud.call("RunInstances", "LaunchTemplate.LaunchTemplateId", LaunchTemplates.id("gpu"), "LaunchTemplate.Version", "$Latest", "MinCount", "1", "MaxCount", "1");
        var none = cloud.call("RunInstances", "LaunchTemplate.LaunchTemplateId", LaunchTemplates.id("gpu"), "LaunchTemplate.Version", "3", "MinCount", "1", "MaxCount", "1");

        // Then
        assertThat(List.of(first.one("//instanceType"), first.one("//keyName"), first.one("//imageId"))).containsExactly("m5.large", "ops", Ec2Config.UBUNTU.id());
        assertThat(latest.one("//keyName")).isEqualTo("others");
        assertThat(none.code()).isEqualTo("InvalidLaunchTemplateId.VersionNotFound");
    }

    @ParameterizedTest
    @CsvSource({"ImageId", "MinCount", "MaxCount"})
    void namesAMissingParameter(String parameter) {
        // Given
        var parameters = new TreeMap<>(Map.of("ImageId", Ec2Config.UBUNTU.id(), "MinCount", "1", "MaxCount", "1"));
        parameters.remove(parameter);

        // When
        var refused = cloud.call("RunInstances", parameters.entrySet().stream().flatMap(p -> List.of(p.getKey(), p.getValue()).stream()).toArray(String[]::new));

        // Then
        assertThat(refused.code()).isEqualTo("MissingParameter");
        assertThat(refused.message()).contains(parameter);
    }

    @ParameterizedTest
    @CsvSource({"a key, enabled, InvalidParameterValue", "a/key, enabled, InvalidParameterValue", "a key, disabled, Success", "muster-pool, enabled, Success",
        "aws:thing, disabled, InvalidParameterValue"})
    void tagKeysMustFitTheMetadataServiceThatShowsThem(String key, String shown, String code) {
        // When
        var answer = cloud.run("m5.large", 1, 1, "MetadataOptions.InstanceMetadataTags", shown, "TagSpecification.1.ResourceType", "instance",
                "TagSpecification.1.Tag.1.Key", key, "TagSpecification.1.Tag.1.Value", "v");

        // Then
        assertThat(answer.code()).isEqualTo(code);
    }
}
