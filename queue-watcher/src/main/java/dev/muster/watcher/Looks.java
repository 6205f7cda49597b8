package dev.muster.watcher;

import com.google.protobuf.util.Durations;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.DemandObserved;
import dev.muster.v1.Observation;
import dev.muster.v1.QueuePicture;
import dev.muster.v1.ReadFailed;
import dev.muster.v1.ReadFailure;
import dev.muster.v1.TaskAdrift;
import dev.muster.v1.TasksObserved;
import dev.muster.v1.WaitingTask;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What one owner of a connection has seen and said so far: looks and reads go in, the events that tell of them come out.
 *
 * <p>No clock, no IO, no thread of its own: times are arguments, and who calls decides what to read next by asking
 * {@link #tasksDue} and {@link #isSweepDue}. One thread at a time.
 */
final class Looks {

    /** A look that took longer says nothing about now; readers of the topic go by the same number. */
    static final Duration MOST_AGE = Duration.ofSeconds(10);
    /** Silence is news after 15 s, so something is said well before. */
    static final Duration MOST_SILENCE = Duration.ofSeconds(5);
    static final Duration FULL_EVERY = Duration.ofSeconds(60);
    static final Duration SWEEP_EVERY = Duration.ofSeconds(60);
    /** Tasks adrift are rare, and a rescue waits for a minute of unchanged reads. */
    static final Duration READ_ADRIFT_EVERY = Duration.ofSeconds(5);

    private final String source;
    private final long generation;
    private final Duration interval;

    /** Fleets of the connection by name. */
    private final SortedMap<String, WatchedFleet> fleets = new TreeMap<>();
    private final Map<String, Told> told = new HashMap<>();
    /** Kept when a fleet goes: if it comes back, a number must not come twice in one generation. */
    private final Map<String, Long> sequences = new HashMap<>();
    private Map<String, Set<String>> fleetsByPrefix = Map.of();
    private QueueOwners owners = QueueOwners.among(List.of());

    private long looks;
    private int failures;
    /** Of the last good look; null before the first. */
    private Sight sight;
    /** By the queue's name. */
    private Map<String, Pictured> pictures = Map.of();
    /** Names of the queues that the last look found. */
    private Set<String> present = Set.of();
    /** By task, in the order in which they left. */
    private final Map<String, Left> left = new LinkedHashMap<>();
    private final SortedMap<String, Adrift> adrift = new TreeMap<>();
    /** Waiting tasks that were read for what they say of themselves, by id; null: the server doesn't have it. */
    private final Map<String, Seen.Task> known = new HashMap<>();
    /** Named tasks of pictures that were not, in the order in which they were seen. */
    private final Set<String> unknown = new LinkedHashSet<>();
    private Instant adriftReadAt = Instant.MIN;
    private Instant sweptAt = Instant.MIN;

    /** What a fleet's readers know. */
    private static final class Told {
        final String incarnation;
        boolean fullIsDue = true;
        Instant fullAt = Instant.MIN;
        Instant at = Instant.MIN;
        List<QueuePicture> queues = List.of();
        List<TaskAdrift> adrift = List.of();
        SortedMap<String, Seen.Worker> workers = new TreeMap<>();

        Told(String incarnation) {
            this.incarnation = incarnation;
        }
    }

    /** Where tasks are: what the next look is compared with. */
    private record Sight(Map<String, Waiting> waiting, Map<String, Set<String>> fleetsByShownTask, Map<String, String> fleetByQueueId) {}

    private record Waiting(String fleet, String queueName, Instant added) {}

    private record Pictured(Seen.Queue queue, QueuePicture picture) {}

    /** A task that left a queue or a worker, to be read. {@code look}: the one that it was missed in. */
    private record Left(SortedSet<String> fleets, Instant added, long look) {}

    /** {@code isConfirmed}: a whole look after the read did not show it either. */
    private record Adrift(Seen.Task task, String fleet, Instant since, Instant readAt, boolean isConfirmed) {}

    /**
     * @param source the process, as in {@link Observation}
     * @param generation milliseconds since 1970 when the process took the connection
     * @param interval time between looks
     */
    Looks(String source, long generation, Duration interval) {
        this.source = source;
        this.generation = generation;
        this.interval = interval;
    }

    /** From now on, these are the connection's fleets. */
    void serve(Collection<WatchedFleet> served) {
        fleets.clear();
        served.forEach(fleet -> fleets.put(fleet.name(), fleet));
        told.keySet().retainAll(fleets.keySet());
        for (var fleet : served) {
            var known = told.get(fleet.name());
            if (known == null || !known.incarnation.equals(fleet.incarnation())) {
                told.put(fleet.name(), new Told(fleet.incarnation()));
            }
        }
        fleetsByPrefix = served.stream().collect(Collectors.groupingBy(WatchedFleet::workersPrefix,
                Collectors.mapping(WatchedFleet::name, Collectors.toSet())));
        owners = QueueOwners.among(served);
    }

    /** Names of all queues that a look must bring. */
    SortedSet<String> queueNames() {
        return fleets.values().stream().flatMap(fleet -> fleet.queues().stream()).collect(Collectors.toCollection(TreeSet::new));
    }

    /** The events of a good look: for each fleet something if it is news, or if there was none for long. */
    List<DemandEvent> after(Seen.Look look, Instant startedAt, Instant endedAt) {
        var took = Duration.between(startedAt, endedAt);
        if (took.compareTo(MOST_AGE) > 0) {
            return failed(ReadFailure.TOO_SLOW, "", "the look took " + took.toMillis() + " ms, more than " + MOST_AGE.toMillis(), startedAt);
        }
        looks++;
        failures = 0;
        var before = sight;
        sight = sightOf(look);
        if (before != null) {
            noteWhatLeft(before);
        }
        adrift.replaceAll((id, task) -> new Adrift(task.task, task.fleet, task.since, task.readAt, true));
        adrift.keySet().removeIf(id -> sight.waiting.containsKey(id) || sight.fleetsByShownTask.containsKey(id));
        adrift.values().removeIf(task -> !fleets.containsKey(task.fleet));
        pictures = picturesOf(look);
        present = look.queues().keySet();

        var workersByFleet = workersByFleet(look.workers());
        var events = new ArrayList<DemandEvent>();
        for (var fleet : fleets.values()) {
            events.addAll(observed(fleet, look, workersByFleet.get(fleet.name()), startedAt));
        }
        return events;
    }

    /** The events of a look that failed: every fleet's readers hear of each one at once. */
    List<DemandEvent> failed(ReadFailure kind, String call, String detail, Instant startedAt) {
        failures++;
        var failed = ReadFailed.newBuilder().setKind(kind).setCall(call).setDetail(detail).setConsecutive(failures).build();
        return fleets.keySet().stream()
                .map(fleet -> DemandEvent.newBuilder().setFleet(fleet).setSeen(seen(fleet, startedAt)).setReadFailed(failed).build())
                .toList();
    }

    /** An event of this fleet did not reach the topic: the next one must not build on it. */
    void lost(String fleet) {
        var known = told.get(fleet);
        if (known != null) {
            known.fullIsDue = true;
        }
    }

    /** Tasks to read now: those that left something before the last look, and now and then those adrift. */
    List<String> tasksDue(Instant now) {
        var due = left.entrySet().stream().filter(task -> task.getValue().look < looks).map(Map.Entry::getKey)
                .limit(QueueSource.MOST_TASKS).collect(Collectors.toCollection(ArrayList::new));
        if (!adrift.isEmpty() && !now.isBefore(later(adriftReadAt, READ_ADRIFT_EVERY))) {
            adriftReadAt = now;
            adrift.keySet().stream().filter(id -> !left.containsKey(id)).limit(QueueSource.MOST_TASKS - due.size()).forEach(due::add);
        }
        return due;
    }

    /** The events of a read of {@code asked}. Those that are not in {@code found} the server doesn't have. */
    List<DemandEvent> read(List<String> asked, List<Seen.Task> found, Instant startedAt) {
        var byId = found.stream().collect(Collectors.toMap(Seen.Task::id, Function.identity(), (one, same) -> one));
        var byFleet = new TreeMap<String, TasksObserved.Builder>();
        for (var id : asked) {
            var task = byId.get(id);
            var gone = left.remove(id);
            var was = adrift.get(id);
            noteAdrift(id, task, startedAt);
            // A task adrift is read again and again; only its end is news.
            var interested = new TreeSet<String>();
            if (gone != null) {
                interested.addAll(gone.fleets);
            }
            if (was != null && !adrift.containsKey(id)) {
                interested.add(was.fleet);
            }
            var news = task == null ? Pictures.notFound(id) : Pictures.task(task, gone == null ? null : gone.added);
            interested.stream().filter(fleets::containsKey)
                    .forEach(fleet -> byFleet.computeIfAbsent(fleet, name -> TasksObserved.newBuilder()).addTasks(news));
        }
        return byFleet.entrySet().stream()
                .map(entry -> DemandEvent.newBuilder().setFleet(entry.getKey()).setSeen(seen(entry.getKey(), startedAt))
                        .setTasksObserved(entry.getValue()).build())
                .toList();
    }

    /** Waiting tasks to read for what they say of themselves: once each, soon after they were first seen. */
    List<String> attributesDue() {
        return unknown.stream().limit(QueueSource.MOST_TASKS).toList();
    }

    /** @param found those of {@code asked} that the server has; the others say nothing of themselves */
    void learned(List<String> asked, List<Seen.Task> found) {
        for (var task : asked) {
            unknown.remove(task);
            if (sight.waiting.containsKey(task)) {
                known.put(task, null);
            }
        }
        for (var task : found) {
            var waiting = sight.waiting.get(task.id());
            if (waiting != null) {
                known.put(task.id(), task);
                // The next look makes it anew.
                pictures.remove(waiting.queueName);
            }
        }
    }

    /** Names of queues that the last look did not find, and whose fleet wants them created. */
    SortedSet<String> queuesToCreate() {
        return fleets.values().stream().filter(fleet -> fleet.createsQueues() && !fleet.isLeaving())
                .flatMap(fleet -> fleet.queues().stream().filter(name -> owners.owns(fleet, name) && !present.contains(name)))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** Ids of the queues that machines are launched for. */
    SortedSet<String> activeQueues() {
        return sight == null ? new TreeSet<>() : sight.fleetByQueueId.entrySet().stream()
                .filter(queue -> fleets.containsKey(queue.getValue()) && fleets.get(queue.getValue()).isActive())
                .map(Map.Entry::getKey).collect(Collectors.toCollection(TreeSet::new));
    }

    /** All queued and running tasks of the queues should be compared with what was seen: nobody saw them leave. */
    boolean isSweepDue(Instant now) {
        return sight != null && !sight.fleetByQueueId.isEmpty() && !now.isBefore(later(sweptAt, SWEEP_EVERY));
    }

    /** Ids of the queues to sweep. */
    Set<String> sweptQueues() {
        return sight.fleetByQueueId.keySet();
    }

    /** @param unfinished every queued or running task of {@link #sweptQueues()} */
    void swept(List<Seen.Task> unfinished, Instant startedAt) {
        sweptAt = startedAt;
        unfinished.forEach(task -> noteAdrift(task.id(), task, startedAt));
    }

    /** Tasks that wait in queues of this connection's fleets, as last seen. */
    int waiting() {
        return sight == null ? 0 : sight.waiting.size();
    }

    /** Failed looks in a row. */
    int failures() {
        return failures;
    }

    int adrift() {
        return adrift.size();
    }

    private Sight sightOf(Seen.Look look) {
        var fleetByQueueId = new HashMap<String, String>();
        var waiting = new HashMap<String, Waiting>();
        look.queues().forEach((name, queue) -> {
            var fleet = owners.fleetByQueue().get(name);
            if (fleet != null) {
                fleetByQueueId.put(queue.id(), fleet);
                queue.waiting().forEach(entry -> waiting.put(entry.task(), new Waiting(fleet, name, entry.added())));
            }
        });
        var shown = new HashMap<String, Set<String>>();
        for (var worker : look.workers()) {
            if (!worker.task().isEmpty()) {
                shown.computeIfAbsent(worker.task(), task -> new TreeSet<>()).addAll(fleetsOf(worker, fleetByQueueId));
            }
        }
        return new Sight(waiting, shown, fleetByQueueId);
    }

    private void noteWhatLeft(Sight before) {
        before.waiting.forEach((task, was) -> {
            if (!sight.waiting.containsKey(task)) {
                known.remove(task);
                unknown.remove(task);
                noteLeft(task, Set.of(was.fleet), was.added);
            }
        });
        before.fleetsByShownTask.forEach((task, interested) -> {
            if (!interested.isEmpty() && !sight.fleetsByShownTask.containsKey(task)) {
                noteLeft(task, interested, null);
            }
        });
    }

    private void noteLeft(String task, Set<String> interested, Instant added) {
        var now = new TreeSet<>(interested);
        var known = left.get(task);
        if (known != null) {
            now.addAll(known.fleets);
        }
        left.put(task, new Left(now, added == null && known != null ? known.added : added, looks));
    }

    /** @param task as read; null if the server doesn't have it */
    private void noteAdrift(String id, Seen.Task task, Instant at) {
        var fleet = task == null || sight == null ? null : sight.fleetByQueueId.get(task.queue());
        var isAccountedFor = fleet == null || !task.isUnfinished()
                || sight.waiting.containsKey(id) || sight.fleetsByShownTask.containsKey(id);
        if (isAccountedFor) {
            adrift.remove(id);
            return;
        }
        var known = adrift.get(id);
        // Somebody reports for a task whose last update moves: it counts as adrift from then on only.
        var isUnchanged = known != null && known.task.status() == task.status() && known.task.lastWorker().equals(task.lastWorker())
                && Objects.equals(known.task.lastUpdate(), task.lastUpdate());
        adrift.put(id, new Adrift(task, fleet, isUnchanged ? known.since : at, at, known != null && known.isConfirmed));
    }

    /**
     * Since when it is adrift, as far as a look begun then can say. What was read long ago proves nothing: somebody may have reported for
     * it while it could not be read.
     */
    private Instant since(Adrift task, Instant lookAt) {
        var read = READ_ADRIFT_EVERY.compareTo(interval) > 0 ? READ_ADRIFT_EVERY : interval;
        return task.readAt.plus(read.multipliedBy(2)).isBefore(lookAt) ? lookAt : task.since;
    }

    /** A picture of a queue that did not change is the same one, so that a tick at rest builds nothing. */
    private Map<String, Pictured> picturesOf(Seen.Look look) {
        var next = new HashMap<String, Pictured>();
        look.queues().forEach((name, queue) -> {
            var was = pictures.get(name);
            next.put(name, was != null && was.queue.equals(queue) ? was : pictureOf(queue));
        });
        return next;
    }

    private Pictured pictureOf(Seen.Queue queue) {
        var picture = Pictures.served(queue, known);
        if (sight.fleetByQueueId.containsKey(queue.id())) {
            picture.getFirstList().stream().map(WaitingTask::getTask).filter(task -> !known.containsKey(task)).forEach(unknown::add);
        }
        return new Pictured(queue, picture);
    }

    private Map<String, SortedMap<String, Seen.Worker>> workersByFleet(List<Seen.Worker> workers) {
        var byFleet = new HashMap<String, SortedMap<String, Seen.Worker>>();
        fleets.keySet().forEach(fleet -> byFleet.put(fleet, new TreeMap<>()));
        for (var worker : workers) {
            fleetsOf(worker, sight.fleetByQueueId).forEach(fleet -> byFleet.get(fleet).put(worker.id(), worker));
        }
        return byFleet;
    }

    /** Fleets that a worker matters to: the one whose machine it is on, and those whose queues it serves. */
    private Set<String> fleetsOf(Seen.Worker worker, Map<String, String> fleetByQueueId) {
        var interested = new HashSet<String>();
        var colon = worker.id().indexOf(':');
        if (colon > 0) {
            var prefix = worker.id().substring(0, colon);
            interested.addAll(fleetsByPrefix.getOrDefault(prefix, Set.of()));
        }
        for (var queue : worker.queues()) {
            var fleet = fleetByQueueId.get(queue);
            if (fleet != null) {
                interested.add(fleet);
            }
        }
        return interested;
    }

    private List<DemandEvent> observed(WatchedFleet fleet, Seen.Look look, SortedMap<String, Seen.Worker> workers, Instant startedAt) {
        var known = told.get(fleet.name());
        var queues = fleet.queues().stream().map(name -> pictureFor(fleet, name, look.queues().get(name))).toList();
        var drifting = adrift.values().stream().filter(task -> task.isConfirmed && task.fleet.equals(fleet.name()))
                .map(task -> Pictures.adrift(task.task, since(task, startedAt))).toList();
        var gone = known.workers.keySet().stream().filter(id -> !workers.containsKey(id)).toList();
        var isFull = known.fullIsDue || isDue(known.fullAt, FULL_EVERY, startedAt);
        var isNews = isFull || !gone.isEmpty() || !queues.equals(known.queues) || !drifting.equals(known.adrift)
                || workers.values().stream().anyMatch(worker -> !worker.showsTheSameAs(known.workers.get(worker.id())));
        var silence = interval.compareTo(MOST_SILENCE) > 0 ? interval : MOST_SILENCE;
        if (!isNews && !isDue(known.at, silence, startedAt)) {
            return List.of();
        }
        var whole = DemandObserved.newBuilder()
                .setTick(looks)
                .setInterval(Durations.fromNanos(interval.toNanos()))
                .setFull(isFull)
                .addAllQueues(queues)
                .addAllAdrift(drifting);
        // A report alone is not news, but goes along with any.
        workers.values().stream().filter(worker -> isFull || !worker.equals(known.workers.get(worker.id())))
                .forEach(worker -> whole.addWorkers(Pictures.worker(worker)));
        if (!isFull) {
            whole.addAllWorkersGone(gone);
        }
        if (isFull) {
            known.fullIsDue = false;
            known.fullAt = startedAt;
        }
        known.at = startedAt;
        known.queues = queues;
        known.adrift = drifting;
        known.workers = workers;
        sequences.merge(fleet.name(), 1L, Long::sum);

        var parts = Parts.of(whole.build());
        var events = new ArrayList<DemandEvent>(parts.size());
        for (var part : parts) {
            var seen = seen(fleet.name(), startedAt).setPart(events.size() + 1).setParts(parts.size());
            events.add(DemandEvent.newBuilder().setFleet(fleet.name()).setSeen(seen).setDemandObserved(part).build());
        }
        return events;
    }

    private QueuePicture pictureFor(WatchedFleet fleet, String name, Seen.Queue queue) {
        if (!owners.owns(fleet, name)) {
            return Pictures.ownedBy(owners.fleetByQueue().get(name), name, queue);
        }
        return queue == null ? Pictures.missing(name) : pictures.get(name).picture;
    }

    /** Only looks that are told count; other events carry the number of the look that they follow. */
    private Observation.Builder seen(String fleet, Instant startedAt) {
        return Observation.newBuilder()
                .setSource(source)
                .setGeneration(generation)
                .setSequence(sequences.getOrDefault(fleet, 0L))
                .setReadStartedAt(Pictures.timestamp(startedAt))
                .setPart(1)
                .setParts(1);
    }

    /** Looks don't come to the millisecond: one that comes half an interval early is in time, the next would be late. */
    private boolean isDue(Instant last, Duration every, Instant now) {
        return !now.isBefore(later(last, every.minus(interval.dividedBy(2))));
    }

    private static Instant later(Instant instant, Duration by) {
        return instant.equals(Instant.MIN) ? instant : instant.plus(by);
    }
}
