package dev.muster.planner.simulate;

/** One agent of a machine, which is one worker of the queue system: asks its queues in order, and runs one task at a time. */
final class SimAgent {

    final SimMachine machine;
    final String workerId;
    /** What it runs; stays after its machine was taken away, as the server's list does. */
    SimTask task;
    long taskStarted = -1;
    /** Its last poll; it polls at fixed distances from it. */
    long polled;
    boolean pollPlanned;

    SimAgent(SimMachine machine, String workerId) {
        this.machine = machine;
        this.workerId = workerId;
    }

    boolean isFree() {
        return task == null && !machine.gateClosed && machine.isAlive();
    }
}
