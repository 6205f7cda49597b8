package dev.muster.cli;

import dev.muster.contracts.FleetYaml;
import dev.muster.contracts.InvalidYamlException;
import dev.muster.v1.AdoptMachinesRequest;
import dev.muster.v1.ApplyFleetRequest;
import dev.muster.v1.DeleteFleetRequest;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.FleetView;
import dev.muster.v1.GetFleetRequest;
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
            FleetCommand.Delete.class, FleetCommand.Pause.class, FleetCommand.Resume.class, FleetCommand.ReleaseIdle.class,
            FleetCommand.Adopt.class})
final class FleetCommand {

    @Command(name = "apply", mixinStandardHelpOptions = true, sortOptions = false, description = "Creates fleets, or changes them to what the file says.")
    static final class Apply implements Runnable {
        @Mixin
        CommonOptions common;

        @Option(names = {"-f", "--file"}, required = true, paramLabel = "FILE", description = "YAML, one document a fleet; - reads standard input.")
        String file;

        @Option(names = "--expect-version", paramLabel = "N", description = "Only if the fleet has this version; 0: only if there is none.")
        Long version;

        @Option(names = "--adopt", paramLabel = "PREFIX", arity = "0..1", fallbackValue = "",
                description = "Also take over machines that another autoscaler started, by their workers' prefix: the fleet's workersPrefix unless another is"
                        + " named. Before anything is launched.")
        String adopt;

        @Override
        public void run() {
            var output = common.output();
            var specs = read(file);
            try (var control = common.control()) {
                for (var spec : specs) {
                    var record = apply(control, spec, version, adopt);
                    if (output.isJson()) {
                        output.resource(record);
                    } else {
                        output.line("fleet " + record.getFleet() + " is at version " + record.getVersion() + ", " + word(record.getState()));
                        notes(record, output);
                    }
                }
            }
        }
    }

    static FleetRecord apply(Control control, FleetSpec spec, Long expectedVersion) {
        return apply(control, spec, expectedVersion, null);
    }

    /** A request id of our own makes a repeated call the same request. @param adopt prefix of workers; empty: the spec's; null: none are adopted */
    private static FleetRecord apply(Control control, FleetSpec spec, Long expectedVersion, String adopt) {
        var request = ApplyFleetRequest.newBuilder().setSpec(spec).setRequestId(UUID.randomUUID().toString());
        if (expectedVersion != null) {
            request.setExpectedVersion(expectedVersion);
        }
        if (adopt != null) {
            request.setAdoptPrefix(adopt);
        }
        var built = request.build();
        return control.write(() -> control.fleets().applyFleet(built));
    }

    @Command(name = "validate", mixinStandardHelpOptions = true, sortOptions = false, description = "Says everything that is wrong with a file, and changes nothing.")
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
                    var record = control.call(() -> control.fleets().validateFleet(ApplyFleetRequest.newBuilder().setSpec(spec).build()));
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

    @Command(name = "list", mixinStandardHelpOptions = true, sortOptions = false, description = "All fleets.")
    static final class List_ implements Runnable {
        @Mixin
        CommonOptions common;

        @Override
        public void run() {
            var output = common.output();
            try (var control = common.control()) {
                var fleets = control.allFleets();
                if (output.isJson()) {
                    output.resource(ListFleetsResponse.newBuilder().addAllFleets(fleets).build());
                } else if (fleets.isEmpty()) {
                    output.line("no fleets yet: ./muster fleet apply -f FILE");
                } else {
                    table(fleets, output);
                }
            }
        }
    }

    @Command(name = "get", mixinStandardHelpOptions = true, sortOptions = false, description = "One fleet: how it is, and its file.")
    static final class Get implements Runnable {
        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "FLEET")
        String name;

        @Option(names = "--yaml", description = "Only the file, as fleet apply reads it.")
        boolean yaml;

        @Override
        public void run() {
            var output = common.output();
            try (var control = common.control()) {
                var fleet = control.call(() -> control.fleets().getFleet(GetFleetRequest.newBuilder().setName(name).build()));
                if (output.isJson()) {
                    output.resource(fleet);
                    return;
                }
                if (!yaml) {
                    table(List.of(fleet), output);
                    fleet.getRefusalsList().forEach(refusal -> output.line("! " + refusal.getText()));
                    output.line("");
                }
                output.line(FleetYaml.write(fleet.getRecord().getSpec()).stripTrailing());
            }
        }
    }

    @Command(name = "delete", mixinStandardHelpOptions = true, sortOptions = false, description = "Ends a fleet; its machines go as --machines says.")
    static final class Delete implements Runnable {
        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "FLEET")
        String name;

        enum Machines { NONE, IDLE, ALL }

        @Option(names = "--machines", paramLabel = "none|idle|all",
                description = "none: let go and run on; idle: each finishes its task first; all: now, tasks too. Default: as the fleet says.")
        Machines machines;

        @Override
        public void run() {
            var output = common.output();
            var action = machines == null ? ShutdownAction.SHUTDOWN_ACTION_UNSPECIFIED : switch (machines) {
                case NONE -> ShutdownAction.LEAVE;
                case IDLE -> ShutdownAction.IDLE;
                case ALL -> ShutdownAction.ALL;
            };
            try (var control = common.control()) {
                var record = delete(control, name, action);
                if (output.isJson()) {
                    output.resource(record);
                } else {
                    output.line("fleet " + name + " is " + word(record.getState()));
                }
            }
        }
    }

    static FleetRecord delete(Control control, String name, ShutdownAction action) {
        var request = DeleteFleetRequest.newBuilder().setName(name).setAction(action).setRequestId(UUID.randomUUID().toString()).build();
        return control.write(() -> control.fleets().deleteFleet(request));
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

    @Command(name = "pause", mixinStandardHelpOptions = true, sortOptions = false, description = "No launches from now on; releases go on.")
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

    @Command(name = "resume", mixinStandardHelpOptions = true, sortOptions = false, description = "Ends a pause.")
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
            description = "Lets idle machines go now, without waiting for their time-out; minimum and warm machines come again.")
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
            description = "Takes over machines that another autoscaler started, for an hour as their workers are seen. Nothing is done to them but tags.")
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
    private static void notes(FleetRecord record, Output output) {
        record.getNotesList().forEach(note -> output.line("  note: " + note));
    }

    private static PauseFleetRequest pausing(FleetOrPool asked, String requestId) {
        return PauseFleetRequest.newBuilder().setName(asked.name).setPool(asked.pool).setRequestId(requestId).build();
    }

    private static String standing(FleetRecord record) {
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

    static void table(List<FleetView> fleets, Output output) {
        output.table(List.of("FLEET", "STATE", "VERSION", "WAITING", "BUSY", "IDLE", "MACHINES", "COST"), fleets.stream().map(fleet -> List.of(
                fleet.getRecord().getFleet(), word(fleet.getRecord().getState()), Long.toString(fleet.getRecord().getVersion()),
                Integer.toString(fleet.getWaiting()), Integer.toString(fleet.getBusy()), Integer.toString(fleet.getIdle()),
                new TreeMap<>(fleet.getMachinesMap()).entrySet().stream().map(one -> one.getValue() + " " + one.getKey().toLowerCase(Locale.ROOT)).collect(Collectors.joining(", ")),
                Money.perHour(fleet.getMicrosPerHour(), fleet.getRecord().getSpec().getCurrency()) + (fleet.getUnpriced() == 0 ? "" : " + " + fleet.getUnpriced() + " unpriced")))
                .toList());
    }

    /** An enum's value as people read it. */
    static String word(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
}
