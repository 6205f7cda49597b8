package dev.muster.planner.control;

import dev.muster.contracts.FleetYaml;
import dev.muster.v1.FieldChange;
import dev.muster.v1.FleetSpec;
import java.util.ArrayList;
import java.util.List;

/** What differs between two specs, field by field as they are written in YAML. */
final class SpecDiff {

    private SpecDiff() {}

    /** In the order of the fields. */
    static List<FieldChange> of(FleetSpec from, FleetSpec to) {
        var before = FleetYaml.fields(from);
        var after = FleetYaml.fields(to);
        var paths = new ArrayList<>(before.keySet());
        var place = 0;
        for (var path : after.keySet()) {
            var known = paths.indexOf(path);
            if (known < 0) {
                paths.add(place++, path);
            } else {
                place = known + 1;
            }
        }
        var changes = new ArrayList<FieldChange>();
        for (var path : paths) {
            var was = before.getOrDefault(path, "");
            var is = after.getOrDefault(path, "");
            if (!was.equals(is)) {
                changes.add(FieldChange.newBuilder().setField(path).setBefore(was).setAfter(is).build());
            }
        }
        return changes;
    }
}
