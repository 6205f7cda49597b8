package dev.muster.k8s;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.MachineProvider;
import dev.muster.provisioner.spi.MachineProviderContract;
import dev.muster.provisioner.spi.Offer;
import java.util.concurrent.atomic.AtomicInteger;

/** What every provider must do, against the mock server. */
class PodMachinesTest extends MachineProviderContract {

    private final AtomicInteger strangers = new AtomicInteger();

    @Override
    protected Cloud open() {
        var cluster = new FakeCluster().placing();
        return new Cloud() {

            @Override
            public MachineProvider newProvider() {
                return PlacedMachines.of(cluster.machines());
            }

            @Override
            public Offer offer() {
                return FakeCluster.OFFER;
            }

            @Override
            public String image() {
                return "";
            }

            @Override
            public int liveMachines() {
                return cluster.live();
            }

            @Override
            public void capacity(int machines) {
                cluster.room(machines);
            }

            /** A full cluster takes pods and lets them wait; a full quota doesn't. */
            @Override
            public FailureKind full() {
                return FailureKind.QUOTA_EXCEEDED;
            }

            @Override
            public boolean refuseNextLaunch(FailureKind kind) {
                switch (kind) {
                    case QUOTA_EXCEEDED -> cluster.refuseNext("POST pods", 403, "Forbidden",
                            "pods \"m-1\" is forbidden: exceeded quota: gpus, requested: requests.nvidia.com/gpu=1, used: requests.nvidia.com/gpu=8, limited: requests.nvidia.com/gpu=8");
                    case THROTTLED -> cluster.refuseNext("POST pods", 429, "TooManyRequests", "Too many requests, please try again later.");
                    case UNAVAILABLE -> cluster.refuseNext("POST pods", 503, "ServiceUnavailable", "apiserver is shutting down");
                    case UNAUTHORIZED -> cluster.refuseNext("POST pods", 403, "Forbidden",
                            "pods is forbidden: User \"muster\" cannot create resource \"pods\" in API group \"\" in the namespace \"ml\"");
                    case INVALID_SPEC -> cluster.refuseNext("POST pods", 422, "Invalid", "Pod \"m-1\" is invalid: spec.containers[0].image: Required value");
                    case OUT_OF_CAPACITY, EXPIRED -> {
                        return false;
                    }
                }
                return true;
            }

            @Override
            public void loseNextLaunchAnswer() {
                cluster.loseNextAnswer("POST pods");
            }

            @Override
            public void failNextList() {
                cluster.refuseNext("GET pods", 503, "ServiceUnavailable", "apiserver is shutting down");
            }

            @Override
            public void powerOff(String cloudId) {
                cluster.exit(cluster.nameOf(cloudId), 0, "Completed");
            }

            @Override
            public String strange() {
                return cluster.strange("desk-" + strangers.incrementAndGet());
            }

            @Override
            public void close() {
                cluster.close();
            }
        };
    }
}
