package dev.muster.packaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The images as {@code mvn -Pimages} built them: what they say of themselves, and that each program runs in its own. */
class ImagesIT {

    private static final Path HOME = Path.of("../..").toAbsolutePath().normalize();
    private static final Path TARGET = Path.of("target").toAbsolutePath();
    /** As project.build.outputTimestamp in the parent POM. */
    private static final Instant CREATED = Instant.parse("2026-01-01T00:00:00Z");
    private static final Duration READY_WITHIN = Duration.ofSeconds(120);
    /** Where a container sees what it is given. */
    private static final String SEEN = "/tmp/surroundings";

    @TempDir
    static Path shared;

    @TempDir
    Path folder;

    private static Surroundings surroundings;

    @BeforeAll
    static void begin() throws Exception {
        var built = Files.exists(TARGET.resolve("planner.tar"));
        if (!built) {
            System.out.println("Skipped: tests of images; -Pimages builds them");
        }
        Assumptions.assumeTrue(built, "no images are built");
        surroundings = Surroundings.start(HOME, shared.resolve("surroundings"));
        // As a cluster mounts secrets for the user of a container.
        open(surroundings.folder());
    }

    private static void open(Path folder) throws IOException {
        try (var files = Files.walk(folder)) {
            for (var file : files.toList()) {
                var permissions = Files.getPosixFilePermissions(file);
                permissions.add(PosixFilePermission.OTHERS_READ);
                if (Files.isDirectory(file)) {
                    permissions.add(PosixFilePermission.OTHERS_EXECUTE);
                }
                Files.setPosixFilePermissions(file, permissions);
            }
        }
    }

    @AfterAll
    static void end() {
        if (surroundings != null) {
            surroundings.close();
        }
    }

    private static SavedImage image(String program) throws IOException {
        return SavedImage.open(TARGET.resolve(program + ".tar"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"planner", "queue-watcher", "aws-provisioner", "gcp-provisioner", "k8s-provisioner"})
    void aServiceIsReadyAsItsOwnUserOnFilesItCannotWriteAndEndsWhenAsked(String service) throws Exception {
        var image = image(service);
        var root = image.unpack(folder.resolve("root"));
        var port = Surroundings.freePort();
        surroundings.tell(service, port, folder.resolve("told"), Path.of(SEEN));
        open(folder.resolve("told"));
        var log = folder.resolve("log");

        // With -Xshare:on a JVM whose class data doesn't fit it refuses to start.
        try (var container = Container.start(image, root, Map.of("/app/config", folder.resolve("told/config"), SEEN, surroundings.folder()),
                Map.of("JDK_JAVA_OPTIONS", "-Xshare:on"), List.of(), log)) {
            var took = surroundings.awaitReady(container.process(), port, READY_WITHIN, log);

            assertThat(container.proc("status")).contains("Uid:\t10001\t10001\t10001\t10001\n").contains("NSpid:\t" + container.first().pid() + "\t1\n");
            assertThat(container.proc("mountinfo").lines().filter(line -> line.split(" ")[4].equals("/")).reduce((a, b) -> b).orElseThrow().split(" ")[5]).startsWith("ro");
            assertThat(container.proc("maps")).contains("/app/muster.jsa");
            System.out.println("images: " + service + " ready after " + took.toMillis() + " ms, " + container.proc("status").lines().filter(line -> line.startsWith("VmRSS")).findFirst().orElse("")
                    + ", image " + (Files.size(image.tar()) >> 20) + " MiB");
            assertThat(container.end(15)).as(container.log()).isTrue();
        }
    }

    @Test
    void theCommandLineRunsInItsOwn() throws Exception {
        var image = image("cli");
        var log = folder.resolve("log");
        try (var container = Container.start(image, image.unpack(folder.resolve("root")), Map.of(), Map.of(), List.of("version"), log)) {
            assertThat(container.process().waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(container.log()).matches("muster \\S+ on Java 17\\S*\n").doesNotContain("development");
        }
    }

    @Test
    void anImageSaysWhatItIs() throws Exception {
        var image = image("queue-watcher").config();

        assertThat(Instant.parse(image.path("created").asText())).isEqualTo(CREATED);
        var config = image.path("config");
        assertThat(config.path("User").asText()).isEqualTo("10001:10001");
        assertThat(config.path("WorkingDir").asText()).isEqualTo("/app");
        assertThat(texts(config.path("Entrypoint"))).containsExactly("java", "@/app/muster.args");
        assertThat(texts(config.path("Env"))).contains("MALLOC_ARENA_MAX=2", "LANG=C.UTF-8");
        assertThat(config.path("ExposedPorts").fieldNames()).toIterable().containsExactly("8481/tcp");
        var labels = new ObjectMapper().convertValue(config.path("Labels"), Map.class);
        assertThat(labels).contains(entry("org.opencontainers.image.title", "muster-queue-watcher"), entry("org.opencontainers.image.licenses", "Apache-2.0"),
                entry("org.opencontainers.image.created", "2026-01-01T00:00:00Z")).containsKey("org.opencontainers.image.version");
    }

    private static List<String> texts(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false).map(JsonNode::asText).toList();
    }

    @Test
    void nothingInItsFoldersIsNewerThanTheRelease() throws Exception {
        var root = image("planner").unpack(folder.resolve("root"));
        try (var files = Files.walk(root.resolve("app"))) {
            assertThat(files.filter(Files::isRegularFile).filter(file -> {
                try {
                    return !Files.getLastModifiedTime(file).toInstant().equals(CREATED);
                } catch (IOException unreadable) {
                    throw new java.io.UncheckedIOException(unreadable);
                }
            }).toList()).isEmpty();
        }
        assertThat(root.resolve("app/app")).isDirectory();
    }

    @Test
    void programsOfMachinesAreInTheJars() throws Exception {
        for (var provisioner : List.of("aws-provisioner", "gcp-provisioner", "k8s-provisioner")) {
            var root = image(provisioner).unpack(folder.resolve(provisioner));
            try (var jars = Files.list(root.resolve("app/lib"))) {
                var shared = jars.filter(jar -> jar.getFileName().toString().startsWith("dev.muster.muster-provisioner-")).findFirst().orElseThrow();
                try (var zip = new java.util.zip.ZipFile(shared.toFile())) {
                    assertThat(zip.stream().map(java.util.zip.ZipEntry::getName).filter(name -> name.startsWith("dev/muster/provisioner/boot/")).filter(name -> !name.endsWith(".class"))
                            .collect(Collectors.toSet())).contains("dev/muster/provisioner/boot/boot.sh", "dev/muster/provisioner/boot/guard.py", "dev/muster/provisioner/boot/pod.sh",
                            "dev/muster/provisioner/boot/pod.py", "dev/muster/provisioner/boot/secrets.sh", "dev/muster/provisioner/boot/fetch_secrets.py");
                }
            }
        }
    }

    @Test
    void itsOwnBaseTrustsThePublicAuthorities() throws Exception {
        var image = image("planner");
        var root = image.unpack(folder.resolve("root"));
        var java = image.find("keytool", root).orElseThrow();
        var listed = new ProcessBuilder(java.toString(), "-list", "-cacerts", "-storepass", "changeit").redirectErrorStream(true).start();
        assertThat(new String(listed.getInputStream().readAllBytes(), StandardCharsets.UTF_8).lines().filter(line -> line.contains("trustedCertEntry")).count()).isGreaterThan(100);
    }

    /** As docs/images.md has it, with a folder in the registry's place. */
    @Test
    void anotherToolCopiesATar() throws Exception {
        var shown = Files.readString(HOME.resolve("docs/images.md")).lines().filter(line -> line.startsWith("skopeo copy ")).findFirst().orElseThrow();
        var copy = shown.replaceFirst("docker://\\S+", "dir:" + folder.resolve("copied"));
        assertThat(copy).isNotEqualTo(shown);
        int exit;
        try {
            exit = new ProcessBuilder("sh", "-c", "command -v skopeo >/dev/null || exit 99; exec " + copy.replaceFirst("skopeo ", "skopeo --insecure-policy ")).directory(HOME.toFile())
                    .inheritIO().start().waitFor();
        } catch (IOException noShell) {
            exit = 99;
        }
        if (exit == 99) {
            System.out.println("Skipped: copies an image by skopeo; there is none");
        }
        Assumptions.assumeTrue(exit != 99, "no skopeo");
        assertThat(exit).isZero();
        assertThat(folder.resolve("copied/manifest.json")).exists();
    }

    /** What an operator sets holds against the image's own flags. */
    @Test
    void flagsOfTheEnvironmentHold() throws Exception {
        var image = image("cli");
        var log = folder.resolve("log");
        try (var container = Container.start(image, image.unpack(folder.resolve("root")), Map.of(), Map.of("JAVA_TOOL_OPTIONS", "-XX:MaxRAMPercentage=33 -XX:+PrintFlagsFinal"),
                List.of("version"), log)) {
            assertThat(container.process().waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(container.log()).containsPattern("MaxRAMPercentage += 33\\.0+ .*environment").containsPattern("ExitOnOutOfMemoryError += true .*config file")
                    .containsPattern("UseSerialGC += true .*config file");
        }
    }
}
