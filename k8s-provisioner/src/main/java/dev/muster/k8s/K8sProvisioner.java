package dev.muster.k8s;

import dev.muster.contracts.SecretsFolder;
import dev.muster.provisioner.host.HostConfig;
import dev.muster.provisioner.host.HostStart;
import dev.muster.provisioner.spi.MachineProvider;
import dev.muster.provisioner.spi.MachineSeen;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** Makes the host's provider of the configuration. */
class K8sProvisioner {

    /** Of namespaces, service accounts and Secrets: a DNS label, and for the last two a DNS name. */
    private static final Pattern NAMESPACE = Pattern.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?");
    private static final Pattern NAME = Pattern.compile("[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?");

    @Produces
    @Singleton
    MachineProvider provider(HostConfig host, K8sConfig config, SecretsFolder secrets, TaskWishes wishes, TaskMirror mirror) {
        return HostStart.orRefuse(() -> new PodMachines(new K8sAccounts(accounts(config), secrets), HostStart.installation(host), wishes,
                host.prices().file().map(Path::of)).telling(shownBy(mirror)));
    }

    private static PodListener shownBy(TaskMirror mirror) {
        return new PodListener() {
            @Override
            public void seen(String connection, MachineSeen machine, String node, TaskMirror.Console console) {
                mirror.seen(connection, machine, node, console);
            }

            @Override
            public boolean isOwing(String connection, String machineId) {
                return mirror.isOwing(connection, machineId);
            }
        };
    }

    /** @throws IllegalArgumentException with a sentence that names the key and what to write */
    static Map<String, K8sAccounts.Account> accounts(K8sConfig config) {
        var accounts = new TreeMap<String, K8sAccounts.Account>();
        config.accounts().forEach((name, account) -> {
            var at = "muster.k8s.accounts." + name + ".";
            if (account.kubeconfig().isPresent() && account.server().isPresent()) {
                throw new IllegalArgumentException(at + "kubeconfig and " + at + "server are both set; leave one of them out");
            }
            if (account.context().isPresent() && account.server().isPresent()) {
                throw new IllegalArgumentException(at + "context is of a kubeconfig, and " + at + "server stands in place of one; leave one of them out");
            }
            if (account.caFile().isPresent() && account.server().isEmpty()) {
                throw new IllegalArgumentException(at + "ca-file goes with " + at + "server, which is missing; a kubeconfig names its own");
            }
            var namespaces = account.namespaces().orElse(List.of());
            namespaces.forEach(namespace -> checked(at + "namespaces", namespace, NAMESPACE, "ml-training"));
            checked(at + "service-account", account.serviceAccount(), NAME, "muster-machines");
            checked(at + "secret", account.secret(), NAME, "muster-machines");
            accounts.put(name, new K8sAccounts.Account(file(at + "kubeconfig", account.kubeconfig()), account.context(),
                    HostStart.url(at + "server", account.server(), "https://10.0.0.1:6443"),
                    file(at + "ca-file", account.caFile()), namespaces, account.image(), account.serviceAccount(), account.secret()));
        });
        return accounts;
    }

    private static void checked(String key, String value, Pattern pattern, String example) {
        if (!pattern.matcher(value).matches()) {
            throw new IllegalArgumentException(key + " has '" + value + "'; use lower-case letters, digits and '-', such as " + example);
        }
    }

    private static Optional<Path> file(String key, Optional<String> name) {
        return name.map(text -> {
            var path = Path.of(text);
            if (!Files.isReadable(path)) {
                throw new IllegalArgumentException(key + " is '" + text + "', which can't be read; name a file that this process may read");
            }
            return path;
        });
    }
}
