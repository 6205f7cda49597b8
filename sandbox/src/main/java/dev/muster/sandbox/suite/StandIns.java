package dev.muster.sandbox.suite;

import dev.muster.sandbox.TimeScale;
import dev.muster.sandbox.clearml.ClearmlConfig;
import dev.muster.sandbox.clearml.ClearmlServer;
import dev.muster.sandbox.ec2.Ec2Config;
import dev.muster.sandbox.ec2.Ec2Server;
import dev.muster.sandbox.gce.GceConfig;
import dev.muster.sandbox.gce.GceServer;
import dev.muster.sandbox.k8s.ClusterConfig;
import dev.muster.sandbox.k8s.KubeServer;
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
import java.time.Duration;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The sandbox's ClearML and clouds, with machines that work, and the secrets folder that opens all of them. */
final class StandIns implements AutoCloseable {

    /** The account that is the Compute Engine stand-in. */
    private static final String GOOGLE = "google";
    /** The account that is the stand-in for a cluster, and what its pods are given. */
    private static final String CLUSTER = "cluster";
    private static final String MACHINES = "muster-machines";
    private static final String PYTHON = "python:3.12-slim";
    /** However fast its machines live: a node on a busy computer is silent for a while. */
    private static final Duration LOST_AFTER = Duration.ofSeconds(10);

    private final ClearmlServer clearml;
    private final Optional<Ec2Server> ec2;
    private final Optional<GceServer> gce;
    private final Optional<KubeServer> k8s;
    private final Path kubeconfig;

    private StandIns(ClearmlServer clearml, Optional<Ec2Server> ec2, Optional<GceServer> gce, Optional<KubeServer> k8s, Path kubeconfig) {
        this.clearml = clearml;
        this.ec2 = ec2;
        this.gce = gce;
        this.k8s = k8s;
        this.kubeconfig = kubeconfig;
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
            var k8s = Optional.<KubeServer>empty();
            var kubeconfig = Path.of(settings.folder(), "kubeconfig").toAbsolutePath();
            if (settings.clouds().contains("k8s")) {
                // Pods are simulated whatever other machines are: there is no container runtime here.
                var config = ClusterConfig.defaults().withPort(settings.port("k8s")).withTimeScale(scale);
                var lostAfter = scale.real(config.lostAfter());
                var cluster = KubeServer.start(vertx, config.withLostAfter(lostAfter.compareTo(LOST_AFTER) < 0 ? LOST_AFTER : lostAfter), new ClearmlMachine(vertx, scale));
                cluster.mountAdmin(router);
                cluster.addServiceAccount(ClusterConfig.NAMESPACE, MACHINES);
                cluster.addSecret(ClusterConfig.NAMESPACE, MACHINES, Map.of("clearml-default-access-key", access, "clearml-default-secret-key", secret));
                writeSecret(kubeconfig, cluster.kubeconfig(KubeServer.PROVISIONER));
                k8s = Optional.of(cluster);
            }
            writeSecrets(Path.of(settings.secrets()), secrets);
            return new StandIns(clearml, ec2, gce, k8s, kubeconfig);
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
        if (Files.getFileStore(folder).supportsFileAttributeView("posix")) {
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
        }
        for (var entry : secrets.entrySet()) {
            writeSecret(folder.resolve(entry.getKey()), entry.getValue() + "\n");
        }
    }

    private static void writeSecret(Path file, String text) throws IOException {
        Files.deleteIfExists(file);
        if (Files.getFileStore(file.getParent()).supportsFileAttributeView("posix")) {
            // Narrow from the first moment, not after the secret is in it.
            Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        }
        Files.writeString(file, text);
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
        k8s.ifPresent(server -> accounts.put(CLUSTER, SuiteSettings.Account.kubernetes(new SuiteSettings.Cluster(kubeconfig.toString(), null, null, null, MACHINES, MACHINES),
                List.of(ClusterConfig.NAMESPACE), PYTHON)));
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

    /** Empty without the stand-in. */
    String k8sUrl() {
        return k8s.map(KubeServer::url).orElse("");
    }

    /** File that opens the stand-in's cluster; empty without. */
    String kubeconfig() {
        return k8s.map(server -> kubeconfig.toString()).orElse("");
    }

    @Override
    public void close() {
        k8s.ifPresent(KubeServer::close);
        gce.ifPresent(GceServer::close);
        ec2.ifPresent(Ec2Server::close);
        clearml.close();
    }
}
