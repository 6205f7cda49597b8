package dev.muster.provisioner.spi;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What a cloud's error codes mean. Clouds that answer by HTTP have more codes than anybody lists: the rest is sorted by the status. */
public final class FailureTable {

    private final Map<String, FailureKind> kinds = new HashMap<>();

    /** @throws IllegalStateException if a code stands in it twice */
    public FailureTable(Map<FailureKind, List<String>> codes) {
        codes.forEach((kind, all) -> all.forEach(code -> {
            if (kinds.put(code, kind) != null) {
                throw new IllegalStateException(code + " is in the table twice");
            }
        }));
    }

    /** Those that it has. */
    public Set<String> codes() {
        return Set.copyOf(kinds.keySet());
    }

    /** @param status HTTP's; it sorts what the table lacks: the cloud's side, or a request that can't succeed as it is */
    public FailureKind kindOf(String code, int status) {
        var known = kinds.get(code);
        if (known != null) {
            return known;
        }
        if (status == 429) {
            return FailureKind.THROTTLED;
        }
        if (status == 401 || status == 403) {
            return FailureKind.UNAUTHORIZED;
        }
        return status >= 400 && status < 500 ? FailureKind.INVALID_SPEC : FailureKind.UNAVAILABLE;
    }
}
