package dev.muster.gcp;

import com.google.cloud.compute.v1.Instance;
import com.google.cloud.compute.v1.Items;
import com.google.cloud.compute.v1.Metadata;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;

/** The labels and metadata by which Google knows whose a machine is, and by which a machine learns what it is to do. */
final class GceNames {

    /** Labels, which lists are filtered by. */
    static final String INSTALLATION = "muster-installation";
    static final String FLEET = "muster-fleet";
    static final String POOL = "muster-pool";
    static final String BATCH = "muster-batch";

    /** Metadata, which the machine reads. */
    static final String MARK = "muster-mark";
    static final String KEEP_UNTIL = "muster-keep-until";
    static final String STARTUP_SCRIPT = "startup-script";

    /** Begins what is Muster's own among both. */
    static final String OURS = "muster-";
    /** Of a label's value. Characters. */
    static final int LONGEST_LABEL = 63;

    private GceNames() {}

    static Map<String, String> metadata(Instance instance) {
        return metadata(instance.getMetadata());
    }

    static Map<String, String> metadata(Metadata metadata) {
        var map = new LinkedHashMap<String, String>();
        metadata.getItemsList().forEach(item -> map.put(item.getKey(), item.getValue()));
        return map;
    }

    static Metadata metadata(Map<String, String> map, String fingerprint) {
        var metadata = Metadata.newBuilder();
        map.forEach((key, value) -> metadata.addItems(Items.newBuilder().setKey(key).setValue(value)));
        return fingerprint.isEmpty() ? metadata.build() : metadata.setFingerprint(fingerprint).build();
    }

    /** What Google takes as a request's id: the same for the same text. */
    static String requestId(String text) {
        return UUID.nameUUIDFromBytes(text.getBytes(StandardCharsets.UTF_8)).toString();
    }

    /** {@code us-central1-a} of {@code https://…/zones/us-central1-a}. */
    static String last(String url) {
        return url.substring(url.lastIndexOf('/') + 1);
    }
}
