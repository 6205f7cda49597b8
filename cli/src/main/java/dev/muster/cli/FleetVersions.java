package dev.muster.cli;

import dev.muster.v1.CloneFleetRequest;
import dev.muster.v1.DiffFleetRequest;
import dev.muster.v1.DiffFleetResponse;
import dev.muster.v1.ExportFleetRequest;
import dev.muster.v1.FieldChange;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.ImportFleetRequest;
import dev.muster.v1.ListFleetVersionsRequest;
import dev.muster.v1.ListFleetVersionsResponse;
import dev.muster.v1.RollBackFleetRequest;
import dev.muster.v1.SpecFormat;
import io.grpc.Status;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code muster fleet …}: specs that were, specs beside each other, and specs as files. */
final class FleetVersions {

    private FleetVersions() {}

    @Command(name = "versions", mixinStandardHelpOptions = true, sortOptions = false, description = "Specs of a fleet that were accepted, newest first; the newest 50 are kept.",
            footer = {"./muster fleet versions demo", "./muster fleet versions demo --last 5 --json"})
    static final class List_ implements Runnable {
        @Mixin
        CommonOptions common;

        @Mixin
        WatchOption watch;

        @Parameters(paramLabel = "FLEET")
        String name;

        @Option(names = "--last", paramLabel = "N", defaultValue = "50", description = "At most this many (default: ${DEFAULT-VALUE}).")
        int last;

        @Override
        public void run() {
            if (last < 1 || last > 1000) {
                throw CliFailure.usage("--last is " + last + ": it must be from 1 to 1000");
            }
            try (var control = common.control()) {
                watch.show(common.output(), () -> ListFleetVersionsResponse.newBuilder().addAllVersions(control.pages(
                        token -> control.fleets().listFleetVersions(ListFleetVersionsRequest.newBuilder().setName(name).setPageSize(last).setPageToken(token).build()),
                        ListFleetVersionsResponse::getVersionsList, ListFleetVersionsResponse::getNextPageToken, last)).build(), FleetVersions::lines);
            }
        }
    }

    private static List<String> lines(ListFleetVersionsResponse versions) {
        return Output.format(List.of("VERSION", "CHANGED", "BY", "TOOL", "STATE"), versions.getVersionsList().stream().map(one -> List.of(
                Long.toString(one.getVersion()), Times.local(one.getChangedAt()), one.getChangedBy(), one.getManagedBy(), FleetCommand.word(one.getState()))).toList());
    }

    @Command(name = "diff", mixinStandardHelpOptions = true, sortOptions = false, description = "What differs between two versions of a fleet, or between one and a file.",
            footer = {"./muster fleet diff demo", "./muster fleet diff demo --from 3 --to 5", "./muster fleet diff demo -f fleet.yaml"})
    static final class Diff implements Runnable {
        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "FLEET")
        String name;

        @Option(names = "--from", paramLabel = "VERSION", defaultValue = "0", description = "Default: the one before --to; with a file, the one that holds now.")
        long from;

        @Option(names = "--to", paramLabel = "VERSION", defaultValue = "0", description = "Default: the one that holds now.")
        long to;

        @Option(names = {"-f", "--file"}, paramLabel = "FILE", description = "YAML with one fleet, in place of --to; - reads standard input.")
        String file;

        @Override
        public void run() {
            if (file != null && to != 0) {
                throw CliFailure.usage("--to and --file are two things to compare with: choose one");
            }
            var request = DiffFleetRequest.newBuilder().setName(name).setFromVersion(from).setToVersion(to);
            if (file != null) {
                request.setSpec(only(file, name));
            }
            var output = common.output();
            try (var control = common.control()) {
                var diff = control.call(() -> control.fleets().diffFleet(request.build()));
                if (output.isJson()) {
                    output.resource(diff);
                    return;
                }
                output.line("version " + diff.getFromVersion() + " → " + (diff.getToVersion() == 0 ? file == null ? "the file" : file : "version " + diff.getToVersion())
                        + (diff.getChangesCount() == 0 ? ": nothing differs" : ""));
                changes(diff.getChangesList()).forEach(line -> output.line("  " + line));
            }
        }
    }

    /** One line each. */
    static List<String> changes(List<FieldChange> changes) {
        return changes.stream().map(one -> one.getField() + ": " + (one.getBefore().isEmpty() ? "(nothing)" : one.getBefore()) + " → "
                + (one.getAfter().isEmpty() ? "(nothing)" : one.getAfter())).toList();
    }

    /** How a spec differs from the fleet of its name; empty if there is none. */
    static Optional<DiffFleetResponse> unapplied(Control control, FleetSpec spec) {
        try {
            return Optional.of(control.call(() -> control.fleets().diffFleet(DiffFleetRequest.newBuilder().setName(spec.getName()).setSpec(spec).build())));
        } catch (CliFailure none) {
            if (none.grpcCode == Status.Code.NOT_FOUND) {
                return Optional.empty();
            }
            throw none;
        }
    }

    @Command(name = "roll-back", mixinStandardHelpOptions = true, sortOptions = false, description = "Applies the spec of an earlier version again, as a new version.",
            footer = {"./muster fleet roll-back demo --to 3", "./muster fleet roll-back demo --to 3 --expected-version 5"})
    static final class RollBack implements Runnable {
        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "FLEET")
        String name;

        @Option(names = "--to", required = true, paramLabel = "VERSION", description = "Whose spec is to hold again.")
        long to;

        @Option(names = "--expected-version", paramLabel = "N", description = "Only if the fleet has this version now.")
        Long version;

        @Override
        public void run() {
            var request = RollBackFleetRequest.newBuilder().setName(name).setToVersion(to).setRequestId(UUID.randomUUID().toString());
            if (version != null) {
                request.setExpectedVersion(version);
            }
            var built = request.build();
            try (var control = common.control()) {
                told(control.write(() -> control.fleets().rollBackFleet(built)), ", with the spec of version " + to, common.output());
            }
        }
    }

    @Command(name = "clone", mixinStandardHelpOptions = true, sortOptions = false,
            description = {"Applies a fleet's spec under another name. The workers' prefix is made of that name.",
                "Queues stay with the older fleet until they are taken out of its spec."},
            footer = "./muster fleet clone demo demo-two")
    static final class Clone implements Runnable {
        @Mixin
        CommonOptions common;

        @Parameters(index = "0", paramLabel = "FLEET")
        String name;

        @Parameters(index = "1", paramLabel = "NAME", description = "Of the new fleet.")
        String newName;

        @Override
        public void run() {
            var request = CloneFleetRequest.newBuilder().setName(name).setNewName(newName).setRequestId(UUID.randomUUID().toString()).build();
            try (var control = common.control()) {
                told(control.write(() -> control.fleets().cloneFleet(request)), ", as a copy of " + name, common.output());
            }
        }
    }

    private static void told(FleetRecord record, String how, Output output) {
        if (output.isJson()) {
            output.resource(record);
        } else {
            output.line("fleet " + record.getFleet() + " is at version " + record.getVersion() + ", " + FleetCommand.word(record.getState()) + how);
            FleetCommand.notes(record, output);
        }
    }

    @Command(name = "export", mixinStandardHelpOptions = true, sortOptions = false, description = "A fleet's file, as fleet apply reads it.",
            footer = {"./muster fleet export demo -o fleet.yaml", "./muster fleet export demo --at 3"})
    static final class Export implements Runnable {
        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "FLEET")
        String name;

        @Option(names = "--at", paramLabel = "VERSION", defaultValue = "0", description = "Default: the one that holds now.")
        long version;

        @Option(names = {"-o", "--output"}, paramLabel = "FILE", description = "Where it goes (default: standard output).")
        Path file;

        @Override
        public void run() {
            var output = common.output();
            try (var control = common.control()) {
                var exported = control.call(() -> control.fleets().exportFleet(ExportFleetRequest.newBuilder().setName(name).setVersion(version).build()));
                if (file != null) {
                    write(file, exported.getYaml());
                }
                if (output.isJson()) {
                    output.resource(exported);
                } else {
                    output.line(file == null ? exported.getYaml().stripTrailing() : "fleet " + name + " is in " + file);
                }
            }
        }
    }

    @Command(name = "import", mixinStandardHelpOptions = true, sortOptions = false,
            description = {"Lets the server read a spec that people or other autoscalers wrote, and shows it as fleet apply reads it. Nothing is stored.",
                "A file with keys in it is better read here, by ./muster import, which puts them into files of their own."},
            footer = {"./muster fleet import aws_autoscaler.yaml -o fleet.yaml", "./muster fleet import values.yaml --format clearml-agent-chart --name cluster"})
    static final class Import implements Runnable {
        /** At most this much is read by the API. */
        private static final int LONGEST = 256 * 1024;

        /** Who wrote it. */
        enum Format {
            MUSTER(SpecFormat.MUSTER_YAML), CLEARML_AWS(SpecFormat.CLEARML_AWS_YAML), CLEARML_APPLICATION(SpecFormat.CLEARML_APPLICATION), CLEARML_AGENT_CHART(SpecFormat.CLEARML_AGENT_CHART);

            private final SpecFormat asked;

            Format(SpecFormat asked) {
                this.asked = asked;
            }

            @Override
            public String toString() {
                return name().toLowerCase(java.util.Locale.ROOT).replace('_', '-');
            }
        }

        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "FILE", description = "- reads standard input.")
        String file;

        @Option(names = "--format", paramLabel = "FORMAT", description = "Any of ${COMPLETION-CANDIDATES} (default: what it looks like).")
        Format format;

        @Option(names = "--name", paramLabel = "NAME", description = "Of the fleet, where the file has none.")
        String name = "";

        @Option(names = {"-o", "--output"}, paramLabel = "FILE", description = "Where the spec goes (default: standard output).")
        Path into;

        @Override
        public void run() {
            var text = text(file);
            if (text.length() > LONGEST) {
                throw CliFailure.failed(file + " has more than 256 KiB: the API reads no more");
            }
            var request = ImportFleetRequest.newBuilder().setText(text).setName(name).setFormat(format == null ? SpecFormat.SPEC_FORMAT_UNSPECIFIED : format.asked).build();
            var output = common.output();
            try (var control = common.control()) {
                var read = control.call(() -> control.fleets().importFleet(request));
                if (into != null) {
                    write(into, read.getYaml());
                }
                if (output.isJson()) {
                    output.resource(read);
                    return;
                }
                output.line(into == null ? read.getYaml().stripTrailing() : "fleet " + read.getSpec().getName() + " is in " + into);
                read.getNotesList().forEach(note -> System.err.println("note: " + note));
                if (read.getOthersCount() > 0) {
                    System.err.println("note: " + file + " describes other fleets, too, which --json shows: " + String.join(", ", read.getOthersList().stream().map(FleetSpec::getName).toList()));
                }
            }
        }
    }

    private static String text(String file) {
        try {
            return file.equals("-") ? new String(System.in.readAllBytes(), StandardCharsets.UTF_8) : Files.readString(Path.of(file));
        } catch (NoSuchFileException absent) {
            throw CliFailure.failed("there is no file " + file);
        } catch (IOException unreadable) {
            throw CliFailure.failed(file + " can't be read: " + unreadable);
        }
    }

    private static void write(Path file, String text) {
        try {
            Files.writeString(file, text);
        } catch (IOException unwritable) {
            throw CliFailure.failed(file + " can't be written: " + unwritable);
        }
    }

    /** The one fleet of a file. @param name that it must have; null: any */
    static FleetSpec only(String file, String name) {
        var specs = FleetCommand.read(file);
        var named = specs.stream().filter(spec -> name == null || spec.getName().equals(name)).toList();
        if (named.size() != 1) {
            throw CliFailure.usage(name == null ? file + " has " + specs.size() + " fleets: this command takes one" : file + " has no fleet " + name);
        }
        return named.get(0);
    }
}
