package dev.muster.planner.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * Makes a failing plot smaller, as long as the same invariant fails: fewer happenings first (delta debugging), then less of each, then a
 * smaller world. Deterministic.
 */
final class Shrinker {

    /** Runs at most: a shrink that goes on for long is worth less than its wait. */
    private static final int MOST_RUNS = 250;

    private final Bug bug;
    private final String invariant;
    private Plot best;
    private int runs;

    private Shrinker(Plot plot, Bug bug, String invariant) {
        this.best = plot;
        this.bug = bug;
        this.invariant = invariant;
    }

    static Plot shrink(Plot plot, Bug bug, String invariant) {
        var shrinker = new Shrinker(plot, bug, invariant);
        int before;
        do {
            before = shrinker.best.happenings().size();
            shrinker.leaveOut();
        } while (shrinker.best.happenings().size() < before);
        shrinker.lessen();
        shrinker.tryShape(Shape::withOnePool);
        shrinker.tryShape(Shape::withOneOffer);
        shrinker.tryShape(Shape::withoutPods);
        shrinker.tryShape(Shape::withoutExtras);
        shrinker.tryShape(Shape::withoutBudgets);
        shrinker.tryShape(Shape::plain);
        shrinker.leaveOut();
        return shrinker.best;
    }

    private boolean stillFails(Plot candidate) {
        if (runs++ >= MOST_RUNS) {
            return false;
        }
        if (invariant.equals(Simulation.run(candidate, bug).invariant())) {
            best = candidate;
            return true;
        }
        return false;
    }

    /** Halves, quarters and so on, down to single ones. */
    private void leaveOut() {
        for (int size = Math.max(1, best.happenings().size() / 2); size >= 1; size /= 2) {
            for (int from = 0; from < best.happenings().size();) {
                var fewer = new ArrayList<>(best.happenings());
                fewer.subList(from, Math.min(from + size, fewer.size())).clear();
                if (!stillFails(best.with(fewer))) {
                    from += size;
                }
            }
        }
    }

    /** One task in place of many, and half as long. */
    private void lessen() {
        for (int i = 0; i < best.happenings().size(); i++) {
            var happening = best.happenings().get(i);
            if (happening.kind() == Happening.Kind.TASKS_ARRIVE && happening.size() > 1) {
                replace(i, new Happening(happening.at(), happening.kind(), 0, happening.which(), 1));
            } else {
                while (happening.lasts() > 1000 && replace(i, new Happening(happening.at(), happening.kind(), happening.lasts() / 2,
                        happening.which(), happening.size()))) {
                    happening = best.happenings().get(i);
                }
            }
        }
    }

    private boolean replace(int index, Happening smaller) {
        List<Happening> next = new ArrayList<>(best.happenings());
        next.set(index, smaller);
        return stillFails(best.with(next));
    }

    private void tryShape(UnaryOperator<Shape> smaller) {
        stillFails(best.with(smaller.apply(best.shape())));
    }
}
