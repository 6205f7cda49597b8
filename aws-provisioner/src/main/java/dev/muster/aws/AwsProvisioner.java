package dev.muster.aws;

import dev.muster.contracts.SecretsFolder;
import dev.muster.provisioner.host.HostConfig;
import dev.muster.provisioner.host.HostStart;
import dev.muster.provisioner.spi.MachineProvider;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** Makes the host's provider of the configuration. */
class AwsProvisioner {

    // As the STS API reference has them, under AssumeRole.
    private static final Pattern ROLE = Pattern.compile("arn:aws[a-z-]*:iam::\\d{12}:role/[\\w+=,.@/-]+");
    private static final Pattern EXTERNAL_ID = Pattern.compile("[\\w+=,.@:/-]{2,1224}");
    private static final Pattern SESSION_NAME = Pattern.compile("[\\w+=,.@-]{2,64}");

    @Produces
    @Singleton
    MachineProvider provider(HostConfig host, AwsConfig config, SecretsFolder secrets) {
        return HostStart.orRefuse(() -> machines(host, config, secrets));
    }

    private static Ec2Machines machines(HostConfig host, AwsConfig config, SecretsFolder secrets) {
        var installation = HostStart.installation(host);
        return new Ec2Machines(new AwsAccounts(accounts(config, installation), secrets), installation);
    }

    /** @throws IllegalArgumentException with a sentence that names the key and what to write */
    static Map<String, AwsAccounts.Account> accounts(AwsConfig config, String installation) {
        var accounts = new TreeMap<String, AwsAccounts.Account>();
        config.accounts().forEach((name, account) -> accounts.put(name, new AwsAccounts.Account(
                HostStart.url("muster.aws.accounts." + name + ".endpoint", account.endpoint(), "http://127.0.0.1:4566"), account.image(),
                account.regions().orElse(List.of()), role(name, account, installation))));
        return accounts;
    }

    private static Optional<RoleCredentials.Role> role(String name, AwsConfig.AccountConfig account, String installation) {
        var at = "muster.aws.accounts." + name + ".";
        if (account.roleArn().isEmpty()) {
            if (account.externalId().isPresent() || account.roleSessionName().isPresent()) {
                throw new IllegalArgumentException(at + (account.externalId().isPresent() ? "external-id" : "role-session-name") + " is set and " + at
                        + "role-arn is not; name the role, or remove it");
            }
            return Optional.empty();
        }
        var arn = account.roleArn().get();
        if (!ROLE.matcher(arn).matches()) {
            throw new IllegalArgumentException(at + "role-arn is '" + arn + "'; it must be the ARN of a role, such as arn:aws:iam::123456789012:role/muster");
        }
        account.externalId().filter(id -> !EXTERNAL_ID.matcher(id).matches()).ifPresent(id -> {
            throw new IllegalArgumentException(at + "external-id must be 2 to 1224 letters, digits and + = , . @ : / _ -");
        });
        var session = account.roleSessionName().orElse("muster-" + installation);
        if (!SESSION_NAME.matcher(session).matches()) {
            throw new IllegalArgumentException(at + "role-session-name is '" + session + "'; it must be 2 to 64 letters, digits and + = , . @ _ -");
        }
        return Optional.of(new RoleCredentials.Role(arn, account.externalId(), session));
    }
}
