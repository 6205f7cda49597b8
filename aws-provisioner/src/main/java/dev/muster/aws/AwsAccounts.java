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
import software.amazon.awssdk.regions.Region;

/** The AWS accounts of the configuration, and a client for each of their regions that is asked for. Thread-safe. */
final class AwsAccounts {

    static final String PROVIDER = "aws";

    /**
     * @param endpoint instead of Amazon's, for a stand-in
     * @param image AMI for pools that name none
     * @param regions checked at start; others may be used
     */
    record Account(Optional<URI> endpoint, Optional<String> image, List<String> regions) {
        Account {
            regions = List.copyOf(regions);
        }
    }

    private final Map<String, Account> accounts;
    private final Function<Scope, Ec2Api> clients;
    private final Map<Scope, Ec2Api> made = new ConcurrentHashMap<>();

    AwsAccounts(Map<String, Account> accounts, SecretsFolder secrets) {
        this.accounts = new TreeMap<>(accounts);
        this.clients = scope -> new SdkEc2Api(Region.of(scope.region()), this.accounts.get(scope.account()).endpoint(),
                SdkEc2Api.credentials(secrets, scope.account()));
    }

    /** For tests: any scope's calls go to {@code api}. */
    AwsAccounts(Map<String, Account> accounts, Function<Scope, Ec2Api> clients) {
        this.accounts = new TreeMap<>(accounts);
        this.clients = clients;
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

    String image(Scope scope) throws ProviderException {
        return account(scope).image().orElseThrow(() -> new ProviderException(FailureKind.INVALID_SPEC, "NoImage",
                "the pool names no launch.image and account '" + scope.account() + "' has no default; set launch.image to an AMI id of "
                        + scope.region() + ", or muster.aws.accounts." + scope.account() + ".image"));
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
