package dev.muster.planner.simulation;

import dev.muster.planner.core.CloudNote;
import dev.muster.planner.simulation.Happening.Kind;
import java.util.ArrayDeque;
import java.util.Deque;

/** The nodes that pods of one offer may be placed on, and the cluster's own autoscaler, which may add some. */
final class SimulatedNodes {

    /** As many as one group of nodes may have. */
    private static final int MOST = 6;

    private final World world;
    private final Dice dice;
    /** Of the offer among those of the world. */
    private final int index;
    private final Shape.NodesShape shape;
    private final Deque<SimulatedMachine> waiting = new ArrayDeque<>();
    private int taken;
    private int added;
    private boolean isAdding;
    /** Room that people have made once faults have stopped. */
    private int least;

    SimulatedNodes(World world, int index, Shape.NodesShape shape) {
        this.world = world;
        this.dice = world.dice("nodes " + index);
        this.index = index;
        this.shape = shape;
    }

    private int room() {
        return Math.min(Math.max(shape.room() + added, least), world.sizeOf(Kind.CAPACITY, index, world.shape().offers().size()));
    }

    void arrives(SimulatedMachine pod) {
        waiting.add(pod);
        lookSoon();
    }

    /** One that waits no longer, or whose room is free again. */
    void leaves(SimulatedMachine pod, boolean wasPlaced) {
        if (wasPlaced) {
            taken--;
            lookSoon();
        } else {
            waiting.remove(pod);
        }
    }

    void makeRoom() {
        least = shape.staysFull() ? 0 : shape.least();
        lookSoon();
    }

    void lookSoon() {
        world.after(dice.between(50, 2000), this::look);
    }

    private void look() {
        while (!waiting.isEmpty() && taken < room()) {
            taken++;
            waiting.poll().place();
        }
        for (var pod : waiting) {
            pod.note(new CloudNote("Unschedulable", "0/" + room() + " nodes are available", false));
        }
        if (!waiting.isEmpty() && shape.addsAfter() > 0 && !isAdding && shape.room() + added < MOST) {
            isAdding = true;
            world.after(shape.addsAfter(), () -> {
                isAdding = false;
                added++;
                world.trace("cloud", () -> "has a node more for " + world.shape().offers().get(index).key());
                look();
            });
        }
    }
}
