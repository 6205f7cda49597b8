package dev.muster.aws;

import dev.muster.provisioner.doctor.Findings;
import dev.muster.provisioner.doctor.PlannedLaunches;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.Offer;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.PoolSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import software.amazon.awssdk.services.ec2.model.RunInstancesRequest;

/** One offer of a pool, as the doctor tries it: the launch that it would be, and the findings that bear on it. Used by one thread. */
final class Use {

    final FleetSpec fleet;
    final PoolSpec pool;
    final MachineBatch batch;
    /** Of a launch that can't be written whole: without what is wrong. */
    final RunInstancesRequest request;
    /** What keeps the launch from being written; null: nothing. */
    final DoctorCheck unwritten;
    /** A launch that EC2 refuses may be refused for one of these. */
    final List<Findings.About> looked = new ArrayList<>();

    Use(FleetSpec fleet, PoolSpec pool, MachineBatch batch, RunInstancesRequest request, DoctorCheck unwritten) {
        this.fleet = fleet;
        this.pool = pool;
        this.batch = batch;
        this.request = request;
        this.unwritten = unwritten;
    }

    /** To be found in what is said of the use. */
    Findings.About look(DoctorCheck check, String of) {
        var about = new Findings.About(check, of);
        looked.add(about);
        return about;
    }

    String poolName() {
        return PlannedLaunches.name(fleet, pool);
    }

    /** For people, and different for each offer of a pool. */
    String name() {
        var offer = batch.offer();
        return poolName() + " " + offer.machineType() + (offer.subnet().isEmpty() ? "" : " " + offer.subnet())
                + (offer.zone().isEmpty() ? "" : " " + offer.zone()) + (offer.market() == Offer.Market.SPOT ? " spot" : "");
    }

    String type() {
        return batch.offer().machineType();
    }

    boolean spot() {
        return batch.offer().market() == Offer.Market.SPOT;
    }

    /** What the request doesn't say, a launch template may. */
    boolean byTemplate() {
        return request.launchTemplate() != null;
    }

    String subnet() {
        var subnet = request.hasNetworkInterfaces() && !request.networkInterfaces().isEmpty() ? request.networkInterfaces().get(0).subnetId() : request.subnetId();
        return subnet == null ? "" : subnet;
    }

    List<String> securityGroups() {
        return request.hasNetworkInterfaces() && !request.networkInterfaces().isEmpty() ? request.networkInterfaces().get(0).groups() : request.securityGroupIds();
    }

    /** Empty: as the subnet has it. */
    Optional<Boolean> publicIp() {
        return request.hasNetworkInterfaces() && !request.networkInterfaces().isEmpty()
                ? Optional.ofNullable(request.networkInterfaces().get(0).associatePublicIpAddress()) : Optional.empty();
    }

    /** Name of the instance profile; empty: none. */
    String instanceProfile() {
        var profile = request.iamInstanceProfile();
        if (profile == null) {
            return "";
        }
        return profile.name() != null ? profile.name() : profile.arn() == null ? "" : profile.arn().substring(profile.arn().lastIndexOf('/') + 1);
    }
}
