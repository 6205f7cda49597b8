package dev.muster.planner.core;

import com.cronutils.model.CronType;
import com.cronutils.model.definition.CronDefinitionBuilder;
import com.cronutils.model.time.ExecutionTime;
import com.cronutils.parser.CronParser;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.Optional;
import java.util.OptionalInt;

/** A window of time, opened by a cron expression, in which other numbers hold. What is empty stays as outside. */
public final class Schedule {

    private static final CronParser PARSER = new CronParser(CronDefinitionBuilder.instanceDefinitionFor(CronType.UNIX));

    private final String cron;
    private final Duration lasts;
    private final ZoneId zone;
    private final OptionalInt min;
    private final OptionalInt max;
    private final OptionalInt warm;
    private final Optional<Boolean> paused;
    private final ExecutionTime times;

    /**
     * @param cron five fields, as crontab has them
     * @param lasts how long it stays open; more than zero
     * @throws IllegalArgumentException if cron can't be read; its message says what is wrong
     */
    public Schedule(String cron, Duration lasts, ZoneId zone, OptionalInt min, OptionalInt max, OptionalInt warm, Optional<Boolean> paused) {
        this.cron = cron;
        this.lasts = lasts;
        this.zone = zone;
        this.min = min;
        this.max = max;
        this.warm = warm;
        this.paused = paused;
        this.times = ExecutionTime.forCron(PARSER.parse(cron).validate());
    }

    public OptionalInt min() {
        return min;
    }

    public OptionalInt max() {
        return max;
    }

    public OptionalInt warm() {
        return warm;
    }

    public Optional<Boolean> paused() {
        return paused;
    }

    /** Whether it ever opens after that time. */
    public boolean opensAfter(Instant now) {
        return times.nextExecution(now.atZone(zone)).isPresent();
    }

    /** Whether it is open at that time, and until when that stays so. */
    public Window at(Instant now) {
        // The end of a window is outside: at it, the last opening is as long ago as it lasts.
        var opened = times.lastExecution(now.plusSeconds(1).atZone(zone)).map(time -> time.toInstant());
        var next = times.nextExecution(now.atZone(zone)).map(time -> time.toInstant()).orElse(Instant.MAX);
        var end = opened.map(start -> start.plus(lasts));
        if (end.isPresent() && !opened.get().isAfter(now) && now.isBefore(end.get())) {
            // One that opens again before it closes goes on.
            return new Window(true, end.get());
        }
        return new Window(false, next);
    }

    /** @param until when to look again; {@link Instant#MAX}: never */
    public record Window(boolean isOpen, Instant until) {}

    @Override
    public boolean equals(Object other) {
        return other instanceof Schedule o && cron.equals(o.cron) && lasts.equals(o.lasts) && zone.equals(o.zone) && min.equals(o.min)
                && max.equals(o.max) && warm.equals(o.warm) && paused.equals(o.paused);
    }

    @Override
    public int hashCode() {
        return cron.hashCode() * 31 + lasts.hashCode();
    }

    @Override
    public String toString() {
        return cron + " for " + lasts + " in " + zone;
    }
}
