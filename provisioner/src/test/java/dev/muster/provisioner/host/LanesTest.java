package dev.muster.provisioner.host;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.provisioner.spi.MachineRef;
import dev.muster.provisioner.spi.LaunchSettings;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.Scope;
import dev.muster.v1.BootSpec;
import java.time.Instant;
import java.util.List;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

/** Who waits for whom. */
class LanesTest {

    private static final Scope SCOPE = new Scope("memory", "a", "r");
    private static final Ownership OWNER = new Ownership(new TopicPartition("t", 0), 1, 0, new OffsetLedger(0, null));

    private final Lanes lanes = new Lanes();

    private static Work launch(String... ids) {
        return new Work(OWNER, 0, new HostCommand.Launch("f", SCOPE, Instant.EPOCH, ids[0], List.of(ids), "p",
                new Offer(SCOPE, "", "", "any", Offer.Market.ON_DEMAND), 0, Instant.EPOCH, "w", LaunchSettings.DEFAULTS, BootSpec.getDefaultInstance(), "", "", ""));
    }

    private static Work terminate(String id) {
        return new Work(OWNER, 0, new HostCommand.Terminate("f", new MachineRef(SCOPE, id, ""), 1, ""));
    }

    @Test
    void commandsOfOneMachineRunInOrder() {
        var first = terminate("m-1");
        var second = terminate("m-1");
        var other = terminate("m-2");

        assertThat(lanes.add(first)).isTrue();
        assertThat(lanes.add(second)).isFalse();
        assertThat(lanes.add(other)).isTrue();
        assertThat(lanes.done(other)).isEmpty();
        assertThat(lanes.done(first)).containsExactly(second);
        assertThat(lanes.done(second)).isEmpty();
    }

    @Test
    void aMachineOfABatchWaitsForItsLaunch() {
        var launch = launch("m-1", "m-2");
        var one = terminate("m-1");
        var two = terminate("m-2");
        lanes.add(launch);
        lanes.add(two);
        lanes.add(one);

        assertThat(lanes.done(launch)).containsExactlyInAnyOrder(one, two);
    }

    @Test
    void aLaunchWaitsForAllOfItsMachines() {
        var one = terminate("m-1");
        var two = terminate("m-2");
        var launch = launch("m-1", "m-2");
        lanes.add(one);
        lanes.add(two);

        assertThat(lanes.add(launch)).isFalse();
        assertThat(lanes.done(one)).isEmpty();
        assertThat(lanes.done(two)).containsExactly(launch);
    }
}
