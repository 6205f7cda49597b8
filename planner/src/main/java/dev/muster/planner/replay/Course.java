package dev.muster.planner.replay;

import com.google.protobuf.ByteString;
import dev.muster.planner.core.CauseChains;
import dev.muster.planner.stream.ReplayedOwner.Written;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.InputOffset;
import dev.muster.v1.SnapshotCause;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/** One fleet's way through history: where it can begin, how far the replay of it is, and what it found. */
final class Course {

    final String fleet;

    // Found by the survey.

    /** Null: nowhere can a replay begin. */
    private Start start;
    /** Offsets of the first parts of whole snapshots, and the states of those that a replay may go on from. */
    private final Set<Long> whole = new HashSet<>();
    private final Map<Long, ByteString> states = new HashMap<>();
    private DecisionEvent lastAnswer;
    private long lastAnswerOffset;
    private DecisionEvent firstPart;
    private long firstPartOffset;
    private ByteString state = ByteString.EMPTY;
    private int partsCome;
    private boolean stateIsNeeded;

    // The replay.

    /** Its records are taken and its steps repeated. */
    boolean running;
    /** Something differed: what follows is not compared. */
    boolean ended;
    /** What the replay wrote to {@code decisions} and history has not shown yet; parts of snapshots may come between other records. */
    final Deque<Written> expected = new ArrayDeque<>();
    final Deque<Written> expectedParts = new ArrayDeque<>();
    /** Records of the plan at hand, until the one that ends it. */
    final List<byte[]> plan = new ArrayList<>();
    /** Snapshots that are not compared: one that the replay began with, or that was never finished. */
    final Set<Instant> passedOver = new HashSet<>();

    // What it found.

    String from = "";
    /** What was written up to then is not the replay's, milliseconds. */
    long fromMillis = Long.MIN_VALUE;
    String notCompared = "";
    final List<Difference> differences = new ArrayList<>();
    long plans;
    long decisions;
    long commands;
    long answers;
    long snapshots;
    long rows;
    final CauseChains chains = new CauseChains();

    /**
     * Where a replay can begin.
     *
     * @param offset of the record in {@code decisions}: the answer to the request that created the fleet, or a snapshot's first part
     * @param inputs how far they were read
     */
    record Start(long offset, boolean creation, List<InputOffset> inputs) {}

    Course(String fleet) {
        this.fleet = fleet;
    }

    /**
     * Takes note of a record of {@code decisions}.
     *
     * @param isThere whether all is still there that was read after these offsets
     */
    void survey(DecisionEvent event, long offset, Predicate<List<InputOffset>> isThere) {
        if (event.hasRequestAnswered()) {
            lastAnswer = event;
            lastAnswerOffset = offset;
        } else if (event.hasAudit() && event.getAudit().hasAfter() && !event.getAudit().hasBefore() && start == null && lastAnswer != null
                && lastAnswer.getRequestAnswered().getRequestId().equals(event.getAudit().getRequestId()) && isThere.test(before(lastAnswer))) {
            start = new Start(lastAnswerOffset, true, before(lastAnswer));
        } else if (event.hasSnapshot()) {
            surveyPart(event, offset, isThere);
        }
    }

    /** How far the inputs were read before the request that this answers. */
    private static List<InputOffset> before(DecisionEvent answer) {
        return answer.getInputsList().stream().map(input -> input.getTopic().endsWith("requests")
                ? input.toBuilder().setNextOffset(input.getNextOffset() - 1).build() : input).toList();
    }

    private void surveyPart(DecisionEvent event, long offset, Predicate<List<InputOffset>> isThere) {
        var part = event.getSnapshot();
        if (part.getPart() == 1) {
            firstPart = event;
            firstPartOffset = offset;
            state = ByteString.EMPTY;
            partsCome = 0;
            // A state that was lost and begun anew can only be gone on from as it was written, or as the next one that is whole.
            stateIsNeeded |= part.getCause() == SnapshotCause.STATE_WAS_LOST;
        }
        if (firstPart == null || !firstPart.getAt().equals(event.getAt()) || part.getPart() != partsCome + 1) {
            firstPart = null;
            return;
        }
        partsCome++;
        var begins = start == null && isThere.test(part.getInputsList());
        if (begins || stateIsNeeded) {
            state = state.concat(part.getState());
        }
        if (partsCome == part.getParts()) {
            whole.add(firstPartOffset);
            if (begins || stateIsNeeded) {
                states.put(firstPartOffset, state);
            }
            if (begins) {
                start = new Start(firstPartOffset, false, part.getInputsList());
            }
            stateIsNeeded = false;
            firstPart = null;
        }
    }

    /** Null: nowhere. */
    Start start() {
        return start;
    }

    boolean isWhole(long firstPart) {
        return whole.contains(firstPart);
    }

    /** The state of a whole snapshot that the replay goes on from. */
    byte[] state(long firstPart) {
        return states.get(firstPart).toByteArray();
    }

    boolean isState(long firstPart) {
        return states.containsKey(firstPart);
    }

    void differs(String id, String topic, String recorded, String replayed) {
        differences.add(new Difference(fleet, id, topic, recorded, replayed));
    }

    ReplayReport.OfFleet report() {
        var why = start == null ? "Neither its creation nor a whole snapshot, with all that was read since, is still in the topics." : notCompared;
        return new ReplayReport.OfFleet(fleet, from, plans, decisions, commands, answers, snapshots, rows, chains.machines(), chains.broken(), why,
                List.copyOf(differences));
    }
}
