package dev.muster.planner.http;

import com.google.protobuf.Any;
import com.google.rpc.BadRequest;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Status;
import java.util.List;
import java.util.stream.Collectors;

/** A request that is refused before it is a call: what is answered to it, and under which HTTP code. */
final class HttpFailure extends RuntimeException {

    private static final long serialVersionUID = 1;
    /** As errors of the services have it. */
    private static final String DOMAIN = "muster.dev";

    private final int code;
    private final transient Status status;

    private HttpFailure(int code, Status status) {
        super(status.getMessage(), null, false, false);
        this.code = code;
        this.status = status;
    }

    int code() {
        return code;
    }

    Status status() {
        return status;
    }

    static HttpFailure invalid(List<BadRequest.FieldViolation> violations) {
        var text = violations.stream().map(violation -> violation.getField() + " " + violation.getDescription()).collect(Collectors.joining("\n"));
        return new HttpFailure(400, status(Code.INVALID_ARGUMENT, "INVALID_ARGUMENT", "The request has a problem.\n" + text)
                .addDetails(Any.pack(BadRequest.newBuilder().addAllFieldViolations(violations).build())).build());
    }

    /** Of a request that is wrong as a whole: its path, its query, its body, a header. */
    static HttpFailure invalid(String part, String problem) {
        return invalid(List.of(BadRequest.FieldViolation.newBuilder().setField(part).setDescription(problem).build()));
    }

    static HttpFailure noSuchPath(String path) {
        return new HttpFailure(404, status(Code.NOT_FOUND, "NO_SUCH_PATH",
                "There is no " + (path.length() > 200 ? path.substring(0, 200) + "…" : path) + ". /openapi.json has all paths.").build());
    }

    static HttpFailure methodNotAllowed(String method, String allowed) {
        return new HttpFailure(405, status(Code.UNIMPLEMENTED, "METHOD_NOT_ALLOWED", "This path takes no " + method + "; it takes " + allowed + ".").build());
    }

    static HttpFailure notJson(String type) {
        return new HttpFailure(415, status(Code.INVALID_ARGUMENT, "NOT_JSON", "The body is "
                + (type.isEmpty() ? "of no named type" : "'" + type + "'") + ": send Content-Type: application/json, in UTF-8 and not compressed.").build());
    }

    static HttpFailure tooLarge(int limit) {
        return new HttpFailure(413, status(Code.RESOURCE_EXHAUSTED, "BODY_TOO_LARGE", "The body is longer than " + limit + " bytes.").build());
    }

    static HttpFailure tooSlow(long seconds) {
        return new HttpFailure(408, status(Code.DEADLINE_EXCEEDED, "BODY_TOO_SLOW", "The body did not arrive within " + seconds + " s.").build());
    }

    static HttpFailure ending() {
        return new HttpFailure(503, status(Code.UNAVAILABLE, "NOT_READY", "The planner is ending. Ask another one, or again in some seconds.").build());
    }

    private static Status.Builder status(Code code, String reason, String message) {
        return Status.newBuilder().setCode(code.getNumber()).setMessage(message)
                .addDetails(Any.pack(ErrorInfo.newBuilder().setReason(reason).setDomain(DOMAIN).build()));
    }
}
