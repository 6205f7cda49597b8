package dev.muster.planner.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import com.google.rpc.Code;
import com.google.rpc.ErrorDetailsProto;
import com.google.rpc.RetryInfo;
import com.google.rpc.Status;
import dev.muster.v1.Control;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetView;
import io.vertx.core.buffer.Buffer;
import java.util.Optional;
import java.util.OptionalLong;

/** What is answered, as protobuf's JSON. Fields that are at their default are there: a page wants its zeros. */
final class JsonAnswers {

    /** Codes of HTTP as google/rpc/code.proto maps them. */
    private static final int CLIENT_CLOSED_REQUEST = 499;

    private static final JsonFormat.TypeRegistry TYPES = JsonFormat.TypeRegistry.newBuilder().add(ErrorDetailsProto.getDescriptor().getMessageTypes())
            .add(Control.getDescriptor().getMessageTypes()).build();
    private static final JsonFormat.Printer ANSWERS = JsonFormat.printer().usingTypeRegistry(TYPES).alwaysPrintFieldsWithNoPresence().omittingInsignificantWhitespace();
    private static final JsonFormat.Printer ERRORS = JsonFormat.printer().usingTypeRegistry(TYPES).omittingInsignificantWhitespace();

    private JsonAnswers() {}

    static Buffer json(Message answer) {
        return Buffer.buffer(print(ANSWERS, answer).getBytes(UTF_8));
    }

    static Buffer json(Status status) {
        var known = status.toBuilder().clearDetails();
        status.getDetailsList().stream().filter(JsonAnswers::isKnown).forEach(known::addDetails);
        return Buffer.buffer(print(ERRORS, known.build()).getBytes(UTF_8));
    }

    private static boolean isKnown(Any detail) {
        return TYPES.find(detail.getTypeUrl().substring(detail.getTypeUrl().lastIndexOf('/') + 1)) != null;
    }

    private static String print(JsonFormat.Printer printer, Message message) {
        try {
            return printer.print(message);
        } catch (InvalidProtocolBufferException unknownType) {
            throw new IllegalStateException(unknownType);
        }
    }

    static int httpCode(Status status) {
        var code = Code.forNumber(status.getCode());
        return code == null ? 500 : switch (code) {
            case OK -> 200;
            case CANCELLED -> CLIENT_CLOSED_REQUEST;
            case INVALID_ARGUMENT, FAILED_PRECONDITION, OUT_OF_RANGE -> 400;
            case UNAUTHENTICATED -> 401;
            case PERMISSION_DENIED -> 403;
            case NOT_FOUND -> 404;
            case ABORTED, ALREADY_EXISTS -> 409;
            case RESOURCE_EXHAUSTED -> 429;
            case UNKNOWN, INTERNAL, DATA_LOSS, UNRECOGNIZED -> 500;
            case UNIMPLEMENTED -> 501;
            case UNAVAILABLE -> 503;
            case DEADLINE_EXCEEDED -> 504;
        };
    }

    /** Whole seconds, as the header wants them. */
    static OptionalLong retryAfter(Status status) {
        for (var detail : status.getDetailsList()) {
            if (detail.is(RetryInfo.class)) {
                try {
                    var delay = detail.unpack(RetryInfo.class).getRetryDelay();
                    return OptionalLong.of(Math.max(0, delay.getSeconds() + (delay.getNanos() > 0 ? 1 : 0)));
                } catch (InvalidProtocolBufferException unreadable) {
                    return OptionalLong.empty();
                }
            }
        }
        return OptionalLong.empty();
    }

    /** The version of a fleet's spec, which If-Match takes. Empty: the answer has none. */
    static Optional<String> entityTag(Message answer) {
        if (answer instanceof FleetRecord fleet) {
            return Optional.of("\"" + Long.toUnsignedString(fleet.getVersion()) + "\"");
        }
        return answer instanceof FleetView view ? entityTag(view.getRecord()) : Optional.empty();
    }
}
