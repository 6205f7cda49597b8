package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.v1.Command;
import dev.muster.v1.DecisionEvent;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two planners share the fleets; one dies, or stands still and comes back. */
@Tag("long")
class TakeOverIT {

    private static final List<String> FLEETS = IntStream.range(0, 12).mapToObj(i -> "fleet-" + i).toList();

    @TempDir
    Path folder;

    private Planners planners;
    private int waiting;

    @BeforeEach
    void start() throws Exception {
        planners = new Planners(folder, 4);
        planners.start("one", "160m");
        planners.start("two", "160m");
        FLEETS.forEach(fleet -> planners.declare(fleet, 1_000));
        planners.await("both to be ready", () -> planners.isReady("one") && planners.isReady("two"));
        FLEETS.forEach(fleet -> planners.listed(fleet, List.of()));
        // Ownership moves once the second planner's copies are warm.
        planners.await("both to own fleets", () -> {
            moreWaits();
            return owners().values().stream().distinct().count() == 2;
        });
    }

    @AfterEach
    void end() {
        planners.close();
    }

    /** One more task waits in each fleet: each must become one machine. */
    private void moreWaits() {
        waiting++;
        FLEETS.forEach(fleet -> {
            planners.listed(fleet, List.of());
            planners.looked(fleet, waiting);
        });
        planners.flush();
        try {
            TimeUnit.MILLISECONDS.sleep(500);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Who wrote the last plan of each fleet. */
    private Map<String, String> owners() {
        var owners = new HashMap<String, String>();
        for (var record : planners.records(planners.topics.decisions())) {
            var event = decision(record.value());
            if (event.hasPlanMade()) {
                owners.put(event.getFleet(), Planners.instance(record));
            }
        }
        return owners;
    }

    private static DecisionEvent decision(byte[] value) {
        try {
            return DecisionEvent.parseFrom(value);
        } catch (com.google.protobuf.InvalidProtocolBufferException unreadable) {
            throw new IllegalStateException(unreadable);
        }
    }

    @Test
    void aKilledPlannersFleetsArePlannedByTheOther() throws Exception {
        planners.kill("one");
        var killed = Instant.now();
        awaitOwner("two");
        System.out.println("take-over after kill -9 of twelve small fleets: " + Duration.between(killed, Instant.now()).toMillis() + " ms");
        everyIdIsLaunchedOnce();
    }

    /** A minute is longer than every time-out: what it wrote last was undone, and what it would write next is refused. */
    @Test
    void aPlannerThatStoodStillForAMinuteWritesNothingMore() throws Exception {
        planners.signal("one", "STOP");
        var stopped = System.nanoTime();
        try {
            awaitOwner("two");
            while (System.nanoTime() - stopped < TimeUnit.SECONDS.toNanos(60)) {
                moreWaits();
            }
        } finally {
            planners.signal("one", "CONT");
        }
        planners.await("the planner to come back", () -> {
            moreWaits();
            return planners.isReady("one");
        });
        for (var i = 0; i < 10; i++) {
            moreWaits();
        }
        nothingOfADeposedOwner();
        everyIdIsLaunchedOnce();
    }

    private void awaitOwner(String instance) throws InterruptedException {
        planners.await(instance + " to plan all fleets", () -> {
            moreWaits();
            var owners = owners();
            return FLEETS.stream().allMatch(fleet -> instance.equals(owners.get(fleet)));
        });
    }

    /**
     * A new owner says that it has loaded a fleet before it writes anything else of it: what comes from another instance after that, without
     * such a word of its own, is of one that owns it no more. The numbers of its plans go up by one.
     */
    private void nothingOfADeposedOwner() {
        var owner = new HashMap<String, String>();
        var plan = new HashMap<String, Long>();
        for (var record : planners.records(planners.topics.decisions())) {
            var event = decision(record.value());
            var instance = Planners.instance(record);
            if (event.hasLoaded() || !owner.containsKey(event.getFleet())) {
                owner.put(event.getFleet(), instance);
            }
            assertThat(instance).as("who writes %s of %s", event.getDecisionId(), event.getFleet()).isEqualTo(owner.get(event.getFleet()));
            if (event.hasPlanMade()) {
                assertThat(event.getPlan()).isEqualTo(plan.getOrDefault(event.getFleet(), 0L) + 1);
                plan.put(event.getFleet(), event.getPlan());
            }
        }
        assertThat(owner.keySet()).isEqualTo(new HashSet<>(FLEETS));
    }

    private void everyIdIsLaunchedOnce() throws Exception {
        nothingOfADeposedOwner();
        var launched = new TreeSet<String>();
        Set<String> twice = new TreeSet<>();
        for (var record : planners.records(planners.topics.commands("aws"))) {
            for (var id : Command.parseFrom(record.value()).getLaunch().getMachineIdsList()) {
                if (!launched.add(id)) {
                    twice.add(id);
                }
            }
        }
        assertThat(twice).isEmpty();
        // Each fleet asked for one machine a waiting task, no more, whoever planned it.
        for (var fleet : FLEETS) {
            var prefix = "m" + Planners.incarnation(fleet) + "-";
            assertThat(launched.stream().filter(id -> id.startsWith(prefix)).count()).as(fleet).isBetween(1L, (long) waiting);
        }
    }
}
