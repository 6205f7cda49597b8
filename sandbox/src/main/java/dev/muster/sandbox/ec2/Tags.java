package dev.muster.sandbox.ec2;

import java.util.Collection;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** EC2's rules for tags: 50 a resource, keys to 128 characters, values to 256, {@code aws:} reserved. */
final class Tags {

    static final int MOST = 50;
    private static final int LONGEST_KEY = 128;
    private static final int LONGEST_VALUE = 256;
    private static final Pattern METADATA_KEY = Pattern.compile("[0-9a-zA-Z\\-_+=,.@:]{1,255}");
    private static final Set<String> METADATA_RESERVED = Set.of(".", "..", "_index");

    private Tags() {
    }

    /** The tags {@code Tag.1.Key}, {@code Tag.1.Value}, … of a call or of a structure in it. */
    static SortedMap<String, String> in(Call call) {
        var tags = new TreeMap<String, String>();
        for (var tag : call.structures("Tag")) {
            var key = tag.text("Key");
            var value = tag.text("Value", "");
            check(key, value);
            if (tags.put(key, value) != null) {
                throw Refusal.invalidValue("Duplicate tag key '" + key + "' specified.");
            }
        }
        return tags;
    }

    private static void check(String key, String value) {
        if (key == null || key.isEmpty()) {
            throw Refusal.invalidValue("Tag key cannot be null or empty");
        }
        if (key.length() > LONGEST_KEY) {
            throw Refusal.invalidValue("Tag key exceeds the maximum length of " + LONGEST_KEY + " characters");
        }
        if (value.length() > LONGEST_VALUE) {
            throw Refusal.invalidValue("Tag value exceeds the maximum length of " + LONGEST_VALUE + " characters");
        }
        if (key.regionMatches(true, 0, "aws:", 0, 4)) {
            throw Refusal.invalidValue("Tag keys starting with 'aws:' are reserved for internal use");
        }
    }

    static void checkCount(int count) {
        if (count > MOST) {
            throw Refusal.of("TagLimitExceeded", "The maximum number of Tags for this resource has been reached. It may have " + MOST + ", the request makes " + count);
        }
    }

    /** What an instance must obey whose metadata service shows its tags: each key is a path element there. */
    static void checkMetadataKeys(Collection<String> keys) {
        for (var key : keys) {
            if (!METADATA_KEY.matcher(key).matches() || METADATA_RESERVED.contains(key)) {
                throw Refusal.invalidValue("'" + key + "' is not a valid tag key. Tag keys must match pattern ([0-9a-zA-Z\\-_+=,.@:]{1,255}), "
                        + "and must not be a reserved name ('.', '..', '_index')");
            }
        }
    }
}
