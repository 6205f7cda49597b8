package dev.muster.sandbox.suite;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.muster.contracts.Topics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What one local run consists of: written by whoever starts it, read by {@link Suite}. Holds no secret, only where they are.
 *
 * @param home the source folder, with the built modules in it
 * @param folder of the run: its state, logs and the services' settings
 * @param data Kafka's records and the services' state; a sandbox's is emptied at start, since its clouds start empty too
 * @param sandbox true: with stand-ins for ClearML and clouds; false: against the connections and accounts given
 * @param installation name of this Muster
 * @param speed of the stand-ins' machines, from 1; unused without stand-ins
 * @param inputPartitions of the planner's input topics
 * @param ports by process ({@code kafka}, {@code control}, {@code admin}, {@code clearml}, {@code ec2}, {@code gce}, {@code k8s}, or a service's name); absent or 0: a free one
 * @param secrets the services' secrets folder
 * @param connections ClearML servers by name; in a sandbox the stand-in is added as {@code default}
 * @param accounts clouds by name; in a sandbox the stand-ins are added: EC2 as {@code default}, Compute Engine as {@code google}, the cluster as {@code cluster}
 * @param services further settings by service, as its own documentation names them
 * @param processMachines the stand-in cloud's machines are processes that run their boot script and the real clearml-agent, instead of simulated ones
 * @param clouds which clouds a sandbox has stand-ins for: {@code aws}, {@code gcp}, {@code k8s}; null: AWS; unused without stand-ins
 * @param kafka one of the user's own; null: one is started
 */
public record SuiteSettings(String home, String folder, String data, boolean sandbox, String installation, double speed,
        int inputPartitions, Map<String, Integer> ports, String secrets, Map<String, Connection> connections,
        Map<String, Account> accounts, Map<String, Map<String, String>> services, boolean processMachines, List<String> clouds, Kafka kafka) {

    private static final ObjectMapper JSON = new ObjectMapper().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

    /**
     * One ClearML server.
     *
     * @param api what Muster calls
     * @param machineApi what machines are given; null: {@code api}
     * @param machineWeb null: as the service derives it
     * @param machineFiles null: as the service derives it
     */
    public record Connection(String api, String machineApi, String machineWeb, String machineFiles) {}

    /**
     * One cloud account.
     *
     * @param provider {@code aws}, {@code gcp} or {@code k8s}
     * @param regions empty: the service's default; on Kubernetes the namespaces
     * @param image default image of machines; null: none
     * @param endpoint instead of the cloud's own; null: the cloud's own
     * @param roleArn AWS only: role that is taken on with the account's keys; null: none
     * @param externalId what the role asks for; null: nothing
     * @param roleSessionName null: the service's default
     * @param project Google Cloud only, and required there
     * @param cluster Kubernetes only; null elsewhere
     */
    public record Account(String provider, List<String> regions, String image, String endpoint, String roleArn, String externalId, String roleSessionName,
            String project, Cluster cluster) {
        public Account {
            regions = regions == null ? List.of() : List.copyOf(regions);
        }

        public Account(String provider, List<String> regions, String image, String endpoint) {
            this(provider, regions, image, endpoint, null, null, null);
        }

        /** On AWS. */
        public Account(String provider, List<String> regions, String image, String endpoint, String roleArn, String externalId, String roleSessionName) {
            this(provider, regions, image, endpoint, roleArn, externalId, roleSessionName, null, null);
        }

        /** On Google Cloud. */
        public static Account google(String project, List<String> regions, String image, String endpoint) {
            return new Account("gcp", regions, image, endpoint, null, null, null, project, null);
        }

        /** On Kubernetes. */
        public static Account kubernetes(Cluster cluster, List<String> namespaces, String image) {
            return new Account("k8s", namespaces, image, null, null, null, null, null, cluster);
        }
    }

    /**
     * How a Kubernetes cluster is reached, and what its pods are. Null is the service's default everywhere.
     *
     * @param kubeconfig file that says where the cluster is and who calls
     * @param context of the kubeconfig
     * @param server URL of the API server, in place of a kubeconfig
     * @param caFile file with the certificate of its CA
     * @param serviceAccount that pods run as
     * @param secret that pods mount
     */
    public record Cluster(String kubeconfig, String context, String server, String caFile, String serviceAccount, String secret) {}

    /**
     * A Kafka that is there already.
     *
     * @param bootstrapServers as {@code host:port,…}
     * @param topicsPrefix before the name of every topic
     * @param security settings below {@code muster.kafka.security.}, as docs/kafka.md has them; {@link #SERVICE} in one stands for the name of the service that is told
     */
    public record Kafka(String bootstrapServers, String topicsPrefix, Map<String, String> security) {

        public static final String SERVICE = "{service}";

        public Kafka {
            security = security == null ? Map.of() : Map.copyOf(security);
        }

        /** What one service is told of it. */
        Map<String, String> told(String service) {
            var told = new TreeMap<String, String>();
            told.put("muster.kafka.bootstrap-servers", bootstrapServers);
            security.forEach((key, value) -> told.put("muster.kafka.security." + key, value.replace(SERVICE, service)));
            return told;
        }
    }

    public SuiteSettings {
        ports = ports == null ? Map.of() : Map.copyOf(ports);
        connections = connections == null ? Map.of() : Map.copyOf(connections);
        accounts = accounts == null ? Map.of() : Map.copyOf(accounts);
        services = services == null ? Map.of() : Map.copyOf(services);
        clouds = clouds == null ? List.of("aws") : List.copyOf(clouds);
    }

    /** A sandbox with everything chosen for a laptop. */
    public static SuiteSettings sandbox(Path home, Path folder, double speed) {
        return new SuiteSettings(home.toString(), folder.toString(), folder.resolve("data").toString(), true, "sandbox", speed,
                Topics.SANDBOX_INPUT_PARTITIONS, Map.of(), folder.resolve("secrets").toString(), Map.of(), Map.of(), Map.of(), false, null, null);
    }

    public SuiteSettings withPorts(Map<String, Integer> given) {
        return new SuiteSettings(home, folder, data, sandbox, installation, speed, inputPartitions, given, secrets, connections, accounts, services, processMachines, clouds, kafka);
    }

    public SuiteSettings withProcessMachines() {
        return new SuiteSettings(home, folder, data, sandbox, installation, speed, inputPartitions, ports, secrets, connections, accounts, services, true, clouds, kafka);
    }

    /** With stand-ins for these clouds. A provisioner more is 100 MiB and some seconds of start more. */
    public SuiteSettings withClouds(List<String> given) {
        return new SuiteSettings(home, folder, data, sandbox, installation, speed, inputPartitions, ports, secrets, connections, accounts, services, processMachines, given, kafka);
    }

    /** With a Kafka that is there already. */
    public SuiteSettings withKafka(Kafka given) {
        return new SuiteSettings(home, folder, data, sandbox, installation, speed, inputPartitions, ports, secrets, connections, accounts, services, processMachines, clouds, given);
    }

    /** With one more setting of one service. */
    public SuiteSettings with(String service, String key, String value) {
        var all = new TreeMap<>(services);
        var some = new TreeMap<>(all.getOrDefault(service, Map.of()));
        some.put(key, value);
        all.put(service, some);
        return new SuiteSettings(home, folder, data, sandbox, installation, speed, inputPartitions, ports, secrets, connections, accounts, all, processMachines, clouds, kafka);
    }

    int port(String process) {
        return ports.getOrDefault(process, 0);
    }

    Topics topics() {
        return new Topics(kafka == null ? Topics.DEFAULT_PREFIX : kafka.topicsPrefix(), inputPartitions);
    }

    public void write(Path file) throws IOException {
        Files.createDirectories(file.toAbsolutePath().getParent());
        JSON.writerWithDefaultPrettyPrinter().writeValue(file.toFile(), this);
    }

    static SuiteSettings read(Path file) throws IOException {
        return JSON.readValue(file.toFile(), SuiteSettings.class);
    }
}
