package dev.muster.watcher.clearml;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.clearml.Worker;
import dev.muster.watcher.Seen;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class WorkerListTest {

    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

    private final WorkerList list = new WorkerList();

    private static Worker row(String id, String user, String task, int reportedSecond) {
        return new Worker(id, user, task, "", List.of("q"), START, START.plusSeconds(reportedSecond));
    }

    @Test
    void isSortedAndLeavesOutWhatStandsForAMuster() {
        var workers = list.of(List.of(row("b", "u", "", 1), row("muster-queue-watcher@prod.default", "u", "", 1), row("a", "u", "", 1)));

        assertThat(workers).extracting(Seen.Worker::id).containsExactly("a", "b");
    }

    @Test
    void knowsWhichMustersTheLastAnswerHad() {
        // Given
        var first = row("muster-queue-watcher@prod.default", "u", "", 1);
        var second = row("muster-queue-watcher@prod.default", "another", "", 1);
        var worker = row("a", "u", "", 1);
        list.of(List.of(first, worker, second));

        // When
        list.of(List.of(worker, first));

        // Then
        assertThat(list.hasMuster("muster-queue-watcher@prod.default")).isTrue();
        assertThat(list.hasMuster("muster-queue-watcher@test.default")).isFalse();
        assertThat(list.hasMuster("a")).isFalse();
        list.of(List.of(worker));
        assertThat(list.hasMuster("muster-queue-watcher@prod.default")).isFalse();
    }

    @Test
    void whatOnlyCallsItselfSoAndRunsATaskIsAWorker() {
        assertThat(list.of(List.of(row("muster-queue-watcher@prod.default", "u", "task", 1)))).hasSize(1);
    }

    @Test
    void ofTwoUsersEntriesTheOneThatReportsIsTheWorker() {
        // Given
        var old = row("a", "old-key", "", 5);
        list.of(List.of(old, row("a", "new-key", "", 1)));

        // When
        var workers = list.of(List.of(old, row("a", "new-key", "task", 6)));

        // Then
        assertThat(workers).extracting(Seen.Worker::user).containsExactly("new-key");
    }

    @Test
    void aWorkerWhoseRowIsTheSameIsTheSame() {
        // Given
        var rows = new ArrayList<>(List.of(row("a", "u", "", 1), row("b", "u", "", 1), row("c", "u", "", 1)));
        var before = list.of(List.copyOf(rows));

        // When
        rows.set(1, row("b", "u", "task", 1));
        var after = list.of(List.copyOf(rows));

        // Then
        assertThat(after.get(0)).isSameAs(before.get(0));
        assertThat(after.get(1).task()).isEqualTo("task");
        assertThat(after.get(2)).isSameAs(before.get(2));
    }

    @Test
    void isWhatMakingItAnewWouldBe() {
        var seed = System.nanoTime();
        var random = new Random(seed);
        var rows = new ArrayList<Worker>();
        for (var answer = 0; answer < 1_000; answer++) {
            for (var changes = random.nextInt(8); changes > 0; changes--) {
                var row = row("w" + random.nextInt(40), "user" + random.nextInt(2), random.nextBoolean() ? "t" : "", random.nextInt(5));
                var at = random.nextInt(rows.size() + 1);
                if (random.nextInt(3) == 0) {
                    rows.subList(at, Math.min(rows.size(), at + random.nextInt(20))).clear();
                } else if (at < rows.size() && random.nextBoolean()) {
                    rows.set(at, row);
                } else {
                    rows.add(at, row);
                }
            }
            if (random.nextInt(50) == 0) {
                java.util.Collections.shuffle(rows, random);
            }

            assertThat(show(list.of(List.copyOf(rows)))).as("seed %d, answer %d", seed, answer).isEqualTo(anew(rows));
        }
    }

    /** Of entries that reported at once, which one it is is of no matter. */
    private static Map<String, String> show(List<Seen.Worker> workers) {
        assertThat(workers).isSortedAccordingTo(Comparator.comparing(Seen.Worker::id));
        var shown = new TreeMap<String, String>();
        workers.forEach(worker -> assertThat(shown.put(worker.id(), worker.lastReport() + " " + worker.task())).isNull());
        return shown;
    }

    private static Map<String, String> anew(List<Worker> rows) {
        var shown = new TreeMap<String, String>();
        rows.stream().sorted(Comparator.comparing(Worker::lastReport).thenComparing(Worker::task))
                .forEach(row -> shown.put(row.id(), row.lastReport() + " " + row.task()));
        return shown;
    }
}
