package dev.muster.sandbox;

import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.PriorityQueue;

/** Time that moves only when a test moves it; what is due then runs on the test's thread, in order. */
public final class SimulatedTime implements CloudTime {

    private final PriorityQueue<Alarm> alarms = new PriorityQueue<>(Comparator.comparing(Alarm::at).thenComparing(Alarm::number));
    private Instant now = Instant.parse("2026-11-23T12:00:00Z");
    private long number;

    private record Alarm(Instant at, long number, Runnable what) {
    }

    @Override
    public synchronized Instant now() {
        return now;
    }

    @Override
    public synchronized void after(Duration wait, Runnable what) {
        alarms.add(new Alarm(now.plus(wait), ++number, what));
    }

    public void pass(Duration time) {
        var end = now().plus(time);
        while (true) {
            Alarm next;
            synchronized (this) {
                next = alarms.peek();
                if (next == null || next.at().isAfter(end)) {
                    now = end;
                    return;
                }
                alarms.poll();
                now = next.at();
            }
            next.what().run();
        }
    }

    @Override
    public void close() {
        alarms.clear();
    }
}
