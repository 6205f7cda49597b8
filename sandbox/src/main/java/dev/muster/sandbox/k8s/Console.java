package dev.muster.sandbox.k8s;

import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** What one pod wrote, as its node keeps it, and what it did. Thread-safe. */
final class Console {

    /** The end of it is what people ask for. */
    private static final int LINES = 2_000;

    record Line(Instant at, String text) {
    }

    private final String namespace;
    private final String name;
    private final Instant began;
    private final Deque<Line> lines = new ArrayDeque<>();
    private final Set<String> tasks = new TreeSet<>();
    private boolean started;
    private boolean ended;

    Console(String namespace, String name, Instant began) {
        this.namespace = namespace;
        this.name = name;
        this.began = began;
    }

    boolean is(String in, String called) {
        return namespace.equals(in) && name.equals(called);
    }

    Instant began() {
        return began;
    }

    synchronized void write(String text) {
        for (var line : text.split("\n", -1)) {
            lines.add(new Line(Instant.now(), line));
        }
        while (lines.size() > LINES) {
            lines.remove();
        }
    }

    synchronized List<Line> lines() {
        return List.copyOf(lines);
    }

    synchronized void did(String task) {
        tasks.add(task);
    }

    synchronized Set<String> tasks() {
        return Set.copyOf(tasks);
    }

    synchronized void start() {
        started = true;
    }

    synchronized void end() {
        ended = true;
    }

    synchronized boolean isStarted() {
        return started;
    }

    synchronized boolean isEnded() {
        return ended;
    }
}
