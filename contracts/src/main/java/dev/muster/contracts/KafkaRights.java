package dev.muster.contracts;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.DescribeClusterOptions;
import org.apache.kafka.clients.admin.DescribeConsumerGroupsOptions;
import org.apache.kafka.clients.admin.DescribeTopicsOptions;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.Resource;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/**
 * What each service may do at Kafka, and no more. The budget rests on it: whoever can write {@code commands.*} can start machines that nobody planned, and only
 * the planner may. docs/kafka.md, deploy/kafka/acls.sh, {@code muster doctor kafka} and the services' own look at their start are all made of this.
 */
public final class KafkaRights {

    public static final String PLANNER = "planner";
    /** Group of the planner's replicas that tell people. */
    public static final String NOTIFICATIONS = PLANNER + "-notifications";
    public static final String QUEUE_WATCHER = "queue-watcher";
    /** People with the command line: they read, and write nothing. */
    public static final String CLI = "cli";
    /** Those who have rights, as they call themselves. */
    public static final List<String> SERVICES = List.of(PLANNER, QUEUE_WATCHER, "aws-provisioner", "gcp-provisioner", "k8s-provisioner", CLI);

    private static final String PROVISIONER = "-provisioner";
    private static final List<String> COMMANDED = List.of("aws", "gcp", "k8s", "clearml");

    private KafkaRights() {}

    /**
     * One thing that may be done.
     *
     * @param name of the topic, the group or the transactional id; with a prefixed pattern how it begins
     */
    public record Right(ResourceType type, PatternType pattern, String name, AclOperation operation) {

        /** @param principal as Kafka writes it, such as {@code User:muster-planner} */
        public AclBinding to(String principal) {
            return new AclBinding(new ResourcePattern(type, name, pattern), new AccessControlEntry(principal, "*", operation, AclPermissionType.ALLOW));
        }

        /** For people, such as {@code WRITE on topic muster.demand}. */
        @Override
        public String toString() {
            var kind = type.name().toLowerCase(java.util.Locale.ROOT).replace('_', ' ');
            return operation + " on " + (type == ResourceType.CLUSTER ? "the cluster" : pattern == PatternType.PREFIXED ? "every " + kind + " " + name + "…" : kind + " " + name);
        }
    }

    /** Whom a service is, unless the installation calls it otherwise. */
    public static String principal(String service) {
        return "User:muster-" + service;
    }

    /** All that a service needs, and may have. */
    public static List<Right> of(Topics topics, String service) {
        return switch (service) {
            case PLANNER -> planner(topics);
            case QUEUE_WATCHER -> join(
                    topics(AclOperation.READ, topics.fleets(), topics.clearmlCommands(), topics.logLevels()),
                    topics(AclOperation.WRITE, topics.demand(), topics.services(), topics.deadLetters()),
                    group(topics, service));
            case CLI -> cli(topics);
            default -> provisioner(topics, service);
        };
    }

    private static List<Right> planner(Topics topics) {
        // Kafka Streams names the topics and the transactions of its own after the group.
        var own = topics.prefix() + PLANNER + "-";
        return join(
                topics(AclOperation.READ, topics.requests(), topics.demand(), topics.machineReports(), topics.fleets(), topics.machines(), topics.decisions(),
                        topics.history(), topics.fleetVersions(), topics.services(), topics.consoles(), topics.logLevels()),
                topics(AclOperation.WRITE, topics.requests(), topics.fleets(), topics.machines(), topics.decisions(), topics.history(), topics.fleetVersions(),
                        topics.services(), topics.logLevels(), topics.deadLetters()),
                COMMANDED.stream().flatMap(provider -> topics(AclOperation.WRITE, topics.commands(provider))),
                group(topics, PLANNER), group(topics, NOTIFICATIONS),
                Stream.of(AclOperation.CREATE, AclOperation.READ, AclOperation.WRITE).map(operation -> new Right(ResourceType.TOPIC, PatternType.PREFIXED, own, operation)),
                transactions(own));
    }

    private static List<Right> provisioner(Topics topics, String service) {
        if (!service.endsWith(PROVISIONER)) {
            throw new IllegalArgumentException("there is no service " + service + ": there are " + String.join(", ", SERVICES));
        }
        var provider = service.substring(0, service.length() - PROVISIONER.length());
        return join(
                topics(AclOperation.READ, topics.fleets(), topics.machines(), topics.commands(provider), topics.logLevels()),
                topics(AclOperation.WRITE, topics.machineReports(), topics.consoles(), topics.services(), topics.deadLetters()),
                group(topics, service),
                transactions(topics.prefix() + service + "/"));
    }

    /** What {@code replay-decisions} reads, and what {@code doctor kafka} looks at. */
    private static List<Right> cli(Topics topics) {
        return join(
                Stream.of(AclOperation.READ, AclOperation.DESCRIBE_CONFIGS).map(operation -> topics.prefix().isEmpty()
                        ? new Right(ResourceType.TOPIC, PatternType.LITERAL, "*", operation) : new Right(ResourceType.TOPIC, PatternType.PREFIXED, topics.prefix(), operation)),
                Stream.of(new Right(ResourceType.GROUP, PatternType.PREFIXED, topics.prefix().isEmpty() ? PLANNER : topics.prefix(), AclOperation.DESCRIBE)),
                Stream.of(new Right(ResourceType.TRANSACTIONAL_ID, PatternType.LITERAL, topics.prefix() + "doctor", AclOperation.WRITE)),
                Stream.of(AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS).map(operation -> new Right(ResourceType.CLUSTER, PatternType.LITERAL, Resource.CLUSTER_NAME, operation)));
    }

    private static Stream<Right> topics(AclOperation operation, String... names) {
        return Arrays.stream(names).map(name -> new Right(ResourceType.TOPIC, PatternType.LITERAL, name, operation));
    }

    private static Stream<Right> group(Topics topics, String service) {
        return Stream.of(new Right(ResourceType.GROUP, PatternType.LITERAL, topics.prefix() + service, AclOperation.READ));
    }

    private static Stream<Right> transactions(String prefix) {
        return Stream.of(new Right(ResourceType.TRANSACTIONAL_ID, PatternType.PREFIXED, prefix, AclOperation.WRITE));
    }

    @SafeVarargs
    private static List<Right> join(Stream<Right>... rights) {
        return Stream.of(rights).flatMap(one -> one).toList();
    }

    /**
     * Which of its rights whoever is connected lacks, as the broker tells everybody about themselves. Of what isn't there yet (a group, a transactional id, the
     * stream's own topics) the broker tells only whether one may know of it: what is missing beyond that shows when it is first used.
     *
     * @throws KafkaException if the broker can't be asked
     */
    public static List<Right> missing(Admin admin, Topics topics, String service) throws InterruptedException {
        var wanted = new LinkedHashMap<Right, KafkaFuture<Set<AclOperation>>>();
        of(topics, service).forEach(right -> wanted.put(right, allowed(admin, right)));
        var missing = new ArrayList<Right>();
        for (var one : wanted.entrySet()) {
            if (!isAllowed(one.getKey(), one.getValue())) {
                missing.add(one.getKey());
            }
        }
        return missing;
    }

    private static boolean isAllowed(Right right, KafkaFuture<Set<AclOperation>> asked) throws InterruptedException {
        try {
            var allowed = asked.get();
            // A broker that is too old to tell.
            return allowed == null || allowed.contains(right.operation);
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof AuthorizationException) {
                return false;
            } else if (failed.getCause() instanceof AuthenticationException refused) {
                throw refused;
            } else if (isAbsent(failed.getCause())) {
                return true;
            }
            throw failed.getCause() instanceof KafkaException broken ? broken : new KafkaException(failed.getCause());
        }
    }

    private static boolean isAbsent(Throwable failure) {
        return failure instanceof org.apache.kafka.common.errors.UnknownTopicOrPartitionException
                || failure instanceof org.apache.kafka.common.errors.GroupIdNotFoundException
                || failure instanceof org.apache.kafka.common.errors.TransactionalIdNotFoundException;
    }

    private static KafkaFuture<Set<AclOperation>> allowed(Admin admin, Right right) {
        var name = right.pattern == PatternType.PREFIXED ? right.name + "any" : right.name;
        return switch (right.type) {
            case TOPIC -> name.equals("*") ? KafkaFuture.completedFuture(null)
                    : admin.describeTopics(List.of(name), new DescribeTopicsOptions().includeAuthorizedOperations(true)).topicNameValues().get(name)
                            .thenApply(topic -> topic.authorizedOperations());
            case GROUP -> admin.describeConsumerGroups(List.of(name), new DescribeConsumerGroupsOptions().includeAuthorizedOperations(true)).describedGroups().get(name)
                    .thenApply(group -> group.authorizedOperations());
            // The broker doesn't tell operations of these: who may write may describe.
            case TRANSACTIONAL_ID -> admin.describeTransactions(List.of(name)).description(name).thenApply(transaction -> null);
            case CLUSTER -> admin.describeCluster(new DescribeClusterOptions().includeAuthorizedOperations(true)).authorizedOperations();
            default -> throw new IllegalStateException("no rights on " + right.type + " are told");
        };
    }

    /** Rights are missing; the message is a sentence that says which. */
    public static final class Missing extends AuthorizationException {
        private static final long serialVersionUID = 1;

        Missing(String sentence) {
            super(sentence);
        }
    }

    /** As {@link #missing}. @throws Missing if anything is */
    public static void require(Admin admin, Topics topics, String service, KafkaConnection kafka) throws InterruptedException {
        var missing = missing(admin, topics, service);
        if (!missing.isEmpty()) {
            throw new Missing("Kafka at " + kafka.bootstrapServers() + " doesn't allow " + (kafka.as().isEmpty() ? "us" : kafka.as()) + ": "
                    + String.join(", ", missing.stream().map(Right::toString).toList()) + "; docs/kafka.md has what " + service + " must be allowed");
        }
    }

    /** All rights of all, by service. */
    public static Map<String, List<Right>> all(Topics topics) {
        var all = new LinkedHashMap<String, List<Right>>();
        SERVICES.forEach(service -> all.put(service, of(topics, service)));
        return all;
    }
}
