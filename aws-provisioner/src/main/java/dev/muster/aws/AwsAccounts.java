package dev.muster.aws;

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
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.regions.Region;

/** The AWS accounts of the configuration, and a client for each of their regions that is asked for. Thread-safe. */
final class AwsAccounts {

    static final String PROVIDER = "aws";

    /**
     * @param endpoint instead of Amazon's, for a stand-in
     * @param image for pools that name none, as a pool would name it
     * @param regions checked at start; others may be used
     * @param role whose keys are used; empty: the account's own
     */
    record Account(Optional<URI> endpoint, Optional<String> image, List<String> regions, Optional<RoleCredentials.Role> role) {
        Account {
            regions = List.copyOf(regions);
        }

        Account(Optional<URI> endpoint, Optional<String> image, List<String> regions) {
            this(endpoint, image, regions, Optional.empty());
        }
    }

    private final Map<String, Account> accounts;
    private final SecretsFolder secrets;
    private final Function<Scope, Ec2Api> clients;
    private final Function<Scope, ImageApi> imageClients;
    private final Map<String, AwsCredentialsProvider> credentials = new ConcurrentHashMap<>();
    private final Map<Scope, Ec2Api> made = new ConcurrentHashMap<>();
    private final Map<Scope, ImageApi> images = new ConcurrentHashMap<>();

    AwsAccounts(Map<String, Account> accounts, SecretsFolder secrets) {
        this.accounts = new TreeMap<>(accounts);
        this.secrets = secrets;
        this.clients = scope -> new SdkEc2Api(Region.of(scope.region()), this.accounts.get(scope.account()).endpoint(), credentials(scope));
        this.imageClients = scope -> new SdkImageApi(Region.of(scope.region()), this.accounts.get(scope.account()).endpoint(), credentials(scope));
    }

    /** For tests: any scope's calls go to these. */
    AwsAccounts(Map<String, Account> accounts, Function<Scope, Ec2Api> clients, Function<Scope, ImageApi> imageClients) {
        this.accounts = new TreeMap<>(accounts);
        this.secrets = null;
        this.clients = clients;
        this.imageClients = imageClients;
    }

    List<Scope> scopes() {
        return accounts.entrySet().stream()
                .flatMap(account -> account.getValue().regions().stream().map(region -> new Scope(PROVIDER, account.getKey(), region)))
                .toList();
    }

    Ec2Api api(Scope scope) throws ProviderException {
        account(scope);
        return made.computeIfAbsent(scope, clients);
    }

    /** With the keys of launches. The caller closes them. */
    DoctorCalls calls(Scope scope) throws ProviderException {
        var account = account(scope);
        return new DoctorCalls(Region.of(scope.region()), account.endpoint(), credentials(scope));
    }

    ImageApi images(Scope scope) throws ProviderException {
        account(scope);
        return images.computeIfAbsent(scope, imageClients);
    }

    /** Keys are the account's, whatever the region; a role's are asked for in the region that is used first. */
    private AwsCredentialsProvider credentials(Scope scope) {
        var account = accounts.get(scope.account());
        return credentials.computeIfAbsent(scope.account(), name -> {
            var own = SdkEc2Api.credentials(secrets, name);
            return account.role().map(role -> RoleCredentials.of(role, own, Region.of(scope.region()), account.endpoint())).orElse(own);
        });
    }

    /** The account's image for pools that name none. */
    Optional<String> image(Scope scope) throws ProviderException {
        return account(scope).image();
    }

    /** What machines use in place of Amazon's, too. */
    Optional<URI> endpoint(Scope scope) {
        return Optional.ofNullable(accounts.get(scope.account())).flatMap(Account::endpoint);
    }

    private Account account(Scope scope) throws ProviderException {
        var account = accounts.get(scope.account());
        if (account == null) {
            throw new ProviderException(FailureKind.INVALID_SPEC, "UnknownAccount", "no AWS account '" + scope.account()
                    + "' is configured here; known are " + accounts.keySet() + ": set muster.aws.accounts." + scope.account()
                    + ".regions, or name one of these in the offer");
        }
        return account;
    }
}
