package dev.muster.packaging;

import com.google.cloud.tools.jib.api.Containerizer;
import com.google.cloud.tools.jib.api.ImageReference;
import com.google.cloud.tools.jib.api.Jib;
import com.google.cloud.tools.jib.api.JibContainerBuilder;
import com.google.cloud.tools.jib.api.RegistryImage;
import com.google.cloud.tools.jib.api.TarImage;
import com.google.cloud.tools.jib.api.buildplan.AbsoluteUnixPath;
import com.google.cloud.tools.jib.api.buildplan.FileEntriesLayer;
import com.google.cloud.tools.jib.api.buildplan.FilePermissions;
import com.google.cloud.tools.jib.api.buildplan.Platform;
import com.google.cloud.tools.jib.api.buildplan.Port;
import com.google.cloud.tools.jib.frontend.CredentialRetrieverFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Builds an image of each of Muster's programs into a tar, without a container engine: the base's layers, the libraries, the program, and the class data
 * of its start.
 *
 * <p>The same sources and the same base give the same layers, but for the class data.
 */
public final class Images {

    /** In the image; also the folder that the program works in. */
    static final String FOLDER = "/app";
    /** Nobody on the host, and nobody whom a base knows. */
    static final String USER = "10001:10001";
    /** What the JVM is started with, after the image's entry point. */
    static final String ARGUMENTS = "muster.args";
    static final String FLAGS = "muster.flags";

    private static final String TAR = "tar://";

    /**
     * @param home the source folder, in which all is built
     * @param target folder for what comes out, and for work
     * @param base {@code tar://} and a file that {@code docker save} could have written, or an image in a registry; empty: one is made, by base.sh
     * @param repository before the names of images
     * @param revision which commit they are of; empty: not known
     */
    record Settings(Path home, Path target, String base, String repository, String version, String revision, Instant created) {

        static Settings of(String... arguments) {
            var given = Stream.of(arguments).map(argument -> argument.split("=", 2)).collect(Collectors.toMap(pair -> pair[0], pair -> pair[1]));
            return new Settings(Path.of(given.get("home")).toAbsolutePath().normalize(), Path.of(given.get("target")).toAbsolutePath().normalize(), given.get("base"),
                    given.get("repository"), given.get("version"), given.get("revision"), Instant.parse(given.get("created")));
        }

        Settings on(String otherBase) {
            return new Settings(home, target, otherBase, repository, version, revision, created);
        }

        /** A base in a file has no name. */
        Map<String, String> baseLabels() {
            if (base.startsWith(TAR)) {
                return Map.of();
            }
            var named = base.split("@", 2);
            return named.length == 1 ? Map.of("org.opencontainers.image.base.name", named[0]) : Map.of("org.opencontainers.image.base.name", named[0], "org.opencontainers.image.base.digest", named[1]);
        }

        Path tar(String program) {
            return target.resolve(program + ".tar");
        }

        ImageReference name(String program) {
            try {
                return ImageReference.parse(repository + "/" + program + ":" + version);
            } catch (com.google.cloud.tools.jib.api.InvalidImageReferenceException invalid) {
                throw new IllegalArgumentException(invalid.getMessage(), invalid);
            }
        }
    }

    private final Settings settings;
    private final Path work;

    Images(Settings settings) {
        this.settings = settings;
        this.work = settings.target().resolve("work");
    }

    public static void main(String[] arguments) throws Exception {
        try {
            var settings = Settings.of(arguments);
            new Images(settings).build(Program.all(settings.home()));
        } catch (IOException refused) {
            System.err.println("images: " + refused.getMessage());
            System.exit(1);
        }
        // Jib's pools of threads would keep the process for a minute.
        System.exit(0);
    }

    /** Of each of these. */
    void build(List<Program> programs) throws Exception {
        SavedImage.delete(work);
        Files.createDirectories(work);
        if (settings.base().isEmpty()) {
            new Images(settings.on(ownBase())).build(programs);
            return;
        }
        var base = savedBase();
        var root = base.unpack(work.resolve("base"));
        var java = base.find("java", root).orElseThrow(() -> new IOException("there is no java on the PATH of " + settings.base()));
        var classData = new ClassData(java, work);
        try (var surroundings = Surroundings.start(settings.home(), work.resolve("surroundings"))) {
            for (var program : programs) {
                var app = stage(program);
                classData.make(program, app, surroundings);
                build(program, app);
            }
        }
    }

    private String ownBase() throws IOException, InterruptedException {
        var script = new ProcessBuilder("sh", settings.home().resolve("deploy/packaging/base.sh").toString(), settings.target().toString()).inheritIO();
        script.environment().put("JAVA_HOME", System.getProperty("java.home"));
        if (script.start().waitFor() != 0) {
            throw new IOException("no base could be made");
        }
        return TAR + settings.target().resolve("base.tar");
    }

    /** The base in a tar, wherever it comes from: class data is made by its own Java. */
    SavedImage savedBase() throws Exception {
        if (settings.base().startsWith(TAR)) {
            return SavedImage.open(Path.of(settings.base().substring(TAR.length())));
        }
        var tar = work.resolve("base.tar");
        Files.createDirectories(work);
        from().setCreationTime(settings.created()).containerize(to(tar, ImageReference.parse("muster/base")));
        return SavedImage.open(tar);
    }

    private JibContainerBuilder from() throws Exception {
        if (settings.base().startsWith(TAR)) {
            return Jib.from(settings.base());
        }
        var image = ImageReference.parse(settings.base());
        return Jib.from(RegistryImage.named(image).addCredentialRetriever(CredentialRetrieverFactory.forImage(image, event -> {}).dockerConfig()))
                // Its Java runs here.
                .setPlatforms(Set.of(new Platform(System.getProperty("os.arch").equals("aarch64") ? "arm64" : "amd64", "linux")));
    }

    private Containerizer to(Path tar, ImageReference name) {
        return Containerizer.to(TarImage.at(tar).named(name)).setToolName("muster").setAlwaysCacheBaseImage(true)
                .setBaseImageLayersCache(settings.target().resolve("cache")).setApplicationLayersCache(settings.target().resolve("cache"))
                // Without TLS only where nobody can come between.
                .setAllowInsecureRegistries(settings.base().startsWith("localhost:") || settings.base().startsWith("127.0.0.1:"));
    }

    /** The program's folder as it is in the image. */
    private Path stage(Program program) throws IOException {
        var app = Files.createDirectories(work.resolve("app").resolve(program.name()));
        for (var jar : program.jars()) {
            var file = app.resolve(jar.path());
            Files.createDirectories(file.getParent());
            Files.copy(jar.built(), file);
            Files.setLastModifiedTime(file, FileTime.from(settings.created()));
        }
        Files.write(app.resolve(FLAGS), Program.flags());
        var arguments = new ArrayList<>(List.of("-XX:Flags=" + FOLDER + "/" + FLAGS, "-XX:SharedArchiveFile=" + FOLDER + "/" + ClassData.FILE));
        arguments.addAll(program.options());
        arguments.addAll(List.of("-cp", program.classPath(), program.main()));
        Files.writeString(app.resolve(ARGUMENTS), String.join("\n", arguments) + "\n");
        return app;
    }

    private void build(Program program, Path app) throws Exception {
        var libraries = FileEntriesLayer.builder().setName("libraries");
        var own = FileEntriesLayer.builder().setName("program");
        for (var jar : program.jars()) {
            add(jar.isOwn() ? own : libraries, app, jar.path());
        }
        var start = FileEntriesLayer.builder().setName("start");
        add(start, app, FLAGS);
        add(start, app, ARGUMENTS);
        add(start, app, ClassData.FILE);
        var image = from().setCreationTime(settings.created()).setUser(USER).setWorkingDirectory(AbsoluteUnixPath.get(FOLDER))
                .setEntrypoint("java", "@" + FOLDER + "/" + ARGUMENTS).setProgramArguments(List.of())
                // Fewer arenas: a JVM's native memory otherwise grows with its threads.
                .addEnvironmentVariable("MALLOC_ARENA_MAX", "2").addEnvironmentVariable("LANG", "C.UTF-8")
                .setLabels(labels(program)).setFileEntriesLayers(List.of(libraries.build(), own.build(), start.build()));
        if (program.isService()) {
            image.addExposedPort(Port.tcp(program.port()));
        }
        var tar = settings.tar(program.name());
        image.containerize(to(tar, settings.name(program.name())));
        System.out.println("images: " + settings.name(program.name()) + " in " + tar + ", " + (Files.size(tar) + (1 << 19) >> 20) + " MiB");
    }

    private void add(FileEntriesLayer.Builder layer, Path app, String path) {
        layer.addEntry(app.resolve(path), AbsoluteUnixPath.get(FOLDER + "/" + path), FilePermissions.fromOctalString("444"), settings.created());
    }

    private Map<String, String> labels(Program program) {
        var labels = new TreeMap<>(Map.of("org.opencontainers.image.title", "muster-" + program.name(), "org.opencontainers.image.description", program.title(),
                "org.opencontainers.image.version", settings.version(), "org.opencontainers.image.licenses", "Apache-2.0",
                "org.opencontainers.image.created", settings.created().toString()));
        if (!settings.revision().isEmpty()) {
            labels.put("org.opencontainers.image.revision", settings.revision());
        }
        labels.putAll(settings.baseLabels());
        return labels;
    }
}
