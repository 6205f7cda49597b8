package dev.muster.sandbox.suite;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Where Muster's programs are and how they are started: as Maven left them in the source folder, or as a release has them, which keeps a jar once
 * for all services that need it and says of each service in {@code lib/services/NAME.txt} its main class and then, a line each, its class path.
 *
 * @param home the source folder, or the release's
 */
public record Programs(Path home) {

    /** Of a release alone. */
    private static final String RELEASED = "lib/services";
    /** Quarkus' own start sets it; a plain one has to be told. */
    private static final String LOG_MANAGER = "-Djava.util.logging.manager=org.jboss.logmanager.LogManager";

    private boolean isRelease() {
        return Files.isDirectory(home.resolve(RELEASED));
    }

    /** Folder with the broker's jars. */
    public Path broker() {
        return home.resolve(isRelease() ? "lib/broker" : "sandbox/broker/target/lib");
    }

    /** The file without which a service isn't there. */
    public Path file(String service) {
        return isRelease() ? home.resolve(RELEASED).resolve(service + ".txt") : app(service).resolve("quarkus-run.jar");
    }

    /** @throws IllegalStateException if a service isn't there, in one sentence */
    public void require(String service) {
        if (!Files.exists(file(service))) {
            throw new IllegalStateException(isRelease() ? service + " is not in this release (" + file(service) + " is missing): unpack it anew"
                    : service + " is not built (" + file(service) + " is missing): run mvn -B -q -DskipTests package");
        }
    }

    /** What starts a service, after the JVM's flags. */
    List<String> start(String service) {
        return isRelease() ? List.of(LOG_MANAGER, "-cp", classPath(service), lines(service).get(0)) : List.of("-jar", file(service).toString());
    }

    /** For another program that a service's jars have. */
    public String classPath(String service) {
        var jars = isRelease() ? lines(service).stream().skip(1).map(home::resolve)
                : Stream.of("app/*", "lib/main/*", "lib/boot/*", "quarkus/*").map(app(service)::resolve);
        return jars.map(Path::toString).collect(Collectors.joining(File.pathSeparator));
    }

    private Path app(String service) {
        return home.resolve(service).resolve("target/quarkus-app");
    }

    private List<String> lines(String service) {
        try {
            return Files.readAllLines(file(service));
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }
}
