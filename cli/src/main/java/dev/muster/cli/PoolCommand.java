package dev.muster.cli;

import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.FleetState;
import dev.muster.v1.ListPoolsRequest;
import dev.muster.v1.ListPoolsResponse;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.PauseFleetRequest;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code muster pool …}. */
@Command(name = "pool", mixinStandardHelpOptions = true, description = "Pools of fleets.", subcommands = {PoolCommand.List_.class, PoolCommand.Pause.class, PoolCommand.Resume.class, PoolCommand.Test.class})
final class PoolCommand {

    @Command(name = "list", mixinStandardHelpOptions = true, sortOptions = false, description = "Pools as they are now, and what is refused to them.",
            footer = {"./muster pool list", "./muster pool list --fleet demo --watch"})
    static final class List_ implements Runnable {
        @Mixin
        CommonOptions common;

        @Mixin
        WatchOption watch;

        @Option(names = "--fleet", paramLabel = "FLEET", description = "Only of this fleet.")
        String fleet = "";

        @Override
        public void run() {
            try (var control = common.control()) {
                watch.show(common.output(), () -> control.call(() -> control.pools().listPools(ListPoolsRequest.newBuilder().setFleet(fleet).build())), PoolCommand::lines);
            }
        }
    }

    private static List<String> lines(ListPoolsResponse pools) {
        if (pools.getPoolsCount() == 0) {
            return List.of("no pools");
        }
        var lines = new ArrayList<>(Output.format(List.of("POOL", "FLEET", "QUEUES", "MIN", "MAX", "WARM", "BUSY", "IDLE", "MACHINES", "COST", "STATE"), pools.getPoolsList().stream().map(pool -> List.of(
                pool.getName(), pool.getFleet(), String.join(",", pool.getQueuesList()), Integer.toString(pool.getMin()), Integer.toString(pool.getMax()), Integer.toString(pool.getWarm()),
                Integer.toString(pool.getBusy()), Integer.toString(pool.getIdle()), FleetCommand.byPhase(pool.getMachinesMap()),
                FleetCommand.cost(pool.getMicrosPerHour(), pool.getUnpriced(), ""), pool.getPaused() ? "paused" : "active")).toList()));
        pools.getPoolsList().forEach(pool -> pool.getRefusalsList().forEach(refusal -> lines.add("! " + pool.getFleet() + "/" + pool.getName() + ": " + refusal.getText())));
        return lines;
    }

    /** A pause of a pool, which is its fleet's to know. */
    abstract static class Pausing implements Runnable {
        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "POOL")
        String pool;

        @Option(names = "--fleet", paramLabel = "FLEET", description = "Needed only where several fleets have a pool of this name.")
        String fleet;

        abstract FleetRecord ask(Control control, PauseFleetRequest request);

        @Override
        public final void run() {
            var output = common.output();
            try (var control = common.control()) {
                var owner = fleet != null ? fleet : Owners.ofPool(control, pool);
                var request = PauseFleetRequest.newBuilder().setName(owner).setPool(pool).setRequestId(UUID.randomUUID().toString()).build();
                var record = control.write(() -> ask(control, request));
                if (output.isJson()) {
                    output.resource(record);
                } else {
                    output.line(FleetCommand.standing(record));
                }
            }
        }
    }

    @Command(name = "pause", mixinStandardHelpOptions = true, sortOptions = false, description = "No launches in a pool from now on; releases go on.", footer = "./muster pool pause gpu")
    static final class Pause extends Pausing {
        @Override
        FleetRecord ask(Control control, PauseFleetRequest request) {
            return control.fleets().pauseFleet(request);
        }
    }

    @Command(name = "resume", mixinStandardHelpOptions = true, sortOptions = false, description = "Ends a pool's pause.", footer = "./muster pool resume gpu --fleet demo")
    static final class Resume extends Pausing {
        @Override
        FleetRecord ask(Control control, PauseFleetRequest request) {
            return control.fleets().resumeFleet(request);
        }
    }

    @Command(name = "test", mixinStandardHelpOptions = true, sortOptions = false,
            description = {"Boots one machine as the pool does, runs a task of its own on it, drains it, and says how long each step took and what it cost.",
                "It needs a fleet, a queue and a task for itself, and takes them away again. The machine counts in no other fleet's limits and budgets.",
                "Exit code 1: the pool does not work, and the step where it failed and the last lines written there are shown."},
            footer = {"./muster pool test cpu", "./muster pool test gpu --repository https://git.example/team/code.git --storage s3://bucket/one-object"})
    static final class Test implements Callable<Integer> {
        private static final Duration CONSOLE_WITHIN = Duration.ofSeconds(20);

        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "POOL")
        String pool;

        @Option(names = "--fleet", paramLabel = "FLEET", description = "The fleet that has the pool; needed if several have one of this name.")
        String fleet;

        @Option(names = "--repository", paramLabel = "URL", description = "Let the agent clone this, with the machine's own git keys.")
        String repository = "";

        @Option(names = "--branch", paramLabel = "NAME", description = "Of the repository (default: its own).")
        String branch = "";

        @Option(names = "--storage", paramLabel = "URI", description = "Let the task read this object, such as s3://bucket/key, with the machine's own storage keys.")
        String storage = "";

        @Option(names = "--within", paramLabel = "MINUTES", defaultValue = "45", description = "Gives up after this long (default: ${DEFAULT-VALUE}).")
        int within;

        @Option(names = "--config", paramLabel = "FILE", description = "ClearML's address and keys (default: the local run's; without one, muster.yaml).")
        Path config;

        @Override
        public Integer call() {
            if (within < 1 || within > 1440) {
                throw CliFailure.usage("--within is " + within + ": it must be from 1 to 1440 minutes");
            }
            if (!branch.isEmpty() && repository.isEmpty()) {
                throw CliFailure.usage("--branch is of no use without --repository");
            }
            var output = common.output();
            try (var control = common.control()) {
                var spec = find(control);
                var clearml = Installation.of(common, config).clearml(spec.getConnection());
                var outcome = new PoolTest(control, clearml, machine -> console(control, machine), output).run(spec, pool, new PoolTestTask(repository, branch, storage), Duration.ofMinutes(within));
                if (output.isJson()) {
                    json(spec, outcome, output);
                } else {
                    show(spec, outcome, output);
                }
                return outcome.failedAt() == null ? 0 : CliFailure.FAILED;
            }
        }

        private FleetSpec find(Control control) {
            var having = control.allFleets().stream().map(one -> one.getRecord()).filter(one -> one.getState() == FleetState.ACTIVE || one.getState() == FleetState.PAUSED)
                    .map(one -> one.getSpec()).filter(spec -> (fleet == null || spec.getName().equals(fleet)) && has(spec)).toList();
            if (having.isEmpty()) {
                throw CliFailure.failed(fleet == null ? "no fleet has a pool " + pool : "fleet " + fleet + " is not there, or has no pool " + pool);
            }
            if (having.size() > 1) {
                throw CliFailure.usage("several fleets have a pool " + pool + ": name one with --fleet: " + String.join(", ", having.stream().map(FleetSpec::getName).toList()));
            }
            return having.get(0);
        }

        private boolean has(FleetSpec spec) {
            return spec.getPoolsList().stream().anyMatch(one -> one.getName().equals(pool));
        }

        /** In the sandbox at once; in a cloud once the machine is gone, for whose console the provisioner asks with the list that shows its end. */
        private Optional<String> console(Control control, MachineRecord machine) {
            if (common.isLocal()) {
                var there = common.run().running().flatMap(state -> MachineCommand.console(common.run(), state, machine.getCloudId()));
                if (there.isPresent()) {
                    return there;
                }
            }
            var deadline = System.nanoTime() + CONSOLE_WITHIN.toNanos();
            var kept = MachineCommand.kept(control, machine);
            while (kept.isEmpty() && !machine.getCounted() && !machine.getCloudId().isEmpty() && System.nanoTime() < deadline) {
                Run.sleep(1_000);
                kept = MachineCommand.kept(control, machine);
            }
            return kept;
        }

        private void show(FleetSpec spec, PoolTest.Outcome outcome, Output output) {
            output.table(List.of("STEP", "TOOK"), outcome.steps().stream().map(done -> List.of(PoolTest.word(done.step()), Times.span(done.took()))).toList());
            output.line("");
            if (outcome.failedAt() == null) {
                output.line("pool " + pool + " works" + on(outcome.machine()) + ", for " + cost(spec, outcome));
            } else {
                output.line("pool " + pool + " does not work" + on(outcome.machine()) + ": " + PoolTest.word(outcome.failedAt()) + ": " + outcome.reason());
                output.line("cost: " + cost(spec, outcome));
                outcome.lines().forEach(line -> output.line("  | " + line));
            }
        }

        private static String on(MachineRecord machine) {
            if (machine == null) {
                return "";
            }
            var offer = machine.getOffer();
            return " on " + offer.getMachineType() + " " + (offer.getZone().isEmpty() ? offer.getRegion() : offer.getZone()) + (machine.getCloudId().isEmpty() ? "" : " (" + machine.getCloudId() + ")");
        }

        private static String cost(FleetSpec spec, PoolTest.Outcome outcome) {
            return outcome.machine() == null || !outcome.machine().hasAcceptedAt() ? "nothing"
                    : PoolTest.cost(outcome.machine()).map(micros -> Money.amount(BigDecimal.valueOf(micros, 6), spec.getCurrency())).orElse("a price that is not known");
        }

        private void json(FleetSpec spec, PoolTest.Outcome outcome, Output output) {
            var answer = Output.JSON.createObjectNode().put("fleet", spec.getName()).put("pool", pool).put("works", outcome.failedAt() == null);
            if (outcome.machine() != null) {
                var offer = outcome.machine().getOffer();
                answer.put("machineId", outcome.machine().getMachineId()).put("cloudId", outcome.machine().getCloudId()).put("machineType", offer.getMachineType())
                        .put("region", offer.getRegion()).put("zone", offer.getZone()).put("market", offer.getMarket().name().toLowerCase(Locale.ROOT).replace('_', '-'));
                PoolTest.cost(outcome.machine()).ifPresent(micros -> answer.put("costMicros", micros).put("currency", spec.getCurrency()));
            }
            var steps = answer.putArray("steps");
            outcome.steps().forEach(done -> steps.addObject().put("step", PoolTest.word(done.step())).put("seconds", done.took().toMillis() / 1000.0));
            if (outcome.failedAt() != null) {
                answer.put("failedAt", PoolTest.word(outcome.failedAt())).put("reason", outcome.reason());
                var lines = answer.putArray("lines");
                outcome.lines().forEach(lines::add);
            }
            output.json(answer);
        }
    }
}
