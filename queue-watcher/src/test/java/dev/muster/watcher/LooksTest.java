package dev.muster.watcher;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.Times;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.QueuePicture;
import dev.muster.v1.QueueState;
import dev.muster.v1.ReadFailure;
import dev.muster.v1.TaskSeen;
import dev.muster.v1.TaskStatus;
import dev.muster.v1.WorkerSeen;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class LooksTest {

    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");
    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final SortedMap<String, String> NO_ATTRIBUTES = new TreeMap<>();

    private final Looks looks = new Looks("queue-watcher/test", 7, SECOND);
    private Instant now = START;

    @Test
    void tellsEverythingFirst() {
        // Given
        looks.serve(List.of(fleet("vision", 1, "gpu", "cpu")));

        // When
        var event = only(see(List.of(worker("muster-vision:a:t:i-1", "", "q-gpu")), queue("gpu", "a", "b"), queue("cpu")));

        // Then
        assertThat(event.getFleet()).isEqualTo("vision");
        assertThat(event.getSeen().getSource()).isEqualTo("queue-watcher/test");
        assertThat(event.getSeen().getGeneration()).isEqualTo(7);
        assertThat(event.getSeen().getSequence()).isEqualTo(1);
        assertThat(event.getSeen().getReadStartedAt()).isEqualTo(Times.timestamp(START));
        var seen = event.getDemandObserved();
        assertThat(seen.getFull()).isTrue();
        assertThat(seen.getTick()).isEqualTo(1);
        assertThat(seen.getInterval().getSeconds()).isEqualTo(1);
        assertThat(seen.getQueuesList()).extracting(QueuePicture::getName).containsExactly("gpu", "cpu");
        assertThat(seen.getQueues(0).getWaiting()).isEqualTo(2);
        assertThat(seen.getQueues(0).getFirstList()).extracting(task -> task.getTask()).containsExactly("a", "b");
        assertThat(seen.getQueues(0).getOldest()).isEqualTo(Times.timestamp(START));
        assertThat(seen.getQueues(0).getShapes(0).getWaiting()).isEqualTo(2);
        assertThat(seen.getQueues(1).getShapesCount()).isZero();
        assertThat(seen.getWorkersList()).extracting(WorkerSeen::getWorker).containsExactly("muster-vision:a:t:i-1");
    }

    @Test
    void saysNothingWhileNothingChangesAndTheSilenceIsShort() {
        // Given
        looks.serve(List.of(fleet("vision", 1, "gpu")));
        see(List.of(), queue("gpu", "a"));

        // When
        var told = IntStream.range(0, 10).map(second -> see(List.of(), queue("gpu", "a")).size()).boxed().toList();

        // Then
        assertThat(told).containsExactly(0, 0, 0, 0, 1, 0, 0, 0, 0, 1);
    }

    @Test
    void countsWhatItTellsWithoutAGap() {
        // Given
        looks.serve(List.of(fleet("vision", 1, "gpu")));

        // When
        var events = new ArrayList<DemandEvent>();
        for (var i = 0; i < 100; i++) {
            events.addAll(see(List.of(), i % 3 == 0 ? queue("gpu", "a") : queue("gpu")));
        }

        // Then
        assertThat(events).extracting(event -> event.getSeen().getSequence())
                .containsExactlyElementsOf(IntStream.rangeClosed(1, events.size()).mapToObj(Long::valueOf).toList());
        assertThat(events).extracting(event -> event.getDemandObserved().getTick()).isSorted();
    }

    @Test
    void tellsOnlyChangesOfWorkersInBetween() {
        // Given
        looks.serve(List.of(fleet("vision", 1, "gpu")));
        see(List.of(worker("p:a:t:1", "", "q-gpu"), worker("p:a:t:2", "", "q-gpu")), queue("gpu"));

        // When
        var event = only(see(List.of(worker("p:a:t:1", "task", "q-gpu"), worker("p:a:t:3", "", "q-gpu")), queue("gpu")));

        // Then
        assertThat(event.getDemandObserved().getFull()).isFalse();
        assertThat(event.getDemandObserved().getWorkersList()).extracting(WorkerSeen::getWorker).containsExactly("p:a:t:1", "p:a:t:3");
        assertThat(event.getDemandObserved().getWorkersGoneList()).containsExactly("p:a:t:2");
    }

    @Test
    void aReportAloneIsNoNewsAndGoesAlongWithWhatIs() {
        // Given
        looks.serve(List.of(fleet("vision", 1, "gpu")));
        see(List.of(reporting("p:a:t:1", START)), queue("gpu"));

        // When
        var silent = see(List.of(reporting("p:a:t:1", START.plusSeconds(1))), queue("gpu"));
        var news = only(see(List.of(reporting("p:a:t:1", START.plusSeconds(1))), queue("gpu", "a")));

        // Then
        assertThat(silent).isEmpty();
        assertThat(news.getDemandObserved().getWorkersList()).extracting(WorkerSeen::getLastReportAt)
                .containsExactly(Times.timestamp(START.plusSeconds(1)));
    }

    @Test
    void tellsAllWorkersOnceAMinute() {
        // Given
        looks.serve(List.of(fleet("vision", 1, "gpu")));

        // When
        var fulls = IntStream.range(0, 181).filter(second -> see(List.of(), queue("gpu")).stream()
                .anyMatch(event -> event.getDemandObserved().getFull())).boxed().toList();

        // Then
        assertThat(fulls).containsExactly(0, 60, 120, 180);
    }

    @Test
    void tellsEverythingAnewAfterAnEventWasLost() {
        // Given
        looks.serve(List.of(fleet("vision", 1, "gpu")));
        see(List.of(worker("p:a:t:1", "", "q-gpu")), queue("gpu"));

        // When
        looks.lost("vision");
        var event = only(see(List.of(worker("p:a:t:1", "", "q-gpu")), queue("gpu")));

        // Then
        assertThat(event.getDemandObserved().getFull()).isTrue();
        assertThat(event.getDemandObserved().getWorkersCount()).isEqualTo(1);
        assertThat(event.getSeen().getSequence()).isEqualTo(2);
    }

    @Test
    void aQueueOfTwoFleetsIsTheOlderOnes() {
        // Given
        looks.serve(List.of(fleet("younger", 2, "gpu"), fleet("older", 1, "gpu"), fleet("also-old", 1, "cpu", "gpu")));

        // When
        var pictures = see(List.of(), queue("gpu", "a"), queue("cpu")).stream()
                .collect(Collectors.toMap(DemandEvent::getFleet, event -> event.getDemandObserved().getQueuesList()));

        // Then
        assertThat(pictures.get("also-old")).extracting(QueuePicture::getState).containsExactly(QueueState.SERVED, QueueState.SERVED);
        assertThat(pictures.get("older")).containsExactly(QueuePicture.newBuilder().setId("q-gpu").setName("gpu")
                .setState(QueueState.OWNED_BY_OTHER).setOwnerFleet("also-old").build());
        assertThat(pictures.get("younger").get(0).getOwnerFleet()).isEqualTo("also-old");
    }

    @Test
    void aFleetThatIsLeavingYieldsItsQueue() {
        // Given
        var leaving = new WatchedFleet("older", "i", "default", "muster-older", List.of("gpu"), START, true, false, true, false);
        looks.serve(List.of(leaving, fleet("younger", 2, "gpu")));

        // When
        var states = see(List.of(), queue("gpu")).stream()
                .collect(Collectors.toMap(DemandEvent::getFleet, event -> event.getDemandObserved().getQueues(0).getState()));

        // Then
        assertThat(states).isEqualTo(Map.of("older", QueueState.OWNED_BY_OTHER, "younger", QueueState.SERVED));
    }

    @Test
    void aQueueThatTheServerDoesNotHaveIsMissing() {
        // Given
        looks.serve(List.of(fleet("vision", 1, "gpu")));

        // When
        var event = only(see(List.of()));

        // Then
        assertThat(event.getDemandObserved().getQueuesList())
                .containsExactly(QueuePicture.newBuilder().setName("gpu").setState(QueueState.MISSING).build());
    }

    @Test
    void aFleetSeesItsOwnWorkersAndOthersOnItsQueues() {
        // Given
        looks.serve(List.of(fleet("vision", 1, "gpu"), fleet("text", 2, "cpu")));
        var workers = List.of(worker("muster-vision:a:t:i-1", ""), worker("on-premises:gpu0", "", "q-gpu"),
                worker("laptop", "", "q-else"), worker("muster-text:a:t:i-2", "", "q-cpu", "q-gpu"));

        // When
        var seen = see(workers, queue("gpu"), queue("cpu")).stream().collect(Collectors.toMap(DemandEvent::getFleet,
                event -> event.getDemandObserved().getWorkersList().stream().map(WorkerSeen::getWorker).toList()));

        // Then
        assertThat(seen.get("vision")).containsExactly("muster-text:a:t:i-2", "muster-vision:a:t:i-1", "on-premises:gpu0");
        assertThat(seen.get("text")).containsExactly("muster-text:a:t:i-2");
    }

    @Test
    void everyFailureIsToldToEveryFleetAndCounted() {
        // Given
        looks.serve(List.of(fleet("vision", 1, "gpu"), fleet("text", 2, "cpu")));
        see(List.of(), queue("gpu"), queue("cpu"));

        // When
        var first = looks.failed(ReadFailure.SERVER_ERROR, "queues.get_all", "500", now);
        var second = looks.failed(ReadFailure.REFUSED, "auth.login", "401", now);
        see(List.of(), queue("gpu"), queue("cpu"));
        var third = looks.failed(ReadFailure.UNREACHABLE, "workers.get_all", "down", now);

        // Then
        assertThat(first).extracting(DemandEvent::getFleet).containsExactly("text", "vision");
        assertThat(List.of(first.get(0), second.get(0), third.get(0))).extracting(event -> event.getReadFailed().getConsecutive())
                .containsExactly(1, 2, 1);
        assertThat(second.get(1).getReadFailed().getKind()).isEqualTo(ReadFailure.REFUSED);
        assertThat(second.get(1).getReadFailed().getCall()).isEqualTo("auth.login");
        assertThat(second.get(1).getSeen().getSequence()).as("the number of the look that it follows").isEqualTo(1);
    }

    @Test
    void afterThreeMinutesOfSilenceItTellsAndReadsWhatItMissedWhileAnotherConnectionWentOn() {
        // Given
        var other = new Looks("queue-watcher/test", 8, SECOND);
        other.serve(List.of(fleet("speech", 1, "cpu")));
        looks.serve(List.of(fleet("vision", 1, "gpu")));
        var before = only(see(List.of(worker("muster-vision:a:t:i-1", "running", "q-gpu")), queue("gpu", "gone", "stays")));
        looks.swept(List.of(), now);

        // When
        var toldOfOther = new ArrayList<Instant>();
        for (var second = 0; second < 180; second++) {
            if (second % 8 == 7) {
                // As long as a whole answer is awaited.
                var failed = only(looks.failed(ReadFailure.UNREACHABLE, "workers.get_all", "no whole answer within 8000 ms", now.minusSeconds(8)));
                assertThat(failed.getReadFailed().getConsecutive()).isEqualTo(second / 8 + 1);
            }
            var at = now;
            other.after(new Seen.Look(List.of(), Map.of("cpu", queue("cpu"))), at, at).forEach(event -> toldOfOther.add(at));
            now = now.plus(SECOND);
        }

        // Then
        assertThat(toldOfOther).hasSize(36).isEqualTo(IntStream.range(0, 36).mapToObj(i -> START.plusSeconds(1 + 5L * i)).toList());
        var after = only(see(List.of(), queue("gpu", "stays", "new")));
        assertThat(after.getSeen().getSequence()).isEqualTo(before.getSeen().getSequence() + 1);
        assertThat(after.getDemandObserved().getFull()).isTrue();
        assertThat(after.getDemandObserved().getAdriftList()).isEmpty();
        see(List.of(), queue("gpu", "stays", "new"));
        assertThat(looks.tasksDue(now)).containsExactlyInAnyOrder("gone", "running");
        assertThat(only(looks.failed(ReadFailure.UNREACHABLE, "workers.get_all", "down", now)).getReadFailed().getConsecutive()).isEqualTo(1);
    }

    @Test
    void aLookOfOverTenSecondsIsAFailure() {
        // Given
        looks.serve(List.of(fleet("vision", 1, "gpu")));

        // When
        var event = only(looks.after(new Seen.Look(List.of(), Map.of()), now, now.plusMillis(10_001)));

        // Then
        assertThat(event.getReadFailed().getKind()).isEqualTo(ReadFailure.TOO_SLOW);
    }

    @Test
    void aTaskThatLeftItsQueueIsReadInTheNextTick() {
        // Given
        looks.serve(List.of(fleet("vision", 1, "gpu")));
        see(List.of(), queue("gpu", "a", "b"));

        // When
        see(List.of(), queue("gpu", "b"));
        var tooEarly = looks.tasksDue(now);
        see(List.of(), queue("gpu", "b"));
        var due = looks.tasksDue(now);
        var event = only(looks.read(due, List.of(task("a", TaskStatus.COMPLETED, "w")), now));

        // Then
        assertThat(tooEarly).isEmpty();
        assertThat(due).containsExactly("a");
        assertThat(event.getTasksObserved().getTasksList()).extracting(TaskSeen::getTask).containsExactly("a");
        assertThat(event.getTasksObserved().getTasks(0).getStatus()).isEqualTo(TaskStatus.COMPLETED);
        assertThat(event.getTasksObserved().getTasks(0).getEnqueued()).isEqualTo(Times.timestamp(START));
        assertThat(looks.tasksDue(now)).isEmpty();
    }

    @Test
    void aTaskThatAWorkerStoppedShowingIsRead() {
        // Given
        looks.serve(List.of(fleet("vision", 1, "gpu")));
        see(List.of(worker("muster-vision:a:t:1", "a"), worker("muster-vision:a:t:2", "b")), queue("gpu"));

        // When
        see(List.of(worker("muster-vision:a:t:1", "c")), queue("gpu"));
        see(List.of(worker("muster-vision:a:t:1", "c")), queue("gpu"));

        // Then
        assertThat(looks.tasksDue(now)).containsExactlyInAnyOrder("a", "b");
    }

    @Test
    void aTaskThatTheServerForgotIsToldAsSuch() {
        // Given
        looks.serve(List.of(fleet("vision", 1, "gpu")));
        see(List.of(), queue("gpu", "a"));
        see(List.of(), queue("gpu"));
        see(List.of(), queue("gpu"));

        // When
        var event = only(looks.read(looks.tasksDue(now), List.of(), now));

        // Then
        assertThat(event.getTasksObserved().getTasks(0).getStatus()).isEqualTo(TaskStatus.TASK_NOT_FOUND);
    }

    @Test
    void readsAtMostFiveHundredTasksATick() {
        // Given
        looks.serve(List.of(fleet("vision", 1, "gpu")));
        see(List.of(), queue("gpu", IntStream.range(0, 1_200).mapToObj(Integer::toString).toArray(String[]::new)));
        see(List.of(), queue("gpu"));
        see(List.of(), queue("gpu"));

        // When
        var sizes = new ArrayList<Integer>();
        for (var due = looks.tasksDue(now); !due.isEmpty(); due = looks.tasksDue(now)) {
            sizes.add(due.size());
            looks.read(due, List.of(), now);
        }

        // Then
        assertThat(sizes).containsExactly(500, 500, 200);
    }

    @Test
    void readsOnceWhatEachWaitingTaskSaysOfItselfAndTellsIt() {
        // Given
        looks.serve(List.of(fleet("vision", 1, "gpu")));
        see(List.of(), queue("gpu", "a", "b", "c"));
        var due = looks.attributesDue();

        // When
        looks.learned(due, List.of(attributed("a", Map.of("memory", "64")), attributed("b", Map.of("memory", "64", "gpu", "a100"))));
        var event = only(see(List.of(), queue("gpu", "a", "b", "c")));

        // Then
        assertThat(due).containsExactly("a", "b", "c");
        var picture = event.getDemandObserved().getQueues(0);
        assertThat(picture.getShapesList()).extracting(shape -> shape.getSignature() + ":" + shape.getWaiting())
                .containsExactly(":1", "gpu=a100,memory=64:1", "memory=64:1");
        assertThat(picture.getShapes(1).getAttributesMap()).isEqualTo(Map.of("gpu", "a100", "memory", "64"));
        assertThat(picture.getFirstList()).extracting(task -> task.getSignature()).containsExactly("memory=64", "gpu=a100,memory=64", "");
        assertThat(picture.getFirst(0).getUser()).isEqualTo("ada");
        assertThat(looks.attributesDue()).isEmpty();
        see(List.of(), queue("gpu", "b", "d"));
        assertThat(looks.attributesDue()).containsExactly("d");
    }

    @Test
    void aTaskThatLeftBeforeItWasReadIsNotRead() {
        // Given
        looks.serve(List.of(fleet("vision", 1, "gpu")));
        see(List.of(), queue("gpu", "a"));

        // When
        see(List.of(), queue("gpu"));

        // Then
        assertThat(looks.attributesDue()).isEmpty();
    }

    @Test
    void readsAttributesOfNamedTasksOnlyAndFiveHundredAtATime() {
        // Given
        looks.serve(List.of(fleet("vision", 1, "gpu", "cpu")));
        var many = IntStream.range(0, 1_200).mapToObj(i -> "t" + i).toArray(String[]::new);

        // When
        var event = only(see(List.of(), queue("gpu", many), queue("cpu", "other")));

        // Then
        assertThat(event.getDemandObserved().getQueues(0).getShapes(0).getWaiting()).isEqualTo(1_200);
        var first = looks.attributesDue();
        assertThat(first).hasSize(500);
        looks.learned(first, List.of());
        assertThat(looks.attributesDue()).hasSize(1).doesNotContainAnyElementsOf(first);
    }

    @Test
    void aQueueThatIsMissingIsToBeCreatedIfItsFleetSaysSo() {
        // Given
        var creating = new WatchedFleet("vision", "i", "default", "muster-vision", List.of("gpu", "absent", "theirs"), START, false, true, true, true);
        looks.serve(List.of(creating, fleet("other", -5, "theirs", "missing-too")));
        see(List.of(), queue("gpu", "a"));

        // When
        looks.learned(looks.attributesDue(), List.of(attributed("a", Map.of("memory", "64"))));

        // Then
        assertThat(looks.queuesToCreate()).containsExactly("absent");
        see(List.of(), queue("gpu", "a"), queue("absent"));
        assertThat(looks.queuesToCreate()).isEmpty();
    }

    @Test
    void onlyQueuesOfFleetsThatLaunchAreShownAsServed() {
        // Given
        var paused = new WatchedFleet("paused", "i", "default", "muster-paused", List.of("cpu"), START, false, false, true, false);
        looks.serve(List.of(fleet("vision", 1, "gpu", "absent"), paused));

        // When
        see(List.of(), queue("gpu"), queue("cpu"));

        // Then
        assertThat(looks.activeQueues()).containsExactly("q-gpu");
    }

    @Test
    void idsMayHaveMoreColonsThanOurs() {
        // Given
        looks.serve(List.of(fleet("vision", 1, "gpu")));

        // When
        var event = only(see(List.of(worker("muster-vision:a:t:i-1:gpu0,1", "x:y", "elsewhere"), worker("host:gpu:1:2:3", "", "q-gpu"),
                worker(":", "", "elsewhere"), worker("::", "", "q-gpu"), worker("muster-vision", "", "elsewhere")), queue("gpu", "task:with:colons")));

        // Then
        assertThat(event.getDemandObserved().getWorkersList()).extracting(WorkerSeen::getWorker)
                .containsExactly("::", "host:gpu:1:2:3", "muster-vision:a:t:i-1:gpu0,1");
        assertThat(event.getDemandObserved().getQueues(0).getFirst(0).getTask()).isEqualTo("task:with:colons");
    }

    @Test
    void aTaskInNoQueueAndOnNoWorkerIsAdriftSinceItWasReadSo() {
        // Given
        looks.serve(List.of(fleet("vision", 1, "gpu")));
        see(List.of(), queue("gpu", "a"));
        see(List.of(), queue("gpu"));
        see(List.of(), queue("gpu"));
        var readAt = now;

        // When
        looks.read(looks.tasksDue(now), List.of(task("a", TaskStatus.QUEUED, "")), readAt);
        var event = only(see(List.of(), queue("gpu")));

        // Then
        var adrift = event.getDemandObserved().getAdrift(0);
        assertThat(adrift.getTask()).isEqualTo("a");
        assertThat(adrift.getQueue()).isEqualTo("q-gpu");
        assertThat(adrift.getStatus()).isEqualTo(TaskStatus.QUEUED);
        assertThat(adrift.getSince()).isEqualTo(Times.timestamp(readAt));
        assertThat(see(List.of(), queue("gpu"))).as("a level that did not change is no news").isEmpty();
    }

    @Test
    void aTaskIsNoLongerAdriftOnceAWorkerShowsIt() {
        // Given
        looks.serve(List.of(fleet("vision", 1, "gpu")));
        driftAway("a");

        // When
        var event = only(see(List.of(worker("muster-vision:a:t:1", "a")), queue("gpu")));

        // Then
        assertThat(event.getDemandObserved().getAdriftCount()).isZero();
    }

    @Test
    void aTaskIsNoLongerAdriftOnceItWaitsAgain() {
        // Given
        looks.serve(List.of(fleet("vision", 1, "gpu")));
        driftAway("a");

        // When
        var event = only(see(List.of(), queue("gpu", "a")));

        // Then
        assertThat(event.getDemandObserved().getAdriftCount()).isZero();
    }

    @Test
    void aTaskAdriftIsReadAgainAndItsEndIsTold() {
        // Given
        looks.serve(List.of(fleet("vision", 1, "gpu")));
        driftAway("a");
        var due = new ArrayList<String>();
        while (due.isEmpty()) {
            see(List.of(), queue("gpu"));
            due.addAll(looks.tasksDue(now));
        }

        // When
        var told = only(looks.read(due, List.of(task("a", TaskStatus.COMPLETED, "w")), now));
        var level = only(see(List.of(), queue("gpu")));

        // Then
        assertThat(told.getTasksObserved().getTasks(0).getStatus()).isEqualTo(TaskStatus.COMPLETED);
        assertThat(level.getDemandObserved().getAdriftCount()).isZero();
    }

    @Test
    void aTaskWhoseLastUpdateMovesIsAdriftFromThenOn() {
        // Given
        looks.serve(List.of(fleet("vision", 1, "gpu")));
        driftAway("a");
        var readAt = now;

        // When
        looks.read(List.of("a"), List.of(new Seen.Task("a", TaskStatus.IN_PROGRESS, "", "w", "q-gpu", "", "", NO_ATTRIBUTES, null, null, null, now)), readAt);
        var event = only(see(List.of(), queue("gpu")));

        // Then
        assertThat(event.getDemandObserved().getAdrift(0).getSince()).isEqualTo(Times.timestamp(readAt));
    }

    @Test
    void aTaskThatCouldNotBeReadForLongIsAdriftFromNowAsFarAsIsKnown() {
        // Given
        looks.serve(List.of(fleet("vision", 1, "gpu")));
        driftAway("a");
        now = now.plusSeconds(50);

        // When
        var lookAt = now;
        var unread = only(see(List.of(), queue("gpu")));
        looks.read(List.of("a"), List.of(task("a", TaskStatus.IN_PROGRESS, "w")), now);
        var read = only(see(List.of(), queue("gpu")));

        // Then
        assertThat(unread.getDemandObserved().getAdrift(0).getSince()).as("somebody may have reported meanwhile").isEqualTo(Times.timestamp(lookAt));
        assertThat(read.getDemandObserved().getAdrift(0).getSince().getSeconds()).as("nobody has").isLessThan(lookAt.getEpochSecond());
    }

    @Test
    void aNewOwnerSweepsAndAgainEachMinute() {
        // Given
        looks.serve(List.of(fleet("vision", 1, "gpu")));

        // When
        var swept = new ArrayList<Integer>();
        for (var second = 0; second < 130; second++) {
            see(List.of(), queue("gpu"));
            if (looks.isSweepDue(now)) {
                assertThat(looks.sweptQueues()).containsExactly("q-gpu");
                looks.swept(List.of(), now);
                swept.add(second);
            }
        }

        // Then
        assertThat(swept).containsExactly(0, 60, 120);
    }

    @Test
    void aSweepFindsWhatNobodySawLeave() {
        // Given
        looks.serve(List.of(fleet("vision", 1, "gpu")));
        see(List.of(worker("muster-vision:a:t:1", "running")), queue("gpu", "waiting"));

        // When
        looks.swept(List.of(task("running", TaskStatus.IN_PROGRESS, "w"), task("waiting", TaskStatus.QUEUED, ""),
                task("lost", TaskStatus.IN_PROGRESS, "w")), now);
        var event = only(see(List.of(worker("muster-vision:a:t:1", "running")), queue("gpu", "waiting")));

        // Then
        assertThat(event.getDemandObserved().getAdriftList()).extracting(task -> task.getTask()).containsExactly("lost");
    }

    @Test
    void aFleetOfTheSameNameBornAgainIsToldEverything() {
        // Given
        looks.serve(List.of(fleet("vision", 1, "gpu")));
        see(List.of(), queue("gpu"));

        // When
        looks.serve(List.of(new WatchedFleet("vision", "other", "default", "muster-vision", List.of("gpu"), START, false, true, true, false)));
        var event = only(see(List.of(), queue("gpu")));

        // Then
        assertThat(event.getDemandObserved().getFull()).isTrue();
        assertThat(event.getSeen().getSequence()).as("no number comes twice in a generation").isEqualTo(2);
    }

    @Test
    void aLargePictureGoesInPartsThatAreSmallEnough() {
        // Given
        var names = IntStream.range(0, 40).mapToObj(i -> "queue-" + i).toArray(String[]::new);
        looks.serve(List.of(fleet("vision", 1, names)));
        var waiting = IntStream.range(0, 600).mapToObj(i -> "0123456789abcdef0123456789" + i).toArray(String[]::new);
        var queues = Arrays.stream(names).map(name -> queue(name, waiting)).toArray(Seen.Queue[]::new);
        var workers = IntStream.range(0, 3_000).mapToObj(i -> worker("muster-vision:a:t:i-" + i, "", "q-queue-1")).toList();

        // When
        var parts = see(workers, queues);

        // Then
        assertThat(parts).hasSizeGreaterThan(2);
        assertThat(parts).allMatch(part -> part.getSerializedSize() <= KafkaSettings.MAX_RECORD_BYTES);
        assertThat(parts).extracting(part -> part.getSeen().getSequence()).containsOnly(1L);
        assertThat(parts).extracting(part -> part.getSeen().getPart())
                .containsExactlyElementsOf(IntStream.rangeClosed(1, parts.size()).boxed().toList());
        assertThat(parts).extracting(part -> part.getSeen().getParts()).containsOnly(parts.size());
        assertThat(parts.stream().flatMap(part -> part.getDemandObserved().getQueuesList().stream()).map(QueuePicture::getName).toList())
                .containsExactly(names);
        assertThat(parts.stream().flatMap(part -> part.getDemandObserved().getWorkersList().stream()).count()).isEqualTo(3_000);
        assertThat(parts.get(0).getDemandObserved().getQueues(0).getWaiting()).isEqualTo(600);
        assertThat(parts.get(0).getDemandObserved().getQueues(0).getFirstCount()).isEqualTo(Pictures.NAMED_TASKS);
    }

    /** Whoever applies what is told, in order, knows after each event what a full picture would say. */
    @Test
    void whatIsToldAddsUpToWhatIsSeen() {
        var seed = System.nanoTime();
        var random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
        var workersKnown = new TreeSet<String>();
        looks.serve(List.of(fleet("vision", 1, "gpu")));
        for (var look = 0; look < 2_000; look++) {
            // Given
            var workers = randomWorkers(random);
            var entries = random.ints(random.nextInt(4), 0, 6).distinct().mapToObj(i -> "task" + i).toArray(String[]::new);

            // When
            var events = see(workers, queue("gpu", entries));

            // Then
            for (var event : events) {
                var seen = event.getDemandObserved();
                if (seen.getFull()) {
                    workersKnown.clear();
                }
                seen.getWorkersGoneList().forEach(gone -> workersKnown.removeIf(worker -> worker.startsWith(gone + " ")));
                seen.getWorkersList().forEach(worker -> {
                    workersKnown.removeIf(known -> known.startsWith(worker.getWorker() + " "));
                    workersKnown.add(worker.getWorker() + " " + worker.getTask());
                });
            }
            var truth = workers.stream().map(worker -> worker.id() + " " + worker.task()).collect(Collectors.toCollection(TreeSet::new));
            assertThat(workersKnown).as("seed " + seed + ", look " + look).isEqualTo(truth);
        }
    }

    private static List<Seen.Worker> randomWorkers(RandomGenerator random) {
        return random.ints(random.nextInt(5), 0, 5).distinct().sorted()
                .mapToObj(i -> worker("muster-vision:a:t:i-" + i, random.nextInt(3) == 0 ? "task" + random.nextInt(6) : "", "q-gpu"))
                .toList();
    }

    private void driftAway(String task) {
        looks.swept(List.of(), now);
        see(List.of(), queue("gpu", task));
        see(List.of(), queue("gpu"));
        see(List.of(), queue("gpu"));
        looks.read(looks.tasksDue(now), List.of(task(task, TaskStatus.IN_PROGRESS, "w")), now);
        var event = only(see(List.of(), queue("gpu")));
        assertThat(event.getDemandObserved().getAdriftCount()).isEqualTo(1);
    }

    /** One good look, a second after the one before. */
    private List<DemandEvent> see(List<Seen.Worker> workers, Seen.Queue... queues) {
        var byName = new TreeMap<String, Seen.Queue>();
        for (var queue : queues) {
            byName.put(queue.name(), queue);
        }
        var events = looks.after(new Seen.Look(workers.stream().sorted(Comparator.comparing(Seen.Worker::id)).toList(), byName), now, now.plusMillis(10));
        now = now.plus(SECOND);
        return events;
    }

    private static DemandEvent only(List<DemandEvent> events) {
        assertThat(events).hasSize(1);
        return events.get(0);
    }

    private static WatchedFleet fleet(String name, int bornSecond, String... queues) {
        return new WatchedFleet(name, "i", "default", "muster-" + name, List.of(queues), START.plusSeconds(bornSecond), false, true, true, false);
    }

    private static Seen.Queue queue(String name, String... tasks) {
        return new Seen.Queue("q-" + name, name, Arrays.stream(tasks).map(task -> new Seen.Entry(task, START)).toList());
    }

    private static Seen.Worker worker(String id, String task, String... queues) {
        return new Seen.Worker(id, "user", task, "", List.copyOf(new TreeSet<>(Set.of(queues))), START, START);
    }

    private static Seen.Worker reporting(String id, Instant at) {
        return new Seen.Worker(id, "user", "", "", List.of("q-gpu"), START, at);
    }

    private static Seen.Task attributed(String id, Map<String, String> attributes) {
        return new Seen.Task(id, TaskStatus.QUEUED, "", "", "q-gpu", "vision-project", "ada", new TreeMap<>(attributes), null, null, null, START);
    }

    private static Seen.Task task(String id, TaskStatus status, String worker) {
        return new Seen.Task(id, status, "", worker, "q-gpu", "", "", NO_ATTRIBUTES, null, null, null, START);
    }
}
