package dev.muster.provisioner.spi;

import java.util.List;
import java.util.Optional;

/**
 * What a scope has.
 *
 * @param incomplete what part could not be read, and why; empty if this is all of it
 */
public record MachineList(List<MachineSeen> machines, Optional<ProviderException> incomplete) {

    public MachineList {
        machines = List.copyOf(machines);
    }

    public static MachineList complete(List<MachineSeen> machines) {
        return new MachineList(machines, Optional.empty());
    }
}
