package dev.muster.contracts;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.Message;
import java.time.Instant;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;

/** Headers of every value: CloudEvents 1.0, Kafka binary mode. */
public final class CloudEvents {

    public static final String CONTENT_TYPE = "application/protobuf";

    private CloudEvents() {}

    /**
     * @param id unique among the source's events
     * @param source the sending process, such as {@code /muster/planner/0}
     */
    public static Headers headers(Message envelope, String id, String source, Instant time) {
        var headers = new RecordHeaders();
        headers.add("ce_specversion", "1.0".getBytes(UTF_8));
        headers.add("ce_type", type(envelope).getBytes(UTF_8));
        headers.add("ce_source", source.getBytes(UTF_8));
        headers.add("ce_id", id.getBytes(UTF_8));
        headers.add("ce_time", time.toString().getBytes(UTF_8));
        headers.add("content-type", CONTENT_TYPE.getBytes(UTF_8));
        return headers;
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
