package dev.muster.planner.spec;

import dev.muster.planner.core.Schedule;
import dev.muster.v1.Limits;
import dev.muster.v1.ScheduleSpec;
import java.time.Month;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** What can be wrong with windows of time, and with the zones that they are in. */
final class ScheduleValidator {

    /** Every plan looks at each window; nobody keeps more in mind. */
    private static final int MOST_WINDOWS = 20;
    private static final List<String> MONTHS = List.of("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec");

    private final Findings found;

    ScheduleValidator(Findings found) {
        this.found = found;
    }

    /** An IANA name. Empty is fine. */
    void timeZone(String field, String zone) {
        if (zone.isEmpty() || ZoneId.getAvailableZoneIds().contains(zone)) {
            return;
        }
        var meant = ZoneId.getAvailableZoneIds().stream().filter(known -> known.equalsIgnoreCase(zone.replace(' ', '_'))
                || known.toLowerCase(Locale.ROOT).endsWith("/" + zone.toLowerCase(Locale.ROOT).replace(' ', '_'))).sorted().findFirst();
        found.say(field, "'" + zone + "' is no time zone", meant.map(known -> "write " + known).orElse("write an IANA name such as Europe/Berlin or UTC"));
    }

    /**
     * @param at path of the fleet or pool
     * @param isFleet has neither minimum nor warm machines
     * @param limits what holds outside
     */
    void judge(String at, List<ScheduleSpec> schedules, boolean isFleet, Limits limits) {
        if (schedules.size() > MOST_WINDOWS) {
            found.say(SpecPaths.under(at, "schedules"), "there are " + schedules.size(), "use at most " + MOST_WINDOWS);
            return;
        }
        for (int i = 0; i < schedules.size(); i++) {
            judge(SpecPaths.under(at, "schedules") + "[" + i + "]", schedules.get(i), isFleet, limits);
        }
    }

    private void judge(String field, ScheduleSpec window, boolean isFleet, Limits limits) {
        cron(field + ".cron", window.getCron());
        if (!window.hasLasts()) {
            found.say(field + ".lasts", "is missing", "write how long the window stays open, such as 10h");
        } else if (Findings.compare(window.getLasts(), Findings.MINUTE) < 0) {
            found.say(field + ".lasts", "is " + Findings.text(window.getLasts()), "use 1m to 31d");
        } else {
            found.atMost(field + ".lasts", window.getLasts(), true, Findings.LONGEST_MONTH);
        }
        timeZone(field + ".timeZone", window.getTimeZone());
        if (!window.hasMin() && !window.hasMax() && !window.hasWarm() && !window.hasPaused()) {
            found.say(field, "changes nothing", isFleet ? "write max or paused" : "write min, max, warm or paused");
        }
        var counts = found.count(field + ".min", window.getMin()) & found.count(field + ".max", window.getMax()) & found.count(field + ".warm", window.getWarm());
        if (isFleet) {
            pools(field + ".min", window.hasMin());
            pools(field + ".warm", window.hasWarm());
        }
        if (isFleet || !counts) {
            return;
        }
        // What a window doesn't say is as outside; a lowered maximum alone is a cap, and holds over the minimum outside.
        var max = window.hasMax() ? OptionalInt.of(window.getMax()) : limits.hasMax() ? OptionalInt.of(limits.getMax()) : OptionalInt.empty();
        var whose = window.hasMax() ? "the window's max" : "the max outside";
        if (max.isPresent() && window.getMin() > max.getAsInt()) {
            found.say(field + ".min", "is " + window.getMin() + ", above " + whose + ", which is " + max.getAsInt(), "lower it, or write a max of at least " + window.getMin() + " in the window");
        }
        if (max.isPresent() && window.getWarm() > max.getAsInt()) {
            found.say(field + ".warm", "is " + window.getWarm() + ", above " + whose + ", which is " + max.getAsInt(), "lower it, or write a max of at least " + window.getWarm() + " in the window");
        }
    }

    private void pools(String field, boolean there) {
        if (there) {
            found.say(field, "is set, and a fleet keeps no machines itself: its pools do", "write it in the schedules of a pool");
        }
    }

    private void cron(String field, String cron) {
        if (cron.isBlank()) {
            found.say(field, "is missing", "write minute hour day-of-month month day-of-week, such as \"0 8 * * 1-5\"");
            return;
        }
        try {
            new Schedule(cron, java.time.Duration.ofHours(1), ZoneOffset.UTC, OptionalInt.empty(), OptionalInt.empty(), OptionalInt.empty(), Optional.empty());
            if (!fires(cron)) {
                found.say(field, "'" + cron + "' never fires: there is no such day", "name a day that its months have");
            }
        } catch (IllegalArgumentException unreadable) {
            found.say(field, "'" + cron + "' can't be read: " + unreadable.getMessage(), "write minute hour day-of-month month day-of-week, such as \"0 8 * * 1-5\"");
        }
    }

    /**
     * Whether there is a day that it names: the 30th of February is none. Looking for a next time instead would take a second and more
     * when there is none, and a planner that judges has three for a whole transaction.
     *
     * @param cron one that can be read
     */
    static boolean fires(String cron) {
        var fields = cron.strip().split("\\s+");
        if (!fields[4].equals("*")) {
            // A day of the week beside a day of the month is another way to open: every month has each.
            return true;
        }
        var day = Stream.of(fields[2].split(",")).mapToInt(item -> item.startsWith("*") ? 1 : Integer.parseInt(item.split("[-/]")[0])).min().orElse(1);
        return IntStream.rangeClosed(1, 12).filter(month -> names(fields[3], month)).anyMatch(month -> day <= Month.of(month).maxLength());
    }

    private static boolean names(String field, int month) {
        return Stream.of(field.split(",")).anyMatch(item -> {
            var step = item.split("/");
            var ends = step[0].split("-");
            var from = step[0].equals("*") ? 1 : month(ends[0]);
            var to = ends.length == 2 ? month(ends[1]) : step[0].equals("*") || step.length == 2 ? 12 : from;
            return month >= from && month <= to && (month - from) % (step.length == 2 ? Integer.parseInt(step[1]) : 1) == 0;
        });
    }

    private static int month(String text) {
        var named = MONTHS.indexOf(text.toLowerCase(Locale.ROOT));
        return named >= 0 ? named + 1 : Integer.parseInt(text);
    }
}
