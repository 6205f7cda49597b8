package dev.muster.contracts;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.Message;
import java.time.Instant;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;

/** Headers of every value: CloudEvents 1.0, Kafka binary mode. */
public final class CloudEvents {

    public static final String CONTENT_TYPE = "application/protobuf";

    private static final byte[] SPEC_VERSION = "1.0".getBytes(UTF_8);
    private static final byte[] PROTOBUF = CONTENT_TYPE.getBytes(UTF_8);

    /** The last time that was written. Records of one moment are sent together, by the thousand, and a time takes long to write. */
    private static volatile Written last = new Written(Instant.EPOCH);

    private record Written(Instant time, String text) {

        Written(Instant time) {
            this(time, time.toString());
        }
    }

    private CloudEvents() {}

    /**
     * @param id unique among the source's events
     * @param source the sending process, such as {@code /muster/planner/0}
     */
    public static Headers headers(Message envelope, String id, String source, Instant time) {
        var headers = new RecordHeaders();
        headers.add("ce_specversion", SPEC_VERSION);
        headers.add("ce_type", type(envelope).getBytes(UTF_8));
        headers.add("ce_source", source.getBytes(UTF_8));
        headers.add("ce_id", id.getBytes(UTF_8));
        headers.add("ce_time", text(time).getBytes(UTF_8));
        headers.add("content-type", PROTOBUF);
        return headers;
    }

    /** A time as the headers have it. */
    public static String text(Instant time) {
        var written = last;
        if (!written.time().equals(time)) {
            written = new Written(time);
            last = written;
        }
        return written.text();
    }

    /** The message's full name, and after a slash the case of its oneof: {@code muster.v1.DemandEvent/read_failed}. */
    public static String type(Message envelope) {
        var descriptor = envelope.getDescriptorForType();
        var name = descriptor.getFullName();
        for (var oneof : descriptor.getRealOneofs()) {
            var set = envelope.getOneofFieldDescriptor(oneof);
            if (set != null) {
                return name + "/" + set.getName();
            }
        }
        return name;
    }
}
