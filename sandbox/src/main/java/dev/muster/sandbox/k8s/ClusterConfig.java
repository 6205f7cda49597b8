package dev.muster.sandbox.k8s;

import dev.muster.sandbox.TimeScale;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;

/**
 * How a stand-in for a cluster behaves before anyone asks it to misbehave.
 *
 * <p>How long an image takes to be pulled, a container to start, and how long a pod is kept on a node that was lost is a machine's life and is
 * divided by {@code timeScale}. What the cluster does by its own clock is not.
 *
 * @param port on 127.0.0.1; 0 takes a free one
 * @param namespaces that are there beside default and kube-system
 * @param nodes that are there from the start
 * @param pullTime of an image on a node that hasn't got it
 * @param startTime of a container whose image is there
 * @param lostAfter a node that is silent for so long, by the real clock, is unreachable; 40 s unless a cluster says otherwise
 * @param credentials whether every call needs a bearer token
 */
public record ClusterConfig(int port, TimeScale timeScale, List<String> namespaces, List<NodeShape> nodes, Duration pullTime, Duration startTime, Duration lostAfter,
        boolean credentials) {

    /** The namespace of {@link #defaults}. */
    public static final String NAMESPACE = "muster";

    public ClusterConfig {
        namespaces = List.copyOf(namespaces);
        nodes = List.copyOf(nodes);
        Objects.requireNonNull(timeScale, "timeScale");
        if (port < 0 || port > 65_535) {
            throw new IllegalArgumentException("port is " + port + "; it must be 0 (any free one) to 65535");
        }
        for (var wait : List.of(pullTime, startTime, lostAfter)) {
            if (wait.isNegative()) {
                throw new IllegalArgumentException("a wait is " + wait + "; none may be negative");
            }
        }
    }

    /** A free port, real time, two nodes without and one with a GPU, credentials demanded. */
    public static ClusterConfig defaults() {
        return new ClusterConfig(0, TimeScale.REAL, List.of(NAMESPACE), List.of(NodeShape.CPU, NodeShape.CPU, NodeShape.GPU), Duration.ofSeconds(10), Duration.ofSeconds(1),
                Duration.ofSeconds(40), true);
    }

    public ClusterConfig withPort(int port) {
        return new ClusterConfig(port, timeScale, namespaces, nodes, pullTime, startTime, lostAfter, credentials);
    }

    public ClusterConfig withTimeScale(TimeScale timeScale) {
        return new ClusterConfig(port, timeScale, namespaces, nodes, pullTime, startTime, lostAfter, credentials);
    }

    public ClusterConfig withNamespaces(List<String> namespaces) {
        return new ClusterConfig(port, timeScale, namespaces, nodes, pullTime, startTime, lostAfter, credentials);
    }

    public ClusterConfig withNodes(List<NodeShape> nodes) {
        return new ClusterConfig(port, timeScale, namespaces, nodes, pullTime, startTime, lostAfter, credentials);
    }

    /** With this many nodes of a shape instead. */
    public ClusterConfig withNodes(NodeShape shape, int count) {
        return withNodes(new ArrayList<>(Collections.nCopies(count, shape)));
    }

    public ClusterConfig withPullTime(Duration pullTime) {
        return new ClusterConfig(port, timeScale, namespaces, nodes, pullTime, startTime, lostAfter, credentials);
    }

    public ClusterConfig withLostAfter(Duration lostAfter) {
        return new ClusterConfig(port, timeScale, namespaces, nodes, pullTime, startTime, lostAfter, credentials);
    }

    public ClusterConfig withCredentials(boolean credentials) {
        return new ClusterConfig(port, timeScale, namespaces, nodes, pullTime, startTime, lostAfter, credentials);
    }
}
