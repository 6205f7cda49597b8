package dev.muster.sandbox.machine;

import dev.muster.sandbox.TimeScale;
import java.time.Duration;

/**
 * How long the machines of one image wait between two calls of a kind: the scaled time, but together never so often that a
 * laptop does nothing else. On the machines' event loop.
 */
final class Pace {

    // At most a thousand polls a second from all agents together. Below twenty agents the floor of the time scale is longer.
    private static final Duration PER_AGENT = Duration.ofMillis(1);

    private final TimeScale scale;
    private int agents;

    Pace(TimeScale scale) {
        this.scale = scale;
    }

    void agentsStarted(int count) {
        agents += count;
    }

    void agentsEnded(int count) {
        agents -= count;
    }

    /** The time that something takes, such as a task: scaled and nothing else. */
    Duration length(Duration simulated) {
        return scale.real(simulated);
    }

    /** The wait between two calls; never longer than unscaled. */
    Duration between(Duration simulated) {
        var scaled = scale.real(simulated);
        var fair = PER_AGENT.multipliedBy(agents);
        return scaled.compareTo(fair) >= 0 ? scaled : fair.compareTo(simulated) > 0 ? simulated : fair;
    }

    boolean scaled() {
        return scale.speed() > 1;
    }
}
