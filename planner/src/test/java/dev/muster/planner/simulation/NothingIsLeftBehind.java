package dev.muster.planner.simulation;

import dev.muster.planner.core.FleetHead;

/** Once faults have stopped, no machine is there that nothing needs, and the server lists no worker of a machine that is gone. */
final class NothingIsLeftBehind implements Invariant {

    /** A minute between two tries to have a worker forgotten, and what it takes to see that its machine is gone, some of it twice. */
    private static final long FORGETS_WITHIN = 300_000;

    @Override
    public void check(World world, Fact fact) {
        // It is about the end.
    }

    @Override
    public void checkWhileSettling(World world) {
        if (world.settledFor() > FORGETS_WITHIN) {
            var listed = world.deadWorkers(FORGETS_WITHIN);
            if (!listed.isEmpty()) {
                broken("the server still lists " + listed + ", whose machines are gone");
            }
        }
    }

    @Override
    public void checkAtRest(World world) {
        var fleet = world.planner().fleet();
        var isReleased = fleet.head().isEnding() && fleet.head().action() == FleetHead.ShutdownAction.LEAVE;
        if (!fleet.head().isEnding() && !world.leftToOthers().isEmpty()) {
            broken(world.leftToOthers() + " were to be adopted and were not; the planner refuses: "
                    + fleet.refusals().stream().map(refused -> refused.text()).toList());
        }
        for (var machine : world.cloud().there()) {
            if (machine.isOurs() && !isReleased && fleet.active().values().stream().noneMatch(known -> known.cloudId().equals(machine.cloudId))) {
                broken(machine + " is there, and the planner does not know of it");
            }
        }
        for (var pool : fleet.spec().pools()) {
            var there = world.cloud().there().stream().filter(machine -> machine.isOurs() && machine.pool.equals(pool.name())).toList();
            var needed = world.kept(pool);
            var busy = there.stream().filter(machine -> !machine.tasks().isEmpty()).count();
            if (!isReleased && busy == 0 && there.size() > needed) {
                broken(there + " of " + pool.name() + " are there, and " + needed + " are needed");
            }
        }
    }
}
