package dev.muster.provisioner.memory;

import dev.muster.provisioner.spi.EndedBy;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.MachineProvider;
import dev.muster.provisioner.spi.MachineProviderContract;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.Scope;
import java.time.Clock;
import java.time.Duration;
import java.util.List;

/** The provider contract, kept by the cloud that is a Java object. */
class InMemoryProviderTest extends MachineProviderContract {

    @Override
    protected Cloud open() {
        var memory = new InMemoryCloud(Clock.systemUTC());
        memory.showsAfter(Duration.ofMillis(30));
        var scope = new Scope(InMemoryProvider.NAME, "default", "here");
        return new Cloud() {
            @Override
            public MachineProvider newProvider() {
                return new InMemoryProvider(memory, "lab", List.of(scope));
            }

            @Override
            public Offer offer() {
                return new Offer(scope, "", "", "any", Offer.Market.ON_DEMAND);
            }

            @Override
            public String image() {
                return "";
            }

            @Override
            public int liveMachines() {
                return memory.live();
            }

            @Override
            public void capacity(int machines) {
                memory.capacity(machines);
            }

            @Override
            public boolean refuseNextLaunch(FailureKind kind) {
                memory.refuseNext("launch", kind);
                return true;
            }

            @Override
            public void loseNextLaunchAnswer() {
                memory.loseNextAnswer("launch");
            }

            @Override
            public void failNextList() {
                memory.refuseNext("list", FailureKind.UNAVAILABLE);
            }

            @Override
            public void powerOff(String cloudId) {
                memory.end(cloudId, EndedBy.INSIDE);
            }

            @Override
            public String strange() {
                return memory.strange(offer());
            }

            @Override
            public void close() {
                // Nothing is open.
            }
        };
    }
}
