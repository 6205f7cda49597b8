package dev.muster.sandbox.clearml;

/** An answer that is an error: an HTTP status and the server's own subcode, as listed in ClearML's error catalogue. */
final class ApiFault extends RuntimeException {

    private static final long serialVersionUID = 1;

    final int status;
    final int subcode;

    ApiFault(int status, int subcode, String message) {
        super(message, null, false, false);
        this.status = status;
        this.subcode = subcode;
    }

    static ApiFault missing(String field) {
        return new ApiFault(400, 11, "Missing or unexpected fields in request: missing " + field);
    }

    static ApiFault invalid(String field, String reason) {
        return new ApiFault(400, 12, "Validation error (" + field + ": " + reason + ")");
    }

    static ApiFault noSuchTask(String id) {
        return new ApiFault(400, 101, "Invalid task id: id=" + id);
    }

    static ApiFault badStatus(String id, TaskStatus current, TaskStatus wanted) {
        return new ApiFault(400, 110, "Invalid task status: id=" + id + ", current_status=" + current.wire()
                + ", new_status=" + wanted.wire());
    }

    static ApiFault noSuchQueue(String id) {
        return new ApiFault(400, 701, "Invalid queue id: id=" + id);
    }
}
