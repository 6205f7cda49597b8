package dev.muster.k8s;

import dev.muster.clearml.Clearml;
import dev.muster.clearml.ClearmlException;
import dev.muster.clearml.Task;
import dev.muster.clearml.TaskAndContainer;
import dev.muster.contracts.SecretsFolder;
import dev.muster.provisioner.host.Backoff;
import dev.muster.provisioner.host.Redaction;
import dev.muster.provisioner.spi.CloudStatus;
import dev.muster.provisioner.spi.EndedBy;
import dev.muster.provisioner.spi.MachineSeen;
import dev.muster.provisioner.spi.ProviderException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jboss.logging.Logger;

/**
 * Shows in ClearML what becomes of the pods that were made for waiting tasks: why they wait, where they run, how they died. It decides nothing, and
 * nothing waits for it.
 *
 * <p>What is told of a pod before the last was written is not written: the last counts. A line goes to the console first and to the status message
 * then; a new process finds in both what was said. Each may be said twice, after a crash under a task that writes much, and none is lost. The message is
 * a waiting task's only: once it runs, its agent and people have the word, and the agent reads the message for theirs.
 */
final class TaskMirror implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(TaskMirror.class);

    /** The end of what a pod has written, read when it is asked for. */
    interface Console {
        String read() throws ProviderException;
    }

    /** Before every line. */
    private static final String MUSTER = "Muster: ";
    private static final String LOG_WORKER = "muster";
    private static final String COMPLETED = "Completed";
    /** Of a dead pod's log: a trace of Python and what led to it. */
    private static final int LAST_LINES = 30;
    /** Of one line. A progress bar may be one of megabytes. Characters. */
    private static final int LONGEST_LINE = 1000;
    /** Of a task's console, to find what an earlier process said. The server's own page. */
    private static final int CONSOLE_LINES = 500;
    /** Pods of one connection that wait to be shown; more than an informer's cluster can start while ClearML is away for an hour. */
    static final int MOST_WAITING = 10_000;
    /** Pods of which this process remembers what it said. */
    private static final int MOST_REMEMBERED = 20_000;
    /** A task read longer ago may run by now. */
    private static final Duration READ_IS_FRESH = Duration.ofSeconds(2);

    private final ClearmlServers servers;
    private final SecretsFolder secrets;
    private final Backoff backoff;
    private final Clock clock;
    private final Map<String, Lane> lanes = new ConcurrentHashMap<>();

    TaskMirror(ClearmlServers servers, SecretsFolder secrets, Backoff backoff, Clock clock) {
        this.servers = servers;
        this.secrets = secrets;
        this.backoff = backoff;
        this.clock = clock;
    }

    /**
     * Takes how a pod is now. Returns at once; telling the same again costs nothing. A pod that was made for no task has nothing to be shown.
     *
     * @param connection name of the ClearML server that has its task
     * @param node that it was placed on; empty: none, or nobody knows
     */
    void seen(String connection, MachineSeen pod, String node, Console console) {
        if (!pod.task().isEmpty()) {
            // An unknown connection is said where the launch is refused.
            servers.find(connection).map(server -> lanes.computeIfAbsent(connection, name -> new Lane(name, server)))
                    .ifPresent(lane -> lane.put(new Told(pod, node, console)));
        }
    }

    /** Something is still to be written of the pod: its log may be needed. */
    boolean isOwing(String connection, String machineId) {
        var lane = lanes.get(connection);
        return lane != null && lane.isOwing(machineId);
    }

    @Override
    public void close() {
        lanes.values().forEach(Lane::close);
    }

    private static String line(String machineId, String text) {
        return MUSTER + "pod " + machineId + ": " + text;
    }

    private static String oneLine(String text) {
        return shortened(text.strip().replaceAll("\\s*\\R\\s*", "; "));
    }

    private static String shortened(String line) {
        return line.length() <= LONGEST_LINE ? line : line.substring(0, LONGEST_LINE) + "…";
    }

    /** What was told of a pod and is still to be shown. */
    private record Told(MachineSeen pod, String node, Console console) {

        String task() {
            return pod.task();
        }

        String machineId() {
            return pod.machineId();
        }
    }

    /**
     * What is to be said of a pod as it is.
     *
     * @param key said once for each pod: the reason that the cluster gives, whose message may change all the time
     * @param isLast it is dead
     */
    private record Word(String key, String text, boolean isLast) {

        static Optional<Word> of(MachineSeen pod, String node) {
            return switch (pod.status()) {
                case WAITING -> pod.note().map(note -> of(note, false));
                case PENDING -> pod.note().map(note -> of(note, false)).or(() -> onNode("scheduled", node));
                case RUNNING, IMPAIRED -> onNode("running", node);
                case SHUTTING_DOWN -> pod.note().filter(note -> pod.endedBy() == EndedBy.INTERRUPTED).map(note -> of(note, false));
                // One that we ended ourselves did not die; its task is elsewhere or gone.
                case STOPPED, TERMINATED, NOT_FOUND -> pod.note().filter(note -> pod.endedBy() != EndedBy.ASKED && !note.reason().equals(COMPLETED))
                        .map(note -> of(note, true));
                // A look that doesn't show it.
                case UNKNOWN -> Optional.empty();
            };
        }

        private static Word of(MachineSeen.Note note, boolean isLast) {
            var key = (isLast ? "ended: " : "") + note.reason();
            return new Word(key, note.message().isEmpty() ? key : key + ": " + note.message(), isLast);
        }

        private static Optional<Word> onNode(String what, String node) {
            var text = node.isEmpty() ? what : what + " on node " + node;
            return Optional.of(new Word(text, text, false));
        }
    }

    /** What this process said of a pod. */
    private static final class Said {
        private final Set<String> keys = new HashSet<>();
        /** Of the last word. */
        private String text = "";
        /** Nothing was written or found so far: an earlier process may have said something. */
        private boolean isNew = true;
    }

    /** One ClearML server: a thread, so that one that is silent holds up no other. */
    private final class Lane {
        private final String connection;
        private final Clearml server;
        private final Thread thread;
        /** By machine id, those that wait longest first. Guarded by this. */
        private final LinkedHashMap<String, Told> waiting = new LinkedHashMap<>();
        /** Guarded by this; empty: none. */
        private String current = "";
        private boolean isFull;
        private boolean isClosed;
        /** By machine id; the thread's own. */
        private final Map<String, Said> said = new LinkedHashMap<>(16, 0.75f, true) {
            private static final long serialVersionUID = 1L;

            @Override
            protected boolean removeEldestEntry(Map.Entry<String, Said> eldest) {
                return size() > MOST_REMEMBERED;
            }
        };

        Lane(String connection, Clearml server) {
            this.connection = connection;
            this.server = server;
            this.thread = new Thread(this::run, "task-mirror-" + connection);
            thread.setDaemon(true);
            thread.start();
        }

        synchronized void put(Told told) {
            var before = waiting.get(told.machineId());
            if (before == null && waiting.size() >= MOST_WAITING) {
                if (!isFull) {
                    LOG.warnf("ClearML is not told of more pods until it has heard of those before them: connection=%s pods=%d", connection, waiting.size());
                }
                isFull = true;
                return;
            }
            waiting.put(told.machineId(), told);
            notifyAll();
        }

        synchronized boolean isOwing(String machineId) {
            return current.equals(machineId) || waiting.containsKey(machineId);
        }

        synchronized void close() {
            isClosed = true;
            notifyAll();
            thread.interrupt();
        }

        private void run() {
            int failures = 0;
            try {
                while (true) {
                    var told = take();
                    try {
                        show(told);
                        failures = 0;
                    } catch (ClearmlException failed) {
                        if (Thread.interrupted()) {
                            throw new InterruptedException();
                        }
                        if (failed.kind() == ClearmlException.Kind.INVALID) {
                            LOG.infof("ClearML does not take what becomes of a task's pod: task=%s machine=%s reason=%s", told.task(), told.machineId(),
                                    failed.getMessage());
                        } else {
                            putBack(told);
                            failures++;
                            if (failures == 1) {
                                LOG.warnf("ClearML is not told what becomes of pods; it is tried again: connection=%s reason=%s", connection,
                                        failed.getMessage());
                            }
                            pause(backoff.after(failures));
                        }
                    } catch (RuntimeException ours) {
                        LOG.errorf(ours, "What becomes of a task's pod met a defect. task=%s machine=%s", told.task(), told.machineId());
                    } finally {
                        done();
                    }
                }
            } catch (InterruptedException closed) {
                Thread.currentThread().interrupt();
            }
        }

        private synchronized Told take() throws InterruptedException {
            while (waiting.isEmpty() && !isClosed) {
                wait();
            }
            if (isClosed) {
                throw new InterruptedException();
            }
            var first = waiting.entrySet().iterator().next();
            waiting.remove(first.getKey());
            current = first.getKey();
            isFull = false;
            return first.getValue();
        }

        /** Behind the others: if it is this one that fails, they go on. */
        private synchronized void putBack(Told told) {
            var later = waiting.remove(told.machineId());
            waiting.put(told.machineId(), later == null ? told : later);
        }

        private synchronized void done() {
            current = "";
        }

        private synchronized void pause(Duration most) throws InterruptedException {
            var end = System.nanoTime() + most.toNanos();
            for (long left = most.toNanos(); left > 0 && !isClosed; left = end - System.nanoTime()) {
                wait(left / 1_000_000, (int) (left % 1_000_000));
            }
        }

        private void show(Told told) throws ClearmlException {
            var before = said.computeIfAbsent(told.machineId(), id -> new Said());
            var isFirst = before.isNew;
            var word = Word.of(told.pod, told.node);
            var isDeath = word.isPresent() && word.get().isLast;
            var isNewWord = word.isPresent() && !before.keys.contains(word.get().key);
            var isAsBefore = !isNewWord && (word.isEmpty() || word.get().text.equals(before.text));
            if (isAsBefore && (!isFirst || told.pod.status().isGone())) {
                return;
            }
            var asked = clock.instant();
            var found = server.taskAndContainer(told.task(), TaskOverrides.SECTION);
            if (found.isEmpty()) {
                return;
            }
            var task = found.get();
            var isWaiting = task.task().status().equals(Task.QUEUED);
            var line = word.map(one -> line(told.machineId(), oneLine(hidden(one.text).orElse(one.key)))).orElse("");
            var lines = new ArrayList<String>();
            if (isFirst) {
                lines.addAll(leftOut(told, task));
            }
            var isToBeSaid = isNewWord && !wasSaid(told, before, word.get(), task.statusMessage(), isWaiting) && isWorthSaying(task.task(), told.pod.status(), word.get());
            if (isToBeSaid) {
                lines.add(line);
            }
            if (isFirst && !lines.isEmpty()) {
                // An earlier process may have said it.
                lines.removeAll(Set.copyOf(server.console(told.task(), CONSOLE_LINES)));
            }
            if (isToBeSaid && isDeath && lines.contains(line)) {
                lines.addAll(lastLines(told));
            }
            if (!lines.isEmpty()) {
                server.log(told.task(), LOG_WORKER, clock.instant(), lines);
            }
            before.isNew = false;
            word.ifPresent(one -> before.keys.add(one.key));
            if (isWaiting && !isDeath && !line.isEmpty() && !line.equals(task.statusMessage()) && isStillWaiting(told, asked)) {
                server.statusMessage(told.task(), line);
            }
            word.ifPresent(one -> before.text = one.text);
        }

        /** What the pod was not given of its task's docker arguments. */
        private List<String> leftOut(Told told, TaskAndContainer task) {
            return DockerArguments.of(List.of(task.arguments())).untranslated().stream()
                    .map(left -> line(told.machineId(), "docker argument " + left.name() + " is left out: " + left.why())).toList();
        }

        /** By an earlier process, as far as the task shows. */
        private boolean wasSaid(Told told, Said before, Word word, String statusMessage, boolean isWaiting) {
            var line = line(told.machineId(), word.key);
            if (statusMessage.equals(line) || statusMessage.startsWith(line + ": ")) {
                return true;
            }
            // Of a task that runs nothing tells, and its agent says by itself that it does.
            return before.isNew && !isWaiting && !word.isLast;
        }

        /** What a pod waits for that came too late for its task, and how one ended whose task has its result, is nobody's concern. */
        private boolean isWorthSaying(Task task, CloudStatus pod, Word word) {
            if (pod == CloudStatus.WAITING || pod == CloudStatus.PENDING) {
                return task.status().equals(Task.QUEUED);
            }
            return !word.isLast || !Set.of(Task.COMPLETED, Task.PUBLISHING, Task.PUBLISHED).contains(task.status());
        }

        private boolean isStillWaiting(Told told, Instant asked) throws ClearmlException {
            if (clock.instant().isBefore(asked.plus(READ_IS_FRESH))) {
                return true;
            }
            return server.task(told.task()).map(task -> task.status().equals(Task.QUEUED)).orElse(false);
        }

        private List<String> lastLines(Told told) {
            String text;
            try {
                text = told.console.read();
            } catch (ProviderException unreadable) {
                return List.of(line(told.machineId(), "its log can't be read (" + unreadable.code() + ")"));
            }
            var all = hidden(text).map(shown -> shown.lines().filter(line -> !line.isBlank()).toList()).orElse(List.of());
            if (all.isEmpty()) {
                return List.of();
            }
            var lines = new ArrayList<String>();
            lines.add(line(told.machineId(), "the last lines of its log:"));
            all.subList(Math.max(0, all.size() - LAST_LINES), all.size())
                    .forEach(line -> lines.add(shortened(line)));
            return lines;
        }

        /** Empty: what is secret in it can't be told. */
        private Optional<String> hidden(String text) {
            try {
                return Optional.of(Redaction.of(secrets).apply(text));
            } catch (IllegalStateException unreadable) {
                LOG.warnf("What a pod said is not shown, since what is secret in it can't be told: reason=%s", unreadable.getMessage());
                return Optional.empty();
            }
        }
    }
}
