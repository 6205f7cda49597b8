package dev.muster.planner.spec;

import dev.muster.v1.Facts;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.Limits;
import dev.muster.v1.OfferKey;
import dev.muster.v1.OfferSpec;
import dev.muster.v1.PoolSpec;
import dev.muster.v1.QueueSpec;

/** Specs that tests begin with: good ones, to be changed. */
public final class Specs {

    public static final Facts FACTS = Facts.newBuilder().setInstallation("lab").build();

    private Specs() {}

    public static OfferKey.Builder offerKey(String machineType) {
        return OfferKey.newBuilder().setProvider("aws").setAccount("main").setRegion("eu-west-1").setMachineType(machineType);
    }

    public static PoolSpec.Builder pool(String name) {
        return PoolSpec.newBuilder().setName(name).setLimits(Limits.newBuilder().setMax(10))
                .addOffers(OfferSpec.newBuilder().setKey(offerKey("m5.large")));
    }

    /** One queue, one pool. */
    public static FleetSpec.Builder fleet(String name) {
        return FleetSpec.newBuilder().setName(name).addQueues(QueueSpec.newBuilder().setName("default").addPools("cpu")).addPools(pool("cpu"));
    }

    /** The same on Google Cloud. */
    public static FleetSpec.Builder googleFleet(String name) {
        var fleet = fleet(name);
        fleet.getPoolsBuilder(0).getOffersBuilder(0).setKey(OfferKey.newBuilder().setProvider("gcp").setAccount("main").setRegion("us-central1").setMachineType("n1-standard-4"));
        return fleet;
    }
}
