package dev.muster.cli;

import dev.muster.cli.KafkaSeen.TopicSeen;
import dev.muster.contracts.KafkaConnection;
import dev.muster.contracts.KafkaRights;
import dev.muster.contracts.KafkaRights.Right;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.TopicSpan;
import dev.muster.contracts.Topics;
import dev.muster.v1.ServiceReported;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.SecurityDisabledException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Looks at a Kafka with Kafka's own questions. It writes nothing, and changes nothing. */
final class KafkaLook {

    private static final int PATIENCE_MS = 10_000;
    /** A service that has not reported for so long is no longer one. */
    private static final Duration REPORTS_FOR = Duration.ofMinutes(10);
    private static final Duration TRANSACTION_WITHIN = Duration.ofSeconds(10);

    private final KafkaConnection kafka;
    private final Topics topics;
    private final Map<String, KafkaConnection> others;
    private final Map<KafkaCheck, String> refused = new EnumMap<>(KafkaCheck.class);

    /** @param others as whom services connect, by service */
    KafkaLook(KafkaConnection kafka, Topics topics, Map<String, KafkaConnection> others) {
        this.kafka = kafka;
        this.topics = topics;
        this.others = others;
    }

    /** @throws KafkaException if Kafka doesn't let us in, or doesn't answer */
    KafkaSeen look() throws InterruptedException {
        try (var admin = Admin.create(limited(kafka))) {
            var asked = System.nanoTime();
            var nodes = get(admin.describeCluster().nodes());
            var answered = Duration.ofNanos(System.nanoTime() - asked);
            var features = get(admin.describeFeatures().featureMetadata());
            var metadata = Optional.ofNullable(features.finalizedFeatures().get("metadata.version")).map(levels -> (int) levels.maxVersionLevel());
            var broker = orRefused(() -> configs(admin, List.of(new ConfigResource(ConfigResource.Type.BROKER, nodes.iterator().next().idString()))).values().iterator().next(),
                    KafkaCheck.AUTO_CREATE, KafkaCheck.ABORT_INTERVAL);
            var seen = topics(admin);
            var reports = orRefused(() -> reports(seen), KafkaCheck.CLOCK).orElse(Map.of());
            var ahead = orRefused(() -> ahead(admin, seen), KafkaCheck.CLOCK).orElse(Duration.ZERO);
            var transactions = orRefused(this::transactions, KafkaCheck.TRANSACTIONS).orElse("");
            var missing = missing();
            var authorizer = new boolean[] {true};
            var acls = orRefused(() -> acls(admin, authorizer), KafkaCheck.HOLES);
            if (acls.isEmpty() && authorizer[0] && missing.isEmpty()) {
                refused.put(KafkaCheck.RIGHTS, refused.get(KafkaCheck.HOLES));
            }
            var lags = orRefused(() -> lags(admin), KafkaCheck.GROUPS).orElse(Map.of());
            return new KafkaSeen(kafka.bootstrapServers(), kafka.as(), isNear(nodes.stream().map(node -> node.host()).toList()),
                    kafka.security().getOrDefault("security.protocol", "PLAINTEXT").endsWith("SSL"), !kafka.as().isEmpty(), nodes.size(), answered, metadata, ahead, reports,
                    broker.map(config -> Boolean.parseBoolean(config.get("auto.create.topics.enable"))),
                    broker.map(config -> config.get("transaction.abort.timed.out.transaction.cleanup.interval.ms")).map(Long::parseLong).map(Duration::ofMillis),
                    transactions, seen, acls, authorizer[0], missing, lags, refused);
        }
    }

    private static Map<String, Object> limited(KafkaConnection kafka) {
        var settings = KafkaSettings.client(kafka);
        settings.put("default.api.timeout.ms", PATIENCE_MS);
        settings.put("request.timeout.ms", PATIENCE_MS / 2);
        return settings;
    }

    private static boolean isNear(List<String> hosts) {
        return hosts.stream().allMatch(host -> host.equals("localhost") || host.startsWith("127.") || host.equals("::1"));
    }

    private interface Looking<T> {
        T look() throws InterruptedException;
    }

    /** What we may not see is said where it belongs, and the rest is looked at all the same. */
    private <T> Optional<T> orRefused(Looking<T> looking, KafkaCheck... checks) throws InterruptedException {
        try {
            return Optional.of(looking.look());
        } catch (AuthorizationException notAllowed) {
            for (var check : checks) {
                refused.put(check, notAllowed.getMessage());
            }
            return Optional.empty();
        }
    }

    private static <T> T get(KafkaFuture<T> future) throws InterruptedException {
        try {
            return future.get();
        } catch (ExecutionException failed) {
            throw failed.getCause() instanceof KafkaException known ? known : new KafkaException(failed.getCause());
        }
    }

    private static Map<ConfigResource, Map<String, String>> configs(Admin admin, Collection<ConfigResource> resources) throws InterruptedException {
        var configs = new HashMap<ConfigResource, Map<String, String>>();
        get(admin.describeConfigs(resources).all()).forEach((resource, config) -> configs.put(resource,
                config.entries().stream().filter(entry -> entry.value() != null).collect(Collectors.toMap(ConfigEntry::name, ConfigEntry::value))));
        return configs;
    }

    private Map<String, TopicSeen> topics(Admin admin) throws InterruptedException {
        var described = new TreeMap<String, TopicDescription>();
        var unseen = new LinkedHashSet<String>();
        for (var topic : admin.describeTopics(topics.all().stream().map(Topics.Definition::name).toList()).topicNameValues().entrySet()) {
            try {
                described.put(topic.getKey(), get(topic.getValue()));
            } catch (UnknownTopicOrPartitionException absent) {
                // It is missing in what is returned.
            } catch (AuthorizationException notAllowed) {
                unseen.add(topic.getKey());
            }
        }
        if (!unseen.isEmpty()) {
            refused.put(KafkaCheck.TOPICS, "we may not see " + String.join(", ", unseen));
        }
        var configs = orRefused(() -> configs(admin, described.keySet().stream().map(name -> new ConfigResource(ConfigResource.Type.TOPIC, name)).toList()),
                KafkaCheck.CLEANUP, KafkaCheck.RETENTION, KafkaCheck.TIMESTAMPS, KafkaCheck.COPIES);
        var seen = new TreeMap<String, TopicSeen>();
        described.forEach((name, topic) -> seen.put(name, new TopicSeen(topic.partitions().size(),
                topic.partitions().stream().mapToInt(partition -> partition.replicas().size()).min().orElse(0),
                topic.partitions().stream().filter(partition -> partition.leader() == null || partition.leader().isEmpty()).map(partition -> partition.partition()).collect(Collectors.toSet()),
                configs.map(all -> all.get(new ConfigResource(ConfigResource.Type.TOPIC, name))))));
        return seen;
    }

    /** What services say of their clock and Kafka's. */
    private Map<String, Duration> reports(Map<String, TopicSeen> seen) {
        var skews = new TreeMap<String, Duration>();
        if (!seen.containsKey(topics.services())) {
            return skews;
        }
        var since = Instant.now().minus(REPORTS_FOR);
        try (var span = new TopicSpan(consumer())) {
            span.read(span.partitions(topics.services()), record -> {
                if (record.value() == null) {
                    skews.remove(new String(record.key(), java.nio.charset.StandardCharsets.UTF_8));
                    return;
                }
                try {
                    var report = ServiceReported.parseFrom(record.value());
                    if (Instant.ofEpochSecond(report.getAt().getSeconds()).isAfter(since)) {
                        skews.put(report.getService() + "/" + report.getInstance(), Times.duration(report.getSkew()));
                    }
                } catch (com.google.protobuf.InvalidProtocolBufferException unreadable) {
                    // Another's record; readers put it aside.
                }
            });
        }
        return skews;
    }

    private Map<String, Object> consumer() {
        var consumer = KafkaSettings.consumer(kafka);
        consumer.put("default.api.timeout.ms", PATIENCE_MS);
        return consumer;
    }

    /** A record whose time, which is the broker's, is still to come. */
    private Duration ahead(Admin admin, Map<String, TopicSeen> seen) throws InterruptedException {
        var newest = new HashMap<TopicPartition, OffsetSpec>();
        topics.inputs().stream().filter(seen::containsKey).forEach(topic -> {
            for (var partition = 0; partition < seen.get(topic).partitions(); partition++) {
                newest.put(new TopicPartition(topic, partition), OffsetSpec.maxTimestamp());
            }
        });
        if (newest.isEmpty()) {
            return Duration.ZERO;
        }
        var last = get(admin.listOffsets(newest).all()).values().stream().mapToLong(offset -> offset.timestamp()).max().orElse(-1);
        var ahead = last - System.currentTimeMillis();
        return ahead > 0 ? Duration.ofMillis(ahead) : Duration.ZERO;
    }

    private String transactions() {
        var settings = KafkaSettings.producer(kafka);
        settings.put("transactional.id", topics.prefix() + "doctor");
        settings.put("max.block.ms", TRANSACTION_WITHIN.toMillis());
        settings.put("request.timeout.ms", (int) TRANSACTION_WITHIN.toMillis() / 2);
        settings.put("delivery.timeout.ms", (int) TRANSACTION_WITHIN.toMillis());
        try (var producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            producer.initTransactions();
            producer.beginTransaction();
            producer.abortTransaction();
            return "";
        } catch (AuthorizationException notAllowed) {
            throw notAllowed;
        } catch (KafkaException impossible) {
            return impossible.getMessage();
        }
    }

    private Map<String, Collection<Right>> missing() throws InterruptedException {
        var missing = new TreeMap<String, Collection<Right>>();
        for (var other : others.entrySet()) {
            try (var admin = Admin.create(limited(other.getValue()))) {
                missing.put(other.getKey(), KafkaRights.missing(admin, topics, other.getKey()));
            } catch (KafkaException notLetIn) {
                throw new KafkaException(other.getKey() + ": " + other.getValue().problem(notLetIn), notLetIn);
            }
        }
        return missing;
    }

    private static Collection<AclBinding> acls(Admin admin, boolean[] authorizer) throws InterruptedException {
        try {
            return get(admin.describeAcls(AclBindingFilter.ANY).values());
        } catch (SecurityDisabledException none) {
            authorizer[0] = false;
            return List.of();
        }
    }

    private Map<String, Long> lags(Admin admin) throws InterruptedException {
        var groups = KafkaRights.SERVICES.stream().map(service -> topics.prefix() + service).toList();
        var lags = new TreeMap<String, Long>();
        for (var group : get(admin.listGroups().all())) {
            if (groups.contains(group.groupId())) {
                var read = get(admin.listConsumerGroupOffsets(group.groupId()).partitionsToOffsetAndMetadata());
                var ends = get(admin.listOffsets(read.keySet().stream().collect(Collectors.toMap(partition -> partition, partition -> OffsetSpec.latest()))).all());
                lags.put(group.groupId(), read.entrySet().stream().filter(one -> one.getValue() != null)
                        .mapToLong(one -> Math.max(0, ends.get(one.getKey()).offset() - one.getValue().offset())).sum());
            }
        }
        return lags;
    }
}
