package dev.muster.provisioner.host;

import dev.muster.telemetry.Traces;
import java.util.List;

/** One command on its way from its offset to its answer. Used by one thread at a time. */
final class Work {

    private final Ownership owner;
    private final long offset;
    private final HostCommand command;
    private final Traces.Step step;
    private boolean maybeMade;
    private int attempts;

    Work(Ownership owner, long offset, HostCommand command) {
        this(owner, offset, command, Traces.OFF.begin("", null, null));
    }

    /** @param step of a trace, under way */
    Work(Ownership owner, long offset, HostCommand command, Traces.Step step) {
        this.owner = owner;
        this.offset = offset;
        this.command = command;
        this.step = step;
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

    /** Of the trace that the command belongs to; it ends with it. */
    Traces.Step step() {
        return step;
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
