package dev.muster.planner.core;

import java.time.Duration;
import java.util.List;

/**
 * A named set of interchangeable machines.
 *
 * @param offers at least one, in the order in which they are tried when listed
 * @param slots tasks at once on one machine, at least 1
 * @param idleTimeout how long a machine stays idle before it drains
 * @param bootDeadline from the launch until the cloud shows it running
 * @param registrationDeadline from the launch until its worker registers
 * @param launchesPerMinute 0: no limit
 * @param unregistered most machines at once without a worker; 0: no limit
 */
public record Pool(
        String name, List<Offer> offers, Order order, Limits limits, int slots, Duration idleTimeout, Duration bootDeadline,
        Duration registrationDeadline, int launchesPerMinute, int unregistered, boolean paused) {

    /** In which order several choices are tried. */
    public enum Order { LISTED, CHEAPEST }

    public Pool {
        offers = List.copyOf(offers);
        if (offers.isEmpty() || slots < 1) {
            throw new IllegalArgumentException("pool " + name + " needs an offer and a slot");
        }
    }
}
