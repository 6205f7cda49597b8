package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.sandbox.TimeScale;
import dev.muster.sandbox.ec2.Books;
import dev.muster.v1.MachineRecord;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Machines that carry the mark of another Kafka: this installation's own, whose disk was lost, or that of a second installation which was given the
 * same name on the same account. Judged by EC2's and ClearML's books.
 */
@Tag("long")
class KafkaLostIT {

    private static final int SPEED = 10;
    private static final String QUEUE = "work";
    private static final String FLEET = """
            name: train
            queues:
              work: [cpu]
            pools:
              cpu: {provider: aws, region: us-east-1, type: c5.xlarge, max: 6, idle: 15s}
            """;
    private static final Duration PATIENCE = Duration.ofMinutes(4);
    /** Of the clock. Some looks of everybody at everything. */
    private static final Duration HELD = Duration.ofSeconds(15);
    private static final Pattern CLUSTER = Pattern.compile("muster takeover ([A-Za-z0-9_-]+)");

    @TempDir
    Path folder;

    private OwnStandIns standIns;
    private final List<Shell> shells = new ArrayList<>();
    private final List<String> tasks = new ArrayList<>();
    private String queue;

    @AfterEach
    void down() {
        shells.forEach(Shell::endAll);
        if (standIns != null) {
            standIns.close();
        }
    }

    private Shell shell(String name) throws IOException {
        var place = Files.createDirectory(folder.resolve(name));
        var shell = new Shell(place);
        shells.add(shell);
        standIns.writeMusterYaml(place);
        standIns.writeEc2Keys(place);
        Files.writeString(place.resolve("train.yaml"), FLEET);
        return shell;
    }

    private static PlannerRecords up(Shell shell) throws Exception {
        var records = new PlannerRecords(shell.run("./muster up --config muster.yaml --json").succeeded().json().path("kafka").asText());
        shell.run("./muster fleet apply -f train.yaml").succeeded();
        return records;
    }

    private void enqueue(int count, Duration each) throws Exception {
        for (int i = 0; i < count; i++) {
            var task = standIns.createTask("task " + tasks.size(), each.multipliedBy(SPEED));
            standIns.enqueue(task, queue);
            tasks.add(task);
        }
    }

    private int inStatus(String status) {
        return standIns.clearml.books().byStatus().getOrDefault(status, 0);
    }

    private List<Books.Entry> instances() {
        return standIns.ec2.books().instances(Instant.now());
    }

    private void begin() throws Exception {
        standIns = new OwnStandIns(new TimeScale(SPEED));
        queue = standIns.createQueue(QUEUE);
    }

    /** What the provisioner says of itself, with the cluster that is in the way. */
    private static String cluster(Shell shell) throws Exception {
        var said = new String[1];
        Await.within(PATIENCE, "the provisioner to say what is in its way", () -> {
            var match = CLUSTER.matcher(shell.run("./muster status").out());
            said[0] = match.find() ? match.group(1) : null;
            return said[0] != null;
        });
        return said[0];
    }

    private void everyTaskRanOnce() {
        assertThat(standIns.clearml.books().tasks()).hasSize(tasks.size()).allSatisfy(task -> {
            assertThat(task.status()).as(task.toString()).isEqualTo("completed");
            assertThat(task.starts()).as(task.toString()).isEqualTo(1);
        });
    }

    /** While something holds, nothing is started, and nothing is ended. */
    private void staysFor(Duration time, int machines) throws Exception {
        var over = Instant.now().plus(time);
        Await.within(time.plusMinutes(1), "the time to be over", () -> {
            assertThat(instances()).hasSize(machines).allSatisfy(instance -> assertThat(instance.ending()).as(instance.id()).isNull());
            return Instant.now().isAfter(over);
        });
    }

    @Test
    void aFleetWhoseKafkaWasLostHoldsAndIsTakenOver() throws Exception {
        // Given
        begin();
        var shell = shell("muster");
        up(shell);
        enqueue(3, Duration.ofSeconds(100));
        Await.within(PATIENCE, "three tasks to run", () -> inStatus("in_progress") == 3);
        // When the disk of the broker is gone with all that Muster knew
        shell.run("./muster down").succeeded();
        delete(folder.resolve("muster/.muster/data"));
        enqueue(1, Duration.ofSeconds(5));
        var records = up(shell);
        // Then it holds, and says why
        var lost = cluster(shell);
        Await.within(PATIENCE, "the planner to hold", () -> records.trail("train").briefly().contains("! FOREIGN_MARK"));
        assertThat(shell.run("./muster why queue " + QUEUE + " --fleet train").succeeded().out()).contains("kept by another Kafka cluster, " + lost).contains("muster takeover");
        staysFor(HELD, 3);
        assertThat(records.machines()).isEmpty();
        assertThat(inStatus("in_progress")).isEqualTo(3);
        // And after a person's word each machine is on the books
        assertThat(shell.run("./muster takeover " + lost).succeeded().out()).isEqualTo("fleet train takes over from Kafka cluster " + lost + "\n");
        Await.within(PATIENCE, "three machines on the books, at work", () -> records.machines().values().stream().filter(KafkaLostIT::isBusy).count() == 3);
        assertThat(records.machines().values()).filteredOn(KafkaLostIT::isBusy).extracting(MachineRecord::getCloudId)
                .containsExactlyInAnyOrderElementsOf(instances().stream().limit(3).map(Books.Entry::id).toList());
        Await.within(PATIENCE, "all tasks to be done", () -> inStatus("completed") == tasks.size());
        Await.within(PATIENCE, "no machine to be left", () -> standIns.ec2.books().live() == 0);
        everyTaskRanOnce();
        // One for each task, the fourth launched after the take-over.
        assertThat(instances()).hasSize(4);
        assertThat(instances()).extracting(instance -> instance.clientToken() + " " + instance.launchIndex()).as("launched once each").doesNotHaveDuplicates();
    }

    @Test
    void aSecondInstallationOfTheSameNameTouchesNothing() throws Exception {
        // Given
        begin();
        var first = up(shell("first"));
        enqueue(2, Duration.ofSeconds(60));
        Await.within(PATIENCE, "two tasks to run", () -> inStatus("in_progress") == 2);
        // When somebody starts another one, with everything as in the first one's files
        var other = shell("second");
        var second = up(other);
        enqueue(1, Duration.ofSeconds(5));
        // Then it holds, and says that there are two
        cluster(other);
        assertThat(shells.get(0).run("./muster status").out()).doesNotContain("takeover");
        Await.within(PATIENCE, "the first to serve what waits, and to let all machines go", () -> inStatus("completed") == 3 && standIns.ec2.books().live() == 0);
        everyTaskRanOnce();
        var its = first.machines();
        assertThat(instances()).extracting(Books.Entry::id).as("all of them the first one's").containsExactlyInAnyOrderElementsOf(
                its.values().stream().map(MachineRecord::getCloudId).toList());
        assertThat(second.machines()).isEmpty();
        assertThat(second.trail("train").briefly()).contains("! FOREIGN_MARK");
        assertThat(first.trail("train").briefly()).doesNotContain("! FOREIGN_MARK", "IS_UNKNOWN");
    }

    private static boolean isBusy(MachineRecord machine) {
        return machine.getCounted() && machine.getTasksCount() > 0;
    }

    private static void delete(Path folder) throws IOException {
        try (var files = Files.walk(folder)) {
            for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
