package dev.muster.provisioner.spi;

import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * What a cloud made of a batch.
 *
 * @param machines by launch index
 * @param undelivered launch indexes without a machine, ascending
 * @param why they are left out, where the cloud says; empty: it has none left
 */
public record Delivery(List<MachineSeen> machines, List<Integer> undelivered, Optional<ProviderException> why) {

    public Delivery {
        machines = List.copyOf(machines);
        undelivered = List.copyOf(undelivered);
    }

    /** The rest of the batch's {@code size} indexes are undelivered. */
    public static Delivery of(List<MachineSeen> machines, int size) {
        var sorted = machines.stream().sorted((a, b) -> Integer.compare(a.launchIndex(), b.launchIndex())).toList();
        var there = sorted.stream().map(MachineSeen::launchIndex).toList();
        return new Delivery(sorted, IntStream.range(0, size).boxed().filter(index -> !there.contains(index)).toList(), Optional.empty());
    }

    /** The same, and why the rest is left out. */
    public Delivery because(ProviderException why) {
        return new Delivery(machines, undelivered, Optional.of(why));
    }

    public boolean isEmpty() {
        return machines.isEmpty();
    }
}
