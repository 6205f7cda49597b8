package dev.muster.cli;

import dev.muster.cli.KafkaSeen.TopicSeen;
import dev.muster.contracts.KafkaRights;
import dev.muster.contracts.KafkaRights.Right;
import dev.muster.contracts.Topics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourceType;

/** Judges what Kafka showed of itself: what of it would cost a task, a machine or money. Asks nobody. */
final class KafkaDoctor {

    /** As services do, by their readiness. */
    private static final Duration MOST_SKEW = Duration.ofSeconds(5);
    /** As Kafka numbers 3.8. */
    private static final int OLDEST_METADATA = 20;
    private static final Duration ABORTS_WITHIN = Duration.ofSeconds(1);
    private static final long MOST_LAG = 1_000;
    private static final String PAGE = "docs/kafka.md";

    enum State { OK, WARNING, FAILED, SKIPPED }

    /** What came of one check. @param fix what a person does about it; empty where nothing is to be done */
    record Finding(KafkaCheck check, State state, String seen, String fix) {}

    private final KafkaSeen seen;
    private final Topics topics;
    private final Map<String, String> principals;
    private final List<Finding> findings = new ArrayList<>();

    /** @param principals of services that are called otherwise than is usual, by service */
    private KafkaDoctor(KafkaSeen seen, Topics topics, Map<String, String> principals) {
        this.seen = seen;
        this.topics = topics;
        this.principals = principals;
    }

    /** Whatever can't be told because Kafka doesn't let us in is skipped. */
    static List<Finding> refused(KafkaCheck failed, String problem, String fix) {
        var findings = new ArrayList<Finding>();
        for (var check : KafkaCheck.values()) {
            if (check == failed) {
                findings.add(new Finding(check, State.FAILED, problem, fix));
            } else if (check.compareTo(failed) > 0) {
                findings.add(new Finding(check, State.SKIPPED, "can't be told before " + failed + " is in order", ""));
            }
        }
        return findings;
    }

    /** One finding a check, in their order. */
    static List<Finding> judge(KafkaSeen seen, Topics topics, Map<String, String> principals) {
        return new KafkaDoctor(seen, topics, principals).judge();
    }

    private List<Finding> judge() {
        for (var check : KafkaCheck.values()) {
            if (seen.refused().containsKey(check)) {
                findings.add(new Finding(check, State.WARNING, "can't be looked at: " + seen.refused().get(check), "allow " + check.needs() + " to " + seen.as()));
                continue;
            }
            switch (check) {
                case BROKERS -> ok(check, seen.brokers() + (seen.brokers() == 1 ? " broker" : " brokers") + ", answers in " + seen.answered().toMillis() + " ms");
                case TLS -> tls();
                case LOGIN -> login();
                case VERSION -> version();
                case CLOCK -> clock();
                case AUTO_CREATE -> autoCreate();
                case ABORT_INTERVAL -> abortInterval();
                case TRANSACTIONS -> transactions();
                case TOPICS -> exist();
                case PARTITIONS -> partitions();
                case CLEANUP -> configured(check, "cleanup.policy", "delete", KafkaDoctor::sameWords);
                case RETENTION -> configured(check, "retention.ms", "604800000", KafkaDoctor::isLongEnough);
                case TIMESTAMPS -> configured(check, "message.timestamp.type", "CreateTime", String::equals);
                case COPIES -> copies();
                case RIGHTS -> rights();
                case HOLES -> holes();
                case GROUPS -> groups();
            }
        }
        return findings;
    }

    private void ok(KafkaCheck check, String what) {
        findings.add(new Finding(check, State.OK, what, ""));
    }

    private void wrong(KafkaCheck check, State state, String what, String fix) {
        findings.add(new Finding(check, state, what, fix));
    }

    private void tls() {
        if (seen.encrypted()) {
            ok(KafkaCheck.TLS, "connections are encrypted, and the certificate is vouched for");
        } else if (seen.near()) {
            ok(KafkaCheck.TLS, "nothing is encrypted, and Kafka is on this computer");
        } else {
            wrong(KafkaCheck.TLS, State.WARNING, "nothing is encrypted: whoever is on the way can read and change what Muster says",
                    "give Kafka a listener with TLS, and set muster.kafka.security.protocol to SASL_SSL or SSL");
        }
    }

    private void login() {
        if (seen.known()) {
            ok(KafkaCheck.LOGIN, "Kafka takes " + seen.as());
        } else if (seen.near()) {
            ok(KafkaCheck.LOGIN, "Kafka asks nobody who they are, and is on this computer");
        } else {
            wrong(KafkaCheck.LOGIN, State.FAILED, "Kafka asks nobody who they are: whoever reaches it can start machines past every budget",
                    "give it a listener that asks, as " + PAGE + " says, and set muster.kafka.security.*");
        }
    }

    private void version() {
        if (seen.metadata().isEmpty()) {
            wrong(KafkaCheck.VERSION, State.WARNING, "the brokers don't say what they are", "use Kafka 3.8 or newer, without ZooKeeper");
        } else if (seen.metadata().get() < OLDEST_METADATA) {
            wrong(KafkaCheck.VERSION, State.FAILED, "the form of its metadata is number " + seen.metadata().get() + ", of a release before 3.8", "upgrade Kafka to 3.8 or newer");
        } else {
            ok(KafkaCheck.VERSION, "the form of its metadata is number " + seen.metadata().get());
        }
    }

    private void clock() {
        var off = new TreeMap<String, Duration>();
        seen.skews().forEach((service, skew) -> {
            if (skew.abs().compareTo(MOST_SKEW) > 0) {
                off.put(service, skew.abs());
            }
        });
        if (seen.ahead().compareTo(MOST_SKEW) > 0) {
            off.put("this computer", seen.ahead());
        }
        if (!off.isEmpty()) {
            wrong(KafkaCheck.CLOCK, State.FAILED, "Kafka's clock differs from that of " + off.entrySet().stream().map(one -> one.getKey() + " by " + one.getValue().toMillis() + " ms")
                    .collect(Collectors.joining(", ")), "synchronize the clocks of Kafka's brokers and of the services");
        } else {
            ok(KafkaCheck.CLOCK, seen.skews().isEmpty() ? "no record is from the future" : "no record is from the future, and the services' clocks are Kafka's");
        }
    }

    private void autoCreate() {
        if (seen.autoCreate().orElse(true)) {
            wrong(KafkaCheck.AUTO_CREATE, State.FAILED, "Kafka makes a topic whenever somebody asks for one", "set auto.create.topics.enable=false on the brokers");
        } else {
            ok(KafkaCheck.AUTO_CREATE, "no topic is made by asking for it");
        }
    }

    private void abortInterval() {
        var interval = seen.abortInterval().orElse(Duration.ofSeconds(10));
        if (interval.compareTo(ABORTS_WITHIN) > 0) {
            wrong(KafkaCheck.ABORT_INTERVAL, State.WARNING, "Kafka looks for dead transactions every " + interval.toMillis() + " ms: so much longer a planner's take-over takes",
                    "set transaction.abort.timed.out.transaction.cleanup.interval.ms=1000 on the brokers");
        } else {
            ok(KafkaCheck.ABORT_INTERVAL, "Kafka looks for dead transactions every " + interval.toMillis() + " ms");
        }
    }

    private void transactions() {
        if (seen.transactions().isEmpty()) {
            ok(KafkaCheck.TRANSACTIONS, "one was begun and given up");
        } else {
            wrong(KafkaCheck.TRANSACTIONS, State.FAILED, "none can be begun: " + seen.transactions(),
                    "look at the topic __transaction_state: transaction.state.log.replication.factor may be more than there are brokers");
        }
    }

    private void exist() {
        var missing = topics.all().stream().map(Topics.Definition::name).filter(name -> !seen.topics().containsKey(name)).sorted().toList();
        if (missing.isEmpty()) {
            ok(KafkaCheck.TOPICS, "all " + topics.all().size() + " are there");
        } else {
            wrong(KafkaCheck.TOPICS, State.FAILED, "missing: " + String.join(", ", missing), "make them with deploy/kafka/create-topics.sh, from deploy/topics.txt");
        }
    }

    private void partitions() {
        var problems = new ArrayList<String>();
        for (var input : topics.inputs()) {
            var topic = seen.topics().get(input);
            if (topic != null && topic.partitions() != topics.inputPartitions()) {
                problems.add(input + " has " + topic.partitions() + " partitions and must have " + topics.inputPartitions());
            }
        }
        ours((name, topic) -> {
            if (!topic.leaderless().isEmpty()) {
                problems.add(name + " has no leader of " + new TreeSet<>(topic.leaderless()));
            }
        });
        if (problems.isEmpty()) {
            ok(KafkaCheck.PARTITIONS, topics.inputPartitions() + " of each input, each with a leader");
        } else {
            wrong(KafkaCheck.PARTITIONS, State.FAILED, String.join("; ", problems),
                    "the number is fixed for an installation's life: set muster.topics.input-partitions to it, or make the topics anew; for leaders, start the brokers");
        }
    }

    private void ours(java.util.function.BiConsumer<String, TopicSeen> each) {
        topics.all().stream().map(Topics.Definition::name).filter(seen.topics()::containsKey).forEach(name -> each.accept(name, seen.topics().get(name)));
    }

    private interface Enough {
        boolean test(String actual, String wanted);
    }

    /** @param usual what the topic has to have where its definition says nothing */
    private void configured(KafkaCheck check, String setting, String usual, Enough enough) {
        var problems = new ArrayList<String>();
        var fixes = new ArrayList<String>();
        for (var topic : topics.all()) {
            var actual = java.util.Optional.ofNullable(seen.topics().get(topic.name())).flatMap(TopicSeen::config).map(config -> config.get(setting)).orElse(null);
            var wanted = topic.config().getOrDefault(setting, usual);
            // What a topic doesn't need is its own business: a compacted one keeps what it keeps.
            if (actual != null && (topic.config().containsKey(setting) || !setting.equals("retention.ms")) && !enough.test(actual, wanted)) {
                problems.add(topic.name() + " has " + setting + "=" + actual);
                fixes.add(topic.name() + " " + setting + "=" + wanted);
            }
        }
        if (problems.isEmpty()) {
            ok(check, "as it must be");
        } else {
            wrong(check, State.FAILED, String.join("; ", problems), "kafka-configs.sh --alter --entity-type topics --entity-name … --add-config …: " + String.join(", ", fixes));
        }
    }

    private static boolean sameWords(String actual, String wanted) {
        return new TreeSet<>(List.of(actual.split(","))).equals(new TreeSet<>(List.of(wanted.split(","))));
    }

    private static boolean isLongEnough(String actual, String wanted) {
        var millis = Long.parseLong(actual);
        return millis == -1 || millis >= Long.parseLong(wanted);
    }

    private void copies() {
        if (seen.brokers() == 1) {
            wrong(KafkaCheck.COPIES, seen.near() ? State.OK : State.WARNING, "there is one broker" + (seen.near() ? ", on this computer" : ": what it loses is lost"),
                    seen.near() ? "" : "three brokers, with topics as deploy/kafka/create-topics.sh makes them");
            return;
        }
        var problems = new ArrayList<String>();
        var state = new State[] {State.WARNING};
        ours((name, topic) -> {
            var least = topic.config().map(config -> Integer.parseInt(config.getOrDefault("min.insync.replicas", "1"))).orElse(2);
            if (topic.copies() < 3 || least < 2) {
                problems.add(name + " has " + topic.copies() + (topic.copies() == 1 ? " copy" : " copies") + ", min.insync.replicas=" + least);
                if (topic.copies() == 1) {
                    state[0] = State.FAILED;
                }
            }
        });
        if (problems.isEmpty()) {
            ok(KafkaCheck.COPIES, "three or more of every record, two before it counts");
        } else {
            wrong(KafkaCheck.COPIES, state[0], String.join("; ", problems), "three copies (kafka-reassign-partitions.sh) and min.insync.replicas=2: else a broker that fails takes records with it");
        }
    }

    private String principal(String service) {
        return principals.getOrDefault(service, KafkaRights.principal(service));
    }

    /** A provisioner that nobody gave a right and that says nothing of itself has no cloud here. */
    private boolean runs(String service) {
        return service.equals(KafkaRights.PLANNER) || service.equals(KafkaRights.QUEUE_WATCHER) || principals.containsKey(service)
                || seen.skews().keySet().stream().anyMatch(instance -> instance.startsWith(service + "/"))
                || seen.acls().stream().flatMap(Collection::stream).anyMatch(acl -> acl.entry().principal().equals(principal(service)));
    }

    private void rights() {
        var missing = new ArrayList<String>();
        seen.missing().forEach((service, rights) -> {
            if (!rights.isEmpty()) {
                missing.add(service + ": " + rights.stream().map(Right::toString).collect(Collectors.joining(", ")));
            }
        });
        if (!seen.authorizer()) {
            ok(KafkaCheck.RIGHTS, "everybody may do everything");
            return;
        }
        if (seen.acls().isPresent()) {
            Stream.of(KafkaRights.PLANNER, KafkaRights.QUEUE_WATCHER, "aws-provisioner", "gcp-provisioner", "k8s-provisioner")
                    .filter(service -> !seen.missing().containsKey(service)).filter(this::runs).forEach(service -> {
                        var lacks = KafkaRights.of(topics, service).stream().filter(right -> !may(principal(service), right)).map(Right::toString).toList();
                        if (!lacks.isEmpty()) {
                            missing.add(service + " (" + principal(service) + "): " + String.join(", ", lacks));
                        }
                    });
        }
        if (missing.isEmpty()) {
            ok(KafkaCheck.RIGHTS, "each service may do all that it must");
        } else {
            wrong(KafkaCheck.RIGHTS, State.FAILED, "missing: " + String.join("; ", missing), "deploy/kafka/allow.sh allows them; --principal tells the doctor who a service is");
        }
    }

    private boolean may(String principal, Right right) {
        var acls = seen.acls().orElseThrow();
        return acls.stream().noneMatch(acl -> acl.entry().permissionType() == AclPermissionType.DENY && concerns(acl, principal, right, false))
                && acls.stream().anyMatch(acl -> acl.entry().permissionType() == AclPermissionType.ALLOW && concerns(acl, principal, right, true));
    }

    /** @param whole of a right on all that begin alike: the rule is on all of those, and not on some of them only */
    private static boolean concerns(AclBinding acl, String principal, Right right, boolean whole) {
        var pattern = acl.pattern();
        var names = pattern.patternType() == PatternType.LITERAL && pattern.name().equals("*")
                || pattern.patternType() == PatternType.PREFIXED && right.name().startsWith(pattern.name())
                || pattern.patternType() == right.pattern() && pattern.name().equals(right.name());
        return pattern.resourceType() == right.type() && names && (acl.entry().principal().equals(principal) || acl.entry().principal().equals("User:*"))
                && (acl.entry().operation() == right.operation() || acl.entry().operation() == AclOperation.ALL) && (whole || right.pattern() == PatternType.LITERAL);
    }

    private void holes() {
        if (!seen.authorizer()) {
            wrong(KafkaCheck.HOLES, seen.near() ? State.OK : State.FAILED, "Kafka has no authorizer: " + (seen.near() ? "whoever is on this computer" : "whoever it lets in")
                    + " may write commands", seen.near() ? "" : "set authorizer.class.name on the brokers, and allow each service what it needs: " + PAGE);
            return;
        }
        if (seen.acls().isEmpty()) {
            findings.add(new Finding(KafkaCheck.HOLES, State.SKIPPED, "can't be told without the rights of others", ""));
            return;
        }
        var holes = new TreeMap<String, TreeSet<String>>();
        for (var topic : topics.all()) {
            var write = new Right(ResourceType.TOPIC, PatternType.LITERAL, topic.name(), AclOperation.WRITE);
            var allowed = KafkaRights.SERVICES.stream().filter(service -> KafkaRights.of(topics, service).contains(write)).map(this::principal).collect(Collectors.toSet());
            seen.acls().get().stream().filter(acl -> acl.entry().permissionType() == AclPermissionType.ALLOW).map(acl -> acl.entry().principal()).distinct()
                    .filter(principal -> !allowed.contains(principal) && may(principal, write))
                    .forEach(principal -> holes.computeIfAbsent(principal, one -> new TreeSet<>()).add(topic.name()));
        }
        if (holes.isEmpty()) {
            ok(KafkaCheck.HOLES, "nobody may write what is another's to write");
        } else {
            wrong(KafkaCheck.HOLES, State.FAILED, holes.entrySet().stream().map(hole -> hole.getKey() + " may write " + String.join(", ", hole.getValue())).collect(Collectors.joining("; ")),
                    "take it away with kafka-acls.sh --remove: whoever writes commands starts machines past every budget; --principal tells the doctor who a service is");
        }
    }

    private void groups() {
        var problems = new ArrayList<String>();
        Stream.of(KafkaRights.PLANNER, KafkaRights.QUEUE_WATCHER, "aws-provisioner", "gcp-provisioner", "k8s-provisioner").forEach(service -> {
            var group = topics.prefix() + service;
            var lag = seen.lags().get(group);
            var reports = seen.skews().keySet().stream().anyMatch(instance -> instance.startsWith(service + "/"));
            if (lag == null && reports) {
                problems.add("there is no group " + group + ", and " + service + " says that it runs");
            } else if (lag != null && lag > MOST_LAG) {
                problems.add(service + " has " + lag + " records to read yet");
            }
        });
        if (problems.isEmpty()) {
            ok(KafkaCheck.GROUPS, seen.lags().isEmpty() ? "no service runs yet" : seen.lags().entrySet().stream().sorted(Map.Entry.comparingByKey())
                    .map(group -> group.getKey() + " is " + group.getValue() + " behind").collect(Collectors.joining(", ")));
        } else {
            wrong(KafkaCheck.GROUPS, State.WARNING, String.join("; ", problems), "look at the service's log and readiness: it is slow, or it has stopped");
        }
    }

    static String word(State state) {
        return state.name().toLowerCase(Locale.ROOT);
    }
}
