package dev.muster.provisioner.boot;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Assumptions;

/**
 * A pod of processes: the real script and the real guard, with the pod's three volumes as folders. Its ClearML is a server that the test fills; what
 * installs packages, and the agent, are shell scripts that write down how they are called.
 */
final class BootedPod implements AutoCloseable {

    /** Of this run alone: guards find and kill the processes of their pod by it, those of another run on this computer too. */
    static final String UID = UUID.randomUUID().toString();
    static final String WORKER = "lab-train:cpu:pod:" + UID;
    static final String TASK = "0123456789abcdef0123456789abcdef";
    static final String QUEUE = "fedcba9876543210fedcba9876543210";
    /** What the mounted Secret holds. */
    static final String SECRET = "s3cr3t $x'\"";
    private static final String DONE = "{\"meta\":{\"result_code\":200},\"data\":{}}";
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Path folder;
    private final Path python;
    private LoopbackServer clearml = new LoopbackServer();
    private Process process;
    private boolean withoutPython;
    private boolean isAlone;

    private BootedPod(Path folder, Path python) throws IOException {
        this.folder = folder;
        this.python = python;
        for (var volume : List.of("root", "pod", "secrets", "bin", "home")) {
            Files.createDirectories(folder.resolve(volume));
        }
        Files.writeString(folder.resolve("pod/uid"), UID);
        annotate(Map.of());
        keep("clearml-access", "ACCESS\n");
        keep("clearml-secret", SECRET + "\n");
        answerAll();
    }

    /** Not started yet. */
    static BootedPod of(Path folder) throws IOException {
        return new BootedPod(folder, Parts.find("python3"));
    }

    private void answerAll() {
        clearml.answer("auth.login", 200, "{\"meta\":{\"result_code\":200},\"data\":{\"token\":\"jwt\"}}");
        for (var endpoint : List.of("workers.register", "workers.unregister", "workers.status_report", "tasks.failed", "queues.get_next_task")) {
            clearml.answer(endpoint, 200, DONE);
        }
        clearml.answer("queues.remove_task", 200, "{\"meta\":{\"result_code\":200},\"data\":{\"removed\":1}}");
        clearml.answer("tasks.get_by_id", 200, "{\"meta\":{\"result_code\":200},\"data\":{\"task\":{\"status\":\"queued\"}}}");
    }

    static BootPlan plan(int agents, String api, String init, String hook) {
        return new BootPlan("lab-train:cpu:pod", agents, List.of(QUEUE), new BootPlan.Hosts(api, "https://app.example", "https://files.example"),
                new BootPlan.Keys(PodScriptTest.kept("clearml-access"), PodScriptTest.kept("clearml-secret")), true, "python:3.11", "3.0.3", true,
                new TreeMap<>(Map.of("PLAIN", Given.text("it's here"))), Given.NOTHING, Given.text(init), Given.text(hook), false, BootPlan.Storage.NONE, Optional.empty());
    }

    BootPlan plan() {
        return plan(1, clearml.url(), "", "");
    }

    /** What the image has is what a shell needs; apt-get brings Python to whoever may install. */
    void withoutPython(int user) throws IOException {
        withoutPython = true;
        command(folder.resolve("bin"), "id", "echo " + user);
        for (var program : List.of("sh", "bash", "base64", "gzip", "mkdir", "cat", "cut", "tr", "sed", "head", "tail", "chmod", "sleep", "cp", "mv", "env")) {
            Files.createSymbolicLink(folder.resolve("bin").resolve(program), Parts.find(program).toRealPath());
        }
    }

    /** In a namespace of its own, as a container is: its first process is process 1. Skips the calling test where Linux doesn't let this user. */
    BootedPod alone() throws Exception {
        var may = new ProcessBuilder(Parts.find("unshare").toString(), "-rpf", "--mount-proc", "true").redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor() == 0;
        if (!may) {
            System.out.println("Skipped: what needs a namespace of processes; this user may not make one");
        }
        Assumptions.assumeTrue(may, "unshare is refused");
        isAlone = true;
        return this;
    }

    BootedPod startTaskPod() throws IOException {
        return startTaskPod("");
    }

    BootedPod startTaskPod(String setupScript) throws IOException {
        return start(PodScript.of(plan(), Optional.of(new PodScript.TaskToRun(TASK, QUEUE, setupScript, false))));
    }

    BootedPod start(PodScript script) throws IOException {
        return start(script.command(), script.environment());
    }

    BootedPod start(List<String> words, Map<String, String> variables) throws IOException {
        var bin = folder.resolve("bin");
        for (var installer : List.of("apt-get", "dnf", "microdnf", "apk")) {
            command(bin, installer, "echo \"$*\" >> '" + folder + "/" + installer + ".args'");
        }
        command(bin, "nvidia-smi", "exit 9");
        // Environments and packages take a minute; the guard is the real one.
        command(bin, "python3", """
                case "$1 ${2:-}" in "-c from clearml_agent"*) [ ! -e '%1$s/agent-version' ] || cat '%1$s/agent-version'; exit 0 ;; esac
                [ "$1" = -m ] || exec '%2$s' -B "$@"
                case "$2" in
                    clearml_agent) shift 2; exec '%1$s/agent' "$@" ;;
                    venv) [ ! -e '%1$s/no-venv' ] || { echo "ensurepip is not available"; exit 1; } ;;
                    pip | virtualenv) echo "$*" >> '%1$s/system-pip.args'; exit 1 ;;
                esac
                for last; do :; done
                mkdir -p "$last/bin"
                printf '#!/bin/sh\\necho "$*" > "%1$s/pip.args"\\n' > "$last/bin/pip"
                cp '%1$s/agent' "$last/bin/clearml-agent"
                chmod +x "$last/bin/pip"
                """.formatted(folder, python));
        command(folder, "agent", """
                echo "$*" > "%1$s/agent.args.new"
                env > "%1$s/agent.env"
                echo $$ >> "%1$s/agent.pids"
                mv "%1$s/agent.args.new" "%1$s/agent.args"
                # As an agent does: asked to end, it reports its task as completed.
                exec '%2$s' -c "import os, signal, sys, time
                def report(*asked):
                    open('%1$s/agent.reports', 'a').write('completed')
                    sys.exit(0)
                for asked in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                    signal.signal(asked, report)
                while not os.path.exists('%1$s/finish'):
                    time.sleep(0.05)
                sys.exit(int(open('%1$s/finish').read()))"
                """.formatted(folder, python));
        if (withoutPython) {
            Files.move(bin.resolve("python3"), folder.resolve("python3"));
            command(bin, "apt-get", "echo \"$*\" >> '" + folder + "/apt-get.args'; case \"$*\" in *python3*) cp '" + folder + "/python3' '" + bin + "' ;; esac");
            return run(words, variables, bin.toString());
        }
        return run(words, variables, bin + ":" + System.getenv("PATH"));
    }

    /** With nothing played but what installs packages: the image has a real agent. */
    BootedPod startWithAgent(PodScript script, Path agent) throws IOException {
        var bin = folder.resolve("bin");
        for (var installer : List.of("apt-get", "dnf", "microdnf", "apk")) {
            command(bin, installer, "exit 1");
        }
        return run(script.command(), script.environment(), bin + ":" + agent.getParent() + ":" + System.getenv("PATH"));
    }

    private BootedPod run(List<String> words, Map<String, String> variables, String path) throws IOException {
        var all = new ArrayList<>(isAlone ? List.of("unshare", "-rpf", "--mount-proc", "--kill-child") : List.<String>of());
        all.addAll(words);
        var builder = new ProcessBuilder(all).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("console").toFile()));
        builder.environment().keySet().removeIf(name -> name.startsWith("CLEARML_") || name.startsWith("MUSTER_"));
        builder.environment().putAll(variables);
        builder.environment().put("MUSTER_ROOT", folder.resolve("root").toString());
        builder.environment().put("MUSTER_POD", folder.resolve("pod").toString());
        builder.environment().put("MUSTER_SECRETS", folder.resolve("secrets").toString());
        builder.environment().put("MUSTER_GRACE", "14");
        builder.environment().put("HOME", folder.resolve("home").toString());
        // Pods share no such folder; an agent looks in it for others of its name.
        builder.environment().put("TMPDIR", Files.createDirectories(folder.resolve("tmp")).toString());
        builder.environment().put("PATH", path);
        process = builder.start();
        return this;
    }

    LoopbackServer clearml() {
        return clearml;
    }

    void stopClearml() {
        clearml.close();
    }

    void startClearml() throws IOException {
        clearml = new LoopbackServer(HttpServer.create(new InetSocketAddress("127.0.0.1", clearml.port()), 0));
        answerAll();
    }

    /** As the kubelet does: a whole file in place of another, values as Go quotes them. */
    void annotate(Map<String, String> annotations) throws IOException {
        var lines = new StringBuilder();
        new TreeMap<>(annotations).forEach((name, text) -> lines.append("muster.dev/").append(name).append("=\"").append(text).append("\"\n"));
        lines.append("other.example/note=\"two\\nlines, a \\\"quote\\\" and \\u00e9\"\n");
        Files.writeString(folder.resolve("pod/new"), lines);
        Files.move(folder.resolve("pod/new"), folder.resolve("pod/annotations"), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    void mark(String text) throws IOException {
        annotate(Map.of("mark", text));
    }

    /** Puts a key into the mounted Secret. */
    void keep(String key, String text) throws IOException {
        Files.writeString(folder.resolve("secrets").resolve(key), text);
    }

    void finishAgent(int status) throws IOException {
        Files.writeString(folder.resolve("finish.new"), Integer.toString(status));
        Files.move(folder.resolve("finish.new"), folder.resolve("finish"), StandardCopyOption.ATOMIC_MOVE);
    }

    /** SIGTERM to the first process, as the kubelet sends it. */
    void tellToEnd() {
        if (isAlone) {
            process.children().findFirst().orElseThrow().destroy();
        } else {
            process.destroy();
        }
    }

    Path etc(String file) {
        return folder.resolve("root/etc/muster").resolve(file);
    }

    int port() throws IOException {
        return Integer.parseInt(Files.readString(etc("guard.ports")).trim().split(" ")[0]);
    }

    String console() throws IOException {
        return Files.readString(folder.resolve("console"));
    }

    ProcessHandle agent() throws IOException {
        var pids = Files.readAllLines(folder.resolve("agent.pids"));
        return ProcessHandle.of(Long.parseLong(pids.get(pids.size() - 1))).orElseThrow();
    }

    int agentsStarted() throws IOException {
        return Files.readAllLines(folder.resolve("agent.pids")).size();
    }

    /** The guard's process: not the first one, but its child. */
    Optional<ProcessHandle> guard() {
        return process.descendants().filter(child -> {
            var line = child.info().commandLine().orElse("");
            return line.contains("pod.py") && !line.contains("pod.py first") && !line.contains("pod.py wanted");
        }).findFirst();
    }

    Process startTask() throws IOException {
        var task = new ProcessBuilder("sleep", "600");
        task.environment().put("MUSTER_AGENT", UID + "/0");
        return task.start();
    }

    void awaitConsole(String text) throws IOException {
        await("the log to say '" + text + "'", () -> {
            try {
                return console().contains(text);
            } catch (IOException unread) {
                return false;
            }
        });
    }

    void awaitFile(String name) throws IOException {
        await(name, () -> Files.exists(folder.resolve(name)));
    }

    void await(String what, BooleanSupplier there) throws IOException {
        var deadline = Instant.now().plus(PATIENCE);
        while (!there.getAsBoolean()) {
            if (Instant.now().isAfter(deadline)) {
                throw new AssertionError("waited in vain for " + what + "; the log said:\n" + console());
            }
            java.util.concurrent.locks.LockSupport.parkNanos(20_000_000);
        }
    }

    /** Of the first process. */
    long pid() {
        return process.pid();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** With which it ends. */
    int exit() throws Exception {
        if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
            throw new AssertionError("the pod did not end; the log said:\n" + console());
        }
        return process.exitValue();
    }

    /** As the kernel does with a container whose first process is gone. */
    @Override
    public void close() throws IOException {
        if (process != null) {
            process.destroyForcibly();
        }
        var inherited = "MUSTER_ROOT=" + folder.resolve("root");
        for (int killed = 1; killed > 0;) {
            killed = 0;
            for (var other : ProcessHandle.allProcesses().toList()) {
                if (has(other.pid(), inherited)) {
                    other.destroyForcibly();
                    killed++;
                }
            }
        }
        clearml.close();
    }

    private static boolean has(long pid, String variable) {
        try {
            return ("\0" + new String(Files.readAllBytes(Path.of("/proc/" + pid + "/environ")), java.nio.charset.StandardCharsets.ISO_8859_1)).contains("\0" + variable + "\0");
        } catch (IOException gone) {
            return false;
        }
    }

    private static void command(Path bin, String name, String body) throws IOException {
        var file = bin.resolve(name);
        Files.writeString(file, "#!/bin/sh\n" + body + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
}
