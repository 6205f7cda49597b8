package dev.muster.sandbox.clearml;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The Python programs that nobody here wrote, found in a virtualenv: {@code MUSTER_PYTHON}, else {@code .muster/parts/python}
 * in this folder or above. {@code .ci/parts} makes it.
 */
public final class PythonParts {

    private PythonParts() {
    }

    /** The interpreter, if it is there and has the module; otherwise one printed line says what is skipped and why. */
    public static Optional<Path> withModule(String module, String skipped) {
        var named = System.getenv("MUSTER_PYTHON");
        var python = named != null ? Optional.of(Path.of(named)).filter(Files::isExecutable) : above();
        if (python.isEmpty()) {
            System.out.println("Skipped: " + skipped + "; " + (named != null ? "MUSTER_PYTHON names no program"
                    : "no .muster/parts/python here or above, run .ci/parts"));
            return Optional.empty();
        }
        if (!has(python.get(), module)) {
            System.out.println("Skipped: " + skipped + "; " + python.get() + " has no module " + module + ", run .ci/parts");
            return Optional.empty();
        }
        return python;
    }

    private static Optional<Path> above() {
        for (var folder = Path.of("").toAbsolutePath(); folder != null; folder = folder.getParent()) {
            var python = folder.resolve(".muster/parts/python/bin/python");
            if (Files.isExecutable(python)) {
                return Optional.of(python);
            }
        }
        return Optional.empty();
    }

    private static boolean has(Path python, String module) {
        try {
            var process = new ProcessBuilder(python.toString(), "-c",
                    "import importlib.util, sys; sys.exit(importlib.util.find_spec('" + module + "') is None)")
                    .redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
            return process.waitFor() == 0;
        } catch (IOException cannotRun) {
            throw new UncheckedIOException(cannotRun);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
