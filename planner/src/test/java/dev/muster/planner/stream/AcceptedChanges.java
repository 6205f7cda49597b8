package dev.muster.planner.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.contracts.GoldenFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Where today's planner decides something else than a release did, on purpose: {@code changes.txt} among that release's files, one line for each
 * file that comes out differently, {@code FILE: SENTENCE}. The sentence stands in CHANGELOG.md, so that whoever upgrades is told.
 */
final class AcceptedChanges {

    private static final GoldenFiles FILES = GoldenFiles.ofThisModule();
    private static final String CHANGES = "changes.txt";

    private final String version;
    private final List<String> lines;

    private AcceptedChanges(String version, List<String> lines) {
        this.version = version;
        this.lines = lines;
    }

    static AcceptedChanges of(String version) {
        return new AcceptedChanges(version, Files.exists(FILES.file(version, CHANGES)) ? FILES.text(version, CHANGES).lines().toList() : List.of());
    }

    /** @param difference the first one; empty: it comes out as it did */
    void holds(String file, String difference) throws IOException {
        var sentence = lines.stream().filter(line -> line.startsWith(file + ": ")).map(line -> line.substring(file.length() + 2)).findFirst().orElse("");
        if (difference.isEmpty()) {
            assertThat(sentence).as("a change of " + file + " of " + version + " that is none").isEmpty();
        } else if (sentence.isEmpty()) {
            assertThat(difference).as("what " + version + " decided in " + file + ". " + (version.equals(GoldenFiles.version())
                    ? "If it is meant: -Dgolden.write=" + version + " writes it anew, as long as it is not released"
                    : "If it is meant: say it in CHANGELOG.md, and the same sentence in " + FILES.file(version, CHANGES) + " as '" + file + ": SENTENCE'")).isEmpty();
        } else {
            assertThat(Files.readString(Path.of("../CHANGELOG.md"))).as("what is said of " + file + " of " + version).contains(sentence);
        }
    }
}
