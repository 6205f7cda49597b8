package dev.muster.provisioner.host;

import dev.muster.contracts.SecretRef;
import dev.muster.provisioner.spi.AdoptWish;
import dev.muster.provisioner.spi.Adoption;
import dev.muster.provisioner.spi.CloudStatus;
import dev.muster.provisioner.spi.Delivery;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.KeepUntil;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.MachineList;
import dev.muster.provisioner.spi.MachineProvider;
import dev.muster.provisioner.spi.MachineRef;
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
import java.util.function.Consumer;

/** Counts and times what a provider is asked. */
final class ObservedProvider implements MachineProvider {

    private final MachineProvider provider;
    private final HostMetrics metrics;

    ObservedProvider(MachineProvider provider, HostMetrics metrics) {
        this.provider = provider;
        this.metrics = metrics;
    }

    private interface Call<T> {
        T make() throws ProviderException;
    }

    private <T> T observed(String api, Call<T> call) throws ProviderException {
        long begun = System.nanoTime();
        Optional<FailureKind> failure = Optional.of(FailureKind.UNAVAILABLE);
        try {
            var answer = call.make();
            failure = Optional.empty();
            return answer;
        } catch (ProviderException refused) {
            failure = refused.again().isPresent() ? Optional.empty() : Optional.of(refused.kind());
            throw refused;
        } finally {
            metrics.call(api, failure, Duration.ofNanos(System.nanoTime() - begun));
        }
    }

    @Override
    public String name() {
        return provider.name();
    }

    @Override
    public void onChange(Consumer<Scope> changed) {
        provider.onChange(changed);
    }

    @Override
    public Optional<SecretRef.Store> machinesRead() {
        return provider.machinesRead();
    }

    @Override
    public List<Scope> configuredScopes() {
        return provider.configuredScopes();
    }

    @Override
    public void check(Scope scope) throws ProviderException {
        observed("check", () -> {
            provider.check(scope);
            return null;
        });
    }

    @Override
    public Duration reserve(MachineBatch batch) {
        return provider.reserve(batch);
    }

    @Override
    public Delivery launch(MachineBatch batch) throws ProviderException {
        return observed("launch", () -> provider.launch(batch));
    }

    @Override
    public Delivery find(Scope scope, String batchId, int size) throws ProviderException {
        return observed("find", () -> provider.find(scope, batchId, size));
    }

    @Override
    public CloudStatus mark(MachineRef machine, Mark mark) throws ProviderException {
        return observed("mark", () -> provider.mark(machine, mark));
    }

    @Override
    public CloudStatus terminate(MachineRef machine) throws ProviderException {
        return observed("terminate", () -> provider.terminate(machine));
    }

    @Override
    public Adoption adopt(AdoptWish wish) throws ProviderException {
        return observed("adopt", () -> provider.adopt(wish));
    }

    @Override
    public MachineList list(Scope scope) throws ProviderException {
        return observed("list", () -> provider.list(scope));
    }

    @Override
    public String console(MachineRef machine) throws ProviderException {
        return observed("console", () -> provider.console(machine));
    }

    @Override
    public List<PriceSeen> prices(Scope scope, Collection<Offer> offers) throws ProviderException {
        return observed("prices", () -> provider.prices(scope, offers));
    }

    @Override
    public List<TypeSeen> types(Scope scope, Collection<String> machineTypes) throws ProviderException {
        return observed("types", () -> provider.types(scope, machineTypes));
    }

    @Override
    public int renewedAtOnce() {
        return provider.renewedAtOnce();
    }

    @Override
    public void renewKeepUntil(Scope scope, Collection<String> cloudIds, KeepUntil keepUntil) throws ProviderException {
        observed("renew", () -> {
            provider.renewKeepUntil(scope, cloudIds, keepUntil);
            return null;
        });
    }
}
