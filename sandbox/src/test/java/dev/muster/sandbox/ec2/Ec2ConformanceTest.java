package dev.muster.sandbox.ec2;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.muster.sandbox.CloudTime;
import dev.muster.sandbox.TimeScale;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Parts that no one here wrote agree with the stand-in: Amazon's own model, as botocore ships it, and the {@code aws} command. */
@Tag("conformance")
final class Ec2ConformanceTest {

    private static final Ec2Config FAST = Ec2Config.defaults().withTimeScale(new TimeScale(100)).withDescribeDelay(Duration.ofMillis(50));

    @TempDir
    private Path home;

    @Test
    void everyAnswerIsAsAmazonsModelSays() throws Exception {
        var python = python();
        assumeTrue(python.isPresent(), () -> skipped("no Python with botocore found; set MUSTER_PYTHON to one"));
        try (var http = new Http(FAST, CloudTime.real())) {
            // When
            var check = run(List.of(python.get(), scripts().resolve("ec2_conformance.py").toString(), http.server.url(), http.admin));

            // Then
            assertThat(check.exit()).as(check.output()).isZero();
            System.out.println("EC2 conformance: " + check.output().strip());
        }
    }

    @Test
    void awsCommandRunsDescribesAndTerminates() throws Exception {
        var aws = aws();
        assumeTrue(aws.isPresent(), () -> skipped("no aws command found beside MUSTER_PYTHON or on PATH"));
        try (var http = new Http(FAST, CloudTime.real())) {
            // When
            var image = aws(aws.get(), http, "ssm", "get-parameter", "--name",
                    "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id").getJsonObject("Parameter").getString("Value");
            var launched = aws(aws.get(), http, "ec2", "run-instances", "--image-id", image, "--instance-type", "g5.xlarge", "--count", "1:2", "--client-token", "batch-1",
                    "--user-data", "#!/bin/sh", "--tag-specifications", "ResourceType=instance,Tags=[{Key=muster-pool,Value=gpu}]", "--metadata-options",
                    "HttpTokens=required,InstanceMetadataTags=enabled", "--instance-initiated-shutdown-behavior", "terminate").getJsonArray("Instances");
            var ids = List.of(launched.getJsonObject(0).getString("InstanceId"), launched.getJsonObject(1).getString("InstanceId"));
            awaitTrue(() -> http.booted.keySet().containsAll(ids));
            var found = aws(aws.get(), http, "ec2", "describe-instances", "--filters", "Name=tag:muster-pool,Values=gpu", "Name=instance-state-name,Values=running")
                    .getJsonArray("Reservations").getJsonObject(0).getJsonArray("Instances");
            var ended = aws(aws.get(), http, "ec2", "terminate-instances", "--instance-ids", ids.get(0), ids.get(1)).getJsonArray("TerminatingInstances");

            // Then
            assertThat(found).hasSize(2);
            assertThat(ended).hasSize(2);
            awaitTrue(() -> http.booted.isEmpty());
        }
    }

    private record Finished(int exit, String output) {
    }

    private JsonObject aws(String aws, Http http, String... arguments) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of(aws, "--endpoint-url", http.server.url(), "--region", "us-east-1", "--output", "json"));
        command.addAll(List.of(arguments));
        var finished = run(command);
        assertThat(finished.exit()).as(String.join(" ", command) + "\n" + finished.output()).isZero();
        return new JsonObject(finished.output());
    }

    private Finished run(List<String> command) throws IOException, InterruptedException {
        var output = Files.createTempFile(home, "output", ".txt");
        var builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
        // Whatever the user's own AWS set-up says, it must not reach a test, nor a test the user's account.
        builder.environment().keySet().removeIf(name -> name.startsWith("AWS_") || name.toLowerCase().endsWith("_proxy"));
        builder.environment().put("AWS_ACCESS_KEY_ID", Ec2Config.ACCESS_KEY);
        builder.environment().put("AWS_SECRET_ACCESS_KEY", "any");
        builder.environment().put("AWS_CONFIG_FILE", home.resolve("none").toString());
        builder.environment().put("AWS_SHARED_CREDENTIALS_FILE", home.resolve("none").toString());
        builder.environment().put("AWS_EC2_METADATA_DISABLED", "true");
        builder.environment().put("AWS_PAGER", "");
        var process = builder.start();
        if (!process.waitFor(120, TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor();
        }
        return new Finished(process.exitValue(), Files.readString(output, StandardCharsets.UTF_8));
    }

    private static String skipped(String why) {
        System.out.println("EC2 conformance is skipped: " + why + ".");
        return why;
    }

    private static Path scripts() {
        return upward("src/test/python").or(() -> upward("sandbox/src/test/python")).orElseThrow();
    }

    /** MUSTER_PYTHON, else the one of {@code .muster/parts}, else the one on PATH; only if it has botocore. */
    private static Optional<String> python() {
        var named = System.getenv("MUSTER_PYTHON");
        var python = named != null && !named.isBlank() ? named : upward(".muster/parts/python/bin/python").map(Path::toString).orElse("python3");
        return Optional.of(python).filter(program -> succeeds(program, "-c", "import botocore"));
    }

    private static Optional<String> aws() {
        var beside = python().map(Path::of).map(Path::getParent).map(bin -> bin.resolve("aws")).filter(Files::isExecutable);
        return beside.isPresent() ? beside.map(Path::toString) : Optional.of("aws").filter(aws -> succeeds(aws, "--version"));
    }

    private static boolean succeeds(String... command) {
        try {
            var process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
            return process.waitFor(60, TimeUnit.SECONDS) && process.exitValue() == 0;
        } catch (IOException e) {
            // Not there: that is the answer.
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** The file of this relative name in the working directory or the nearest folder above it that has one. */
    private static Optional<Path> upward(String name) {
        for (var folder = Path.of("").toAbsolutePath(); folder != null; folder = folder.getParent()) {
            if (Files.exists(folder.resolve(name))) {
                return Optional.of(folder.resolve(name));
            }
        }
        return Optional.empty();
    }

    private static void awaitTrue(BooleanSupplier holds) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!holds.getAsBoolean()) {
            assertThat(System.nanoTime()).as("20 s are over").isLessThan(deadline);
            TimeUnit.MILLISECONDS.sleep(20);
        }
    }
}
