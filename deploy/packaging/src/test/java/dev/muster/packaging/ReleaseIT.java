package dev.muster.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The release as {@code mvn -Prelease} made it, unpacked into an empty folder, on a computer that has a Java runtime, a shell, and nothing else. */
class ReleaseIT {

    private static final Path HOME = Path.of("../..").toAbsolutePath().normalize();
    private static final Path RELEASE = Path.of("target/release").toAbsolutePath();

    @TempDir
    static Path folder;

    private static Path unpacked;
    private static Path runtime;

    @BeforeAll
    static void unpack() throws Exception {
        var made = Files.exists(RELEASE.resolve("SHA256SUMS"));
        if (!made) {
            System.out.println("Skipped: tests of the release; -Prelease makes it");
        }
        Assumptions.assumeTrue(made, "no release is made");
        var there = Files.createDirectories(folder.resolve("there"));
        assertThat(new ProcessBuilder("tar", "-xzf", only(".tar.gz").toString(), "-C", there.toString()).inheritIO().start().waitFor()).isZero();
        try (var tops = Files.list(there)) {
            unpacked = tops.toList().get(0);
        }
        // As a Java runtime is sold: what programs may name, and no tool that makes programs.
        runtime = folder.resolve("runtime");
        var jlink = ToolProvider.findFirst("jlink").orElseThrow();
        assertThat(jlink.run(System.out, System.err, "--add-modules", "java.se,jdk.charsets,jdk.crypto.ec,jdk.httpserver,jdk.localedata,jdk.management,jdk.naming.dns,jdk.net,"
                + "jdk.security.auth,jdk.security.jgss,jdk.unsupported,jdk.zipfs", "--no-header-files", "--no-man-pages", "--output", runtime.toString())).isZero();
        assertThat(runtime.resolve("bin/javac")).doesNotExist();
    }

    private static Path only(String ending) throws IOException {
        try (var files = Files.list(RELEASE)) {
            return files.filter(file -> file.toString().endsWith(ending)).findFirst().orElseThrow(() -> new AssertionError("nothing of the release ends with " + ending));
        }
    }

    private record Ran(int exitCode, String out, String err) {}

    private static ProcessBuilder command(String... command) throws IOException {
        var tools = Files.createDirectories(folder.resolve("tools"));
        if (!Files.exists(tools.resolve("sh"))) {
            Files.createSymbolicLink(tools.resolve("sh"), Path.of("/bin/sh"));
        }
        var builder = new ProcessBuilder(command).directory(unpacked.toFile());
        builder.environment().clear();
        builder.environment().put("PATH", runtime.resolve("bin") + ":" + tools);
        builder.environment().put("HOME", folder.toString());
        builder.environment().put("XDG_CONFIG_HOME", folder.resolve(".config").toString());
        return builder;
    }

    private static Ran run(String... command) throws Exception {
        var out = folder.resolve("out");
        var err = folder.resolve("err");
        var process = command(command).redirectOutput(out.toFile()).redirectError(err.toFile()).start();
        process.getOutputStream().close();
        if (!process.waitFor(5, TimeUnit.MINUTES)) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
            throw new AssertionError(String.join(" ", command) + ": " + Files.readString(out) + Files.readString(err));
        }
        return new Ran(process.exitValue(), Files.readString(out), Files.readString(err));
    }

    private static String version() {
        return unpacked.getFileName().toString().replaceFirst("muster-", "");
    }

    @Test
    void itRunsWithAJavaRuntimeAlone() throws Exception {
        assertThat(run("bin/muster", "--version")).isEqualTo(new Ran(0, "muster " + version() + "\n", ""));
        assertThat(run("./muster", "--version")).isEqualTo(new Ran(0, "muster " + version() + "\n", ""));
        // From elsewhere, by a link on the PATH.
        Files.createDirectories(folder.resolve("links"));
        Files.createSymbolicLink(folder.resolve("links/muster"), unpacked.resolve("bin/muster"));
        Assumptions.assumeTrue(Files.exists(Path.of("/usr/bin/readlink")));
        Files.createSymbolicLink(folder.resolve("tools/readlink"), Path.of("/usr/bin/readlink"));
        assertThat(run(folder.resolve("links/muster").toString(), "--version")).isEqualTo(new Ran(0, "muster " + version() + "\n", ""));
    }

    @Test
    void whoTypesACommandHasTheNextOnesStartFaster() throws Exception {
        var tools = folder.resolve("tools");
        var terminal = Path.of("/usr/bin/script");
        Assumptions.assumeTrue(Files.exists(terminal), "there is no script of util-linux, which plays a terminal");
        var demanding = List.of("env", "JAVA_TOOL_OPTIONS=-Xshare:on", "bin/muster", "--version");
        run("bin/muster", "--version");
        for (var tool : List.of("env", "mv", "rm")) {
            Files.createSymbolicLink(tools.resolve(tool), Path.of("/usr/bin", tool));
        }
        // A JVM that must share class data doesn't start without them; the runtime has none of its own, and who is no person makes none.
        assertThat(run(demanding.toArray(String[]::new)).exitCode()).isNotZero();
        assertThat(run(terminal.toString(), "-qec", "TERM=xterm bin/muster --version", "/dev/null").exitCode()).isZero();
        var until = System.nanoTime() + TimeUnit.MINUTES.toNanos(2);
        while (left().noneMatch(name -> name.matches("cli-java-[0-9.]+\\.jsa"))) {
            assertThat(System.nanoTime()).as("class data are made; there is %s", left().toList()).isLessThan(until);
            TimeUnit.MILLISECONDS.sleep(100);
        }
        var ran = run(demanding.toArray(String[]::new));
        assertThat(ran.out()).as(ran.toString()).isEqualTo("muster " + version() + "\n");
        while (left().anyMatch(name -> !name.endsWith(".jsa"))) {
            assertThat(System.nanoTime()).as("nothing else stays; there is %s", left().toList()).isLessThan(until);
            TimeUnit.MILLISECONDS.sleep(100);
        }
        Files.delete(unpacked.resolve("lib").resolve(left().toList().get(0)));
    }

    /** What there is beside the programs. */
    private static Stream<String> left() throws IOException {
        try (var files = Files.list(unpacked.resolve("lib"))) {
            return files.filter(Files::isRegularFile).map(file -> file.getFileName().toString()).toList().stream();
        }
    }

    @Test
    void aServiceRunsInTheForeground() throws Exception {
        var told = folder.resolve("told");
        var log = folder.resolve("log");
        var port = Surroundings.freePort();
        try (var surroundings = Surroundings.start(HOME, folder.resolve("surroundings"))) {
            surroundings.tell("planner", port, told, surroundings.folder());
            var process = command(unpacked.resolve("bin/muster").toString(), "service", "planner").directory(told.toFile()).redirectErrorStream(true).redirectOutput(log.toFile()).start();
            try {
                surroundings.awaitReady(process, port, Duration.ofSeconds(120), log);
                // The script became the service: whoever started it ends it.
                assertThat(process.descendants()).isEmpty();
                process.destroy();
                assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
            } finally {
                process.destroyForcibly();
            }
        }
    }

    @Test
    @Tag("long")
    void theDemoRunsInIt() throws Exception {
        var ran = run("bin/muster", "demo", "--clouds", "aws,gcp,k8s", "--json");
        assertThat(ran.exitCode()).as(ran.toString()).isZero();
        var answer = new ObjectMapper().readTree(ran.out());
        assertThat(List.of(answer.path("machinesLaunched").asInt(), answer.path("tasksCompleted").asInt(), answer.path("machinesLeft").asInt())).containsExactly(8, 8, 0);
    }

    @Test
    void theReadmeSaysHowItIsUsed() throws IOException {
        var number = version().replace("-SNAPSHOT", "");
        assertThat(Files.readString(HOME.resolve("README.md"))).contains("```sh\ntar -xzf muster-" + number + ".tar.gz\ncd muster-" + number + "\nbin/muster demo\n```\n");
        assertThat(only(".tar.gz").getFileName()).hasToString("muster-" + version() + ".tar.gz");
    }

    @Test
    void theScriptIsTheOneOfTheSources() throws IOException {
        var script = Files.readString(HOME.resolve("muster"));
        assertThat(Files.readString(unpacked.resolve("muster"))).isEqualTo(script);
        assertThat(Files.readString(unpacked.resolve("bin/muster"))).isEqualTo(script);
    }

    @Test
    void bothArchivesHaveTheSame() throws IOException {
        Set<String> ofTar;
        try (var files = Files.walk(unpacked)) {
            ofTar = files.filter(Files::isRegularFile).map(file -> unpacked.getParent().relativize(file).toString()).collect(Collectors.toSet());
        }
        try (var zip = new ZipFile(only(".zip").toFile())) {
            assertThat(zip.stream().map(java.util.zip.ZipEntry::getName).collect(Collectors.toSet())).isEqualTo(ofTar);
        }
        var top = unpacked.getFileName() + "/";
        assertThat(ofTar).contains(top + "LICENSE", top + "NOTICE", top + "CHANGELOG.md", top + "THIRD-PARTY.txt", top + "deploy/topics.txt", top + "deploy/examples/demo.yaml",
                top + "docs/cli.md").noneMatch(path -> path.contains("/target/") || path.contains("/packaging/"));
    }

    @Test
    void theListOfPartsNamesEveryJarOfOthers() throws IOException {
        var listed = new HashSet<String>();
        for (var component : new ObjectMapper().readTree(only(".cdx.json").toFile()).path("components")) {
            listed.add(component.path("name").asText() + "-" + component.path("version").asText());
        }
        try (var files = Files.walk(unpacked.resolve("lib"))) {
            var unlisted = files.map(file -> file.getFileName().toString()).filter(name -> name.endsWith(".jar") && !name.contains("muster-") && !name.contains("-bytecode"))
                    .map(name -> name.substring(0, name.length() - ".jar".length()))
                    .filter(name -> listed.stream().noneMatch(one -> name.equals(one) || name.endsWith("." + one) || name.startsWith(one + "-") || name.contains("." + one + "-"))).toList();
            assertThat(unlisted).isEmpty();
        }
        assertThat(Files.readString(unpacked.resolve("THIRD-PARTY.txt"))).contains("org.apache.kafka:kafka-clients:");
    }

    /** By what is in the planner's jar: each comes with its license, and is named wherever works of others are. */
    @Test
    void theConsolesLibrariesAreNamedToo() throws IOException {
        var libraries = new TreeSet<String>();
        Path jar;
        try (var files = Files.list(unpacked.resolve("lib/services"))) {
            jar = files.filter(file -> file.getFileName().toString().matches("muster-planner-[^-]*(-SNAPSHOT)?\\.jar")).findFirst().orElseThrow();
        }
        try (var zip = new ZipFile(jar.toFile())) {
            zip.stream().map(java.util.zip.ZipEntry::getName).filter(name -> name.startsWith("console/lib/") && name.endsWith("-LICENSE.txt"))
                    .forEach(name -> libraries.add(name.replace("console/lib/", "").replace("-LICENSE.txt", "")));
        }
        assertThat(libraries).contains("preact", "htm", "uplot");
        var thirdParties = Files.readString(unpacked.resolve("THIRD-PARTY.txt"));
        var notice = Files.readString(unpacked.resolve("NOTICE"));
        var listed = new ObjectMapper().readTree(only(".cdx.json").toFile()).path("components");
        assertThat(libraries).allSatisfy(library -> {
            var line = Pattern.compile("(?mi)^" + library + " (\\S+), .*, (MIT|Apache) License").matcher(notice);
            assertThat(line.find()).as(library + " in NOTICE").isTrue();
            assertThat(thirdParties).containsPattern("(?m)^\\S+:" + library + ":" + Pattern.quote(line.group(1)) + "  " + line.group(2));
            assertThat(listed).anySatisfy(component -> {
                assertThat(component.path("name").asText()).isEqualTo(library);
                assertThat(component.path("version").asText()).isEqualTo(line.group(1));
            });
        });
    }

    @Test
    void theSumsAreThoseOfTheFiles() throws Exception {
        var sums = Files.readAllLines(RELEASE.resolve("SHA256SUMS"));
        assertThat(sums).hasSizeGreaterThanOrEqualTo(3);
        for (var line : sums) {
            var file = RELEASE.resolve(line.substring(66));
            assertThat(line).isEqualTo(HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file))) + "  " + file.getFileName());
        }
        try (Stream<Path> files = Files.list(RELEASE)) {
            assertThat(files.count()).isEqualTo(sums.size() + 1L);
        }
    }
}
