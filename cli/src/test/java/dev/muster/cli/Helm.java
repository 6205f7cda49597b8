package dev.muster.cli;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** The real helm, where there is one: that of {@code MUSTER_HELM}, the path, or {@code .ci/parts helm}. */
final class Helm {

    static final Path CHART = Path.of("..", "deploy", "chart");
    /** A version between the oldest and the newest that the chart is for. */
    static final String KUBERNETES = "1.29.0";
    private static final Path BUILT = Path.of("..", ".muster", "parts", "bin", "helm");

    private final Path program;

    private Helm(Path program) {
        this.program = program;
    }

    /** Empty, and a line of what is skipped, where there is none. */
    static Optional<Helm> orSkip(String what) {
        var named = System.getenv("MUSTER_HELM");
        var found = (named == null ? Stream.concat(onPath("helm"), Stream.of(BUILT)) : Stream.of(Path.of(named))).filter(Files::isExecutable).findFirst();
        if (found.isEmpty()) {
            System.out.println("Skipped: " + what + "; helm is neither named by MUSTER_HELM nor on the path, .ci/parts helm builds it");
        }
        return found.map(Helm::new);
    }

    static Stream<Path> onPath(String program) {
        return Arrays.stream(Objects.requireNonNullElse(System.getenv("PATH"), "").split(":")).filter(folder -> !folder.isEmpty()).map(folder -> Path.of(folder, program));
    }

    /** What the chart makes of values, by a file of deploy/chart/ci or of another folder, and single ones. */
    List<HasMetadata> objects(Path values, String... more) throws Exception {
        return objects(template(values, more));
    }

    String template(Path values, String... more) throws Exception {
        var arguments = new ArrayList<>(List.of("template", "muster", CHART.toString(), "--namespace", "muster", "--kube-version", KUBERNETES, "--values", values.toString()));
        arguments.addAll(List.of(more));
        var ran = run(arguments.toArray(String[]::new));
        if (ran.exitCode() != 0) {
            throw new AssertionError(ran.err());
        }
        return ran.out();
    }

    static List<HasMetadata> objects(String manifests) {
        return Stream.of(manifests.split("(?m)^---$")).filter(one -> one.lines().anyMatch(line -> line.startsWith("kind:")))
                .map(one -> (HasMetadata) Serialization.unmarshal("---\n" + one)).toList();
    }

    static Path ci(String name) {
        return CHART.resolve("ci").resolve(name + "-values.yaml");
    }

    Ran run(String... arguments) throws IOException, InterruptedException {
        return program(program.toString(), arguments);
    }

    static Ran program(String program, String... arguments) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of(program));
        command.addAll(List.of(arguments));
        var out = Files.createTempFile("out", ".txt");
        var err = Files.createTempFile("err", ".txt");
        try {
            var process = new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile()).start();
            if (!process.waitFor(120, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError(String.join(" ", command) + " did not end");
            }
            return new Ran(process.exitValue(), Files.readString(out, StandardCharsets.UTF_8), Files.readString(err, StandardCharsets.UTF_8));
        } finally {
            Files.delete(out);
            Files.delete(err);
        }
    }
}
