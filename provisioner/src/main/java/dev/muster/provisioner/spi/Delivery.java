package dev.muster.provisioner.spi;

import java.util.List;
import java.util.stream.IntStream;

/**
 * What a cloud made of a batch.
 *
 * @param machines by launch index
 * @param undelivered launch indexes without a machine, ascending
 */
public record Delivery(List<MachineSeen> machines, List<Integer> undelivered) {

    public Delivery {
        machines = List.copyOf(machines);
        undelivered = List.copyOf(undelivered);
    }

    /** The rest of the batch's {@code size} indexes are undelivered. */
    public static Delivery of(List<MachineSeen> machines, int size) {
        var sorted = machines.stream().sorted((a, b) -> Integer.compare(a.launchIndex(), b.launchIndex())).toList();
        var there = sorted.stream().map(MachineSeen::launchIndex).toList();
        return new Delivery(sorted, IntStream.range(0, size).boxed().filter(index -> !there.contains(index)).toList());
    }

    public boolean isEmpty() {
        return machines.isEmpty();
    }
}
