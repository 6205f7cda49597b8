package dev.muster.planner.core;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * One plan under way: what the rules share. Each record is applied to the fleet as it is written, so that a rule sees what those
 * before it have done.
 */
public final class Planning {

    /** A refusal is written again this often while it lasts. */
    private static final Duration REFUSAL_REMINDER = Duration.ofMinutes(10);
    /** A plan is made at least this often: a bound on what a forgotten reminder could cost. */
    private static final Duration LONGEST_REST = Duration.ofMinutes(1);
    /** A machine whose pool is no longer in the spec can't say what it expects. */
    private static final Duration WITHOUT_POOL = Duration.ofHours(1);

    private final Fleet fleet;
    private final Instant now;
    private final List<PlanRecord> records = new ArrayList<>();
    private final Map<String, PlanRecord.Refused> refused = new LinkedHashMap<>();
    private final Map<String, Integer> spare = new HashMap<>();
    private final Map<String, Integer> leftover = new HashMap<>();
    private final Map<String, Bounds> bounds = new HashMap<>();
    private final Map<Budget.Scope, Spending.Sum> spending = new HashMap<>();
    private Bounds fleetBounds;
    private Instant due;
    private Instant deadline = Instant.MAX;
    private long nextMachine;
    private int decisions;
    private boolean held;
    private int awaited;
    private Instant awaitedUntil = Instant.EPOCH;

    Planning(Fleet fleet, Instant now) {
        this.fleet = fleet;
        this.now = now;
        this.due = now.plus(LONGEST_REST);
        this.nextMachine = fleet.nextMachine();
    }

    public Fleet fleet() {
        return fleet;
    }

    public FleetSpec spec() {
        return fleet.spec();
    }

    public Instant now() {
        return now;
    }

    /** The facts are too old or too few: nothing is launched, nothing released. */
    public boolean isHeld() {
        return held;
    }

    public void hold() {
        held = true;
    }

    /** One more machine may be adopted at any moment; until then launches wait for it. */
    public void awaitAdoption(Instant until) {
        awaited++;
        awaitedUntil = until.isAfter(awaitedUntil) ? until : awaitedUntil;
    }

    /** Machines that launches wait for. */
    public int awaited() {
        return awaited;
    }

    /** Until when, if there are any. */
    public Instant awaitedUntil() {
        return awaitedUntil;
    }

    /** A pool's machines as they are now, new ones included. */
    public PoolBooks books(Pool pool) {
        return fleet.books(pool);
    }

    /** What may run now: the spec's numbers, or those of an open window of a schedule. */
    public record Bounds(Limits limits, int warm, boolean paused) {}

    public Bounds bounds(Pool pool) {
        return bounds.getOrDefault(pool.name(), new Bounds(pool.limits(), pool.warm(), pool.paused()));
    }

    public void bounds(Pool pool, Bounds now) {
        bounds.put(pool.name(), now);
    }

    /** The same for the whole fleet. */
    public Bounds fleetBounds() {
        return fleetBounds == null ? new Bounds(spec().limits(), 0, false) : fleetBounds;
    }

    public void fleetBounds(Bounds bounds) {
        fleetBounds = bounds;
    }

    /** What the machines of a scope cost, new ones of this plan included. */
    public Spending spending(Budget.Scope scope) {
        var known = spending.get(scope);
        if (known == null && scope.kind() == Budget.Scope.Kind.QUEUE) {
            spending.putAll(Spending.Sum.ofQueues(this));
            known = spending.get(scope);
        } else if (known == null) {
            known = Spending.Sum.of(this, scope);
            spending.put(scope, known);
        }
        return known.now();
    }

    /** The machines of a scope that count, by id: a copy. */
    public List<Machine> machines(Budget.Scope scope) {
        var machines = scope.kind() == Budget.Scope.Kind.POOL ? fleet.byAge(scope.name()) : fleet.counted().filter(scope::counts);
        return machines.sorted(Comparator.comparing(Machine::id)).toList();
    }

    /** The date in the fleet's time zone. */
    LocalDate today() {
        return now.atZone(spec().zone()).toLocalDate();
    }

    /** When the day or month that runs now began. */
    public Instant beginOf(Budget.Period period) {
        return period.firstDay(today()).atStartOfDay(spec().zone()).toInstant();
    }

    /** When the day or month that runs now ends. */
    public Instant endOf(Budget.Period period) {
        return period.nextFirstDay(today()).atStartOfDay(spec().zone()).toInstant();
    }

    /** The longest task to expect of a machine, boot and drain included. */
    public Duration reserveFor(Machine machine) {
        return poolOf(machine).map(Pool::reserveFor).orElse(WITHOUT_POOL);
    }

    /** What an offer of the pool costs an hour, all included; empty: not known. */
    public OptionalLong price(Pool pool, Offer offer) {
        return fleet.price(pool, offer);
    }

    /** The most that a machine of the offer can cost an hour, which is what it counts for from its admission on. Empty: not known. */
    public OptionalLong committed(Pool pool, Offer offer) {
        return offer.key().market() == Market.SPOT && offer.ceiling().isPresent()
                ? OptionalLong.of(pool.costs().of(offer.ceiling().getAsLong())) : price(pool, offer);
    }

    /** Whether one more machine of the pool may leave by the planner's own choice. */
    public boolean mayDisrupt(Pool pool) {
        var most = pool.leaving().draining();
        return most == 0 || fleet.books(pool).leaving() < most;
    }

    /** Free slots of a pool that no waiting task will take; known once demand has been weighed. */
    public int spare(Pool pool) {
        return spare.getOrDefault(pool.name(), 0);
    }

    public void spare(Pool pool, int slots) {
        spare.put(pool.name(), slots);
    }

    /** Slots of machines launched in this plan that the queue they were launched for leaves over. */
    public int leftover(Pool pool) {
        return leftover.getOrDefault(pool.name(), 0);
    }

    public void leftover(Pool pool, int slots) {
        leftover.put(pool.name(), slots);
    }

    /** Plan again at that time, if nothing is learned before. */
    public void remind(Instant at) {
        if (at.isBefore(due)) {
            due = at;
        }
        if (at.isBefore(deadline)) {
            deadline = at;
        }
    }

    /** Whether the time has come; if not, the fleet is planned again when it has. */
    public boolean hasPassed(Instant at) {
        if (now.isBefore(at)) {
            remind(at);
            return false;
        }
        return true;
    }

    /** As {@link #remind}, where nothing about machines will be decided then: it is no deadline of the fleet's. */
    public void lookAgain(Instant at) {
        if (at.isBefore(due)) {
            due = at;
        }
    }

    /** Whether facts that hold until then are too old; if not, the fleet is planned again when they are. A look or a list moves that. */
    public boolean areStale(Instant heldUntil) {
        if (now.isBefore(heldUntil)) {
            lookAgain(heldUntil);
            return false;
        }
        return true;
    }

    /** The next machine id, as {@code mk3v9x2aq-17}. */
    public String mintMachineId() {
        return "m" + fleet.head().incarnation() + "-" + nextMachine++;
    }

    /** Ids up to this counter are taken: state was lost, and machines with them live on. */
    public void countedUpTo(long counter) {
        nextMachine = Math.max(nextMachine, counter + 1);
    }

    // What a plan says.

    public void write(PlanRecord record) {
        records.add(record);
        fleet.apply(record);
    }

    public void put(Machine machine) {
        var before = fleet.machine(machine.id()).filter(Machine::isCounted).orElse(null);
        var after = fleet.booked(machine, now);
        write(new PlanRecord.MachineChanged(after));
        for (var scope : List.of(Budget.Scope.FLEET, new Budget.Scope(Budget.Scope.Kind.POOL, after.pool()),
                new Budget.Scope(Budget.Scope.Kind.QUEUE, after.queue()))) {
            var known = spending.get(scope);
            if (known != null) {
                known.replace(before, after);
            }
        }
    }

    /** Writes the machine changed, if the change is one. Answers it as it is now. */
    public Machine change(Machine machine, Consumer<Machine.Edit> change) {
        var after = fleet.booked(machine.with(change), now);
        if (!after.equals(machine)) {
            put(after);
        }
        return after;
    }

    public void issue(String decisionId, Command command) {
        write(new PlanRecord.CommandIssued(decisionId, command));
    }

    /** Begins a decision; {@link Draft#write} ends it. */
    public Draft decide(Object rule, Reason reason) {
        return new Draft(Constraint.by(rule, reason));
    }

    /** Something that is not done for a queue, or at all where it is empty, and why. Written if that is news. */
    public void refuse(String queue, int waiting, Constraint why) {
        refuse(new PlanRecord.Refused("", why.rule(), why.reason(), "", queue, "", waiting, now, now, why.numbers(), why.words(), List.of()));
    }

    /**
     * Launches that a queue wants and does not get. Written if that is news.
     *
     * @param supply tasks that idle and booting machines will take
     * @param uncovered tasks that no machine is to come for
     * @param why at least one
     */
    public void refuseQueue(String queue, int waiting, int supply, int uncovered, List<Constraint> why) {
        var numbers = new TreeMap<>(Map.of("waiting", (long) waiting, "supply", (long) supply, "uncovered", (long) uncovered));
        refuse("", queue, uncovered, numbers, why);
    }

    /**
     * Launches that a pool wants for itself and does not get. Written if that is news.
     *
     * @param level {@code minimum} or {@code warm}: what it is below
     * @param machines that it should have so
     * @param why at least one
     */
    public void refusePool(Pool pool, String level, int machines, int missing, List<Constraint> why) {
        refuse(pool.name(), "", 0, new TreeMap<>(Map.of(level, (long) machines, "missing", (long) missing)), why);
    }

    private void refuse(String pool, String queue, int waiting, SortedMap<String, Long> numbers, List<Constraint> why) {
        var first = why.get(0);
        refuse(new PlanRecord.Refused("", first.rule(), first.reason(), pool, queue, "", waiting, now, now, numbers, new TreeMap<>(),
                why.stream().distinct().toList()));
    }

    private void refuse(PlanRecord.Refused refusal) {
        refused.putIfAbsent(refusal.key(), refusal);
    }

    /** Something that people must know while it lasts, though nothing waits for it. {@code subject} tells warnings of one rule apart. */
    public void warn(String subject, Constraint.Draft about) {
        var warning = about.done(Form.Use.WARNING);
        refuse(new PlanRecord.Refused("", warning.rule(), warning.reason(), "", "", warning.rule() + " " + subject, 0, now, now, warning.numbers(),
                warning.words(), List.of()));
    }

    private String decisionId() {
        return fleet.head().incarnation() + "-" + (fleet.plans() + 1) + "-" + ++decisions;
    }

    Plan done() {
        for (var refusal : refused.values()) {
            var before = fleet.refusal(refusal.key());
            var lasts = before.isPresent() && before.get().reason() == refusal.reason();
            if (!lasts || hasPassed(before.get().writtenAt().plus(REFUSAL_REMINDER))) {
                write(new PlanRecord.Refused(decisionId(), refusal.rule(), refusal.reason(), refusal.pool(), refusal.queue(), refusal.subject(),
                        refusal.waiting(), lasts ? before.get().since() : now, now, refusal.numbers(), refusal.words(),
                        refusal.constraints()));
            }
        }
        for (var before : List.copyOf(fleet.refusals())) {
            if (!refused.containsKey(before.key())) {
                var words = new TreeMap<>(before.words());
                if (before.reason() != null) {
                    words.put(Wording.WAS, before.reason().name());
                }
                write(new PlanRecord.Refused(decisionId(), before.rule(), null, before.pool(), before.queue(), before.subject(), 0, before.since(), now,
                        before.numbers(), Collections.unmodifiableSortedMap(words), before.constraints()));
            }
        }
        if (!records.isEmpty()) {
            write(new PlanRecord.Counted(nextMachine, fleet.plans() + 1, now));
        }
        fleet.planned(due, deadline);
        return new Plan(records, due);
    }

    /** A decision being put together. */
    public final class Draft implements Facts<Draft> {
        private final String id = decisionId();
        private final Constraint.Draft said;
        private String pool = "";
        private String queue = "";
        private List<String> machines = List.of();
        private List<String> tasks = List.of();
        private List<PlanRecord.Alternative> alternatives = List.of();
        private List<Constraint> constraints = List.of();
        private List<String> causes = List.of();

        private Draft(Constraint.Draft said) {
            this.said = said;
        }

        public String id() {
            return id;
        }

        public Draft pool(String name) {
            pool = name;
            return this;
        }

        public Draft queue(String name) {
            queue = name;
            return this;
        }

        public Draft machines(List<String> ids) {
            machines = List.copyOf(ids);
            return this;
        }

        /** The decision that touched the machine last is a cause of this one. */
        public Draft machine(Machine machine) {
            pool = machine.pool();
            if (!machine.decisionId().isEmpty() && causes.isEmpty()) {
                causes = List.of(machine.decisionId());
            }
            return machines(List.of(machine.id()));
        }

        public Draft tasks(List<String> ids) {
            tasks = List.copyOf(ids);
            return this;
        }

        @Override
        public Draft number(String name, long value) {
            said.number(name, value);
            return this;
        }

        @Override
        public Draft word(String name, String value) {
            said.word(name, value);
            return this;
        }

        @Override
        public Draft wordIfAny(String name, String value) {
            said.wordIfAny(name, value);
            return this;
        }

        public Draft alternatives(List<PlanRecord.Alternative> weighed) {
            alternatives = List.copyOf(weighed);
            return this;
        }

        /** What was in the way of the pools before. */
        public Draft constraints(List<Constraint> before) {
            constraints = List.copyOf(before);
            return this;
        }

        public Draft causes(List<String> decisionIds) {
            causes = List.copyOf(decisionIds);
            return this;
        }

        /** Why a boot failed, for the machine's own books. */
        public String bootFailure() {
            return said.bootFailure();
        }

        /**
         * Ends the decision. Answers its id.
         *
         * @throws IllegalStateException the reason is not said with these values
         */
        public String write() {
            var why = said.done(Form.Use.DECISION);
            Planning.this.write(new PlanRecord.Decided(id, why.rule(), why.reason(), pool, queue, machines, tasks, why.numbers(), why.words(), alternatives,
                    constraints, causes));
            return id;
        }
    }

    // What several rules do to a machine.

    /** Sets the drain mark. */
    public void drain(Machine machine, String decisionId, Reason cause, String detail, boolean atOnce) {
        change(machine, m -> {
            m.phase = Phase.DRAINING;
            m.cause = cause;
            m.detail = detail;
            m.mark = atOnce ? Mark.DRAIN_NOW : Mark.DRAIN;
            // What was seen of an earlier mark says nothing about this one.
            m.seenMark = Mark.NONE;
            m.markedAt = now;
            m.unlistedSince = null;
            m.ordinal = machine.ordinal() + 1;
            m.decisionId = decisionId;
            m.attempts = 1;
            m.retryAt = now.plus(Repeats.after(1));
            m.endedAt = null;
            m.failure = null;
        });
        issue(decisionId, new Command.Drain(machine.offer().scope(), machine.id(), machine.cloudId(), machine.ordinal() + 1, atOnce));
    }

    /** Its offer has no room: remembered as a refusal is. */
    public void outOfCapacity(Machine machine, String message) {
        write(new PlanRecord.HoldChanged(Holds.noRoom(machine, message, now,
                fleet.hold(Hold.Kind.CAPACITY, Hold.capacitySubject(machine.offer())).orElse(null))));
    }

    /** Clears the drain mark: it works on. */
    public void cancelDrain(Machine machine, String decisionId) {
        change(machine, m -> {
            workOn(machine, m);
            m.mark = Mark.NONE;
            m.unlistedSince = null;
            m.ordinal = machine.ordinal() + 1;
            m.decisionId = decisionId;
            m.retryAt = null;
            m.attempts = 0;
        });
        issue(decisionId, new Command.CancelDrain(machine.offer().scope(), machine.id(), machine.cloudId(), machine.ordinal() + 1));
    }

    /** It was to end and is no longer; its mark is the caller's to set. */
    public void workOn(Machine machine, Machine.Edit m) {
        m.phase = fleet.workersOn(machine).isEmpty() ? Phase.BOOTING : Phase.READY;
        m.idleSince = fleet.isBusy(machine) ? null : now;
        m.cause = null;
        m.detail = "";
    }

    /** The fleet is deleted and leaves its machines to people: no rule ends one by its own choice any more. */
    public boolean isLettingGo() {
        return fleet.head().isEnding() && fleet.head().action() == FleetHead.ShutdownAction.LEAVE;
    }

    /** Asks the cloud to end it. What runs on it is rescued afterwards. */
    public void terminate(Machine machine, String decisionId, Reason cause, String detail) {
        change(machine, m -> {
            m.phase = Phase.TERMINATING;
            m.cause = cause;
            m.detail = detail;
            m.ordinal = machine.ordinal() + 1;
            m.decisionId = decisionId;
            m.attempts = 1;
            m.retryAt = now.plus(Repeats.after(1));
        });
        issue(decisionId, new Command.Terminate(machine.offer().scope(), machine.id(), machine.cloudId(), machine.ordinal() + 1, detail));
    }

    /** The pool of a machine, if the spec still has it. */
    public Optional<Pool> poolOf(Machine machine) {
        return fleet.pool(machine.pool());
    }
}
