package dev.muster.cli;

import dev.muster.contracts.FleetYaml;
import dev.muster.contracts.InvalidYamlException;
import dev.muster.contracts.ManagedBy;
import dev.muster.v1.AdoptMachinesRequest;
import dev.muster.v1.ApplyFleetRequest;
import dev.muster.v1.DeleteFleetRequest;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.FleetView;
import dev.muster.v1.GetFleetRequest;
import dev.muster.v1.GetFleetVersionRequest;
import dev.muster.v1.ListFleetsResponse;
import dev.muster.v1.PauseFleetRequest;
import dev.muster.v1.ReleaseIdleRequest;
import dev.muster.v1.ShutdownAction;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code muster fleet …}. */
@Command(name = "fleet", mixinStandardHelpOptions = true, description = "Fleets: queues, pools and limits.",
        subcommands = {FleetCommand.Apply.class, FleetCommand.Validate.class, FleetCommand.List_.class, FleetCommand.Get.class,
            FleetCommand.Delete.class, FleetCommand.Pause.class, FleetCommand.Resume.class, FleetVersions.List_.class, FleetVersions.Diff.class,
            FleetVersions.RollBack.class, FleetVersions.Clone.class, FleetVersions.Export.class, FleetVersions.Import.class, FleetPreview.class,
            FleetCommand.ReleaseIdle.class, FleetCommand.Adopt.class})
final class FleetCommand {

    @Command(name = "apply", mixinStandardHelpOptions = true, sortOptions = false, description = "Creates fleets, or changes them to what the file says.",
            footer = {"./muster fleet apply -f fleet.yaml", "./muster fleet apply -f fleet.yaml --dry-run", "./muster fleet apply -f fleet.yaml --expected-version 3",
                "./muster fleet apply -f fleet.yaml --adopt dynamic_worker", "./muster fleet apply -f fleets --managed-by-file ops/fleets --wait 10m"})
    static final class Apply implements Runnable {
        @Mixin
        CommonOptions common;

        @Option(names = {"-f", "--file"}, required = true, paramLabel = "FILE", description = "YAML, one document a fleet, or a folder of such files; - reads standard input.")
        String file;

        @Option(names = "--dry-run", description = "Only say what would be different, and what would be refused.")
        boolean dryRun;

        @Option(names = {"--expected-version", "--expect-version"}, paramLabel = "N", description = "Only if the fleet has this version; 0: only if there is none.")
        Long version;

        @Option(names = "--managed-by", paramLabel = "TOOL", description = "The tool that owns the spec, which others are then told of.")
        String managedBy = "";

        @Option(names = "--managed-by-file", paramLabel = "WHERE", description = "The files are all that there is in this place, which people find by these words: their fleets"
                + " can be changed by nobody else, and those that were there before and no longer are run on, and are left to people.")
        String managedByFile;

        @Option(names = "--override-managed-by", description = "Also where another file manages the fleet; until that file is applied again.")
        boolean override;

        @Option(names = "--wait", paramLabel = "SPAN", description = "Wait for so long for a control API that doesn't answer yet.")
        String wait = "0s";

        @Option(names = "--adopt", paramLabel = "PREFIX", arity = "0..1", fallbackValue = "",
                description = "Also take over machines that another autoscaler started, by their workers' prefix: the fleet's workersPrefix unless another is"
                        + " named. Before anything is launched.")
        String adopt;

        @Override
        public void run() {
            var output = common.output();
            if (managedByFile != null && (!managedBy.isEmpty() || override)) {
                throw CliFailure.usage("--managed-by-file says who manages the fleets: leave out --managed-by and --override-managed-by");
            }
            var specs = FleetFiles.read(file);
            try (var control = common.control()) {
                control.awaitAnswer(Times.span("--wait", wait).getSeconds());
                if (managedByFile != null) {
                    new FleetFiles(control, managedByFile, output).apply(specs, dryRun);
                    return;
                }
                for (var spec : specs) {
                    if (dryRun) {
                        tryOut(control, request(spec).build(), output);
                        continue;
                    }
                    applied(apply(control, request(spec), version), output);
                }
            }
        }

        private ApplyFleetRequest.Builder request(FleetSpec spec) {
            var request = ApplyFleetRequest.newBuilder().setSpec(spec).setManagedBy(managedBy).setOverrideManagedBy(override);
            if (version != null) {
                request.setExpectedVersion(version);
            }
            if (adopt != null) {
                request.setAdoptPrefix(adopt);
            }
            return request;
        }

        static void applied(FleetRecord record, Output output) {
            if (output.isJson()) {
                output.resource(record);
            } else {
                output.line("fleet " + record.getFleet() + " is at version " + record.getVersion() + ", " + word(record.getState()));
                notes(record, output);
            }
        }

        static void tryOut(Control control, ApplyFleetRequest request, Output output) {
            var spec = request.getSpec();
            var record = FleetConflict.explained(control, spec, request.hasExpectedVersion() ? request.getExpectedVersion() : null,
                    () -> control.fleets().validateFleet(request));
            if (output.isJson()) {
                output.resource(record);
                return;
            }
            var differences = FleetVersions.unapplied(control, spec);
            output.line("fleet " + spec.getName() + (differences.isEmpty() ? " would be created" : differences.get().getChangesCount() == 0
                    ? " would stay as it is, at version " + differences.get().getFromVersion() : " would change from version " + differences.get().getFromVersion()));
            differences.ifPresent(all -> FleetVersions.changes(all.getChangesList()).forEach(line -> output.line("  " + line)));
            notes(record, output);
        }
    }

    static FleetRecord apply(Control control, FleetSpec spec, Long expectedVersion) {
        return apply(control, ApplyFleetRequest.newBuilder().setSpec(spec), expectedVersion);
    }

    /** A request id of our own makes a repeated call the same request. @param expectedVersion null: any */
    static FleetRecord apply(Control control, ApplyFleetRequest.Builder request, Long expectedVersion) {
        request.setRequestId(UUID.randomUUID().toString());
        if (expectedVersion != null) {
            request.setExpectedVersion(expectedVersion);
        }
        var built = request.build();
        return FleetConflict.explained(control, built.getSpec(), expectedVersion, () -> control.write(() -> control.fleets().applyFleet(built)));
    }

    @Command(name = "validate", mixinStandardHelpOptions = true, sortOptions = false, description = "Says everything that is wrong with a file, and changes nothing.",
            footer = "./muster fleet validate -f fleet.yaml")
    static final class Validate implements Runnable {
        @Mixin
        CommonOptions common;

        @Option(names = {"-f", "--file"}, required = true, paramLabel = "FILE", description = "YAML, one document a fleet; - reads standard input.")
        String file;

        @Override
        public void run() {
            var output = common.output();
            var specs = read(file);
            try (var control = common.control()) {
                for (var spec : specs) {
                    var record = control.call(() -> control.fleets().validateFleet(ApplyFleetRequest.newBuilder().setSpec(spec)
                            // What is asked is whether the spec is right, not who may change the fleet.
                            .setOverrideManagedBy(true).build()));
                    if (output.isJson()) {
                        output.resource(record);
                    } else {
                        output.line("fleet " + spec.getName() + " is valid");
                        notes(record, output);
                    }
                }
            }
        }
    }

    @Command(name = "list", mixinStandardHelpOptions = true, sortOptions = false, description = "All fleets.", footer = {"./muster fleet list", "./muster fleet list --watch"})
    static final class List_ implements Runnable {
        @Mixin
        CommonOptions common;

        @Option(names = "--watch", description = "Go on showing each change, until interrupted.")
        boolean watch;

        @Override
        public void run() {
            var output = common.output();
            try (var control = common.control()) {
                if (watch) {
                    watch(control, output);
                    return;
                }
                var fleets = control.allFleets();
                if (output.isJson()) {
                    output.resource(ListFleetsResponse.newBuilder().addAllFleets(fleets).build());
                } else {
                    lines(fleets).forEach(output::line);
                }
            }
        }

        private static void watch(Control control, Output output) {
            var book = new FleetBook();
            control.followFleets(book::opened, change -> {
                book.take(change);
                if (output.isJson()) {
                    output.resourceLine(change);
                } else if (output.isTerminal()) {
                    if (book.isSynced()) {
                        output.redraw(lines(book.all()));
                    }
                } else if (change.hasFleet()) {
                    output.line(String.join("  ", row(change.getFleet())));
                } else if (change.hasForgotten()) {
                    output.line(change.getForgotten() + "  is forgotten");
                }
                WatchOption.endIfClosed(output);
            });
        }
    }

    @Command(name = "get", mixinStandardHelpOptions = true, sortOptions = false, description = "One fleet: how it is, and its file.",
            footer = {"./muster fleet get demo", "./muster fleet get demo --at 3", "./muster fleet get demo --yaml"})
    static final class Get implements Runnable {
        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "FLEET")
        String name;

        @Option(names = "--at", paramLabel = "VERSION", description = "As it was accepted in this version: ./muster fleet versions lists them.")
        Long version;

        @Override
        public void run() {
            var output = common.output();
            try (var control = common.control()) {
                if (version != null) {
                    var record = control.call(() -> control.fleets().getFleetVersion(GetFleetVersionRequest.newBuilder().setName(name).setVersion(version).build()));
                    if (output.isJson()) {
                        output.resource(record);
                    } else {
                        output.line("version " + version + " of " + Times.local(record.getChangedAt()) + (record.getChangedBy().isEmpty() ? "" : ", by " + record.getChangedBy()));
                        output.line("");
                        output.line(FleetYaml.write(record.getSpec()).stripTrailing());
                    }
                    return;
                }
                var fleet = control.call(() -> control.fleets().getFleet(GetFleetRequest.newBuilder().setName(name).build()));
                if (output.isJson()) {
                    output.resource(fleet);
                    return;
                }
                lines(List.of(fleet)).forEach(output::line);
                if (!fleet.getRecord().getManagedBy().isEmpty()) {
                    output.line("managed by " + fleet.getRecord().getManagedBy());
                }
                fleet.getRefusalsList().forEach(refusal -> output.line("! " + refusal.getText()));
                output.line("");
                output.line(FleetYaml.write(fleet.getRecord().getSpec()).stripTrailing());
            }
        }
    }

    @Command(name = "delete", mixinStandardHelpOptions = true, sortOptions = false, description = "Ends a fleet; its machines go as --machines says.",
            footer = {"./muster fleet delete demo", "./muster fleet delete demo --machines all"})
    static final class Delete implements Runnable {
        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "FLEET")
        String name;

        enum Machines { NONE, IDLE, ALL }

        @Option(names = "--machines", paramLabel = "none|idle|all",
                description = "none: let go and run on; idle: each finishes its task first; all: now, tasks too. Default: as the fleet says.")
        Machines machines;

        @Option(names = "--expected-version", paramLabel = "N", description = "Only if the fleet has this version.")
        Long version;

        @Override
        public void run() {
            var output = common.output();
            var action = machines == null ? ShutdownAction.SHUTDOWN_ACTION_UNSPECIFIED : switch (machines) {
                case NONE -> ShutdownAction.LEAVE;
                case IDLE -> ShutdownAction.IDLE;
                case ALL -> ShutdownAction.ALL;
            };
            try (var control = common.control()) {
                var record = delete(control, name, action, version);
                if (output.isJson()) {
                    output.resource(record);
                } else {
                    output.line("fleet " + name + " is " + word(record.getState()));
                }
            }
        }
    }

    static FleetRecord delete(Control control, String name, ShutdownAction action) {
        return delete(control, name, action, null);
    }

    private static FleetRecord delete(Control control, String name, ShutdownAction action, Long expectedVersion) {
        var request = DeleteFleetRequest.newBuilder().setName(name).setAction(action).setRequestId(UUID.randomUUID().toString());
        if (expectedVersion != null) {
            request.setExpectedVersion(expectedVersion);
        }
        var built = request.build();
        return control.write(() -> control.fleets().deleteFleet(built));
    }

    /** What is asked about a whole fleet, or about one pool of it. */
    abstract static class FleetOrPool implements Runnable {
        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "FLEET")
        String name;

        @Option(names = "--pool", paramLabel = "POOL", description = "Only this pool.")
        String pool = "";

        /** Sends the request, under an id that a repeat has too. */
        abstract FleetRecord ask(Control control, String requestId);

        /** One line on how the fleet is now. */
        abstract String told(FleetRecord answer);

        @Override
        public final void run() {
            var output = common.output();
            var requestId = UUID.randomUUID().toString();
            try (var control = common.control()) {
                var record = control.write(() -> ask(control, requestId));
                if (output.isJson()) {
                    output.resource(record);
                } else {
                    output.line(told(record));
                }
            }
        }
    }

    @Command(name = "pause", mixinStandardHelpOptions = true, sortOptions = false, description = "No launches from now on; releases go on.",
            footer = {"./muster fleet pause demo", "./muster fleet pause demo --pool gpu"})
    static final class Pause extends FleetOrPool {
        @Override
        FleetRecord ask(Control control, String requestId) {
            return control.fleets().pauseFleet(pausing(this, requestId));
        }

        @Override
        String told(FleetRecord answer) {
            return standing(answer);
        }
    }

    @Command(name = "resume", mixinStandardHelpOptions = true, sortOptions = false, description = "Ends a pause.",
            footer = "./muster fleet resume demo")
    static final class Resume extends FleetOrPool {
        @Override
        FleetRecord ask(Control control, String requestId) {
            return control.fleets().resumeFleet(pausing(this, requestId));
        }

        @Override
        String told(FleetRecord answer) {
            return standing(answer);
        }
    }

    @Command(name = "release-idle", mixinStandardHelpOptions = true, sortOptions = false,
            description = "Lets idle machines go now, without waiting for their time-out; minimum and warm machines come again.",
            footer = "./muster fleet release-idle demo --pool gpu")
    static final class ReleaseIdle extends FleetOrPool {
        @Override
        FleetRecord ask(Control control, String requestId) {
            return control.fleets().releaseIdle(ReleaseIdleRequest.newBuilder().setName(name).setPool(pool).setRequestId(requestId).build());
        }

        @Override
        String told(FleetRecord answer) {
            return "fleet " + name + " lets its idle machines" + (pool.isEmpty() ? "" : " of pool " + pool) + " go";
        }
    }

    @Command(name = "adopt", mixinStandardHelpOptions = true, sortOptions = false,
            description = "Takes over machines that another autoscaler started, for an hour as their workers are seen. Nothing is done to them but tags.",
            footer = "./muster fleet adopt demo --prefix dynamic_worker")
    static final class Adopt implements Runnable {
        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "FLEET")
        String name;

        @Option(names = "--prefix", paramLabel = "PREFIX", description = "First part of their workers' ids. Default: the fleet's workersPrefix.")
        String prefix = "";

        @Override
        public void run() {
            var output = common.output();
            var request = AdoptMachinesRequest.newBuilder().setName(name).setWorkerPrefix(prefix).setRequestId(UUID.randomUUID().toString()).build();
            try (var control = common.control()) {
                var record = control.write(() -> control.fleets().adoptMachines(request));
                if (output.isJson()) {
                    output.resource(record);
                } else {
                    output.line("fleet " + name + " adopts machines");
                    notes(record, output);
                }
            }
        }
    }

    /** What was accepted and people should know. */
    static void notes(FleetRecord record, Output output) {
        record.getNotesList().forEach(note -> output.line("  note: " + note));
    }

    private static PauseFleetRequest pausing(FleetOrPool asked, String requestId) {
        return PauseFleetRequest.newBuilder().setName(asked.name).setPool(asked.pool).setRequestId(requestId).build();
    }

    static String standing(FleetRecord record) {
        var paused = record.getSpec().getPoolsList().stream().filter(pool -> pool.getPaused()).map(pool -> pool.getName()).toList();
        return "fleet " + record.getFleet() + " is " + word(record.getState()) + (paused.isEmpty() ? "" : ", paused pools: " + String.join(", ", paused));
    }

    /** The fleets in a file. */
    static List<FleetSpec> read(String file) {
        try {
            return FleetYaml.readAll(file.equals("-") ? new String(System.in.readAllBytes(), StandardCharsets.UTF_8) : Files.readString(Path.of(file)));
        } catch (NoSuchFileException absent) {
            throw CliFailure.failed("there is no file " + file);
        } catch (IOException unreadable) {
            throw CliFailure.failed(file + " can't be read: " + unreadable);
        } catch (InvalidYamlException invalid) {
            throw CliFailure.invalid(file + " has " + invalid.violations().size() + (invalid.violations().size() == 1 ? " mistake:" : " mistakes:"), invalid.violations());
        }
    }

    private static final List<String> HEAD = List.of("FLEET", "STATE", "VERSION", "WAITING", "BUSY", "IDLE", "MACHINES", "COST");

    static List<String> lines(List<FleetView> fleets) {
        return fleets.isEmpty() ? List.of("no fleets yet: ./muster fleet apply -f FILE") : Output.format(HEAD, fleets.stream().map(FleetCommand::row).toList());
    }

    private static List<String> row(FleetView fleet) {
        return List.of(fleet.getRecord().getFleet(), word(fleet.getRecord().getState()) + (ManagedBy.isFile(fleet.getRecord().getManagedBy()) ? ", by file" : ""), Long.toString(fleet.getRecord().getVersion()),
                Integer.toString(fleet.getWaiting()), Integer.toString(fleet.getBusy()), Integer.toString(fleet.getIdle()),
                byPhase(fleet.getMachinesMap()), cost(fleet.getMicrosPerHour(), fleet.getUnpriced(), fleet.getRecord().getSpec().getCurrency()));
    }

    /** Such as {@code 2 ready, 1 booting}. */
    static String byPhase(Map<String, Integer> machines) {
        return new TreeMap<>(machines).entrySet().stream().map(one -> one.getValue() + " " + one.getKey().toLowerCase(Locale.ROOT)).collect(Collectors.joining(", "));
    }

    /** @param unpriced machines that the rate leaves out */
    static String cost(long microsPerHour, int unpriced, String currency) {
        return Money.perHour(microsPerHour, currency) + (unpriced == 0 ? "" : " + " + unpriced + " unpriced");
    }

    /** An enum's value as people read it. */
    static String word(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
}
