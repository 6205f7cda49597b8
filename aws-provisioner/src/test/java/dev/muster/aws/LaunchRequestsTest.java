package dev.muster.aws;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.LaunchSettings;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.sandbox.ec2.Ec2Config;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import software.amazon.awssdk.services.ec2.model.RunInstancesRequest;

/** What a spec's fields become in RunInstances, as EC2 read it. */
class LaunchRequestsTest {

    private static final Offer SPOT = new Offer(Ec2StandIn.SCOPE, "us-east-1b", "", "m5.large", Offer.Market.SPOT);

    private final Ec2StandIn ec2 = new Ec2StandIn();

    @AfterEach
    void close() {
        ec2.close();
    }

    @Test
    void aTemplateIsNamedByIdOrNameAndItsImageIsUsedWhereThePoolNamesNone() throws ProviderException {
        var id = ec2.server.launchTemplate("gpu", Map.of("ImageId", Ec2Config.DEEP_LEARNING.id(), "KeyName", "ops"));

        var byName = launched(Batches.of(Batches.template("gpu", "")));
        var byId = launched(Batches.of(Batches.template(id, "$Latest")));

        assertThat(only(byName, "LaunchTemplate", "ImageId")).isEqualTo(Map.of("LaunchTemplate.LaunchTemplateName", "gpu"));
        assertThat(only(byId, "LaunchTemplate", "ImageId")).isEqualTo(Map.of("LaunchTemplate.LaunchTemplateId", id, "LaunchTemplate.Version", "$Latest"));
    }

    @Test
    void anImageOfThePoolComesBeforeTheTemplates() throws ProviderException {
        ec2.server.launchTemplate("gpu", Map.of("ImageId", Ec2Config.DEEP_LEARNING.id()));
        var template = Batches.template("gpu", "1");

        var sent = launched(Batches.of(new LaunchSettings(Ec2Config.UBUNTU.id(), List.of(), Map.of(), template.aws())));

        assertThat(only(sent, "LaunchTemplate", "ImageId")).isEqualTo(Map.of("LaunchTemplate.LaunchTemplateName", "gpu", "LaunchTemplate.Version", "1", "ImageId", Ec2Config.UBUNTU.id()));
    }

    @Test
    void aTemplateThatIsNotThereIsAnInvalidSpec() {
        var refused = refused(Batches.of(Batches.template("none", "")));

        assertThat(refused.kind()).isEqualTo(FailureKind.INVALID_SPEC);
        assertThat(refused.getMessage()).contains("none");
    }

    @Test
    void aDiskOfATemplatesImageNeedsItsDevice() {
        var refused = refused(Batches.of(new LaunchSettings("", List.of(new LaunchSettings.Disk("", 9, "", 0, 0)), Map.of(), Batches.template("gpu", "").aws())));

        assertThat(refused.getMessage()).contains("name the disk's device");
    }

    @Test
    void disksHaveTheirKeyAndTheirSnapshotAndAreEncryptedAlways() throws ProviderException {
        var sent = launched(Batches.of(Batches.disks(new LaunchSettings.Disk("", 100, "io2", 4000, 0, "alias/disks", ""),
                new LaunchSettings.Disk("/dev/sdf", 0, "", 0, 250, "", "snap-0123456789abcdef0"))));

        assertThat(only(sent, "BlockDeviceMapping")).isEqualTo(map("""
                BlockDeviceMapping.1.DeviceName=/dev/sda1
                BlockDeviceMapping.1.Ebs.DeleteOnTermination=true
                BlockDeviceMapping.1.Ebs.Encrypted=true
                BlockDeviceMapping.1.Ebs.Iops=4000
                BlockDeviceMapping.1.Ebs.KmsKeyId=alias/disks
                BlockDeviceMapping.1.Ebs.VolumeSize=100
                BlockDeviceMapping.1.Ebs.VolumeType=io2
                BlockDeviceMapping.2.DeviceName=/dev/sdf
                BlockDeviceMapping.2.Ebs.DeleteOnTermination=true
                BlockDeviceMapping.2.Ebs.Encrypted=true
                BlockDeviceMapping.2.Ebs.SnapshotId=snap-0123456789abcdef0
                BlockDeviceMapping.2.Ebs.Throughput=250
                BlockDeviceMapping.2.Ebs.VolumeType=gp3
                """));
    }

    @Test
    void detailedMonitoringIsAskedForOrNotMentioned() throws ProviderException {
        var aws = new LaunchSettings.Aws("", List.of(), "", Optional.empty(), "", "", true, "", List.of());

        assertThat(only(launched(Batches.of(new LaunchSettings("", List.of(), Map.of(), Optional.of(aws)))), "Monitoring")).isEqualTo(Map.of("Monitoring.Enabled", "true"));
        assertThat(only(launched(Batches.of(LaunchSettings.DEFAULTS)), "Monitoring")).isEmpty();
    }

    @Test
    void volumesAreTaggedUnlessTheSpecNamesOtherResources() throws ProviderException {
        assertThat(tagged(launched(Batches.of(LaunchSettings.DEFAULTS)))).containsExactly("instance", "volume");
        assertThat(tagged(launched(Batches.of(Batches.tagging("network-interface"))))).containsExactly("instance", "network-interface");
        assertThat(tagged(launched(Batches.of(SPOT, Batches.tagging("volume", "spot-instances-request"))))).containsExactly("instance", "volume", "spot-instances-request");
    }

    @Test
    void aSpotRequestIsTaggedOnlyWhereThereIsOne() throws ProviderException {
        assertThat(tagged(launched(Batches.of(Batches.tagging("volume", "spot-instances-request"))))).containsExactly("instance", "volume");
    }

    @Test
    void aLaunchSpecIsMergedUnderWhatTheSpecAndMusterSet() throws ProviderException {
        var aws = new LaunchSettings.Aws("ops", List.of(), "", Optional.empty(), "", "", false, """
                {"KeyName": "others", "EbsOptimized": true, "CreditSpecification": {"CpuCredits": "unlimited"}, "Placement": {"Tenancy": "default"},
                 "MetadataOptions": {"HttpProtocolIpv6": "enabled", "HttpTokens": "optional"}, "ClientToken": "theirs",
                 "BlockDeviceMappings": [{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 50, "VolumeType": "io1", "Iops": 100}},
                                         {"DeviceName": "/dev/sdg", "Ebs": {"VolumeSize": 10, "DeleteOnTermination": false}}, {"DeviceName": "/dev/sdh", "NoDevice": ""}],
                 "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "owner", "Value": "lab"}, {"Key": "muster-fleet", "Value": "theirs"}]},
                                       {"ResourceType": "network-interface", "Tags": [{"Key": "net", "Value": "9"}]}]}""", List.of());
        var batch = Batches.of(SPOT, new LaunchSettings("", List.of(new LaunchSettings.Disk("", 80, "", 0, 0)), Map.of(), Optional.of(aws)));

        var sent = launched(batch);

        assertThat(only(sent, "KeyName", "EbsOptimized", "CreditSpecification", "Placement", "MetadataOptions", "ClientToken", "BlockDeviceMapping")).isEqualTo(map("""
                KeyName=ops
                EbsOptimized=true
                CreditSpecification.CpuCredits=unlimited
                Placement.AvailabilityZone=us-east-1b
                Placement.Tenancy=default
                MetadataOptions.HttpEndpoint=enabled
                MetadataOptions.HttpProtocolIpv6=enabled
                MetadataOptions.HttpPutResponseHopLimit=2
                MetadataOptions.HttpTokens=required
                MetadataOptions.InstanceMetadataTags=enabled
                ClientToken=%s
                BlockDeviceMapping.1.DeviceName=/dev/sda1
                BlockDeviceMapping.1.Ebs.DeleteOnTermination=true
                BlockDeviceMapping.1.Ebs.Encrypted=true
                BlockDeviceMapping.1.Ebs.Iops=100
                BlockDeviceMapping.1.Ebs.VolumeSize=80
                BlockDeviceMapping.1.Ebs.VolumeType=io1
                BlockDeviceMapping.2.DeviceName=/dev/sdg
                BlockDeviceMapping.2.Ebs.DeleteOnTermination=false
                BlockDeviceMapping.2.Ebs.Encrypted=true
                BlockDeviceMapping.2.Ebs.VolumeSize=10
                BlockDeviceMapping.3.DeviceName=/dev/sdh
                BlockDeviceMapping.3.NoDevice=
                """.formatted(batch.batchId())));
        assertThat(tags(sent, "instance")).containsEntry("owner", "lab").containsEntry("muster-fleet", "train");
        assertThat(tags(sent, "network-interface")).isEqualTo(Map.of("net", "9"));
        assertThat(tags(sent, "volume")).doesNotContainKey("owner").containsEntry("muster-fleet", "train");
    }

    @Test
    void subnetGroupsAndAddressGoIntoTheInterfacesOfALaunchSpec() throws ProviderException {
        var there = ec2.api().runInstances(RunInstancesRequest.builder().minCount(1).maxCount(1).instanceType("m5.large").imageId(Ec2Config.UBUNTU.id()).build()).instances().get(0);
        var subnet = there.subnetId();
        var group = there.securityGroups().get(0).groupId();
        var offer = new Offer(Ec2StandIn.SCOPE, "", subnet, "m5.large", Offer.Market.ON_DEMAND);
        var aws = new LaunchSettings.Aws("", List.of(), "", Optional.of(false), "", "", false, """
                {"SecurityGroupIds": ["%s"], "NetworkInterfaces": [{"DeviceIndex": 0, "Description": "ours"}]}""".formatted(group), List.of());

        var sent = launched(Batches.of(offer, new LaunchSettings("", List.of(), Map.of(), Optional.of(aws))));

        assertThat(only(sent, "NetworkInterface", "SubnetId", "SecurityGroupId")).isEqualTo(map("""
                NetworkInterface.1.AssociatePublicIpAddress=false
                NetworkInterface.1.Description=ours
                NetworkInterface.1.DeviceIndex=0
                NetworkInterface.1.SecurityGroupId.1=%s
                NetworkInterface.1.SubnetId=%s
                """.formatted(group, subnet)));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "{\"CpuOption\": {}} | aws.launchSpec.CpuOption is no member",
        "{\"CpuOptions\": {\"Cores\": 4}} | aws.launchSpec.CpuOptions.Cores is no member of that part of RunInstances; there are AmdSevSnp, CoreCount",
        "{\"CpuOptions\": {\"CoreCount\": \"4\"}} | aws.launchSpec.CpuOptions.CoreCount is text; it must be a whole number",
        "{\"CpuOptions\": {\"CoreCount\": 1.5}} | aws.launchSpec.CpuOptions.CoreCount is 1.5; it must be a whole number",
        "{\"CpuOptions\": {\"CoreCount\": 3000000000}} | aws.launchSpec.CpuOptions.CoreCount is 3000000000; it must be a whole number",
        "{\"CpuOptions\": 4} | aws.launchSpec.CpuOptions is a number; it must be an object",
        "{\"EbsOptimized\": 1} | aws.launchSpec.EbsOptimized is a number; it must be true or false",
        "{\"KeyName\": 7} | aws.launchSpec.KeyName is a number; it must be text",
        "{\"SecurityGroupIds\": \"sg-1\"} | aws.launchSpec.SecurityGroupIds is text; it must be a list",
        "{\"NetworkInterfaces\": [{\"DeviceIndex\": 0}, {\"Index\": 1}]} | aws.launchSpec.NetworkInterfaces[1].Index is no member",
        "[] | aws.launchSpec is a list; it must be an object",
        "{ | aws.launchSpec ends too early",
    })
    void aLaunchSpecThatEc2WouldNotReadNamesThePath(String spec, String message) {
        var refused = refused(Batches.of(Batches.spec(spec)));

        assertThat(refused.kind()).isEqualTo(FailureKind.INVALID_SPEC);
        assertThat(refused.getMessage()).contains(message);
        assertThat(ec2.server.books().launchCalls()).isEmpty();
    }

    /** Everything that the SDK knows of RunInstances can be said: each type that its description has is read. */
    @Test
    void timesAndNumbersOfEveryWidthAreRead() throws ProviderException {
        var read = LaunchSpec.read("""
                {"InstanceMarketOptions": {"SpotOptions": {"ValidUntil": "2026-11-28T14:00:00Z", "BlockDurationMinutes": 60}}, "Ipv6AddressCount": 2,
                 "LicenseSpecifications": [{"LicenseConfigurationArn": "arn"}], "HibernationOptions": {"Configured": false}}""").build();

        assertThat(read.instanceMarketOptions().spotOptions().validUntil()).isEqualTo("2026-11-28T14:00:00Z");
        assertThat(read.ipv6AddressCount()).isEqualTo(2);
        assertThat(read.licenseSpecifications().get(0).licenseConfigurationArn()).isEqualTo("arn");
        assertThat(read.hibernationOptions().configured()).isFalse();
    }

    private Map<String, String> launched(MachineBatch batch) throws ProviderException {
        ec2.machines().launch(batch);
        var calls = ec2.server.books().launchCalls();
        return calls.get(calls.size() - 1).parameters();
    }

    private ProviderException refused(MachineBatch batch) {
        return catchThrowableOfType(ProviderException.class, () -> ec2.machines().launch(batch));
    }

    /** The parameters of these names, and what is below them. */
    private static Map<String, String> only(Map<String, String> parameters, String... names) {
        var only = new TreeMap<String, String>();
        parameters.forEach((key, value) -> {
            if (List.of(names).contains(key.contains(".") ? key.substring(0, key.indexOf('.')) : key)) {
                only.put(key, value);
            }
        });
        return only;
    }

    private static Map<String, String> map(String lines) {
        var map = new TreeMap<String, String>();
        lines.lines().forEach(line -> map.put(line.substring(0, line.indexOf('=')), line.substring(line.indexOf('=') + 1)));
        return map;
    }

    private static List<String> tagged(Map<String, String> parameters) {
        return parameters.entrySet().stream().filter(entry -> entry.getKey().matches("TagSpecification\\.\\d+\\.ResourceType")).map(Map.Entry::getValue).toList();
    }

    private static Map<String, String> tags(Map<String, String> parameters, String resource) {
        var at = parameters.entrySet().stream().filter(entry -> entry.getKey().endsWith(".ResourceType") && entry.getValue().equals(resource)).findFirst().orElseThrow()
                .getKey().replace("ResourceType", "Tag.");
        var tags = new TreeMap<String, String>();
        parameters.forEach((key, value) -> {
            if (key.startsWith(at) && key.endsWith(".Key")) {
                tags.put(value, parameters.get(key.replace(".Key", ".Value")));
            }
        });
        return tags;
    }
}
