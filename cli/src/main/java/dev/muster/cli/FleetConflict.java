package dev.muster.cli;

import dev.muster.v1.DiffFleetRequest;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.GetFleetRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Supplier;

/** Two people who change one fleet: the second is told what the first did, and how to go on. */
final class FleetConflict {

    private FleetConflict() {}

    /** The answer; or why not, with both versions where it is for the version. @param expected null: any */
    static FleetRecord explained(Control control, FleetSpec spec, Long expected, Supplier<FleetRecord> write) {
        try {
            return control.call(write);
        } catch (CliFailure refused) {
            throw explained(control, spec, expected, refused);
        }
    }

    private static CliFailure explained(Control control, FleetSpec spec, Long expected, CliFailure refused) {
        if (refused.grpcCode != Status.Code.ABORTED || expected == null) {
            return refused;
        }
        try {
            var now = control.fleets().getFleet(GetFleetRequest.newBuilder().setName(spec.getName()).build()).getRecord();
            if (now.getVersion() == expected) {
                // It is not for the version: the fleet is being deleted, for example.
                return refused;
            }
            var text = new StringBuilder("fleet " + spec.getName() + " is at version " + now.getVersion() + ", not " + expected + by(now));
            if (expected > 0) {
                text.append(theirs(control, spec.getName(), expected));
            }
            text.append("\nsee what your file would change of it: ./muster fleet apply -f FILE --dry-run; then apply it with --expected-version " + now.getVersion()
                    + ", or take theirs: ./muster fleet export " + spec.getName());
            return new CliFailure(refused.exitCode, "version-conflict", text.toString(), refused.violations);
        } catch (StatusRuntimeException gone) {
            return refused;
        }
    }

    private static String by(FleetRecord now) {
        return (now.getChangedBy().isEmpty() ? "" : ": " + now.getChangedBy() + " changed it")
                + (now.hasChangedAt() && !now.getChangedBy().isEmpty() ? " " + Times.span(Duration.between(Times.instant(now.getChangedAt()), Instant.now())) + " ago" : "");
    }

    /** What was changed since the version that was expected, where the server still knows it. */
    private static String theirs(Control control, String fleet, long since) {
        try {
            var diff = control.fleets().diffFleet(DiffFleetRequest.newBuilder().setName(fleet).setFromVersion(since).build());
            return FleetVersions.changes(diff.getChangesList()).stream().map(line -> "\n  " + line).reduce("", String::concat);
        } catch (StatusRuntimeException unknown) {
            return "";
        }
    }
}
