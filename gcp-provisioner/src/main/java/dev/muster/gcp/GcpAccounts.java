package dev.muster.gcp;

import dev.muster.contracts.SecretsFolder;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/** The configured accounts, and a client for each. */
final class GcpAccounts {

    static final String PROVIDER = "gcp";

    /**
     * @param project that machines run in
     * @param endpoint in place of Google's
     * @param image for pools that name none
     * @param regions that must answer before the service is ready
     */
    record Account(String project, Optional<URI> endpoint, Optional<String> image, List<String> regions) {
        Account {
            regions = List.copyOf(regions);
        }
    }

    private final Map<String, Account> accounts;
    private final Function<String, GceApi> clients;
    private final SecretsFolder secrets;
    private final Map<String, GceApi> made = new ConcurrentHashMap<>();

    GcpAccounts(Map<String, Account> accounts, SecretsFolder secrets) {
        this.accounts = new TreeMap<>(accounts);
        this.secrets = secrets;
        this.clients = name -> new SdkGceApi(this.accounts.get(name).endpoint(), credentials(name));
    }

    /** For tests: every account's calls go to these. */
    GcpAccounts(Map<String, Account> accounts, Function<String, GceApi> clients) {
        this.accounts = new TreeMap<>(accounts);
        this.secrets = null;
        this.clients = clients;
    }

    AccountCredentials credentials(String account) {
        return new AccountCredentials(secrets, account);
    }

    List<Scope> scopes() {
        return accounts.entrySet().stream()
                .flatMap(account -> account.getValue().regions().stream().map(region -> new Scope(PROVIDER, account.getKey(), region)))
                .toList();
    }

    /** Google's clients are of no region. */
    GceApi api(Scope scope) throws ProviderException {
        account(scope);
        return made.computeIfAbsent(scope.account(), clients);
    }

    Account account(Scope scope) throws ProviderException {
        var account = accounts.get(scope.account());
        if (account == null) {
            throw new ProviderException(FailureKind.INVALID_SPEC, "UnknownAccount", "no Google Cloud account '" + scope.account()
                    + "' is configured here; known are " + accounts.keySet() + ": set muster.gcp.accounts." + scope.account()
                    + ".project, or name one of these in the offer");
        }
        return account;
    }
}
