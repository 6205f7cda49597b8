package dev.muster.gcp;

import dev.muster.contracts.SecretsFolder;
import dev.muster.provisioner.host.HostConfig;
import dev.muster.provisioner.host.HostStart;
import dev.muster.provisioner.spi.MachineProvider;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** Makes the host's provider of the configuration. */
class GcpProvisioner {

    /** Resource Manager's rule for project ids, and the older ones with a domain before a colon. */
    private static final Pattern PROJECT = Pattern.compile("([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]");

    @Produces
    @Singleton
    MachineProvider provider(HostConfig host, GcpConfig config, SecretsFolder secrets) {
        return HostStart.orRefuse(() -> new GceMachines(new GcpAccounts(accounts(config), secrets), HostStart.installation(host)));
    }

    /** @throws IllegalArgumentException with a sentence that names the key and what to write */
    static Map<String, GcpAccounts.Account> accounts(GcpConfig config) {
        var accounts = new TreeMap<String, GcpAccounts.Account>();
        config.accounts().forEach((name, account) -> {
            var at = "muster.gcp.accounts." + name + ".";
            var project = account.project().orElseThrow(() -> new IllegalArgumentException(
                    at + "project is missing; set it to the id of the Google Cloud project in which machines run"));
            if (!PROJECT.matcher(project).matches()) {
                throw new IllegalArgumentException(at + "project is '" + project + "'; it must be a project's id, such as research-4711, not its name or number");
            }
            accounts.put(name, new GcpAccounts.Account(project, HostStart.url(at + "endpoint", account.endpoint(), "http://127.0.0.1:4570"), account.image(), account.regions().orElse(List.of())));
        });
        return accounts;
    }
}
