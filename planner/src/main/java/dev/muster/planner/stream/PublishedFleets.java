package dev.muster.planner.stream;

import dev.muster.contracts.Times;
import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.Ledger;
import dev.muster.v1.FleetMemory;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.MachineRecord;
import java.time.Instant;
import java.util.List;

/** What the planner's own topics say of fleets, for a partition whose state was lost. */
interface PublishedFleets {

    PublishedFleets NONE = partition -> List.of();

    /** The fleets of an input partition that are declared, deleted ones that are still known included. It may take a while. */
    List<PublishedFleet> ofPartition(int partition);

    /**
     * A fleet as far as the topics know it.
     *
     * @param machines as last published
     * @param plans number of the last plan that emitted something; 0: none is known
     * @param plannedAt its now; {@link Instant#EPOCH}: none is known
     * @param nextMachine counter of the next machine id
     */
    record PublishedFleet(FleetRecord record, List<MachineRecord> machines, long plans, Instant plannedAt, long nextMachine) {

        /** @param now when its state is begun */
        Fleet fleet(Instant now) {
            var head = FleetTranslator.head(record);
            // After the creation, whatever the two clocks say: that is how the fleet knows of the loss.
            var since = now.isAfter(head.createdAt()) ? now : head.createdAt().plusMillis(1);
            var memory = FleetMemory.newBuilder().setNextMachine(nextMachine).setPlans(plans).setStateSince(Times.timestamp(since));
            if (!plannedAt.equals(Instant.EPOCH)) {
                memory.setPlannedAt(Times.timestamp(plannedAt));
            }
            return Fleet.restored(head, FleetTranslator.memory(memory.build()), Ledger.Book.lost(since), machines.stream().map(MachineTranslator::machine).toList(),
                    List.of(), List.of());
        }
    }
}
