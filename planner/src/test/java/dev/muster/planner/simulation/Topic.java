package dev.muster.planner.simulation;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** One partition of one topic: records in the order in which they were appended, each with its append time. */
final class Topic<T> {

    private final List<T> log = new ArrayList<>();
    private final World world;
    private final String name;
    private final int duplicates;
    private final Dice dice;
    private final Runnable appended;
    private long lastArrival;

    /**
     * @param duplicates of a hundred records, how many come twice
     * @param appended called after each append
     */
    Topic(World world, String name, int duplicates, Runnable appended) {
        this.world = world;
        this.name = name;
        this.duplicates = duplicates;
        this.dice = world.dice("topic " + name);
        this.appended = appended;
    }

    /** Sends a record that takes {@code delay} ms. One producer's records stay in order; one that comes twice comes again later. */
    void send(long delay, Function<Instant, T> record) {
        lastArrival = Math.max(lastArrival, world.now() + delay);
        world.at(lastArrival, () -> append(record));
        if (duplicates > 0 && dice.chance(duplicates)) {
            world.at(lastArrival + dice.between(1, 5000), () -> append(record));
        }
    }

    void append(Function<Instant, T> record) {
        log.add(record.apply(world.instant()));
        appended.run();
    }

    T get(int offset) {
        return log.get(offset);
    }

    int size() {
        return log.size();
    }

    @Override
    public String toString() {
        return name;
    }
}
