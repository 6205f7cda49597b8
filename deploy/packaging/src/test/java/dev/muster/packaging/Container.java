package dev.muster.packaging;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/**
 * An unpacked image that runs as its configuration says, the way a container does: alone with its files, which it can't write, as its own user, as process
 * 1 of its namespace. The network is the host's, where its surroundings are.
 */
final class Container implements AutoCloseable {

    /** Mounts what a container has beside its image, then becomes its process: $1 the root, then pairs of folders and where they are seen, then -- and the rest. */
    private static final String ENTER = """
            set -e
            root=$1
            shift
            mount --bind "$root" "$root"
            mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
            mount -t proc proc "$root/proc"
            mount --rbind /dev "$root/dev"
            while [ "$1" != -- ]; do
                mkdir -p "$root$2"
                mount --bind "$1" "$root$2"
                shift 2
            done
            shift
            mount -o remount,ro,bind "$root"
            exec env -i "$@"
            """;

    private final Process process;
    private final Path log;

    private Container(Process process, Path log) {
        this.process = process;
        this.log = log;
    }

    /**
     * Skips the calling test where Linux doesn't let this user.
     *
     * @param mounts folders of the host by where the container sees them
     * @param more environment beside the image's own
     */
    static Container start(SavedImage image, Path root, Map<String, Path> mounts, Map<String, String> more, List<String> arguments, Path log) throws IOException, InterruptedException {
        var isRoot = "root".equals(System.getProperty("user.name"));
        var alone = new ArrayList<>(List.of("unshare", "--mount", "--pid", "--fork", "--kill-child"));
        if (!isRoot) {
            alone.add("--map-root-user");
        }
        mayOrSkip(alone);
        var line = new ArrayList<>(alone);
        line.addAll(List.of("sh", "-c", ENTER, "enter", root.toString()));
        mounts.forEach((seen, folder) -> line.addAll(List.of(folder.toString(), seen)));
        line.add("--");
        var config = image.config().path("config");
        var environment = new LinkedHashMap<String, String>();
        config.path("Env").forEach(one -> environment.put(one.asText().split("=", 2)[0], one.asText().split("=", 2)[1]));
        environment.putAll(more);
        environment.forEach((name, value) -> line.add(name + "=" + value));
        var user = config.path("User").asText().split(":");
        line.add(unshare());
        line.addAll(isRoot ? List.of("--setgid", user[1], "--setuid", user[0]) : List.of("--map-user=" + user[0], "--map-group=" + user[1]));
        line.addAll(List.of("--root", root.toString(), "--wd", config.path("WorkingDir").asText()));
        config.path("Entrypoint").forEach(word -> line.add(word.asText()));
        line.addAll(arguments);
        var started = new ProcessBuilder(line).redirectErrorStream(true).redirectOutput(log.toFile()).start();
        started.getOutputStream().close();
        return new Container(started, log);
    }

    private static void mayOrSkip(List<String> alone) throws IOException, InterruptedException {
        var probe = new ArrayList<>(alone);
        probe.add("true");
        boolean may;
        try {
            may = new ProcessBuilder(probe).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor() == 0;
        } catch (IOException notThere) {
            may = false;
        }
        if (!may) {
            System.out.println("Skipped: what runs in an image; there is no unshare, or this user may not make a namespace");
        }
        Assumptions.assumeTrue(may, "unshare is refused");
    }

    private static String unshare() {
        return Files.exists(Path.of("/usr/bin/unshare")) ? "/usr/bin/unshare" : "/bin/unshare";
    }

    Process process() {
        return process;
    }

    /** Its first process, as the host sees it. */
    ProcessHandle first() {
        return process.descendants().filter(one -> one.info().command().orElse("").endsWith("/java")).findFirst()
                .orElseThrow(() -> new AssertionError("no Java runs in it: " + log()));
    }

    /** What the kernel says of the first process, such as {@code status}. */
    String proc(String file) throws IOException {
        return Files.readString(Path.of("/proc", Long.toString(first().pid()), file));
    }

    String log() {
        try {
            return Files.readString(log);
        } catch (IOException unreadable) {
            return unreadable.toString();
        }
    }

    /** Asks it to end as a kubelet does. @return whether it did in time */
    boolean end(long seconds) throws InterruptedException {
        first().destroy();
        return process.waitFor(seconds, TimeUnit.SECONDS);
    }

    @Override
    public void close() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
    }
}
