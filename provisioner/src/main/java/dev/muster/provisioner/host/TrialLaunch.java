package dev.muster.provisioner.host;

import dev.muster.contracts.SecretRef;
import dev.muster.contracts.SecretsFolder;
import dev.muster.contracts.UnreadableRecordException;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.KeepUntil;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.v1.Command;
import java.util.Map;
import java.util.Optional;

/** What a launch command comes to at a provider, for who looks before there is one: read and filled in as the host does it. */
public final class TrialLaunch {

    private TrialLaunch() {}

    /**
     * @param provider first part of the command's scope
     * @param machinesRead as the provider itself has it
     * @throws ProviderException with what the host would report; no cloud was asked
     */
    public static MachineBatch batch(String provider, Optional<SecretRef.Store> machinesRead, Command command, Map<String, Connection> connections,
            SecretsFolder secrets) throws ProviderException {
        HostCommand read;
        try {
            read = new CommandTranslator(provider).translate(command);
        } catch (UnreadableRecordException wrong) {
            throw new ProviderException(FailureKind.INVALID_SPEC, "InvalidLaunch", wrong.getMessage());
        }
        if (!(read instanceof HostCommand.Launch launch)) {
            throw new IllegalArgumentException("the command is no launch");
        }
        var boot = new BootTranslator(connections, secrets, machinesRead).translate(launch.workerPrefix(), launch.boot(), launch.boot().getConnection());
        return new MachineBatch(launch.batchId(), launch.machineIds(), launch.fleet(), launch.pool(), launch.offer(), launch.maxPriceMicros(),
                launch.settings(), boot, KeepUntil.from(launch.issuedAt(), "trial"),
                new MachineBatch.Cause(launch.task(), launch.queue(), launch.queueId(), launch.boot().getConnection()));
    }
}
