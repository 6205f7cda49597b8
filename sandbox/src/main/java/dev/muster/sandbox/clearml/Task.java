package dev.muster.sandbox.clearml;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** A task: the document that calls see, and beside it what only the server's own books keep. */
final class Task {

    final String id;
    final ObjectNode document;
    /** What a dequeued task goes back to; null if it was never enqueued. */
    TaskStatus beforeQueue;

    // For the books alone: no call shows these.
    String lastQueue;
    Instant enqueued;
    Instant firstStarted;
    Instant ended;
    int pops;
    int starts;
    final Set<String> workers = new LinkedHashSet<>();
    final Set<String> reportedSinceStart = new HashSet<>();
    final List<Books.Step> steps = new ArrayList<>();

    Task(String id, ObjectNode document) {
        this.id = id;
        this.document = document;
    }

    TaskStatus status() {
        return TaskStatus.of(document.path("status").asText()).orElse(TaskStatus.UNKNOWN);
    }

    boolean belongsTo(Identity caller) {
        return document.path("company").asText().equals(caller.company());
    }

    String name() {
        return document.path("name").asText();
    }
}
