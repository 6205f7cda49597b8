package dev.muster.provisioner.host;

import dev.muster.contracts.KafkaConnection;
import dev.muster.contracts.Topics;
import dev.muster.provisioner.host.Inventory.Pace;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * All that a host is told about itself.
 *
 * @param service such as {@code aws-provisioner}
 * @param instance unique among the service's processes
 * @param named whether somebody chose the instance's name, so that a restart is the same member of its group and takes over at once
 * @param installation as in machines' tags
 * @param inventoryFast between two lists of a scope while something moves there
 * @param inventorySlow between two lists at rest
 * @param priceFile what machines cost where a spec does not say it; readable
 */
public record HostSettings(String service, String version, String instance, boolean named, String installation, KafkaConnection kafka,
        Topics topics, Map<String, Connection> connections, Duration inventoryFast, Duration inventorySlow, Backoff backoff, Optional<Path> priceFile) {

    /** Launch calls at once: EC2 gives 5 in a burst and 2 a second, over several scopes. */
    static final int LAUNCH_THREADS = 16;

    /** Other calls at once. A provider that merges calls merges at most as many. */
    static final int OTHER_THREADS = 100;

    public HostSettings {
        connections = Map.copyOf(connections);
        pace(inventoryFast, inventorySlow);
    }

    private static Pace pace(Duration fast, Duration slow) {
        return new Pace(fast, slow);
    }

    Pace pace() {
        return pace(inventoryFast, inventorySlow);
    }

    String source() {
        return service + "/" + instance;
    }
}
