package dev.muster.planner.core;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiConsumer;

/**
 * What a fleet has spent: by day for its budgets, by hour and payer for its history. Holds what is closed, which is what each machine was
 * paid for until its last change; the time since is added by whoever asks, so that nothing here moves with the clock alone.
 *
 * <p>Not thread-safe: it belongs to its fleet.
 */
public final class Ledger {

    /** Upper bounds, in seconds, of the classes in which waits are counted; the last class is what is longer. */
    public static final List<Integer> WAIT_SECONDS = List.of(1, 5, 15, 60, 300, 900, 3600, 14_400);
    /** A month and a day: what the longest budget and a late answer need. */
    private static final int DAYS_KEPT = 33;
    /** Rows of an hour that could not be written for so long are of no use to anybody. */
    private static final Duration HOURS_KEPT = Duration.ofDays(2);

    /** What was spent on one local date for machines of one pool, launched for one queue. {@code pool} {@link #ALL}: counts everywhere. */
    public record Spent(LocalDate day, String pool, String queue, long micros) {}

    /** What machines were paid for in one hour. Empty where it is about none. */
    public record Payer(String pool, String queue, String project, String user) implements Comparable<Payer> {
        private static final Comparator<Payer> ORDER = Comparator.comparing(Payer::pool).thenComparing(Payer::queue)
                .thenComparing(Payer::project).thenComparing(Payer::user);

        @Override
        public int compareTo(Payer other) {
            return ORDER.compare(this, other);
        }
    }

    /** Machine time by kind, and money. */
    public record Amounts(Duration useful, Duration idle, Duration boot, Duration waste, long micros) {
        public static final Amounts NONE = new Amounts(Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO, 0);

        Amounts plus(PaidKind kind, Duration time, long cost) {
            return new Amounts(kind == PaidKind.USEFUL ? useful.plus(time) : useful, kind == PaidKind.IDLE ? idle.plus(time) : idle,
                    kind == PaidKind.BOOT ? boot.plus(time) : boot, kind == PaidKind.WASTE ? waste.plus(time) : waste,
                    Math.addExact(micros, cost));
        }

        public Duration paid() {
            return useful.plus(idle).plus(boot).plus(waste);
        }
    }

    /** One payer's part of one hour. */
    public record Line(Instant hour, Payer payer, Amounts amounts) {}

    /**
     * As it is stored.
     *
     * @param hoursUntil rows of hours that end here or before are written; EPOCH: none was due
     * @param minutesUntil the same for minutes
     * @param lostAt what was spent before is not known; null: all is known
     * @param waits tasks that started since {@code minutesUntil}, by the classes of {@link #WAIT_SECONDS}
     * @param untold money moved since the last minute's row, or machines lived at it
     */
    public record Book(List<Spent> spent, List<Line> lines, Instant hoursUntil, Instant minutesUntil, Instant lostAt, List<Long> waits, boolean untold) {
        public static final Book EMPTY = new Book(List.of(), List.of(), Instant.EPOCH, Instant.EPOCH, null, List.of(), false);

        /** Nothing is known of what was spent before. */
        public static Book lost(Instant at) {
            return new Book(List.of(), List.of(), Instant.EPOCH, Instant.EPOCH, at, List.of(), true);
        }
    }

    /** In place of a pool's name: counts against every budget. */
    public static final String ALL = "*";

    private final TreeMap<LocalDate, Day> days = new TreeMap<>();
    private final TreeMap<Instant, TreeMap<Payer, Amounts>> hours = new TreeMap<>();
    private final long[] waits = new long[WAIT_SECONDS.size() + 1];
    private Instant hoursUntil = Instant.EPOCH;
    private Instant minutesUntil = Instant.EPOCH;
    private Instant lostAt;
    private boolean untold;

    static Ledger of(Book book) {
        var ledger = new Ledger();
        book.spent().forEach(spent -> ledger.day(spent.day()).add(spent.pool(), spent.queue(), spent.micros()));
        book.lines().forEach(line -> ledger.hours.computeIfAbsent(line.hour(), hour -> new TreeMap<>()).put(line.payer(), line.amounts()));
        ledger.hoursUntil = book.hoursUntil();
        ledger.minutesUntil = book.minutesUntil();
        ledger.lostAt = book.lostAt();
        ledger.untold = book.untold();
        for (int i = 0; i < book.waits().size() && i < ledger.waits.length; i++) {
            ledger.waits[i] = book.waits().get(i);
        }
        return ledger;
    }

    public Book book() {
        var spent = new ArrayList<Spent>();
        days.forEach((date, day) -> day.byPayer.forEach((payer, micros) -> spent.add(new Spent(date, payer.pool(), payer.queue(), micros))));
        var lines = new ArrayList<Line>();
        hours.forEach((hour, payers) -> payers.forEach((payer, amounts) -> lines.add(new Line(hour, payer, amounts))));
        return new Book(List.copyOf(spent), List.copyOf(lines), hoursUntil, minutesUntil, lostAt, waits(), untold);
    }

    /** What was spent on one date, and its sums: a plan asks for them at every budget. */
    private static final class Day {
        private final TreeMap<Payer, Long> byPayer = new TreeMap<>();
        private final Map<Budget.Scope, Long> byScope = new HashMap<>();
        /** Counts against every budget. */
        private long everywhere;

        private void add(String pool, String queue, long micros) {
            byPayer.merge(new Payer(pool, queue, "", ""), micros, Math::addExact);
            if (pool.equals(ALL)) {
                everywhere = Math.addExact(everywhere, micros);
                return;
            }
            byScope.merge(Budget.Scope.FLEET, micros, Math::addExact);
            byScope.merge(new Budget.Scope(Budget.Scope.Kind.POOL, pool), micros, Math::addExact);
            byScope.merge(new Budget.Scope(Budget.Scope.Kind.QUEUE, queue), micros, Math::addExact);
        }

        private long of(Budget.Scope scope) {
            return Math.addExact(everywhere, byScope.getOrDefault(scope, 0L));
        }
    }

    private Day day(LocalDate date) {
        return days.computeIfAbsent(date, day -> new Day());
    }

    /** Since when what was spent is not known; null: it is. */
    public Instant lostAt() {
        return lostAt;
    }

    public Instant hoursUntil() {
        return hoursUntil;
    }

    public Instant minutesUntil() {
        return minutesUntil;
    }

    /** Whether one more row of a minute is due, also where nothing waits and nothing runs: the last one does not say how money stands. */
    public boolean isUntold() {
        return untold;
    }

    /** Budgets are others now. */
    void tellAgain() {
        untold = true;
    }

    /** By the classes of {@link #WAIT_SECONDS}; empty if no task started. */
    public List<Long> waits() {
        var list = new ArrayList<Long>();
        long all = 0;
        for (var count : waits) {
            list.add(count);
            all += count;
        }
        return all == 0 ? List.of() : List.copyOf(list);
    }

    /** Micro-units in closed stretches, from that local date on. */
    public long closedSince(LocalDate day, Budget.Scope scope) {
        long sum = 0;
        for (var each : days.tailMap(day, true).values()) {
            sum = Math.addExact(sum, each.of(scope));
        }
        return sum;
    }

    /** What was closed in hours from {@link #hoursUntil()} on, by hour and payer. */
    public List<Line> closedLines() {
        return book().lines();
    }

    /** People say what was spent before the books were lost. */
    void restore(long dayMicros, long monthMicros, LocalDate today) {
        lostAt = null;
        untold = true;
        day(today).add(ALL, "", dayMicros);
        // The rest of the month is no part of today; on its first day there is none.
        if (today.getDayOfMonth() > 1 && monthMicros > dayMicros) {
            day(today.minusDays(1)).add(ALL, "", monthMicros - dayMicros);
        }
    }

    void waited(Duration wait) {
        int i = 0;
        while (i < WAIT_SECONDS.size() && wait.compareTo(Duration.ofSeconds(WAIT_SECONDS.get(i))) > 0) {
            i++;
        }
        waits[i]++;
    }

    /** Books a stretch of a machine's time. */
    void close(Machine machine, Paid.Stretch stretch, ZoneId zone, QueueNames names) {
        if (!stretch.from().isBefore(stretch.to())) {
            return;
        }
        untold = true;
        byDay(stretch, zone, (day, part) -> day(day).add(machine.pool(), machine.queue(), part.cost()));
        while (days.size() > DAYS_KEPT) {
            days.pollFirstEntry();
        }
        lines(machine, stretch, hoursUntil, names).forEach(line -> hours.computeIfAbsent(line.hour(), hour -> new TreeMap<>())
                .merge(line.payer(), line.amounts(), Ledger::sum));
        while (!hours.isEmpty() && hours.firstKey().isBefore(stretch.to().minus(HOURS_KEPT))) {
            hours.pollFirstEntry();
        }
    }

    public static Amounts sum(Amounts a, Amounts b) {
        return new Amounts(a.useful().plus(b.useful()), a.idle().plus(b.idle()), a.boot().plus(b.boot()), a.waste().plus(b.waste()),
                Math.addExact(a.micros(), b.micros()));
    }

    /** Names of queues by id. */
    interface QueueNames {
        /** Null if no such queue is known. */
        String of(String queueId);
    }

    /** A stretch by hour and payer: a task's time is its queue's, project's and user's; all other time the queue's that the machine was launched for. */
    static List<Line> lines(Machine machine, Paid.Stretch stretch, Instant notBefore, QueueNames names) {
        var lines = new ArrayList<Line>();
        var from = stretch.from().isBefore(notBefore) ? notBefore : stretch.from();
        while (from.isBefore(stretch.to())) {
            var hour = from.truncatedTo(ChronoUnit.HOURS);
            var next = hour.plus(1, ChronoUnit.HOURS);
            var to = next.isBefore(stretch.to()) ? next : stretch.to();
            var part = new Paid.Stretch(from, to, stretch.kind(), stretch.perHour(), stretch.tasks());
            split(machine, part, names, (payer, amounts) -> lines.add(new Line(hour, payer, amounts)));
            from = to;
        }
        return lines;
    }

    /** Among tasks that share a machine, its time and its cost are divided evenly; what doesn't divide goes to the first. */
    private static void split(Machine machine, Paid.Stretch part, QueueNames names, BiConsumer<Payer, Amounts> to) {
        var time = Duration.between(part.from(), part.to());
        var cost = part.cost();
        if (part.tasks().isEmpty()) {
            to.accept(new Payer(machine.pool(), machine.queue(), "", ""), Amounts.NONE.plus(part.kind(), time, cost));
            return;
        }
        int count = part.tasks().size();
        for (int i = 0; i < count; i++) {
            var task = part.tasks().get(i);
            var queue = names.of(task.queueId());
            var share = Duration.ofMillis(time.toMillis() / count);
            var price = cost / count;
            to.accept(new Payer(machine.pool(), queue == null ? machine.queue() : queue, task.project(), task.user()),
                    Amounts.NONE.plus(part.kind(), i == 0 ? time.minus(share.multipliedBy(count - 1L)) : share, i == 0 ? cost - price * (count - 1) : price));
        }
    }

    /** A stretch cut at midnights. */
    static void byDay(Paid.Stretch stretch, ZoneId zone, BiConsumer<LocalDate, Paid.Stretch> each) {
        var from = stretch.from();
        while (from.isBefore(stretch.to())) {
            var day = from.atZone(zone).toLocalDate();
            var midnight = day.plusDays(1).atStartOfDay(zone).toInstant();
            var to = midnight.isBefore(stretch.to()) ? midnight : stretch.to();
            each.accept(day, new Paid.Stretch(from, to, stretch.kind(), stretch.perHour(), stretch.tasks()));
            from = to;
        }
    }

    /**
     * Rows up to there are written.
     *
     * @param told the last minute has rows
     * @param live machines live on, so that its rows are not the last word
     */
    void written(Instant minutes, Instant hoursEnd, boolean told, boolean live) {
        untold = told ? live : untold;
        if (minutes.isAfter(minutesUntil)) {
            minutesUntil = minutes;
            Arrays.fill(waits, 0);
        }
        if (hoursEnd.isAfter(hoursUntil)) {
            hoursUntil = hoursEnd;
            hours.headMap(hoursEnd, false).clear();
        }
    }
}
