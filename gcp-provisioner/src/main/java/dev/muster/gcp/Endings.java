package dev.muster.gcp;

import com.google.api.gax.rpc.ApiException;
import com.google.cloud.compute.v1.Instance;
import com.google.cloud.compute.v1.ListZoneOperationsRequest;
import com.google.cloud.compute.v1.Operation;
import dev.muster.provisioner.spi.EndedBy;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import java.util.Comparator;
import java.util.function.Function;
import org.jboss.logging.Logger;

/**
 * What ended an instance. The instance itself doesn't say; Google keeps an operation for each ending, also for those that nobody asked for.
 * What isn't told is asked again with the next list, some times.
 */
final class Endings {

    private static final Logger LOG = Logger.getLogger(Endings.class);

    /** Lists that ask for one instance: the operation may show a little later than what it did. */
    private static final int LOOKS = 5;
    private static final int KEPT = 10_000;

    private record Known(EndedBy by, int looks) {}

    private final GcpAccounts accounts;
    private final Function<Scope, GceRates> rates;
    private final Remembered<Long, Known> known = new Remembered<>(KEPT);

    Endings(GcpAccounts accounts, Function<Scope, GceRates> rates) {
        this.accounts = accounts;
        this.rates = rates;
    }

    /** @return UNKNOWN where Google doesn't say, or can't be asked */
    EndedBy of(Scope scope, Instance instance) throws ProviderException {
        var before = known.get(instance.getId()).orElse(new Known(EndedBy.UNKNOWN, 0));
        if (before.by() != EndedBy.UNKNOWN || before.looks() >= LOOKS) {
            return before.by();
        }
        var by = EndedBy.UNKNOWN;
        try {
            rates.apply(scope).awaitOperation();
            var found = accounts.api(scope).operations(ListZoneOperationsRequest.newBuilder().setProject(accounts.account(scope).project())
                    .setZone(GceNames.last(instance.getZone())).setFilter("targetId = " + instance.getId()).build());
            by = found.getItemsList().stream().filter(operation -> operation.getTargetId() == instance.getId() && by(operation) != EndedBy.UNKNOWN)
                    // A delete follows what ended it.
                    .max(Comparator.comparing((Operation operation) -> !operation.getOperationType().equals("delete")).thenComparing(Operation::getInsertTime))
                    .map(Endings::by).orElse(EndedBy.UNKNOWN);
        } catch (ApiException failure) {
            LOG.infof("What ended an instance can't be read: name=%s scope=%s reason=%s", instance.getName(), scope, GceFailures.translate(failure));
        }
        known.put(instance.getId(), new Known(by, before.looks() + 1));
        return by;
    }

    /** Operation types of system events: "View system event logs" of Compute Engine's documentation. */
    private static EndedBy by(Operation operation) {
        return switch (operation.getOperationType()) {
            case "compute.instances.preempted" -> EndedBy.INTERRUPTED;
            case "compute.instances.guestTerminate" -> EndedBy.INSIDE;
            case "compute.instances.hostError", "compute.instances.terminateOnHostMaintenance", "compute.instances.instanceManagerHaltForRestart" -> EndedBy.CLOUD;
            case "stop", "delete", "suspend" -> EndedBy.ASKED;
            default -> EndedBy.UNKNOWN;
        };
    }
}
