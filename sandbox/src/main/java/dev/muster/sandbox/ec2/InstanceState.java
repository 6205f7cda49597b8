package dev.muster.sandbox.ec2;

/** Where an instance is, with the code that EC2 shows beside the name. */
enum InstanceState {
    PENDING(0, "pending"), RUNNING(16, "running"), SHUTTING_DOWN(32, "shutting-down"), TERMINATED(48, "terminated"),
    STOPPING(64, "stopping"), STOPPED(80, "stopped");

    private final int code;
    private final String text;

    InstanceState(int code, String text) {
        this.code = code;
        this.text = text;
    }

    int code() {
        return code;
    }

    String text() {
        return text;
    }

    boolean isOver() {
        return this == TERMINATED;
    }

    /** Whether the instance still holds a machine: from its launch until the cloud has it back. A stopped one holds none. */
    boolean holdsCapacity() {
        return switch (this) {
            case PENDING, RUNNING, SHUTTING_DOWN, STOPPING -> true;
            case STOPPED, TERMINATED -> false;
        };
    }

    Xml writeTo(Xml xml, String element) {
        return xml.open(element).put("code", code).put("name", text).close(element);
    }
}
