package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.muster.contracts.KafkaRights;
import dev.muster.contracts.KafkaRights.Right;
import dev.muster.contracts.Topics;
import dev.muster.sandbox.broker.SecuredBroker;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourceType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code muster doctor kafka} at a real broker that demands to know who speaks. */
class KafkaDoctorCommandTest {

    private static final Topics TOPICS = new Topics("muster.", 2);

    @TempDir
    static Path folder;

    private static SecuredBroker broker;

    @BeforeAll
    static void start() throws Exception {
        broker = SecuredBroker.start(folder.resolve("kafka"));
        broker.broker().createTopics(TOPICS);
        for (var service : KafkaRights.SERVICES) {
            broker.service(TOPICS, service);
        }
    }

    @AfterAll
    static void end() {
        broker.close();
    }

    private static Path settings(String user, Map<String, String> changed) throws IOException {
        var settings = new HashMap<>(broker.settings(user));
        settings.put("muster.topics.input-partitions", "2");
        settings.putAll(changed);
        return Files.write(folder.resolve(user + ".properties"), settings.entrySet().stream().map(setting -> setting.getKey() + "=" + setting.getValue()).toList());
    }

    private static Map<String, JsonNode> examine(Path settings, String... more) throws IOException {
        var arguments = new ArrayList<>(List.of("doctor", "kafka", "--json", "--kafka-settings", settings.toString()));
        arguments.addAll(List.of(more));
        var ran = Ran.of(arguments.toArray(String[]::new));
        assertThat(ran.err()).isEmpty();
        var checks = new LinkedHashMap<String, JsonNode>();
        Output.JSON.readTree(ran.out()).path("checks").forEach(check -> checks.put(check.path("check").asText(), check));
        assertThat(ran.exitCode()).isEqualTo(checks.values().stream().anyMatch(check -> check.path("state").asText().equals("failed")) ? 1 : 0);
        return checks;
    }

    private static Map<String, String> wrong(Map<String, JsonNode> checks) {
        var wrong = new LinkedHashMap<String, String>();
        checks.forEach((name, check) -> {
            if (!check.path("state").asText().equals("ok")) {
                wrong.put(name, check.path("state").asText() + ": " + check.path("seen").asText());
            }
        });
        return wrong;
    }

    @Test
    void findsNothingWrongWhereNothingIs() throws Exception {
        var checks = examine(settings("muster-cli", Map.of()));

        assertThat(wrong(checks)).isEmpty();
        assertThat(checks).hasSize(KafkaCheck.values().length);
        assertThat(checks.get("login").path("seen").asText()).isEqualTo("Kafka takes user muster-cli with the password in the secret kafka-password-muster-cli");
    }

    @Test
    void findsRightsThatAreMissingOrTooMany() throws Exception {
        var demand = KafkaRights.of(TOPICS, KafkaRights.QUEUE_WATCHER).stream().filter(right -> right.name().equals("muster.demand")).toList();
        var hole = List.of(new Right(ResourceType.TOPIC, PatternType.LITERAL, "muster.commands.aws", AclOperation.WRITE));
        changed("User:muster-queue-watcher", demand, "User:muster-aws-provisioner", hole);
        try {
            var deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            Map<String, String> wrong;
            do {
                wrong = wrong(examine(settings("muster-cli", Map.of())));
            } while (wrong.size() < 2 && System.nanoTime() < deadline);
            assertThat(wrong).isEqualTo(Map.of(
                    "rights", "failed: missing: queue-watcher (User:muster-queue-watcher): WRITE on topic muster.demand",
                    "holes", "failed: User:muster-aws-provisioner may write muster.commands.aws"));
            assertThat(wrong(examine(settings("muster-cli", Map.of()), "--as", "queue-watcher=" + settings("muster-queue-watcher", Map.of()))))
                    .containsEntry("rights", "failed: missing: queue-watcher: WRITE on topic muster.demand");
        } finally {
            broker.allow("User:muster-queue-watcher", demand);
            broker.forbid("User:muster-aws-provisioner", hole);
        }
    }

    private static void changed(String poorer, Collection<Right> taken, String richer, Collection<Right> given) throws Exception {
        broker.forbid(poorer, taken);
        broker.allow(richer, given);
    }

    @Test
    void findsATopicThatIsKeptTooShortly() throws Exception {
        retention("60000");
        try {
            assertThat(wrong(examine(settings("muster-cli", Map.of())))).isEqualTo(Map.of("retention", "failed: muster.history has retention.ms=60000"));
        } finally {
            retention(TOPICS.all().stream().filter(topic -> topic.name().equals(TOPICS.history())).findFirst().orElseThrow().config().get("retention.ms"));
        }
    }

    private static void retention(String millis) throws Exception {
        broker.admin().incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.TOPIC, TOPICS.history()),
                List.of(new AlterConfigOp(new ConfigEntry("retention.ms", millis), AlterConfigOp.OpType.SET)))).all().get();
    }

    @Test
    void saysWhatIsNotAsTheSettingsSay() throws Exception {
        assertThat(wrong(examine(settings("muster-cli", Map.of("muster.topics.input-partitions", "32"))))).containsOnlyKeys("partitions");
        assertThat(examine(settings("muster-cli", Map.of("muster.topics.prefix", "other."))).get("topics").path("seen").asText()).contains("other.requests");
    }

    @Test
    void saysWhatAUserMayNotLookAt() throws Exception {
        var wrong = wrong(examine(settings("muster-queue-watcher", Map.of())));

        assertThat(wrong).containsKeys("auto-create", "abort-interval", "transactions", "rights", "holes");
        assertThat(wrong.get("auto-create")).startsWith("warning: can't be looked at: ");
    }

    @Test
    void saysWhoIsRefusedAndSkipsTheRest() throws Exception {
        Files.writeString(broker.secrets().resolve("other"), "not the password");
        var login = examine(settings("muster-cli", Map.of("muster.kafka.security.password-secret", "other")));
        assertThat(login.get("login").path("state").asText()).isEqualTo("failed");
        assertThat(login.get("topics").path("state").asText()).isEqualTo("skipped");
        assertThat(login.toString()).doesNotContain("not the password");

        var ran = Ran.of("doctor", "kafka", "--kafka-settings", settings("muster-cli", Map.of("muster.kafka.security.protocol", "TLS")).toString());
        assertThat(ran.exitCode()).isEqualTo(1);
        assertThat(ran.err()).contains("muster.kafka.security.protocol is 'TLS'");
        assertThat(Ran.of("doctor", "kafka", "--as", "stranger=" + folder).err()).contains("there is no service stranger");
    }
}
