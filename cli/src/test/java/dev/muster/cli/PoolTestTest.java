package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.protobuf.Timestamp;
import dev.muster.contracts.FleetYaml;
import dev.muster.v1.MachineRecord;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PoolTestTest {

    private static final Instant ASKED = Instant.parse("2026-11-24T08:00:00Z");
    private static final PoolTest.TaskSeen WAITING = new PoolTest.TaskSeen("queued", null, null, "");

    @TempDir
    Path folder;

    private static Timestamp after(long seconds) {
        return Timestamp.newBuilder().setSeconds(ASKED.getEpochSecond() + seconds).build();
    }

    private static PoolTest.Done done(PoolTest.Step step, long seconds) {
        return new PoolTest.Done(step, Duration.ofSeconds(seconds));
    }

    @Test
    void aFleetOfOnePoolIsThatPoolWithOneMachineAndNothingElse() throws Exception {
        var spec = FleetYaml.read("""
                name: team
                connection: inner
                workersPrefix: team-workers
                queues: {a: [gpu], b: [cpu, gpu]}
                max: 9
                budgets: [{period: day, limit: 100}]
                pools:
                  cpu: {provider: aws, region: us-east-1, type: c5.large, max: 5}
                  gpu:
                    provider: aws
                    region: us-east-1
                    type: g4dn.xlarge
                    min: 2
                    max: 5
                    warm: 1
                    image: ami-1
                    schedules: [{cron: "0 8 * * *", lasts: 1h, min: 3}]
                """);

        var tried = PoolTest.fleet(spec, "gpu", "pool-test-1");

        assertThat(FleetYaml.write(tried)).isEqualTo(FleetYaml.write(FleetYaml.read("""
                name: pool-test-1
                connection: inner
                queues: {pool-test-1: [gpu]}
                rescue: {enabled: false}
                shutdown: all
                pools:
                  gpu:
                    provider: aws
                    region: us-east-1
                    type: g4dn.xlarge
                    min: 0
                    max: 1
                    image: ami-1
                """).toBuilder().setQueues(0, tried.getQueues(0)).build()));
    }

    @Test
    void stepsAreThoseThatAreOver() {
        var machine = MachineRecord.newBuilder().setRequestedAt(after(0)).setAcceptedAt(after(2)).setBootedAt(after(30));

        assertThat(PoolTest.steps(machine.build(), WAITING)).containsExactly(done(PoolTest.Step.LAUNCH, 2), done(PoolTest.Step.BOOT, 28));
        assertThat(PoolTest.steps(machine.setReadyAt(after(90)).setEndedAt(after(200)).build(),
                new PoolTest.TaskSeen("completed", ASKED.plusSeconds(95), ASKED.plusSeconds(97), ""))).containsExactly(done(PoolTest.Step.LAUNCH, 2),
                done(PoolTest.Step.BOOT, 28), done(PoolTest.Step.REGISTRATION, 60), done(PoolTest.Step.PICKUP, 5), done(PoolTest.Step.TASK, 2), done(PoolTest.Step.DRAIN, 103));
    }

    @Test
    void aStepWhoseEndNobodySawIsPartOfTheNext() {
        var machine = MachineRecord.newBuilder().setRequestedAt(after(0)).setAcceptedAt(after(2)).setReadyAt(after(90)).build();

        assertThat(PoolTest.steps(machine, WAITING)).containsExactly(done(PoolTest.Step.LAUNCH, 2), done(PoolTest.Step.REGISTRATION, 88));
    }

    @Test
    void clocksThatDifferMakeNoStepNegative() {
        var machine = MachineRecord.newBuilder().setRequestedAt(after(0)).setAcceptedAt(after(2)).setBootedAt(after(30)).setReadyAt(after(90)).build();

        assertThat(PoolTest.steps(machine, new PoolTest.TaskSeen("in_progress", ASKED.plusSeconds(60), null, "")))
                .contains(done(PoolTest.Step.PICKUP, 0));
    }

    @Test
    void theTaskRunsAsAProgramAndAsAChangeToARepository() throws Exception {
        assumeTrue(hasGit(), "Skipped: there is no git or python3");
        var alone = new PoolTestTask("", "", "").createRequest("test").path("script");
        Files.writeString(folder.resolve("alone.py"), alone.path("diff").asText());
        assertThat(run("python3", "alone.py")).contains("The machine can work");

        var cloned = new PoolTestTask("https://git.example/it's \"ours\".git", "main", "").createRequest("test").path("script");
        assertThat(cloned.path("branch").asText()).isEqualTo("main");
        Files.writeString(folder.resolve("change.patch"), cloned.path("diff").asText());
        run("git", "init", "-q", ".");
        run("git", "apply", "change.patch");
        assertThat(run("python3", cloned.path("entry_point").asText())).contains("it's \"ours\".git is cloned", "The machine can work");
    }

    @Test
    void whatTheTaskNeedsToReadAnObjectIsInstalled() {
        assertThat(new PoolTestTask("", "", "s3://bucket/key").createRequest("test").at("/script/requirements/pip").asText()).isEqualTo("clearml\nboto3\n");
        assertThat(new PoolTestTask("", "", "https://host/key").createRequest("test").at("/script/requirements/pip").asText()).isEqualTo("clearml\n");
        assertThat(new PoolTestTask("", "", "").createRequest("test").at("/script/requirements/pip").asText("-")).isEmpty();
    }

    private boolean hasGit() throws Exception {
        try {
            return run("git", "--version").startsWith("git") && run("python3", "--version").startsWith("Python");
        } catch (java.io.IOException absent) {
            return false;
        }
    }

    private String run(String... line) throws Exception {
        var process = new ProcessBuilder(line).directory(folder.toFile()).redirectErrorStream(true).start();
        process.getOutputStream().close();
        var said = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(said).isZero();
        return said;
    }
}
