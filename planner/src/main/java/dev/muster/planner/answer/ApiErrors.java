package dev.muster.planner.answer;

import com.google.protobuf.Any;
import com.google.protobuf.util.Durations;
import com.google.rpc.BadRequest;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import com.google.rpc.PreconditionFailure;
import com.google.rpc.RetryInfo;
import com.google.rpc.Status;
import dev.muster.v1.RequestAnswered;
import dev.muster.v1.Violation;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Errors of the API: a gRPC code, a sentence for people, and google.rpc details for programs. */
public final class ApiErrors {

    static final String DOMAIN = "muster.dev";
    /** Key of the request's id in an ErrorInfo: the call may be repeated with it. */
    public static final String REQUEST_ID = "request_id";

    /** A take-over of fleets takes seconds, and so does reading topics at a start. */
    private static final com.google.protobuf.Duration RETRY = Durations.fromSeconds(2);

    private ApiErrors() {}

    /**
     * How a request ended, if not well.
     *
     * @param subject what it was about, as a precondition names it
     */
    public static StatusRuntimeException of(RequestAnswered answer, String subject) {
        var metadata = Map.of(REQUEST_ID, answer.getRequestId(), "version", Long.toUnsignedString(answer.getVersion()));
        return switch (answer.getCode()) {
            case INVALID_ARGUMENT -> invalid(answer.getMessage(), answer.getViolationsList(), metadata);
            case NOT_FOUND_ANSWER -> error(Code.NOT_FOUND, "NOT_FOUND", answer.getMessage(), metadata);
            case ABORTED -> precondition(Code.ABORTED, "VERSION_MISMATCH", subject, answer.getMessage(), metadata);
            case ALREADY_EXISTS -> error(Code.ALREADY_EXISTS, "ALREADY_EXISTS", answer.getMessage(), metadata);
            case FAILED_PRECONDITION -> precondition(Code.FAILED_PRECONDITION, "FAILED_PRECONDITION", subject, answer.getMessage(), metadata);
            case ACCEPTED, ANSWER_CODE_UNSPECIFIED, UNRECOGNIZED -> error(Code.INTERNAL, "UNKNOWN_ANSWER",
                    "The fleet's owner answered with a code that this release doesn't know: " + answer.getCodeValue() + ".", metadata);
        };
    }

    public static StatusRuntimeException invalid(String message, List<Violation> violations, Map<String, String> metadata) {
        var bad = BadRequest.newBuilder();
        violations.forEach(violation -> bad.addFieldViolations(BadRequest.FieldViolation.newBuilder().setField(violation.getField())
                .setDescription(violation.getProblem() + "; " + violation.getFix())));
        var text = violations.stream().map(v -> v.getField() + " " + v.getProblem() + "; " + v.getFix()).collect(Collectors.joining("\n"));
        return StatusProto.toStatusRuntimeException(status(Code.INVALID_ARGUMENT, "INVALID_ARGUMENT", message + (text.isEmpty() ? "" : "\n" + text), metadata)
                .addDetails(Any.pack(bad.build())).build());
    }

    public static StatusRuntimeException invalid(String field, String problem, String fix) {
        return invalid("The request has a problem.", List.of(Violation.newBuilder().setField(field).setProblem(problem).setFix(fix).build()), Map.of());
    }

    public static StatusRuntimeException notFound(String message) {
        return error(Code.NOT_FOUND, "NOT_FOUND", message, Map.of());
    }

    public static StatusRuntimeException notYet(String message) {
        return notYet("", message);
    }

    /** @param subject what is not as it must be, such as machines/m-1 */
    public static StatusRuntimeException notYet(String subject, String message) {
        return precondition(Code.FAILED_PRECONDITION, "FAILED_PRECONDITION", subject, message, Map.of());
    }

    private static StatusRuntimeException precondition(Code code, String reason, String subject, String message, Map<String, String> metadata) {
        return StatusProto.toStatusRuntimeException(status(code, reason, message, metadata).addDetails(Any.pack(PreconditionFailure.newBuilder()
                .addViolations(PreconditionFailure.Violation.newBuilder().setType(reason).setSubject(subject).setDescription(message)).build())).build());
    }

    /** What a token points at is no more. */
    public static StatusRuntimeException outOfRange(String message) {
        return error(Code.OUT_OF_RANGE, "TOKEN_TOO_OLD", message, Map.of());
    }

    /** Others are being served. */
    public static StatusRuntimeException busy(String message) {
        return again(Code.RESOURCE_EXHAUSTED, "BUSY", message + " Try again in a few seconds.", Map.of());
    }

    /** The caller's own time was up before anything was done. */
    public static StatusRuntimeException tooLate() {
        return error(Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "The call's deadline had passed before it was worked on: nothing was done.", Map.of());
    }

    private static StatusRuntimeException again(Code code, String reason, String message, Map<String, String> metadata) {
        return StatusProto.toStatusRuntimeException(status(code, reason, message, metadata)
                .addDetails(Any.pack(RetryInfo.newBuilder().setRetryDelay(RETRY).build())).build());
    }

    /** The fleet's owner did not answer in time; it may yet do what was asked, once. */
    public static StatusRuntimeException unanswered(String requestId, String why) {
        return again(Code.UNAVAILABLE, "NO_ANSWER", why + " The request may still be taken: repeat it with request_id " + requestId
                + ", which has no further effect if it was.", Map.of(REQUEST_ID, requestId));
    }

    /** What this replica could answer from is not read yet. */
    public static StatusRuntimeException stillReading() {
        return unavailable("The planner is still reading its topics. Try again in a few seconds.");
    }

    public static StatusRuntimeException unavailable(String message) {
        return again(Code.UNAVAILABLE, "NOT_READY", message, Map.of());
    }

    /** It is not there yet, and may be when it is asked for again. */
    public static StatusRuntimeException notYetThere(String message, Duration retryAfter) {
        return StatusProto.toStatusRuntimeException(status(Code.UNAVAILABLE, "NOT_YET", message, Map.of()).addDetails(Any.pack(RetryInfo.newBuilder()
                .setRetryDelay(Durations.fromMillis(retryAfter.toMillis())).build())).build());
    }

    public static StatusRuntimeException tooLate(String message) {
        return error(Code.DEADLINE_EXCEEDED, "TOO_LONG", message, Map.of());
    }

    /** A watcher that reads too slowly. */
    public static StatusRuntimeException tooSlow(int limit) {
        return again(Code.RESOURCE_EXHAUSTED, "READS_TOO_SLOWLY", "More than " + limit + " changes wait for this watcher, which doesn't read them: watch again.", Map.of());
    }

    public static StatusRuntimeException internal(Throwable failure) {
        return error(Code.INTERNAL, "INTERNAL", "The planner failed on this call: " + failure + ".", Map.of());
    }

    private static StatusRuntimeException error(Code code, String reason, String message, Map<String, String> metadata) {
        return StatusProto.toStatusRuntimeException(status(code, reason, message, metadata).build());
    }

    private static Status.Builder status(Code code, String reason, String message, Map<String, String> metadata) {
        return Status.newBuilder().setCode(code.getNumber()).setMessage(message).addDetails(Any.pack(
                ErrorInfo.newBuilder().setReason(reason).setDomain(DOMAIN).putAllMetadata(metadata).build()));
    }
}
