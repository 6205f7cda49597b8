package dev.muster.planner.core;

import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a fleet knows beside its head, machines, queues and workers: small, and stored as one value.
 *
 * @param nextMachine counter of the next machine id, from 1
 * @param plans how many plans emitted something
 * @param plannedAt now of the last plan that did; {@link Instant#EPOCH}: none
 * @param strangers machines of ours that the books don't know, as last seen
 * @param stateSince when this state was begun: the fleet's creation, or later, when a planner found the fleet declared and no state of it;
 *     {@link Instant#EPOCH}: not known, in a state of before this was noted
 * @param waitingSince by queue, since when it has had waiting tasks without a break; by the fleet's clock
 * @param adopting by prefix of workers whose machines are to be adopted, when that was asked for
 */
public record FleetMemory(
        long nextMachine, long plans, Instant plannedAt, DemandStatus demand, List<ScopeSeen> scopes, List<Hold> holds,
        List<Rescue> rescues, List<PlanRecord.Refused> refusals, List<FleetEvent.TaskAdrift> adrift,
        List<FleetEvent.MachineFacts> strangers, Instant stateSince, List<PriceKnown> prices, SortedMap<String, Instant> waitingSince,
        SortedMap<String, Instant> adopting, List<Adoption> adoptions, List<TypeKnown> types) {

    public FleetMemory {
        scopes = List.copyOf(scopes);
        holds = List.copyOf(holds);
        rescues = List.copyOf(rescues);
        refusals = List.copyOf(refusals);
        adrift = List.copyOf(adrift);
        strangers = List.copyOf(strangers);
        prices = List.copyOf(prices);
        waitingSince = Collections.unmodifiableSortedMap(new TreeMap<>(waitingSince));
        adopting = Collections.unmodifiableSortedMap(new TreeMap<>(adopting));
        adoptions = List.copyOf(adoptions);
        types = List.copyOf(types);
    }

    /**
     * What a machine type is, as its provider said last.
     *
     * @param liveMarks a machine sees a mark that is written while it runs
     */
    public record TypeKnown(String provider, String machineType, int vcpus, long memoryMib, int gpus, String gpuModel, String architecture,
            boolean liveMarks) {

        String key() {
            return provider + "/" + machineType;
        }
    }

    /**
     * A price as last reported.
     *
     * @param perHour micro-units an hour; 0: none was good yet
     * @param source where from, for people
     * @param ignored a later one that can't be right, as reported; empty: there is none
     */
    public record PriceKnown(OfferKey offer, long perHour, Instant asOf, String source, String ignored) {}

    /**
     * How well the queues and workers are known.
     *
     * @param source whose looks count now; empty: none was ever seen
     * @param heardAt append time of the last good look; EPOCH: never
     * @param lookStartedAt when the last good look began, by the watcher's clock
     * @param previousLookStartedAt when the one before it began
     * @param workersKnown false until a full list of workers, and after a gap until the next
     * @param failure what the last look failed with; empty: it was good
     */
    public record DemandStatus(String source, long generation, long sequence, long tick, Duration interval, Instant heardAt,
            Instant lookStartedAt, Instant previousLookStartedAt, boolean workersKnown, String failure) {

        public static final DemandStatus NEVER = new DemandStatus(
                "", 0, 0, 0, Duration.ZERO, Instant.EPOCH, Instant.EPOCH, Instant.EPOCH, false, "");
    }

    /**
     * How well one scope is known.
     *
     * @param listedAt append time of the last complete list; EPOCH: never
     * @param listStartedAt when that list began, by the provisioner's clock
     * @param failure why the newest list is not complete; empty: it is
     * @param foreignCluster another live installation's Kafka cluster; empty: none
     */
    public record ScopeSeen(String scope, long generation, long sequence, Instant listedAt, Instant listStartedAt, String failure,
            String foreignCluster) {}
}
