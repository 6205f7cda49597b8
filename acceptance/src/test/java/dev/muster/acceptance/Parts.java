package dev.muster.acceptance;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** Programs that nobody here wrote and a user may not have; a suite whose part is missing prints one line that says so, and is skipped. */
final class Parts {

    private static final Path PYTHON = Shell.SOURCES.resolve(".muster/parts/python/bin");

    private Parts() {}

    /** The interpreter with ClearML's SDK and agent, moto and boto3, as machines of processes have it. */
    static Path python(String suite) {
        require(suite, PYTHON.resolve("clearml-agent"), "run .ci/parts");
        return PYTHON.resolve("python");
    }

    static void require(String suite, Path program, String fix) {
        if (!Files.isExecutable(program)) {
            System.out.println("Skipped: " + suite + "; " + program + " is missing, " + fix);
        }
        Assumptions.assumeTrue(Files.isExecutable(program), program + " is missing");
    }
}
