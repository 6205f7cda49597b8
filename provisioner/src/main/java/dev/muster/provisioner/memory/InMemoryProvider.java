package dev.muster.provisioner.memory;

import dev.muster.provisioner.spi.AdoptWish;
import dev.muster.provisioner.spi.Adoption;
import dev.muster.provisioner.spi.CloudStatus;
import dev.muster.provisioner.spi.Delivery;
import dev.muster.provisioner.spi.KeepUntil;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.MachineList;
import dev.muster.provisioner.spi.MachineProvider;
import dev.muster.provisioner.spi.MachineRef;
import dev.muster.provisioner.spi.MachineSeen;
import dev.muster.provisioner.spi.Mark;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.PriceSeen;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import dev.muster.provisioner.spi.TypeSeen;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** Machines of an {@link InMemoryCloud}. It keeps nothing itself: another one over the same cloud is as good. */
public final class InMemoryProvider implements MachineProvider {

    public static final String NAME = "memory";

    private final InMemoryCloud cloud;
    private final String installation;
    private final List<Scope> scopes;
    private final Function<MachineBatch, Duration> pace;

    public InMemoryProvider(InMemoryCloud cloud, String installation, List<Scope> scopes) {
        this(cloud, installation, scopes, batch -> Duration.ZERO);
    }

    /** @param pace how long each launch waits for its place */
    public InMemoryProvider(InMemoryCloud cloud, String installation, List<Scope> scopes, Function<MachineBatch, Duration> pace) {
        this.cloud = cloud;
        this.installation = installation;
        this.scopes = List.copyOf(scopes);
        this.pace = pace;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public List<Scope> configuredScopes() {
        return scopes;
    }

    @Override
    public void check(Scope scope) throws ProviderException {
        cloud.check();
    }

    @Override
    public Duration reserve(MachineBatch batch) {
        return pace.apply(batch);
    }

    @Override
    public Delivery launch(MachineBatch batch) throws ProviderException {
        return Delivery.of(cloud.launch(installation, batch), batch.size());
    }

    @Override
    public Delivery find(Scope scope, String batchId, int size) throws ProviderException {
        return Delivery.of(cloud.find(scope, batchId), size);
    }

    @Override
    public CloudStatus mark(MachineRef machine, Mark mark) throws ProviderException {
        var cloudId = cloudId(machine);
        return cloudId.isPresent() && cloud.mark(cloudId.get(), mark) ? CloudStatus.UNKNOWN : CloudStatus.NOT_FOUND;
    }

    @Override
    public CloudStatus terminate(MachineRef machine) throws ProviderException {
        var cloudId = cloudId(machine);
        return cloudId.isPresent() ? cloud.terminate(cloudId.get()) : CloudStatus.NOT_FOUND;
    }

    @Override
    public Adoption adopt(AdoptWish wish) throws ProviderException {
        return cloud.adopt(installation, wish);
    }

    @Override
    public MachineList list(Scope scope) throws ProviderException {
        return MachineList.complete(cloud.list(installation, scope));
    }

    @Override
    public String console(MachineRef machine) throws ProviderException {
        return cloud.console(machine.cloudId());
    }

    @Override
    public List<PriceSeen> prices(Scope scope, Collection<Offer> offers) throws ProviderException {
        return cloud.prices(offers);
    }

    @Override
    public List<TypeSeen> types(Scope scope, Collection<String> machineTypes) throws ProviderException {
        return cloud.types(machineTypes);
    }

    @Override
    public void renewKeepUntil(Scope scope, Collection<String> cloudIds, KeepUntil keepUntil) throws ProviderException {
        cloud.renew(cloudIds, keepUntil);
    }

    private Optional<String> cloudId(MachineRef machine) throws ProviderException {
        if (!machine.cloudId().isEmpty()) {
            return Optional.of(machine.cloudId());
        }
        return list(machine.scope()).machines().stream().filter(seen -> seen.machineId().equals(machine.machineId()))
                .map(MachineSeen::cloudId).findFirst();
    }
}
