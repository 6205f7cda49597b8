package dev.muster.sandbox;

import java.time.Duration;

/**
 * How much faster than real time the sandbox's machines live: boots, tasks, an agent's polls and reports.
 *
 * <p>Servers' own clocks (worker expiry, watchdogs, idempotency windows) are never scaled, and neither are Muster's services.
 *
 * @param speed at least 1; 600 lets ten minutes pass in a second
 */
public record TimeScale(double speed) {

    /** A scaled wait is never shorter: below this a loopback server is only measured against itself. */
    public static final Duration FLOOR = Duration.ofMillis(20);

    public static final TimeScale REAL = new TimeScale(1);

    public TimeScale {
        if (!(speed >= 1) || Double.isInfinite(speed)) {
            throw new IllegalArgumentException("speed is " + speed + "; it must be at least 1");
        }
    }

    /** The real time that {@code simulated} takes; the floor, at least, unless {@code simulated} is shorter itself. */
    public Duration real(Duration simulated) {
        if (speed == 1) {
            return simulated;
        }
        var scaled = Duration.ofNanos(Math.round(simulated.toNanos() / speed));
        var floor = simulated.compareTo(FLOOR) < 0 ? simulated : FLOOR;
        return scaled.compareTo(floor) < 0 ? floor : scaled;
    }
}
