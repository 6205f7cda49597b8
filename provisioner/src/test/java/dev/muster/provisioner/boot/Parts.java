package dev.muster.provisioner.boot;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/** Programs that a user may not have: among the parts that {@code .ci/parts} installs, else on the PATH. */
final class Parts {

    private Parts() {}

    /** Its path; where it is missing the calling test is skipped, and one printed line says so. */
    static Path find(String program) {
        var found = Stream.concat(above(), Arrays.stream(System.getenv("PATH").split(":")).map(Path::of))
                .map(folder -> folder.resolve(program)).filter(Files::isExecutable).findFirst();
        if (found.isEmpty()) {
            System.out.println("Skipped: what needs " + program + "; it is not on the PATH, run .ci/parts");
        }
        Assumptions.assumeTrue(found.isPresent(), program + " is missing");
        return found.get();
    }

    private static Stream<Path> above() {
        return Stream.iterate(Optional.of(Path.of("").toAbsolutePath()), Optional::isPresent, folder -> folder.map(Path::getParent))
                .map(folder -> folder.get().resolve(".muster/parts/python/bin"));
    }
}
