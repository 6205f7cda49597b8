package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.sandbox.TimeScale;
import dev.muster.sandbox.ec2.Books;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.Phase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Machines that carry the mark of another Kafka: this installation's own, whose disk was lost, or that of a second installation which was given the
 * same name on the same account; and a Kafka that knows less than it did, since its disk is an older copy. Judged by EC2's and ClearML's books.
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
        enqueue(3, Duration.ofSeconds(200));
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

    /** Each sentence of "A restore from an older copy" in docs/operations.md. */
    @Test
    void aBrokerThatIsRestoredFromAnOlderCopyEndsNothing() throws Exception {
        // Given a copy of the disk of a broker that was stopped, with two machines at work
        begin();
        var shell = shell("muster");
        up(shell);
        enqueue(1, Duration.ofSeconds(330));
        enqueue(1, Duration.ofSeconds(50));
        Await.within(PATIENCE, "two tasks to run", () -> inStatus("in_progress") == 2);
        shell.run("./muster down").succeeded();
        var disk = folder.resolve("muster/.muster/data");
        var older = folder.resolve("older");
        copy(disk, older);
        shell.run("./muster up --config muster.yaml").succeeded();
        // And what happened since: a machine that has ended, one that works, one that came and went, a fleet, and a pause
        Await.within(PATIENCE, "a machine to end that the copy has", () -> ended() == 1);
        enqueue(1, Duration.ofSeconds(240));
        Await.within(PATIENCE, "a machine to be launched that the copy doesn't have", () -> inStatus("in_progress") == 2);
        enqueue(1, Duration.ofSeconds(1));
        Await.within(PATIENCE, "a machine to come and go that the copy doesn't have", () -> ended() == 2 && instances().size() == 4);
        var since = standIns.createQueue("since");
        Files.writeString(folder.resolve("muster/since.yaml"), FLEET.replace("train", "since").replace(QUEUE + ":", "since:"));
        shell.run("./muster fleet apply -f since.yaml").succeeded();
        var task = standIns.createTask("of the fleet made since", Duration.ofSeconds(240).multipliedBy(SPEED));
        standIns.enqueue(task, since);
        tasks.add(task);
        Await.within(PATIENCE, "a machine of a fleet that the copy doesn't have", () -> inStatus("in_progress") == 3);
        shell.run("./muster fleet pause train").succeeded();
        Await.within(PATIENCE, "the pause", () -> states(shell).equals(Map.of("train", "PAUSED", "since", "ACTIVE")));
        var before = instances();
        assertThat(before).extracting(instance -> instance.ending() == null).as("two of the copy, of which one has ended; then one each")
                .endsWith(true, false, true).hasSize(5);
        var working = before.get(before.get(0).ending() == null ? 0 : 1);
        var ended = before.get(before.get(0).ending() == null ? 1 : 0);
        // When
        shell.run("./muster down").succeeded();
        delete(disk);
        copy(older, disk);
        var records = new PlannerRecords(shell.run("./muster up --config muster.yaml --json").succeeded().json().path("kafka").asText());
        // Then the pause is undone, the fleet made since is gone, and nobody is asked whose the machines are
        assertThat(states(shell)).isEqualTo(Map.of("train", "ACTIVE"));
        // And what happened since is found out at the cloud: the machine at work is adopted with its task, the one that has ended is seen so
        Await.within(PATIENCE, "two machines at work on the books, and one that is gone", () -> records.machines().values().stream().filter(KafkaLostIT::isBusy)
                .map(MachineRecord::getCloudId).collect(Collectors.toSet()).equals(Set.of(working.id(), before.get(2).id())) && of(records, ended).getPhase() == Phase.GONE);
        assertThat(of(records, before.get(2)).getTasksList()).containsExactly(tasks.get(2));
        assertThat(records.trail("train").briefly()).contains("IS_UNKNOWN", "MACHINE_ENDED").doesNotContain("! FOREIGN_MARK", "TASK_LOST_MACHINE");
        // And nothing is ended or launched, those of the fleet made since among them, which are nobody's
        staysAsBefore(HELD, before);
        assertThat(records.machines().values()).extracting(MachineRecord::getCloudId).doesNotContain(before.get(4).id());
        // And once its file is applied again they are its own
        shell.run("./muster fleet apply -f since.yaml").succeeded();
        Await.within(PATIENCE, "its machine to be adopted with its task", () -> records.machines().values().stream().filter(KafkaLostIT::isBusy)
                .anyMatch(machine -> machine.getFleet().equals("since") && machine.getCloudId().equals(before.get(4).id()) && machine.getTasksList().equals(List.of(task))));
        // And what waits is served by one machine, though the next id of the copy was given since, to the machine that came and went
        enqueue(1, Duration.ofSeconds(5));
        Await.within(PATIENCE.multipliedBy(2), "all tasks to be done", () -> inStatus("completed") == tasks.size());
        Await.within(PATIENCE, "no machine to be left", () -> standIns.ec2.books().live() == 0);
        everyTaskRanOnce();
        assertThat(instances()).hasSize(6);
        assertThat(instances()).extracting(instance -> instance.clientToken() + " " + instance.launchIndex()).as("launched once each").doesNotHaveDuplicates();
        Await.within(PATIENCE, "nothing to be on the books", () -> records.machines().values().stream().noneMatch(MachineRecord::getCounted));
    }

    private long ended() {
        return instances().stream().filter(instance -> instance.ended() != null).count();
    }

    /** By fleet. */
    private static Map<String, String> states(Shell shell) throws Exception {
        var states = new TreeMap<String, String>();
        shell.run("./muster fleet list --json").succeeded().json().path("fleets").forEach(fleet -> states.put(fleet.path("record").path("fleet").asText(),
                fleet.path("record").path("state").asText()));
        return states;
    }

    private static MachineRecord of(PlannerRecords records, Books.Entry instance) {
        return records.machines().values().stream().filter(machine -> machine.getCloudId().equals(instance.id())).findFirst().orElse(MachineRecord.getDefaultInstance());
    }

    /** Nothing is started, and nothing ended that lived. */
    private void staysAsBefore(Duration time, List<Books.Entry> before) throws Exception {
        var over = Instant.now().plus(time);
        Await.within(time.plusMinutes(1), "the time to be over", () -> {
            assertThat(instances()).extracting(instance -> instance.id() + " " + instance.ending())
                    .isEqualTo(before.stream().map(instance -> instance.id() + " " + instance.ending()).toList());
            return Instant.now().isAfter(over);
        });
    }

    private static boolean isBusy(MachineRecord machine) {
        return machine.getCounted() && machine.getTasksCount() > 0;
    }

    private static void copy(Path folder, Path to) throws IOException {
        try (var files = Files.walk(folder)) {
            for (var file : files.toList()) {
                Files.copy(file, to.resolve(folder.relativize(file)), StandardCopyOption.COPY_ATTRIBUTES);
            }
        }
    }

    private static void delete(Path folder) throws IOException {
        try (var files = Files.walk(folder)) {
            for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
