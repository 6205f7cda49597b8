package dev.muster.contracts;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.common.utils.Utils;

/**
 * The topics of one installation: names, keys, partition counts and how long they are kept.
 *
 * @param prefix before every name, such as {@code "muster."}; may be empty
 * @param inputPartitions of {@code requests}, {@code demand} and {@code machine-reports}; fixed for the installation's life,
 *     since a fleet's owner is the owner of the fleet's partition in all three
 */
public record Topics(String prefix, int inputPartitions) {

    public static final String DEFAULT_PREFIX = "muster.";
    public static final int DEFAULT_INPUT_PARTITIONS = 32;
    /** In the sandbox: enough to have more than one, few enough for a laptop. */
    public static final int SANDBOX_INPUT_PARTITIONS = 4;

    public Topics {
        if (!prefix.matches("[a-zA-Z0-9._-]*")) {
            throw new IllegalArgumentException("topic prefix '" + prefix + "' may hold only letters, digits, '.', '_' and '-'");
        }
        if (inputPartitions < 1) {
            throw new IllegalArgumentException("input partitions is " + inputPartitions + "; it must be at least 1");
        }
    }

    public String requests() {
        return prefix + "requests";
    }

    public String demand() {
        return prefix + "demand";
    }

    public String machineReports() {
        return prefix + "machine-reports";
    }

    public String fleets() {
        return prefix + "fleets";
    }

    public String machines() {
        return prefix + "machines";
    }

    /** Commands to one provider, such as {@code aws}. */
    public String commands(String provider) {
        return prefix + "commands." + provider;
    }

    public String clearmlCommands() {
        return commands("clearml");
    }

    public String decisions() {
        return prefix + "decisions";
    }

    public String history() {
        return prefix + "history";
    }

    public String deadLetters() {
        return prefix + "dead-letters";
    }

    public String services() {
        return prefix + "services";
    }

    public String consoles() {
        return prefix + "consoles";
    }

    /** Accepted versions of fleets, by fleet/version. */
    public String fleetVersions() {
        return prefix + "fleet-versions";
    }

    /** Levels of logs that are set for a while, by service/category. */
    public String logLevels() {
        return prefix + "log-levels";
    }

    public static String historyKey(String fleet, String series) {
        return fleet + "/" + series;
    }

    /** Key of {@code fleet-versions}. */
    public static String versionKey(String fleet, long version) {
        return fleet + "/" + Long.toUnsignedString(version);
    }

    /** Key of {@code machines} and of {@code consoles}. */
    public static String machineKey(String fleet, String machineId) {
        return fleet + "/" + machineId;
    }

    /** Key of {@code commands.<provider>}: what one cloud client lists and paces. */
    public static String scope(String provider, String account, String region) {
        return provider + "/" + account + "/" + region;
    }

    /** The planner's inputs; a fleet's records are in the same partition of each. */
    public List<String> inputs() {
        return List.of(requests(), demand(), machineReports());
    }

    /** Every topic, as it must be created: brokers don't create topics by themselves. */
    public List<Definition> all() {
        var days30 = Duration.ofDays(30);
        var fixed = Stream.of(
                appendTime(requests(), inputPartitions, days30),
                appendTime(demand(), inputPartitions, days30),
                appendTime(machineReports(), inputPartitions, days30),
                compacted(fleets(), inputPartitions),
                compacted(machines(), inputPartitions),
                compactedAndKept(consoles(), inputPartitions, Duration.ofDays(14)),
                kept(decisions(), inputPartitions, days30),
                kept(history(), inputPartitions, Duration.ofDays(396)),
                kept(deadLetters(), 1, Duration.ofDays(14)),
                compacted(services(), 1),
                compacted(fleetVersions(), inputPartitions),
                compactedAndKept(logLevels(), 1, Duration.ofDays(2)));
        var commands = Stream.of("aws", "gcp", "k8s", "clearml")
                .map(provider -> kept(commands(provider), inputPartitions, Duration.ofDays(3)));
        return Stream.concat(fixed, commands).toList();
    }

    private static Definition kept(String name, int partitions, Duration retention) {
        return new Definition(name, partitions,
                Map.of("cleanup.policy", "delete", "retention.ms", Long.toString(retention.toMillis())));
    }

    /** Ages of a planner input count from when the broker took the record: senders' clocks may be off. */
    private static Definition appendTime(String name, int partitions, Duration retention) {
        return new Definition(name, partitions, Map.of(
                "cleanup.policy", "delete",
                "retention.ms", Long.toString(retention.toMillis()),
                "message.timestamp.type", "LogAppendTime"));
    }

    private static Definition compacted(String name, int partitions) {
        return new Definition(name, partitions, Map.of("cleanup.policy", "compact"));
    }

    /** The newest of each key, for so long. */
    private static Definition compactedAndKept(String name, int partitions, Duration retention) {
        return new Definition(name, partitions,
                Map.of("cleanup.policy", "compact,delete", "retention.ms", Long.toString(retention.toMillis())));
    }

    /** One topic to create. */
    public record Definition(String name, int partitions, Map<String, String> config) {}

    /**
     * What is wrong with the topics of a broker, in one sentence each; empty if they will do.
     *
     * @param actual partition counts by topic name, of the topics that exist
     */
    public List<String> problems(Map<String, Integer> actual) {
        var missing = all().stream().map(Definition::name).filter(name -> !actual.containsKey(name)).sorted()
                .collect(Collectors.joining(", "));
        var wrong = inputs().stream()
                .filter(name -> actual.containsKey(name) && actual.get(name) != inputPartitions)
                .map(name -> "topic " + name + " has " + actual.get(name) + " partitions and must have " + inputPartitions
                        + "; the count is fixed for an installation's life: restore it, or set muster.topics.input-partitions to it");
        var absent = missing.isEmpty() ? Stream.<String>empty()
                : Stream.of("missing topics: " + missing + "; create them as deploy/topics.txt says");
        return Stream.concat(absent, wrong).toList();
    }

    /** The partition that a key's records are in; murmur2, as every Kafka client's default partitioner. @param partitions that the topic has */
    public static int partition(byte[] key, int partitions) {
        return Utils.toPositive(Utils.murmur2(key)) % partitions;
    }

    /** The partition of an input that a fleet's records are in. */
    public int inputPartition(String fleet) {
        return partition(fleet.getBytes(java.nio.charset.StandardCharsets.UTF_8), inputPartitions);
    }

    /** Numbers of an input's partitions. */
    public IntStream inputPartitionNumbers() {
        return IntStream.range(0, inputPartitions);
    }
}
