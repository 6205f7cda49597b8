package dev.muster.planner.replay;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.muster.contracts.Times;
import dev.muster.contracts.Topics;
import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.Plan;
import dev.muster.planner.core.Planner;
import dev.muster.planner.stream.ReplayedOwner;
import dev.muster.planner.stream.ReplayedOwner.Written;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.InputOffset;
import dev.muster.v1.SnapshotCause;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiFunction;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * Decides again what was decided: takes the inputs in the order that {@code decisions} tells, plans at the instants at which plans were
 * made, and compares every record bit for bit.
 *
 * <p>A fleet is replayed from its creation, or from its oldest snapshot if what was read before is no longer there. Between two steps the
 * order is that of demand, reports, requests: events of different topics touch different facts, and what is decided on a request has a
 * step of its own.
 */
public final class Replay {

    private static final String DECISIONS = "decisions";

    private final Topics topics;
    private final History history;
    private final Predicate<String> wanted;
    private final ReplayedOwner owner;
    private final Map<String, Course> courses = new TreeMap<>();
    private final Map<String, History.Cursor> cursors = new HashMap<>();
    private final TreeSet<String> releases = new TreeSet<>();
    /** Recorded commands and rows of figures by topic and id that no step has accounted for yet. */
    private final Map<String, History.Recorded> commands = new TreeMap<>();
    /** Recorded rows of tables that are still ahead, in the order in which they were written. */
    private final List<Row> rows = new LinkedList<>();
    /** Commands and rows of figures of the plan at hand. */
    private final List<Written> issued = new ArrayList<>();

    private Replay(Topics topics, History history, Predicate<String> wanted, BiFunction<Fleet, Instant, Plan> planner) {
        this.topics = topics;
        this.history = history;
        this.wanted = wanted;
        owner = new ReplayedOwner(topics, history.partition(), planner);
    }

    /** Replays the fleets of one partition whose names are wanted. */
    public static ReplayReport of(Topics topics, History history, Predicate<String> wanted) {
        return of(topics, history, wanted, Planner::plan);
    }

    /** As above, with another planner: plans a fleet at an instant, and applies the plan. */
    public static ReplayReport of(Topics topics, History history, Predicate<String> wanted, BiFunction<Fleet, Instant, Plan> planner) {
        return new Replay(topics, history, wanted, planner).run();
    }

    private ReplayReport run() {
        history.written().stream().filter(recorded -> isIssued(recorded.topic()))
                .forEach(recorded -> commands.put(recorded.topic() + " " + recorded.id(), recorded));
        history.written().stream().filter(recorded -> !isIssued(recorded.topic())).flatMap(recorded -> Row.of(recorded, topics, history).stream())
                .sorted(Comparator.comparingLong(Row::read).thenComparingLong(Row::plan)).forEach(rows::add);
        history.decisions(record -> {
            var event = parsed(record.value());
            if (wanted.test(event.getFleet())) {
                courses.computeIfAbsent(event.getFleet(), Course::new).survey(event, record.offset(), this::isThere);
            }
        });
        try {
            for (var topic : topics.inputs()) {
                courses.values().stream().filter(course -> course.start() != null).mapToLong(course -> next(course.start().inputs(), topic)).min()
                        .ifPresent(first -> cursors.put(topic, history.input(topic, first)));
            }
            history.decisions(this::step);
            // What was learned after the last step may have changed rows.
            compareRows(Long.MAX_VALUE);
        } finally {
            cursors.values().forEach(History.Cursor::close);
        }
        courses.values().stream().filter(course -> course.running && !course.ended).forEach(this::unaccounted);
        return new ReplayReport(courses.values().stream().map(Course::report).toList(), releases);
    }

    /** Written by a plan under an id of its own: a command, or a row of figures. */
    static boolean isIssued(String topic) {
        return topic.startsWith("commands.") || topic.equals("history");
    }

    private boolean isThere(List<InputOffset> inputs) {
        var beginnings = history.beginnings();
        return !inputs.isEmpty() && inputs.stream().allMatch(input -> beginnings.getOrDefault(input.getTopic(), 0L) <= input.getNextOffset());
    }

    private static long next(List<InputOffset> inputs, String topic) {
        return inputs.stream().filter(input -> input.getTopic().equals(topic)).mapToLong(InputOffset::getNextOffset).findFirst().orElse(0);
    }

    // Step by step.

    private void step(ConsumerRecord<byte[], byte[]> record) {
        var event = parsed(record.value());
        var course = courses.get(event.getFleet());
        if (course == null || course.start() == null || course.ended || record.offset() < course.start().offset()) {
            return;
        }
        if (record.offset() == course.start().offset() && course.start().creation()) {
            feedAll(course.start().inputs());
            course.running = true;
            course.from = "creation";
            course.fromMillis = instant(event).toEpochMilli() - 1;
        }
        var first = event.hasSnapshot() && event.getSnapshot().getPart() == 1;
        if (first && course.running && event.getSnapshot().getCause() == SnapshotCause.STATE_WAS_LOST) {
            course.running = false;
            course.notCompared = "Its state was lost: what was decided before " + instant(event) + " doesn't lead to what was decided then.";
            owner.drop(course.fleet);
        }
        if (!course.running) {
            if (first && course.isState(record.offset())) {
                goOnFrom(course, event, record.offset());
            }
            return;
        }
        switch (event.getWhatCase()) {
            case LOADED -> {
                feedAll(event.getInputsList());
                owner.reload(course.fleet);
            }
            case FORGOTTEN -> {
                at(event.getInputsList(), event);
                owner.forget(course.fleet);
                collect();
                compare(course, event, record.value(), course.expected);
            }
            case REQUEST_ANSWERED -> {
                at(event.getInputsList(), event);
                course.answers++;
                compare(course, event, record.value(), course.expected);
            }
            case AUDIT -> compare(course, event, record.value(), course.expected);
            case SNAPSHOT -> snapshot(course, event, record);
            case DECISION, REFUSAL, PLAN_MADE -> {
                // What the planner tells of its own errors is of no plan, and depends on when it failed.
                if (event.getPlan() > 0) {
                    ofPlan(course, event, record.value());
                }
            }
            case WHAT_NOT_SET -> {
                course.differs(event.getDecisionId(), DECISIONS, "a record that only a newer release knows", "");
                end(course);
            }
        }
    }

    private void goOnFrom(Course course, DecisionEvent event, long offset) {
        feedAll(event.getSnapshot().getInputsList());
        owner.at(event.getSnapshot().getInputsList(), instant(event));
        try {
            owner.restore(course.fleet, course.state(offset));
        } catch (IllegalStateException unreadable) {
            course.differs(event.getDecisionId(), DECISIONS, "a snapshot", unreadable.getMessage());
            end(course);
            return;
        }
        course.running = true;
        course.from = course.from.isEmpty() ? instant(event).toString() : course.from;
        course.fromMillis = instant(event).toEpochMilli();
        course.passedOver.add(instant(event));
        course.expected.clear();
        course.expectedParts.clear();
        course.plan.clear();
    }

    /** A plan's records come one behind the other, and the last one says with what it was made. */
    private void ofPlan(Course course, DecisionEvent event, byte[] bytes) {
        course.plan.add(bytes);
        if (!event.hasPlanMade()) {
            return;
        }
        releases.add(event.getPlanMade().getCoreVersion());
        owner.release(event.getPlanMade().getCoreVersion());
        at(event.getPlanMade().getInputsList(), event);
        issued.clear();
        owner.plan(course.fleet);
        collect();
        for (var recorded : course.plan) {
            var decided = parsed(recorded);
            compare(course, decided, recorded, course.expected);
            if (decided.hasDecision() && course.from.equals("creation")) {
                course.chains.decided(decided.getDecisionId(), ReplayedOwner.reason(decided.getDecision()), decided.getDecision().getMachineIdsList(),
                        decided.getDecision().getCausesList());
            }
        }
        for (var beyond = course.expected.poll(); beyond != null; beyond = course.expected.poll()) {
            course.differs(beyond.id(), DECISIONS, "", Texts.of(DECISIONS, beyond.value()));
        }
        issued.forEach(command -> compareCommand(course, command, instant(event)));
        course.plans++;
        course.decisions += course.plan.size() - 1;
        course.plan.clear();
        if (!course.differences.isEmpty()) {
            end(course);
        }
    }

    private void snapshot(Course course, DecisionEvent event, ConsumerRecord<byte[], byte[]> record) {
        var part = event.getSnapshot();
        if (part.getPart() == 1) {
            if (!course.isWhole(record.offset())) {
                course.passedOver.add(instant(event));
            } else if (!course.passedOver.contains(instant(event))) {
                owner.release(part.getCoreVersion());
                at(part.getInputsList(), event);
                owner.snapshot(course.fleet, part.getCause());
                collect();
            }
        }
        if (!course.passedOver.contains(instant(event))) {
            compare(course, event, record.value(), course.expectedParts);
            course.snapshots += part.getPart() == part.getParts() ? 1 : 0;
        }
    }

    // What was read.

    /** Takes what was read up to there, and lets it be then. */
    private void at(List<InputOffset> inputs, DecisionEvent event) {
        compareRows(Row.sum(inputs));
        readUpTo(inputs, instant(event));
    }

    private void readUpTo(List<InputOffset> inputs, Instant instant) {
        feed(topics.demand(), next(inputs, topics.demand()));
        feed(topics.machineReports(), next(inputs, topics.machineReports()));
        // The answer to a request says how far the others were read.
        owner.at(inputs, instant);
        feed(topics.requests(), next(inputs, topics.requests()));
        owner.at(inputs, instant);
    }

    private void feedAll(List<InputOffset> inputs) {
        compareRows(Row.sum(inputs));
        topics.inputs().forEach(topic -> feed(topic, next(inputs, topic)));
    }

    private void feed(String topic, long below) {
        var cursor = cursors.get(topic);
        if (cursor == null) {
            return;
        }
        for (var record = cursor.nextBelow(below); record.isPresent(); record = cursor.nextBelow(below)) {
            var course = record.get().key() == null ? null : courses.get(new String(record.get().key(), UTF_8));
            if (course != null && course.running && !course.ended) {
                owner.take(topic, record.get().offset(), record.get().key(), record.get().value(), record.get().timestamp());
                collect();
            }
        }
    }

    /** Sorts what the replay wrote. */
    private void collect() {
        for (var written : owner.written()) {
            if (isIssued(written.topic())) {
                issued.add(written);
            } else if (written.topic().equals(DECISIONS) && courses.containsKey(written.key())) {
                var event = parsed(written.value());
                var course = courses.get(written.key());
                if (event.hasSnapshot()) {
                    course.expectedParts.add(written);
                } else if (!event.hasLoaded() && (!event.hasRefusal() || event.getPlan() > 0)) {
                    course.expected.add(written);
                }
            }
        }
    }

    // Comparing.

    private void compare(Course course, DecisionEvent event, byte[] recorded, Deque<Written> expected) {
        var written = expected.poll();
        if (written != null && Arrays.equals(written.value(), recorded)) {
            return;
        }
        var replayed = written == null ? "" : Texts.of(DECISIONS, written.value());
        if (written != null && event.hasSnapshot()) {
            replayed = "another state in: " + Texts.differingValues(event, parsed(written.value())) + "; " + replayed;
        }
        course.differs(event.getDecisionId(), DECISIONS, Texts.of(DECISIONS, recorded), replayed);
        // Of a plan all records are compared, so that the difference is seen whole.
        if (event.getPlan() == 0) {
            end(course);
        }
    }

    private void compareCommand(Course course, Written written, Instant at) {
        var recorded = commands.remove(written.topic() + " " + written.id());
        if (recorded != null && recorded.key().equals(written.key()) && Arrays.equals(recorded.value(), written.value())) {
            course.commands += written.topic().equals("history") ? 0 : 1;
            course.rows += written.topic().equals("history") ? 1 : 0;
        } else if (recorded != null) {
            course.differs(written.id(), written.topic(), Texts.of(written.topic(), recorded.value()), Texts.of(written.topic(), written.value()));
        } else if (!history.mayBeMissing(written.topic(), written.key(), at.toEpochMilli())) {
            course.differs(written.id(), written.topic(), "", Texts.of(written.topic(), written.value()));
        }
    }

    /** Compares the rows that were written up to there, each with what the replay has after the same records and plans. */
    private void compareRows(long read) {
        for (var ahead = rows.iterator(); ahead.hasNext(); ) {
            var row = ahead.next();
            if (row.read() > read) {
                return;
            }
            var course = courses.get(row.recorded().fleet());
            var concerned = course != null && course.running && !course.ended && row.recorded().timestamp() > course.fromMillis;
            if (concerned && row.read() == read && row.plan() > owner.plans(course.fleet)) {
                // Written by the plan that comes next.
                continue;
            }
            ahead.remove();
            if (concerned && row.plan() == owner.plans(course.fleet) && row.recorded().settled()) {
                compareRow(course, row);
            }
        }
    }

    private void compareRow(Course course, Row row) {
        readUpTo(row.inputs(), Instant.ofEpochMilli(row.recorded().timestamp()));
        var replayed = owner.row(row.recorded().topic(), row.recorded().key());
        if (Arrays.equals(replayed, row.recorded().value())) {
            course.rows++;
        } else {
            course.differs(row.recorded().id(), row.recorded().topic(), Texts.of(row.recorded().topic(), row.recorded().value()),
                    Texts.of(row.recorded().topic(), replayed));
            end(course);
        }
    }

    /** What was written since the replay's begin, and the replay didn't write. */
    private void unaccounted(Course course) {
        commands.values().stream().filter(recorded -> isUnaccounted(course, recorded)).sorted(Comparator.comparingLong(History.Recorded::timestamp))
                .forEach(recorded -> course.differs(recorded.id(), recorded.topic(), Texts.of(recorded.topic(), recorded.value()), ""));
    }

    private static boolean isUnaccounted(Course course, History.Recorded recorded) {
        return recorded.fleet().equals(course.fleet) && recorded.settled() && recorded.timestamp() > course.fromMillis;
    }

    private void end(Course course) {
        course.ended = true;
        course.notCompared = "What follows from the difference is not compared.";
        owner.drop(course.fleet);
    }

    private static DecisionEvent parsed(byte[] value) {
        try {
            return DecisionEvent.parseFrom(value);
        } catch (InvalidProtocolBufferException unreadable) {
            throw new IllegalStateException("a recorded decision is unreadable: " + unreadable.getMessage(), unreadable);
        }
    }

    private static Instant instant(DecisionEvent event) {
        return Times.instant(event.getAt());
    }
}
