package dev.muster.contracts;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonParser;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourceType;
import org.junit.jupiter.api.Test;
import org.yaml.snakeyaml.DumperOptions;
import org.yaml.snakeyaml.Yaml;

/**
 * Keeps docs/events.md and docs/asyncapi.yaml true: both are made here, from the topics, the rights at Kafka, the contract and its comments.
 *
 * <p>{@code mvn -pl contracts test -Dtest=EventsPageTest -Ddocs.write=true} writes them.
 */
class EventsPageTest {

    private static final Path PAGE = Path.of("../docs/events.md");
    private static final Path ASYNCAPI = Path.of("../docs/asyncapi.yaml");
    private static final Path PROTOS = Path.of("src/main/proto");
    private static final Topics TOPICS = new Topics(Topics.DEFAULT_PREFIX, Topics.DEFAULT_INPUT_PARTITIONS);
    /** Every record that the examples show was written then. */
    private static final Instant THEN = Instant.parse("2026-05-04T10:00:02Z");
    /** AsyncAPI's own schema, which .ci/parts brings where there is npm. */
    private static final Path SCHEMA = Path.of("../.muster/parts/asyncapi/3.0.0.json");

    @Test
    void thePageIsWhatTopicsAndContractSay() throws IOException {
        holds(PAGE, page());
    }

    @Test
    void theAsyncApiDocumentIsWhatTopicsAndContractSay() throws IOException {
        holds(ASYNCAPI, asyncapi());
    }

    private static void holds(Path file, String text) throws IOException {
        if (Boolean.getBoolean("docs.write")) {
            Files.writeString(file, text);
        }
        assertThat(Files.readString(file)).as(file + "; -Ddocs.write=true writes it").isEqualTo(text);
    }

    @Test
    void hasEveryTopicAndAnExampleOfEachOfItsCases() {
        assertThat(TopicValue.ALL.stream().map(value -> TOPICS.prefix() + value.topic())).containsExactlyInAnyOrderElementsOf(
                TOPICS.all().stream().map(Topics.Definition::name).toList());
        assertThat(TopicValue.ALL).allSatisfy(value -> {
            var wanted = value.cases().isEmpty() ? value.value() == null ? Stream.<String>empty() : Stream.of(value.value().getFullName()) : value.cases().stream().map(value::type);
            assertThat(value.examplesByCase().keySet()).as(value.topic()).containsExactlyInAnyOrderElementsOf(wanted.toList());
        });
    }

    @Test
    void everyTopicIsWrittenAndReadBySomebody() {
        assertThat(TopicValue.ALL).allSatisfy(value -> {
            assertThat(services(value, AclOperation.WRITE)).as("who writes " + value.topic()).isNotEmpty();
            assertThat(services(value, AclOperation.READ)).as("who reads " + value.topic()).isNotEmpty();
        });
    }

    @Test
    void everyLinkLeadsSomewhere() throws IOException {
        assertThat(PageLinks.broken(PAGE, page())).isEmpty();
    }

    /** Every reference in the document leads to something in it. */
    @Test
    void theAsyncApiDocumentHasWhatItRefersTo() throws IOException {
        Map<String, Object> document = new Yaml().load(asyncapi());
        var references = new ArrayList<String>();
        references(document, references);
        assertThat(references).hasSizeGreaterThan(50).allSatisfy(reference -> {
            Object at = document;
            for (var step : reference.substring(2).split("/")) {
                assertThat(at).as(reference).isInstanceOf(Map.class);
                at = ((Map<?, ?>) at).get(step.replace("~1", "/").replace("~0", "~"));
            }
            assertThat(at).as(reference).isNotNull();
        });
    }

    private static void references(Object at, List<String> found) {
        if (at instanceof Map<?, ?> map) {
            map.forEach((key, value) -> {
                if (key.equals("$ref")) {
                    found.add(value.toString());
                } else {
                    references(value, found);
                }
            });
        } else if (at instanceof List<?> list) {
            list.forEach(item -> references(item, found));
        }
    }

    /** By AsyncAPI's own schema and a validator that nobody here wrote. */
    @Test
    void theAsyncApiDocumentIsValid() throws Exception {
        var named = System.getenv("MUSTER_PYTHON");
        var python = named == null ? "../.muster/parts/python/bin/python" : named;
        if (!Files.isExecutable(Path.of(python)) || !Files.exists(SCHEMA)) {
            System.out.println("Skipped: docs/asyncapi.yaml by AsyncAPI's schema; " + (Files.exists(SCHEMA) ? python : SCHEMA) + " is missing, run .ci/parts");
            return;
        }
        var process = new ProcessBuilder(python, "-c", """
                import json, sys, jsonschema
                document = json.load(sys.stdin)
                found = [f"{list(e.absolute_path)}: {e.message[:300]}" for e in jsonschema.Draft7Validator(json.load(open(sys.argv[1]))).iter_errors(document)]
                print("\\n".join(found) or "valid")
                """, SCHEMA.toString()).redirectErrorStream(true).start();
        try (var document = process.getOutputStream()) {
            document.write(new com.google.gson.Gson().toJson((Object) new Yaml().load(Files.readString(ASYNCAPI))).getBytes(UTF_8));
        }
        assertThat(new String(process.getInputStream().readAllBytes(), UTF_8).strip()).isEqualTo("valid");
    }

    // Who writes and reads.

    private static List<String> services(TopicValue value, AclOperation operation) {
        return KafkaRights.SERVICES.stream().filter(service -> KafkaRights.of(TOPICS, service).stream()
                .anyMatch(right -> right.type() == ResourceType.TOPIC && right.operation() == operation && covers(right, TOPICS.prefix() + value.topic()))).toList();
    }

    private static boolean covers(KafkaRights.Right right, String topic) {
        // What begins so is either the stream's own topics, or a person's right to read everything.
        return right.pattern() == PatternType.LITERAL ? right.name().equals(topic) : topic.startsWith(right.name());
    }

    private static Topics.Definition definition(TopicValue value) {
        return TOPICS.all().stream().filter(topic -> topic.name().equals(TOPICS.prefix() + value.topic())).findFirst().orElseThrow();
    }

    private static String kept(Topics.Definition topic) {
        var days = topic.config().get("retention.ms");
        var span = days == null ? "" : Duration.ofMillis(Long.parseLong(days)).toDays() + " days";
        return switch (topic.config().get("cleanup.policy")) {
            case "compact" -> "the newest of each key";
            case "delete" -> span;
            default -> "the newest of each key, " + span;
        };
    }

    // The page.

    private static String page() throws IOException {
        var api = ApiPageTest.reference();
        var reference = new Reference(TopicValue.ALL.stream().filter(value -> value.value() != null).map(TopicValue::value).distinct().toList(), "api.md", api);
        var page = new StringBuilder(PROSE.formatted(TOPICS.inputPartitions(), KafkaSettings.MAX_RECORD_BYTES / 1024, headerRows(example()), prettily(example())));
        page.append("\n## Topics\n\n| topic | key | value | partitions | kept | written by | read by |\n| --- | --- | --- | --- | --- | --- | --- |\n");
        for (var value : TopicValue.ALL) {
            var topic = definition(value);
            page.append("| [`").append(topic.name()).append("`](#").append(topic.name().replace(".", "")).append(") | ").append(Reference.text(value.key())).append(" | ")
                    .append(value.value() == null ? "bytes" : reference.link(value.value())).append(" | ").append(topic.partitions()).append(" | ").append(kept(topic)).append(" | ")
                    .append(String.join(", ", services(value, AclOperation.WRITE))).append(" | ").append(String.join(", ", services(value, AclOperation.READ))).append(" |\n");
        }
        page.append("\n").append(AFTER_TOPICS);
        for (var value : TopicValue.ALL) {
            page.append(section(value, reference));
        }
        return page.append("\n## Messages\n\nThose that answers of the API hold, too, are on [its page](api.md#messages).\n\n").append(reference.messages()).append("\n## Values\n\n").append(reference.enums()).toString();
    }

    private static String section(TopicValue value, Reference reference) throws IOException {
        var section = new StringBuilder("\n### ").append(TOPICS.prefix()).append(value.topic()).append("\n\n").append(value.title()).append(".\n");
        if (value.value() == null) {
            return section.append(DEAD_LETTERS).toString();
        }
        if (TopicValue.ALL.stream().filter(other -> other.value() == value.value()).findFirst().orElseThrow() != value) {
            return section.append("\nAs `").append(TOPICS.prefix()).append(TopicValue.ALL.stream().filter(other -> other.value() == value.value()).findFirst().orElseThrow().topic()).append("`.\n").toString();
        }
        var examples = value.examplesByCase();
        if (value.cases().isEmpty()) {
            var type = value.value().getFullName();
            return section.append("\n`ce_type` is `").append(type).append("`, the value ").append(reference.link(value.value())).append(":\n\n").append(fenced(examples.get(type))).toString();
        }
        section.append("\nThe value is ").append(reference.link(value.value())).append(", and one of:\n\n| `ce_type` | |\n| --- | --- |\n");
        value.cases().forEach(one -> section.append("| `").append(value.type(one)).append("` | ").append(reference.link(one.getMessageType())).append(". ")
                .append(Reference.text(ProtoComments.of(one.getMessageType()))).append(" |\n"));
        for (var example : examples.entrySet()) {
            section.append("\n`").append(example.getKey()).append("`:\n\n").append(fenced(example.getValue()));
        }
        return section.toString();
    }

    private static String fenced(Message message) throws IOException {
        return "```json\n" + prettily(message) + "\n```\n";
    }

    private static String prettily(Message message) {
        try {
            return JsonFormat.printer().print(message);
        } catch (InvalidProtocolBufferException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static Message example() {
        return TopicValue.of("decisions").orElseThrow().examplesByCase().get("muster.v1.DecisionEvent/decision");
    }

    /** What the sender's own code writes. */
    private static String headerRows(Message message) {
        return headers(message).stream().map(header -> "| `" + header.getKey() + "` | `" + header.getValue() + "` |\n").collect(joining());
    }

    private static List<Map.Entry<String, String>> headers(Message message) {
        return Stream.of(CloudEvents.headers(message, "k3v9q2xa-120-1", "/muster/planner/0", THEN).toArray())
                .map(header -> Map.entry(header.key(), new String(header.value(), UTF_8))).toList();
    }

    // AsyncAPI.

    private static String asyncapi() throws IOException {
        var channels = new LinkedHashMap<String, Object>();
        var operations = new LinkedHashMap<String, Object>();
        var messages = new LinkedHashMap<String, Object>();
        var schemas = new LinkedHashMap<String, Object>();
        for (var value : TopicValue.ALL) {
            var names = new LinkedHashMap<String, Object>();
            if (value.value() == null) {
                messages.put("deadLetter", deadLetter());
                names.put("deadLetter", reference("components", "messages", "deadLetter"));
            } else {
                schemas.put(value.value().getName(), schema(value.value()));
                value.examplesByCase().forEach((type, example) -> {
                    var name = type.substring(type.lastIndexOf('.') + 1).replace('/', '.');
                    messages.putIfAbsent(name, message(value, type, example));
                    names.put(name, reference("components", "messages", name));
                });
            }
            channels.put(value.topic(), channel(value, names));
            for (var service : services(value, AclOperation.WRITE)) {
                operations.put(service + "-writes-" + value.topic(), operation("send", service, value));
            }
            for (var service : services(value, AclOperation.READ)) {
                operations.put(service + "-reads-" + value.topic(), operation("receive", service, value));
            }
        }
        var document = ordered("asyncapi", "3.0.0", "id", "urn:dev:muster:v1",
                "info", ordered("title", "Muster", "version", "v1", "description", ABOUT.strip(), "license", ordered("name", "Apache-2.0")),
                "defaultContentType", CloudEvents.CONTENT_TYPE,
                "servers", ordered("kafka", ordered("host", "localhost:9092", "protocol", "kafka", "description", "The brokers of the installation.")),
                "channels", channels, "operations", operations,
                "components", ordered("messages", messages, "schemas", schemas,
                        "messageTraits", ordered("cloudEvent", ordered("headers", cloudEventHeaders()))));
        var options = new DumperOptions();
        options.setDefaultFlowStyle(DumperOptions.FlowStyle.BLOCK);
        options.setWidth(150);
        return "# Made by EventsPageTest, as docs/events.md is; people read that one.\n" + new Yaml(options).dump(document);
    }

    private static Map<String, Object> channel(TopicValue value, Map<String, Object> messages) {
        var topic = definition(value);
        var configuration = new LinkedHashMap<String, Object>();
        configuration.put("cleanup.policy", List.of(topic.config().get("cleanup.policy").split(",")));
        if (topic.config().containsKey("retention.ms")) {
            configuration.put("retention.ms", Long.valueOf(topic.config().get("retention.ms")));
        }
        return ordered("address", topic.name(), "title", value.title(), "description", "Key: " + value.key().replace("`", "") + ".", "messages", messages,
                "bindings", ordered("kafka", ordered("partitions", topic.partitions(), "topicConfiguration", configuration, "bindingVersion", "0.5.0")));
    }

    private static Map<String, Object> operation(String action, String service, TopicValue value) {
        return ordered("action", action, "channel", reference("channels", value.topic()), "tags", List.of(ordered("name", service)));
    }

    private static Map<String, Object> message(TopicValue value, String type, Message example) {
        var of = value.cases().stream().filter(one -> value.type(one).equals(type)).findFirst();
        var comment = ProtoComments.of(of.isPresent() ? of.get().getMessageType() : value.value());
        var message = ordered("name", type, "title", type.substring(type.lastIndexOf('.') + 1));
        if (!comment.isEmpty()) {
            message.put("summary", comment);
        }
        message.put("contentType", CloudEvents.CONTENT_TYPE);
        message.put("traits", List.of(reference("components", "messageTraits", "cloudEvent")));
        message.put("payload", reference("components", "schemas", value.value().getName()));
        var headers = new LinkedHashMap<String, Object>();
        headers(example).forEach(header -> headers.put(header.getKey(), header.getValue()));
        message.put("examples", List.of(ordered("name", "example", "headers", headers, "payload", new Yaml().load(JsonParser.parseString(prettily(example)).toString()))));
        message.put("bindings", ordered("kafka", ordered("key", ordered("type", "string"), "bindingVersion", "0.5.0")));
        return message;
    }

    private static Map<String, Object> deadLetter() {
        var properties = new LinkedHashMap<String, Object>();
        for (var header : List.of(DeadLetters.TOPIC, DeadLetters.PARTITION, DeadLetters.OFFSET, DeadLetters.REASON, DeadLetters.READER)) {
            properties.put(header, ordered("type", "string"));
        }
        return ordered("name", "deadLetter", "title", "A record that could not be read", "summary", "The bytes as they came; headers say where they were and why they are here.",
                "contentType", "application/octet-stream", "headers", ordered("type", "object", "required", List.copyOf(properties.keySet()), "properties", properties));
    }

    private static Map<String, Object> cloudEventHeaders() {
        var properties = new LinkedHashMap<String, Object>();
        headers(example()).forEach(header -> properties.put(header.getKey(), header.getKey().equals("ce_specversion") || header.getKey().equals("content-type")
                ? ordered("type", "string", "const", header.getValue()) : ordered("type", "string")));
        return ordered("type", "object", "required", List.copyOf(properties.keySet()), "properties", properties);
    }

    /** The message's own lines of its proto, and what they import. */
    private static Map<String, Object> schema(Descriptor message) throws IOException {
        var lines = Files.readAllLines(PROTOS.resolve(message.getFile().getName()));
        var begin = lines.indexOf("message " + message.getName() + " {");
        var end = begin + lines.subList(begin, lines.size()).indexOf("}") + 1;
        var head = lines.stream().filter(line -> line.startsWith("syntax ") || line.startsWith("package ") || line.startsWith("import "));
        return ordered("schemaFormat", "application/vnd.google.protobuf;version=3",
                "schema", Stream.concat(Stream.concat(head, Stream.of("// The rest of the file, and what it imports, are in the contracts' jar: " + message.getFile().getName())),
                        lines.subList(begin, end).stream()).collect(joining("\n", "", "\n")));
    }

    private static Map<String, Object> reference(String... path) {
        return ordered("$ref", "#/" + Stream.of(path).map(step -> step.replace("~", "~0").replace("/", "~1")).collect(joining("/")));
    }

    private static Map<String, Object> ordered(Object... keysAndValues) {
        var map = new LinkedHashMap<String, Object>();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            map.put((String) keysAndValues[i], keysAndValues[i + 1]);
        }
        return map;
    }

    private static final String ABOUT = """
            What Muster's services say to each other over Kafka, and what anybody may listen to. Values are Protobuf; the schemas here name the message and its file.
            Within v1 things are only added.
            """;

    private static final String PROSE = """
            # Events

            Muster's services talk through Kafka and through nothing else, so that whoever listens there sees all of it: what waits, what the clouds have, what
            was decided and why. This page and [asyncapi.yaml](asyncapi.yaml), which says the same to programs, are made from the topics, the
            [rights at Kafka](kafka.md) and the contract by `EventsPageTest`.

            Names of topics begin with `muster.`, unless the installation chose another prefix. The topics with %1$d partitions here have as many as it chose; the
            number is fixed for its life.

            ## A record

            The key is text. The value is Protobuf, or nothing: then the key is gone. A record is at most %2$d KiB; what is larger comes in numbered parts. Headers are
            CloudEvents 1.0 in Kafka's binary mode:

            | header | for example |
            | --- | --- |
            %3$s
            `ce_type` is the value's message and, after a slash, the one thing that it holds, so that a reader can choose without parsing. `ce_id` is unique among what one
            `ce_source` wrote. Where somebody [follows](observability.md#traces), demand, commands, reports and machines have W3C's `traceparent`, too. The value of that record, as Protobuf's JSON:

            ```json
            %4$s
            ```

            ## Reading

            - Read what is committed only (`isolation.level=read_committed`): the planner and the provisioners write in transactions.
            - Read with a group of your own, or with none. Topics of which the newest of each key is kept are tables: read them from the beginning.
            - [DecisionReader.java](../deploy/examples/clients/DecisionReader.java) prints decisions as they come. In another language, make code from the
              protos, which are in the contracts' jar under `muster/v1` and, in the sources, in `contracts/src/main/proto`; look at `ce_type`, and parse the value as the message
              before its slash: `muster.v1.DecisionEvent/decision` is a `muster.v1.DecisionEvent` whose `decision` is set. Without code,
              `protoc --decode=muster.v1.DecisionEvent muster/v1/decision.proto` shows a value.
            - Skip what you don't know: a case, a field, a value of an enum. One value that you don't know is never the meaning of 0.

            ## What stays

            Within `muster.v1` things are only added: topics, cases, fields, values. Names of topics, keys, numbers and types of fields stay as they are, and a test holds each
            release against the one before. Texts for people (`text`, `detail`, `message`) may change at any time: programs read reasons and numbers. The records
            under `snapshot` are the planner's own, and only their envelope is promised.

            Whoever may write `muster.commands.*` can start machines past every budget: only the planner may, and [kafka.md](kafka.md) has the rights that make it so.
            """;

    private static final String AFTER_TOPICS = """
            `cli` is people with the command line, who may read everything. Kafka Streams keeps topics of its own beside these, whose names begin with `muster.planner-`. They are no part of the contract.
            """;

    private static final String DEAD_LETTERS = """

            The key and the bytes are as they came, without their headers. These say where the record was and why it is here: `muster_topic`, `muster_partition`,
            `muster_offset`, `muster_reason`, `muster_reader`.
            """;
}
