package dev.muster.sandbox.suite;

import dev.muster.sandbox.TimeScale;
import dev.muster.sandbox.clearml.ClearmlConfig;
import dev.muster.sandbox.clearml.ClearmlServer;
import dev.muster.sandbox.ec2.Ec2Config;
import dev.muster.sandbox.ec2.Ec2Server;
import dev.muster.sandbox.gce.GceConfig;
import dev.muster.sandbox.gce.GceServer;
import dev.muster.sandbox.machine.ClearmlMachine;
import dev.muster.sandbox.machine.MachineImage;
import dev.muster.sandbox.machine.ProcessMachine;
import io.vertx.core.Vertx;
import io.vertx.ext.web.Router;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The sandbox's ClearML and clouds, with machines that work, and the secrets folder that opens all of them. */
final class StandIns implements AutoCloseable {

    /** The account that is the Compute Engine stand-in. */
    private static final String GOOGLE = "google";

    private final ClearmlServer clearml;
    private final Optional<Ec2Server> ec2;
    private final Optional<GceServer> gce;

    private StandIns(ClearmlServer clearml, Optional<Ec2Server> ec2, Optional<GceServer> gce) {
        this.clearml = clearml;
        this.ec2 = ec2;
        this.gce = gce;
    }

    /** @param router gets the stand-ins' books and faults */
    static StandIns start(Vertx vertx, SuiteSettings settings, Router router) throws IOException {
        var access = random(10);
        var secret = random(20);
        var secrets = new HashMap<>(Map.of("clearml-default-access-key", access, "clearml-default-secret-key", secret));
        var scale = new TimeScale(settings.speed());
        try {
            var clearml = ClearmlServer.start(vertx, settings.port("clearml"),
                    ClearmlConfig.of(new ClearmlConfig.Credential(access, secret, "sandbox", "sandbox")));
            clearml.mountAdmin(router, "/clearml");
            var ec2 = Optional.<Ec2Server>empty();
            if (settings.clouds().contains("aws")) {
                ec2 = Optional.of(Ec2Server.start(vertx, Ec2Config.defaults().withPort(settings.port("ec2")).withTimeScale(scale), image(vertx, settings, scale)));
                ec2.get().mountAdmin(router);
                secrets.put("aws-default-access-key-id", Ec2Config.ACCESS_KEY);
                secrets.put("aws-default-secret-access-key", random(20));
            }
            var gce = Optional.<GceServer>empty();
            if (settings.clouds().contains("gcp")) {
                gce = Optional.of(GceServer.start(vertx, GceConfig.defaults().withPort(settings.port("gce")).withTimeScale(scale), image(vertx, settings, scale)));
                gce.get().mountAdmin(router);
                secrets.put("gcp-" + GOOGLE + "-key", gce.get().keyFile());
            }
            writeSecrets(Path.of(settings.secrets()), secrets);
            return new StandIns(clearml, ec2, gce);
        } catch (UncheckedIOException | IllegalStateException notStarted) {
            throw new IOException(notStarted.getMessage(), notStarted);
        }
    }

    private static MachineImage image(Vertx vertx, SuiteSettings settings, TimeScale scale) {
        if (!settings.processMachines()) {
            return new ClearmlMachine(vertx, scale);
        }
        var venv = Path.of(settings.home(), ".muster/parts/python");
        return new ProcessMachine(Path.of(settings.folder(), "machines"), Files.exists(venv.resolve("bin/clearml-agent")) ? Optional.of(venv) : Optional.empty());
    }

    private static String random(int bytes) {
        var random = new byte[bytes];
        new SecureRandom().nextBytes(random);
        return HexFormat.of().withUpperCase().formatHex(random);
    }

    private static void writeSecrets(Path folder, Map<String, String> secrets) throws IOException {
        Files.createDirectories(folder);
        var posix = Files.getFileStore(folder).supportsFileAttributeView("posix");
        if (posix) {
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
        }
        for (var entry : secrets.entrySet()) {
            var file = folder.resolve(entry.getKey());
            Files.deleteIfExists(file);
            if (posix) {
                // Narrow from the first moment, not after the secret is in it.
                Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            }
            Files.writeString(file, entry.getValue() + "\n");
        }
    }

    SuiteSettings.Connection connection() {
        return new SuiteSettings.Connection(clearml.url(), clearml.url(), clearml.url(), clearml.url());
    }

    /** By their names. */
    Map<String, SuiteSettings.Account> accounts() {
        var accounts = new HashMap<String, SuiteSettings.Account>();
        ec2.ifPresent(server -> accounts.put("default", new SuiteSettings.Account("aws", List.of("us-east-1"), Ec2Config.UBUNTU.id(), server.url())));
        gce.ifPresent(server -> accounts.put(GOOGLE, SuiteSettings.Account.google(GceConfig.PROJECT, List.of("us-central1"),
                "projects/" + GceConfig.UBUNTU.project() + "/global/images/family/" + GceConfig.UBUNTU.family(), server.url())));
        return accounts;
    }

    /** Empty without the stand-in. */
    String ec2Url() {
        return ec2.map(Ec2Server::url).orElse("");
    }

    /** Empty without the stand-in. */
    String gceUrl() {
        return gce.map(GceServer::url).orElse("");
    }

    @Override
    public void close() {
        gce.ifPresent(GceServer::close);
        ec2.ifPresent(Ec2Server::close);
        clearml.close();
    }
}
