package dev.muster.sandbox.gce;

import dev.muster.sandbox.TimeScale;
import java.time.Duration;
import java.util.List;
import java.util.Objects;

/**
 * How a stand-in for Compute Engine behaves before anyone asks it to misbehave.
 *
 * <p>Provisioning, staging, shutdown and the preemption notice are a machine's life and are divided by {@code timeScale}. What Compute
 * Engine does by its own clock is not: how long it takes to change metadata, how long a bearer token holds.
 *
 * @param port on 127.0.0.1; 0 takes a free one
 * @param project whose machines these are; image projects are there beside it
 * @param images what disks may be made from
 * @param templates instance templates of the project: their {@code InstanceTemplate} as JSON
 * @param provisionTime an instance is PROVISIONING; at its end a lack of machines shows
 * @param stagingTime STAGING → RUNNING; then the insert is DONE and the machine image starts
 * @param shutdownTime STOPPING → TERMINATED or gone
 * @param operationTime how long an operation takes that starts and ends no machine
 * @param preemptionNotice from {@code instance/preempted} to the end; 30 s at Google
 * @param credentials whether every call needs a bearer token
 */
public record GceConfig(int port, String project, TimeScale timeScale, List<Image> images, List<String> templates, Duration provisionTime,
        Duration stagingTime, Duration shutdownTime, Duration operationTime, Duration preemptionNotice, boolean credentials) {

    /** The project of {@link #defaults}. */
    public static final String PROJECT = "muster-sandbox";

    /** A plain Debian image. */
    public static final Image DEBIAN = new Image("debian-cloud", "debian-12-bookworm-v20260114", "debian-12", "X86_64", 10);

    /** A plain Ubuntu image. */
    public static final Image UBUNTU = new Image("ubuntu-os-cloud", "ubuntu-2204-jammy-v20260112", "ubuntu-2204-lts", "X86_64", 10);

    /** A plain arm64 Debian image. */
    public static final Image DEBIAN_ARM = new Image("debian-cloud", "debian-12-bookworm-arm64-v20260114", "debian-12-arm64", "ARM64", 10);

    /** An image with GPU drivers and docker. */
    public static final Image DEEP_LEARNING =
            new Image("deeplearning-platform-release", "common-cu128-ubuntu-2204-nvidia-570-v20260105", "common-cu128-ubuntu-2204-nvidia-570", "X86_64", 50);

    public GceConfig {
        images = List.copyOf(images);
        templates = List.copyOf(templates);
        Objects.requireNonNull(timeScale, "timeScale");
        if (port < 0 || port > 65_535) {
            throw new IllegalArgumentException("port is " + port + "; it must be 0 (any free one) to 65535");
        }
        if (!project.matches("[a-z][a-z0-9-]{4,28}[a-z0-9]")) {
            throw new IllegalArgumentException("project is " + project + "; it must be 6 to 30 lower case letters, digits and hyphens");
        }
        for (var wait : List.of(provisionTime, stagingTime, shutdownTime, operationTime, preemptionNotice)) {
            if (wait.isNegative()) {
                throw new IllegalArgumentException("a wait is " + wait + "; none may be negative");
            }
        }
    }

    /** A free port, one project, real time, four images, no template, credentials demanded. */
    public static GceConfig defaults() {
        return new GceConfig(0, PROJECT, TimeScale.REAL, List.of(DEBIAN, UBUNTU, DEBIAN_ARM, DEEP_LEARNING), List.of(), Duration.ofSeconds(5), Duration.ofSeconds(15),
                Duration.ofSeconds(20), Duration.ofMillis(500), Duration.ofSeconds(30), true);
    }

    public GceConfig withPort(int port) {
        return new GceConfig(port, project, timeScale, images, templates, provisionTime, stagingTime, shutdownTime, operationTime, preemptionNotice, credentials);
    }

    public GceConfig withProject(String project) {
        return new GceConfig(port, project, timeScale, images, templates, provisionTime, stagingTime, shutdownTime, operationTime, preemptionNotice, credentials);
    }

    public GceConfig withTimeScale(TimeScale timeScale) {
        return new GceConfig(port, project, timeScale, images, templates, provisionTime, stagingTime, shutdownTime, operationTime, preemptionNotice, credentials);
    }

    public GceConfig withImages(List<Image> images) {
        return new GceConfig(port, project, timeScale, images, templates, provisionTime, stagingTime, shutdownTime, operationTime, preemptionNotice, credentials);
    }

    public GceConfig withTemplates(List<String> templates) {
        return new GceConfig(port, project, timeScale, images, templates, provisionTime, stagingTime, shutdownTime, operationTime, preemptionNotice, credentials);
    }

    public GceConfig withProvisionTime(Duration provisionTime) {
        return new GceConfig(port, project, timeScale, images, templates, provisionTime, stagingTime, shutdownTime, operationTime, preemptionNotice, credentials);
    }

    public GceConfig withStagingTime(Duration stagingTime) {
        return new GceConfig(port, project, timeScale, images, templates, provisionTime, stagingTime, shutdownTime, operationTime, preemptionNotice, credentials);
    }

    public GceConfig withShutdownTime(Duration shutdownTime) {
        return new GceConfig(port, project, timeScale, images, templates, provisionTime, stagingTime, shutdownTime, operationTime, preemptionNotice, credentials);
    }

    public GceConfig withOperationTime(Duration operationTime) {
        return new GceConfig(port, project, timeScale, images, templates, provisionTime, stagingTime, shutdownTime, operationTime, preemptionNotice, credentials);
    }

    public GceConfig withPreemptionNotice(Duration preemptionNotice) {
        return new GceConfig(port, project, timeScale, images, templates, provisionTime, stagingTime, shutdownTime, operationTime, preemptionNotice, credentials);
    }

    public GceConfig withCredentials(boolean credentials) {
        return new GceConfig(port, project, timeScale, images, templates, provisionTime, stagingTime, shutdownTime, operationTime, preemptionNotice, credentials);
    }

    /**
     * An image that a disk may be made from.
     *
     * @param project whose it is
     * @param family the image that {@code getFromFamily} answers is the last of its family; null for none
     * @param architecture {@code X86_64} or {@code ARM64}
     */
    public record Image(String project, String name, String family, String architecture, int diskSizeGb) {

        public Image {
            if (!List.of("X86_64", "ARM64").contains(architecture)) {
                throw new IllegalArgumentException("architecture is " + architecture + "; it must be X86_64 or ARM64");
            }
        }

        String path() {
            return "projects/" + project + "/global/images/" + name;
        }
    }
}
