package dev.muster.planner;

import dev.muster.contracts.KafkaConnection;
import dev.muster.contracts.SecretsFolder;
import dev.muster.contracts.Topics;
import dev.muster.telemetry.Traces;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * The planner's settings, checked.
 *
 * @param instance this process among the planner's replicas
 * @param decisionsKept of each fleet, in memory
 * @param secrets with webhooks' addresses; the folder need not be there
 * @param logLevelsFile followed while the process runs; need not be there
 */
public record Settings(
        String installation, String instance, KafkaConnection kafka, Topics topics, Duration beat, Duration commitInterval,
        Duration sessionTimeout, Duration transactionTimeout, int threads, int standbyReplicas, Duration answerTimeout, int decisionsKept,
        SecretsFolder secrets, Optional<Path> logLevelsFile) {

    /** What the service calls itself in records and reports. */
    public static final String SERVICE = "planner";

    public Settings {
        atLeast("muster.planner.beat", beat, Duration.ofMillis(1));
        atLeast("muster.planner.commit-interval", commitInterval, Duration.ofMillis(1));
        atLeast("muster.planner.session-timeout", sessionTimeout, Duration.ofSeconds(6));
        atLeast("muster.planner.answer-timeout", answerTimeout, Duration.ofMillis(100));
        if (transactionTimeout.compareTo(commitInterval.multipliedBy(10)) < 0) {
            throw new IllegalArgumentException("muster.planner.transaction-timeout is " + transactionTimeout
                    + ": set it to at least ten times muster.planner.commit-interval, which is " + commitInterval);
        }
        atLeast("muster.planner.threads", threads, 1);
        atLeast("muster.planner.standby-replicas", standbyReplicas, 0);
        atLeast("muster.planner.decisions-kept", decisionsKept, 100);
    }

    /** @throws IllegalArgumentException in one sentence that names the key and the fix */
    public static Settings of(PlannerConfig config) {
        var installation = config.installation().orElseThrow(() -> new IllegalArgumentException(
                "muster.installation is missing: give the installation a name of its own, such as muster.installation=team-a"));
        if (!installation.matches("[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")) {
            throw new IllegalArgumentException("muster.installation is '" + installation
                    + "': use 1 to 32 small letters, digits and '-', with a letter or digit at both ends");
        }
        var servers = config.kafka().bootstrapServers().orElseThrow(() -> new IllegalArgumentException(
                "muster.kafka.bootstrap-servers is missing: name a broker, such as muster.kafka.bootstrap-servers=localhost:9092"));
        var kafka = KafkaConnection.of(servers, config.kafka().security(), new SecretsFolder(Path.of(config.secrets().folder())));
        Topics topics;
        try {
            topics = new Topics(config.topics().prefix(), config.topics().inputPartitions());
        } catch (IllegalArgumentException wrong) {
            throw new IllegalArgumentException("muster.topics.prefix or muster.topics.input-partitions: " + wrong.getMessage());
        }
        Traces.check(config.traces().endpoint(), config.traces().ratio());
        var planner = config.planner();
        return new Settings(installation, config.instance().orElseGet(Settings::defaultInstance), kafka, topics, planner.beat(),
                planner.commitInterval(), planner.sessionTimeout(), planner.transactionTimeout(), planner.threads(),
                planner.standbyReplicas(), planner.answerTimeout(), planner.decisionsKept(), new SecretsFolder(Path.of(config.secrets().folder())),
                config.log().levelsFile());
    }

    /** Source of the records that this process sends, as CloudEvents names it. */
    public String source() {
        return "/" + installation + "/" + SERVICE + "/" + instance;
    }

    /** This release, as its jar says; "development" where classes run without one. */
    public static String version() {
        var version = Settings.class.getPackage().getImplementationVersion();
        return version == null ? "development" : version;
    }

    private static String defaultInstance() {
        var pid = ManagementFactory.getRuntimeMXBean().getPid();
        try {
            return InetAddress.getLocalHost().getHostName() + ":" + pid;
        } catch (UnknownHostException nameless) {
            return "localhost:" + pid;
        }
    }

    private static void atLeast(String key, Duration value, Duration least) {
        if (value.compareTo(least) < 0) {
            throw new IllegalArgumentException(key + " is " + value + ": set it to at least " + least);
        }
    }

    private static void atLeast(String key, int value, int least) {
        if (value < least) {
            throw new IllegalArgumentException(key + " is " + value + ": set it to at least " + least);
        }
    }
}
