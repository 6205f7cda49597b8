package dev.muster.provisioner.boot;

import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * What a machine does once it is up, with every name resolved: it holds secrets, lives only in memory, and shows none of them.
 *
 * @param workerPrefix worker ids start with it; the machine adds ":" and its cloud id
 * @param agents at least 1; each runs one task at a time
 * @param queueIds ClearML's ids in order of preference, at least one
 * @param docker tasks run in containers
 * @param defaultImage container for tasks that name none
 * @param agentVersion exact version of clearml-agent
 * @param environment of the agents; sorted, since a repeated launch must not differ
 * @param extraConf appended to clearml.conf; may be empty
 * @param initScript shell, run before the agents; may be empty
 * @param checkpointHook shell, run when the cloud announces that it takes the machine back; may be empty
 * @param shellProfile root's .bashrc is read before the agents start
 * @param storage keys with which tasks reach their data
 * @param hardAge from this age on the machine takes no task, and ends when it has none; empty: none
 */
public record BootPlan(String workerPrefix, int agents, List<String> queueIds, Hosts hosts, Keys keys, boolean docker, String defaultImage,
        String agentVersion, boolean cpuOnly, SortedMap<String, Given> environment, Given extraConf, Given initScript,
        Given checkpointHook, boolean shellProfile, Storage storage, Optional<Duration> hardAge) {

    /** Version used where a fleet names none. */
    public static final String DEFAULT_AGENT_VERSION = "3.0.3";

    /**
     * Container used where neither task nor fleet names one: with CUDA, and a Python that the agent supports. NVIDIA removes images of old
     * CUDA versions in time, so that a release looks whether this one is still to be had.
     */
    public static final String DEFAULT_IMAGE = "nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04";

    /** The same where agents are told not to use GPUs: far smaller. */
    public static final String DEFAULT_CPU_IMAGE = "python:3.11-slim-bookworm";

    /** ClearML's three addresses as machines see them, without a trailing slash. */
    public record Hosts(String api, String web, String files) {}

    /** What the agents log in with. */
    public record Keys(Given access, Given secret) {
        @Override
        public String toString() {
            return "Keys[…]";
        }
    }

    /** What tasks read and write their data with; with machineIdentity, what the machine itself may do. */
    public record Storage(List<S3> s3, Optional<Gcs> gcs, List<Azure> azure, boolean machineIdentity) {

        public static final Storage NONE = new Storage(List.of(), Optional.empty(), List.of(), false);

        /**
         * @param bucket empty: every bucket of the host
         * @param host   empty: Amazon's
         * @param region empty: ClearML's default
         */
        public record S3(String bucket, String host, String region, Given key, Given secret, boolean insecure) {
            @Override
            public String toString() {
                return "S3[bucket=" + bucket + ", host=" + host + "]";
            }
        }

        /**
         * @param project empty: the key's own
         * @param key     JSON of a service account's key
         */
        public record Gcs(String project, Given key) {
            @Override
            public String toString() {
                return "Gcs[project=" + project + "]";
            }
        }

        /** @param container empty: every container of the account */
        public record Azure(String account, Given key, String container) {
            @Override
            public String toString() {
                return "Azure[account=" + account + ", container=" + container + "]";
            }
        }

        public Storage {
            s3 = List.copyOf(s3);
            azure = List.copyOf(azure);
        }
    }

    public BootPlan {
        queueIds = List.copyOf(queueIds);
        environment = Collections.unmodifiableSortedMap(new TreeMap<>(environment));
        Objects.requireNonNull(extraConf);
        Objects.requireNonNull(initScript);
        Objects.requireNonNull(checkpointHook);
        Objects.requireNonNull(storage);
        if (hardAge.isPresent() && hardAge.get().compareTo(Duration.ofSeconds(1)) < 0) {
            throw new IllegalArgumentException("hardAge is " + hardAge.get() + "; it must be a second at least");
        }
        if (agents < 1 || queueIds.isEmpty()) {
            throw new IllegalArgumentException("a machine needs at least one agent and one queue, got " + agents + " agents and "
                    + queueIds.size() + " queue ids");
        }
        // These become lines of a file that the machine reads line by line.
        for (var line : List.of(workerPrefix, String.join(" ", queueIds), hosts.api(), hosts.web(), hosts.files(), defaultImage, agentVersion)) {
            if (line.chars().anyMatch(c -> c < ' ')) {
                throw new IllegalArgumentException("'" + line.replaceAll("\\p{Cntrl}", "?") + "' holds a line break or control character; remove it");
            }
        }
        // What is fetched is looked at by the machine.
        if (Stream.of(keys.access(), keys.secret()).anyMatch(key -> key instanceof Given.Text known && known.text().chars().anyMatch(c -> c < ' '))) {
            throw new IllegalArgumentException("the connection's access key or secret key holds a line break; each file must hold one line");
        }
        for (var name : environment.keySet()) {
            if (!name.matches("[A-Za-z_][A-Za-z0-9_]*")) {
                throw new IllegalArgumentException("environment variable '" + name + "' may hold only letters, digits and '_', no digit first");
            }
        }
        if (!agentVersion.matches("[0-9A-Za-z.+!_-]+")) {
            throw new IllegalArgumentException("agent_version '" + agentVersion + "' must be an exact version, such as " + DEFAULT_AGENT_VERSION);
        }
    }

    /** Whether the machine needs a role that lets it read a secret store. */
    public boolean fetches() {
        return given().anyMatch(Given.Kept.class::isInstance);
    }

    /** Every text that may be kept in a store. */
    Stream<Given> given() {
        var keysToData = Stream.of(storage.s3().stream().flatMap(s3 -> Stream.of(s3.key(), s3.secret())), storage.gcs().stream().map(Storage.Gcs::key),
                storage.azure().stream().map(Storage.Azure::key)).flatMap(values -> values);
        return Stream.of(Stream.of(keys.access(), keys.secret(), extraConf, initScript, checkpointHook), environment.values().stream(), keysToData)
                .flatMap(values -> values);
    }

    @Override
    public String toString() {
        return "BootPlan[workerPrefix=" + workerPrefix + ", agents=" + agents + ", queueIds=" + queueIds + ", hosts=" + hosts + ", docker=" + docker
                + ", defaultImage=" + defaultImage + ", agentVersion=" + agentVersion + ", cpuOnly=" + cpuOnly + ", environment="
                + environment.keySet() + "]";
    }
}
