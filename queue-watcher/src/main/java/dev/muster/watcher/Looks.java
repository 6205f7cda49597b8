package dev.muster.watcher;

import com.google.protobuf.util.Durations;
import dev.muster.contracts.Times;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.DemandObserved;
import dev.muster.v1.Observation;
import dev.muster.v1.QueuePicture;
import dev.muster.v1.ReadFailed;
import dev.muster.v1.ReadFailure;
import dev.muster.v1.TaskAdrift;
import dev.muster.v1.TasksObserved;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
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
    private SortedSet<String> queueNames = Collections.emptySortedSet();

    private long looks;
    private int failures;
    /** Of the last good look. What follows is kept up to date by what differs from one to the next. */
    private Seen.Look seen = new Seen.Look(List.of(), Map.of());
    /** Fleet by the id of each queue that it has. */
    private Map<String, String> fleetByQueueId = Map.of();
    private SortedSet<String> activeQueues = Collections.emptySortedSet();
    /** Which fleet's workers are whose depends on more than the look, and that changed. */
    private boolean isRegrouped = true;
    /** Where waiting tasks are, by id. */
    private final Map<String, Waiting> waiting = new HashMap<>();
    /** Workers that show a task, by its id. */
    private final Map<String, List<Seen.Worker>> shown = new HashMap<>();
    /** By the queue's name. */
    private final Map<String, QueuePicture> pictures = new HashMap<>();
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
        final FleetWorkers workers = new FleetWorkers();

        Told(String incarnation) {
            this.incarnation = incarnation;
        }
    }

    private record Waiting(String fleet, String queueName, Instant added) {}

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
        if (fleets.size() == served.size() && served.stream().allMatch(fleet -> fleet.equals(fleets.get(fleet.name())))) {
            return;
        }
        isRegrouped = true;
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
        queueNames = Collections.unmodifiableSortedSet(served.stream().flatMap(fleet -> fleet.queues().stream())
                .collect(Collectors.toCollection(TreeSet::new)));
    }

    /** Names of all queues that a look must bring; the same object as long as the fleets are. */
    SortedSet<String> queueNames() {
        return queueNames;
    }

    /** The events of a good look: for each fleet something if it is news, or if there was none for long. */
    List<DemandEvent> after(Seen.Look look, Instant startedAt, Instant endedAt) {
        var took = Duration.between(startedAt, endedAt);
        if (took.compareTo(MOST_AGE) > 0) {
            return failed(ReadFailure.TOO_SLOW, "", "the look took " + took.toMillis() + " ms, more than " + MOST_AGE.toMillis(), startedAt);
        }
        looks++;
        failures = 0;
        var byQueueId = fleetByQueueId(look);
        isRegrouped |= !byQueueId.equals(fleetByQueueId);
        fleetByQueueId = byQueueId;
        if (isRegrouped) {
            activeQueues = Collections.unmodifiableSortedSet(byQueueId.entrySet().stream()
                    .filter(queue -> fleets.get(queue.getValue()).isActive()).map(Map.Entry::getKey).collect(Collectors.toCollection(TreeSet::new)));
        }
        followQueues(look.queues());
        followWorkers(look.workers());
        seen = look;
        isRegrouped = false;
        adrift.replaceAll((id, task) -> new Adrift(task.task, task.fleet, task.since, task.readAt, true));
        adrift.keySet().removeIf(id -> waiting.containsKey(id) || shown.containsKey(id));
        adrift.values().removeIf(task -> !fleets.containsKey(task.fleet));

        var events = new ArrayList<DemandEvent>();
        for (var fleet : fleets.values()) {
            events.addAll(observed(fleet, look, startedAt));
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
        var repictured = new TreeSet<String>();
        for (var task : asked) {
            unknown.remove(task);
            if (waiting.containsKey(task)) {
                known.put(task, null);
            }
        }
        for (var task : found) {
            var place = waiting.get(task.id());
            if (place != null) {
                known.put(task.id(), task);
                repictured.add(place.queueName);
            }
        }
        repictured.forEach(name -> pictures.put(name, pictureOf(seen.queues().get(name))));
    }

    /** Names of queues that the last look did not find, and whose fleet wants them created. */
    SortedSet<String> queuesToCreate() {
        return fleets.values().stream().filter(fleet -> fleet.createsQueues() && !fleet.isLeaving())
                .flatMap(fleet -> fleet.queues().stream().filter(name -> owners.owns(fleet, name) && !seen.queues().containsKey(name)))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** Ids of the queues that machines are launched for, as of the last good look. */
    SortedSet<String> activeQueues() {
        return activeQueues;
    }

    /** All queued and running tasks of the queues should be compared with what was seen: nobody saw them leave. */
    boolean isSweepDue(Instant now) {
        return !fleetByQueueId.isEmpty() && !now.isBefore(later(sweptAt, SWEEP_EVERY));
    }

    /** Ids of the queues to sweep. */
    Set<String> sweptQueues() {
        return fleetByQueueId.keySet();
    }

    /** @param unfinished every queued or running task of {@link #sweptQueues()} */
    void swept(List<Seen.Task> unfinished, Instant startedAt) {
        sweptAt = startedAt;
        unfinished.forEach(task -> noteAdrift(task.id(), task, startedAt));
    }

    /** Tasks that wait in queues of this connection's fleets, as last seen. */
    int waiting() {
        return waiting.size();
    }

    /** Failed looks in a row. */
    int failures() {
        return failures;
    }

    int adrift() {
        return adrift.size();
    }

    private Map<String, String> fleetByQueueId(Seen.Look look) {
        var byId = new HashMap<String, String>();
        look.queues().forEach((name, queue) -> {
            var fleet = owners.fleetByQueue().get(name);
            if (fleet != null) {
                byId.put(queue.id(), fleet);
            }
        });
        return byId;
    }

    /** A queue that did not change keeps its picture and its tasks, so that a tick at rest builds nothing. */
    private void followQueues(Map<String, Seen.Queue> queues) {
        var changed = new ArrayList<Seen.Queue>();
        queues.forEach((name, queue) -> {
            var was = seen.queues().get(name);
            if (isRegrouped || was == null || was != queue && !was.equals(queue)) {
                changed.add(queue);
            }
        });
        var left = new LinkedHashMap<String, Waiting>();
        changed.forEach(queue -> leave(seen.queues().get(queue.name()), left));
        seen.queues().forEach((name, was) -> {
            if (!queues.containsKey(name)) {
                leave(was, left);
                pictures.remove(name);
            }
        });
        for (var queue : changed) {
            var fleet = fleetByQueueId.get(queue.id());
            if (fleet != null) {
                queue.waiting().forEach(entry -> waiting.put(entry.task(), new Waiting(fleet, queue.name(), entry.added())));
            }
            pictures.remove(queue.name());
        }
        left.forEach((task, was) -> {
            if (!waiting.containsKey(task)) {
                known.remove(task);
                unknown.remove(task);
                noteLeft(task, Set.of(was.fleet), was.added);
            }
        });
        queues.forEach((name, queue) -> pictures.computeIfAbsent(name, absent -> pictureOf(queue)));
    }

    private void leave(Seen.Queue queue, Map<String, Waiting> left) {
        if (queue != null) {
            for (var entry : queue.waiting()) {
                var was = waiting.get(entry.task());
                // It may have been seen in another queue since.
                if (was != null && was.queueName.equals(queue.name())) {
                    waiting.remove(entry.task());
                    left.put(entry.task(), was);
                }
            }
        }
    }

    /** Both lists are sorted by id. */
    private void followWorkers(List<Seen.Worker> workers) {
        var left = new TreeMap<String, Set<String>>();
        if (isRegrouped) {
            regroup(workers);
        }
        var before = seen.workers();
        var was = 0;
        var is = 0;
        while (was < before.size() || is < workers.size()) {
            // Nearly always it is the same object, which is not even looked at.
            if (was < before.size() && is < workers.size() && before.get(was) == workers.get(is)) {
                was++;
                is++;
                continue;
            }
            var order = was == before.size() ? 1 : is == workers.size() ? -1 : before.get(was).id().compareTo(workers.get(is).id());
            follow(order <= 0 ? before.get(was) : null, order >= 0 ? workers.get(is) : null, left);
            was += order <= 0 ? 1 : 0;
            is += order >= 0 ? 1 : 0;
        }
        left.forEach((task, interested) -> {
            if (!shown.containsKey(task)) {
                noteLeft(task, interested, null);
            }
        });
    }

    /** One worker, in the last look and in this; null: not there. */
    private void follow(Seen.Worker was, Seen.Worker is, Map<String, Set<String>> left) {
        var fleetsNow = is == null ? Set.<String>of() : fleetsOf(is);
        fleetsNow.forEach(fleet -> told.get(fleet).workers.put(is));
        var fleetsBefore = was == null ? Set.<String>of() : is != null && was.queues().equals(is.queues()) ? fleetsNow : fleetsOf(was);
        fleetsBefore.stream().filter(fleet -> !fleetsNow.contains(fleet)).forEach(fleet -> told.get(fleet).workers.remove(was.id()));

        if (was != null && !was.task().isEmpty()) {
            var others = shown.get(was.task());
            others.removeIf(worker -> worker == was);
            if (others.isEmpty()) {
                shown.remove(was.task());
            }
            if (!fleetsBefore.isEmpty()) {
                left.computeIfAbsent(was.task(), task -> new TreeSet<>()).addAll(fleetsBefore);
            }
        }
        if (is != null && !is.task().isEmpty()) {
            shown.computeIfAbsent(is.task(), task -> new ArrayList<>(1)).add(is);
        }
    }

    /** Gives every fleet its workers, whatever it had before. */
    private void regroup(List<Seen.Worker> workers) {
        var idsByFleet = new HashMap<String, Set<String>>();
        for (var worker : workers) {
            for (var fleet : fleetsOf(worker)) {
                told.get(fleet).workers.put(worker);
                idsByFleet.computeIfAbsent(fleet, name -> new HashSet<>()).add(worker.id());
            }
        }
        told.forEach((fleet, readers) -> {
            var ids = idsByFleet.getOrDefault(fleet, Set.of());
            List.copyOf(readers.workers.ids()).stream().filter(id -> !ids.contains(id)).forEach(readers.workers::remove);
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
        var fleet = task == null ? null : fleetByQueueId.get(task.queue());
        var isAccountedFor = fleet == null || !task.isUnfinished()
                || waiting.containsKey(id) || shown.containsKey(id);
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

    private QueuePicture pictureOf(Seen.Queue queue) {
        var picture = Pictures.served(queue, known);
        if (fleetByQueueId.containsKey(queue.id())) {
            queue.waiting().stream().limit(Pictures.NAMED_TASKS).map(Seen.Entry::task).filter(task -> !known.containsKey(task)).forEach(unknown::add);
        }
        return picture;
    }

    /** Fleets that a worker matters to: the one whose machine it is on, and those whose queues it serves. */
    private Set<String> fleetsOf(Seen.Worker worker) {
        var colon = worker.id().indexOf(':');
        var owners = colon > 0 ? fleetsByPrefix.getOrDefault(worker.id().substring(0, colon), Set.of()) : Set.<String>of();
        Set<String> interested = owners;
        for (var queue : worker.queues()) {
            var fleet = fleetByQueueId.get(queue);
            if (fleet != null && !interested.contains(fleet)) {
                // Rarely: most workers serve the queues of their own fleet only.
                interested = interested == owners ? new HashSet<>(owners) : interested;
                interested.add(fleet);
            }
        }
        return interested;
    }

    private List<DemandEvent> observed(WatchedFleet fleet, Seen.Look look, Instant startedAt) {
        var known = told.get(fleet.name());
        var workers = known.workers;
        var queues = fleet.queues().stream().map(name -> pictureFor(fleet, name, look.queues().get(name))).toList();
        var drifting = adrift.values().stream().filter(task -> task.isConfirmed && task.fleet.equals(fleet.name()))
                .map(task -> Pictures.adrift(task.task, since(task, startedAt))).toList();
        var isFull = known.fullIsDue || isDue(known.fullAt, FULL_EVERY, startedAt);
        var isNews = isFull || workers.areNews() || !queues.equals(known.queues) || !drifting.equals(known.adrift);
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
        (isFull ? workers.all() : workers.changed()).forEach(worker -> whole.addWorkers(Pictures.worker(worker)));
        if (!isFull) {
            whole.addAllWorkersGone(workers.gone());
        }
        if (isFull) {
            known.fullIsDue = false;
            known.fullAt = startedAt;
        }
        known.at = startedAt;
        known.queues = queues;
        known.adrift = drifting;
        workers.told();
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
        return queue == null ? Pictures.missing(name) : pictures.get(name);
    }

    /** Only looks that are told count; other events carry the number of the look that they follow. */
    private Observation.Builder seen(String fleet, Instant startedAt) {
        return Observation.newBuilder()
                .setSource(source)
                .setGeneration(generation)
                .setSequence(sequences.getOrDefault(fleet, 0L))
                .setReadStartedAt(Times.timestamp(startedAt))
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
