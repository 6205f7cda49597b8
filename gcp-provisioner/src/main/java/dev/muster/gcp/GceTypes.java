package dev.muster.gcp;

import com.google.api.gax.rpc.ApiException;
import com.google.cloud.compute.v1.AggregatedListMachineTypesRequest;
import com.google.cloud.compute.v1.MachineType;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import dev.muster.provisioner.spi.TypeSeen;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import java.util.function.Function;

/** What Google's machine types are. GPUs that a pool attaches to an N1 type are not the type's. */
final class GceTypes {

    private final GcpAccounts accounts;
    private final Function<Scope, GceRates> rates;

    GceTypes(GcpAccounts accounts, Function<Scope, GceRates> rates) {
        this.accounts = accounts;
        this.rates = rates;
    }

    /** None of a type that the region doesn't have. */
    List<TypeSeen> of(Scope scope, Collection<String> machineTypes) throws ProviderException {
        var found = new ArrayList<TypeSeen>();
        for (var name : new TreeSet<>(machineTypes)) {
            try {
                rates.apply(scope).awaitRead();
                accounts.api(scope).machineTypes(AggregatedListMachineTypesRequest.newBuilder().setProject(accounts.account(scope).project())
                                .setFilter("name = \"" + name + "\"").setReturnPartialSuccess(true).build())
                        .getItemsMap().entrySet().stream().filter(zone -> GceNames.last(zone.getKey()).startsWith(scope.region() + "-"))
                        .flatMap(zone -> zone.getValue().getMachineTypesList().stream()).filter(type -> type.getName().equals(name)).findFirst()
                        .ifPresent(type -> found.add(type(type)));
            } catch (ApiException failure) {
                throw GceFailures.translate(failure);
            }
        }
        return found;
    }

    private static TypeSeen type(MachineType type) {
        int gpus = type.getAcceleratorsList().stream().mapToInt(accelerator -> accelerator.getGuestAcceleratorCount()).sum();
        return new TypeSeen(type.getName(), type.getGuestCpus(), type.getMemoryMb(), gpus,
                gpus == 0 ? "" : type.getAccelerators(0).getGuestAcceleratorType(), type.getArchitecture().toLowerCase(Locale.ROOT), true);
    }
}
