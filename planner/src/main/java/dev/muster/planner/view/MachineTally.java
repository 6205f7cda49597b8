package dev.muster.planner.view;

import dev.muster.v1.MachineRecord;
import dev.muster.v1.Phase;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What there is of a fleet's machines, of those that count.
 *
 * @param byPhase by the phase's name
 * @param unpriced machines without a known price
 * @param microsPerHour what those with one are committed to, micro-units an hour
 */
record MachineTally(Map<String, Integer> byPhase, int busy, int idle, int unpriced, long microsPerHour) {

    static MachineTally of(List<MachineRecord> machines) {
        var byPhase = new TreeMap<String, Integer>();
        int busy = 0;
        int idle = 0;
        int unpriced = 0;
        long rate = 0;
        for (var machine : machines) {
            if (!machine.getCounted()) {
                continue;
            }
            byPhase.merge(machine.getPhase().name(), 1, Integer::sum);
            if (machine.getTasksCount() > 0) {
                busy++;
            } else if (machine.getPhase() == Phase.READY) {
                idle++;
            }
            if (machine.hasCommittedMicrosPerHour()) {
                rate += machine.getCommittedMicrosPerHour();
            } else {
                unpriced++;
            }
        }
        return new MachineTally(byPhase, busy, idle, unpriced, rate);
    }
}
