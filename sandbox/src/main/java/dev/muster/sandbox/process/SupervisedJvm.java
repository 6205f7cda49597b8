package dev.muster.sandbox.process;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * A JVM of its own that is started again when it ends by itself, and that never outlives this process.
 *
 * <p>Thread-safe. It dies with its parent by {@link EndWithParent}; {@link #close} ends it in good order.
 */
public final class SupervisedJvm implements AutoCloseable {

    private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);
    /** A process that lived this long was well; its next end is a first one again. */
    private static final Duration WELL_AFTER = Duration.ofSeconds(30);
    /** After a polite request; then it is killed. */
    private static final Duration STOP_GRACE = Duration.ofSeconds(8);
    private static final long LARGEST_LOG = 32L << 20;

    private final JvmCommand command;
    private final Path agent;
    private final Runnable onChange;
    private final ScheduledExecutorService supervisor;

    private Process process;
    private long startedNanos;
    private int ends;
    private int endsInARow;
    private int lastExit;
    private boolean closed;

    private SupervisedJvm(JvmCommand command, Path agent, Runnable onChange) {
        this.command = command;
        this.agent = agent;
        this.onChange = onChange;
        this.supervisor = Executors.newSingleThreadScheduledExecutor(task -> {
            var thread = new Thread(task, "supervise-" + command.name());
            thread.setDaemon(true);
            return thread;
        });
    }

    /**
     * Starts it; returns at once.
     *
     * @param onChange called after each start and each end, on any thread; must not block
     */
    public static SupervisedJvm start(JvmCommand command, Runnable onChange) throws IOException {
        var jvm = new SupervisedJvm(command, EndWithParent.writeJar(command.log().toAbsolutePath().getParent()), onChange);
        jvm.startProcess();
        return jvm;
    }

    private void startProcess() throws IOException {
        synchronized (this) {
            if (closed) {
                return;
            }
            launch();
        }
        // Outside the lock: whoever is told may hold locks of its own while it asks us.
        onChange.run();
    }

    private void launch() throws IOException {
        keepLogSmall();
        var line = new ArrayList<String>();
        line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        line.add("-javaagent:" + agent);
        line.addAll(command.flags());
        line.addAll(command.target());
        var builder = new ProcessBuilder(line)
                .directory(command.folder().toFile())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(command.log().toFile()));
        // A setting of the person's own shell would change what every child is.
        builder.environment().keySet().removeAll(List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"));
        command.environment().forEach((name, value) -> {
            if (value.isEmpty()) {
                builder.environment().remove(name);
            } else {
                builder.environment().put(name, value);
            }
        });
        var started = builder.start();
        process = started;
        startedNanos = System.nanoTime();
        started.onExit().thenRun(() -> onEnd(started));
    }

    private void onEnd(Process ended) {
        synchronized (this) {
            lastExit = ended.exitValue();
            if (closed) {
                return;
            }
            var lived = Duration.ofNanos(System.nanoTime() - startedNanos);
            endsInARow = lived.compareTo(WELL_AFTER) >= 0 ? 1 : endsInARow + 1;
            ends++;
            var pause = FIRST_PAUSE.multipliedBy(1L << Math.min(endsInARow - 1, 10));
            supervisor.schedule(this::startAgain, Math.min(pause.toMillis(), LONGEST_PAUSE.toMillis()), TimeUnit.MILLISECONDS);
        }
        onChange.run();
    }

    private void startAgain() {
        try {
            startProcess();
        } catch (IOException notStarted) {
            // No process means no end that would call us again.
            supervisor.schedule(this::startAgain, LONGEST_PAUSE.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    private void keepLogSmall() throws IOException {
        File log = command.log().toFile();
        if (log.length() > LARGEST_LOG) {
            Files.move(log.toPath(), Path.of(log + ".1"), StandardCopyOption.REPLACE_EXISTING);
        }
    }

    public String name() {
        return command.name();
    }

    public Path log() {
        return command.log();
    }

    /** Of the current process, or of the last one if none runs now. */
    public synchronized long pid() {
        return process.pid();
    }

    public synchronized boolean isAlive() {
        return process.isAlive();
    }

    /** How often it ended by itself. */
    public synchronized int ends() {
        return ends;
    }

    /** Exit code of the last one that ended; 128 + the signal where one killed it. */
    public synchronized int lastExit() {
        return lastExit;
    }

    /** Asks it to end, without waiting. It isn't started again. */
    public void askToEnd() {
        synchronized (this) {
            closed = true;
        }
        supervisor.shutdownNow();
        process.destroy();
    }

    /** Ends it: asked first, killed if that takes too long (a stopped process can't hear). Idempotent. */
    @Override
    public void close() {
        askToEnd();
        try {
            if (!process.waitFor(STOP_GRACE.toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException interrupted) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
        try {
            process.getOutputStream().close();
        } catch (IOException broken) {
            throw new UncheckedIOException(broken);
        }
    }
}
