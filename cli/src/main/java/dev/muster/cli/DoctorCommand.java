package dev.muster.cli;

import dev.muster.planner.spec.Defaults;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.FleetState;
import dev.muster.v1.QueueSpec;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code muster doctor …}: what is wrong around Muster, before it costs something. */
@Command(name = "doctor", mixinStandardHelpOptions = true, description = "Looks for what would go wrong.", subcommands = {DoctorCommand.Clearml.class, AwsDoctorCommand.class, GcpDoctorCommand.class, K8sDoctorCommand.class, KafkaDoctorCommand.class})
final class DoctorCommand {

    /** What came of one check, as people read it. @param fix empty: nothing is to be done */
    record Line(String state, String check, String seen, String fix) {}

    static void show(String title, List<Line> lines, Output output) {
        output.line(title);
        var width = lines.stream().mapToInt(line -> line.check().length()).max().orElse(0);
        for (var line : lines) {
            output.line("  " + pad(line.state(), 7) + "  " + pad(line.check(), width) + "  " + line.seen());
            if (!line.fix().isEmpty()) {
                output.line(" ".repeat(13 + width) + "fix: " + line.fix());
            }
        }
    }

    private static String pad(String text, int width) {
        return text + " ".repeat(Math.max(0, width - text.length()));
    }

    /**
     * Fleets of files, else of the control API.
     *
     * @param config named by the user; null: no
     */
    static List<FleetSpec> specs(CommonOptions common, Path config, List<String> files) {
        if (!files.isEmpty()) {
            return files.stream().flatMap(file -> FleetCommand.read(file).stream()).toList();
        }
        if (common.isLocal() && (config != null || common.run().running().isEmpty())) {
            return List.of();
        }
        try (var control = common.control()) {
            return control.allFleets().stream().map(fleet -> fleet.getRecord()).filter(record -> record.getState() != FleetState.DELETED)
                    .map(record -> record.getSpec()).toList();
        }
    }

    @Command(name = "clearml", mixinStandardHelpOptions = true, sortOptions = false,
            description = {"Asks ClearML what Muster would ask: reachable, key, version, clock, queues, and who else serves them.",
                "It changes nothing. Exit code 1: something failed."},
            footer = "./muster doctor clearml -f fleet.yaml")
    static final class Clearml implements Callable<Integer> {

        @Mixin
        CommonOptions common;

        @Option(names = "--config", paramLabel = "FILE", description = "Connections and keys (default: the local run's; without one, muster.yaml).")
        Path config;

        @Option(names = "--connection", paramLabel = "NAME", description = "Only this one (default: all).")
        String connection;

        @Option(names = {"-f", "--file"}, paramLabel = "FILE", description = "YAML of fleets whose queues to look for (default: those of the control API, where there is one).")
        List<String> files = List.of();

        @Override
        public Integer call() {
            var output = common.output();
            var installation = Installation.of(common, config);
            if (connection != null) {
                installation.server(connection);
            }
            var specs = specs(common, config, files).stream().map(spec -> Defaults.fill(spec, installation.name())).toList();
            var found = new LinkedHashMap<String, List<ClearmlDoctor.Finding>>();
            installation.servers().forEach((name, server) -> {
                if (connection == null || connection.equals(name)) {
                    found.put(name, examine(name, server, installation, specs));
                }
            });
            if (output.isJson()) {
                json(found, installation, output);
            } else {
                found.forEach((name, findings) -> show(name, installation.servers().get(name).api(), findings, output));
            }
            return found.values().stream().flatMap(List::stream).anyMatch(finding -> finding.state() == ClearmlDoctor.State.FAILED) ? CliFailure.FAILED : 0;
        }

        /** @param specs with all defaults filled in */
        private static List<ClearmlDoctor.Finding> examine(String name, Installation.Server server, Installation installation, List<FleetSpec> specs) {
            var doctor = new ClearmlDoctor(server.api(), () -> installation.authorization(name), installation.keyFiles(name));
            var findings = new ArrayList<>(doctor.examine(specs.stream().filter(spec -> spec.getConnection().equals(name))
                    .map(spec -> new ClearmlDoctor.Wanted(spec.getWorkersPrefix(),
                            spec.getQueuesList().stream().map(QueueSpec::getName).collect(Collectors.toCollection(LinkedHashSet::new)), spec.getCreateQueues()))
                    .toList()));
            if (!installation.sandbox()) {
                machines(server.machineApi() == null ? server.api() : server.machineApi()).ifPresent(findings::add);
            }
            return findings;
        }

        /** What machines in a cloud are given, as far as it can be judged from here. */
        private static Optional<ClearmlDoctor.Finding> machines(String api) {
            var host = URI.create(api).getHost();
            return host.equals("localhost") || host.endsWith(".localhost") || host.startsWith("127.") || host.equals("[::1]")
                    ? Optional.of(new ClearmlDoctor.Finding("machines", ClearmlDoctor.State.WARNING, "are given " + api + ", which is each one's own",
                            "write an address that they reach into machineHosts: {api: …}"))
                    : Optional.empty();
        }

        private static void show(String name, String api, List<ClearmlDoctor.Finding> findings, Output output) {
            DoctorCommand.show("connection " + name + ", " + api,
                    findings.stream().map(finding -> new Line(word(finding), finding.check(), finding.seen(), finding.fix())).toList(), output);
        }

        private static String word(ClearmlDoctor.Finding finding) {
            return finding.state().name().toLowerCase(Locale.ROOT);
        }

        private static void json(Map<String, List<ClearmlDoctor.Finding>> found, Installation installation, Output output) {
            var answer = Output.JSON.createObjectNode();
            var connections = answer.putArray("connections");
            found.forEach((name, findings) -> {
                var checks = connections.addObject().put("connection", name).put("api", installation.servers().get(name).api()).putArray("checks");
                findings.forEach(finding -> checks.addObject().put("check", finding.check()).put("state", word(finding)).put("seen", finding.seen())
                        .put("fix", finding.fix()));
            });
            output.json(answer);
        }
    }
}
