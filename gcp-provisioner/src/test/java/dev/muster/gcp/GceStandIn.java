package dev.muster.gcp;

import dev.muster.contracts.SecretsFolder;
import dev.muster.provisioner.spi.Await;
import dev.muster.sandbox.gce.GceConfig;
import dev.muster.sandbox.gce.GceServer;
import dev.muster.sandbox.machine.MachineImage;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** The sandbox's Compute Engine on a free port, with machines that boot nothing, and an account that leads to it by a key file. */
final class GceStandIn implements AutoCloseable {

    static final String IMAGE = "projects/debian-cloud/global/images/family/debian-12";

    private final Vertx vertx = Vertx.vertx();
    private final Map<String, MachineImage.Hardware> booted = new ConcurrentHashMap<>();
    private final Path secrets;
    /** Once, since Google's clients take their time to be made. */
    private final GcpAccounts accounts;
    final GceServer server;

    GceStandIn() {
        this(GceConfig.defaults().withProvisionTime(Duration.ofMillis(30)).withStagingTime(Duration.ofMillis(30)).withShutdownTime(Duration.ofMillis(60))
                .withOperationTime(Duration.ofMillis(30)).withPreemptionNotice(Duration.ofMillis(100)));
    }

    GceStandIn(GceConfig config) {
        server = GceServer.start(vertx, config, hardware -> {
            booted.put(hardware.cloudId(), hardware);
            return () -> {};
        });
        try {
            secrets = Files.createTempDirectory("gce-secrets");
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
        key(server.keyFile());
        accounts = new GcpAccounts(Map.of(Batches.SCOPE.account(), new GcpAccounts.Account(GceConfig.PROJECT, Optional.of(URI.create(server.url())),
                Optional.of(IMAGE), List.of(Batches.SCOPE.region()))), new SecretsFolder(secrets));
    }

    /** From now on the account has this key file. */
    void key(String text) {
        try {
            Files.writeString(secrets.resolve(AccountCredentials.secretName(Batches.SCOPE.account())), text);
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    GcpAccounts accounts() {
        return accounts;
    }

    GceMachines machines() {
        return new GceMachines(accounts(), "lab");
    }

    /** The machine as its image sees it, once it runs. */
    MachineImage.Hardware hardware(String name) {
        return Await.until(() -> booted.get(name), hardware -> hardware != null);
    }

    @Override
    public void close() {
        server.close();
        vertx.close().toCompletionStage().toCompletableFuture().join();
        try (var files = Files.walk(secrets)) {
            files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }
}
