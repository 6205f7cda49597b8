package dev.muster.acceptance;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A real clearml-agent that serves a queue beside Muster, as one on somebody's desk does: with a worker id that isn't ours. */
final class DeskAgent {

    final String worker;

    /**
     * Starts it. It ends with all that it started when its shell ends, whose folder it lives in.
     *
     * @param agent   the program
     * @param folder  of the shell
     * @param name    of the desk, and of the agent's folder
     */
    DeskAgent(Path agent, Path folder, String name, String queue, Clearml clearml) throws IOException {
        worker = name + ":cpu:0";
        var home = Files.createDirectories(folder.resolve(name));
        var builder = new ProcessBuilder(agent.toAbsolutePath().toString(), "daemon", "--foreground", "--queue", queue, "--cpu-only")
                .directory(home.toFile()).redirectErrorStream(true).redirectOutput(home.resolve("log").toFile());
        var environment = builder.environment();
        environment.keySet().removeIf(key -> key.startsWith("CLEARML_") || key.startsWith("TRAINS_") || key.startsWith("PYTHON"));
        environment.put("HOME", home.toString());
        environment.put("TMPDIR", Files.createDirectories(home.resolve("tmp")).toString());
        environment.put("PATH", agent.toAbsolutePath().getParent() + ":" + environment.getOrDefault("PATH", "/usr/bin:/bin"));
        environment.put("CLEARML_WORKER_ID", worker);
        environment.put("CLEARML_CONFIG_FILE", Files.writeString(home.resolve("clearml.conf"), "").toString());
        environment.putAll(clearml.environment());
        environment.put("CLEARML_AGENT_SKIP_PYTHON_ENV_INSTALL", "1");
        builder.start();
    }
}
