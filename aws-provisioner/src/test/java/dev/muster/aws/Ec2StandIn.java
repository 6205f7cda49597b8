package dev.muster.aws;

import dev.muster.contracts.SecretsFolder;
import dev.muster.provisioner.spi.Await;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import dev.muster.sandbox.CloudTime;
import dev.muster.sandbox.ec2.Ec2Config;
import dev.muster.sandbox.ec2.Ec2Server;
import dev.muster.sandbox.machine.MachineImage;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** The sandbox's EC2 on a free port, with machines that boot nothing, and accounts that lead to it. */
final class Ec2StandIn implements AutoCloseable {

    static final String ACCOUNT = "research";
    static final Scope SCOPE = new Scope(AwsAccounts.PROVIDER, ACCOUNT, "us-east-1");
    static final Offer OFFER = new Offer(SCOPE, "", "", "m5.large", Offer.Market.ON_DEMAND);

    private final Vertx vertx = Vertx.vertx();
    private final Map<String, MachineImage.Hardware> booted = new ConcurrentHashMap<>();
    private final Path secrets;
    final Ec2Server server;

    Ec2StandIn() {
        this(Ec2Config.defaults().withBootTime(Duration.ofMillis(30)).withShutdownTime(Duration.ofMillis(30)).withDescribeDelay(Duration.ofMillis(50)));
    }

    Ec2StandIn(Ec2Config config) {
        this(config, CloudTime.real());
    }

    Ec2StandIn(Ec2Config config, CloudTime time) {
        server = Ec2Server.start(vertx, config, hardware -> {
            booted.put(hardware.cloudId(), hardware);
            return () -> {};
        }, time);
        try {
            secrets = Files.createTempDirectory("ec2-secrets");
            Files.writeString(secrets.resolve("aws-" + ACCOUNT + "-access-key-id"), Ec2Config.ACCESS_KEY + "\n");
            Files.writeString(secrets.resolve("aws-" + ACCOUNT + "-secret-access-key"), "any-secret\n");
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    Path secrets() {
        return secrets;
    }

    AwsAccounts accounts() {
        return accounts(Optional.of(Ec2Config.UBUNTU.id()), Optional.empty());
    }

    AwsAccounts accounts(Optional<String> image, Optional<RoleCredentials.Role> role) {
        return new AwsAccounts(Map.of(ACCOUNT, new AwsAccounts.Account(Optional.of(URI.create(server.url())), image, List.of(SCOPE.region()), role)),
                new SecretsFolder(secrets));
    }

    Ec2Machines machines() {
        return new Ec2Machines(accounts(), "lab");
    }

    Ec2Api api() {
        return new SdkEc2Api(software.amazon.awssdk.regions.Region.of(SCOPE.region()), Optional.of(URI.create(server.url())),
                SdkEc2Api.credentials(new SecretsFolder(secrets), ACCOUNT));
    }

    ImageApi images() {
        try {
            return accounts().images(SCOPE);
        } catch (ProviderException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    /** The machine as its image sees it, once it runs. */
    MachineImage.Hardware hardware(String cloudId) {
        return Await.until(() -> booted.get(cloudId), hardware -> hardware != null);
    }

    @Override
    public void close() {
        server.close();
        vertx.close().toCompletionStage().toCompletableFuture().join();
        try (var files = Files.walk(secrets)) {
            files.sorted(java.util.Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }
}
