package dev.muster.packaging;

import java.io.DataInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.stream.Stream;
import java.util.zip.ZipFile;

/**
 * One of Muster's programs as it was built, and how a JVM in a container starts it: from a plain class path, since what Quarkus' own loader loads
 * can't be kept as class data.
 *
 * @param name of its image
 * @param title what it is, in a sentence
 * @param main its main class
 * @param jars in the order of the class path
 * @param port that it listens on; 0: none
 */
record Program(String name, String title, String main, List<Jar> jars, int port) {

    /** @param path under the program's folder in the image */
    record Jar(Path built, String path) {

        /** Of Muster, or made for one program; others are the same in many releases. */
        boolean isOwn() {
            return !path.startsWith("lib/") || path.contains("muster-");
        }
    }

    static final String CLI = "cli";

    /** Begins the file in which Quarkus says how a program is started; its version and the main class come next. */
    private static final int QUARKUS_APPLICATION = 0xF0315432;
    /** Quarkus' own default. */
    private static final String DEFAULT_PORT = "8080";

    /** @param home the source folder, in which all is built */
    static List<Program> all(Path home) throws IOException {
        return List.of(
                service(home, "planner", "Plans how many machines there are, and has the control API."),
                service(home, "queue-watcher", "Tells the planner what waits in ClearML's queues."),
                service(home, "aws-provisioner", "Launches and terminates machines on EC2."),
                service(home, "gcp-provisioner", "Launches and terminates machines on Compute Engine."),
                service(home, "k8s-provisioner", "Launches and terminates machines that are pods."),
                cli(home));
    }

    boolean isService() {
        return port != 0;
    }

    /** Flags as a file has them, which the JVM reads before those of its environment: what an operator sets there holds. */
    static List<String> flags() {
        return List.of(
                // Beside its heap a service takes about 100 MiB.
                "MaxRAMPercentage=50", "ThreadStackSize=512", "+UseSerialGC", "TieredStopAtLevel=1",
                // What it knows is in Kafka: it is better started again than left half alive.
                "+ExitOnOutOfMemoryError",
                // Nothing is written but to the container's log, and to /tmp.
                "+ErrorFileToStderr", "-UsePerfData");
    }

    /** What the JVM is told before the class path. */
    List<String> options() {
        return isService() ? List.of("-Dfile.encoding=UTF-8", "-Djava.util.logging.manager=org.jboss.logmanager.LogManager")
                : List.of("-Dfile.encoding=UTF-8", "-Dstdout.encoding=UTF-8", "-Xlog:disable", "-Xlog:all=error:stderr", "-Dslf4j.internal.verbosity=ERROR",
                        "-Dmuster.home=" + Images.FOLDER);
    }

    String classPath() {
        return String.join(":", jars.stream().map(Jar::path).toList());
    }

    private static Program service(Path home, String module, String title) throws IOException {
        var built = home.resolve(module).resolve("target/quarkus-app");
        if (!Files.exists(built)) {
            throw new IOException(module + " is not built (" + built + " is missing)");
        }
        var jars = new ArrayList<Jar>();
        // What Quarkus changed comes before what it was made from.
        for (var folder : List.of("quarkus", "app", "lib/boot", "lib/main")) {
            jarsIn(built.resolve(folder)).stream().sorted((a, b) -> Boolean.compare(b.startsWith("transformed"), a.startsWith("transformed")))
                    .forEach(jar -> jars.add(new Jar(built.resolve(folder).resolve(jar), folder.startsWith("lib/") ? "lib/" + jar : folder + "/" + jar)));
        }
        String main;
        try (var application = new DataInputStream(Files.newInputStream(built.resolve("quarkus/quarkus-application.dat")))) {
            if (application.readInt() != QUARKUS_APPLICATION) {
                throw new IOException(built + "/quarkus/quarkus-application.dat is not as this Quarkus writes it");
            }
            application.readInt();
            main = application.readUTF();
        }
        return new Program(module, title, main, List.copyOf(jars), port(jars));
    }

    private static int port(List<Jar> jars) throws IOException {
        var app = jars.stream().filter(jar -> jar.path().startsWith("app/")).findFirst().orElseThrow();
        var properties = new Properties();
        try (var zip = new ZipFile(app.built().toFile()); var file = zip.getInputStream(zip.getEntry("application.properties"))) {
            properties.load(file);
        }
        return Integer.parseInt(properties.getProperty("quarkus.http.port", DEFAULT_PORT));
    }

    private static Program cli(Path home) throws IOException {
        var built = home.resolve("cli/target");
        var jars = new ArrayList<Jar>();
        for (var jar : jarsIn(built)) {
            if (jar.startsWith("muster-cli-") && !jar.endsWith("-tests.jar") && !jar.endsWith("-sources.jar")) {
                jars.add(new Jar(built.resolve(jar), "app/" + jar));
            }
        }
        for (var jar : jarsIn(built.resolve("lib"))) {
            jars.add(new Jar(built.resolve("lib").resolve(jar), "lib/" + jar));
        }
        return new Program(CLI, "The command line, for jobs in the cluster.", "dev.muster.cli.Muster", List.copyOf(jars), 0);
    }

    private static List<String> jarsIn(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).filter(name -> name.endsWith(".jar")).sorted().toList();
        }
    }
}
