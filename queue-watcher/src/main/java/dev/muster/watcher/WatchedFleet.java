package dev.muster.watcher;

import com.google.protobuf.util.Timestamps;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetState;
import dev.muster.v1.QueueSpec;
import java.time.Instant;
import java.util.List;

/**
 * What the watcher needs to know of a fleet.
 *
 * @param incarnation another one is another fleet of the same name
 * @param workersPrefix first part of its workers' ids
 * @param queues names, in the spec's order
 * @param isLeaving it is being deleted: its machines are still watched, its queues are anyone's who wants them
 * @param isActive machines are launched for it
 * @param isRescued tasks of lost machines may be put back
 * @param createsQueues queues that the server doesn't have are to be created
 */
record WatchedFleet(String name, String incarnation, String connection, String workersPrefix, List<String> queues, Instant createdAt,
        boolean isLeaving, boolean isActive, boolean isRescued, boolean createsQueues) {

    static final String DEFAULT_CONNECTION = "default";

    static WatchedFleet of(FleetRecord record) {
        var spec = record.getSpec();
        var rescue = spec.getRescue();
        return new WatchedFleet(
                record.getFleet(),
                record.getIncarnation(),
                spec.getConnection().isEmpty() ? DEFAULT_CONNECTION : spec.getConnection(),
                spec.getWorkersPrefix(),
                spec.getQueuesList().stream().map(QueueSpec::getName).distinct().toList(),
                Instant.ofEpochMilli(Timestamps.toMillis(record.getCreatedAt())),
                record.getState() == FleetState.DELETING,
                record.getState() == FleetState.ACTIVE,
                (!rescue.hasEnabled() || rescue.getEnabled()) && (!rescue.hasAttempts() || rescue.getAttempts() > 0),
                spec.getCreateQueues());
    }
}
