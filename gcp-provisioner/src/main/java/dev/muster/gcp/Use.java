package dev.muster.gcp;

import com.google.cloud.compute.v1.AttachedDisk;
import com.google.cloud.compute.v1.BulkInsertInstanceResource;
import com.google.cloud.compute.v1.InstanceProperties;
import com.google.cloud.compute.v1.NetworkInterface;
import dev.muster.provisioner.doctor.PlannedLaunches;
import dev.muster.provisioner.spi.LaunchSettings;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.Offer;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.PoolSpec;
import java.util.List;
import java.util.Optional;

/** One offer of a pool, as the doctor looks at it: the launch that it would be. What its request doesn't say, an instance template does. */
record Use(FleetSpec fleet, PoolSpec pool, MachineBatch batch, BulkInsertInstanceResource request) {

    String poolName() {
        return PlannedLaunches.name(fleet, pool);
    }

    String type() {
        return batch.offer().machineType();
    }

    String zone() {
        return batch.offer().zone();
    }

    boolean spot() {
        return batch.offer().market() == Offer.Market.SPOT;
    }

    boolean byTemplate() {
        return !request.getSourceInstanceTemplate().isEmpty();
    }

    InstanceProperties properties() {
        return request.getInstanceProperties();
    }

    LaunchSettings.Gcp gcp() {
        return batch.settings().gcp().orElse(LaunchSettings.Gcp.DEFAULTS);
    }

    /** GPUs that are added to the type. */
    Optional<String> gpu() {
        return properties().getGuestAcceleratorsCount() == 0 ? Optional.empty() : Optional.of(GceNames.last(properties().getGuestAccelerators(0).getAcceleratorType()));
    }

    int gpus() {
        return properties().getGuestAcceleratorsCount() == 0 ? 0 : properties().getGuestAccelerators(0).getAcceleratorCount();
    }

    int localSsds() {
        return (int) properties().getDisksList().stream().filter(disk -> disk.getType().equals("SCRATCH")).count();
    }

    /** Empty: the template's. */
    Optional<AttachedDisk> boot() {
        return properties().getDisksList().stream().filter(AttachedDisk::getBoot).findFirst();
    }

    /** Empty: the template's. */
    Optional<NetworkInterface> network() {
        return properties().getNetworkInterfacesList().stream().findFirst();
    }

    /** Whether it has an address on the internet; so it is counted where only the template says. */
    boolean external() {
        return network().map(network -> network.getAccessConfigsCount() > 0).orElse(gcp().publicIp());
    }

    /** Empty: none, or the template's. */
    Optional<String> serviceAccount() {
        return properties().getServiceAccountsCount() == 0 ? Optional.empty() : Optional.of(properties().getServiceAccounts(0).getEmail());
    }

    List<String> scopes() {
        return properties().getServiceAccountsCount() == 0 ? List.of() : properties().getServiceAccounts(0).getScopesList();
    }
}
