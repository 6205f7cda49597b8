package dev.muster.aws;

import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.Mark;
import dev.muster.provisioner.spi.ProviderException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import software.amazon.awssdk.services.ec2.model.Tag;

/** The tags by which EC2 knows whose a machine is, and by which a machine learns what it is to do. */
final class Ec2Tags {

    static final String INSTALLATION = "muster-installation";
    static final String FLEET = "muster-fleet";
    static final String POOL = "muster-pool";
    static final String BATCH = "muster-batch";
    static final String MARK = "muster-mark";
    static final String KEEP_UNTIL = "muster-keep-until";

    private static final String OURS = "muster-";

    private Ec2Tags() {}

    /** @throws ProviderException INVALID_SPEC for a key that machines couldn't read in their metadata, or that is not theirs to set */
    static List<Tag> ofBatch(String installation, MachineBatch batch) throws ProviderException {
        var tags = new LinkedHashMap<String, String>();
        tags.put("Name", "muster " + batch.fleet() + "/" + batch.pool());
        for (var tag : batch.settings().tags().entrySet()) {
            var key = tag.getKey();
            check(key);
            tags.put(key, tag.getValue());
        }
        tags.put(INSTALLATION, installation);
        tags.put(FLEET, batch.fleet());
        tags.put(POOL, batch.pool());
        tags.put(BATCH, batch.batchId());
        tags.put(MARK, Mark.UNMARKED.text());
        tags.put(KEEP_UNTIL, batch.keepUntil().text());
        return of(tags);
    }

    /** @throws ProviderException INVALID_SPEC, as {@link #ofBatch} */
    static void check(String key) throws ProviderException {
        if (key.isEmpty() || key.contains(" ") || key.contains("/") || key.startsWith("aws:") || key.startsWith(OURS)) {
            throw new ProviderException(FailureKind.INVALID_SPEC, "InvalidTagKey", "tag key '" + key + "' can't be used: it must have no space"
                    + " and no '/', since machines read their tags as metadata, and not begin with aws: or " + OURS + "; rename it");
        }
    }

    static List<Tag> of(Map<String, String> tags) {
        return tags.entrySet().stream().map(tag -> Tag.builder().key(tag.getKey()).value(tag.getValue()).build()).toList();
    }

    static Map<String, String> map(List<Tag> tags) {
        var map = new LinkedHashMap<String, String>();
        tags.forEach(tag -> map.put(tag.key(), tag.value() == null ? "" : tag.value()));
        return map;
    }
}
