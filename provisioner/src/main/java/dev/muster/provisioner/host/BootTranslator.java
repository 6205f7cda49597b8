package dev.muster.provisioner.host;

import dev.muster.contracts.SecretRef;
import dev.muster.contracts.SecretsFolder;
import dev.muster.provisioner.boot.BootPlan;
import dev.muster.provisioner.boot.Given;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.v1.BootSpec;
import dev.muster.v1.StorageSpec;
import dev.muster.v1.Value;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** From a command's {@code BootSpec}, which only names things, to a plan that holds hosts, keys and secrets. */
final class BootTranslator {

    private final Map<String, Connection> connections;
    private final SecretsFolder secrets;
    private final Optional<SecretRef.Store> machinesRead;

    BootTranslator(Map<String, Connection> connections, SecretsFolder secrets) {
        this(connections, secrets, Optional.empty());
    }

    /** @param machinesRead where machines find by themselves, under the same names, what the secrets folder has; empty: they are given it */
    BootTranslator(Map<String, Connection> connections, SecretsFolder secrets, Optional<SecretRef.Store> machinesRead) {
        this.connections = Map.copyOf(connections);
        this.secrets = secrets;
        this.machinesRead = machinesRead;
    }

    /**
     * @param fleetConnection used where the spec names none
     * @throws ProviderException INVALID_SPEC or UNAUTHORIZED, with the fix; no cloud was asked
     */
    BootPlan translate(String workerPrefix, BootSpec spec, String fleetConnection) throws ProviderException {
        var name = spec.getConnection().isEmpty() ? fleetConnection : spec.getConnection();
        var connection = connections.get(name);
        if (connection == null) {
            throw new ProviderException(FailureKind.INVALID_SPEC, "UnknownConnection", "no connection '" + name
                    + "' is configured here; known are " + connections.keySet().stream().sorted().toList() + ": set muster.connections." + name
                    + ".api, or name one of these");
        }
        var keys = keys(name);
        var environment = new TreeMap<String, Given>();
        for (var variable : spec.getEnvironmentMap().entrySet()) {
            environment.put(variable.getKey(), text(variable.getValue(), "boot.environment." + variable.getKey()));
        }
        try {
            return new BootPlan(workerPrefix, Math.max(1, spec.getAgents()), spec.getQueueIdsList(), connection.machineHosts(), keys,
                    !spec.hasDocker() || spec.getDocker(),
                    image(spec),
                    spec.getAgentVersion().isEmpty() ? BootPlan.DEFAULT_AGENT_VERSION : spec.getAgentVersion(),
                    spec.getCpuOnly(), environment, text(spec.getExtraConf(), "boot.extra_conf"), text(spec.getInitScript(), "boot.init_script"),
                    text(spec.getCheckpointHook(), "boot.checkpoint_hook"), spec.getShellProfile(), storage(spec.getStorage()),
                    spec.hasHardAge() ? Optional.of(Duration.ofSeconds(spec.getHardAge().getSeconds())) : Optional.empty());
        } catch (IllegalArgumentException wrong) {
            throw new ProviderException(FailureKind.INVALID_SPEC, "InvalidBoot", wrong.getMessage());
        }
    }

    private static String image(BootSpec spec) {
        if (!spec.getDefaultImage().isEmpty()) {
            return spec.getDefaultImage();
        }
        return spec.getCpuOnly() ? BootPlan.DEFAULT_CPU_IMAGE : BootPlan.DEFAULT_IMAGE;
    }

    private BootPlan.Storage storage(StorageSpec spec) throws ProviderException {
        var s3 = new ArrayList<BootPlan.Storage.S3>();
        for (var keys : spec.getS3List()) {
            s3.add(new BootPlan.Storage.S3(keys.getBucket(), keys.getHost(), keys.getRegion(), text(keys.getKey(), "boot.storage.s3.key"),
                    text(keys.getSecret(), "boot.storage.s3.secret"), keys.getInsecure()));
        }
        var azure = new ArrayList<BootPlan.Storage.Azure>();
        for (var keys : spec.getAzureList()) {
            azure.add(new BootPlan.Storage.Azure(keys.getAccount(), text(keys.getKey(), "boot.storage.azure.key"), keys.getContainer()));
        }
        var gcs = Optional.<BootPlan.Storage.Gcs>empty();
        if (spec.hasGcs()) {
            gcs = Optional.of(new BootPlan.Storage.Gcs(spec.getGcs().getProject(), text(spec.getGcs().getKey(), "boot.storage.gcs.key")));
        }
        return new BootPlan.Storage(s3, gcs, azure, spec.getMachineIdentity());
    }

    /** Machines may have keys of their own: what leaks from a machine then opens nothing of Muster's. */
    private BootPlan.Keys keys(String connection) throws ProviderException {
        var own = SecretsFolder.machineAccessKey(connection);
        var ownSecret = SecretsFolder.machineSecretKey(connection);
        if (find(own).isPresent() || find(ownSecret).isPresent()) {
            return new BootPlan.Keys(file(own), file(ownSecret));
        }
        return new BootPlan.Keys(file(SecretsFolder.clearmlAccessKey(connection)), file(SecretsFolder.clearmlSecretKey(connection)));
    }

    private Given text(Value value, String field) throws ProviderException {
        return switch (value.getValueCase()) {
            case TEXT -> Given.text(value.getText());
            case SECRET_REF -> secret(value.getSecretRef(), field);
            case VALUE_NOT_SET -> Given.NOTHING;
        };
    }

    private Given secret(String written, String field) throws ProviderException {
        SecretRef reference;
        try {
            reference = SecretRef.parse(written);
        } catch (IllegalArgumentException wrong) {
            throw new ProviderException(FailureKind.INVALID_SPEC, "InvalidSecretName", field + ": " + wrong.getMessage() + "; " + SecretRef.FORMS);
        }
        if (reference.isInStore() && machinesRead.isPresent() != (reference.store() == SecretRef.Store.KUBERNETES)) {
            throw new ProviderException(FailureKind.INVALID_SPEC, "UnreadableSecret", field + ": " + reference + " is kept where these machines can't read it; "
                    + (machinesRead.isPresent() ? "name a key of the pool's Kubernetes Secret" : "only pods read Kubernetes Secrets"));
        }
        return reference.isInStore() ? Given.kept(reference) : file(reference.name());
    }

    /** A file that holds nothing but a reference to a secret store is one. */
    private Given file(String name) throws ProviderException {
        if (machinesRead.isPresent()) {
            return Given.kept(new SecretRef(machinesRead.get(), name, ""));
        }
        var found = find(name).orElseThrow(() -> new ProviderException(FailureKind.UNAUTHORIZED, "MissingSecret",
                "no secret " + name + ": put it in the file " + secrets.folder().resolve(name))).value();
        return SecretRef.inStore(found).map(Given::kept).orElseGet(() -> Given.text(found));
    }

    private Optional<SecretsFolder.Secret> find(String name) throws ProviderException {
        try {
            return secrets.find(name);
        } catch (IllegalArgumentException badName) {
            throw new ProviderException(FailureKind.INVALID_SPEC, "InvalidSecretName", badName.getMessage());
        } catch (IllegalStateException unreadable) {
            throw new ProviderException(FailureKind.UNAUTHORIZED, "MissingSecret", unreadable.getMessage());
        }
    }
}
