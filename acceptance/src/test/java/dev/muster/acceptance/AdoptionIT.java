package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.muster.sandbox.ec2.Ec2Config;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * From ClearML's autoscaler to Muster while three of its machines run, one of them with a task: its file is imported, its machines, which its own
 * driver started, are adopted. What was done to them is what EC2's books say.
 */
@Tag("long")
class AdoptionIT {

    /** The machines' user data is the only thing changed of the driver: their agents are this test's. */
    private static final String START = """
            import os
            from clearml.automation.aws_driver import AWSDriver

            class Driver(AWSDriver):
                def gen_user_data(self, *args, **kwargs):
                    return "#!/bin/bash\\n"

            nothing = {name: "" for name in ("git_user", "git_pass", "extra_clearml_conf", "api_server", "web_server", "files_server", "access_key",
                                             "secret_key", "auth_token", "extra_vm_bash_script", "docker_image")}
            driver = Driver(aws_region="us-east-1", use_credentials_chain=True, **nothing)
            resource = dict(instance_type="c5.xlarge", is_spot=False, availability_zone="us-east-1b", ami_id=os.environ["AMI"])
            for machine in range(3):
                print(driver.spin_up_worker(resource, "dynamic_worker:CPU_big:c5.xlarge", "training", None), flush=True)
            """;
    private static final Duration TASK = Duration.ofSeconds(45);
    /** The least that an autoscaler's file can say. */
    private static final Duration IDLE = Duration.ofMinutes(1);
    private static final Duration PATIENCE = Duration.ofMinutes(6);
    /** Micro-units: the offer's, and the half cent of the public address that machines of the pool have. */
    private static final long PER_HOUR = 170_000 + 5_000;

    @TempDir
    Path folder;

    private Shell shell;
    private final Map<String, ForeignAgent> agents = new HashMap<>();

    @AfterEach
    void down() {
        agents.values().forEach(ForeignAgent::off);
        if (shell != null) {
            shell.endAll();
        }
    }

    @Test
    void nothingIsDoneToRunningMachinesWhenTheyAreTakenOver() throws Exception {
        var python = Parts.python("adoption of machines of ClearML's own driver");
        // Given
        shell = new Shell(folder);
        shell.run("./muster up --speed 10 --json").succeeded();
        var standIns = StandIns.of(shell);
        var clearml = Clearml.of(shell);
        // As ClearML's autoscaler makes queues that aren't there.
        var queue = clearml.call("queues.create", Map.of("name", "training")).path("id").asText();
        var ids = startMachines(python, clearml);
        ids.forEach(id -> agents.put(id, new ForeignAgent(clearml, "dynamic_worker:CPU_big:c5.xlarge:" + id, queue, TASK)));
        shell.run("./muster task enqueue training --seconds 10").succeeded();
        agents.get(ids.get(0)).start();
        Await.within(PATIENCE, "the first machine to be busy", () -> !agents.get(ids.get(0)).task().isEmpty());
        agents.get(ids.get(1)).start();
        agents.get(ids.get(2)).start();

        // When
        Files.writeString(folder.resolve("aws_autoscaler.yaml"), """
                hyper_params: {use_credentials_chain: true, max_idle_time_min: 1, workers_prefix: dynamic_worker}
                configurations:
                  queues: {training: [[CPU_big, 4]]}
                  resource_configurations:
                    CPU_big: {instance_type: c5.xlarge, is_spot: false, availability_zone: us-east-1b, ami_id: %s}
                """.formatted(Ec2Config.UBUNTU.id()));
        shell.run("./muster import clearml aws_autoscaler.yaml -o fleet.yaml").succeeded();
        // An import can't know what machines cost, and the sandbox has no list of prices.
        var spec = Files.readString(folder.resolve("fleet.yaml"));
        Files.writeString(folder.resolve("fleet.yaml"), spec.replace("    type: c5.xlarge\n", "    type: c5.xlarge\n    price: 0.17\n"));
        var applied = shell.run("./muster fleet apply -f fleet.yaml --adopt").succeeded().out();
        assertThat(applied).contains("Machines of workers dynamic_worker:<pool>:<type>:<cloud id> are adopted as ClearML shows them");

        // Then they are on the books, with pool and price.
        Await.within(PATIENCE, "three machines on the books, priced", () -> machines().size() == 3
                && machines().stream().allMatch(machine -> machine.path("committedMicrosPerHour").asLong() == PER_HOUR));
        assertThat(machines()).allSatisfy(machine -> {
            assertThat(machine.path("machineId").asText()).isEqualTo("a-" + machine.path("cloudId").asText());
            assertThat(ids).contains(machine.path("cloudId").asText());
            assertThat(machine.path("pool").asText()).isEqualTo("cpu-big");
            assertThat(machine.path("adopted").asBoolean()).isTrue();
            assertThat(machine.path("guarded").asBoolean()).isFalse();
            assertThat(machine.path("phase").asText()).isEqualTo("READY");
        });
        var busy = "a-" + ids.get(0);
        assertThat(shell.run("./muster machine list").succeeded().out()).contains("adopted, busy").contains("adopted, idle");
        assertThat(shell.run("./muster why machine " + busy).succeeded().out()).contains("adopted into cpu-big as c5.xlarge us-east-1b");

        // What waits is theirs to take, and the task of before ends where it began.
        shell.run("./muster task enqueue training --count 2 --seconds 10").succeeded();
        Await.within(PATIENCE, "all three tasks done", () -> {
            assertNobodyFailed();
            return standIns.tasks("completed") == 3;
        });
        assertThat(standIns.tasks()).allSatisfy(task -> assertThat(task.path("starts").asInt()).as(task.toString()).isEqualTo(1));
        assertThat(standIns.get("/ec2/books").path("launchCalls")).hasSize(3);

        // Idle ones go as any other, and none before it was idle for the time-out.
        var ended = new HashMap<String, Instant>();
        Await.within(PATIENCE, "all three released", () -> {
            assertNobodyFailed();
            for (var instance : standIns.get("/ec2/books").path("instances")) {
                var id = instance.path("id").asText();
                if (!instance.path("ending").isNull() && ended.putIfAbsent(id, Instant.parse(instance.path("ending").asText())) == null) {
                    agents.get(id).off();
                    assertThat(agents.get(id).task()).as("the task of %s", id).isEmpty();
                    assertThat(instance.path("endReason").asText()).isEqualTo("Client.UserInitiatedShutdown");
                }
            }
            return ended.size() == 3;
        });
        assertThat(ended).allSatisfy((id, at) -> assertThat(at).as(id).isAfter(agents.get(id).idleSince().plus(IDLE)));
        Await.within(PATIENCE, "no machine left", () -> machines().isEmpty());
        assertThat(standIns.get("/ec2/books").path("launchCalls")).hasSize(3);
    }

    private void assertNobodyFailed() {
        assertThat(agents.values()).allSatisfy(agent -> assertThat(agent.failure()).isNull());
    }

    private List<String> startMachines(Path python, Clearml clearml) throws Exception {
        Files.writeString(folder.resolve("start.py"), START);
        var other = new Shell(Files.createDirectory(folder.resolve("other")));
        clearml.environment().forEach(other::with);
        var ran = other.with("AWS_ENDPOINT_URL", shell.run("./muster status --json").succeeded().json().path("ec2").asText())
                .with("AWS_ACCESS_KEY_ID", Ec2Config.ACCESS_KEY).with("AWS_SECRET_ACCESS_KEY", "any").with("AMI", Ec2Config.UBUNTU.id())
                .run(python + " " + folder.resolve("start.py")).succeeded();
        var ids = new ArrayList<String>();
        ran.out().lines().filter(line -> line.startsWith("i-")).forEach(ids::add);
        assertThat(ids).hasSize(3);
        return ids;
    }

    private List<JsonNode> machines() throws Exception {
        return StreamSupport.stream(shell.run("./muster machine list --json").succeeded().json().path("machines").spliterator(), false).toList();
    }
}
