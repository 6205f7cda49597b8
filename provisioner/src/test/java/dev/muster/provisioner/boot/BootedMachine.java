package dev.muster.provisioner.boot;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * A machine of processes: the real boot script and the real guard in a folder of their own. Its metadata service and ClearML are
 * servers that the test fills; packages, agents and power are shell scripts that write down how they are called.
 */
final class BootedMachine implements AutoCloseable {

    /** Of this run alone: guards find and kill the processes of their machine by it, those of another run on this computer too. */
    static final String CLOUD_ID = "i-0" + UUID.randomUUID().toString().replace("-", "").substring(0, 16);
    static final String MARK = "muster-mark";
    static final String KEEP_UNTIL = "muster-keep-until";
    static final String NOTICE = "instance-action";
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Path folder;
    private final Path python;
    private LoopbackServer clearml = new LoopbackServer();
    private final LoopbackServer metadata = new LoopbackServer();
    private final SecretStores aws = new SecretStores();
    private Process process;

    private BootedMachine(Path folder, Path python) throws IOException {
        this.folder = folder;
        this.python = python;
        clearml.answer("auth.login", 200, "{\"meta\":{\"result_code\":200},\"data\":{\"token\":\"t\"}}");
        metadata.answer("token", 200, "metadata-token");
        metadata.answer("instance-id", 200, CLOUD_ID);
        metadata.answer("region", 200, "us-east-1");
        metadata.answer("domain", 200, "amazonaws.com");
    }

    /** Not started yet. Skips the calling test where a machine's own programs are missing. */
    static BootedMachine of(Path folder) throws IOException {
        Parts.find("curl");
        return new BootedMachine(folder, Parts.find("python3"));
    }

    static BootedMachine boot(Path folder, BootPlan plan) throws IOException {
        var machine = of(folder);
        machine.start(plan);
        return machine;
    }

    /** @param plan its API is replaced by this machine's ClearML */
    void start(BootPlan plan) throws IOException {
        start(plan, clearml.url());
    }

    void start(BootPlan plan, String api) throws IOException {
        start(script(plan, api));
    }

    private String script(BootPlan plan, String api) {
        var hosts = new BootPlan.Hosts(api, plan.hosts().web(), plan.hosts().files());
        var booted = new BootPlan(plan.workerPrefix(), plan.agents(), plan.queueIds(), hosts, plan.keys(), plan.docker(), plan.defaultImage(),
                plan.agentVersion(), plan.cpuOnly(), plan.environment(), plan.extraConf(), plan.initScript(), plan.checkpointHook(),
                plan.shellProfile(), plan.storage(), plan.hardAge());
        return BootScript.text(booted, BootScript.Cloud.EC2, Optional.of(URI.create(aws.url())));
    }

    /** @param text of a boot script, whoever wrote it */
    void start(String text) throws IOException {
        var bin = Files.createDirectories(folder.resolve("bin"));
        command(bin, "shutdown", "echo \"$*\" > '" + folder + "/shutdown.args'");
        command(bin, "docker", "case \"$1\" in ps) [ ! -e '" + folder + "/containers' ] || cat '" + folder + "/containers' ;; kill) echo \"$*\" > '" + folder + "/docker-kill.args' ;; esac");
        command(bin, "sync", "exit 0");
        for (var installer : List.of("apt-get", "dnf")) {
            command(bin, installer, "echo \"$*\" >> '" + folder + "/" + installer + ".args'");
        }
        // As it answers without a driver.
        command(bin, "nvidia-smi", "if [ -e '" + folder + "/gpus' ]; then cat '" + folder + "/gpus'; else echo \"couldn't communicate with the NVIDIA driver\"; exit 9; fi");
        // Environments and packages take a minute; the guard is the real one.
        command(bin, "python3", """
                [ "$1" = -m ] || exec '%2$s' "$@"
                [ "$1 $2" != "-m venv" ] || [ ! -e '%1$s/no-venv' ] || { echo "ensurepip is not available"; exit 1; }
                [ "$1 $2" != "-m pip" ] || { echo "$*" > '%1$s/system-pip.args'; exit 0; }
                for last; do :; done
                mkdir -p "$last/bin"
                printf '#!/bin/sh\\necho "$*" > "%1$s/pip.args"; env > "%1$s/pip.env"\\n' > "$last/bin/pip"
                cp '%1$s/agent' "$last/bin/clearml-agent"
                chmod +x "$last/bin/pip"
                """.formatted(folder, python));
        command(folder, "agent", """
                slot=${CLEARML_WORKER_ID##*.}
                case "$slot" in [0-9]) ;; *) slot=0 ;; esac
                echo "$*" > "%1$s/agent-$slot.args.new"
                env > "%1$s/agent-$slot.env"
                echo $$ >> "%1$s/agent-$slot.pids"
                mv "%1$s/agent-$slot.args.new" "%1$s/agent-$slot.args"
                # As an agent does: asked to end, it reports its task as completed.
                exec '%2$s' -c "import signal, sys
                def report(*asked):
                    open('%1$s/agent-$slot.reports', 'a').write('completed')
                    sys.exit(0)
                for asked in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                    signal.signal(asked, report)
                while True:
                    signal.pause()"
                """.formatted(folder, python));
        var script = Files.writeString(folder.resolve("boot.sh"), text);
        var builder = new ProcessBuilder("sh", script.toString()).redirectErrorStream(true).redirectOutput(folder.resolve("console").toFile());
        builder.environment().put("MUSTER_ROOT", folder.resolve("root").toString());
        builder.environment().put("MUSTER_METADATA", metadata.url());
        builder.environment().put("HOME", Files.createDirectories(folder.resolve("home")).toString());
        builder.environment().put("PATH", bin + ":" + System.getenv("PATH"));
        process = builder.start();
    }

    /** As one that was launched with an instance profile. */
    void haveRole(String name) {
        metadata.answer("", 200, name);
        metadata.answer(name, 200, "{\"Code\": \"Success\", \"AccessKeyId\": \"" + SecretStores.ACCESS_KEY + "\", \"SecretAccessKey\": \""
                + SecretStores.SECRET_KEY + "\", \"Token\": \"" + SecretStores.TOKEN + "\"}");
    }

    /** Its connections are closed, and another process listens where it did. */
    void restartClearml() throws IOException {
        var port = clearml.port();
        clearml.close();
        clearml = new LoopbackServer(HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0));
    }

    /** What {@code nvidia-smi -L} lists. */
    void installGpus(int count) throws IOException {
        var listed = new StringBuilder();
        for (int gpu = 0; gpu < count; gpu++) {
            listed.append("GPU ").append(gpu).append(": NVIDIA A10G (UUID: GPU-4c0c9a5e-0d7a-6f0e-1b0f-00000000000").append(gpu).append(")\n");
        }
        Files.writeString(folder.resolve("gpus"), listed);
    }

    /** A device on the machine's bus, as Linux shows it. */
    void installPciDevice(String vendor, String kind) throws IOException {
        var device = Files.createDirectories(folder.resolve("root/sys/bus/pci/devices/0000:00:1e.0"));
        Files.writeString(device.resolve("vendor"), vendor + "\n");
        Files.writeString(device.resolve("class"), kind + "\n");
    }

    /** As Debian and its like have it: venv is a package of its own, and here none can be had. */
    void withoutVenv() throws IOException {
        Files.createFile(folder.resolve("no-venv"));
    }

    /** As an image that was made with it. */
    void installAgent(String version) throws IOException {
        var venv = folder.resolve("root/opt/muster/venv");
        Files.createDirectories(venv.resolve("lib/python3.11/site-packages/clearml_agent-" + version + ".dist-info"));
        Files.createDirectories(venv.resolve("bin"));
        Files.createSymbolicLink(venv.resolve("bin/clearml-agent"), folder.resolve("agent"));
    }

    LoopbackServer clearml() {
        return clearml;
    }

    LoopbackServer metadata() {
        return metadata;
    }

    /** What AWS answers this machine. */
    SecretStores aws() {
        return aws;
    }

    /** Where the agent of a slot finds ClearML. */
    int port(int slot) throws IOException {
        return Integer.parseInt(Files.readString(etc("guard.ports")).trim().split(" ")[slot]);
    }

    Path etc(String file) {
        return folder.resolve("root/etc/muster").resolve(file);
    }

    String console() throws IOException {
        return Files.readString(folder.resolve("console"));
    }

    /** Its boot script ran so much earlier than it did, as far as the machine can tell. */
    void bootedEarlier(Duration by) throws IOException {
        var seconds = Double.parseDouble(Files.readString(etc("booted-at")).strip()) - by.toSeconds();
        Files.writeString(etc("booted-at"), seconds + "\n");
    }

    void mark(String text) {
        metadata.answer(MARK, 200, text);
    }

    void awaitConsole(String text) throws IOException {
        await("the console to say '" + text + "'", () -> {
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
                throw new AssertionError("waited in vain for " + what + "; the console said:\n" + console());
            }
            java.util.concurrent.locks.LockSupport.parkNanos(20_000_000);
        }
    }

    /** Ids of the agents' processes of a slot, in the order in which they were started. */
    List<Long> agents(int slot) throws IOException {
        return Files.readAllLines(folder.resolve("agent-" + slot + ".pids")).stream().map(Long::parseLong).toList();
    }

    /** Starts something that counts as a task's process of this slot. */
    Process startTask(int slot) throws IOException {
        var task = new ProcessBuilder("sleep", "600");
        task.environment().put("MUSTER_AGENT", CLOUD_ID + "/" + slot);
        return task.start();
    }

    /** kill -9. */
    void killGuard() {
        guard().orElseThrow().destroyForcibly();
    }

    /** The guard's process, if it runs. */
    Optional<ProcessHandle> guard() {
        return process.descendants().filter(child -> child.info().commandLine().orElse("").contains("guard.py run")).findFirst();
    }

    int exit() throws InterruptedException {
        if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
            throw new AssertionError("the boot script did not end");
        }
        return process.exitValue();
    }

    @Override
    public void close() throws IOException {
        if (process != null) {
            // Listed first: those of a process that has ended are nobody's children. And it first, since it starts the guard again.
            var guards = process.descendants().toList();
            process.destroyForcibly();
            guards.forEach(ProcessHandle::destroyForcibly);
        }
        // Agents have a session of their own and outlive the guard.
        try (var files = Files.list(folder)) {
            for (var file : files.filter(file -> file.toString().endsWith(".pids")).toList()) {
                Files.readAllLines(file).forEach(pid -> ProcessHandle.of(Long.parseLong(pid)).ifPresent(agent -> {
                    agent.descendants().forEach(ProcessHandle::destroyForcibly);
                    agent.destroyForcibly();
                }));
            }
        }
        clearml.close();
        metadata.close();
        aws.close();
    }

    private static void command(Path bin, String name, String body) throws IOException {
        var file = bin.resolve(name);
        Files.writeString(file, "#!/bin/sh\n" + body + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
}
