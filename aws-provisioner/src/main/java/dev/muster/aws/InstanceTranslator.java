package dev.muster.aws;

import dev.muster.provisioner.spi.CloudStatus;
import dev.muster.provisioner.spi.EndedBy;
import dev.muster.provisioner.spi.KeepUntil;
import dev.muster.provisioner.spi.MachineIds;
import dev.muster.provisioner.spi.MachineSeen;
import dev.muster.provisioner.spi.Mark;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.Scope;
import java.util.Optional;
import java.util.Set;
import org.jboss.logging.Logger;
import software.amazon.awssdk.services.ec2.model.Instance;
import software.amazon.awssdk.services.ec2.model.InstanceLifecycleType;
import software.amazon.awssdk.services.ec2.model.InstanceState;

/** From EC2's instance to a machine as the host knows it. */
final class InstanceTranslator {

    private static final Logger LOG = Logger.getLogger(InstanceTranslator.class);

    private InstanceTranslator() {}

    /**
     * Empty if its tags don't say which machine it is; somebody has edited them.
     *
     * @param impaired ids of instances that fail EC2's own checks
     */
    static Optional<MachineSeen> machine(Scope scope, Instance instance, Set<String> impaired) {
        var tags = Ec2Tags.map(instance.tags());
        var batch = tags.getOrDefault(Ec2Tags.BATCH, "");
        int index = instance.amiLaunchIndex() == null ? 0 : instance.amiLaunchIndex();
        try {
            MachineIds.of(batch, index);
        } catch (IllegalArgumentException unknown) {
            LOG.warnf("An instance carries this installation's tag and no batch of ours; it is left alone: cloud_id=%s scope=%s batch=%s",
                    instance.instanceId(), scope, batch);
            return Optional.empty();
        }
        var offer = new Offer(scope, instance.placement() == null ? "" : text(instance.placement().availabilityZone()), text(instance.subnetId()),
                instance.instanceTypeAsString(),
                instance.instanceLifecycle() == InstanceLifecycleType.SPOT ? Offer.Market.SPOT : Offer.Market.ON_DEMAND);
        var shown = status(instance.state());
        var status = shown == CloudStatus.RUNNING && impaired.contains(instance.instanceId()) ? CloudStatus.IMPAIRED : shown;
        return Optional.of(new MachineSeen(instance.instanceId(), tags.getOrDefault(Ec2Tags.FLEET, ""), tags.getOrDefault(Ec2Tags.POOL, ""), batch,
                index, offer, status, endedBy(instance, status), instance.launchTime(),
                Mark.parse(tags.getOrDefault(Ec2Tags.MARK, "")).orElse(Mark.UNMARKED),
                KeepUntil.parse(tags.getOrDefault(Ec2Tags.KEEP_UNTIL, ""))));
    }

    static CloudStatus status(InstanceState state) {
        if (state == null) {
            return CloudStatus.UNKNOWN;
        }
        return switch (state.name()) {
            case PENDING -> CloudStatus.PENDING;
            case RUNNING -> CloudStatus.RUNNING;
            case SHUTTING_DOWN -> CloudStatus.SHUTTING_DOWN;
            case TERMINATED -> CloudStatus.TERMINATED;
            case STOPPING, STOPPED -> CloudStatus.STOPPED;
            case UNKNOWN_TO_SDK_VERSION -> CloudStatus.UNKNOWN;
        };
    }

    private static EndedBy endedBy(Instance instance, CloudStatus status) {
        if (status != CloudStatus.SHUTTING_DOWN && status != CloudStatus.TERMINATED && status != CloudStatus.STOPPED) {
            return EndedBy.UNKNOWN;
        }
        var code = instance.stateReason() == null ? "" : text(instance.stateReason().code());
        return switch (code) {
            case "Client.InstanceInitiatedShutdown" -> EndedBy.INSIDE;
            case "Client.UserInitiatedShutdown", "Client.UserInitiatedHibernate" -> EndedBy.ASKED;
            case "Server.SpotInstanceTermination", "Server.SpotInstanceShutdown" -> EndedBy.INTERRUPTED;
            default -> code.isEmpty() ? EndedBy.UNKNOWN : EndedBy.CLOUD;
        };
    }

    private static String text(String value) {
        return value == null ? "" : value;
    }
}
