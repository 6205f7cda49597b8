package dev.muster.planner;

import dev.muster.contracts.KafkaSecurity;
import dev.muster.telemetry.LogConfig;
import dev.muster.telemetry.TracesConfig;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import io.smallrye.config.WithName;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Every setting of the planner. {@link Settings} is what is made of it, checked. */
@ConfigMapping(prefix = "muster")
public interface PlannerConfig {

    /** The installation's name: part of workers prefixes and of the marks on machines. Required. */
    Optional<String> installation();

    /** Name of this process among the planner's replicas. Absent: host name and process id. */
    Optional<String> instance();

    Kafka kafka();

    Topics topics();

    Secrets secrets();

    LogConfig log();

    TracesConfig traces();

    Planner planner();

    Api api();

    interface Secrets {

        /** Folder with one file a secret: webhooks' addresses, the password to Kafka. Files are read anew each time. */
        @WithDefault("secrets")
        String folder();
    }

    interface Kafka {

        /** Brokers to begin with, as {@code host:port,…}. Required. */
        @WithName("bootstrap-servers")
        Optional<String> bootstrapServers();

        /** How the planner shows who it is. */
        KafkaSecurity security();
    }

    interface Topics {

        /** Before the name of every topic. */
        @WithDefault(dev.muster.contracts.Topics.DEFAULT_PREFIX)
        String prefix();

        /** Partitions of each input topic; fixed for an installation's life. */
        @WithName("input-partitions")
        @WithDefault("32")
        int inputPartitions();
    }

    interface Planner {

        /** How often fleets that are due are looked for. */
        @WithDefault("10ms")
        Duration beat();

        /**
         * How often what was decided becomes visible, at most; each commit is one transaction. What nobody waits for (state, and rows that
         * say what was reported) is committed five times more seldom. docs/decisions/0009 says why.
         */
        @WithName("commit-interval")
        @WithDefault("20ms")
        Duration commitInterval();

        /** Silence after which another replica takes a planner's fleets over. */
        @WithName("session-timeout")
        @WithDefault("6s")
        Duration sessionTimeout();

        /** Age at which Kafka aborts the transaction of a planner that died in it; until then its successor waits. */
        @WithName("transaction-timeout")
        @WithDefault("3s")
        Duration transactionTimeout();

        /** Threads that plan; a fleet is always planned by one. */
        @WithDefault("1")
        int threads();

        /** Replicas that keep a copy of a planner's state in memory beside it, for a faster take-over. With one planner there are none. */
        @WithName("standby-replicas")
        @WithDefault("1")
        int standbyReplicas();

        /** How long an API call waits for the fleet's owner. */
        @WithName("answer-timeout")
        @WithDefault("10s")
        Duration answerTimeout();

        /** Decisions of each fleet that the API holds in memory. */
        @WithName("decisions-kept")
        @WithDefault("2000")
        int decisionsKept();
    }

    /** Who may use the control API, and how much. docs/access.md works three set-ups out. */
    interface Api {

        /** How callers are known: any of {@code tokens}, {@code oidc} and {@code certificates}; or {@code off}. Absent: off, on loopback only. */
        Optional<List<String>> authentication();

        /** File that says who may do what; read anew when it changes. Required unless authentication is off. */
        Optional<Path> grants();

        /** True: calls come from elsewhere without TLS, as behind a proxy that ends it. */
        @WithDefault("false")
        boolean plaintext();

        Oidc oidc();

        Tls tls();

        Limits limits();

        interface Oidc {

            /** The identity provider, as its tokens name it. Its keys are found by its discovery document. */
            Optional<URI> issuer();

            /** The audience that tokens for this planner have. */
            Optional<String> audience();

            /** Claim that names the caller, in grants and in audit. Dots lead into objects. */
            @WithName("subject-claim")
            @WithDefault("sub")
            String subjectClaim();

            /** Claim with the caller's groups. */
            @WithName("groups-claim")
            @WithDefault("groups")
            String groupsClaim();

            /** PEM file with the authority of the provider's certificate. Absent: those that the JVM trusts. */
            Optional<Path> ca();

            /** By how much clocks may differ. */
            @WithDefault("30s")
            Duration leeway();

            /** What the provider knows the console as: a public client, which signs people in by authorization code with PKCE. Absent: the console takes tokens. */
            @WithName("console-client")
            Optional<String> consoleClient();

            /** What the console asks the provider for. Some name their audience only where a scope wants it. */
            @WithName("console-scope")
            @WithDefault("openid")
            String consoleScope();
        }

        interface Tls {

            /** PEM files of the planner's certificate, with those that lead to its authority, and of its key. */
            Optional<Path> certificate();

            Optional<Path> key();

            /** How often the files are looked at; a renewed certificate holds for new connections. */
            @WithDefault("1m")
            Duration reload();

            /** PEM file of the authority whose client certificates count. */
            @WithName("client-ca")
            Optional<Path> clientCa();

            /** True: no connection without a client certificate, not even one that asks how the planner is. */
            @WithName("client-certificate-required")
            @WithDefault("false")
            boolean clientCertificateRequired();
        }

        interface Limits {

            /** Largest request. A spec has some KiB. */
            @WithName("message-bytes")
            @WithDefault("4194304")
            int messageBytes();

            /** Of one caller. Twice as many may come at once. */
            @WithName("reads-per-second")
            @WithDefault("1000")
            int readsPerSecond();

            /** As above, of calls that change something. */
            @WithName("writes-per-second")
            @WithDefault("100")
            int writesPerSecond();

            /** Open at once, of one caller. */
            @WithName("watches-per-caller")
            @WithDefault("100")
            int watchesPerCaller();

            /** Open at once, of all callers of this replica. */
            @WithDefault("500")
            int watches();
        }
    }
}
