package dev.muster.cli;

import dev.muster.contracts.SecretsFolder;
import dev.muster.planner.foreign.ClearmlConf;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code muster init}: writes what a first run against the user's own ClearML and cloud needs. */
@Command(name = "init", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Writes muster.yaml, secrets/ and fleet.yaml here, with hosts and keys from ~/clearml.conf if it is there.",
        footer = {"./muster init", "./muster init --clearml-conf ~/other.conf --installation lab"})
final class InitCommand implements Runnable {

    @Mixin
    CommonOptions common;

    @Option(names = "--clearml-conf", paramLabel = "FILE", description = "Instead of ~/clearml.conf.")
    Path clearmlConf;

    @Option(names = "--installation", paramLabel = "NAME", description = "Name of this Muster, in tags and worker ids (default: this computer's).")
    String installation;

    @Option(names = "--force", description = "Write over what is there.")
    boolean force;

    @Override
    public void run() {
        var here = Path.of("").toAbsolutePath();
        var source = clearmlConf != null ? clearmlConf : home().resolve("clearml.conf");
        if (clearmlConf != null && !Files.isRegularFile(clearmlConf)) {
            throw CliFailure.failed("there is no file " + clearmlConf);
        }
        var found = Files.isRegularFile(source) ? read(source) : ClearmlConf.NONE;
        var name = installation != null ? installation : name();
        var files = new TreeMap<Path, String>();
        files.put(here.resolve("muster.yaml"), musterYaml(name, found));
        files.put(here.resolve("fleet.yaml"), FLEET);
        var secrets = new TreeMap<Path, String>();
        secrets.put(here.resolve("secrets/" + SecretsFolder.clearmlAccessKey("default")), found.accessKey());
        secrets.put(here.resolve("secrets/" + SecretsFolder.clearmlSecretKey("default")), found.secretKey());
        if (!force) {
            for (var file : files.keySet()) {
                refuseIfThere(file);
            }
            secrets.keySet().forEach(InitCommand::refuseIfThere);
        }
        var missing = new ArrayList<String>();
        try {
            for (var file : files.entrySet()) {
                Files.writeString(file.getKey(), file.getValue());
            }
            SecretFiles.makeFolder(here.resolve("secrets"));
            for (var secret : secrets.entrySet()) {
                if (secret.getValue().isEmpty()) {
                    missing.add(here.relativize(secret.getKey()).toString());
                } else {
                    SecretFiles.write(secret.getKey(), secret.getValue(), force);
                }
            }
        } catch (IOException failed) {
            throw CliFailure.failed("could not write here: " + failed);
        }
        report(common.output(), source, found, missing);
    }

    /** As the shell has it; Java's own property doesn't follow HOME. */
    private static Path home() {
        var home = System.getenv("HOME");
        return Path.of(home == null || home.isEmpty() ? System.getProperty("user.home") : home);
    }

    private static void report(Output output, Path source, ClearmlConf found, List<String> missing) {
        if (output.isJson()) {
            var answer = Output.JSON.createObjectNode().put("api", found.apiOr()).put("from", found.equals(ClearmlConf.NONE) ? null : source.toString());
            answer.putArray("written").add("muster.yaml").add("fleet.yaml").add("secrets/");
            var todo = answer.putArray("missingSecrets");
            missing.forEach(todo::add);
            output.json(answer);
            return;
        }
        output.line("Written: muster.yaml, fleet.yaml and secrets/" + (found.equals(ClearmlConf.NONE) ? "." : ", with what " + source + " says."));
        missing.forEach(file -> output.line("To do: put a ClearML key into " + file));
        output.line("To do: put your AWS keys into secrets/aws-default-access-key-id and secrets/aws-default-secret-access-key, or leave them to AWS's own default chain. For Google Cloud see the comment in muster.yaml.");
        output.line("Then: ./muster up --config muster.yaml, and ./muster fleet apply -f fleet.yaml");
    }

    private static ClearmlConf read(Path file) {
        try {
            return ClearmlConf.parse(Files.readString(file));
        } catch (IOException unreadable) {
            throw CliFailure.failed(file + " can't be read: " + unreadable);
        }
    }

    private static void refuseIfThere(Path file) {
        if (Files.exists(file)) {
            throw CliFailure.failed(file + " is there already: --force writes over it");
        }
    }

    /** A DNS-1123 label from this computer's name. */
    private static String name() {
        var host = System.getenv().getOrDefault("HOSTNAME", System.getenv().getOrDefault("COMPUTERNAME", ""));
        if (host.isEmpty()) {
            try {
                host = java.net.InetAddress.getLocalHost().getHostName();
            } catch (java.net.UnknownHostException unnamed) {
                host = "";
            }
        }
        var label = host.toLowerCase(Locale.ROOT).replaceAll("\\..*", "").replaceAll("[^a-z0-9]+", "-").replaceAll("^-+|-+$", "");
        return label.isEmpty() ? "muster" : label.substring(0, Math.min(24, label.length())).replaceAll("-+$", "");
    }

    private static String musterYaml(String name, ClearmlConf found) {
        var hosts = new TreeMap<String, String>(Map.of("api", found.apiOr()));
        if (!found.web().isEmpty()) {
            hosts.put("web", found.web());
        }
        if (!found.files().isEmpty()) {
            hosts.put("files", found.files());
        }
        var machineHosts = new StringBuilder();
        hosts.forEach((key, url) -> machineHosts.append("      ").append(key).append(": ").append(url).append('\n'));
        return """
                # One Muster on this computer, against your own ClearML and cloud.
                installation: %s            # in tags and worker ids; different for each Muster on an account
                secrets: secrets            # keys, one a file, readable by you alone
                connections:
                  default:
                    api: %s
                    machineHosts:           # what machines are given: addresses that they can reach
                %saccounts:
                  default:
                    provider: aws
                    regions: [us-east-1]
                #   image: ami-0123456789abcdef0   # for machines whose pool names none; also a name, or ssm:/path of a parameter
                #   roleArn: arn:aws:iam::123456789012:role/muster   # taken on with the account's keys; externalId: if it asks for one
                # google:                          # its key file is secrets/gcp-google-key; without, Google's own defaults
                #   provider: gcp
                #   project: my-project-123
                #   regions: [us-central1]
                # cluster:                         # the current context of your own kubeconfig; kubeconfig and context name others
                #   provider: k8s
                #   namespaces: [ml]
                # kafka:                           # one of your own in place of one that is started: docs/kafka.md
                #   bootstrapServers: kafka-1:9093
                #   security: {protocol: SASL_SSL, ca: kafka-ca.pem}   # users muster-planner, ...; passwords are files secrets/kafka-password-planner, ...
                """.formatted(name, found.apiOr(), machineHosts);
    }

    private static final String FLEET = """
            # Every field: docs/fleet-spec.md
            name: first
            queues:
              default: [cpu]
            pools:
              cpu:
                provider: aws
                region: us-east-1
                type: m6i.large
                price: 0.096      # dollars an hour
                max: 2
                idle: 5m
            """;
}
