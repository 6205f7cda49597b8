package dev.muster.planner.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;

/** Runs many seeds on all cores. Each run is of one thread, so that what comes out doesn't depend on how many there are. */
final class Seeds {

    /**
     * What came of them.
     *
     * @param violations by seed, at most as many as were asked for
     * @param count seeds that were run
     * @param tally of all of them
     */
    record Result(TreeMap<Long, Outcome> violations, long count, Tally tally) {

        static final Result NONE = new Result(new TreeMap<>(), 0, Tally.NONE);

        Result plus(Result other) {
            var both = new TreeMap<>(violations);
            both.putAll(other.violations);
            return new Result(both, count + other.count, tally.plus(other.tally));
        }
    }

    private Seeds() {}

    /** Runs seeds from {@code from}, inclusive, to {@code to}, exclusive. */
    static Result run(long from, long to, Bug bug) {
        return run(from, to, bug, false);
    }

    /** The lowest seed that fails, and how; later ones may not have been run. */
    static Optional<Long> firstFailing(long from, long to, Bug bug) {
        var violations = run(from, to, bug, true).violations;
        return violations.isEmpty() ? Optional.empty() : Optional.of(violations.firstKey());
    }

    private static Result run(long from, long to, Bug bug, boolean onlyFirst) {
        var threads = Runtime.getRuntime().availableProcessors();
        var next = new AtomicLong(from);
        var lowest = new AtomicLong(Long.MAX_VALUE);
        var pool = Executors.newFixedThreadPool(threads);
        try {
            var parts = new ArrayList<Future<Result>>();
            for (int t = 0; t < threads; t++) {
                parts.add(pool.submit(() -> {
                    var found = new TreeMap<Long, Outcome>();
                    var count = 0;
                    var tally = Tally.NONE;
                    for (var seed = next.getAndIncrement(); seed < to && (!onlyFirst || seed < lowest.get()); seed = next.getAndIncrement()) {
                        var outcome = Simulation.run(Plot.of(seed), bug);
                        count++;
                        tally = tally.plus(outcome.tally());
                        if (outcome.isViolation()) {
                            found.put(seed, outcome);
                            lowest.accumulateAndGet(seed, Math::min);
                        }
                    }
                    return new Result(found, count, tally);
                }));
            }
            var all = Result.NONE;
            for (var part : parts) {
                all = all.plus(part.get());
            }
            return all;
        } catch (ExecutionException failed) {
            throw new IllegalStateException("a run failed outside its world", failed.getCause());
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("the runs were interrupted", interrupted);
        } finally {
            pool.shutdownNow();
        }
    }

    /** What a person needs to see, and to repeat, a failing seed. */
    static String story(long seed, Bug bug) {
        var outcome = Simulation.run(Plot.of(seed), bug);
        var small = Shrinker.shrink(Plot.of(seed), bug, outcome.invariant());
        var trace = new StringBuilder();
        var again = Simulation.run(small, bug, trace);
        var lines = trace.toString().lines().toList();
        var last = lines.subList(Math.max(0, lines.size() - 200), lines.size());
        var story = new StringBuilder();
        story.append("%nSeed %d breaks %s%n  %s%n".formatted(seed, outcome.invariant(), outcome.what()));
        story.append("Shrunk from %d happenings to %d:%n".formatted(Plot.of(seed).happenings().size(), small.happenings().size()));
        small.happenings().forEach(happening -> story.append("  ").append(happening).append(System.lineSeparator()));
        story.append("In this world: ").append(small.shape()).append(System.lineSeparator());
        story.append("What happens (the last ").append(last.size()).append(" lines; seconds of virtual time first):").append(System.lineSeparator());
        last.forEach(line -> story.append(line).append(System.lineSeparator()));
        story.append("%s, at %.1f s: %s%n".formatted(again.invariant(), again.at() / 1000.0, again.what()));
        story.append("To repeat it: mvn -B verify -pl planner -am -Dtest=SimulationTest -Dsurefire.failIfNoSpecifiedTests=false -Dsimulation.seed=").append(seed)
                .append(System.lineSeparator());
        return story.toString();
    }

    /** Names of invariants with how many seeds broke each, and the first of them. */
    static List<String> summary(Result result) {
        var counts = new TreeMap<String, Integer>();
        var first = new TreeMap<String, Long>();
        result.violations.forEach((seed, outcome) -> {
            counts.merge(outcome.invariant(), 1, Integer::sum);
            first.putIfAbsent(outcome.invariant(), seed);
        });
        return counts.entrySet().stream().map(e -> e.getKey() + ": " + e.getValue() + " seeds, first " + first.get(e.getKey())).toList();
    }
}
