package dev.muster.cli;

import dev.muster.contracts.ManagedBy;
import dev.muster.v1.ApplyFleetRequest;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.FleetState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Fleets that are managed by file: makes them what the files of one place say, and lets go of those that the place no longer has. Done again with
 * the same files, it changes nothing. It ends no machine and deletes no fleet: a file that is missing by mistake would.
 */
final class FleetFiles {

    private final Control control;
    private final String managedBy;
    private final Output output;

    /** @param where people find the files */
    FleetFiles(Control control, String where, Output output) {
        this.control = control;
        if (where.isBlank()) {
            throw CliFailure.usage("--managed-by-file is empty: say where people find the files");
        }
        this.managedBy = ManagedBy.file(where);
        this.output = output;
    }

    /** What a file says, or all files of a folder together: those whose names end in .yaml or .yml. @throws CliFailure if one can't be read */
    static List<FleetSpec> read(String file) {
        var folder = Path.of(file);
        if (file.equals("-") || !Files.isDirectory(folder)) {
            return FleetCommand.read(file);
        }
        var specs = new ArrayList<FleetSpec>();
        var from = new TreeMap<String, Path>();
        try (var files = Files.list(folder)) {
            for (var one : files.filter(name -> name.toString().matches(".*\\.ya?ml") && Files.isRegularFile(name)).sorted().toList()) {
                for (var spec : FleetCommand.read(one.toString())) {
                    var before = from.put(spec.getName(), one);
                    if (before != null) {
                        throw CliFailure.failed("fleet " + spec.getName() + " is in " + before + " and in " + one + ": which of them is meant?");
                    }
                    specs.add(spec);
                }
            }
        } catch (IOException unreadable) {
            throw CliFailure.failed(file + " can't be read: " + unreadable);
        }
        return specs;
    }

    /** One fleet that is refused doesn't keep the others from what their files say. @throws CliFailure at the end, if any was refused */
    void apply(List<FleetSpec> specs, boolean dryRun) {
        var refused = new ArrayList<CliFailure>();
        for (var spec : specs) {
            try {
                var request = ApplyFleetRequest.newBuilder().setSpec(spec).setManagedBy(managedBy);
                if (dryRun) {
                    FleetCommand.Apply.tryOut(control, request.build(), output);
                } else {
                    FleetCommand.Apply.applied(FleetCommand.apply(control, request, null), output);
                }
            } catch (CliFailure failure) {
                refused.add(failure);
            }
        }
        letGo(specs.stream().map(FleetSpec::getName).collect(Collectors.toCollection(TreeSet::new)), dryRun);
        if (refused.size() == 1) {
            throw refused.get(0);
        }
        if (!refused.isEmpty()) {
            throw CliFailure.invalid(refused.size() + " of " + specs.size() + " fleets were refused:" + refused.stream().map(one -> "\n" + one.getMessage()).collect(Collectors.joining()),
                    refused.stream().flatMap(one -> one.violations.stream()).toList());
        }
    }

    private void letGo(TreeSet<String> there, boolean dryRun) {
        for (var view : control.allFleets()) {
            var record = view.getRecord();
            if (!record.getManagedBy().equals(managedBy) || there.contains(record.getFleet()) || record.getState() == FleetState.DELETING) {
                continue;
            }
            if (!dryRun) {
                FleetCommand.apply(control, ApplyFleetRequest.newBuilder().setSpec(record.getSpec()).setOverrideManagedBy(true), record.getVersion());
            }
            if (!output.isJson()) {
                output.line("fleet " + record.getFleet() + (dryRun ? " would be" : " is") + " no longer managed by file, since no file has it: it runs on; ./muster fleet delete "
                        + record.getFleet() + " ends it");
            }
        }
    }
}
