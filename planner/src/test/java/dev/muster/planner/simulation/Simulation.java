package dev.muster.planner.simulation;

/** Runs one plot to its end: faults, then time to settle, then the questions that are asked at rest. */
final class Simulation {

    /** Holds of 16 min, probes after 10, workers listed for 10: whatever is not quiet after so long never will be. */
    static final long SETTLES = 5_400_000;
    private static final long LOOKS_EVERY = 15_000;

    private Simulation() {}

    static Outcome run(Plot plot, Bug bug) {
        return run(plot, bug, null);
    }

    /** @param trace told what happens; null: nobody wants to know */
    static Outcome run(Plot plot, Bug bug, StringBuilder trace) {
        World world = null;
        var invariants = Invariants.all();
        try {
            world = new World(plot, bug.fresh(), invariants, trace);
            var end = plot.faultsStop() + SETTLES;
            for (var look = plot.faultsStop(); look <= end; look += LOOKS_EVERY) {
                while (world.step(look)) {
                    // One step after the other.
                }
                if (world.isQuiet()) {
                    break;
                }
                for (var invariant : invariants) {
                    invariant.checkWhileSettling(world);
                }
            }
            for (var invariant : invariants) {
                invariant.checkAtRest(world);
            }
            return new Outcome(null, null, world.now(), world.tally());
        } catch (Violated violated) {
            return new Outcome(violated.invariant(), violated.getMessage(), world == null ? 0 : world.now(), world == null ? Tally.NONE : world.tally());
        } catch (RuntimeException failed) {
            var where = failed.getStackTrace().length == 0 ? "" : " at " + failed.getStackTrace()[0];
            return new Outcome("TheCoreNeverFails", failed + where, world == null ? 0 : world.now(), world == null ? Tally.NONE : world.tally());
        }
    }
}
