package dev.muster.provisioner.host;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Timestamp;
import dev.muster.contracts.UnreadableRecordException;
import dev.muster.provisioner.spi.LaunchSettings;
import dev.muster.v1.AwsLaunch;
import dev.muster.v1.Command;
import dev.muster.v1.Disk;
import dev.muster.v1.LaunchMachines;
import dev.muster.v1.LaunchParameters;
import dev.muster.v1.Market;
import dev.muster.v1.OfferKey;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** A launch as the planner says it is a launch as a provider is given it, in every field. */
class CommandTranslatorTest {

    @Test
    void everyFieldOfALaunchArrives() throws UnreadableRecordException {
        assertThat(settings(LaunchParameters.newBuilder().setImage("ami-1").putTags("team", "vision")
                .addDisks(Disk.newBuilder().setDevice("/dev/sda1").setSizeGib(100).setType("io2").setIops(4000).setThroughput(250).setKmsKey("alias/disks").setSnapshot("snap-1"))
                .setAws(AwsLaunch.newBuilder().setKeyName("ops").addSecurityGroupIds("sg-1").setInstanceProfile("clearml").setAssociatePublicIp(false)
                        .setLaunchTemplate("gpu").setLaunchTemplateVersion("3").setDetailedMonitoring(true).setLaunchSpec("{}").addTagResources("network-interface"))))
                .isEqualTo(new LaunchSettings("ami-1", List.of(new LaunchSettings.Disk("/dev/sda1", 100, "io2", 4000, 250, "alias/disks", "snap-1")), Map.of("team", "vision"),
                        Optional.of(new LaunchSettings.Aws("ops", List.of("sg-1"), "clearml", Optional.of(false), "gpu", "3", true, "{}", List.of("network-interface")))));
    }

    @Test
    void whatIsNotSaidIsTheDefault() throws UnreadableRecordException {
        assertThat(settings(LaunchParameters.newBuilder())).isEqualTo(LaunchSettings.DEFAULTS);
        assertThat(settings(LaunchParameters.newBuilder().setAws(AwsLaunch.getDefaultInstance())).aws()).contains(LaunchSettings.Aws.DEFAULTS);
    }

    /** A field that is added must be thought of here. */
    @Test
    void theContractHasNoOtherFields() {
        assertThat(AwsLaunch.getDescriptor().getFields()).hasSize(LaunchSettings.Aws.class.getRecordComponents().length);
        assertThat(Disk.getDescriptor().getFields()).hasSize(LaunchSettings.Disk.class.getRecordComponents().length);
    }

    private static LaunchSettings settings(LaunchParameters.Builder parameters) throws UnreadableRecordException {
        var launch = LaunchMachines.newBuilder().setBatchId("mabcdefgh-1").addMachineIds("mabcdefgh-1").setPool("gpu").setWorkerPrefix("lab-train:gpu:any")
                .setOffer(OfferKey.newBuilder().setProvider("aws").setAccount("default").setRegion("us-east-1").setMachineType("m5.large").setMarket(Market.ON_DEMAND))
                .setExpiresAt(Timestamp.newBuilder().setSeconds(1)).setParameters(parameters);
        return ((HostCommand.Launch) new CommandTranslator("aws")
                .translate(Command.newBuilder().setFleet("train").setScope("aws/default/us-east-1").setLaunch(launch).build())).settings();
    }
}
