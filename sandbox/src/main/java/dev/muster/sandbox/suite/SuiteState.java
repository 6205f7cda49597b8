package dev.muster.sandbox.suite;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How a local run is now: the file {@code suite.json} in its folder, and the answer of {@code GET /status}. Both are for
 * programs too; fields are added, never renamed.
 *
 * @param pid of the suite itself
 * @param pidStartedAt when that process began, milliseconds since 1970: a pid alone may be somebody else's by now
 * @param sandbox with stand-ins
 * @param speed of the stand-ins' machines; 1 without
 * @param ready every process runs and says that it is ready
 * @param doing what is waited for; empty when ready
 * @param failed why the suite gave up, in one sentence; empty while it hasn't
 * @param admin base URL of the suite's own HTTP port
 * @param control host and port of the control API; empty until chosen, like all that follow
 * @param kafka host and port
 * @param clearml base URL of the connection {@code default}
 * @param connections base URLs of all connections, by name
 * @param ec2 base URL of the stand-in; empty without
 * @param gce as above, of Compute Engine's
 * @param k8s as above, of the cluster's
 * @param kubeconfig file that opens the cluster; empty without
 * @param secrets the services' secrets folder
 */
public record SuiteState(long pid, long pidStartedAt, boolean sandbox, String installation, double speed, boolean ready, String doing,
        String failed, String admin, String control, String kafka, String clearml, Map<String, String> connections, String ec2, String gce, String k8s, String kubeconfig,
        String secrets,
        List<ProcessState> processes) {

    private static final ObjectMapper JSON = new ObjectMapper().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);
    /** Systems tell a process's start to the second or finer. */
    private static final long START_TOLERANCE_MILLIS = 2_000;

    /**
     * One child process.
     *
     * @param restarts how often it ended by itself and was started again
     * @param port where it answers: Kafka's, or the HTTP port with a service's health
     * @param problem why it isn't ready; empty when it is
     * @param rssMib resident memory; 0: the system doesn't say
     */
    public record ProcessState(String name, long pid, long pidStartedAt, boolean alive, boolean ready, String problem, int restarts,
            int port, String log, long rssMib) {}

    public SuiteState {
        connections = connections == null ? Map.of() : Map.copyOf(connections);
        gce = gce == null ? "" : gce;
        k8s = k8s == null ? "" : k8s;
        kubeconfig = kubeconfig == null ? "" : kubeconfig;
        processes = processes == null ? List.of() : List.copyOf(processes);
    }

    /** Where a run keeps its state. */
    public static Path file(Path folder) {
        return folder.resolve("suite.json");
    }

    /** Empty if the folder has none. */
    public static Optional<SuiteState> read(Path folder) throws IOException {
        var file = file(folder);
        return Files.exists(file) ? Optional.of(JSON.readValue(Files.readAllBytes(file), SuiteState.class)) : Optional.empty();
    }

    public static SuiteState parse(byte[] json) throws IOException {
        return JSON.readValue(json, SuiteState.class);
    }

    /** Replaces the file whole, so that nobody reads half of it. */
    void write(Path folder) throws IOException {
        var written = Files.createTempFile(folder, "suite", ".tmp");
        Files.write(written, toJson());
        Files.move(written, file(folder), StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    }

    byte[] toJson() throws IOException {
        return JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(this);
    }

    /** Whether the suite that wrote this still runs. */
    @JsonIgnore
    public boolean isRunning() {
        return handle(pid, pidStartedAt).isPresent();
    }

    /** The process, if it is alive and the very one that was written down. */
    public static Optional<ProcessHandle> handle(long pid, long pidStartedAt) {
        return ProcessHandle.of(pid).filter(ProcessHandle::isAlive)
                .filter(process -> Math.abs(startedAt(process) - pidStartedAt) <= START_TOLERANCE_MILLIS);
    }

    /** Milliseconds since 1970; 0 if the system doesn't say. */
    static long startedAt(ProcessHandle process) {
        return process.info().startInstant().map(java.time.Instant::toEpochMilli).orElse(0L);
    }
}
