package dev.muster.sandbox.clearml;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonInclude.Include;
import com.fasterxml.jackson.databind.annotation.JsonSerialize;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import java.time.Clock;
import java.time.Instant;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** What the server itself saw of every task, also what its API never tells, so that a test can prove that each ran once. */
public final class Books {

    /**
     * One thing that happened to a task.
     *
     * @param what   {@code added} to a queue, {@code popped} or {@code removed} from one, {@code reported} by a worker for the first time
     *               since it last went in progress, or the status that it then had, as the API writes it
     * @param worker of a report; null otherwise: neither a pop nor a change of status tells who asks
     */
    public record Step(@JsonSerialize(using = ToStringSerializer.class) Instant at, String what, @JsonInclude(Include.NON_NULL) String worker) {
    }

    /**
     * One task's history.
     *
     * @param queue      name of the queue it was last put into; null if never
     * @param project    the project's name; null if it has none
     * @param status     as the API writes it, such as {@code in_progress}
     * @param enqueued   when it was last put into a queue; null if never
     * @param started    when it first went in progress; null if never
     * @param ended      when it last completed, failed or was stopped; null if it never did
     * @param lastWorker the last worker id that reported it; null if none
     * @param pops       how often a pop took it from a queue
     * @param starts     how often it went in progress
     * @param workers    every worker id that reported it, in order of appearance
     * @param steps      all that happened to it, in order
     */
    public record TaskBook(String id, String name, String queue, String project, String status,
                           @JsonSerialize(using = ToStringSerializer.class) Instant created,
                           @JsonSerialize(using = ToStringSerializer.class) Instant enqueued,
                           @JsonSerialize(using = ToStringSerializer.class) Instant started,
                           @JsonSerialize(using = ToStringSerializer.class) Instant ended,
                           String lastWorker, int pops, int starts, List<String> workers,
                           @JsonInclude(Include.NON_EMPTY) List<Step> steps) {

        /** For whoever needs only what became of it. */
        TaskBook withoutSteps() {
            return new TaskBook(id, name, queue, project, status, created, enqueued, started, ended, lastWorker, pops, starts, workers, List.of());
        }
    }

    /**
     * All tasks at one moment.
     *
     * @param byStatus how many tasks have each status
     * @param tasks    in order of creation
     */
    public record Summary(int count, Map<String, Integer> byStatus, List<TaskBook> tasks) {

        Summary withoutSteps() {
            return new Summary(count, byStatus, tasks.stream().map(TaskBook::withoutSteps).toList());
        }

        /** Tasks that started twice or were reported by two workers: work done, or paid for, more than once. */
        public List<TaskBook> ranMoreThanOnce() {
            return tasks.stream().filter(task -> task.starts > 1 || task.workers.size() > 1).toList();
        }
    }

    private final Clock clock;

    Books(Clock clock) {
        this.clock = clock;
    }

    void added(Task task) {
        task.steps.add(new Step(clock.instant(), "added", null));
    }

    void popped(Task task) {
        task.pops++;
        task.steps.add(new Step(clock.instant(), "popped", null));
    }

    void removed(Task task) {
        task.steps.add(new Step(clock.instant(), "removed", null));
    }

    void moved(Task task, TaskStatus from, TaskStatus to) {
        var now = clock.instant();
        if (from != TaskStatus.IN_PROGRESS && to == TaskStatus.IN_PROGRESS) {
            task.starts++;
            task.reportedSinceStart.clear();
            task.firstStarted = task.firstStarted == null ? now : task.firstStarted;
        }
        if (from != to) {
            task.steps.add(new Step(now, to.wire(), null));
        }
        if (to == TaskStatus.QUEUED) {
            task.enqueued = now;
        }
        if (to == TaskStatus.COMPLETED || to == TaskStatus.FAILED || to == TaskStatus.STOPPED) {
            task.ended = now;
        }
    }

    void workedOnBy(Task task, String worker) {
        task.workers.add(worker);
        if (task.reportedSinceStart.add(worker)) {
            task.steps.add(new Step(clock.instant(), "reported", worker));
        }
    }

    Summary summary(Collection<Task> tasks, Projects projects) {
        var books = tasks.stream().map(task -> {
            var project = task.document.path("project").asText("");
            return new TaskBook(task.id, task.name(), task.lastQueue, project.isEmpty() ? null : projects.nameOf(project),
                    task.status().wire(), Json.instant(task.document.path("created").asText()), task.enqueued, task.firstStarted,
                    task.ended, task.document.path("last_worker").asText(null), task.pops, task.starts, List.copyOf(task.workers),
                    List.copyOf(task.steps));
        }).sorted(Comparator.comparing(TaskBook::created)).toList();
        var byStatus = books.stream().collect(Collectors.groupingBy(TaskBook::status, TreeMap::new, Collectors.summingInt(book -> 1)));
        return new Summary(books.size(), byStatus, books);
    }
}
