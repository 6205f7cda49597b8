package dev.muster.contracts;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourceType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Keeps docs/kafka.md, deploy/topics.txt and deploy/kafka true: their lists are made here, and their scripts are run.
 *
 * <p>{@code mvn -pl contracts test -Dtest=KafkaPageTest -Ddocs.write=true} writes them.
 */
class KafkaPageTest {

    private static final Topics TOPICS = new Topics(Topics.DEFAULT_PREFIX, Topics.DEFAULT_INPUT_PARTITIONS);
    private static final Path PAGE = Path.of("..", "docs", "kafka.md");
    private static final Path DEPLOY = Path.of("..", "deploy");

    /** By a topic's name without its prefix: what is in it, and what is missed where it is lost. */
    private static final Map<String, String> HOLDS = Map.ofEntries(
            Map.entry("requests", "What people ask of fleets | what was not carried out yet"),
            Map.entry("demand", "What waits in queues, and who works on what | nothing: the next look says all of it again"),
            Map.entry("machine-reports", "What clouds say of machines, and answers to commands | nothing: the next list says it again"),
            Map.entry("fleets", "**Fleets' specs and states** | the fleets, until they are applied again"),
            Map.entry("machines", "**Machines on the books**, for those who read | nothing as long as the planner's own topic is there"),
            Map.entry("consoles", "Last lines of machines' consoles | `muster machine logs`"),
            Map.entry("decisions", "Each decision with its reason | reasons and replays of the last 30 days"),
            Map.entry("history", "Figures over time, an hour and a day each | `muster history`"),
            Map.entry("dead-letters", "Records that can't be read | what was wrong"),
            Map.entry("services", "What services say of themselves | nothing: they say it again"),
            Map.entry("fleet-versions", "**Each version of each spec** | `muster fleet export --at`, and going back"),
            Map.entry("log-levels", "Levels of logs that are set for a while | those levels"),
            Map.entry("commands.aws", "What the cloud is to do | nothing: what was not done is decided again"),
            Map.entry("commands.gcp", "the same | the same"),
            Map.entry("commands.k8s", "the same | the same"),
            Map.entry("commands.clearml", "Tasks to put back into their queues | the same"));
    /** Made by the planner's Kafka Streams and by Kafka. PlannerTopologyTest and a run beside a broker hold these names to what is there. */
    private static final String OTHERS_TOPICS = """
            | `muster.planner-fleets-changelog` | 32 | newest of each key | **The planner's state: machines, money, memory of each fleet** | as below: the fleets hold until all clouds are listed, and their books of money are lost |
            | `__consumer_offsets` | 50 | newest of each key | Kafka's own: how far each group has read | planner and watcher read what is kept anew |
            | `__transaction_state` | 50 | newest of each key | Kafka's own: transactions | what was not committed |
            """;

    @TempDir
    Path folder;

    @Test
    void topicsAreListed() throws Exception {
        var lines = TOPICS.all().stream().map(topic -> topic.name() + " " + topic.partitions() + " " + settings(topic)).collect(Collectors.joining("\n"));
        same(DEPLOY.resolve("topics.txt"), """
                # Muster's topics: name, partitions, settings. Made from the services' own list; deploy/kafka/create-topics.sh reads it, and adds copies:
                # replication 3 and min.insync.replicas 2, or 1 and 1 on a single broker. The partitions of requests, demand and machine-reports
                # must be one number, which is fixed for the installation's life (muster.topics.input-partitions).

                """ + lines + "\n");
    }

    private static String settings(Topics.Definition topic) {
        return new TreeMap<>(topic.config()).entrySet().stream().map(setting -> setting.getKey() + "=" + setting.getValue()).collect(Collectors.joining(" "));
    }

    @Test
    void rightsAreListed() throws Exception {
        var lines = new LinkedHashMap<String, List<String>>();
        KafkaRights.all(TOPICS).forEach((service, rights) -> rights.forEach(right -> lines.computeIfAbsent(String.join(" ", service, right.operation().name(),
                right.type().name().toLowerCase(Locale.ROOT).replace('_', '-'), right.pattern().name().toLowerCase(Locale.ROOT)), line -> new ArrayList<>()).add(right.name())));
        same(DEPLOY.resolve("kafka/rights.txt"), """
                # What each of Muster's services may do at Kafka: service, operation, kind, pattern, names. Made from the services' own list; allow.sh reads it.

                """ + lines.entrySet().stream().map(line -> line.getKey() + " " + String.join(" ", line.getValue()) + "\n").collect(Collectors.joining()));
    }

    @Test
    void thePageHasThem() throws Exception {
        var page = Files.readString(PAGE);
        page = section(page, "settings", """
                | setting | what it is |
                | --- | --- |
                | `muster.kafka.bootstrap-servers` | brokers to begin with, as `host:port,…` |
                """ + comments().entrySet().stream().map(one -> "| `muster.kafka.security." + one.getKey() + "` | " + one.getValue() + " |\n").collect(Collectors.joining())
                + "| `muster.secrets.folder` | folder with one file a secret; the secrets above are names of files in it |\n");
        page = section(page, "topics", "| topic | " + String.join(" | ", KafkaRights.SERVICES) + " |\n| --- |" + " --- |".repeat(KafkaRights.SERVICES.size()) + "\n"
                + TOPICS.all().stream().map(topic -> "| `" + topic.name() + "` | " + KafkaRights.SERVICES.stream().map(service -> letters(service, topic.name()))
                        .collect(Collectors.joining(" | ")) + " |\n").collect(Collectors.joining()));
        page = section(page, "kept", "| topic | partitions | kept | what is in it | without it is missing |\n| --- | --- | --- | --- | --- |\n" + TOPICS.all().stream()
                .map(topic -> "| `" + topic.name() + "` | " + topic.partitions() + " | " + kept(topic) + " | " + HOLDS.get(topic.name().substring(Topics.DEFAULT_PREFIX.length())) + " |\n")
                .collect(Collectors.joining()) + OTHERS_TOPICS);
        page = section(page, "others", "| service | right |\n| --- | --- |\n" + KafkaRights.all(TOPICS).entrySet().stream().flatMap(of -> of.getValue().stream()
                .filter(right -> right.type() != ResourceType.TOPIC || right.pattern() == PatternType.PREFIXED && !letter(right.operation()).equals("R") || right.name().endsWith("planner-"))
                .map(right -> "| " + of.getKey() + " | " + right + " |\n")).collect(Collectors.joining()));
        same(PAGE, page);
    }

    private static String kept(Topics.Definition topic) {
        var time = topic.config().get("retention.ms");
        var days = time == null ? "" : Duration.ofMillis(Long.parseLong(time)).toDays() + " days";
        return switch (topic.config().get("cleanup.policy")) {
            case "delete" -> days;
            case "compact" -> "newest of each key";
            case "compact,delete" -> "newest of each key, " + days;
            default -> throw new AssertionError(topic);
        };
    }

    private static String letters(String service, String topic) {
        return KafkaRights.of(TOPICS, service).stream().filter(right -> right.type() == ResourceType.TOPIC)
                .filter(right -> right.pattern() == PatternType.PREFIXED ? topic.startsWith(right.name()) : topic.equals(right.name()))
                .map(right -> letter(right.operation())).sorted().collect(Collectors.joining());
    }

    private static String letter(AclOperation operation) {
        return operation == AclOperation.READ ? "R" : operation == AclOperation.WRITE ? "W" : "";
    }

    /** What is written beside each setting, by its name. */
    private static Map<String, String> comments() throws IOException {
        var source = Files.readString(Path.of("src/main/java/dev/muster/contracts/KafkaSecurity.java"));
        var comments = new LinkedHashMap<String, String>();
        Pattern.compile("/\\*\\* (.*) \\*/\n    Optional<String> (\\w+)\\(\\);").matcher(source).results().forEach(found -> comments.put(
                found.group(2).replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT), found.group(1)
                        .replace("{@link KafkaConnection#PASSWORD}", "`" + KafkaConnection.PASSWORD + "`").replace("{@link KafkaConnection#TOKEN}", "`" + KafkaConnection.TOKEN + "`")));
        assertThat(comments).hasSize(KafkaSecurity.class.getDeclaredMethods().length - 1 - synthetic());
        return comments;
    }

    private static int synthetic() {
        return (int) Stream.of(KafkaSecurity.class.getDeclaredMethods()).filter(method -> method.isSynthetic()).count();
    }

    private static String section(String page, String name, String content) {
        var begin = "<!-- " + name + " -->\n";
        var from = page.indexOf(begin) + begin.length();
        var to = page.indexOf("<!-- /" + name + " -->");
        assertThat(to).as(name + " has its place on the page").isGreaterThanOrEqualTo(from);
        return page.substring(0, from) + content + page.substring(to);
    }

    private static void same(Path file, String content) throws IOException {
        if (Boolean.getBoolean("docs.write")) {
            Files.writeString(file, content);
        }
        assertThat(Files.exists(file) ? Files.readString(file) : "").isEqualTo(content);
    }

    @Test
    void theScriptMakesEveryTopic() throws Exception {
        var made = run("create-topics.sh", "kafka-topics.sh", Map.of("MUSTER_TOPICS_PREFIX", "lab.", "MIN_ISR", "1", "REPLICATION", "1"));

        assertThat(made).isEqualTo(new Topics("lab.", Topics.DEFAULT_INPUT_PARTITIONS).all().stream().map(topic -> "--bootstrap-server kafka:9093 --command-config admin.properties"
                + " --create --if-not-exists --topic " + topic.name() + " --partitions " + topic.partitions() + " --replication-factor 1 --config "
                + settings(topic).replace(" ", " --config ") + " --config min.insync.replicas=1").toList());
    }

    @Test
    void theScriptAllowsEveryRight() throws Exception {
        var allowed = new LinkedHashSet<String>();
        for (var call : run("allow.sh", "kafka-acls.sh", Map.of("MUSTER_TOPICS_PREFIX", "lab.", "PRINCIPAL_GCP_PROVISIONER", "User:CN=gcp"))) {
            var words = List.of(call.split(" "));
            var operation = words.get(words.indexOf("--operation") + 1);
            var pattern = words.get(words.indexOf("--resource-pattern-type") + 1);
            for (var i = words.indexOf("--resource-pattern-type") + 2; i < words.size(); i++) {
                var cluster = words.get(i).equals("--cluster");
                allowed.add(words.get(words.indexOf("--allow-principal") + 1) + " " + operation + " " + words.get(i).substring(2) + " " + pattern + " "
                        + (cluster ? "kafka-cluster" : words.get(++i)));
            }
        }

        var wanted = new LinkedHashSet<String>();
        KafkaRights.all(new Topics("lab.", 4)).forEach((service, rights) -> rights.forEach(right -> wanted.add(
                (service.equals("gcp-provisioner") ? "User:CN=gcp" : KafkaRights.principal(service)) + " " + right.operation() + " "
                + right.type().name().toLowerCase(Locale.ROOT).replace('_', '-') + " " + right.pattern().name().toLowerCase(Locale.ROOT) + " " + right.name())));
        assertThat(allowed).isEqualTo(wanted);
    }

    /** The arguments of each call that the script makes of one of Kafka's own tools, in whose place a program writes them down. */
    private List<String> run(String script, String tool, Map<String, String> environment) throws Exception {
        var calls = folder.resolve("calls");
        var fake = Files.writeString(folder.resolve(tool), "#!/bin/sh\necho \"$*\" >> '" + calls + "'\n");
        assertThat(fake.toFile().setExecutable(true)).isTrue();
        var builder = new ProcessBuilder(DEPLOY.resolve("kafka").resolve(script).toAbsolutePath().toString(), "kafka:9093", "--command-config", "admin.properties")
                .redirectErrorStream(true);
        builder.environment().merge("PATH", folder.toString(), (path, first) -> first + ":" + path);
        builder.environment().putAll(environment);
        var process = builder.start();
        var said = new String(process.getInputStream().readAllBytes());
        assertThat(process.waitFor()).as(said).isZero();
        return Files.readAllLines(calls);
    }
}
