package dev.muster.cli;

import dev.muster.sandbox.suite.SuiteSettings;
import dev.muster.sandbox.suite.SuiteState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;

/** A sandbox for one command: it begins and ends with it, however that ends. */
record OwnSandbox(Run run, SuiteState state) implements AutoCloseable {

    static OwnSandbox start(Run run, SuiteSettings settings, Duration within, Output output) {
        return new OwnSandbox(run, run.start(settings, false, within, output));
    }

    /** Returns when all its processes are gone. */
    @Override
    public void close() {
        if (run.running().isPresent()) {
            run.stop();
        }
        run.killLeftovers();
    }

    static void delete(Path folder) {
        try (var files = Files.walk(folder)) {
            for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException left) {
            throw CliFailure.failed("could not delete " + folder + ": " + left);
        }
    }
}
