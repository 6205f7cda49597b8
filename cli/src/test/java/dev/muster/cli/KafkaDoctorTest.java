package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.cli.KafkaDoctor.Finding;
import dev.muster.cli.KafkaDoctor.State;
import dev.muster.cli.KafkaSeen.TopicSeen;
import dev.muster.contracts.KafkaConnection;
import dev.muster.contracts.KafkaRights;
import dev.muster.contracts.KafkaRights.Right;
import dev.muster.contracts.Topics;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.errors.SslAuthenticationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourceType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What the doctor says of each fault, and of nothing else. */
class KafkaDoctorTest {

    private static final Topics TOPICS = new Topics("muster.", 32);

    /** All that can be seen, to be changed one thing at a time. */
    private static final class Seen {
        boolean near;
        boolean encrypted = true;
        boolean known = true;
        int brokers = 3;
        Optional<Integer> metadata = Optional.of(30);
        Duration ahead = Duration.ZERO;
        final Map<String, Duration> skews = new HashMap<>(Map.of("planner/a", Duration.ofMillis(3), "queue-watcher/a", Duration.ZERO, "aws-provisioner/a", Duration.ZERO));
        Optional<Boolean> autoCreate = Optional.of(false);
        Optional<Duration> abortInterval = Optional.of(Duration.ofSeconds(1));
        String transactions = "";
        final Map<String, TopicSeen> topics = TOPICS.all().stream().collect(Collectors.toMap(Topics.Definition::name, topic -> {
            var config = new HashMap<>(Map.of("min.insync.replicas", "2", "message.timestamp.type", "CreateTime", "retention.ms", "604800000"));
            config.putAll(topic.config());
            return new TopicSeen(topic.partitions(), 3, Set.of(), Optional.of(config));
        }));
        Collection<AclBinding> acls = new ArrayList<>(KafkaRights.all(TOPICS).entrySet().stream().filter(of -> !of.getKey().equals("gcp-provisioner"))
                .flatMap(of -> of.getValue().stream().map(right -> right.to(KafkaRights.principal(of.getKey())))).toList());
        boolean authorizer = true;
        final Map<String, Collection<Right>> missing = new HashMap<>();
        final Map<String, Long> lags = new HashMap<>(Map.of("muster.planner", 12L, "muster.queue-watcher", 0L, "muster.aws-provisioner", 0L));
        final Map<KafkaCheck, String> refused = new HashMap<>();

        Seen with(java.util.function.Consumer<Seen> change) {
            change.accept(this);
            return this;
        }

        void topic(String name, UnaryOperator<TopicSeen> change) {
            topics.computeIfPresent(name, (same, topic) -> change.apply(topic));
        }

        void config(String name, String key, String value) {
            topics.get(name).config().orElseThrow().put(key, value);
        }

        void allow(String principal, PatternType pattern, String topic, AclOperation operation) {
            acls.add(new Right(ResourceType.TOPIC, pattern, topic, operation).to(principal));
        }

        KafkaSeen seen() {
            return new KafkaSeen("kafka-1:9093", "user muster-cli with the password in the secret kafka-password", near, encrypted, known, brokers, Duration.ofMillis(12), metadata, ahead,
                    skews, autoCreate, abortInterval, transactions, topics, Optional.ofNullable(acls), authorizer, missing, lags, refused);
        }

        List<Finding> judged() {
            return KafkaDoctor.judge(seen(), TOPICS, Map.of());
        }
    }

    private static Arguments fault(KafkaCheck check, State state, String said, java.util.function.Consumer<Seen> change) {
        return Arguments.of(check, state, said, new Seen().with(change));
    }

    static Stream<Arguments> faults() {
        return Stream.of(
                fault(KafkaCheck.TLS, State.WARNING, "nothing is encrypted", seen -> seen.encrypted = false),
                fault(KafkaCheck.LOGIN, State.FAILED, "Kafka asks nobody who they are", seen -> seen.known = false),
                fault(KafkaCheck.VERSION, State.FAILED, "number 19, of a release before 3.8", seen -> seen.metadata = Optional.of(19)),
                fault(KafkaCheck.VERSION, State.WARNING, "the brokers don't say what they are", seen -> seen.metadata = Optional.empty()),
                fault(KafkaCheck.CLOCK, State.FAILED, "from that of this computer by 6000 ms", seen -> seen.ahead = Duration.ofSeconds(6)),
                fault(KafkaCheck.CLOCK, State.FAILED, "from that of planner/a by 7000 ms", seen -> seen.skews.put("planner/a", Duration.ofSeconds(-7))),
                fault(KafkaCheck.AUTO_CREATE, State.FAILED, "Kafka makes a topic whenever somebody asks for one", seen -> seen.autoCreate = Optional.of(true)),
                fault(KafkaCheck.ABORT_INTERVAL, State.WARNING, "every 10000 ms", seen -> seen.abortInterval = Optional.of(Duration.ofSeconds(10))),
                fault(KafkaCheck.TRANSACTIONS, State.FAILED, "none can be begun: Timeout expired", seen -> seen.transactions = "Timeout expired"),
                fault(KafkaCheck.TOPICS, State.FAILED, "missing: muster.fleet-versions, muster.history", seen -> seen.topics.keySet().removeAll(List.of("muster.history", "muster.fleet-versions"))),
                fault(KafkaCheck.PARTITIONS, State.FAILED, "muster.demand has 8 partitions and must have 32",
                        seen -> seen.topic("muster.demand", topic -> new TopicSeen(8, 3, Set.of(), topic.config()))),
                fault(KafkaCheck.PARTITIONS, State.FAILED, "muster.fleets has no leader of [3, 7]", seen -> seen.topic("muster.fleets", topic -> new TopicSeen(32, 3, Set.of(7, 3), topic.config()))),
                fault(KafkaCheck.CLEANUP, State.FAILED, "muster.machines has cleanup.policy=delete", seen -> seen.config("muster.machines", "cleanup.policy", "delete")),
                fault(KafkaCheck.RETENTION, State.FAILED, "muster.history has retention.ms=604800000", seen -> seen.config("muster.history", "retention.ms", "604800000")),
                fault(KafkaCheck.TIMESTAMPS, State.FAILED, "muster.requests has message.timestamp.type=CreateTime", seen -> seen.config("muster.requests", "message.timestamp.type", "CreateTime")),
                fault(KafkaCheck.COPIES, State.FAILED, "muster.fleets has 1 copy, min.insync.replicas=2", seen -> seen.topic("muster.fleets", topic -> new TopicSeen(32, 1, Set.of(), topic.config()))),
                fault(KafkaCheck.COPIES, State.WARNING, "muster.fleets has 3 copies, min.insync.replicas=1", seen -> seen.config("muster.fleets", "min.insync.replicas", "1")),
                fault(KafkaCheck.COPIES, State.WARNING, "there is one broker: what it loses is lost", seen -> seen.brokers = 1),
                fault(KafkaCheck.RIGHTS, State.FAILED, "missing: queue-watcher (User:muster-queue-watcher): WRITE on topic muster.demand",
                        seen -> seen.acls.removeIf(acl -> acl.pattern().name().equals("muster.demand") && acl.entry().principal().equals("User:muster-queue-watcher"))),
                fault(KafkaCheck.RIGHTS, State.FAILED, "planner (User:muster-planner): READ on topic muster.requests",
                        seen -> seen.acls.add(denied("User:muster-planner", "muster.requests"))),
                fault(KafkaCheck.RIGHTS, State.FAILED, "missing: gcp-provisioner: WRITE on topic muster.consoles",
                        seen -> seen.missing.put("gcp-provisioner", List.of(new Right(ResourceType.TOPIC, PatternType.LITERAL, "muster.consoles", AclOperation.WRITE)))),
                fault(KafkaCheck.HOLES, State.FAILED, "User:muster-aws-provisioner may write muster.commands.aws",
                        seen -> seen.allow("User:muster-aws-provisioner", PatternType.LITERAL, "muster.commands.aws", AclOperation.WRITE)),
                fault(KafkaCheck.HOLES, State.FAILED, "User:bob may write muster.commands.aws, muster.commands.clearml, muster.commands.gcp, muster.commands.k8s",
                        seen -> seen.allow("User:bob", PatternType.PREFIXED, "muster.commands.", AclOperation.ALL)),
                fault(KafkaCheck.HOLES, State.FAILED, "Kafka has no authorizer: whoever it lets in may write commands", seen -> {
                    seen.authorizer = false;
                    seen.acls = List.of();
                }),
                fault(KafkaCheck.GROUPS, State.WARNING, "planner has 1001 records to read yet", seen -> seen.lags.put("muster.planner", 1001L)),
                fault(KafkaCheck.GROUPS, State.WARNING, "there is no group muster.aws-provisioner, and aws-provisioner says that it runs", seen -> seen.lags.remove("muster.aws-provisioner")),
                fault(KafkaCheck.AUTO_CREATE, State.WARNING, "can't be looked at: no", seen -> seen.refused.put(KafkaCheck.AUTO_CREATE, "no")));
    }

    private static AclBinding denied(String principal, String topic) {
        var allowed = new Right(ResourceType.TOPIC, PatternType.LITERAL, topic, AclOperation.READ).to(principal);
        return new AclBinding(allowed.pattern(), new org.apache.kafka.common.acl.AccessControlEntry(principal, "*", AclOperation.READ,
                org.apache.kafka.common.acl.AclPermissionType.DENY));
    }

    @ParameterizedTest(name = "{0} {1}: {2}")
    @MethodSource("faults")
    void eachFaultIsExactlyItsChecks(KafkaCheck check, State state, String said, Seen seen) {
        var findings = seen.judged();

        assertThat(findings).extracting(Finding::check).containsExactly(KafkaCheck.values());
        assertThat(findings.stream().filter(finding -> finding.state() != State.OK).toList()).singleElement().satisfies(finding -> {
            assertThat(finding.check()).isEqualTo(check);
            assertThat(finding.state()).isEqualTo(state);
            assertThat(finding.seen()).contains(said);
            assertThat(finding.fix()).isNotEmpty();
        });
    }

    @Test
    void everyCheckThatLooksHasItsFault() {
        var failing = EnumSet.noneOf(KafkaCheck.class);
        faults().forEach(fault -> failing.add((KafkaCheck) fault.get()[0]));
        // Whether a broker answers shows before anything can be judged.
        failing.add(KafkaCheck.BROKERS);
        assertThat(failing).containsExactly(KafkaCheck.values());
    }

    @Test
    void nothingIsWrongWithAKafkaThatIsAsThePageSays() {
        assertThat(new Seen().judged()).allSatisfy(finding -> assertThat(finding.state()).as(finding.toString()).isEqualTo(State.OK));
    }

    @Test
    void nothingIsWrongWithALaptopsOwn() {
        var seen = new Seen().with(laptop -> {
            laptop.near = true;
            laptop.encrypted = false;
            laptop.known = false;
            laptop.brokers = 1;
            laptop.authorizer = false;
            laptop.acls = List.of();
            laptop.topics.replaceAll((name, topic) -> new TopicSeen(topic.partitions(), 1, Set.of(), topic.config()));
        });
        assertThat(seen.judged()).allSatisfy(finding -> assertThat(finding.state()).as(finding.toString()).isEqualTo(State.OK));
    }

    @Test
    void longerKeptIsFineAndAnotherOrderOfPoliciesToo() {
        assertThat(new Seen().with(seen -> {
            seen.config("muster.history", "retention.ms", "-1");
            seen.config("muster.demand", "retention.ms", "99999999999");
            seen.config("muster.consoles", "cleanup.policy", "delete,compact");
        }).judged()).allSatisfy(finding -> assertThat(finding.state()).isEqualTo(State.OK));
    }

    @Test
    void aServiceMayHaveAnotherName() {
        var seen = new Seen().with(changed -> changed.acls = new ArrayList<>(changed.acls.stream().map(acl -> acl.entry().principal().equals("User:muster-planner")
                ? new Right(acl.pattern().resourceType(), acl.pattern().patternType(), acl.pattern().name(), acl.entry().operation()).to("User:CN=planner") : acl).toList()));

        assertThat(KafkaDoctor.judge(seen.seen(), TOPICS, Map.of("planner", "User:CN=planner"))).allSatisfy(finding -> assertThat(finding.state()).isEqualTo(State.OK));
        assertThat(seen.judged()).filteredOn(finding -> finding.state() == State.FAILED).extracting(Finding::check).containsExactly(KafkaCheck.RIGHTS, KafkaCheck.HOLES);
    }

    @Test
    void whereKafkaLetsNobodyInTheRestIsSkipped() {
        var kafka = KafkaConnection.plaintext("kafka:9093");
        assertThat(Map.of(
                KafkaCheck.BROKERS, new TimeoutException("timed out"),
                KafkaCheck.TLS, new SslAuthenticationException("no path"),
                KafkaCheck.LOGIN, new SaslAuthenticationException("wrong"))).allSatisfy((check, failure) -> {
                    var findings = KafkaDoctorCommand.refused(kafka, new KafkaException(failure));
                    assertThat(findings.get(0).check()).isEqualTo(check);
                    assertThat(findings.get(0).state()).isEqualTo(State.FAILED);
                    assertThat(findings.get(0).fix()).isNotEmpty();
                    assertThat(findings.subList(1, findings.size())).allSatisfy(finding -> assertThat(finding.state()).isEqualTo(State.SKIPPED));
                    assertThat(findings.get(findings.size() - 1).check()).isEqualTo(KafkaCheck.GROUPS);
                });
    }

    /** {@code mvn -pl cli -am test -Dtest=KafkaDoctorTest -Dsurefire.failIfNoSpecifiedTests=false -Ddocs.write=true} writes the page. */
    @Test
    void itsPageShowsTheChecksAndAnAnswer() throws Exception {
        var page = Path.of("..", "docs", "kafka-doctor.md");
        var text = Files.readString(page);
        var checks = Arrays.stream(KafkaCheck.values()).map(check -> "| `" + check + "` | " + check.asks() + " | " + check.needs() + " |\n").collect(Collectors.joining());
        var wanted = replaced(replaced(text, "(?<=\\| --- \\| --- \\| --- \\|\n)(\\|.*\n)*", checks), "(?<=```\n)Kafka, kafka-1[^`]*(?=```)", shown());
        if (Boolean.getBoolean("docs.write")) {
            Files.writeString(page, wanted);
        }
        assertThat(Files.readString(page)).isEqualTo(wanted);
    }

    private static String replaced(String text, String pattern, String by) {
        var matcher = Pattern.compile(pattern).matcher(text);
        assertThat(matcher.find()).as("the page has a place for it").isTrue();
        return text.substring(0, matcher.start()) + by + text.substring(matcher.end());
    }

    private static String shown() throws IOException {
        var findings = new Seen().with(seen -> {
            seen.abortInterval = Optional.of(Duration.ofSeconds(10));
            seen.topics.remove("muster.fleet-versions");
            seen.allow("User:bob", PatternType.LITERAL, "muster.commands.aws", AclOperation.WRITE);
        }).judged();
        var out = new ByteArrayOutputStream();
        KafkaDoctorCommand.show("kafka-1:9093", findings, new Output(new PrintStream(out, true, StandardCharsets.UTF_8), false, false));
        return out.toString(StandardCharsets.UTF_8);
    }
}
