package dev.muster.aws;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.contracts.SecretRef;
import dev.muster.contracts.SecretsFolder;
import dev.muster.provisioner.boot.BootFailure;
import dev.muster.provisioner.boot.BootPlan;
import dev.muster.provisioner.boot.Given;
import dev.muster.provisioner.spi.Await;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.KeepUntil;
import dev.muster.provisioner.spi.LaunchSettings;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.sandbox.clearml.ClearmlConfig;
import dev.muster.sandbox.clearml.ClearmlServer;
import dev.muster.sandbox.ec2.Ec2Config;
import dev.muster.sandbox.ec2.Ec2Server;
import dev.muster.sandbox.machine.ProcessMachine;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Secrets by reference from the launch call to the agent's environment: EC2's stand-in with its metadata, roles and secret stores, whose machines
 * run the real boot script and guard. The agent is a program that writes down what it is given.
 */
class MachineSecretsTest {

    private static final String AGENT = "3.0.3";

    @TempDir
    private Path folder;

    private final Vertx vertx = Vertx.vertx();
    private ClearmlServer clearml;
    private Ec2Server ec2;
    private Ec2Machines machines;

    @BeforeEach
    void start() throws IOException {
        for (var program : List.of("python3", "curl")) {
            if (!isThere(program)) {
                System.out.println("Skipped: secrets on machines that are processes; " + program + " is not on the PATH");
                Assumptions.abort(program + " is missing");
            }
        }
        clearml = ClearmlServer.start(vertx, 0, ClearmlConfig.of(new ClearmlConfig.Credential("MACHINE", "machine's secret", "me", "mine")));
        var venv = folder.resolve("venv");
        Files.createDirectories(venv.resolve("lib/python3.11/site-packages/clearml_agent-" + AGENT + ".dist-info"));
        var agent = Files.createDirectories(venv.resolve("bin")).resolve("clearml-agent");
        Files.writeString(agent, "#!/bin/sh\nenv > \"$HOME/given.new\"\nmv \"$HOME/given.new\" \"$HOME/given\"\nexec sleep 600\n");
        Files.setPosixFilePermissions(agent, PosixFilePermissions.fromString("rwxr-xr-x"));
        ec2 = Ec2Server.start(vertx, Ec2Config.defaults().withBootTime(Duration.ofMillis(30)).withShutdownTime(Duration.ofMillis(30)),
                new ProcessMachine(folder.resolve("machines"), Optional.of(venv)));
        var secrets = Files.createDirectory(folder.resolve("secrets"));
        Files.writeString(secrets.resolve("aws-" + Ec2StandIn.ACCOUNT + "-access-key-id"), Ec2Config.ACCESS_KEY);
        Files.writeString(secrets.resolve("aws-" + Ec2StandIn.ACCOUNT + "-secret-access-key"), "any");
        machines = new Ec2Machines(new AwsAccounts(Map.of(Ec2StandIn.ACCOUNT, new AwsAccounts.Account(Optional.of(URI.create(ec2.url())),
                Optional.of(Ec2Config.UBUNTU.id()), List.of(Ec2StandIn.SCOPE.region()))), new SecretsFolder(secrets)), "lab");
    }

    @AfterEach
    void stop() {
        if (ec2 != null) {
            ec2.close();
            clearml.close();
        }
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    private static boolean isThere(String program) {
        return List.of(System.getenv("PATH").split(":")).stream().anyMatch(path -> Files.isExecutable(Path.of(path, program)));
    }

    private MachineBatch batch(String instanceProfile) {
        var keys = new BootPlan.Keys(Given.text("MACHINE"), Given.kept(SecretRef.parse("ssm:/muster/machines/clearml#secret")));
        var environment = new TreeMap<>(Map.of("TOKEN", Given.kept(SecretRef.parse("secretsmanager:muster/machines/token")),
                "USER_NAME", Given.kept(SecretRef.parse("secretsmanager:muster/machines/git#user"))));
        var boot = new BootPlan("lab-train:cpu:any", 1, List.of("0123456789abcdef0123456789abcdef"), new BootPlan.Hosts(clearml.url(), clearml.url(), clearml.url()),
                keys, false, "", AGENT, true, environment, Given.NOTHING, Given.NOTHING, Given.NOTHING, false, BootPlan.Storage.NONE, Optional.empty());
        return new MachineBatch("mabcdefgh-1", List.of("mabcdefgh-1"), "train", "cpu", Ec2StandIn.OFFER, 0,
                new LaunchSettings("", List.of(), Map.of(), Optional.of(new LaunchSettings.Aws("", List.of(), instanceProfile, Optional.empty(), "", "", false, "", List.of()))), boot,
                KeepUntil.from(Instant.now(), "kafka"));
    }

    private void keepSecrets() {
        ec2.parameter("/muster/machines/clearml", "{\"secret\": \"machine's secret\"}", true);
        ec2.secret("muster/machines/token", "t0ken $x 'y'\nsecond line\n");
        ec2.secret("muster/machines/git", "{\"user\": \"lab bot\"}");
    }

    @Test
    void aMachineReadsItsSecretsWithItsRoleAndUserDataHasTheirNames() throws Exception {
        keepSecrets();
        var id = machines.launch(batch("muster-machine")).machines().get(0).cloudId();
        var root = folder.resolve("machines").resolve(id);
        Await.until(() -> Files.exists(root.resolve("given")) || ec2.console(id).contains("MUSTER-BOOT-FAILED"), Boolean::booleanValue);

        assertThat(root.resolve("given")).as(ec2.console(id)).exists();
        assertThat(Files.readString(root.resolve("given"))).contains("CLEARML_API_ACCESS_KEY=MACHINE\n", "CLEARML_API_SECRET_KEY=machine's secret\n",
                "TOKEN=t0ken $x 'y'\nsecond line\n", "USER_NAME=lab bot\n");
        assertThat(Files.readString(root.resolve("user-data"))).contains("ssm:/muster/machines/clearml#secret").doesNotContain("machine's secret", "t0ken", "lab bot");
        assertThat(ec2.console(id)).contains("MUSTER-BOOT-DONE").doesNotContain("machine's secret", "t0ken", "lab bot");
    }

    @Test
    void aRoleThatMayNotReadThemEndsTheBootWithTheReferenceAndAmazonsCode() throws Exception {
        keepSecrets();
        ec2.faults().deny("GetParameters");
        var id = machines.launch(batch("muster-machine")).machines().get(0).cloudId();
        Await.until(() -> ec2.console(id), console -> console.contains("MUSTER-BOOT-FAILED"));

        var failed = BootFailure.last(ec2.console(id)).orElseThrow();
        assertThat(failed.step()).isEqualTo("secrets");
        assertThat(failed.reason()).startsWith("ssm:/muster/machines/clearml: AccessDeniedException (User: arn:aws:sts::")
                .contains(":assumed-role/muster-machine/" + id, "ssm:GetParameters");
        Await.until(() -> ec2.books().live(), live -> live == 0);
    }

    @Test
    void aLaunchWithoutARoleIsRefusedBeforeItCostsAnything() {
        assertThatThrownBy(() -> machines.launch(batch(""))).isInstanceOfSatisfying(ProviderException.class, refused -> {
            assertThat(refused.kind()).isEqualTo(FailureKind.INVALID_SPEC);
            assertThat(refused.getMessage()).contains("aws.instanceProfile");
        });
        assertThat(ec2.books().launchCalls()).isEmpty();
    }
}
