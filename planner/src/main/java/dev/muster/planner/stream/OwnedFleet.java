package dev.muster.planner.stream;

import dev.muster.contracts.Times;
import dev.muster.planner.core.Fleet;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.RequestAnswered;
import dev.muster.v1.SnapshotCause;
import dev.muster.v1.StateInfo;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** A fleet that this task owns, in memory: what the store holds of it, and whether something is wrong with planning it. */
final class OwnedFleet {

    /** A caller repeats a request within seconds; a thousand further requests take a fleet's operators days. */
    static final int REMEMBERED_ANSWERS = 1_000;
    /** How long a fleet that can't be planned is left alone if nothing new is learned about it. */
    private static final Duration RETRY = Duration.ofSeconds(30);
    /** How often the same trouble is written down again. */
    private static final Duration REMINDER = Duration.ofMinutes(10);

    private final String name;
    private FleetRecord record;
    private Fleet fleet;
    private final TreeMap<Long, RequestAnswered> answers = new TreeMap<>();
    private final Map<String, Long> answerByRequest = new HashMap<>();
    private Trouble trouble;
    private StateInfo info = StateVersions.current();
    private boolean toTellLoaded;
    private Snapshot snapshot;

    /**
     * An error of ours that keeps the fleet from being planned.
     *
     * @param since when it began
     * @param toldAt when it was last written to the log and to {@code decisions}
     * @param retryAt when it is tried again without a new event; {@link Instant#MIN}: at once
     */
    record Trouble(String message, Instant since, Instant toldAt, Instant retryAt) {}

    OwnedFleet(String name) {
        this.name = name;
    }

    String name() {
        return name;
    }

    /** Null: the fleet was never created, or could not be loaded. */
    FleetRecord record() {
        return record;
    }

    void record(FleetRecord next) {
        record = next;
    }

    /** @throws IllegalStateException if the fleet could not be loaded */
    Fleet fleet() {
        if (fleet == null) {
            throw new IllegalStateException("the state of fleet " + name + " could not be loaded");
        }
        return fleet;
    }

    boolean isLoaded() {
        return fleet != null;
    }

    /** Creates it. */
    void begin(Fleet next) {
        fleet = next;
    }

    /** Its state was taken from the store; what a snapshot under way has not written is given up. */
    void loaded(FleetStore.Stored stored) {
        info = stored.info();
        toTellLoaded = true;
        snapshot = null;
        record = stored.record();
        fleet = stored.fleet();
        answers.clear();
        answerByRequest.clear();
        stored.answers().forEach(this::remember);
    }

    /** It begins without the state it had. */
    void adopted(FleetRecord declared, Fleet next) {
        record = declared;
        fleet = next;
    }

    StateInfo info() {
        return info;
    }

    /** It was loaded, and {@code decisions} doesn't say so yet. */
    boolean isToTellLoaded() {
        return toTellLoaded && isLoaded();
    }

    void toldLoaded() {
        toTellLoaded = false;
    }

    /** When the last complete snapshot was taken. */
    Optional<Instant> snapshotAt() {
        return info.hasSnapshotAt() ? Optional.of(Times.instant(info.getSnapshotAt())) : Optional.empty();
    }

    /** Why the next one is taken. */
    SnapshotCause snapshotCause() {
        return info.hasSnapshotAt() ? SnapshotCause.DAY_PASSED : fleet.stateWasLost() ? SnapshotCause.STATE_WAS_LOST : SnapshotCause.FLEET_CREATED;
    }

    /** The one that is being written. */
    Optional<Snapshot> snapshot() {
        return Optional.ofNullable(snapshot);
    }

    void snapshot(Snapshot next) {
        snapshot = next;
    }

    /** The last part of one is on its way. */
    void snapshotTaken(Instant at) {
        info = info.toBuilder().setSnapshotAt(Times.timestamp(at)).build();
        snapshot = null;
    }

    /** What a request with this id was answered. */
    Optional<RequestAnswered> answerTo(String requestId) {
        return Optional.ofNullable(answerByRequest.get(requestId)).map(answers::get);
    }

    long nextAnswer() {
        return answers.isEmpty() ? 1 : answers.lastKey() + 1;
    }

    /** The number of the answer that is forgotten when another is remembered. */
    Optional<Long> overflowingAnswer() {
        return answers.size() < REMEMBERED_ANSWERS ? Optional.empty() : Optional.of(answers.firstKey());
    }

    void remember(long number, RequestAnswered answer) {
        if (answers.size() >= REMEMBERED_ANSWERS) {
            answerByRequest.remove(answers.pollFirstEntry().getValue().getRequestId());
        }
        answers.put(number, answer);
        answerByRequest.put(answer.getRequestId(), number);
    }

    Optional<Trouble> trouble() {
        return Optional.ofNullable(trouble);
    }

    /** Sets it aside. True if this is to be told: it is new, or lasts. */
    boolean setAside(String message, Instant now) {
        var tell = trouble == null || !trouble.message().equals(message) || !now.isBefore(trouble.toldAt().plus(REMINDER));
        trouble = new Trouble(message, trouble == null ? now : trouble.since(), tell ? now : trouble.toldAt(), now.plus(RETRY));
        return tell;
    }

    /** Something was learned, and planning may succeed now. */
    void retryNow() {
        if (trouble != null) {
            trouble = new Trouble(trouble.message(), trouble.since(), trouble.toldAt(), Instant.MIN);
        }
    }

    void recovered() {
        trouble = null;
    }

    boolean isSetAside(Instant now) {
        return fleet == null || trouble != null && now.isBefore(trouble.retryAt());
    }
}
