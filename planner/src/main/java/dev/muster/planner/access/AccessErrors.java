package dev.muster.planner.access;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import com.google.rpc.Status;
import dev.muster.contracts.Times;
import dev.muster.v1.Role;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.Locale;
import java.util.Map;

/**
 * Calls that don't get as far as a service. Each says what to do. None tells more than who asks may know: a fleet is denied by its name alone,
 * whether or not there is one, and a machine of a fleet that the caller can't read is not found, as one that never was.
 */
final class AccessErrors {

    private static final String DOMAIN = "muster.dev";

    private AccessErrors() {}

    static StatusRuntimeException unauthenticated(String why) {
        return error(Code.UNAUTHENTICATED, "UNAUTHENTICATED", why, Map.of());
    }

    /** @param fleet {@link Caller#EVERYWHERE}: all of them */
    static StatusRuntimeException denied(Caller caller, Role role, String fleet) {
        var name = role.name().toLowerCase(Locale.ROOT);
        var where = fleet.equals(Caller.EVERYWHERE) ? "all fleets ('*')" : "fleet '" + fleet + "'";
        return error(Code.PERMISSION_DENIED, "PERMISSION_DENIED", "This call needs the role " + name + " for " + where + ", which " + caller.name()
                + " doesn't hold: whoever keeps the planner's grants file can add it.", Map.of("role", name, "fleet", fleet));
    }

    /** To everybody: a call of which nobody has said who may make it. */
    static StatusRuntimeException undeclared(String method) {
        return error(Code.PERMISSION_DENIED, "PERMISSION_DENIED", "Nobody may call " + method + ": it doesn't say what it needs.", Map.of());
    }

    static StatusRuntimeException noMachine(String machine) {
        return error(Code.NOT_FOUND, "NOT_FOUND", "There is no machine '" + machine + "'.", Map.of());
    }

    static StatusRuntimeException missing(String field) {
        return error(Code.INVALID_ARGUMENT, "INVALID_ARGUMENT", "The request has a problem.\n" + field + " is missing; name what the call is about", Map.of(),
                BadRequest.newBuilder().addFieldViolations(BadRequest.FieldViolation.newBuilder().setField(field).setDescription("is missing; name what the call is about")).build());
    }

    static StatusRuntimeException noMessage() {
        return error(Code.INVALID_ARGUMENT, "INVALID_ARGUMENT", "The call has no message.", Map.of());
    }

    static StatusRuntimeException tooMany(String what, java.time.Duration retryIn) {
        return error(Code.RESOURCE_EXHAUSTED, "TOO_MANY", what, Map.of(), retry(retryIn));
    }

    static StatusRuntimeException unavailable(String why, java.time.Duration retryIn) {
        return error(Code.UNAVAILABLE, "NOT_READY", why, Map.of(), retry(retryIn));
    }

    private static RetryInfo retry(java.time.Duration in) {
        return RetryInfo.newBuilder().setRetryDelay(Times.duration(in)).build();
    }

    private static StatusRuntimeException error(Code code, String reason, String message, Map<String, String> metadata, Message... details) {
        var status = Status.newBuilder().setCode(code.getNumber()).setMessage(message).addDetails(Any.pack(
                ErrorInfo.newBuilder().setReason(reason).setDomain(DOMAIN).putAllMetadata(metadata).build()));
        for (var detail : details) {
            status.addDetails(Any.pack(detail));
        }
        return StatusProto.toStatusRuntimeException(status.build());
    }
}
