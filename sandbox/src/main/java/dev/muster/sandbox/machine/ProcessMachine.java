package dev.muster.sandbox.machine;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/**
 * The image of machines that are processes on this computer: each runs its boot script as a real machine's cloud-init would, in a
 * folder of its own, and with it the real guard and the real clearml-agent. Linux only. Thread-safe.
 *
 * <p>What a machine has and a process has not is played: {@code shutdown} cuts the power, and the metadata service has the address
 * that the cloud says.
 */
public final class ProcessMachine implements MachineImage {

    private static final Duration LOOK = Duration.ofMillis(100);
    private static final Path PROCESSES = Path.of("/proc");

    private final Path folder;
    private final Optional<Path> venv;

    /**
     * @param folder gets a folder for each machine, which stays for people to look at
     * @param venv   with clearml-agent in it, as an image that was made with it; empty: each machine installs it
     * @throws IllegalStateException this system has no /proc
     */
    public ProcessMachine(Path folder, Optional<Path> venv) {
        if (!Files.isDirectory(PROCESSES.resolve("self"))) {
            throw new IllegalStateException("machines that are processes need Linux; leave out --machines");
        }
        this.folder = folder.toAbsolutePath();
        this.venv = venv.map(Path::toAbsolutePath);
    }

    @Override
    public RunningMachine boot(Hardware hardware) {
        try {
            var root = Files.createDirectories(folder.resolve(hardware.cloudId()));
            var bin = Files.createDirectories(root.resolve("bin"));
            Files.createDirectories(root.resolve("tmp"));
            command(bin, "shutdown", "touch '" + root + "/off'");
            command(bin, "sync", "");
            // What a machine lacks is not installed on the computer that plays it.
            command(bin, "apt-get", "exit 100");
            command(bin, "dnf", "exit 1");
            // A machine that was stopped and starts again has the disk that it had.
            Files.deleteIfExists(root.resolve("off"));
            Files.deleteIfExists(root.resolve("user-data"));
            if (venv.isPresent() && !Files.exists(root.resolve("opt/muster/venv"))) {
                Files.createSymbolicLink(Files.createDirectories(root.resolve("opt/muster")).resolve("venv"), venv.get());
            }
            var script = Files.createFile(root.resolve("user-data"), PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            Files.writeString(script, hardware.userData());
            var builder = new ProcessBuilder("sh", script.toString()).redirectErrorStream(true).directory(root.toFile());
            var environment = builder.environment();
            // A machine knows nothing of who plays it.
            environment.keySet().removeIf(key -> key.startsWith("CLEARML_") || key.startsWith("TRAINS_") || key.startsWith("PYTHON") || key.startsWith("MUSTER_")
                    || key.startsWith("AWS_") || key.startsWith("GOOGLE_") || key.startsWith("CLOUDSDK_"));
            environment.put("MUSTER_ROOT", root.toString());
            environment.put("MUSTER_METADATA", hardware.metadataUrl());
            environment.put("HOME", root.toString());
            environment.put("TMPDIR", root.resolve("tmp").toString());
            environment.put("PATH", bin + venv.map(path -> ":" + path.resolve("bin")).orElse("") + ":" + environment.getOrDefault("PATH", "/usr/bin:/bin"));
            environment.put("PYTHONUNBUFFERED", "1");
            var machine = new Running(root, builder.start(), hardware);
            machine.watch();
            return machine;
        } catch (IOException cannotStart) {
            throw new UncheckedIOException("the machine's process can't be started: " + cannotStart.getMessage(), cannotStart);
        }
    }

    private static void command(Path bin, String name, String body) throws IOException {
        var file = bin.resolve(name);
        Files.writeString(file, "#!/bin/sh\n" + body + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private static final class Running implements RunningMachine {

        private final Path root;
        private final Process boot;
        private final Hardware hardware;
        private volatile boolean powered = true;

        Running(Path root, Process boot, Hardware hardware) {
            this.root = root;
            this.boot = boot;
            this.hardware = hardware;
        }

        void watch() {
            thread("console", this::readConsole);
            thread("power", this::watchPower);
        }

        private void thread(String what, Runnable work) {
            var thread = new Thread(work, "machine-" + hardware.cloudId() + "-" + what);
            thread.setDaemon(true);
            thread.start();
        }

        private void readConsole() {
            try (var lines = new BufferedReader(new InputStreamReader(boot.getInputStream(), StandardCharsets.UTF_8))) {
                for (var line = lines.readLine(); line != null; line = lines.readLine()) {
                    hardware.writeConsole(line);
                }
            } catch (IOException closed) {
                // With the power.
            }
        }

        private void watchPower() {
            while (powered) {
                if (Files.exists(root.resolve("off"))) {
                    cutPower();
                    hardware.powerOff();
                    return;
                }
                LockSupport.parkNanos(LOOK.toNanos());
            }
        }

        @Override
        public void cutPower() {
            powered = false;
            boot.destroyForcibly();
            // Whatever a machine starts inherits this; agents and tasks have sessions of their own.
            var inherited = "MUSTER_ROOT=" + root;
            for (int round = 0, killed = 1; killed > 0 && round < 100; round++) {
                killed = 0;
                for (var process : ProcessHandle.allProcesses().toList()) {
                    if (has(process.pid(), inherited)) {
                        process.destroyForcibly();
                        killed++;
                    }
                }
            }
        }

        private static boolean has(long pid, String variable) {
            try {
                var environment = new String(Files.readAllBytes(PROCESSES.resolve(pid + "/environ")), StandardCharsets.ISO_8859_1);
                return ("\0" + environment + "\0").contains("\0" + variable + "\0");
            } catch (IOException gone) {
                return false;
            }
        }
    }
}
