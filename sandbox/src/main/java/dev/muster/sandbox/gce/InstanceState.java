package dev.muster.sandbox.gce;

/** Where an instance is. A deleted one is in no state: it is no longer there. */
enum InstanceState {
    PROVISIONING, STAGING, RUNNING, STOPPING, TERMINATED;

    /** Whether the instance holds a machine. A stopped one, which Google calls terminated, holds its disks alone. */
    boolean holdsCapacity() {
        return this != TERMINATED;
    }
}
