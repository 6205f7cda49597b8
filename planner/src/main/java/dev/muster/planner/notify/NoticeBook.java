package dev.muster.planner.notify;

import dev.muster.contracts.Times;
import dev.muster.planner.notify.Positions.Position;
import dev.muster.v1.Constraint;
import dev.muster.v1.Decision;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.NotificationKind;
import dev.muster.v1.NotificationSpec;
import dev.muster.v1.Reason;
import dev.muster.v1.Refusal;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * What one partition's decisions come to for people. What lasts (a budget at its limit, an open circuit, ClearML unknown) is said when it begins, once a
 * day while it lasts, and when it is over; what happens (boots that failed, tasks put back) is gathered and said with a count. Time comes with
 * the calls. One thread uses it, but for {@link #done}.
 *
 * <p>Begun anew, by another process or after a restart, it is shown what was written shortly before, and says nothing of that twice: the moments
 * at which things are said follow from when they began, and {@link Positions} has which of them are past.
 */
final class NoticeBook {

    /** Refusals are repeated every ten minutes: in this span there is at least one of each that lasts. */
    static final Duration MEMORY = Duration.ofMinutes(25);
    /** ClearML may be restarted without anybody being woken. */
    static final Duration UNKNOWN_FOR = Duration.ofMinutes(5);
    /** A refusal comes and goes with the tasks that wait: over is what has been over for this long. */
    static final Duration OVER_FOR = Duration.ofMinutes(2);
    static final Duration REMINDER = Duration.ofHours(24);
    /** What happens within it is one message; while more of it follows, so is what happens within the longer one. */
    static final Duration TOGETHER = Duration.ofMinutes(1);
    static final Duration TOGETHER_NEXT = Duration.ofMinutes(10);
    /** Of pools in a text. */
    private static final int NAMES = 5;

    private final Positions start;
    private final String installation;
    private final Function<String, List<NotificationSpec>> webhooks;
    private final Map<String, FleetNotes> fleets = new TreeMap<>();
    private final Map<GroupKey, Group> groups = new LinkedHashMap<>();
    private final Map<GroupKey, Instant> lastGroup = new HashMap<>();
    private final Set<Notice> unsent = new HashSet<>();
    private final List<Notice> said = new ArrayList<>();
    private Instant horizon;

    /** @param webhooks of a fleet, as its spec has them now; empty: none, or no such fleet */
    NoticeBook(String installation, Positions start, Function<String, List<NotificationSpec>> webhooks) {
        this.installation = installation;
        this.start = start;
        this.webhooks = webhooks;
        this.horizon = start.base().time();
    }

    private static final class FleetNotes {
        /** By queue, pool and subject of the refusal: the things that it says. */
        private final Map<String, Set<String>> saidBy = new HashMap<>();
        private final Map<String, Lasting> lasting = new TreeMap<>();
    }

    /** One thing that lasts. */
    private static final class Lasting {
        private final NotificationKind kind;
        private final long firstOffset;
        private final Instant since;
        private final Instant begins;
        private String text = "";
        private String endedBy = "";
        private int holders;
        /** The next moment at which it is said. */
        private Instant next;
        private Instant overAt;
        private long overOffset;

        Lasting(NotificationKind kind, long firstOffset, Instant since) {
            this.kind = kind;
            this.firstOffset = firstOffset;
            this.since = since;
            this.begins = kind == NotificationKind.CLEARML_UNKNOWN ? since.plus(UNKNOWN_FOR) : since;
            this.next = begins;
        }

        boolean isOver() {
            return holders == 0;
        }
    }

    private record GroupKey(String fleet, String secret, NotificationKind kind) {}

    private static final class Group {
        private final long offset;
        private final Instant began;
        private final Instant until;
        private final Set<String> pools = new TreeSet<>();
        private int count;
        private String last = "";

        Group(long offset, Instant began, Instant until) {
            this.offset = offset;
            this.began = began;
            this.until = until;
        }
    }

    /** Takes in the next event. @return what is to be said now, in order */
    List<Notice> on(long offset, DecisionEvent event) {
        var at = Times.instant(event.getAt());
        pass(at);
        switch (event.getWhatCase()) {
            case REFUSAL -> refusal(event.getFleet(), offset, at, event.getRefusal());
            case DECISION -> decision(event.getFleet(), offset, at, event.getDecision());
            case FORGOTTEN -> fleets.remove(event.getFleet());
            case PLAN_MADE, REQUEST_ANSWERED, AUDIT, LOADED, SNAPSHOT, WHAT_NOT_SET -> { }
        }
        return taken();
    }

    /** Lets time pass. Only once everything up to now has been read. */
    List<Notice> tick(Instant now) {
        pass(now);
        return taken();
    }

    private List<Notice> taken() {
        var notices = List.copyOf(said);
        said.clear();
        return notices;
    }

    // What lasts.

    private void refusal(String fleet, long offset, Instant at, Refusal refusal) {
        var notes = fleets.computeIfAbsent(fleet, none -> new FleetNotes());
        var key = refusal.getQueue() + "\u0000" + refusal.getPool() + "\u0000" + refusal.getSubject();
        var now = new TreeMap<String, NotificationKind>();
        if (refusal.getConstraintsCount() == 0 || refusal.getReason() == Reason.REASON_UNSPECIFIED) {
            add(now, refusal.getReason(), refusal.getWordsMap(), refusal);
        } else {
            for (Constraint constraint : refusal.getConstraintsList()) {
                add(now, constraint.getReason(), constraint.getWordsMap(), refusal);
            }
        }
        var before = notes.saidBy.getOrDefault(key, Set.of());
        for (var gone : before) {
            if (!now.containsKey(gone)) {
                release(notes, gone, offset, at);
            }
        }
        now.forEach((thing, kind) -> {
            var lasting = notes.lasting.get(thing);
            if (lasting == null) {
                lasting = new Lasting(kind, offset, refusal.hasSince() ? Times.instant(refusal.getSince()) : at);
                notes.lasting.put(thing, lasting);
            }
            if (!before.contains(thing)) {
                lasting.holders++;
                lasting.overAt = null;
            }
            lasting.text = refusal.getText();
            lasting.endedBy = refusal.getUnblockedBy();
        });
        if (now.isEmpty()) {
            notes.saidBy.remove(key);
        } else {
            notes.saidBy.put(key, Set.copyOf(now.keySet()));
        }
    }

    private static void add(Map<String, NotificationKind> things, Reason reason, Map<String, String> words, Refusal refusal) {
        switch (reason) {
            case BUDGET_REACHED, SOFT_BUDGET_REACHED, OVER_BUDGET ->
                things.put("budget " + words.getOrDefault("scope", "") + " " + words.getOrDefault("period", "") + " " + reason, NotificationKind.BUDGET);
            case CIRCUIT_OPEN -> things.put("circuit " + words.getOrDefault("pool", refusal.getPool()), NotificationKind.CIRCUIT);
            case FACTS_STALE, READ_FAILED -> things.put("clearml", NotificationKind.CLEARML_UNKNOWN);
            default -> { }
        }
    }

    private static void release(FleetNotes notes, String thing, long offset, Instant at) {
        var lasting = notes.lasting.get(thing);
        lasting.holders--;
        if (lasting.isOver()) {
            lasting.overAt = at;
            lasting.overOffset = offset;
            if (at.isBefore(lasting.begins)) {
                // Nobody was told, and nobody is.
                notes.lasting.remove(thing);
            }
        }
    }

    private void pass(Instant now) {
        if (now.isAfter(horizon)) {
            horizon = now;
        }
        fleets.forEach((fleet, notes) -> notes.lasting.values().removeIf(lasting -> pass(fleet, lasting, now)));
        groups.entrySet().removeIf(entry -> {
            if (now.isBefore(entry.getValue().until)) {
                return false;
            }
            say(entry.getKey(), entry.getValue());
            return true;
        });
    }

    /** @return whether all is said of it */
    private boolean pass(String fleet, Lasting lasting, Instant now) {
        // While it may be over nothing is said of it: it is, or it goes on and is said then.
        var until = lasting.isOver() ? lasting.overAt : now;
        while (!lasting.next.isAfter(until)) {
            var isBegin = lasting.next.equals(lasting.begins);
            if (isBegin || lasting.next.plus(REMINDER).isAfter(until)) {
                say(fleet, lasting, lasting.firstOffset, lasting.next, isBegin ? sentence(lasting.text) + (lasting.endedBy.isEmpty() ? "" : " What ends it: " + sentence(lasting.endedBy))
                        : "still so after " + span(Duration.between(lasting.since, lasting.next)) + ": " + sentence(lasting.text));
            }
            lasting.next = lasting.next.plus(REMINDER);
        }
        if (!lasting.isOver() || now.isBefore(lasting.overAt.plus(OVER_FOR))) {
            return false;
        }
        say(fleet, lasting, lasting.overOffset, lasting.overAt.plus(OVER_FOR),
                "over after " + span(Duration.between(lasting.since, lasting.overAt)) + ": " + sentence(lasting.text));
        return true;
    }

    private void say(String fleet, Lasting lasting, long offset, Instant due, String text) {
        for (var webhook : webhooks.apply(fleet)) {
            var told = start.of(Positions.key(fleet, webhook.getWebhookSecret()));
            if (wants(webhook, lasting.kind) && !(offset < told.offset() && !due.isAfter(told.time()))) {
                say(new Notice(fleet, webhook.getWebhookSecret(), lasting.kind, opening(fleet, lasting.kind) + text, -1, due));
            }
        }
    }

    // What happens.

    private void decision(String fleet, long offset, Instant at, Decision decision) {
        var kind = kind(decision);
        if (kind == null) {
            return;
        }
        for (var webhook : webhooks.apply(fleet)) {
            if (!wants(webhook, kind) || offset < start.of(Positions.key(fleet, webhook.getWebhookSecret())).offset()) {
                continue;
            }
            var key = new GroupKey(fleet, webhook.getWebhookSecret(), kind);
            var group = groups.computeIfAbsent(key, none -> {
                var last = lastGroup.get(key);
                var goesOn = last != null && at.isBefore(last.plus(TOGETHER_NEXT));
                return new Group(offset, at, at.plus(goesOn ? TOGETHER_NEXT : TOGETHER));
            });
            group.count += Math.max(1, kind == NotificationKind.RESCUE ? decision.getTaskIdsCount() : decision.getMachineIdsCount());
            group.last = decision.getText();
            if (!decision.getPool().isEmpty()) {
                group.pools.add(decision.getPool());
            }
        }
    }

    /** Null: nobody is told of it. */
    private static NotificationKind kind(Decision decision) {
        return switch (decision.getReason()) {
            // A worker that was lost had been there.
            case BOOT_FAILED -> decision.getWordsOrDefault("how", "").equals("worker-lost") ? null : NotificationKind.BOOT_FAILURE;
            case MACHINE_IMPAIRED -> decision.containsNumbers("failedBoots") ? NotificationKind.BOOT_FAILURE : null;
            case TASK_ADRIFT, TASK_LOST_MACHINE, TASK_FAILED_WITH_MACHINE, TASK_AT_FAULT -> NotificationKind.RESCUE;
            default -> null;
        };
    }

    private void say(GroupKey key, Group group) {
        lastGroup.put(key, group.until);
        var many = group.count > 1 ? group.count + (key.kind() == NotificationKind.RESCUE ? " tasks" : " machines") + " within " + span(Duration.between(group.began, group.until))
                + (group.pools.isEmpty() ? "" : " (" + names(group.pools) + ")") + ", the last: " : "";
        say(new Notice(key.fleet(), key.secret(), key.kind(), opening(key.fleet(), key.kind()) + many + sentence(group.last), group.offset, group.until));
    }

    private static String names(Set<String> names) {
        var first = String.join(", ", names.stream().limit(NAMES).toList());
        return names.size() > NAMES ? first + ", …" : first;
    }

    // Both.

    private static boolean wants(NotificationSpec webhook, NotificationKind kind) {
        return webhook.getKindsCount() == 0 || webhook.getKindsList().contains(kind);
    }

    private void say(Notice notice) {
        synchronized (unsent) {
            unsent.add(notice);
        }
        said.add(notice);
    }

    /** It was taken by its webhook, or nobody wants it any longer. Any thread. */
    void done(Notice notice) {
        synchronized (unsent) {
            unsent.remove(notice);
        }
    }

    /** How far everybody has been told. @param next offset of the first event that was not taken in */
    Positions positions(long next) {
        var base = new Position(next, horizon);
        var behind = new HashMap<String, Position>();
        groups.forEach((key, group) -> hold(behind, base, key.fleet(), key.secret(), new Position(group.offset, horizon)));
        synchronized (unsent) {
            unsent.forEach(notice -> hold(behind, base, notice.fleet(), notice.secret(),
                    notice.offset() >= 0 ? new Position(notice.offset(), horizon) : new Position(next, notice.due().minusMillis(1))));
        }
        return new Positions(base, behind);
    }

    private static void hold(Map<String, Position> behind, Position base, String fleet, String secret, Position at) {
        behind.merge(Positions.key(fleet, secret), at, (one, other) -> new Position(Math.min(one.offset(), other.offset()),
                one.time().isBefore(other.time()) ? one.time() : other.time()));
    }

    private String opening(String fleet, NotificationKind kind) {
        return opening(installation, fleet) + switch (kind) {
            case BUDGET -> "budget: ";
            case CIRCUIT -> "circuit: ";
            case BOOT_FAILURE -> "boot failed: ";
            case RESCUE -> "tasks: ";
            case CLEARML_UNKNOWN -> "ClearML: ";
            case TEST, NOTIFICATION_KIND_UNSPECIFIED, UNRECOGNIZED -> "";
        };
    }

    static String opening(String installation, String fleet) {
        return "Muster " + installation + ", fleet " + fleet + ", ";
    }

    private static String sentence(String text) {
        return text.isEmpty() || text.endsWith(".") ? text : text + ".";
    }

    /** To the minute, and to the second below one. */
    static String span(Duration span) {
        if (span.compareTo(Duration.ofMinutes(1)) < 0) {
            return Math.max(0, span.toSeconds()) + " s";
        }
        var parts = new ArrayList<String>();
        if (span.toDays() > 0) {
            parts.add(span.toDays() + " d");
        }
        if (span.toHoursPart() > 0) {
            parts.add(span.toHoursPart() + " h");
        }
        if (span.toMinutesPart() > 0) {
            parts.add(span.toMinutesPart() + " min");
        }
        return String.join(" ", parts);
    }
}
