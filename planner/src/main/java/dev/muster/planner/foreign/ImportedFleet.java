package dev.muster.planner.foreign;

import dev.muster.contracts.FleetYaml;
import dev.muster.contracts.InvalidYamlException;
import dev.muster.planner.stream.SpecTrial;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.SpecFormat;
import dev.muster.v1.Violation;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/**
 * What a text comes to as a fleet, whoever wrote it: Muster's own YAML, or what another autoscaler is told. Nothing that a planner would refuse
 * comes out of it.
 *
 * @param format that the text has
 * @param others of a text that describes several fleets, those behind the first
 * @param notes for people; never with a secret
 */
public record ImportedFleet(SpecFormat format, FleetSpec spec, List<FleetSpec> others, List<String> notes) {

    private static final String ACCOUNT = "default";
    /** ClearML's glue's own. */
    private static final String NAMESPACE = "clearml";
    private static final String NAME = "clearml";

    public ImportedFleet {
        others = List.copyOf(others);
        notes = List.copyOf(notes);
    }

    /**
     * @param format unspecified: what the text looks like
     * @param name of the fleet, where the text has none; empty: clearml
     * @throws InvalidYamlException with everything that is wrong, by the text's own names
     */
    public static ImportedFleet read(String text, SpecFormat format, String name) throws InvalidYamlException {
        var known = format == SpecFormat.SPEC_FORMAT_UNSPECIFIED ? format(text) : format;
        var called = name.isEmpty() ? NAME : name;
        var imported = switch (known) {
            case MUSTER_YAML -> {
                var fleets = FleetYaml.readAll(text);
                var first = fleets.get(0);
                yield new ImportedFleet(known, first.getName().isEmpty() ? first.toBuilder().setName(name).build() : first, fleets.subList(1, fleets.size()), List.of());
            }
            case CLEARML_AWS_YAML, CLEARML_APPLICATION -> of(known, ClearmlImport.read(text, new ClearmlImport.Options(called, false, ACCOUNT, "")));
            case CLEARML_AGENT_CHART -> of(known, ChartImport.read(text, new ChartImport.Options(called, ACCOUNT, NAMESPACE)));
            case SPEC_FORMAT_UNSPECIFIED, UNRECOGNIZED -> throw new IllegalArgumentException("no format that this release reads");
        };
        var violations = new ArrayList<>(SpecTrial.of(imported.spec(), Instant.EPOCH).violations());
        imported.others().forEach(other -> violations.addAll(SpecTrial.of(other, Instant.EPOCH).violations()));
        if (!violations.isEmpty()) {
            throw new InvalidYamlException(violations);
        }
        return imported;
    }

    private static ImportedFleet of(SpecFormat format, ClearmlImport imported) {
        var notes = new ArrayList<String>();
        new TreeSet<>(imported.secrets().keySet()).forEach(secret -> notes.add("The text holds a secret, which is left out: write it to the file " + secret
                + " in the services' secrets folder."));
        imported.notes().forEach(note -> notes.add(note.field().isEmpty() ? note.text() : note.field() + ": " + note.text()));
        return new ImportedFleet(format, imported.spec(), List.of(), notes);
    }

    /** By keys that only one of them has. */
    private static SpecFormat format(String text) throws InvalidYamlException {
        var violations = new ArrayList<Violation>();
        var file = ForeignValue.parse(text, violations);
        if (file.isEmpty()) {
            // Several documents are none to the other products, and may be ours.
            return SpecFormat.MUSTER_YAML;
        }
        var keys = file.get().keys();
        if (keys.contains("agentk8sglue")) {
            return SpecFormat.CLEARML_AGENT_CHART;
        }
        if (keys.contains("hyper_params") || keys.contains("configurations")) {
            return SpecFormat.CLEARML_AWS_YAML;
        }
        return keys.contains("pools") || !text.stripLeading().startsWith("{") ? SpecFormat.MUSTER_YAML : SpecFormat.CLEARML_APPLICATION;
    }
}
