package dev.muster.sandbox.ec2;

import dev.muster.sandbox.TimeScale;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * How a stand-in for EC2 behaves before anyone asks it to misbehave.
 *
 * <p>Boot, shutdown and interruption notice are a machine's life and are divided by {@code timeScale}. What EC2 does by its own
 * clock is not: when a new instance shows, how long a terminated one stays, how long a client token holds, how fast buckets refill.
 *
 * @param port on 127.0.0.1; 0 takes a free one
 * @param accessKeys access key id → account id (12 digits). Signatures are not checked, since the stand-in knows no secrets
 * @param images what {@code ImageId} may name
 * @param parameters SSM parameters at start, in every region
 * @param bootTime pending → running; then the machine image starts
 * @param shutdownTime shutting-down → terminated, and stopping → stopped
 * @param describeDelay how long a new instance stays out of DescribeInstances: EC2 is eventually consistent
 * @param interruptionNotice from the notice in a machine's metadata to its end; two minutes at EC2
 * @param throttling whether EC2's own token buckets are in force; see {@code Throttle} for their sizes
 */
public record Ec2Config(int port, Map<String, String> accessKeys, TimeScale timeScale, List<Image> images,
        Map<String, String> parameters, Duration bootTime, Duration shutdownTime, Duration describeDelay,
        Duration interruptionNotice, boolean throttling) {

    /** The access key that {@link #defaults} accepts; any secret goes with it. */
    public static final String ACCESS_KEY = "MUSTERSANDBOXEC2";

    /** Owner of everything launched with {@link #ACCESS_KEY}. */
    public static final String ACCOUNT = "123456789012";

    /** A plain x86_64 Ubuntu image. */
    public static final Image UBUNTU = new Image(Geography.id("ami", "ubuntu-x86_64"), "ubuntu-22.04-amd64-server", "x86_64");

    /** A plain arm64 Ubuntu image. */
    public static final Image UBUNTU_ARM = new Image(Geography.id("ami", "ubuntu-arm64"), "ubuntu-22.04-arm64-server", "arm64");

    /** An x86_64 image with GPU drivers. */
    public static final Image DEEP_LEARNING =
            new Image(Geography.id("ami", "deep-learning-x86_64"), "deep-learning-base-gpu-ubuntu-22.04", "x86_64", "2026-01-01T00:00:00.000Z", true, true);

    private static final String UBUNTU_PARAMETER = "/aws/service/canonical/ubuntu/server/22.04/stable/current/%s/hvm/ebs-gp2/ami-id";
    private static final String DEEP_LEARNING_PARAMETER =
            "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id";

    public Ec2Config {
        accessKeys = Map.copyOf(accessKeys);
        images = List.copyOf(images);
        parameters = Map.copyOf(parameters);
        Objects.requireNonNull(timeScale, "timeScale");
        if (port < 0 || port > 65_535) {
            throw new IllegalArgumentException("port is " + port + "; it must be 0 (any free one) to 65535");
        }
        for (var wait : List.of(bootTime, shutdownTime, describeDelay, interruptionNotice)) {
            if (wait.isNegative()) {
                throw new IllegalArgumentException("a wait is " + wait + "; none may be negative");
            }
        }
    }

    /** A free port, one access key, real time, three images under their usual SSM names, no throttling. */
    public static Ec2Config defaults() {
        return new Ec2Config(0, Map.of(ACCESS_KEY, ACCOUNT), TimeScale.REAL, List.of(UBUNTU, UBUNTU_ARM, DEEP_LEARNING),
                Map.of(UBUNTU_PARAMETER.formatted("amd64"), UBUNTU.id(), UBUNTU_PARAMETER.formatted("arm64"), UBUNTU_ARM.id(),
                        DEEP_LEARNING_PARAMETER, DEEP_LEARNING.id()),
                Duration.ofSeconds(20), Duration.ofSeconds(5), Duration.ofMillis(200), Duration.ofMinutes(2), false);
    }

    public Ec2Config withPort(int port) {
        return new Ec2Config(port, accessKeys, timeScale, images, parameters, bootTime, shutdownTime, describeDelay, interruptionNotice, throttling);
    }

    public Ec2Config withAccessKeys(Map<String, String> accessKeys) {
        return new Ec2Config(port, accessKeys, timeScale, images, parameters, bootTime, shutdownTime, describeDelay, interruptionNotice, throttling);
    }

    public Ec2Config withTimeScale(TimeScale timeScale) {
        return new Ec2Config(port, accessKeys, timeScale, images, parameters, bootTime, shutdownTime, describeDelay, interruptionNotice, throttling);
    }

    public Ec2Config withImages(List<Image> images) {
        return new Ec2Config(port, accessKeys, timeScale, images, parameters, bootTime, shutdownTime, describeDelay, interruptionNotice, throttling);
    }

    public Ec2Config withParameters(Map<String, String> parameters) {
        return new Ec2Config(port, accessKeys, timeScale, images, parameters, bootTime, shutdownTime, describeDelay, interruptionNotice, throttling);
    }

    public Ec2Config withBootTime(Duration bootTime) {
        return new Ec2Config(port, accessKeys, timeScale, images, parameters, bootTime, shutdownTime, describeDelay, interruptionNotice, throttling);
    }

    public Ec2Config withShutdownTime(Duration shutdownTime) {
        return new Ec2Config(port, accessKeys, timeScale, images, parameters, bootTime, shutdownTime, describeDelay, interruptionNotice, throttling);
    }

    public Ec2Config withDescribeDelay(Duration describeDelay) {
        return new Ec2Config(port, accessKeys, timeScale, images, parameters, bootTime, shutdownTime, describeDelay, interruptionNotice, throttling);
    }

    public Ec2Config withInterruptionNotice(Duration interruptionNotice) {
        return new Ec2Config(port, accessKeys, timeScale, images, parameters, bootTime, shutdownTime, describeDelay, interruptionNotice, throttling);
    }

    public Ec2Config withThrottling(boolean throttling) {
        return new Ec2Config(port, accessKeys, timeScale, images, parameters, bootTime, shutdownTime, describeDelay, interruptionNotice, throttling);
    }

    /** Names no keys: a config ends up in logs. */
    @Override
    public String toString() {
        return "Ec2Config[port=" + port + ", accounts=" + accessKeys.values() + ", timeScale=" + timeScale + ", bootTime=" + bootTime
                + ", shutdownTime=" + shutdownTime + ", describeDelay=" + describeDelay + ", interruptionNotice=" + interruptionNotice
                + ", throttling=" + throttling + "]";
    }

    /**
     * A machine image that may be launched, in every region under one id.
     *
     * @param id {@code ami-} and 8 or 17 hexadecimal digits
     * @param architecture {@code x86_64} or {@code arm64}
     * @param created an ISO time with milliseconds, as EC2 writes them
     * @param amazons whether Amazon owns it; else each account does, for itself
     * @param ebs whether its root device is an EBS volume
     */
    public record Image(String id, String name, String architecture, String created, boolean amazons, boolean ebs) {

        public Image(String id, String name, String architecture) {
            this(id, name, architecture, "2026-01-01T00:00:00.000Z", false, true);
        }

        public Image {
            if (!id.matches("ami-([0-9a-f]{8}|[0-9a-f]{17})")) {
                throw new IllegalArgumentException("image id is " + id + "; it must be ami- and 8 or 17 hexadecimal digits");
            }
            if (!List.of("x86_64", "arm64").contains(architecture)) {
                throw new IllegalArgumentException("architecture is " + architecture + "; it must be x86_64 or arm64");
            }
        }
    }
}
