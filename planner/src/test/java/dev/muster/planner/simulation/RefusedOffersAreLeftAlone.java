package dev.muster.planner.simulation;

import dev.muster.planner.core.CloudState;
import dev.muster.planner.core.Command;
import dev.muster.planner.core.FailureKind;
import dev.muster.planner.core.FleetEvent;
import dev.muster.planner.core.OfferKey;
import dev.muster.planner.core.PlanRecord;
import dev.muster.planner.core.Reason;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * An offer that had no capacity is not asked again for a minute, and then by one machine at a time, until one is accepted; where a cluster
 * accepts what it has no room for, until one has found room.
 */
final class RefusedOffersAreLeftAlone implements Invariant {

    private final Map<OfferKey, Instant> refusedAt = new HashMap<>();
    /** Machines that were seen to wait for room. */
    private final Set<String> waiting = new HashSet<>();
    private final Map<String, OfferKey> offers = new HashMap<>();
    /** Machines whose refusal was learned: a record that comes twice is one refusal. */
    private final Set<List<String>> refused = new HashSet<>();

    @Override
    public void check(World world, Fact fact) {
        if (fact instanceof Fact.Learned learned) {
            if (learned.event() instanceof FleetEvent.LaunchRefused refused && refused.kind() == FailureKind.OUT_OF_CAPACITY
                    && this.refused.add(refused.machineIds())) {
                // Part of a batch that was accepted shows room for the part only: it is a refusal like any other.
                refusedAt.put(refused.offer(), refused.at());
            } else if (learned.event() instanceof FleetEvent.LaunchAccepted accepted && offers.containsKey(accepted.batchId())
                    && accepted.machines().get(0).state() != CloudState.WAITING) {
                refusedAt.remove(offers.get(accepted.batchId()));
            }
            for (var machine : PodsWithoutRoomAreFree.facts(learned.event())) {
                if (machine.state() == CloudState.WAITING) {
                    waiting.add(machine.machineId());
                } else if (machine.state().isAlive() && waiting.contains(machine.machineId())) {
                    refusedAt.remove(machine.offer());
                }
            }
        } else if (fact instanceof Fact.Planned planned) {
            for (var record : planned.records()) {
                if (record instanceof PlanRecord.Decided decided && decided.reason() == Reason.NO_ROOM) {
                    decided.machineIds().forEach(id -> planned.fleet().machine(id).ifPresent(machine -> refusedAt.put(machine.offer(), planned.now())));
                }
                if (record instanceof PlanRecord.CommandIssued issued && issued.command() instanceof Command.Launch launch) {
                    judge(planned.now(), launch);
                }
            }
        }
    }

    private void judge(Instant now, Command.Launch launch) {
        offers.put(launch.batchId(), launch.offer());
        var refused = refusedAt.get(launch.offer());
        if (refused == null) {
            return;
        }
        if (now.isBefore(refused.plusSeconds(60))) {
            broken(launch.machineIds() + " ask for " + launch.offer() + ", which was refused at " + refused);
        }
        if (launch.machineIds().size() > 1) {
            broken(launch.machineIds() + " probe " + launch.offer() + " at once");
        }
    }
}
