package dev.muster.sandbox.machine;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Decides on one machine which pops may pass, and when the machine may power off: every agent's pop goes through here, so a
 * release can never race with one. A value: each event gives the next gate and what to do; it knows no clock, no network and
 * no process.
 *
 * @param state    what it does with pops
 * @param inFlight pops that were forwarded and whose answer has neither come nor been given up
 * @param held     tasks that a pop brought and that have not started yet, each with its agent's slot
 * @param running  tasks whose process runs
 * @param ordinal  of the newest mark that was heeded; {@link Long#MIN_VALUE} before the first
 */
public record Gate(State state, int inFlight, SortedMap<String, Integer> held, SortedSet<String> running, long ordinal) {

    /** What the gate does with pops. */
    public enum State {
        /** Pops pass. */
        OPEN,
        /** Pops find an empty queue; a later mark may open the gate again as long as the machine is on. */
        DRAINING,
        /** Pops find an empty queue and no mark opens the gate again: the machine is being taken back, or its agents are gone. */
        CLOSING,
        /** The power-off was asked for; nothing counts any more. */
        OFF
    }

    /** What a provider wrote on the machine. */
    public enum Mark { NONE, DRAIN, DRAIN_NOW, RELEASED }

    /** What can happen. */
    public enum Kind {
        /** An agent asks for a task. */
        POP_ASKED,
        /** A forwarded pop found an empty queue. */
        POP_ANSWERED_EMPTY,
        /** A forwarded pop brought a task. */
        POP_ANSWERED_TASK,
        /** A forwarded pop's answer was an error or got lost; if the server did pop a task, it is adrift and others rescue it. */
        POP_FAILED,
        /** The task of a late pop was put back, or that was given up. */
        PUT_BACK_ENDED,
        /** A task's process runs. */
        TASK_STARTED,
        /** A task's process has ended, or the task was dropped before it started. */
        TASK_ENDED,
        /** The mark was read: no mark, or a mark for an open gate. */
        MARKED_OPEN,
        /** The mark was read: drain. */
        MARKED_DRAIN,
        /** The mark was read: drain now. */
        MARKED_DRAIN_NOW,
        /** The cloud announced that it takes the machine back. */
        NOTICE_SEEN,
        /** The machine ends in a moment: nothing on it may report any more. */
        NOTICE_DUE,
        /** The agents' processes are gone. */
        AGENTS_GONE
    }

    /** What to do about an event, in the order given. */
    public enum Action {
        /** Send the pop to ClearML. */
        FORWARD,
        /** Answer the pop at once as an empty queue does. */
        ANSWER_EMPTY,
        /** Give the pop's answer to its agent. */
        DELIVER,
        /** Put the task of the pop's answer back into its queue: no agent will take it. */
        PUT_BACK,
        /** Kill agents and tasks so that they report nothing. */
        KILL,
        /** Shut the machine down. */
        POWER_OFF
    }

    /**
     * Something that happened.
     *
     * @param agent   the slot of the agent concerned; -1 where none is
     * @param task    the task concerned; null where none is
     * @param ordinal of a mark; 0 otherwise
     */
    public record Event(Kind kind, int agent, String task, long ordinal) {

        public static Event popAsked(int agent) {
            return new Event(Kind.POP_ASKED, agent, null, 0);
        }

        public static Event popAnsweredEmpty(int agent) {
            return new Event(Kind.POP_ANSWERED_EMPTY, agent, null, 0);
        }

        public static Event popAnsweredTask(int agent, String task) {
            return new Event(Kind.POP_ANSWERED_TASK, agent, task, 0);
        }

        public static Event popFailed(int agent) {
            return new Event(Kind.POP_FAILED, agent, null, 0);
        }

        public static Event putBackEnded() {
            return new Event(Kind.PUT_BACK_ENDED, -1, null, 0);
        }

        public static Event taskStarted(String task) {
            return new Event(Kind.TASK_STARTED, -1, task, 0);
        }

        public static Event taskEnded(String task) {
            return new Event(Kind.TASK_ENDED, -1, task, 0);
        }

        public static Event markSeen(Mark mark, long ordinal) {
            return new Event(switch (mark) {
                case NONE, RELEASED -> Kind.MARKED_OPEN;
                case DRAIN -> Kind.MARKED_DRAIN;
                case DRAIN_NOW -> Kind.MARKED_DRAIN_NOW;
            }, -1, null, ordinal);
        }

        public static Event noticeSeen() {
            return new Event(Kind.NOTICE_SEEN, -1, null, 0);
        }

        public static Event noticeDue() {
            return new Event(Kind.NOTICE_DUE, -1, null, 0);
        }

        public static Event agentsGone() {
            return new Event(Kind.AGENTS_GONE, -1, null, 0);
        }
    }

    /** The gate after an event, and what to do about it. */
    public record Step(Gate gate, List<Action> actions) {
    }

    /** What a cell of the table does; each is explained at its branch in {@link #apply}. */
    private enum Cell { PASS, EMPTY, LAND, HOLD, GIVE_BACK, RUN, END, OPEN, DRAIN, CLOSE, ABANDON, STOP, SKIP }

    // The whole behaviour, state by event. After each cell one rule follows: a gate that isn't open, with nothing in flight,
    // held or running, powers off.
    private static final Map<Kind, Map<State, Cell>> TABLE = new EnumMap<>(Kind.class);

    static {
        //                            OPEN          DRAINING      CLOSING         OFF
        row(Kind.POP_ASKED,           Cell.PASS,    Cell.EMPTY,   Cell.EMPTY,     Cell.EMPTY);
        row(Kind.POP_ANSWERED_EMPTY,  Cell.LAND,    Cell.LAND,    Cell.LAND,      Cell.SKIP);
        row(Kind.POP_ANSWERED_TASK,   Cell.HOLD,    Cell.HOLD,    Cell.GIVE_BACK, Cell.SKIP);
        row(Kind.POP_FAILED,          Cell.LAND,    Cell.LAND,    Cell.LAND,      Cell.SKIP);
        row(Kind.PUT_BACK_ENDED,      Cell.LAND,    Cell.LAND,    Cell.LAND,      Cell.SKIP);
        row(Kind.TASK_STARTED,        Cell.RUN,     Cell.RUN,     Cell.RUN,       Cell.SKIP);
        row(Kind.TASK_ENDED,          Cell.END,     Cell.END,     Cell.END,       Cell.SKIP);
        row(Kind.MARKED_OPEN,         Cell.OPEN,    Cell.OPEN,    Cell.SKIP,      Cell.SKIP);
        row(Kind.MARKED_DRAIN,        Cell.DRAIN,   Cell.DRAIN,   Cell.SKIP,      Cell.SKIP);
        row(Kind.MARKED_DRAIN_NOW,    Cell.STOP,    Cell.STOP,    Cell.STOP,      Cell.SKIP);
        row(Kind.NOTICE_SEEN,         Cell.CLOSE,   Cell.CLOSE,   Cell.SKIP,      Cell.SKIP);
        row(Kind.NOTICE_DUE,          Cell.STOP,    Cell.STOP,    Cell.STOP,      Cell.SKIP);
        row(Kind.AGENTS_GONE,         Cell.ABANDON, Cell.ABANDON, Cell.ABANDON,   Cell.SKIP);
    }

    private static void row(Kind kind, Cell open, Cell draining, Cell closing, Cell off) {
        TABLE.put(kind, new EnumMap<>(Map.of(State.OPEN, open, State.DRAINING, draining, State.CLOSING, closing, State.OFF, off)));
    }

    public Gate {
        if (inFlight < 0) {
            throw new IllegalStateException("a pop was answered that was never forwarded");
        }
        held = Collections.unmodifiableSortedMap(new TreeMap<>(held));
        running = Collections.unmodifiableSortedSet(new TreeSet<>(running));
    }

    /** A booted machine's gate: open, nothing in hand. */
    public static Gate open() {
        return new Gate(State.OPEN, 0, new TreeMap<>(), new TreeSet<>(), Long.MIN_VALUE);
    }

    /** True if a pop may still bring a task, or one is here. */
    public boolean busy() {
        return inFlight > 0 || !held.isEmpty() || !running.isEmpty();
    }

    /** The next gate and what to do. An answer without a forwarded pop is the caller's defect: IllegalStateException. */
    public Step on(Event event) {
        var marked = event.kind == Kind.MARKED_OPEN || event.kind == Kind.MARKED_DRAIN || event.kind == Kind.MARKED_DRAIN_NOW;
        if (marked && event.ordinal <= ordinal) {
            // Marks are read again and again, and may be read late: only a newer one says anything.
            return new Step(this, List.of());
        }
        var next = marked && state != State.OFF ? new Gate(state, inFlight, held, running, event.ordinal) : this;
        var step = next.apply(TABLE.get(event.kind).get(state), event);
        var after = step.gate;
        if (after.state == State.OPEN || after.state == State.OFF || after.busy()) {
            return step;
        }
        var actions = new ArrayList<>(step.actions);
        actions.add(Action.POWER_OFF);
        return new Step(after.in(State.OFF), List.copyOf(actions));
    }

    private Step apply(Cell cell, Event event) {
        return switch (cell) {
            // An agent that asks again has dropped what it held: it is a loop that starts a task before it asks for the next.
            case PASS -> step(droppedBy(event.agent).flying(inFlight + 1), Action.FORWARD);
            case EMPTY -> step(droppedBy(event.agent), Action.ANSWER_EMPTY);
            case LAND -> event.kind == Kind.PUT_BACK_ENDED
                    ? step(flying(inFlight - 1)) : step(flying(inFlight - 1), Action.DELIVER);
            // Also while draining: the server has given the task away, so this machine does it and stays until it ends.
            case HOLD -> {
                var more = new TreeMap<>(held);
                more.put(event.task, event.agent);
                yield step(new Gate(state, inFlight - 1, more, running, ordinal), Action.DELIVER);
            }
            // Stays in flight until it is put back, so that the machine isn't gone before.
            case GIVE_BACK -> step(this, Action.PUT_BACK);
            case RUN -> {
                var fewer = new TreeMap<>(held);
                fewer.remove(event.task);
                var more = new TreeSet<>(running);
                more.add(event.task);
                yield step(new Gate(state, inFlight, fewer, more, ordinal));
            }
            case END -> {
                var fewerHeld = new TreeMap<>(held);
                fewerHeld.remove(event.task);
                var fewer = new TreeSet<>(running);
                fewer.remove(event.task);
                yield step(new Gate(state, inFlight, fewerHeld, fewer, ordinal));
            }
            case OPEN -> step(in(State.OPEN));
            case DRAIN -> step(in(State.DRAINING));
            case CLOSE -> step(in(State.CLOSING));
            // A task's process outlives its agent and is waited for; what an agent only held died with it and is adrift.
            case ABANDON -> step(new Gate(State.CLOSING, inFlight, new TreeMap<>(), running, ordinal));
            case STOP -> step(new Gate(State.CLOSING, inFlight, new TreeMap<>(), new TreeSet<>(), ordinal), Action.KILL);
            case SKIP -> step(this);
        };
    }

    private Gate droppedBy(int agent) {
        var kept = new TreeMap<>(held);
        kept.values().removeIf(holder -> holder == agent);
        return new Gate(state, inFlight, kept, running, ordinal);
    }

    private Gate flying(int pops) {
        return new Gate(state, pops, held, running, ordinal);
    }

    private Gate in(State other) {
        return new Gate(other, inFlight, held, running, ordinal);
    }

    private static Step step(Gate gate, Action... actions) {
        return new Step(gate, List.of(actions));
    }
}
