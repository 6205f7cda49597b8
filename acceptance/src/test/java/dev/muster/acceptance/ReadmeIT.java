package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.sandbox.TimeScale;
import dev.muster.sandbox.clearml.ClearmlConfig;
import dev.muster.sandbox.clearml.ClearmlServer;
import dev.muster.sandbox.ec2.Ec2Config;
import dev.muster.sandbox.ec2.Ec2Server;
import dev.muster.sandbox.machine.ClearmlMachine;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The README's section "Against your own ClearML and cloud", command by command, with stand-ins at the places of both. */
class ReadmeIT {

    private static final TimeScale SPEED = new TimeScale(20);

    private static final Duration PATIENCE = Duration.ofMinutes(2);

    @TempDir
    Path folder;

    private Vertx vertx;
    private ClearmlServer clearml;
    private Ec2Server ec2;
    private Shell shell;

    @BeforeEach
    void startWhatTheUserHas() throws IOException {
        vertx = Vertx.vertx();
        clearml = ClearmlServer.start(vertx, 0, ClearmlConfig.of(new ClearmlConfig.Credential("ACCESS", "SECRET", "me", "mine")));
        ec2 = Ec2Server.start(vertx, Ec2Config.defaults().withTimeScale(SPEED), new ClearmlMachine(vertx, SPEED));
        shell = new Shell(folder);
        Files.writeString(folder.resolve("clearml.conf"), """
                api {
                  api_server: %1$s
                  web_server: %1$s
                  files_server: %1$s
                  credentials { "access_key" = "ACCESS", "secret_key" = "SECRET" }
                }
                """.formatted(clearml.url()));
    }

    @AfterEach
    void close() {
        shell.endAll();
        ec2.close();
        clearml.close();
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    @Test
    void itsCommandsRunATaskOnAMachineOfOnesOwn() throws Exception {
        var commands = commands();
        assertThat(commands).first().isEqualTo("./muster init");
        shell.run(commands.get(0)).succeeded();
        assertThat(Files.readAllLines(folder.resolve("fleet.yaml"))).hasSizeLessThanOrEqualTo(12);
        assertThat(Files.getPosixFilePermissions(folder.resolve("secrets/clearml-default-secret-key"))).isEqualTo(PosixFilePermissions.fromString("rw-------"));
        assertThat(shell.run("./muster init")).isEqualTo(
                new Shell.Ran(1, "", "muster: " + folder.toRealPath().resolve("fleet.yaml") + " is there already: --force writes over it\n"));

        // What the section asks the reader to do by hand: look at the file, and put in the AWS keys.
        var config = folder.resolve("muster.yaml");
        Files.writeString(config, Files.readString(config).replace("    provider: aws\n",
                "    provider: aws\n    endpoint: " + ec2.url() + "\n    image: " + Ec2Config.UBUNTU.id() + "\n"));
        Files.writeString(folder.resolve("secrets/aws-default-access-key-id"), Ec2Config.ACCESS_KEY);
        Files.writeString(folder.resolve("secrets/aws-default-secret-access-key"), "any");

        for (var command : commands.subList(1, commands.size())) {
            shell.run(command).succeeded();
        }

        Await.within(PATIENCE, "the task is completed", () -> clearml.books().byStatus().getOrDefault("completed", 0) == 1);
        assertThat(ec2.books().live()).isEqualTo(1);

        // Down and up again: the machine stays on the books, and no second one comes.
        assertThat(shell.run("./muster down").succeeded().out()).contains("1 machines still run and cost $0.101/h");
        shell.run(commands.get(1)).succeeded();
        shell.run("./muster task enqueue default --seconds 20").succeeded();
        Await.within(PATIENCE, "the second task is completed", () -> clearml.books().byStatus().getOrDefault("completed", 0) == 2);
        assertThat(ec2.books().launchCalls()).hasSize(1);

        shell.run("./muster fleet delete first --machines idle").succeeded();
        Await.within(PATIENCE, "the machine is gone", () -> ec2.books().live() == 0);
        // The cloud knows first; the books follow with its next report, and until then the machine is still counted.
        Await.within(PATIENCE, "the books say so", () -> shell.run("./muster machine list").succeeded().out().equals("no machines\n"));
        assertThat(shell.run("./muster down").succeeded().out()).contains("No machine of it runs.");
        assertThat(shell.processesLeft()).isEmpty();
    }

    private static List<String> commands() throws IOException {
        var section = Pattern.compile("## Against your own ClearML and cloud\n(.*?)\n## ", Pattern.DOTALL).matcher(Files.readString(Shell.SOURCES.resolve("README.md")));
        assertThat(section.find()).isTrue();
        var block = Pattern.compile("```sh\n(.*?)```", Pattern.DOTALL).matcher(section.group(1));
        assertThat(block.find()).isTrue();
        return block.group(1).lines().toList();
    }
}
