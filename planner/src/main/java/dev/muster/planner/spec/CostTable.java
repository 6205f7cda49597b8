package dev.muster.planner.spec;

import dev.muster.planner.core.Costs;
import dev.muster.v1.CostSpec;
import dev.muster.v1.LaunchParameters;
import dev.muster.v1.Disk;
import dev.muster.v1.PoolSpec;

/** What a pool's machine costs beside its offer, from the prices that its spec names. */
public final class CostTable {

    /** The month of the clouds' price lists: 730 hours. */
    private static final int HOURS_A_MONTH = 730;

    private CostTable() {}

    /** @param pool accepted, so that its cost says all that is counted; one without a price factor counts prices as they are */
    public static Costs of(PoolSpec pool) {
        var cost = pool.getCost();
        var besides = disks(pool.getLaunch(), cost) + (hasPublicAddress(pool.getLaunch()) ? cost.getPublicIpv4MicrosPerHour() : 0);
        return new Costs(cost.hasPriceFactor() ? cost.getPriceFactor() : 1, besides);
    }

    private static long disks(LaunchParameters launch, CostSpec cost) {
        var gib = launch.getDisksList().stream().mapToLong(Disk::getSizeGib).sum();
        return (gib * cost.getDiskMicrosPerGibMonth() + HOURS_A_MONTH - 1) / HOURS_A_MONTH;
    }

    /** Unless the spec says that there is none: a subnet's own setting is the cloud's to know, and counting too much breaks no cap. */
    static boolean hasPublicAddress(LaunchParameters launch) {
        if (launch.hasK8S()) {
            return false;
        }
        if (launch.hasGcp()) {
            return !launch.getGcp().hasPublicIp() || launch.getGcp().getPublicIp();
        }
        return !launch.hasAws() || !launch.getAws().hasAssociatePublicIp() || launch.getAws().getAssociatePublicIp();
    }
}
