package dev.muster.provisioner.host;

import dev.muster.provisioner.spi.MachineProvider;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import dev.muster.v1.NamedState;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.jboss.logging.Logger;

/** Whether each configured account answers. One that has answered once keeps the service ready; what it says now is shown. */
final class Accounts {

    private static final Logger LOG = Logger.getLogger(Accounts.class);

    private final MachineProvider provider;
    private final Map<Scope, String> troubles = new ConcurrentHashMap<>();
    private final Map<Scope, Boolean> answered = new ConcurrentHashMap<>();

    Accounts(MachineProvider provider) {
        this.provider = provider;
    }

    /** Asks those that have not answered yet. @return true if all have */
    boolean check() {
        for (var scope : provider.configuredScopes()) {
            if (!answered.containsKey(scope)) {
                try {
                    provider.check(scope);
                    answered.put(scope, true);
                    troubles.remove(scope);
                } catch (ProviderException failed) {
                    var before = troubles.put(scope, failed.toString());
                    if (!failed.toString().equals(before)) {
                        LOG.warnf("An account does not answer: scope=%s reason=%s", scope, failed);
                    }
                }
            }
        }
        return answered.size() == provider.configuredScopes().size();
    }

    /** Empty once every configured scope has answered. */
    String trouble() {
        for (var scope : provider.configuredScopes()) {
            if (!answered.containsKey(scope)) {
                return scope + " has not answered yet" + (troubles.containsKey(scope) ? ": " + troubles.get(scope) : "");
            }
        }
        return "";
    }

    List<NamedState> states() {
        var byAccount = new TreeMap<String, List<String>>();
        for (var scope : provider.configuredScopes()) {
            var wrong = byAccount.computeIfAbsent(scope.account(), none -> new ArrayList<>());
            if (!answered.containsKey(scope)) {
                wrong.add(scope.region() + ": " + troubles.getOrDefault(scope, "not asked yet"));
            }
        }
        var states = new ArrayList<NamedState>();
        byAccount.forEach((name, wrong) -> states.add(
                NamedState.newBuilder().setName(name).setOk(wrong.isEmpty()).setDetail(String.join("; ", wrong)).build()));
        return states;
    }
}
