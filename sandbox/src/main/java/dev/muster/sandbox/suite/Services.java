package dev.muster.sandbox.suite;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;

/** Muster's services as processes of a local run: which of them run, with what memory, and what each is told. */
final class Services {

    /**
     * One service.
     *
     * @param module folder of its build, and its name
     * @param heap most MiB of its heap; the process takes about 100 more
     * @param provider runs only with an account of this provider; null: always
     */
    record Service(String module, int heap, String provider) {}

    static final String PLANNER = "planner";

    private static final List<Service> ALL = List.of(
            new Service(PLANNER, 112, null),
            new Service("queue-watcher", 64, null),
            new Service("aws-provisioner", 64, "aws"),
            new Service("gcp-provisioner", 64, "gcp"),
            new Service("k8s-provisioner", 64, "k8s"));

    private final SuiteSettings settings;

    Services(SuiteSettings settings) {
        this.settings = settings;
    }

    /** Those to run: a provisioner without an account has nothing to do. */
    List<Service> running(Map<String, SuiteSettings.Account> accounts) {
        return ALL.stream().filter(service -> service.provider() == null
                || accounts.values().stream().anyMatch(account -> account.provider().equals(service.provider()))).toList();
    }

    Programs programs() {
        return new Programs(Path.of(settings.home()).toAbsolutePath());
    }

    /** @throws IllegalStateException if a service isn't built, in one sentence */
    void requireBuilt(List<Service> services) {
        services.forEach(service -> programs().require(service.module()));
    }

    /**
     * What one service is told, by its own names of the settings.
     *
     * @param http its port for health and metrics; the planner's has the control API too
     */
    Map<String, String> properties(Service service, String kafka, int http, Map<String, SuiteSettings.Connection> connections,
            Map<String, SuiteSettings.Account> accounts) {
        var told = new TreeMap<String, String>();
        told.put("quarkus.http.host", "127.0.0.1");
        told.put("quarkus.http.port", Integer.toString(http));
        // The suite asks several times a second, and shows what is down itself.
        told.put("quarkus.log.category.\"io.smallrye.health\".level", "WARN");
        told.put("muster.installation", settings.installation());
        told.put("muster.kafka.bootstrap-servers", kafka);
        if (settings.kafka() != null) {
            told.putAll(settings.kafka().told(service.module()));
        }
        told.put("muster.topics.prefix", settings.topics().prefix());
        told.put("muster.topics.input-partitions", Integer.toString(settings.inputPartitions()));
        told.put("muster.secrets.folder", settings.secrets());
        told.put("muster.instance", service.module() + "-0");
        if (service.module().equals(PLANNER)) {
            told.put("muster.api.authentication", "tokens");
            told.put("muster.api.grants", ControlToken.grants(Path.of(settings.folder()).toAbsolutePath()).toString());
        } else {
            connections.forEach((name, connection) -> connection(told, "muster.connections.\"" + name + "\".", connection));
        }
        accounts.forEach((name, account) -> {
            if (account.provider().equals(service.provider())) {
                account(told, "muster." + account.provider() + ".accounts.\"" + name + "\".", account);
            }
        });
        told.putAll(settings.services().getOrDefault(service.module(), Map.of()));
        return told;
    }

    /** As {@link #properties}, of the settings' own connections and accounts, without what is only known in a run. */
    Map<String, String> told(String module) {
        var service = ALL.stream().filter(one -> one.module().equals(module)).findFirst().orElseThrow();
        var told = properties(service, "", 0, settings.connections(), settings.accounts());
        told.keySet().removeIf(key -> key.startsWith("quarkus.") || key.endsWith("bootstrap-servers") || key.endsWith("bootstrap.servers"));
        return told;
    }

    private static void connection(Map<String, String> told, String prefix, SuiteSettings.Connection connection) {
        told.put(prefix + "api", connection.api());
        put(told, prefix + "machine-hosts.api", connection.machineApi());
        put(told, prefix + "machine-hosts.web", connection.machineWeb());
        put(told, prefix + "machine-hosts.files", connection.machineFiles());
    }

    private static void account(Map<String, String> told, String prefix, SuiteSettings.Account account) {
        put(told, prefix + "project", account.project());
        put(told, prefix + "endpoint", account.endpoint());
        put(told, prefix + "image", account.image());
        put(told, prefix + "role-arn", account.roleArn());
        put(told, prefix + "external-id", account.externalId());
        put(told, prefix + "role-session-name", account.roleSessionName());
        if (!account.regions().isEmpty()) {
            told.put(prefix + (account.provider().equals("k8s") ? "namespaces" : "regions"), String.join(",", account.regions()));
        }
        if (account.cluster() != null) {
            put(told, prefix + "kubeconfig", account.cluster().kubeconfig());
            put(told, prefix + "context", account.cluster().context());
            put(told, prefix + "server", account.cluster().server());
            put(told, prefix + "ca-file", account.cluster().caFile());
            put(told, prefix + "service-account", account.cluster().serviceAccount());
            put(told, prefix + "secret", account.cluster().secret());
        }
    }

    private static void put(Map<String, String> told, String key, String value) {
        if (value != null) {
            told.put(key, value);
        }
    }

    /** Writes the settings where the service reads them: {@code config/application.properties} under its working folder. */
    static void write(Map<String, String> told, Path folder) throws IOException {
        var file = Files.createDirectories(folder.resolve("config")).resolve("application.properties");
        var properties = new Properties();
        properties.putAll(told);
        try (var writer = Files.newBufferedWriter(file)) {
            properties.store(writer, null);
        }
    }

    static List<String> flags(Service service) {
        return new ArrayList<>(List.of("-Xms32m", "-Xmx" + service.heap() + "m", "-Xss512k", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                "-XX:+ExitOnOutOfMemoryError"));
    }
}
