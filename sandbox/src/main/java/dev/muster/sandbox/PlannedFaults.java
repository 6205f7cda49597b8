package dev.muster.sandbox;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Faults that are to meet something, each used up after the number of times given. Not thread-safe.
 *
 * @param <W> which things a fault is to meet
 * @param <F> the fault
 */
public final class PlannedFaults<W, F> {

    private final List<Planned<W, F>> all = new ArrayList<>();

    private static final class Planned<W, F> {
        private final W which;
        private final F fault;
        private int times;

        Planned(W which, F fault, int times) {
            this.which = which;
            this.fault = fault;
            this.times = times;
        }
    }

    public void add(W which, int times, F fault) {
        if (times < 1) {
            throw new IllegalArgumentException("times is " + times + "; it must be at least 1");
        }
        all.add(new Planned<>(which, fault, times));
    }

    public void clear() {
        all.clear();
    }

    /** The first that matches and is of this kind, counted as used. */
    public Optional<F> take(Predicate<W> matches, Predicate<F> kind) {
        for (Iterator<Planned<W, F>> i = all.iterator(); i.hasNext();) {
            var planned = i.next();
            if (matches.test(planned.which) && kind.test(planned.fault)) {
                if (--planned.times == 0) {
                    i.remove();
                }
                return Optional.of(planned.fault);
            }
        }
        return Optional.empty();
    }

    /** The first of each kind, which is its class, that matches, counted as used. */
    public List<F> takeOfEachKind(Predicate<W> matches) {
        var taken = new ArrayList<F>();
        Predicate<F> another = fault -> taken.stream().noneMatch(other -> other.getClass() == fault.getClass());
        for (var next = take(matches, another); next.isPresent(); next = take(matches, another)) {
            taken.add(next.get());
        }
        return taken;
    }
}
