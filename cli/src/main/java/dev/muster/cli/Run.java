package dev.muster.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonToken;
import dev.muster.sandbox.process.EndWithParent;
import dev.muster.sandbox.suite.ControlToken;
import dev.muster.sandbox.suite.Suite;
import dev.muster.sandbox.suite.SuiteSettings;
import dev.muster.sandbox.suite.SuiteState;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * A local run: the suite of one folder, seen from outside. The files of the run itself are in {@code run/} under the folder.
 */
final class Run {

    private static final Duration STOP_WITHIN = Duration.ofSeconds(40);

    private final Path folder;
    private final Path run;
    /** Made when it is needed: most commands need none, and it takes as long as a call. */
    private HttpClient http;

    Run(Path folder) {
        this.folder = folder;
        this.run = folder.resolve("run");
    }

    Path folder() {
        return folder;
    }

    /** With {@code suite.json}, {@code logs/} and what each service was told. */
    Path runFolder() {
        return run;
    }

    /** As written down last; empty if nothing runs. */
    Optional<SuiteState> running() {
        return lastState().filter(SuiteState::isRunning);
    }

    private Optional<SuiteState> lastState() {
        try {
            return SuiteState.read(run);
        } catch (IOException unreadable) {
            throw CliFailure.failed("the state of the run in " + run + " can't be read: " + unreadable.getMessage());
        }
    }

    /** @throws CliFailure in one sentence if nothing runs */
    SuiteState requireRunning() {
        return running().orElseThrow(() -> CliFailure.notRunning(
                "nothing runs in " + folder + ": start it with ./muster up, or name a control API with --server"));
    }

    /** Its control API, and the token that was made at its start, if one was. */
    Server server(SuiteState state) {
        return server(state.control());
    }

    /** Its control API, read without the rest of its state, which takes longer than a short command. @throws CliFailure in one sentence if nothing runs */
    Server requireServer() {
        var pid = 0L;
        var startedAt = 0L;
        var control = "";
        try (var json = new JsonFactory().createParser(SuiteState.file(run).toFile())) {
            json.nextToken();
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                var name = json.currentName();
                json.nextToken();
                switch (name) {
                    case "pid" -> pid = json.getValueAsLong();
                    case "pidStartedAt" -> startedAt = json.getValueAsLong();
                    case "control" -> control = json.getValueAsString("");
                    default -> json.skipChildren();
                }
            }
        } catch (IOException unreadable) {
            return server(requireRunning());
        }
        return SuiteState.handle(pid, startedAt).isPresent() && !control.isEmpty() ? server(control) : server(requireRunning());
    }

    private Server server(String address) {
        return Server.of(address, () -> Optional.of(ControlToken.file(run)).filter(Files::exists).map(Contexts::token));
    }

    /** As of now; what was written last if the suite doesn't answer. */
    SuiteState current() {
        var state = requireRunning();
        try {
            return SuiteState.parse(get(state, "/status").getBytes(java.nio.charset.StandardCharsets.UTF_8));
        } catch (IOException silent) {
            return state;
        }
    }

    /** What the admin port answers. @throws IOException if it doesn't, or not with 200 */
    String get(SuiteState state, String path) throws IOException {
        var answer = send(HttpRequest.newBuilder(URI.create(state.admin() + path)).timeout(Duration.ofSeconds(20)).build());
        if (answer.statusCode() != 200) {
            throw new IOException(path + " answered " + answer.statusCode() + ": " + answer.body());
        }
        return answer.body();
    }

    private HttpResponse<String> send(HttpRequest request) throws IOException {
        try {
            if (http == null) {
                http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(3)).version(HttpClient.Version.HTTP_1_1).build();
            }
            return http.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", interrupted);
        }
    }

    /**
     * Starts a suite and waits until everything is ready, or throws {@link CliFailure} with what keeps it from that.
     *
     * @param stays true: it outlives this process; false: it ends with it
     */
    SuiteState start(SuiteSettings settings, boolean stays, Duration within, Output output) {
        running().ifPresent(state -> {
            throw CliFailure.failed("already running in " + folder + " (pid " + state.pid() + "): ./muster status shows it, ./muster down ends it");
        });
        try {
            killLeftovers();
            Files.createDirectories(run.resolve("logs"));
            Files.deleteIfExists(SuiteState.file(run));
            var file = run.resolve("settings.json");
            settings.write(file);
            var process = launch(file, stays);
            var giveUp = new Thread(() -> process.destroy(), "give-up");
            Runtime.getRuntime().addShutdownHook(giveUp);
            var state = awaitReady(process, within, output);
            if (stays) {
                Runtime.getRuntime().removeShutdownHook(giveUp);
            }
            return state;
        } catch (IOException failed) {
            throw CliFailure.failed("the run in " + run + " could not be started: " + failed.getMessage());
        }
    }

    private Process launch(Path settings, boolean stays) throws IOException {
        var java = new ArrayList<String>();
        java.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        if (!stays) {
            java.add("-javaagent:" + EndWithParent.writeJar(run.resolve("logs")));
        }
        java.addAll(List.of("-Xms64m", "-Xmx320m", "-Xss512k", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                "-Dslf4j.internal.verbosity=ERROR", "-cp",
                System.getProperty("java.class.path"), Suite.class.getName(), settings.toString()));
        var line = new ArrayList<String>();
        if (stays && !isWindows()) {
            // Ctrl-C and a closed terminal are meant for whoever runs in it now, not for what was started there before.
            line.addAll(List.of("sh", "-c", "trap '' INT HUP; exec \"$@\"", "muster"));
        }
        line.addAll(java);
        var log = ProcessBuilder.Redirect.appendTo(run.resolve("logs/suite.log").toFile());
        var builder = new ProcessBuilder(line).redirectErrorStream(true).redirectOutput(log);
        if (stays) {
            builder.redirectInput(ProcessBuilder.Redirect.from(new File(isWindows() ? "NUL" : "/dev/null")));
        }
        builder.environment().keySet().removeAll(List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"));
        return builder.start();
    }

    private static boolean isWindows() {
        return System.getProperty("os.name").startsWith("Windows");
    }

    private SuiteState awaitReady(Process process, Duration within, Output output) throws IOException {
        var began = System.nanoTime();
        var last = Optional.<SuiteState>empty();
        while (System.nanoTime() - began < within.toNanos()) {
            last = lastState().filter(state -> state.pid() == process.pid());
            var failed = last.map(SuiteState::failed).orElse("");
            if (!failed.isEmpty()) {
                awaitEnd(process);
                throw CliFailure.failed(failed);
            }
            if (!process.isAlive()) {
                throw CliFailure.failed("the suite ended while starting, exit " + process.exitValue() + "; see " + run.resolve("logs/suite.log"));
            }
            if (last.isPresent() && last.get().ready()) {
                output.endLive();
                return last.get();
            }
            last.ifPresent(state -> output.live(List.of(state.doing().isEmpty() ? "starting" : state.doing())));
            sleep(100);
        }
        process.destroy();
        awaitEnd(process);
        var problems = last.map(state -> state.processes().stream().filter(one -> !one.ready())
                .map(one -> one.name() + " " + one.problem() + (one.restarts() > 0 ? " (ended " + one.restarts() + " times)" : "")
                        + ", see " + one.log()).toList()).orElse(List.of());
        throw CliFailure.failed("not ready after " + within.toSeconds() + " s: " + String.join("; ", problems));
    }

    private static void awaitEnd(Process process) {
        try {
            if (!process.waitFor(STOP_WITHIN.toSeconds(), TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException interrupted) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    /** Ends the run, and whatever of it is left when it doesn't end by itself. Returns when all of it is gone. */
    void stop() {
        var state = requireRunning();
        try {
            send(HttpRequest.newBuilder(URI.create(state.admin() + "/stop")).POST(HttpRequest.BodyPublishers.noBody())
                    .timeout(Duration.ofSeconds(5)).build());
        } catch (IOException | IllegalArgumentException silent) {
            // The suite hangs, or has no admin port yet: the signal below reaches it.
            SuiteState.handle(state.pid(), state.pidStartedAt()).ifPresent(ProcessHandle::destroy);
        }
        var children = lastState().map(SuiteState::processes).orElse(state.processes());
        var deadline = System.nanoTime() + STOP_WITHIN.toNanos();
        while (state.isRunning() && System.nanoTime() < deadline) {
            sleep(50);
        }
        SuiteState.handle(state.pid(), state.pidStartedAt()).ifPresent(ProcessHandle::destroyForcibly);
        kill(children);
        deleteState();
    }

    /** Ends what a suite that was killed has left, a stopped process for instance, which can't notice. */
    void killLeftovers() {
        lastState().filter(state -> !state.isRunning()).ifPresent(state -> {
            kill(state.processes());
            deleteState();
        });
    }

    private void deleteState() {
        try {
            Files.deleteIfExists(SuiteState.file(run));
        } catch (IOException left) {
            throw new UncheckedIOException(left);
        }
    }

    private static void kill(List<SuiteState.ProcessState> processes) {
        var alive = processes.stream().flatMap(one -> SuiteState.handle(one.pid(), one.pidStartedAt()).stream()).toList();
        alive.forEach(ProcessHandle::destroyForcibly);
        var deadline = System.nanoTime() + Duration.ofSeconds(10).toNanos();
        while (alive.stream().anyMatch(ProcessHandle::isAlive) && System.nanoTime() < deadline) {
            sleep(20);
        }
    }

    static void sleep(long millis) {
        try {
            TimeUnit.MILLISECONDS.sleep(millis);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw CliFailure.failed("interrupted");
        }
    }

    /** The source folder or that of a release, as {@code ./muster} tells it. */
    static Path home() {
        return Path.of(System.getProperty("muster.home", "")).toAbsolutePath().normalize();
    }
}
