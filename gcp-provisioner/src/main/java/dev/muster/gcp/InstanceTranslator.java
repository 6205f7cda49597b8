package dev.muster.gcp;

import com.google.cloud.compute.v1.Instance;
import dev.muster.provisioner.spi.CloudStatus;
import dev.muster.provisioner.spi.EndedBy;
import dev.muster.provisioner.spi.KeepUntil;
import dev.muster.provisioner.spi.MachineIds;
import dev.muster.provisioner.spi.MachineSeen;
import dev.muster.provisioner.spi.Mark;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.Scope;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jboss.logging.Logger;

/** From Google's instance to a machine as the host knows it. */
final class InstanceTranslator {

    private static final Logger LOG = Logger.getLogger(InstanceTranslator.class);

    private static final Pattern SUBNET = Pattern.compile(".*projects/([^/]+)/regions/([^/]+)/subnetworks/([^/]+)");

    private InstanceTranslator() {}

    /** Empty if its labels and its name don't say which machine it is; somebody has edited them. */
    static Optional<MachineSeen> machine(Scope scope, String project, Instance instance, CloudStatus status, EndedBy endedBy) {
        var labels = instance.getLabelsMap();
        var batch = labels.getOrDefault(GceNames.BATCH, "");
        var index = index(batch, instance.getName());
        if (index.isEmpty()) {
            LOG.warnf("An instance carries this installation's label and is none of the batch in its labels; it is left alone: name=%s scope=%s batch=%s",
                    instance.getName(), scope, batch);
            return Optional.empty();
        }
        var metadata = GceNames.metadata(instance);
        return Optional.of(new MachineSeen(instance.getName(), labels.getOrDefault(GceNames.FLEET, ""), labels.getOrDefault(GceNames.POOL, ""), batch,
                index.get(), offer(scope, project, instance), status, endedBy, created(instance),
                Mark.parse(metadata.getOrDefault(GceNames.MARK, "")).orElse(Mark.UNMARKED),
                KeepUntil.parse(metadata.getOrDefault(GceNames.KEEP_UNTIL, ""))));
    }

    /** A machine's name is its id, so that its place in the batch is what lies between the two counters. */
    private static Optional<Integer> index(String batch, String name) {
        if (batch.equals(MachineIds.ADOPTED + name)) {
            return Optional.of(0);
        }
        try {
            int dash = name.lastIndexOf('-') + 1;
            var index = Math.toIntExact(Long.parseLong(name.substring(dash)) - Long.parseLong(batch.substring(batch.lastIndexOf('-') + 1)));
            return index >= 0 && !batch.startsWith(MachineIds.ADOPTED) && MachineIds.of(batch, index).equals(name) ? Optional.of(index) : Optional.empty();
        } catch (IllegalArgumentException | ArithmeticException none) {
            return Optional.empty();
        }
    }

    static Offer offer(Scope scope, String project, Instance instance) {
        var scheduling = instance.getScheduling();
        return new Offer(scope, GceNames.last(instance.getZone()),
                instance.getNetworkInterfacesCount() == 0 ? "" : subnet(scope, project, instance.getNetworkInterfaces(0).getSubnetwork()),
                GceNames.last(instance.getMachineType()),
                scheduling.getPreemptible() || scheduling.getProvisioningModel().equals("SPOT") ? Offer.Market.SPOT : Offer.Market.ON_DEMAND);
    }

    /** A subnet of the project itself by its name, another project's by its path: as specs write them. */
    static String subnet(Scope scope, String project, String path) {
        var parts = SUBNET.matcher(path);
        if (!parts.matches()) {
            return path;
        }
        return parts.group(1).equals(project) && parts.group(2).equals(scope.region()) ? parts.group(3)
                : "projects/" + parts.group(1) + "/regions/" + parts.group(2) + "/subnetworks/" + parts.group(3);
    }

    private static Instant created(Instance instance) {
        try {
            return OffsetDateTime.parse(instance.getCreationTimestamp()).toInstant();
        } catch (DateTimeException none) {
            return null;
        }
    }

    /** @param deleted by a call of ours that Google has taken */
    static CloudStatus status(Instance instance, boolean deleted) {
        return switch (instance.getStatus()) {
            case "PROVISIONING", "STAGING" -> CloudStatus.PENDING;
            // While it shuts down, what it runs may still be at work: a task of a preempted machine has half a minute to save itself.
            case "RUNNING", "PENDING_STOP", "STOPPING", "SUSPENDING" -> deleted ? CloudStatus.SHUTTING_DOWN : CloudStatus.RUNNING;
            case "REPAIRING" -> CloudStatus.IMPAIRED;
            // Off, and still there with its disks until it is deleted.
            case "STOPPED", "TERMINATED", "SUSPENDED", "DEPROVISIONING" ->
                    deleted ? CloudStatus.SHUTTING_DOWN : CloudStatus.STOPPED;
            default -> CloudStatus.UNKNOWN;
        };
    }

    /** It is off, or about to be. */
    static boolean isEnding(Instance instance) {
        return !instance.getStatus().equals("RUNNING") && !instance.getStatus().equals("STAGING") && !isSought(instance);
    }

    /** Google is still looking for room for it, and may find none: it is no machine yet. */
    static boolean isSought(Instance instance) {
        return instance.getStatus().equals("PROVISIONING");
    }
}
