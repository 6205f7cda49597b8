package dev.muster.packaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An image on a base that a registry has, by its digest, as -Dmuster.image.base names one. The base that {@code mvn -Pimages} made is in the registry. */
class RegistryBaseIT {

    private static final Path HOME = Path.of("../..").toAbsolutePath().normalize();
    private static final Path BASE = Path.of("target/base.tar").toAbsolutePath();

    @TempDir
    Path folder;

    private SavedImage base;

    @BeforeEach
    void begin() throws IOException {
        if (!Files.exists(BASE)) {
            System.out.println("Skipped: an image on a base from a registry; -Pimages makes the base");
        }
        Assumptions.assumeTrue(Files.exists(BASE), "no base is made");
        base = SavedImage.open(BASE);
    }

    private Images.Settings on(Registry registry) {
        return new Images.Settings(HOME, folder.resolve("target"), registry.name() + "@" + registry.digest(), "muster", "1", "", Instant.parse("2026-01-01T00:00:00Z"));
    }

    private static List<Program> commandLine() throws IOException {
        return Program.all(HOME).stream().filter(program -> program.name().equals("cli")).toList();
    }

    @Test
    void itHasTheBasesLayersSaysWhatItStandsOnAndRuns() throws Exception {
        try (var registry = new Registry(base, folder)) {
            var settings = on(registry);
            new Images(settings).build(commandLine());

            var image = SavedImage.open(settings.tar("cli"));
            assertThat(layers(image)).hasSizeGreaterThan(layers(base).size()).startsWith(layers(base).toArray(String[]::new));
            var labels = image.config().path("config").path("Labels");
            assertThat(labels.path("org.opencontainers.image.base.name").asText()).isEqualTo(registry.name());
            assertThat(labels.path("org.opencontainers.image.base.digest").asText()).isEqualTo(registry.digest());
            try (var container = Container.start(image, image.unpack(folder.resolve("root")), Map.of(), Map.of("JDK_JAVA_OPTIONS", "-Xshare:on"), List.of("version"), folder.resolve("log"))) {
                assertThat(container.process().waitFor(60, TimeUnit.SECONDS)).isTrue();
                assertThat(container.log()).contains("muster ");
                assertThat(container.process().exitValue()).as(container.log()).isZero();
            }
        }
    }

    @Test
    void aBaseThatIsNotWhatItsDigestSaysIsRefused() throws Exception {
        try (var registry = new Registry(base, folder)) {
            registry.tamper();
            var settings = on(registry);

            assertThatThrownBy(() -> new Images(settings).build(commandLine())).hasStackTraceContaining("sha256:");
            assertThat(settings.tar("cli")).doesNotExist();
        }
    }

    private static List<String> layers(SavedImage image) {
        var layers = new ArrayList<String>();
        for (JsonNode layer : image.config().path("rootfs").path("diff_ids")) {
            layers.add(layer.asText());
        }
        return layers;
    }
}
