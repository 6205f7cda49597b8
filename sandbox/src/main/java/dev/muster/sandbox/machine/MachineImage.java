package dev.muster.sandbox.machine;

/**
 * What starts on a stand-in cloud's machine once it runs. The cloud knows nothing of it but this, so that every cloud's
 * machines work alike.
 */
public interface MachineImage {

    /** Boots; returns at once. Called when the machine has reached its running state. Any thread. */
    RunningMachine boot(Hardware hardware);

    /** One machine as seen from inside: the cloud beneath it. Thread-safe. */
    interface Hardware {

        /** The cloud's own name for the machine, such as {@code i-07cf7d6750455cb62}. */
        String cloudId();

        /** As given at launch, decoded; empty if there was none. */
        String userData();

        /**
         * Base of the machine's metadata service, without a trailing slash; on EC2 {@code <base>/latest/api/token} and
         * {@code <base>/latest/meta-data/…} are under it. It stands for 169.254.169.254, which loopback can't offer per machine.
         */
        String metadataUrl();

        /** Adds a line to what the cloud's console output shows. */
        void writeConsole(String line);

        /** Shuts down from inside. The cloud then shows the machine going, as after {@code shutdown -h now}. */
        void powerOff();
    }

    /** What the cloud can do to what it booted. Thread-safe. */
    interface RunningMachine {

        /** Everything on the machine ends now: no more calls leave it, nothing is reported, no task writes a result. Idempotent. */
        void cutPower();

        /** SIGTERM to the first process of a container. It ends by itself, or is cut off when its grace is over. */
        default void askToEnd() {
            cutPower();
        }
    }
}
