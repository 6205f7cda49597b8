package dev.muster.cli;

import dev.muster.sandbox.suite.SuiteSettings;
import dev.muster.sandbox.suite.SuiteState;
import java.nio.file.Path;
import java.time.Duration;
import java.util.TreeMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code muster up}: starts everything, and returns when it is ready. */
@Command(name = "up", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Starts Kafka and all services, by default against stand-ins for ClearML and EC2.",
        footer = {"./muster up", "./muster up --clouds aws,k8s --speed 10", "./muster up --config muster.yaml"})
final class UpCommand implements Runnable {

    private static final Set<String> CLOUDS = Set.of("aws", "gcp", "k8s");

    @Mixin
    CommonOptions common;

    @Option(names = "--config", paramLabel = "FILE", description = "Against your own ClearML and cloud, and your own Kafka if it names one, as this muster.yaml says.")
    Path config;

    @Option(names = "--speed", paramLabel = "N", defaultValue = "1",
            description = "How much faster the stand-ins' machines live: boot, task, poll and report times are divided by it (default: ${DEFAULT-VALUE}).")
    double speed;

    @Option(names = "--machines", paramLabel = "HOW", defaultValue = "simulated",
            description = "What the stand-in cloud's machines are: simulated, or processes, which run the real boot script and the real clearml-agent (default: ${DEFAULT-VALUE}).")
    String machines;

    @Option(names = "--clouds", paramLabel = "CLOUD", split = ",", defaultValue = "aws",
            description = "Which clouds there are stand-ins for: any of aws, gcp and k8s, with commas between (default: ${DEFAULT-VALUE}).")
    List<String> clouds;

    @Option(names = "--port", paramLabel = "NAME=PORT", description = "A fixed port for kafka, control, admin, clearml, ec2, gce, k8s or a service; free ones by default.")
    Map<String, Integer> ports = Map.of();

    @Option(names = "--within", paramLabel = "SECONDS", defaultValue = "180", description = "Gives up after this long (default: ${DEFAULT-VALUE}).")
    int within;

    @Override
    public void run() {
        if (!(speed >= 1) || speed > 100_000) {
            throw CliFailure.usage("--speed is " + speed + ": it must be from 1 to 100000");
        }
        if (config != null && speed != 1) {
            throw CliFailure.usage("--speed is for stand-ins: your own machines have their own");
        }
        if (!machines.equals("simulated") && !machines.equals("processes")) {
            throw CliFailure.usage("--machines is " + machines + ": it must be simulated or processes");
        }
        if (config != null && machines.equals("processes")) {
            throw CliFailure.usage("--machines is for stand-ins: your own cloud has its own");
        }
        if (clouds.isEmpty() || !CLOUDS.containsAll(clouds)) {
            throw CliFailure.usage("--clouds is " + String.join(",", clouds) + ": it must be any of aws, gcp and k8s, with commas between");
        }
        if (config != null && !clouds.equals(List.of("aws"))) {
            throw CliFailure.usage("--clouds is for stand-ins: your own clouds are the accounts of " + config);
        }
        var output = common.output();
        var run = common.run();
        var settings = config == null ? SuiteSettings.sandbox(Run.home(), run.runFolder(), speed)
                : MusterYaml.read(config).settings(Run.home(), run);
        settings = settings.withClouds(clouds);
        if (machines.equals("processes")) {
            settings = settings.withProcessMachines();
        }
        if (settings.kafka() != null && ports.containsKey("kafka")) {
            throw CliFailure.usage("--port kafka=" + ports.get("kafka") + " is for a Kafka that is started: " + config + " names one that is there");
        }
        var fixed = new TreeMap<>(settings.ports());
        fixed.putAll(ports);
        var began = System.nanoTime();
        var state = run.start(settings.withPorts(fixed), true, Duration.ofSeconds(within), output);
        if (output.isJson()) {
            output.json(StatusCommand.json(state));
            return;
        }
        output.line("Muster is ready after " + Times.span(Duration.ofNanos(System.nanoTime() - began)) + (state.sandbox() ? ", with stand-ins for " + standIns(state) : "") + ".");
        show(state, console(state, run, output), output);
        if (state.sandbox()) {
            output.line("");
            if (!state.kubeconfig().isEmpty()) {
                output.line("The cluster: kubectl --kubeconfig " + state.kubeconfig() + " get pods");
            }
            output.line(next(state));
        }
    }

    /** An example for the clouds that there are. */
    private static String next(SuiteState state) {
        boolean hasCloud = !state.ec2().isEmpty() && !state.gce().isEmpty();
        var example = state.k8s().isEmpty() ? hasCloud ? "two-clouds" : "demo" : hasCloud ? "three-clouds" : "cluster";
        return "Next: ./muster fleet apply -f deploy/examples/" + example + ".yaml, then ./muster task enqueue " + (example.equals("demo") ? "cpu --count 2" : "gpu --count 8");
    }

    private static String standIns(SuiteState state) {
        return Stream.of("ClearML", state.ec2().isEmpty() ? "" : "EC2", state.gce().isEmpty() ? "" : "Compute Engine", state.k8s().isEmpty() ? "" : "a Kubernetes cluster").filter(name -> !name.isEmpty())
                .collect(Collectors.collectingAndThen(Collectors.toList(), names ->
                        String.join(", ", names.subList(0, names.size() - 1)) + " and " + names.get(names.size() - 1)));
    }

    /** For a person at a terminal it signs in: what stands behind # no server is told, and what goes elsewhere than to a terminal may be kept. */
    private static String console(SuiteState state, Run run, Output output) {
        var page = "http://" + state.control() + "/";
        return output.isTerminal() ? run.server(state).token().get().map(token -> page + "#token=" + token).orElse(page) : page;
    }

    private static void show(SuiteState state, String console, Output output) {
        output.table(List.of("", ""), List.of(
                List.of("console", console),
                List.of("control API", state.control()),
                List.of("Kafka", state.kafka()),
                List.of("ClearML", state.clearml())));
    }
}
