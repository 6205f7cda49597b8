package dev.muster.sandbox.gce;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.vertx.core.Vertx;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Google's own command agrees with the stand-in. */
@Tag("conformance")
final class GceConformanceTest {

    private static final GceConfig FAST = GceConfig.defaults().withProvisionTime(Duration.ofMillis(100)).withStagingTime(Duration.ofMillis(100))
            .withShutdownTime(Duration.ofMillis(200)).withOperationTime(Duration.ofMillis(50)).withCredentials(false);

    @TempDir
    private Path home;

    private Vertx vertx;
    private GceServer server;

    @BeforeEach
    void startServer() {
        assumeTrue(Stream.of(System.getenv("PATH").split(File.pathSeparator)).anyMatch(folder -> Files.isExecutable(Path.of(folder, "gcloud"))), () -> {
            System.out.println("Skipped: Compute Engine conformance by gcloud; no gcloud command is on PATH");
            return "no gcloud on PATH";
        });
        vertx = Vertx.vertx();
        server = GceServer.start(vertx, FAST, hardware -> () -> {
        });
    }

    @AfterEach
    void closeAll() {
        if (server != null) {
            server.close();
            vertx.close().toCompletionStage().toCompletableFuture().join();
        }
    }

    @Test
    void createsListsDescribesAndDeletes() throws Exception {
        // When
        var created = json("instances", "create", "m-1", "--zone", "us-central1-a", "--machine-type", "n1-standard-4", "--accelerator", "type=nvidia-tesla-t4,count=1",
                "--maintenance-policy", "TERMINATE", "--provisioning-model", "SPOT", "--instance-termination-action", "DELETE", "--image-project", "debian-cloud",
                "--image-family", "debian-12", "--boot-disk-size", "50GB", "--labels", "muster-pool=gpu", "--metadata", "muster-mark=none:0").getJsonObject(0);
        var listed = json("instances", "list", "--filter", "labels.muster-pool=gpu AND status=RUNNING");
        run("instances", "add-metadata", "m-1", "--zone", "us-central1-a", "--metadata", "muster-mark=drain:1");
        var marked = new JsonObject(run("instances", "describe", "m-1", "--zone", "us-central1-a", "--format", "json"));
        run("instances", "delete", "m-1", "--zone", "us-central1-a", "--quiet");
        var after = json("instances", "list");

        // Then
        assertThat(created.getString("status")).isEqualTo("RUNNING");
        assertThat(listed).hasSize(1);
        assertThat(marked.getJsonObject("scheduling").getString("provisioningModel")).isEqualTo("SPOT");
        assertThat(marked.getJsonArray("disks").getJsonObject(0).getString("diskSizeGb")).isEqualTo("50");
        assertThat(marked.getJsonObject("metadata").getJsonArray("items").getJsonObject(0)).isEqualTo(new JsonObject().put("key", "muster-mark").put("value", "drain:1"));
        assertThat(after).isEmpty();
    }

    @Test
    void createsInBulkAndTellsWhatIsMissing() throws Exception {
        // Given
        server.capacity().none(OfferFilter.type("e2-standard-2").inZone("us-central1-a"));

        // When
        var refused = finish("instances", "create", "m-1", "--zone", "us-central1-a", "--machine-type", "e2-standard-2", "--image-project", "debian-cloud",
                "--image-family", "debian-12");
        run("instances", "bulk", "create", "--predefined-names", "m-2,m-3", "--region", "us-central1", "--machine-type", "e2-standard-2", "--image-project", "debian-cloud",
                "--image-family", "debian-12");
        var operations = json("operations", "list", "--filter", "operationType=bulkInsert");

        // Then
        assertThat(refused.exit()).isEqualTo(1);
        assertThat(refused.output()).contains("ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS").contains("us-central1-b,us-central1-c,us-central1-f");
        assertThat(json("instances", "list").stream().map(instance -> ((JsonObject) instance).getString("name"))).containsExactly("m-2", "m-3");
        assertThat(operations.getJsonObject(0).getString("status")).isEqualTo("DONE");
    }

    @Test
    void readsQuotasTypesAndImages() throws Exception {
        assertThat(new JsonObject(run("regions", "describe", "us-central1", "--format", "json")).getJsonArray("quotas")).isNotEmpty();
        assertThat(json("machine-types", "list", "--zones", "us-central1-a", "--filter", "name=g2-standard-4").getJsonObject(0).getInteger("guestCpus")).isEqualTo(4);
        assertThat(new JsonObject(run("images", "describe-from-family", "debian-12", "--project", "debian-cloud", "--format", "json")).getString("name"))
                .isEqualTo(GceConfig.DEBIAN.name());
    }

    private record Finished(int exit, String output) {
    }

    private JsonArray json(String... arguments) throws IOException, InterruptedException {
        var all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--format", "json"));
        return new JsonArray(run(all.toArray(String[]::new)));
    }

    private String run(String... arguments) throws IOException, InterruptedException {
        var finished = finish(arguments);
        assertThat(finished.exit()).as("gcloud compute " + String.join(" ", arguments) + "\n" + finished.output()).isZero();
        return finished.output();
    }

    private Finished finish(String... arguments) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of("gcloud", "compute"));
        command.addAll(List.of(arguments));
        var output = Files.createTempFile(home, "output", ".txt");
        var errors = Files.createTempFile(home, "errors", ".txt");
        var builder = new ProcessBuilder(command).redirectError(errors.toFile()).redirectOutput(output.toFile());
        // Whatever the user's own set-up says, it must not reach a test, nor a test the user's project.
        builder.environment().keySet().removeIf(name -> name.startsWith("CLOUDSDK_") || name.startsWith("GOOGLE_") || name.toLowerCase().endsWith("_proxy"));
        builder.environment().put("CLOUDSDK_CONFIG", home.resolve("gcloud").toString());
        builder.environment().put("CLOUDSDK_CORE_DISABLE_USAGE_REPORTING", "true");
        builder.environment().put("CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK", "true");
        builder.environment().put("CLOUDSDK_CORE_CHECK_GCE_METADATA", "false");
        builder.environment().put("CLOUDSDK_AUTH_DISABLE_CREDENTIALS", "true");
        builder.environment().put("CLOUDSDK_CORE_PROJECT", GceConfig.PROJECT);
        builder.environment().put("CLOUDSDK_CORE_DISABLE_PROMPTS", "1");
        builder.environment().put("CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE", server.url() + "/compute/v1/");
        var process = builder.start();
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor();
        }
        var told = Files.readString(output, StandardCharsets.UTF_8);
        return new Finished(process.exitValue(), process.exitValue() == 0 ? told : told + Files.readString(errors, StandardCharsets.UTF_8));
    }
}
