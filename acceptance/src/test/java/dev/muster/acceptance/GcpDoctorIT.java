package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.sandbox.gce.GceConfig;
import dev.muster.sandbox.gce.GceServer;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code muster doctor gcp} as a person asks it, with the account of docs/gcp.md and its first fleet, and a stand-in at Google's place. Nothing of Muster runs. */
class GcpDoctorIT {

    private static final Path PAGE = Shell.SOURCES.resolve("docs/gcp.md");
    private static final String ASKED = "./muster doctor gcp --config muster.yaml -f fleet.yaml";

    @TempDir
    Path folder;

    private Vertx vertx;
    private GceServer google;
    private Shell shell;

    @BeforeEach
    void startWhatTheUserHas() throws IOException {
        vertx = Vertx.vertx();
        google = GceServer.start(vertx, GceConfig.defaults().withProject("research-4711"), hardware -> () -> {});
        shell = new Shell(folder);
        var secrets = Files.createDirectories(folder.resolve("secrets"));
        Files.writeString(secrets.resolve("gcp-default-key"), google.keyFile());
        Files.writeString(secrets.resolve("clearml-default-access-key"), "ACCESS");
        Files.writeString(secrets.resolve("clearml-default-secret-key"), "SECRET");
        Files.writeString(folder.resolve("muster.yaml"), """
                installation: lab
                connections: {default: {api: "https://api.clear.ml", machineHosts: {api: "https://api.clear.ml"}}}
                """ + block("accounts:").replace("regions:", "endpoint: \"" + google.url() + "\", regions:"));
        // The stand-in has one network.
        Files.writeString(folder.resolve("fleet.yaml"), block("name: first").replace("subnet: muster", "subnet: default"));
    }

    @AfterEach
    void close() {
        shell.endAll();
        google.close();
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    private static String block(String beginning) throws IOException {
        var found = Pattern.compile("```yaml\n(" + beginning + ".*?)```", Pattern.DOTALL).matcher(Files.readString(PAGE));
        assertThat(found.find()).as(beginning).isTrue();
        return found.group(1);
    }

    @Test
    void saysWhatIsMissingAndThatNothingIs() throws Exception {
        // The page's fleet has no external addresses, and a fresh project no Cloud NAT.
        var shut = shell.run(ASKED);
        google.surroundings().translate("us-central1");
        var open = shell.run(ASKED + " --json");
        google.capacity().quota(null, "GPUS_ALL_REGIONS", 0.0);
        var noGpus = shell.run(ASKED);

        assertThat(shut.exitCode()).as(shut.out() + shut.err()).isEqualTo(1);
        assertThat(shut.out().lines().filter(line -> line.startsWith("  failed"))).singleElement()
                .satisfies(line -> assertThat(line).contains("route default", "machines of first/gpu have no external address, and no Cloud NAT serves default"));
        assertThat(open.succeeded().json().findValuesAsText("state")).hasSizeGreaterThan(25).containsOnly("ok");
        assertThat(noGpus.exitCode()).isEqualTo(1);
        assertThat(noGpus.out().lines().filter(line -> line.startsWith("  failed"))).singleElement()
                .satisfies(line -> assertThat(line).contains("quota GPUS_ALL_REGIONS", "0 of 0, and one machine needs 1"));
        assertThat(google.books().live()).isZero();
    }
}
