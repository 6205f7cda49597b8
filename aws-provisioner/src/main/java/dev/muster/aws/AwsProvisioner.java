package dev.muster.aws;

import dev.muster.contracts.SecretsFolder;
import dev.muster.provisioner.host.HostConfig;
import dev.muster.provisioner.host.HostStart;
import dev.muster.provisioner.spi.MachineProvider;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.net.URI;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/** Makes the host's provider of the configuration. */
class AwsProvisioner {

    @Produces
    @Singleton
    MachineProvider provider(HostConfig host, AwsConfig config, SecretsFolder secrets) {
        return HostStart.orRefuse(() -> machines(host, config, secrets));
    }

    private static Ec2Machines machines(HostConfig host, AwsConfig config, SecretsFolder secrets) {
        var accounts = new TreeMap<String, AwsAccounts.Account>();
        config.accounts().forEach((name, account) -> accounts.put(name,
                new AwsAccounts.Account(endpoint(name, account.endpoint()), account.image(), account.regions().orElse(List.of()))));
        return new Ec2Machines(new AwsAccounts(accounts, secrets), HostStart.installation(host));
    }

    private static Optional<URI> endpoint(String account, Optional<String> url) {
        return url.map(text -> {
            try {
                var uri = URI.create(text);
                if (uri.getScheme() != null && uri.getHost() != null) {
                    return uri;
                }
            } catch (IllegalArgumentException malformed) {
                // Said below.
            }
            throw new IllegalArgumentException("muster.aws.accounts." + account + ".endpoint is '" + text + "'; it must be a URL such as http://127.0.0.1:4566");
        });
    }
}
