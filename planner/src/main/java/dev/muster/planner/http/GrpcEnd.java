package dev.muster.planner.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.PreconditionFailure;
import com.google.rpc.Status;

/**
 * What a client over gRPC is told of a call's failure: in headers, of which clients take 8 KiB. More than that they end without a word of why, so of many
 * mistakes the first are said, and how many there are.
 *
 * @param message null: none
 * @param details a google.rpc.Status; null: none
 */
record GrpcEnd(String message, byte[] details) {

    /** The rest is for names, for what HTTP/2 counts of each header beside its text, and for other headers. */
    private static final int MOST = 7 * 1024;
    /** The details say it again, and each violation by itself. */
    private static final int MOST_OF_MESSAGE = 1024;

    static GrpcEnd of(String message, byte[] details) {
        var whole = new GrpcEnd(message, details);
        if (whole.size() <= MOST) {
            return whole;
        }
        var status = status(details);
        for (int kept = violations(status); kept > 0; kept /= 2) {
            var end = first(status, message, kept);
            if (end.size() <= MOST) {
                return end;
            }
        }
        var bare = first(status, message, 0);
        return bare.size() <= MOST ? bare : new GrpcEnd(bare.message, null);
    }

    /** With the first violations. */
    private static GrpcEnd first(Status status, String message, int kept) {
        var left = violations(status) - kept;
        var said = cut(message == null ? "" : message) + (left > 0 ? "\n… and " + left + " more." : "");
        var first = status.toBuilder().setMessage(said).clearDetails();
        for (var detail : status.getDetailsList()) {
            try {
                if (kept == 0 && (detail.is(BadRequest.class) || detail.is(PreconditionFailure.class))) {
                    continue;
                } else if (detail.is(BadRequest.class)) {
                    var all = detail.unpack(BadRequest.class);
                    first.addDetails(Any.pack(BadRequest.newBuilder().addAllFieldViolations(all.getFieldViolationsList().subList(0, Math.min(kept, all.getFieldViolationsCount()))).build()));
                } else if (detail.is(PreconditionFailure.class)) {
                    var all = detail.unpack(PreconditionFailure.class);
                    first.addDetails(Any.pack(PreconditionFailure.newBuilder().addAllViolations(all.getViolationsList().subList(0, Math.min(kept, all.getViolationsCount()))).build()));
                } else {
                    first.addDetails(detail);
                }
            } catch (InvalidProtocolBufferException ours) {
                throw new IllegalStateException(ours);
            }
        }
        return new GrpcEnd(said, status.equals(Status.getDefaultInstance()) ? null : first.build().toByteArray());
    }

    private static int violations(Status status) {
        var most = 0;
        for (var detail : status.getDetailsList()) {
            try {
                if (detail.is(BadRequest.class)) {
                    most = Math.max(most, detail.unpack(BadRequest.class).getFieldViolationsCount());
                } else if (detail.is(PreconditionFailure.class)) {
                    most = Math.max(most, detail.unpack(PreconditionFailure.class).getViolationsCount());
                }
            } catch (InvalidProtocolBufferException ours) {
                throw new IllegalStateException(ours);
            }
        }
        return most;
    }

    private static Status status(byte[] details) {
        try {
            return details == null ? Status.getDefaultInstance() : Status.parseFrom(details);
        } catch (InvalidProtocolBufferException ours) {
            throw new IllegalStateException(ours);
        }
    }

    private static String cut(String message) {
        var length = 0;
        for (int at = 0; at < message.length(); at = message.offsetByCodePoints(at, 1)) {
            length += encoded(message.substring(at, message.offsetByCodePoints(at, 1))).length();
            if (length > MOST_OF_MESSAGE) {
                return message.substring(0, at) + "…";
            }
        }
        return message;
    }

    /** As headers. */
    private int size() {
        return (message == null ? 0 : encoded(message).length()) + (details == null ? 0 : (details.length + 2) / 3 * 4);
    }

    /** As gRPC wants it in a header: UTF-8 with what is no printable ASCII percent-encoded. */
    static String encoded(String text) {
        var encoded = new StringBuilder();
        for (byte b : text.getBytes(UTF_8)) {
            if (b >= 0x20 && b < 0x7f && b != '%') {
                encoded.append((char) b);
            } else {
                encoded.append(String.format("%%%02X", b & 0xff));
            }
        }
        return encoded.toString();
    }
}
