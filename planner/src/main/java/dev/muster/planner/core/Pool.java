package dev.muster.planner.core;

import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A named set of interchangeable machines.
 *
 * @param offers at least one, in the order in which they are tried when listed
 * @param warm machines kept idle beyond what works, up to the maximum
 * @param slots tasks at once on one machine, at least 1
 * @param idleTimeout how long a machine stays idle before it drains
 * @param bootDeadline from the launch until the cloud shows it running
 * @param registrationDeadline from the launch until its worker registers
 * @param reserveFor the longest task to expect, boot and drain included: what a machine reserves of a day's or month's budget
 * @param scaleOutDelay how long a queue must have waited before it gets a machine of this pool
 * @param launchesPerMinute 0: no limit
 * @param unregistered most machines at once without a worker; 0: no limit
 */
public record Pool(
        String name, List<Offer> offers, Order order, Limits limits, int warm, int slots, Duration idleTimeout, Duration bootDeadline,
        Duration registrationDeadline, Duration reserveFor, Duration scaleOutDelay, int launchesPerMinute, int unregistered,
        boolean paused, Leaving leaving, Spot spot, Costs costs, List<Budget> budgets, List<Schedule> schedules, Pods pods) {

    /** In which order several choices are tried. */
    public enum Order { LISTED, CHEAPEST }

    /**
     * What keeps its machines, and what doesn't.
     *
     * @param maxAge drained at this age; null: none
     * @param leastPaid not released for idleness before it was paid for this long
     * @param scaleInDelay no release for idleness sooner than this after the last launch
     * @param draining machines that may leave at once by the planner's own choice; 0: no limit
     */
    public record Leaving(Duration maxAge, Duration leastPaid, Duration scaleInDelay, int draining) {
        public static final Leaving DEFAULT = new Leaving(null, Duration.ZERO, Duration.ZERO, 0);
    }

    /**
     * How spot gives way to on-demand.
     *
     * @param rollbackAfter on-demand offers behind spot offers wait until spot was refused for this long
     * @param blackout after that, no spot offer is tried for this long
     */
    public record Spot(Duration rollbackAfter, Duration blackout) {
        public static final Spot DEFAULT = new Spot(Duration.ZERO, Duration.ZERO);
    }

    /**
     * What holds where a machine is a pod of a cluster.
     *
     * @param taskBound each is made for one waiting task
     * @param patience how long one may wait for room; null: for ever
     * @param failing reasons of an end under its task with which the task is failed and not put back
     * @param requests of one machine, by resource, in thousandths
     */
    public record Pods(boolean taskBound, Duration patience, Set<String> failing, SortedMap<String, Long> requests) {
        public static final Pods NONE = new Pods(false, null, Set.of(), Collections.emptySortedMap());

        public Pods {
            failing = Set.copyOf(failing);
            requests = Collections.unmodifiableSortedMap(new TreeMap<>((Map<String, Long>) requests));
        }
    }

    /** Of a cloud whose machines are no pods. */
    public Pool(String name, List<Offer> offers, Order order, Limits limits, int warm, int slots, Duration idleTimeout, Duration bootDeadline,
            Duration registrationDeadline, Duration reserveFor, Duration scaleOutDelay, int launchesPerMinute, int unregistered,
            boolean paused, Leaving leaving, Spot spot, Costs costs, List<Budget> budgets, List<Schedule> schedules) {
        this(name, offers, order, limits, warm, slots, idleTimeout, bootDeadline, registrationDeadline, reserveFor, scaleOutDelay, launchesPerMinute,
                unregistered, paused, leaving, spot, costs, budgets, schedules, Pods.NONE);
    }

    public Pool {
        offers = List.copyOf(offers);
        budgets = List.copyOf(budgets);
        schedules = List.copyOf(schedules);
        if (offers.isEmpty() || slots < 1) {
            throw new IllegalArgumentException("pool " + name + " needs an offer and a slot");
        }
    }

    /** The offer of that key; null: it has none. */
    Offer offer(OfferKey key) {
        for (var offer : offers) {
            if (offer.key().equals(key)) {
                return offer;
            }
        }
        return null;
    }

    public boolean hasSpot() {
        return offers.stream().anyMatch(offer -> offer.key().market() == Market.SPOT);
    }
}
