package dev.muster.aws;

import dev.muster.contracts.SecretsFolder;
import dev.muster.provisioner.spi.Await;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.MachineProvider;
import dev.muster.provisioner.spi.MachineProviderContract;
import dev.muster.provisioner.spi.Offer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.ec2.model.RunInstancesRequest;

/**
 * The cases of the provider contract that ask nothing but good behaviour, against moto: an EC2 that nobody here wrote. It knows
 * neither client tokens nor limits, so the others are not for it. Skipped where moto is not installed.
 */
class MotoConformanceTest extends MachineProviderContract {

    @TempDir
    private static Path folder;

    private static Process moto;
    private static URI endpoint;
    private static int accounts;

    @BeforeAll
    static void startMoto() throws IOException {
        var python = python();
        Assumptions.assumeTrue(python.isPresent(), "skipped: moto is not there; set MUSTER_PYTHON to a Python that has moto[ec2,server]");
        int port;
        try (var free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        var command = new ProcessBuilder(python.get(), "-m", "moto.server", "-H", "127.0.0.1", "-p", Integer.toString(port)).redirectErrorStream(true)
                .redirectOutput(folder.resolve("moto.log").toFile());
        command.environment().put("MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION", "true");
        moto = command.start();
        Await.until(() -> {
            if (!moto.isAlive()) {
                throw new IllegalStateException("moto ended: " + Files.readString(folder.resolve("moto.log")));
            }
            try (var socket = new Socket("127.0.0.1", port)) {
                return socket.isConnected();
            } catch (IOException notYet) {
                return false;
            }
        }, connected -> connected);
        endpoint = URI.create("http://127.0.0.1:" + port);
    }

    /** A Python with moto: as told, or where the conformance parts are installed. */
    static Optional<String> python() {
        var told = System.getenv("MUSTER_PYTHON");
        if (told != null && !told.isEmpty()) {
            return Optional.of(told).filter(MotoConformanceTest::hasMoto);
        }
        for (var at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
            var python = at.resolve(".muster/parts/python/bin/python");
            if (Files.isExecutable(python)) {
                return Optional.of(python.toString()).filter(MotoConformanceTest::hasMoto);
            }
        }
        return Optional.empty();
    }

    private static boolean hasMoto(String python) {
        try {
            return new ProcessBuilder(python, "-c", "import moto.server, flask").redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor() == 0;
        } catch (IOException absent) {
            return false;
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    @AfterAll
    static void endMoto() {
        if (moto != null) {
            moto.destroy();
            moto = null;
        }
    }

    @BeforeEach
    void onlyConformance(TestInfo test) {
        Assumptions.assumeTrue(test.getTags().contains("conformance"), "moto does not know what this case asks for");
    }

    @Override
    protected Cloud open() {
        // One server for all cases: machines of each are told apart by installation, which is a tag.
        var installation = "lab" + ++accounts;
        var secrets = folder.resolve("secrets");
        try {
            Files.createDirectories(secrets);
            Files.writeString(secrets.resolve("aws-" + Ec2StandIn.ACCOUNT + "-access-key-id"), "motokey");
            Files.writeString(secrets.resolve("aws-" + Ec2StandIn.ACCOUNT + "-secret-access-key"), "motosecret");
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
        var accounts = new AwsAccounts(Map.of(Ec2StandIn.ACCOUNT, new AwsAccounts.Account(Optional.ofNullable(endpoint),
                Optional.of("ami-12c6146b"), List.of(Ec2StandIn.SCOPE.region()))), new SecretsFolder(secrets));
        return new Cloud() {
            @Override
            public MachineProvider newProvider() {
                return new Ec2Machines(accounts, installation);
            }

            @Override
            public Offer offer() {
                return Ec2StandIn.OFFER;
            }

            @Override
            public String image() {
                return "";
            }

            @Override
            public int liveMachines() {
                throw new IllegalStateException("no conformance case asks for it");
            }

            @Override
            public void capacity(int machines) {
                throw new IllegalStateException("no conformance case asks for it");
            }

            @Override
            public boolean refuseNextLaunch(FailureKind kind) {
                return false;
            }

            @Override
            public void loseNextLaunchAnswer() {
                throw new IllegalStateException("no conformance case asks for it");
            }

            @Override
            public void failNextList() {
                throw new IllegalStateException("no conformance case asks for it");
            }

            @Override
            public void powerOff(String cloudId) {
                throw new IllegalStateException("no conformance case asks for it");
            }

            @Override
            public String strange() {
                try {
                    return accounts.api(Ec2StandIn.SCOPE).runInstances(RunInstancesRequest.builder().minCount(1).maxCount(1)
                            .instanceType("m5.large").imageId("ami-12c6146b").build()).instances().get(0).instanceId();
                } catch (dev.muster.provisioner.spi.ProviderException failed) {
                    throw new AssertionError(failed);
                }
            }

            @Override
            public void close() {
                // The server serves all cases.
            }
        };
    }
}
