package dev.muster.sandbox.machine;

import static dev.muster.sandbox.machine.Gate.Action.ANSWER_EMPTY;
import static dev.muster.sandbox.machine.Gate.Action.DELIVER;
import static dev.muster.sandbox.machine.Gate.Action.FORWARD;
import static dev.muster.sandbox.machine.Gate.Action.KILL;
import static dev.muster.sandbox.machine.Gate.Action.POWER_OFF;
import static dev.muster.sandbox.machine.Gate.Action.PUT_BACK;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.sandbox.machine.Gate.Action;
import dev.muster.sandbox.machine.Gate.Event;
import dev.muster.sandbox.machine.Gate.Mark;
import dev.muster.sandbox.machine.Gate.State;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class GateTest {

    /** Applies the events in turn; the actions of the last one. */
    private static List<Action> last(Event... events) {
        var gate = Gate.open();
        List<Action> actions = List.of();
        for (var event : events) {
            var step = gate.on(event);
            gate = step.gate();
            actions = step.actions();
        }
        return actions;
    }

    private static Gate after(Event... events) {
        var gate = Gate.open();
        for (var event : events) {
            gate = gate.on(event).gate();
        }
        return gate;
    }

    @Test
    void anIdleMachinePowersOffAtOnceUnderADrainMark() {
        assertThat(last(Event.markSeen(Mark.DRAIN, 1))).containsExactly(POWER_OFF);
    }

    @Test
    void aPopInFlightIsWaitedForAndAnEmptyAnswerEndsTheMachine() {
        assertThat(last(Event.popAsked(0), Event.markSeen(Mark.DRAIN, 1))).isEmpty();
        assertThat(last(Event.popAsked(0), Event.markSeen(Mark.DRAIN, 1), Event.popAnsweredEmpty(0))).containsExactly(DELIVER, POWER_OFF);
        assertThat(last(Event.popAsked(0), Event.markSeen(Mark.DRAIN, 1), Event.popFailed(0))).containsExactly(DELIVER, POWER_OFF);
    }

    @Test
    void aPopInFlightThatBringsATaskKeepsTheMachineUntilTheTaskEnds() {
        var events = new Event[] {Event.popAsked(0), Event.markSeen(Mark.DRAIN, 1), Event.popAnsweredTask(0, "t"), Event.taskStarted("t"),
            Event.popAsked(1), Event.taskEnded("t")};
        var expected = List.of(List.of(FORWARD), List.of(), List.of(DELIVER), List.of(), List.of(ANSWER_EMPTY), List.of(POWER_OFF));

        var gate = Gate.open();
        for (int i = 0; i < events.length; i++) {
            var step = gate.on(events[i]);
            assertThat(step.actions()).as("event %s", events[i]).isEqualTo(expected.get(i));
            gate = step.gate();
        }
    }

    @Test
    void aCancelledDrainReopensUnlessThePowerIsOff() {
        assertThat(last(Event.popAsked(0), Event.markSeen(Mark.DRAIN, 1), Event.markSeen(Mark.NONE, 2), Event.popAsked(1))).containsExactly(FORWARD);
        assertThat(last(Event.markSeen(Mark.DRAIN, 1), Event.markSeen(Mark.NONE, 2), Event.popAsked(1))).containsExactly(ANSWER_EMPTY);
        assertThat(last(Event.popAsked(0), Event.markSeen(Mark.DRAIN, 1), Event.markSeen(Mark.RELEASED, 2), Event.popAsked(1))).containsExactly(FORWARD);
    }

    @Test
    void aMarkThatIsNotNewerChangesNothing() {
        assertThat(after(Event.markSeen(Mark.NONE, 7), Event.markSeen(Mark.DRAIN, 7)).state()).isEqualTo(State.OPEN);
        assertThat(after(Event.markSeen(Mark.NONE, 7), Event.markSeen(Mark.DRAIN_NOW, 6)).state()).isEqualTo(State.OPEN);
        assertThat(after(Event.popAsked(0), Event.markSeen(Mark.DRAIN, 7), Event.markSeen(Mark.NONE, 7)).state()).isEqualTo(State.DRAINING);
    }

    @Test
    void drainNowKillsAtOnceButFirstPutsBackWhatALatePopBrings() {
        assertThat(last(Event.popAsked(0), Event.popAnsweredTask(0, "t"), Event.taskStarted("t"), Event.markSeen(Mark.DRAIN_NOW, 1)))
                .containsExactly(KILL, POWER_OFF);
        assertThat(last(Event.popAsked(0), Event.markSeen(Mark.DRAIN_NOW, 1))).containsExactly(KILL);
        assertThat(last(Event.popAsked(0), Event.markSeen(Mark.DRAIN_NOW, 1), Event.popAnsweredTask(0, "t"))).containsExactly(PUT_BACK);
        assertThat(last(Event.popAsked(0), Event.markSeen(Mark.DRAIN_NOW, 1), Event.popAnsweredTask(0, "t"), Event.putBackEnded()))
                .containsExactly(POWER_OFF);
    }

    @Test
    void aNoticeClosesTheGateForGoodAndKillsWhenItIsDue() {
        var running = new Event[] {Event.popAsked(0), Event.popAnsweredTask(0, "t"), Event.taskStarted("t"), Event.noticeSeen()};
        assertThat(after(running).state()).isEqualTo(State.CLOSING);
        assertThat(after(running).on(Event.markSeen(Mark.NONE, 1)).gate().state()).isEqualTo(State.CLOSING);
        assertThat(after(running).on(Event.noticeDue()).actions()).containsExactly(KILL, POWER_OFF);
    }

    @Test
    void aTaskProcessOutlivesItsAgentAndIsWaitedFor() {
        var gate = after(Event.popAsked(0), Event.popAnsweredTask(0, "t"), Event.taskStarted("t"), Event.agentsGone());
        assertThat(gate.state()).isEqualTo(State.CLOSING);
        assertThat(gate.on(Event.taskEnded("t")).actions()).containsExactly(POWER_OFF);
        assertThat(last(Event.popAsked(0), Event.popAnsweredTask(0, "t"), Event.agentsGone())).containsExactly(POWER_OFF);
    }

    @Test
    void anAgentThatAsksAgainHasDroppedWhatItHeld() {
        var held = after(Event.popAsked(0), Event.popAnsweredTask(0, "t"), Event.markSeen(Mark.DRAIN, 1));
        assertThat(held.on(Event.popAsked(1)).actions()).containsExactly(ANSWER_EMPTY);
        assertThat(held.on(Event.popAsked(0)).actions()).containsExactly(ANSWER_EMPTY, POWER_OFF);
    }

    @Test
    void refusesAnAnswerToAPopThatWasNeverForwarded() {
        assertThatThrownBy(() -> Gate.open().on(Event.popAnsweredEmpty(0))).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void neverPopsUnderADrainMarkAndNeverPowersOffWithWorkInHand() {
        for (long seed = 0; seed < 2_000; seed++) {
            playAtRandom(seed);
        }
    }

    /** Several agents, marks in and out of order, notices, lost answers, against a model that only counts. */
    private static void playAtRandom(long seed) {
        var random = new Random(seed);
        var gate = Gate.open();
        var asking = new TreeSet<Integer>();
        var held = new TreeMap<String, Integer>();
        var running = new TreeSet<String>();
        int puttingBack = 0;
        int tasks = 0;
        long newest = Long.MIN_VALUE;
        boolean drained = false;
        boolean closed = false;
        boolean off = false;
        var history = new ArrayList<String>();
        for (int i = 0; i < 200 && !off; i++) {
            int agent = random.nextInt(3);
            Event event;
            switch (random.nextInt(14)) {
                case 0, 1, 2, 3 -> {
                    if (asking.contains(agent) || held.containsValue(agent)) {
                        continue;
                    }
                    event = Event.popAsked(agent);
                }
                case 4, 5 -> {
                    if (!asking.remove(agent)) {
                        continue;
                    }
                    var task = "t" + tasks++;
                    event = Event.popAnsweredTask(agent, task);
                    if (!closed) {
                        held.put(task, agent);
                    }
                }
                case 6 -> {
                    if (!asking.remove(agent)) {
                        continue;
                    }
                    event = random.nextBoolean() ? Event.popAnsweredEmpty(agent) : Event.popFailed(agent);
                }
                case 7 -> {
                    if (held.isEmpty()) {
                        continue;
                    }
                    var task = held.pollFirstEntry().getKey();
                    running.add(task);
                    event = Event.taskStarted(task);
                }
                case 8, 9 -> {
                    if (running.isEmpty()) {
                        continue;
                    }
                    event = Event.taskEnded(running.pollFirst());
                }
                case 10, 11, 12 -> {
                    long ordinal = random.nextInt(30);
                    var mark = random.nextInt(20) == 0 ? Mark.DRAIN_NOW : random.nextBoolean() ? Mark.DRAIN : random.nextBoolean() ? Mark.NONE : Mark.RELEASED;
                    event = Event.markSeen(mark, ordinal);
                    if (ordinal > newest) {
                        newest = ordinal;
                        drained = mark == Mark.DRAIN;
                        if (mark == Mark.DRAIN_NOW) {
                            closed = true;
                            held.clear();
                            running.clear();
                        }
                    }
                }
                default -> {
                    if (puttingBack > 0) {
                        event = Event.putBackEnded();
                        puttingBack--;
                    } else if (random.nextInt(10) == 0) {
                        event = Event.noticeSeen();
                        closed = true;
                    } else {
                        continue;
                    }
                }
            }
            var step = gate.on(event);
            gate = step.gate();
            history.add(event + " -> " + step.actions());
            Supplier<String> said = () -> "seed " + seed + ": " + String.join("\n", history);
            boolean inHand = !asking.isEmpty() || !held.isEmpty() || !running.isEmpty() || puttingBack > 0;
            if (step.actions().contains(FORWARD)) {
                asking.add(agent);
                assertThat(drained || closed).as(said).isFalse();
            }
            if (event.kind() == Gate.Kind.POP_ASKED) {
                assertThat(step.actions().contains(FORWARD)).as(said).isEqualTo(!drained && !closed);
            }
            if (step.actions().contains(PUT_BACK)) {
                puttingBack++;
                inHand = true;
                assertThat(closed).as(said).isTrue();
            }
            off = step.actions().contains(POWER_OFF);
            assertThat(off).as(said).isEqualTo(!inHand && (drained || closed));
            assertThat(gate.state() == State.OFF).as(said).isEqualTo(off);
        }
    }
}
