package dev.muster.planner.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Each bug of other autoscalers that our design speaks to breaks the promise that docs/peer-bugs.md says. The normal build tries each
 * at the page's own seed; the profile {@code peer-bugs} looks for the first failing seed anew, shrinks it, and holds the whole page to it.
 * {@code -Dpeer-bugs.write=true} writes the page.
 */
class PeerBugsTest {

    private static final Path PAGE = Path.of("../docs/peer-bugs.md");
    private static final boolean ALL = Boolean.getBoolean("peer-bugs");
    private static final boolean WRITES = Boolean.getBoolean("peer-bugs.write");
    private static final long SEEDS = 2000;

    private record Row(PeerBug bug, long seed, int length) {
        String line() {
            return "| %s | %s | `%s` | %d | %d |".formatted(bug.what(), bug.reported(), bug.invariant(), seed, length);
        }
    }

    @Test
    void breaksTheDocumentedPromiseAtTheDocumentedSeed() throws IOException {
        var rows = rows();
        assertThat(rows.stream().map(Row::bug)).containsExactly(PeerBug.values());
        for (var row : rows) {
            var outcome = Simulation.run(Plot.of(row.seed), row.bug.bug());
            if (row.bug.invariant().equals(outcome.invariant())) {
                continue;
            }
            // The core has changed since the page was written, and with it what happens in that seed: another one near it will do.
            var near = Seeds.firstFailing(0, Math.max(200, 2 * row.seed), row.bug.bug());
            assertThat(near).as("%s is not caught any more", row.bug).isPresent();
            assertThat(Simulation.run(Plot.of(near.get()), row.bug.bug()).invariant()).as("%s at seed %d", row.bug, near.get()).isEqualTo(row.bug.invariant());
        }
    }

    @Test
    void holdsThePageToTheSimulation() throws IOException {
        if (!ALL && !WRITES) {
            return;
        }
        var clean = Seeds.run(0, SEEDS, Bug.NONE);
        System.out.printf("switch off: %d seeds, %d violations%n", clean.count(), clean.violations().size());
        assertThat(clean.violations()).as(() -> Seeds.story(clean.violations().firstKey(), Bug.NONE)).isEmpty();
        var found = new ArrayList<Row>();
        var wrong = new ArrayList<String>();
        for (var bug : PeerBug.values()) {
            var seed = Seeds.firstFailing(0, SEEDS, bug.bug());
            if (seed.isEmpty()) {
                wrong.add(bug + " is not caught in " + SEEDS + " seeds");
                continue;
            }
            var outcome = Simulation.run(Plot.of(seed.get()), bug.bug());
            var small = Shrinker.shrink(Plot.of(seed.get()), bug.bug(), outcome.invariant());
            var row = new Row(bug, seed.get(), small.happenings().size());
            found.add(row);
            System.out.printf("%-32s switch on: first failing seed %d, shrunk to %d happenings, %s%n", bug, row.seed, row.length, outcome.invariant());
            if (!bug.invariant().equals(outcome.invariant())) {
                wrong.add(bug + " breaks " + outcome.invariant() + " at seed " + seed.get() + ", and not " + bug.invariant() + ": " + outcome.what());
            }
        }
        assertThat(wrong).isEmpty();
        if (WRITES) {
            write(found);
        }
        assertThat(rows()).as("write the page anew with -Dpeer-bugs.write=true").isEqualTo(found);
    }

    private static List<Row> rows() throws IOException {
        var rows = new ArrayList<Row>();
        for (var line : Files.readAllLines(PAGE)) {
            var cells = line.split(" \\| ");
            var bug = Arrays.stream(PeerBug.values()).filter(known -> line.startsWith("| " + known.what() + " | ")).findFirst();
            if (bug.isPresent()) {
                var row = new Row(bug.get(), Long.parseLong(cells[3].strip()), Integer.parseInt(cells[4].replace("|", "").strip()));
                assertThat(line).isEqualTo(row.line());
                rows.add(row);
            }
        }
        return rows;
    }

    private static void write(List<Row> rows) throws IOException {
        var page = Files.readString(PAGE);
        var head = page.substring(0, page.indexOf("| --- |"));
        var text = new StringBuilder(head).append("| --- | --- | --- | --- | --- |\n");
        rows.forEach(row -> text.append(row.line()).append('\n'));
        Files.writeString(PAGE, text);
    }
}
