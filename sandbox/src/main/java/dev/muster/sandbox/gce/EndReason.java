package dev.muster.sandbox.gce;

/** Why an instance ended or stopped, by the type of the operation that shows it. */
enum EndReason {
    DELETED("delete", null), STOPPED("stop", null),
    PREEMPTED("compute.instances.preempted", "Instance was preempted."),
    FROM_INSIDE("compute.instances.guestTerminate", "Instance terminated by guest OS shutdown."),
    HOST_ERROR("compute.instances.hostError", "Instance terminated by Compute Engine."),
    ROLLED_BACK("bulkInsert", null),
    RUN_TIME_OVER("compute.instances.terminateOnMaxRunDuration", "Instance reached its maximum run duration.");

    private final String operationType;
    private final String message;

    EndReason(String operationType, String message) {
        this.operationType = operationType;
        this.message = message;
    }

    String operationType() {
        return operationType;
    }

    /** Null where a caller asked for it: the operation is then the caller's. */
    String message() {
        return message;
    }
}
