package dev.muster.packaging;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.Deflater;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipArchiveOutputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorOutputStream;
import org.apache.commons.compress.compressors.gzip.GzipParameters;

/**
 * Makes a release of what was built: the command line, the services and a broker for local runs, which need a Java runtime and nothing else, with the
 * folder deploy and the documentation; as tar.gz and as zip, beside the chart, the list of what is in it (SBOM) and the sums of all.
 *
 * <p>A jar that several programs need is in it once. The same sources give the same archives.
 */
public final class Release {

    private static final int FILE = 0644;
    private static final int PROGRAM = 0755;
    private static final String SBOM = "muster.cdx.json";
    /** What the packaging itself needs, and what a checkout leaves behind. */
    private static final Pattern LEFT_OUT = Pattern.compile("deploy/packaging/.*|(.*/)?(target|__pycache__)/.*");

    /** @param mode its permissions */
    private record Content(Path from, int mode) {}

    private final Path home;
    private final Path target;
    private final String version;
    private final Instant created;
    private final Path work;
    /** By the path in the archive, under its one folder. */
    private final TreeMap<String, Content> contents = new TreeMap<>();

    private Release(Path home, Path target, String version, Instant created) throws IOException {
        this.home = home;
        this.target = target;
        this.version = version;
        this.created = created;
        this.work = Files.createDirectories(target.resolve("release-work"));
    }

    public static void main(String[] arguments) throws Exception {
        var given = Stream.of(arguments).map(argument -> argument.split("=", 2)).collect(Collectors.toMap(pair -> pair[0], pair -> pair[1]));
        new Release(Path.of(given.get("home")).toAbsolutePath().normalize(), Path.of(given.get("target")).toAbsolutePath().normalize(), given.get("version"),
                Instant.parse(given.get("created"))).make();
    }

    private void make() throws IOException {
        var release = target.resolve("release");
        SavedImage.delete(release);
        Files.createDirectories(release);
        programs();
        add("muster", home.resolve("muster"), PROGRAM);
        add("bin/muster", home.resolve("muster"), PROGRAM);
        for (var file : List.of("README.md", "CHANGELOG.md", "LICENSE", "NOTICE")) {
            add(file, home.resolve(file), FILE);
        }
        folder("deploy");
        folder("docs");
        var libraries = ConsoleLibraries.of(home.resolve("planner"));
        var parts = new ObjectMapper().readTree(home.resolve("target/bom.json").toFile());
        add("THIRD-PARTY.txt", Files.writeString(work.resolve("THIRD-PARTY.txt"), thirdParties(parts, libraries)), FILE);
        libraries.forEach(library -> list(library, (ArrayNode) parts.path("components")));
        var sbom = Files.writeString(work.resolve(SBOM), new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(parts));
        add(SBOM, sbom, FILE);

        var name = "muster-" + version;
        tarGz(release.resolve(name + ".tar.gz"), name, contents);
        zip(release.resolve(name + ".zip"), name);
        chart(release);
        Files.copy(sbom, release.resolve(name + ".cdx.json"));
        sums(release);
    }

    private void programs() throws IOException {
        // Where each jar is, by its sum.
        var known = new HashMap<String, String>();
        for (var jar : jars(home.resolve("cli/target/lib"))) {
            known.put(sha256(jar), add("lib/cli/" + jar.getFileName(), jar, FILE));
        }
        for (var jar : jars(home.resolve("sandbox/broker/target/lib"))) {
            known.putIfAbsent(sha256(jar), add("lib/broker/" + jar.getFileName(), jar, FILE));
        }
        for (var program : Program.all(home)) {
            if (program.isService()) {
                var classPath = program.jars().stream().map(jar -> known.computeIfAbsent(sha256(jar.built()), sum -> service(program, jar)));
                var start = Files.write(work.resolve(program.name() + ".txt"), Stream.concat(Stream.of(program.main()), classPath).toList());
                add("lib/services/" + program.name() + ".txt", start, FILE);
            } else {
                program.jars().forEach(jar -> add("lib/cli/" + jar.built().getFileName(), jar.built(), FILE));
            }
        }
    }

    private static List<Path> jars(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(".jar")).sorted().toList();
        }
    }

    /** Where a service's jar is in the release. */
    private String service(Program program, Program.Jar jar) {
        var file = jar.built().getFileName().toString();
        // Quarkus' own have the same name in every service.
        var path = "lib/services/" + (jar.path().startsWith("quarkus/") || contents.containsKey("lib/services/" + file) ? program.name() + "-" + file : file);
        return add(path, jar.built(), FILE);
    }

    private void tarGz(Path file, String top, Map<String, Content> packed) throws IOException {
        var parameters = new GzipParameters();
        // Nearly all of it is packed already.
        parameters.setCompressionLevel(Deflater.BEST_SPEED);
        try (var tar = new TarArchiveOutputStream(new GzipCompressorOutputStream(Files.newOutputStream(file), parameters), "UTF-8")) {
            tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
            for (var entry : packed.entrySet()) {
                var header = new TarArchiveEntry(top + "/" + entry.getKey());
                header.setSize(Files.size(entry.getValue().from()));
                header.setMode(0100000 | entry.getValue().mode());
                header.setModTime(java.nio.file.attribute.FileTime.from(created));
                header.setIds(0, 0);
                header.setNames("root", "root");
                tar.putArchiveEntry(header);
                Files.copy(entry.getValue().from(), tar);
                tar.closeArchiveEntry();
            }
        }
    }

    private void zip(Path file, String top) throws IOException {
        try (var zip = new ZipArchiveOutputStream(file)) {
            zip.setLevel(Deflater.BEST_SPEED);
            for (var entry : contents.entrySet()) {
                var header = new ZipArchiveEntry(top + "/" + entry.getKey());
                header.setTime(created.toEpochMilli());
                header.setUnixMode(0100000 | entry.getValue().mode());
                zip.putArchiveEntry(header);
                Files.copy(entry.getValue().from(), (OutputStream) zip);
                zip.closeArchiveEntry();
            }
        }
    }

    /** As {@code helm package} lays it out; its name tells it from the release. Nothing where there is no chart. */
    private void chart(Path release) throws IOException {
        var chart = home.resolve("deploy/chart");
        if (!Files.exists(chart.resolve("Chart.yaml"))) {
            System.out.println("release: there is no chart in deploy/chart, so none is packed");
            return;
        }
        var name = field("name", Files.readString(chart.resolve("Chart.yaml")));
        var packed = new TreeMap<String, Content>();
        try (var files = Files.walk(chart)) {
            for (var file : files.filter(Files::isRegularFile).toList()) {
                packed.put(chart.relativize(file).toString(), new Content(file, FILE));
            }
        }
        // As .helmignore says it.
        packed.keySet().removeIf(path -> path.startsWith("ci/") || path.equals("README.md") || path.endsWith(".tgz"));
        tarGz(release.resolve(name + "-chart-" + field("version", Files.readString(chart.resolve("Chart.yaml"))) + ".tgz"), name, packed);
    }

    private static String field(String name, String yaml) throws IOException {
        var match = Pattern.compile("(?m)^" + name + ": *\"?([^\"\\s#]+)").matcher(yaml);
        if (!match.find()) {
            throw new IOException("Chart.yaml says no " + name);
        }
        return match.group(1);
    }

    private void sums(Path release) throws IOException {
        var sums = new StringBuilder();
        try (var files = Files.list(release)) {
            for (var file : files.sorted().toList()) {
                sums.append(sha256(file)).append("  ").append(file.getFileName()).append('\n');
                System.out.println("release: " + file + ", " + (Files.size(file) + (1 << 19) >> 20) + " MiB");
            }
        }
        Files.writeString(release.resolve("SHA256SUMS"), sums);
    }

    /** The build's own list has jars alone. */
    private static void list(ConsoleLibraries.Library library, ArrayNode components) {
        var address = "pkg:maven/" + library.group() + "/" + library.name() + "@" + library.version() + "?type=jar";
        var component = components.addObject().put("type", "library").put("bom-ref", address).put("group", library.group()).put("name", library.name())
                .put("version", library.version()).put("scope", "required");
        component.putArray("licenses").addObject().putObject("license").put("id", library.license());
        component.put("purl", address);
    }

    /** Whose work is in the release, by the SBOM and in the console. */
    private String thirdParties(JsonNode sbom, List<ConsoleLibraries.Library> libraries) {
        var lines = new TreeMap<String, String>();
        for (var component : sbom.path("components")) {
            var jar = component.path("name").asText() + "-" + component.path("version").asText();
            // Some are named for other computers, or for what is built and not run.
            if (component.path("group").asText().equals("dev.muster") || contents.keySet().stream().noneMatch(path -> path.contains("/" + jar) || path.contains("." + jar))) {
                continue;
            }
            var licenses = new ArrayList<String>();
            for (var one : component.path("licenses")) {
                var license = one.path("license");
                licenses.add(one.has("expression") ? one.path("expression").asText() : license.has("id") ? license.path("id").asText() : license.path("name").asText());
            }
            lines.put(component.path("group").asText() + ":" + component.path("name").asText() + ":" + component.path("version").asText(),
                    licenses.isEmpty() ? "as its own files say" : String.join(" or ", licenses));
        }
        libraries.forEach(library -> lines.put(library.group() + ":" + library.name() + ":" + library.version(), library.license() + ", in the planner's web console"));
        return "Muster is under the Apache License 2.0. With it come these works of others, each under its own license, whose text is in its jar or at its publisher's.\n\n"
                + lines.entrySet().stream().map(line -> line.getKey() + "  " + line.getValue() + "\n").collect(Collectors.joining());
    }

    private void folder(String name) throws IOException {
        try (var files = Files.walk(home.resolve(name))) {
            for (var file : files.filter(Files::isRegularFile).toList()) {
                var path = home.relativize(file).toString();
                if (!LEFT_OUT.matcher(path).matches()) {
                    add(path, file, Files.isExecutable(file) ? PROGRAM : FILE);
                }
            }
        }
    }

    private String add(String path, Path from, int mode) {
        contents.put(path, new Content(from, mode));
        return path;
    }

    private static String sha256(Path file) {
        try (var content = new DigestInputStream(Files.newInputStream(file), MessageDigest.getInstance("SHA-256"))) {
            content.transferTo(OutputStream.nullOutputStream());
            return HexFormat.of().formatHex(content.getMessageDigest().digest());
        } catch (IOException unreadable) {
            throw new java.io.UncheckedIOException(unreadable);
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException("every JVM has SHA-256", impossible);
        }
    }
}
