package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.contracts.InvalidYamlException;
import dev.muster.sandbox.suite.SuiteSettings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MusterYamlTest {

    @TempDir
    Path folder;

    @Test
    void readsEveryKeyAndFillsDefaults() throws Exception {
        var yaml = MusterYaml.parse("""
                installation: lab
                connections:
                  default:
                    api: http://10.0.0.5:8008
                    machineHosts: {api: http://clearml:8008, web: http://clearml:8080, files: http://clearml:8081}
                accounts:
                  default: {provider: aws, regions: [us-east-1, eu-west-1], image: ami-1, endpoint: "http://127.0.0.1:4566"}
                  google: {provider: gcp, project: lab-1234, regions: [us-central1], image: projects/ml-images/global/images/family/gpu}
                  theirs: {provider: aws, roleArn: "arn:aws:iam::210987654321:role/muster", externalId: lab-7, roleSessionName: lab}
                ports: {control: 7800}
                services:
                  queue-watcher: {muster.connections.default.interval: 2s}
                """, folder);

        assertThat(yaml).isEqualTo(new MusterYaml("lab", folder.resolve("secrets"), folder.resolve(".muster/data"), 32, Map.of("control", 7800),
                Map.of("default", new SuiteSettings.Connection("http://10.0.0.5:8008", "http://clearml:8008", "http://clearml:8080", "http://clearml:8081")),
                Map.of("default", new SuiteSettings.Account("aws", List.of("us-east-1", "eu-west-1"), "ami-1", "http://127.0.0.1:4566"),
                        "google", SuiteSettings.Account.google("lab-1234", List.of("us-central1"), "projects/ml-images/global/images/family/gpu", null),
                        "theirs", new SuiteSettings.Account("aws", List.of(), null, null, "arn:aws:iam::210987654321:role/muster", "lab-7", "lab")),
                Map.of("queue-watcher", Map.of("muster.connections.default.interval", "2s")), null));
    }

    private static final String START = "installation: lab\nconnections: {default: {api: \"http://x:8008\"}}\n";

    private SuiteSettings.Kafka kafka(String kafka) throws Exception {
        return MusterYaml.parse(START + kafka, folder).kafka();
    }

    @Test
    void aKafkaOfOnesOwnIsNamedWithHowEachServiceShowsWhoItIs() throws Exception {
        assertThat(kafka("kafka: {bootstrapServers: \"127.0.0.1:9092\"}")).isEqualTo(new SuiteSettings.Kafka("127.0.0.1:9092", "muster.", Map.of()));
        assertThat(kafka("kafka: {bootstrapServers: [a:1, \"b:2,[::1]:3\"], topicsPrefix: lab., security: {protocol: SASL_SSL, ca: tls/ca.pem}}")).as("each is a user of its own")
                .isEqualTo(new SuiteSettings.Kafka("a:1,b:2,[::1]:3", "lab.", Map.of("protocol", "SASL_SSL", "ca", folder.resolve("tls/ca.pem").toString(),
                        "username", "muster-{service}", "password-secret", "kafka-password-{service}")));
        assertThat(kafka("kafka: {bootstrapServers: a:1, security: {protocol: SASL_SSL, username: ml, saslMechanism: PLAIN}}").security()).as("one for all")
                .isEqualTo(Map.of("protocol", "SASL_SSL", "sasl-mechanism", "PLAIN", "username", "ml"));
        assertThat(kafka("kafka: {bootstrapServers: a:1, security: {protocol: SASL_SSL, username: \"{service}.ml\", passwordSecret: all}}").security())
                .isEqualTo(Map.of("protocol", "SASL_SSL", "username", "{service}.ml", "password-secret", "all"));
        assertThat(kafka("kafka: {bootstrapServers: a:1, security: {protocol: SASL_SSL, saslMechanism: OAUTHBEARER}}").security())
                .isEqualTo(Map.of("protocol", "SASL_SSL", "sasl-mechanism", "OAUTHBEARER", "token-secret", "kafka-token-{service}"));
        assertThat(kafka("kafka: {bootstrapServers: a:1, security: {protocol: SSL, certificate: \"tls/{service}.pem\", keySecret: \"kafka-key-{service}\"}}").security())
                .isEqualTo(Map.of("protocol", "SSL", "certificate", folder.resolve("tls/{service}.pem").toString(), "key-secret", "kafka-key-{service}"));
    }

    @Test
    void whatIsWrongWithAKafkaIsSaidWithoutWhatMayBeASecret() {
        assertThatThrownBy(() -> kafka("ports: {kafka: 9092}\nkafka: {security: {protocol: SASL_SSL, password: hunter2}}")).isInstanceOf(InvalidYamlException.class)
                .hasMessageContaining("kafka.bootstrapServers: line 4: is missing; write bootstrapServers: <host>:<port>")
                .hasMessageContaining("kafka.security.password: line 4: there is no such key")
                .hasMessageContaining("ports.kafka: line 3: is of a Kafka that is started, and kafka names one that is there; remove it").hasMessageNotContaining("hunter2");
        for (var servers : List.of("\"SASL_SSL://ann:hunter2@kafka:9093\"", "kafka-hunter2", "\"\"")) {
            assertThatThrownBy(() -> kafka("kafka: {bootstrapServers: " + servers + "}")).isInstanceOf(InvalidYamlException.class)
                    .hasMessageContaining("kafka.bootstrapServers: line 3: is no list of host:port; write such as kafka-1:9093").hasMessageNotContaining("hunter2");
        }
    }

    @Test
    void namesTheFileOfThePasswordThatIsMissing() throws Exception {
        var yaml = MusterYaml.parse(START + "accounts: {default: {provider: aws}}\nkafka: {bootstrapServers: a:1, security: {protocol: SASL_SSL}}", folder);
        Files.createDirectories(folder.resolve("secrets"));
        for (var file : List.of("clearml-default-access-key", "clearml-default-secret-key", "kafka-password-planner", "kafka-password-queue-watcher")) {
            Files.writeString(folder.resolve("secrets").resolve(file), "x");
        }
        var run = new Run(folder.resolve(".muster"));

        assertThatThrownBy(() -> yaml.settings(folder, run)).hasMessage("aws-provisioner has nothing to show to Kafka: put its password into the file "
                + folder.resolve("secrets/kafka-password-aws-provisioner") + ", or name another in kafka.security");

        Files.writeString(folder.resolve("secrets/kafka-password-aws-provisioner"), "x");
        assertThat(yaml.settings(folder, run).kafka()).isEqualTo(yaml.kafka());
    }

    @Test
    void theKafkaOfItsPageIsOne() throws Exception {
        var page = Files.readString(Path.of("../docs/kafka.md"));
        var kafka = kafka(page.substring(page.indexOf("```yaml\nkafka:") + 8, page.indexOf("```\n", page.indexOf("```yaml\nkafka:") + 8)));
        assertThat(kafka).isEqualTo(new SuiteSettings.Kafka("kafka-1:9093,kafka-2:9093", "muster.", Map.of("protocol", "SASL_SSL", "ca", folder.resolve("kafka-ca.pem").toString(),
                "username", "muster-{service}", "password-secret", "kafka-password-{service}")));
        assertThat(page).contains("`secrets/kafka-password-planner`");
    }

    @Test
    void reportsAllMistakes() {
        assertThatThrownBy(() -> MusterYaml.parse("""
                instalation: lab
                connections: {default: {api: clearml, machineHosts: {wep: http://x}}}
                accounts: {default: {provider: azure, roleArn: muster}, other: {provider: aws, externalId: lab-7}}
                ports: {kafka: 70000}
                """, folder)).isInstanceOf(InvalidYamlException.class)
                .hasMessageContaining("installation: line 1: is missing")
                .hasMessageContaining("instalation: line 1: there is no such key; write 'installation'")
                .hasMessageContaining("connections.default.api: line 2: is 'clearml'; write a URL such as https://api.clear.ml")
                .hasMessageContaining("connections.default.machineHosts.wep: line 2: there is no such key; write 'web'")
                .hasMessageContaining("accounts.default.provider: line 3: is 'azure'; write one of aws, gcp, k8s")
                .hasMessageContaining("accounts.default.roleArn: line 3: is 'muster'; write the ARN of a role")
                .hasMessageContaining("accounts.other.externalId: line 3: is set, and there is no roleArn; name the role, or remove it")
                .hasMessageContaining("ports.kafka: line 4: is '70000'; write a whole number from 0 to 65535");
    }

    @Test
    void doesNotRepeatWhatMayBeAPassword() {
        for (var api : List.of("https://ann:hunter2@clearml.example.org", "ann:hunter2@clearml.example.org", "https://clearml.example.org?token=hunter2")) {
            assertThatThrownBy(() -> MusterYaml.parse("installation: lab\nconnections: {default: {api: \"" + api + "\"}}\n", folder))
                    .hasMessageContaining("connections.default.api: line 2: has more than scheme, host, port and path").hasMessageNotContaining("hunter2");
        }
    }

    @Test
    void anAccountHasTheFieldsOfItsOwnCloud() {
        assertThatThrownBy(() -> MusterYaml.parse("""
                installation: lab
                connections: {default: {api: "http://x:8008"}}
                accounts:
                  google: {provider: gcp, roleArn: "arn:aws:iam::210987654321:role/muster", externalId: lab-7}
                  other: {provider: gcp, project: My Project}
                  default: {provider: aws, project: lab-1234}
                  none: {regions: [us-east-1]}
                """, folder)).isInstanceOfSatisfying(InvalidYamlException.class, broken -> assertThat(broken.violations()).hasSize(6))
                .hasMessageContaining("accounts.google.roleArn: line 4: is of AWS, and this account is on Google Cloud; remove it: the account's key is the file gcp-google-key")
                .hasMessageContaining("accounts.google.externalId: line 4: is of AWS")
                .hasMessageContaining("accounts.google.project: line 4: is missing; write project: <id")
                .hasMessageContaining("accounts.other.project: line 5: is 'My Project'; write the project's id")
                .hasMessageContaining("accounts.default.project: line 6: is of Google Cloud, and this account is on AWS")
                .hasMessageContaining("accounts.none.provider: line 7: is missing; write provider: aws, gcp or k8s");
    }

    @Test
    void aClusterIsAnAccountToo() throws Exception {
        var yaml = MusterYaml.parse("""
                installation: lab
                connections: {default: {api: "http://x:8008"}}
                accounts:
                  here: {provider: k8s}
                  lab: {provider: k8s, kubeconfig: kube/lab, context: admin, namespaces: [ml, trial], image: "python:3.12", serviceAccount: tasks, secret: ml-secrets}
                  other: {provider: k8s, server: "https://10.0.0.1:6443", caFile: /etc/ca.pem}
                """, folder);

        assertThat(yaml.accounts()).isEqualTo(Map.of(
                "here", SuiteSettings.Account.kubernetes(new SuiteSettings.Cluster(null, null, null, null, null, null), List.of(), null),
                "lab", SuiteSettings.Account.kubernetes(new SuiteSettings.Cluster(folder.resolve("kube/lab").toString(), "admin", null, null, "tasks", "ml-secrets"), List.of("ml", "trial"), "python:3.12"),
                "other", SuiteSettings.Account.kubernetes(new SuiteSettings.Cluster(null, null, "https://10.0.0.1:6443", "/etc/ca.pem", null, null), List.of(), null)));
        assertThatThrownBy(() -> MusterYaml.parse("""
                installation: lab
                connections: {default: {api: "http://x:8008"}}
                accounts:
                  lab: {provider: k8s, regions: [ml], kubeconfig: a, server: here, token: abc}
                  other: {provider: k8s, caFile: a}
                  default: {provider: aws, kubeconfig: a}
                """, folder)).isInstanceOfSatisfying(InvalidYamlException.class, broken -> assertThat(broken.violations()).hasSize(6))
                .hasMessageContaining("accounts.lab.regions: line 4: is of a cloud, and this account is on Kubernetes; write namespaces")
                .hasMessageContaining("accounts.lab.server: line 4: is 'here'; write a URL")
                .hasMessageContaining("accounts.lab.server: line 4: is set, and so is kubeconfig, which says where the cluster is; keep one of them; the token of a server is the file k8s-lab-token")
                .hasMessageContaining("accounts.lab.token: line 4: there is no such key")
                .hasMessageContaining("accounts.other.caFile: line 5: is set, and there is no server")
                .hasMessageContaining("accounts.default.kubeconfig: line 6: is of Kubernetes, and this account is on AWS");
    }

    @Test
    void namesTheKeyFileThatIsMissing() throws Exception {
        var yaml = MusterYaml.parse("installation: lab\nconnections: {default: {api: \"http://x:8008\"}}\n", folder);
        var run = new Run(folder.resolve(".muster"));

        assertThatThrownBy(() -> yaml.settings(folder, run)).hasMessageContaining("there is no secrets folder " + folder.resolve("secrets"));
        Files.createDirectories(folder.resolve("secrets"));
        assertThatThrownBy(() -> yaml.settings(folder, run))
                .hasMessage("connection default has no keys: put one into the file " + folder.resolve("secrets/clearml-default-access-key"));
        Files.writeString(folder.resolve("secrets/clearml-default-access-key"), "a");
        Files.writeString(folder.resolve("secrets/clearml-default-secret-key"), "s");
        assertThat(yaml.settings(folder, run).sandbox()).isFalse();
    }
}
