package dev.muster.provisioner.host;

import java.util.List;

/** One command on its way from its offset to its answer. Used by one thread at a time. */
final class Work {

    private final Ownership owner;
    private final long offset;
    private final HostCommand command;
    private boolean maybeMade;
    private int attempts;

    Work(Ownership owner, long offset, HostCommand command) {
        this.owner = owner;
        this.offset = offset;
        this.command = command;
        this.maybeMade = owner.mayHaveBeenBegun(offset);
    }

    Ownership owner() {
        return owner;
    }

    long offset() {
        return offset;
    }

    HostCommand command() {
        return command;
    }

    List<String> machineIds() {
        return command.machineIds();
    }

    /** The cloud may have been asked before: by a predecessor, or by a call whose answer was lost. */
    boolean isMaybeMade() {
        return maybeMade;
    }

    void maybeMade() {
        maybeMade = true;
    }

    /** Calls that were not answered, so far. */
    int attempts() {
        return attempts;
    }

    void attempted() {
        attempts++;
    }
}
