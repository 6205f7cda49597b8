package dev.muster.packaging;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The classes of a program's start as the JVM keeps them in memory, in a file: the next start maps it instead of reading and checking thousands of
 * classes. It is good for one JVM, one class path and the very jars that it was made of, so it is made in the image's folder by the image's own Java.
 */
final class ClassData {

    static final String FILE = "muster.jsa";

    private static final Duration READY_WITHIN = Duration.ofSeconds(180);
    private static final Duration MADE_WITHIN = Duration.ofSeconds(300);

    private final Path java;
    private final Path work;

    /** @param work folder for logs and lists */
    ClassData(Path java, Path work) {
        this.java = java;
        this.work = work;
    }

    /** Leaves the file in the folder with the program's jars. */
    void make(Program program, Path app, Surroundings surroundings) throws IOException, InterruptedException {
        var classes = work.resolve(program.name() + ".classes");
        var noted = new ArrayList<>(List.of("-XX:Flags=" + Images.FLAGS, "-Xshare:auto", "-Xmx256m", "-XX:DumpLoadedClassList=" + classes));
        noted.addAll(program.options());
        if (program.isService()) {
            startService(program, app, noted, surroundings);
        } else {
            noted.addAll(List.of("-Dmuster.config=" + work.resolve("no-config.yaml"), "-cp", program.classPath(), "dev.muster.cli.FirstStart"));
            end(start(program, app, noted, "start"), program, "start", MADE_WITHIN);
        }
        // Objects of the start are kept by this collector alone, and taken by the one that the program runs with, too.
        var dump = List.of("-Xshare:dump", "-XX:+UseG1GC", "-Xmx512m", "-Xlog:disable", "-Xlog:all=error:stderr", "-XX:SharedClassListFile=" + classes,
                "-XX:SharedArchiveFile=" + app.resolve(FILE), "-cp", program.classPath());
        end(start(program, app, dump, "class-data"), program, "class-data", MADE_WITHIN);
    }

    private void startService(Program program, Path app, List<String> flags, Surroundings surroundings) throws IOException, InterruptedException {
        var told = work.resolve(program.name());
        var port = Surroundings.freePort();
        surroundings.tell(program.name(), port, told, surroundings.folder());
        flags.addAll(List.of("-Dsmallrye.config.locations=" + told.resolve("config/application.properties").toUri(), "-cp", program.classPath(), program.main()));
        var process = start(program, app, flags, "start");
        try {
            surroundings.awaitReady(process, port, READY_WITHIN, log(program, "start"));
        } finally {
            process.destroy();
        }
        // What it loads at its end, and that the list is whole.
        if (!process.waitFor(30, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new IOException(program.name() + " did not end when it was asked to; see " + log(program, "start"));
        }
    }

    private Process start(Program program, Path app, List<String> arguments, String step) throws IOException {
        var line = new ArrayList<>(List.of(java.toString()));
        line.addAll(arguments);
        var builder = new ProcessBuilder(line).directory(app.toFile()).redirectErrorStream(true).redirectOutput(log(program, step).toFile());
        builder.environment().keySet().removeAll(List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "JAVA_HOME"));
        var process = builder.start();
        process.getOutputStream().close();
        return process;
    }

    private void end(Process process, Program program, String step, Duration within) throws IOException, InterruptedException {
        if (!process.waitFor(within.toSeconds(), TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new IOException(program.name() + ", " + step + ": not done within " + within.toSeconds() + " s");
        }
        if (process.exitValue() != 0) {
            throw new IOException(program.name() + ", " + step + ": exit " + process.exitValue() + ": " + Files.readString(log(program, step)));
        }
    }

    private Path log(Program program, String step) {
        return work.resolve(program.name() + "-" + step + ".log");
    }
}
