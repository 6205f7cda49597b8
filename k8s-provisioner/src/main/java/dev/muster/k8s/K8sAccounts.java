package dev.muster.k8s;

import dev.muster.contracts.SecretsFolder;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/** The configured clusters, and a client for each. */
final class K8sAccounts {

    static final String PROVIDER = "k8s";

    /** For an answer. The server itself gives up after a minute, and a command is repeated anyway. */
    private static final int REQUEST_TIMEOUT_MS = 10_000;
    private static final int CONNECT_TIMEOUT_MS = 5_000;

    /**
     * @param kubeconfig empty: the pod's own service account, or the user's kubeconfig
     * @param context empty: the kubeconfig's current one
     * @param server in place of a kubeconfig
     * @param caFile empty: the system's own
     * @param namespaces that must answer before the service is ready
     * @param image for pools that name none
     */
    record Account(Optional<Path> kubeconfig, Optional<String> context, Optional<URI> server, Optional<Path> caFile, List<String> namespaces,
            Optional<String> image, String serviceAccount, String secret) {
        Account {
            namespaces = List.copyOf(namespaces);
        }
    }

    private final Map<String, Account> accounts;
    private final Function<String, KubernetesClient> clients;
    private final Map<String, PodCalls> made = new ConcurrentHashMap<>();

    K8sAccounts(Map<String, Account> accounts, SecretsFolder secrets) {
        this(accounts, name -> new KubernetesClientBuilder().withConfig(config(name, accounts.get(name), secrets)).build());
    }

    /** For tests: every account's calls go to these. */
    K8sAccounts(Map<String, Account> accounts, Function<String, KubernetesClient> clients) {
        this.accounts = new TreeMap<>(accounts);
        this.clients = clients;
    }

    static Config config(String name, Account account, SecretsFolder secrets) {
        var config = account.server().isPresent() ? new ConfigBuilder(Config.empty()).withMasterUrl(account.server().get().toString())
                .withCaCertFile(account.caFile().map(Path::toString).orElse(null))
                // Asked at each call: a new file is seen without a restart.
                .withOauthTokenProvider(() -> token(name, secrets)).build()
                : account.kubeconfig().isPresent() ? Config.fromKubeconfig(account.context().orElse(null), account.kubeconfig().get().toFile())
                        : Config.autoConfigure(account.context().orElse(null));
        return paced(config);
    }

    /** Nothing is repeated below: who calls repeats, and a watch that ended must be known to have. */
    static Config paced(Config config) {
        return new ConfigBuilder(config).withRequestRetryBackoffLimit(0).withWatchReconnectLimit(0).withRequestTimeout(REQUEST_TIMEOUT_MS)
                .withConnectionTimeout(CONNECT_TIMEOUT_MS).withUserAgent("muster-k8s-provisioner").build();
    }

    private static String token(String account, SecretsFolder secrets) {
        return secrets.find("k8s-" + account + "-token").map(secret -> secret.value().strip()).orElse("");
    }

    List<Scope> scopes() {
        return accounts.entrySet().stream()
                .flatMap(account -> account.getValue().namespaces().stream().map(namespace -> new Scope(PROVIDER, account.getKey(), namespace)))
                .toList();
    }

    /** Clients are of no namespace. */
    PodCalls calls(Scope scope) throws ProviderException {
        account(scope);
        return made.computeIfAbsent(scope.account(), name -> new PodCalls(clients.apply(name)));
    }

    Account account(Scope scope) throws ProviderException {
        var account = accounts.get(scope.account());
        if (account == null) {
            throw new ProviderException(FailureKind.INVALID_SPEC, "UnknownAccount", "no Kubernetes cluster '" + scope.account()
                    + "' is configured here; known are " + accounts.keySet() + ": set muster.k8s.accounts." + scope.account()
                    + ".kubeconfig, or name one of these in the offer");
        }
        return account;
    }
}
