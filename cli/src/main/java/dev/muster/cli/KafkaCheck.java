package dev.muster.cli;

import java.util.Locale;

/** What {@code muster doctor kafka} looks at, in the order in which it is shown: the one list that the answer, docs/kafka-doctor.md and the tests share. */
enum KafkaCheck {

    BROKERS("A broker answers. Shown: how many there are, and how soon they do.", ""),
    TLS("Connections are encrypted, and the broker's certificate is vouched for. Without TLS is a warning, unless Kafka is on this computer.", ""),
    LOGIN("Kafka knows who speaks, and takes the password, token or certificate. A Kafka that asks nobody is a failure, unless it is on this computer.", ""),
    VERSION("The brokers' release is one that Muster's transactions work with: Kafka's own number of its metadata's form is 20 (3.8) or more.", ""),
    CLOCK("Kafka's clock is this computer's and the services': 5 seconds apart is a failure. Read off the newest records, and what services say.", "READ on the topics"),
    AUTO_CREATE("No topic is made by asking for it.", "DESCRIBE_CONFIGS on the cluster"),
    ABORT_INTERVAL("A transaction of a planner that died is ended within a second of its time-out.", "DESCRIBE_CONFIGS on the cluster"),
    TRANSACTIONS("A transaction begins and is given up, in which nothing is written.", "WRITE on the transactional id `…doctor`"),
    TOPICS("Every topic is there.", "DESCRIBE on the topics"),
    PARTITIONS("The planner's inputs have one number of partitions, the settings' own; every partition has a leader.", "DESCRIBE on the topics"),
    CLEANUP("Each topic is compacted or deleted from, as it must be.", "DESCRIBE_CONFIGS on the topics"),
    RETENTION("Each topic keeps its records for as long as it must; longer is fine.", "DESCRIBE_CONFIGS on the topics"),
    TIMESTAMPS("Records of the planner's inputs have the broker's time.", "DESCRIBE_CONFIGS on the topics"),
    COPIES("Records are on three brokers, of which two have them before they count. On a single broker a warning.", "DESCRIBE_CONFIGS on the topics"),
    RIGHTS("Each service may do all that it must. Provisioners that have no right at all, and say nothing of themselves, don't run here.",
            "DESCRIBE on the cluster, or the service's own settings (`--as`)"),
    HOLES("Nobody may write what is only the planner's, or another service's, to write. Super users are not told by Kafka.", "DESCRIBE on the cluster"),
    GROUPS("Each service that runs has a group, and isn't a thousand records behind.", "DESCRIBE on the groups");

    private final String asks;
    private final String needs;

    KafkaCheck(String asks, String needs) {
        this.asks = asks;
        this.needs = needs;
    }

    /** What must be so. */
    String asks() {
        return asks;
    }

    /** What looking needs of Kafka; empty: nothing that a user doesn't have. */
    String needs() {
        return needs;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
