package dev.muster.cli;

import dev.muster.contracts.InvalidYamlException;
import dev.muster.contracts.KafkaConnection;
import dev.muster.contracts.SecretsFolder;
import dev.muster.contracts.Topics;
import dev.muster.contracts.YamlValue;
import dev.muster.sandbox.suite.SuiteSettings;
import dev.muster.v1.Violation;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * The file {@code muster.yaml}: one installation on this computer against the user's own ClearML and cloud. It names keys by
 * file, and holds none.
 *
 * @param installation name of this Muster, in tags and worker ids
 * @param secrets folder with the keys
 * @param data Kafka's records, kept across down and up; unused with a Kafka of the user's own
 * @param inputPartitions fixed once there is data
 * @param services further settings by service
 * @param kafka the user's own; null: one is started
 */
record MusterYaml(String installation, Path secrets, Path data, int inputPartitions, Map<String, Integer> ports,
        Map<String, SuiteSettings.Connection> connections, Map<String, SuiteSettings.Account> accounts, Map<String, Map<String, String>> services,
        SuiteSettings.Kafka kafka) {

    private static final String NAME = "[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?";

    private static final Map<String, String> PROVIDERS = Map.of("aws", "aws", "gcp", "gcp", "k8s", "k8s");
    private static final List<String> ON_AWS_ONLY = List.of("roleArn", "externalId", "roleSessionName");
    private static final List<String> ON_KUBERNETES_ONLY = List.of("kubeconfig", "context", "server", "caFile", "namespaces", "serviceAccount", "secret");
    /** By the keys of kafka.security: the services' own settings. */
    private static final Map<String, String> KAFKA_SECURITY = Map.of("protocol", "protocol", "saslMechanism", "sasl-mechanism", "username", "username",
            "passwordSecret", "password-secret", "tokenSecret", "token-secret", "ca", "ca", "certificate", "certificate", "keySecret", "key-secret");
    /** Each service is a user of its own, as docs/kafka.md has it. */
    private static final String USERNAME = "muster-" + SuiteSettings.Kafka.SERVICE;
    private static final String PASSWORD = KafkaConnection.PASSWORD + "-" + SuiteSettings.Kafka.SERVICE;
    private static final String TOKEN = KafkaConnection.TOKEN + "-" + SuiteSettings.Kafka.SERVICE;

    /** Project ids of Google Cloud; those of a domain's own begin with it. */
    private static final String PROJECT = "([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]";

    /** Reads and checks the file; paths in it are relative to it. @throws CliFailure with everything that is wrong */
    static MusterYaml read(Path file) {
        try {
            return parse(Files.readString(file), file.toAbsolutePath().getParent());
        } catch (NoSuchFileException absent) {
            throw CliFailure.failed("there is no file " + file + ": ./muster init writes one");
        } catch (IOException unreadable) {
            throw CliFailure.failed(file + " can't be read: " + unreadable);
        } catch (InvalidYamlException invalid) {
            throw CliFailure.invalid(file + " has " + invalid.violations().size() + (invalid.violations().size() == 1 ? " mistake:" : " mistakes:"), invalid.violations());
        }
    }

    static MusterYaml parse(String text, Path folder) throws InvalidYamlException {
        var violations = new ArrayList<Violation>();
        var documents = YamlValue.parse(text, violations);
        if (documents.size() != 1 || !documents.get(0).isObject()) {
            if (violations.isEmpty()) {
                violations.add(Violation.newBuilder().setProblem("is no configuration").setFix("begin with installation: <name>").build());
            }
            throw new InvalidYamlException(violations);
        }
        var yaml = documents.get(0);
        var installation = yaml.text("installation").orElse("");
        if (!yaml.has("installation")) {
            yaml.missing("installation", "write installation: <a name of its own for this Muster>");
        } else if (!installation.matches(NAME)) {
            yaml.get("installation").ifPresent(value -> value.wrong("is '" + installation + "'", "use at most 32 of a-z, 0-9 and -"));
        }
        var secrets = folder.resolve(yaml.text("secrets").orElse("secrets")).normalize();
        var data = folder.resolve(yaml.text("data").orElse(".muster/data")).normalize();
        var partitions = yaml.number("inputPartitions", 1, 1024).orElse((long) Topics.DEFAULT_INPUT_PARTITIONS).intValue();
        var ports = new TreeMap<String, Integer>();
        yaml.object("ports").ifPresent(object -> object.names().forEach(name -> object.number(name, 0, 65_535).ifPresent(port -> ports.put(name, port.intValue()))));
        var connections = new LinkedHashMap<String, SuiteSettings.Connection>();
        objects(yaml, "connections").forEach((name, object) -> connections.put(name, connection(object)));
        if (!yaml.has("connections")) {
            yaml.missing("connections", "write connections: {default: {api: https://…}}");
        }
        var accounts = new LinkedHashMap<String, SuiteSettings.Account>();
        objects(yaml, "accounts").forEach((name, object) -> accounts.put(name, account(name, object, folder)));
        var services = new LinkedHashMap<String, Map<String, String>>();
        objects(yaml, "services").forEach((name, object) -> {
            var told = new LinkedHashMap<String, String>();
            object.names().forEach(key -> object.text(key).ifPresent(value -> told.put(key, value)));
            services.put(name, told);
        });
        var kafka = yaml.object("kafka").map(object -> kafka(object, folder)).orElse(null);
        if (yaml.has("kafka") && ports.containsKey("kafka")) {
            yaml.object("ports").flatMap(object -> object.get("kafka")).ifPresent(port -> port.wrong("is of a Kafka that is started, and kafka names one that is there", "remove it"));
        }
        yaml.finish();
        if (!violations.isEmpty()) {
            throw new InvalidYamlException(violations);
        }
        return new MusterYaml(installation, secrets, data, partitions, ports, connections, accounts, services, kafka);
    }

    private static SuiteSettings.Kafka kafka(YamlValue yaml, Path folder) {
        var servers = yaml.texts("bootstrapServers").stream().flatMap(text -> Stream.of(text.split(","))).map(String::strip).filter(text -> !text.isEmpty()).toList();
        if (!yaml.has("bootstrapServers")) {
            yaml.missing("bootstrapServers", "write bootstrapServers: <host>:<port> of a broker, or of several");
        } else if (servers.isEmpty() || !servers.stream().allMatch(server -> server.matches("[A-Za-z0-9.-]+:\\d{1,5}|\\[[0-9A-Fa-f:.]+]:\\d{1,5}"))) {
            // Not repeated: what stands there may be more than an address.
            yaml.get("bootstrapServers").ifPresent(value -> value.wrong("is no list of host:port", "write such as kafka-1:9093,kafka-2:9093; users and passwords are of security"));
        }
        var prefix = yaml.text("topicsPrefix").orElse(Topics.DEFAULT_PREFIX);
        var security = new TreeMap<String, String>();
        yaml.object("security").ifPresent(object -> {
            KAFKA_SECURITY.forEach((key, setting) -> (List.of("ca", "certificate").contains(key) ? Optional.ofNullable(file(object, key, folder)) : object.text(key))
                    .ifPresent(value -> security.put(setting, value)));
            object.finish();
        });
        yaml.finish();
        if (security.getOrDefault("protocol", "").startsWith("SASL_")) {
            if (security.getOrDefault("sasl-mechanism", "").equals("OAUTHBEARER")) {
                security.putIfAbsent("token-secret", TOKEN);
            } else if (security.putIfAbsent("username", USERNAME) == null || security.get("username").contains(SuiteSettings.Kafka.SERVICE)) {
                security.putIfAbsent("password-secret", PASSWORD);
            }
        }
        return new SuiteSettings.Kafka(String.join(",", servers), prefix, security);
    }

    private static Map<String, YamlValue> objects(YamlValue yaml, String key) {
        var objects = new LinkedHashMap<String, YamlValue>();
        yaml.object(key).ifPresent(parent -> parent.names().forEach(name -> parent.object(name).ifPresent(object -> objects.put(name, object))));
        return objects;
    }

    private static SuiteSettings.Connection connection(YamlValue yaml) {
        var api = url(yaml, "api");
        if (!yaml.has("api")) {
            yaml.missing("api", "write api: <URL of ClearML's API server>");
        }
        var hosts = yaml.object("machineHosts");
        var connection = new SuiteSettings.Connection(api, hosts.map(object -> url(object, "api")).orElse(null),
                hosts.map(object -> url(object, "web")).orElse(null), hosts.map(object -> url(object, "files")).orElse(null));
        hosts.ifPresent(YamlValue::finish);
        yaml.finish();
        return connection;
    }

    private static String url(YamlValue yaml, String key) {
        var value = yaml.get(key);
        var text = value.flatMap(YamlValue::text).orElse(null);
        if (text != null && !text.matches("[^@?#]*")) {
            // Not repeated: what stands there may be a password.
            value.get().wrong("has more than scheme, host, port and path", "write a URL such as https://api.clear.ml; keys are files of the secrets folder");
        } else if (text != null && !isUrl(text)) {
            value.get().wrong("is '" + text + "'", "write a URL such as https://api.clear.ml");
        }
        return text;
    }

    private static boolean isUrl(String text) {
        try {
            var uri = URI.create(text);
            return uri.getHost() != null && ("http".equals(uri.getScheme()) || "https".equals(uri.getScheme()));
        } catch (IllegalArgumentException garbage) {
            return false;
        }
    }

    private static SuiteSettings.Account account(String name, YamlValue yaml, Path folder) {
        var provider = yaml.choice("provider", PROVIDERS).orElse("");
        if (!yaml.has("provider")) {
            yaml.missing("provider", "write provider: aws, gcp or k8s");
        }
        if (provider.equals("k8s")) {
            return cluster(name, yaml, folder);
        }
        if (!provider.isEmpty()) {
            ON_KUBERNETES_ONLY.forEach(key -> foreign(yaml, key, "is of Kubernetes, and this account is on " + (provider.equals("gcp") ? "Google Cloud" : "AWS"), "remove it, or write provider: k8s"));
        }
        if (provider.equals("gcp")) {
            ON_AWS_ONLY.forEach(key -> foreign(yaml, key, "is of AWS, and this account is on Google Cloud",
                    "remove it: the account's key is the file gcp-" + name + "-key of the secrets folder, else Google's own defaults"));
        } else if (provider.equals("aws")) {
            foreign(yaml, "project", "is of Google Cloud, and this account is on AWS", "remove it, or write provider: gcp");
        }
        var role = yaml.text("roleArn").orElse(null);
        var onAws = !provider.equals("gcp");
        if (onAws && role != null && !role.matches("arn:aws[a-z-]*:iam::\\d{12}:role/.+")) {
            yaml.get("roleArn").ifPresent(value -> value.wrong("is '" + role + "'", "write the ARN of a role, such as arn:aws:iam::123456789012:role/muster"));
        }
        for (var key : List.of("externalId", "roleSessionName")) {
            if (onAws && yaml.has(key) && role == null) {
                yaml.get(key).ifPresent(value -> value.wrong("is set, and there is no roleArn", "name the role, or remove it"));
            }
        }
        var project = yaml.text("project").orElse(null);
        if (provider.equals("gcp") && !yaml.has("project")) {
            yaml.missing("project", "write project: <id of the Google Cloud project that machines run in>");
        } else if (provider.equals("gcp") && project != null && !project.matches(PROJECT)) {
            yaml.get("project").ifPresent(value -> value.wrong("is '" + project + "'", "write the project's id, such as my-project-123, not its name or number"));
        }
        var account = new SuiteSettings.Account(provider, yaml.texts("regions"), yaml.text("image").orElse(null), url(yaml, "endpoint"), role,
                yaml.text("externalId").orElse(null), yaml.text("roleSessionName").orElse(null), project, null);
        yaml.finish();
        return account;
    }

    private static SuiteSettings.Account cluster(String name, YamlValue yaml, Path folder) {
        for (var key : List.of("regions", "endpoint", "project", "roleArn", "externalId", "roleSessionName")) {
            foreign(yaml, key, "is of a cloud, and this account is on Kubernetes", key.equals("regions") ? "write namespaces" : key.equals("endpoint") ? "write server" : "remove it");
        }
        var server = url(yaml, "server");
        if (yaml.has("kubeconfig") && yaml.has("server")) {
            foreign(yaml, "server", "is set, and so is kubeconfig, which says where the cluster is", "keep one of them; the token of a server is the file k8s-" + name + "-token of the secrets folder");
        }
        if (yaml.has("context") && yaml.has("server")) {
            foreign(yaml, "context", "is of a kubeconfig, and there is a server", "remove it");
        }
        if (yaml.has("caFile") && !yaml.has("server")) {
            foreign(yaml, "caFile", "is set, and there is no server; a kubeconfig has its own", "write server, or remove it");
        }
        var cluster = new SuiteSettings.Cluster(file(yaml, "kubeconfig", folder), yaml.text("context").orElse(null), server, file(yaml, "caFile", folder),
                yaml.text("serviceAccount").orElse(null), yaml.text("secret").orElse(null));
        var account = SuiteSettings.Account.kubernetes(cluster, yaml.texts("namespaces"), yaml.text("image").orElse(null));
        yaml.finish();
        return account;
    }

    private static String file(YamlValue yaml, String key, Path folder) {
        return yaml.text(key).map(text -> folder.resolve(text).normalize().toString()).orElse(null);
    }

    private static void foreign(YamlValue yaml, String key, String problem, String fix) {
        if (yaml.has(key)) {
            yaml.get(key).ifPresent(value -> value.wrong(problem, fix));
        }
    }

    /** What the suite is to run. @param run where it keeps its own files */
    SuiteSettings settings(Path home, Run run) {
        if (!Files.isDirectory(secrets)) {
            throw CliFailure.failed("there is no secrets folder " + secrets + ": ./muster init makes one, or name yours with secrets:");
        }
        for (var connection : connections.keySet()) {
            for (var key : List.of(SecretsFolder.clearmlAccessKey(connection), SecretsFolder.clearmlSecretKey(connection))) {
                if (!Files.isRegularFile(secrets.resolve(key))) {
                    throw CliFailure.failed("connection " + connection + " has no keys: put one into the file " + secrets.resolve(key));
                }
            }
        }
        if (kafka != null) {
            running().forEach(this::requireSecret);
        }
        return unchecked(home, run);
    }

    /** Services that run. */
    private List<String> running() {
        return Stream.concat(Stream.of("planner", "queue-watcher"), accounts.values().stream().map(account -> account.provider() + "-provisioner").distinct().sorted()).toList();
    }

    /** Of names that nobody wrote, so that saying them gives away nothing. */
    private void requireSecret(String service) {
        var own = services.getOrDefault(service, Map.of());
        for (var secret : Map.of("password-secret", PASSWORD, "token-secret", TOKEN).entrySet()) {
            var file = secrets.resolve(secret.getValue().replace(SuiteSettings.Kafka.SERVICE, service));
            if (secret.getValue().equals(kafka.security().get(secret.getKey())) && !own.containsKey("muster.kafka.security." + secret.getKey()) && !Files.isRegularFile(file)) {
                throw CliFailure.failed(service + " has nothing to show to Kafka: put its " + secret.getKey().replace("-secret", "") + " into the file " + file
                        + ", or name another in kafka.security");
            }
        }
    }

    /** As {@link #settings}, whether keys are there or not. */
    SuiteSettings unchecked(Path home, Run run) {
        return new SuiteSettings(home.toString(), run.runFolder().toString(), data.toString(), false, installation, 1,
                inputPartitions, ports, secrets.toString(), connections, accounts, services, false, null, kafka);
    }
}
