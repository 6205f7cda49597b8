package dev.muster.cli;

import dev.muster.contracts.SecretsFolder;
import dev.muster.planner.stream.Defaults;
import dev.muster.sandbox.suite.SuiteState;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.FleetState;
import dev.muster.v1.QueueSpec;
import java.net.URI;
import java.nio.file.Files;
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
@Command(name = "doctor", mixinStandardHelpOptions = true, description = "Looks for what would go wrong.", subcommands = DoctorCommand.Clearml.class)
final class DoctorCommand {

    @Command(name = "clearml", mixinStandardHelpOptions = true, sortOptions = false,
            description = {"Asks ClearML what Muster would ask: reachable, key, version, clock, queues, and who else serves them.",
                "It changes nothing. Exit code 1: something failed."})
    static final class Clearml implements Callable<Integer> {

        @Mixin
        CommonOptions common;

        @Option(names = "--config", paramLabel = "FILE", description = "Connections and keys (default: the local run's; without one, muster.yaml).")
        Path config;

        @Option(names = "--connection", paramLabel = "NAME", description = "Only this one (default: all).")
        String connection;

        @Option(names = {"-f", "--file"}, paramLabel = "FILE", description = "YAML of fleets whose queues to look for (default: those of the control API, where there is one).")
        List<String> files = List.of();

        /** @param machineApi what machines are given; null: {@code api} */
        private record Server(String api, String machineApi) {}

        /** What there is to examine. @param sandbox its machines are on this computer */
        private record Installation(String name, Path secrets, Map<String, Server> servers, boolean sandbox) {}

        @Override
        public Integer call() {
            var output = common.output();
            var running = config == null ? common.run().running() : Optional.<SuiteState>empty();
            var installation = running.map(Clearml::installation).orElseGet(this::configured);
            if (connection != null && !installation.servers.containsKey(connection)) {
                throw CliFailure.usage("there is no connection " + connection + ": there are " + String.join(", ", installation.servers.keySet()));
            }
            var specs = specs(running.isPresent()).stream().map(spec -> Defaults.fill(spec, installation.name)).toList();
            var found = new LinkedHashMap<String, List<ClearmlDoctor.Finding>>();
            installation.servers.forEach((name, server) -> {
                if (connection == null || connection.equals(name)) {
                    found.put(name, examine(name, server, installation, specs));
                }
            });
            if (output.isJson()) {
                json(found, installation, output);
            } else {
                found.forEach((name, findings) -> show(name, installation.servers.get(name).api(), findings, output));
            }
            return found.values().stream().flatMap(List::stream).anyMatch(finding -> finding.state() == ClearmlDoctor.State.FAILED) ? CliFailure.FAILED : 0;
        }

        private static Installation installation(SuiteState running) {
            var servers = new LinkedHashMap<String, Server>();
            running.connections().entrySet().stream().sorted(Map.Entry.comparingByKey())
                    .forEach(one -> servers.put(one.getKey(), new Server(one.getValue(), null)));
            return new Installation(running.installation(), Path.of(running.secrets()), servers, running.sandbox());
        }

        private Installation configured() {
            var file = config == null ? Path.of("muster.yaml") : config;
            if (config == null && !Files.exists(file)) {
                throw CliFailure.notRunning("nothing runs here and there is no muster.yaml: name one with --config, or ./muster init writes it");
            }
            var yaml = MusterYaml.read(file);
            var servers = new LinkedHashMap<String, Server>();
            yaml.connections().forEach((name, one) -> servers.put(name, new Server(one.api(), one.machineApi())));
            return new Installation(yaml.installation(), yaml.secrets(), servers, false);
        }

        private List<FleetSpec> specs(boolean runs) {
            if (!files.isEmpty()) {
                return files.stream().flatMap(file -> FleetCommand.read(file).stream()).toList();
            }
            if (config != null || (common.server == null || common.server.isEmpty()) && !runs) {
                return List.of();
            }
            try (var control = common.control()) {
                return control.allFleets().stream().map(fleet -> fleet.getRecord()).filter(record -> record.getState() != FleetState.DELETED)
                        .map(record -> record.getSpec()).toList();
            }
        }

        /** @param specs with all defaults filled in */
        private static List<ClearmlDoctor.Finding> examine(String name, Server server, Installation installation, List<FleetSpec> specs) {
            var secrets = new SecretsFolder(installation.secrets);
            var access = "clearml-" + name + "-access-key";
            var secret = "clearml-" + name + "-secret-key";
            var doctor = new ClearmlDoctor(server.api, () -> secrets.find(access).flatMap(one -> secrets.find(secret).map(other -> ClearmlApi.basic(one.value(), other.value()))),
                    "the files " + access + " and " + secret + " in " + installation.secrets);
            var findings = new ArrayList<>(doctor.examine(specs.stream().filter(spec -> spec.getConnection().equals(name))
                    .map(spec -> new ClearmlDoctor.Wanted(spec.getWorkersPrefix(),
                            spec.getQueuesList().stream().map(QueueSpec::getName).collect(Collectors.toCollection(LinkedHashSet::new)), spec.getCreateQueues()))
                    .toList()));
            if (!installation.sandbox) {
                machines(server.machineApi == null ? server.api : server.machineApi).ifPresent(findings::add);
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
            output.line("connection " + name + ", " + api);
            var width = findings.stream().mapToInt(finding -> finding.check().length()).max().orElse(0);
            for (var finding : findings) {
                output.line("  " + pad(word(finding), 7) + "  " + pad(finding.check(), width) + "  " + finding.seen());
                if (!finding.fix().isEmpty()) {
                    output.line(" ".repeat(13 + width) + "fix: " + finding.fix());
                }
            }
        }

        private static String pad(String text, int width) {
            return text + " ".repeat(Math.max(0, width - text.length()));
        }

        private static String word(ClearmlDoctor.Finding finding) {
            return finding.state().name().toLowerCase(Locale.ROOT);
        }

        private static void json(Map<String, List<ClearmlDoctor.Finding>> found, Installation installation, Output output) {
            var answer = Output.JSON.createObjectNode();
            var connections = answer.putArray("connections");
            found.forEach((name, findings) -> {
                var checks = connections.addObject().put("connection", name).put("api", installation.servers.get(name).api()).putArray("checks");
                findings.forEach(finding -> checks.addObject().put("check", finding.check()).put("state", word(finding)).put("seen", finding.seen())
                        .put("fix", finding.fix()));
            });
            output.json(answer);
        }
    }
}
