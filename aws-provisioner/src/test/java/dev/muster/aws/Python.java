package dev.muster.aws;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** The Python of the conformance parts: MUSTER_PYTHON, else that of {@code .muster/parts}. */
final class Python {

    private Python() {}

    /** Empty where there is none with that module. */
    static Optional<String> with(String module) {
        var told = System.getenv("MUSTER_PYTHON");
        return Optional.ofNullable(told == null || told.isBlank() ? null : told).or(() -> upward(".muster/parts/python/bin/python").map(Path::toString))
                .filter(python -> imports(python, module));
    }

    static Path script(String name) {
        return upward("src/test/python/" + name).orElseThrow();
    }

    private static Optional<Path> upward(String name) {
        for (var at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
            if (Files.exists(at.resolve(name))) {
                return Optional.of(at.resolve(name));
            }
        }
        return Optional.empty();
    }

    private static boolean imports(String python, String module) {
        try {
            return new ProcessBuilder(python, "-c", "import " + module).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor() == 0;
        } catch (IOException absent) {
            return false;
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
