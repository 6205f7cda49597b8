package dev.muster.planner.view;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.v1.DemandEvent;
import dev.muster.v1.DemandObserved;
import dev.muster.v1.Observation;
import dev.muster.v1.QueuePicture;
import dev.muster.v1.ReadFailed;
import dev.muster.v1.ReadFailure;
import dev.muster.v1.WaitingTask;
import dev.muster.v1.WorkerSeen;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class DemandViewTest {

    private static final Instant T = Instant.parse("2026-03-01T12:00:00Z");

    private final DemandView view = new DemandView();

    @Test
    void showsALookOnceAllItsPartsAreThere() {
        view.on(look(1, 1, 2, full().addQueues(queue("a", 3))), T);
        assertThat(view.latest().seenAt()).isNull();
        view.on(look(1, 1, 2, full().addQueues(queue("b", 4))), T);
        assertThat(view.latest().queues().keySet()).containsExactlyInAnyOrder("a", "b");
        assertThat(view.latest().queue("a")).hasValueSatisfying(queue -> {
            assertThat(queue.getWaiting()).isEqualTo(3);
            assertThat(queue.getFirstList()).isEmpty();
        });
        assertThat(view.latest().tasks("a")).containsExactly(WaitingTask.newBuilder().setTask("t").setProject("p").setUser("u").build());
        assertThat(view.latest().tasks("c")).isEmpty();
    }

    @Test
    void followsWorkersByTheirChanges() {
        view.on(look(1, 1, 1, full().addWorkers(worker("w1")).addWorkers(worker("w2"))), T);
        view.on(look(1, 2, 1, DemandObserved.newBuilder().addWorkers(worker("w3")).addWorkersGone("w1")), T.plusSeconds(1));
        assertThat(view.latest().workers()).extracting(WorkerSeen::getWorker).containsExactly("w2", "w3");
        view.on(look(1, 3, 1, full().addWorkers(worker("w4"))), T.plusSeconds(2));
        assertThat(view.latest().workers()).extracting(WorkerSeen::getWorker).containsExactly("w4");
    }

    @Test
    void keepsTheLastGoodLookAndSaysThatTheNextFailed() {
        view.on(look(1, 1, 1, full().addQueues(queue("a", 3))), T);
        view.on(DemandEvent.newBuilder().setSeen(Observation.newBuilder().setGeneration(1).setSequence(1))
                .setReadFailed(ReadFailed.newBuilder().setKind(ReadFailure.REFUSED).setCall("queues.get_all")).build(), T.plusSeconds(1));
        assertThat(view.latest().seenAt()).isEqualTo(T);
        assertThat(view.latest().failure()).isEqualTo("REFUSED at queues.get_all");
        assertThat(view.latest().queue("a")).isPresent();
    }

    @Test
    void passesOverAWatcherThatWasReplaced() {
        view.on(look(2, 1, 1, full().addQueues(queue("a", 3))), T);
        view.on(look(1, 9, 1, full().addQueues(queue("a", 7))), T.plusSeconds(1));
        assertThat(view.latest().queue("a").orElseThrow().getWaiting()).isEqualTo(3);
    }

    private static DemandObserved.Builder full() {
        return DemandObserved.newBuilder().setFull(true);
    }

    private static DemandEvent look(long generation, long sequence, int parts, DemandObserved.Builder look) {
        return DemandEvent.newBuilder().setSeen(Observation.newBuilder().setGeneration(generation).setSequence(sequence).setParts(parts))
                .setDemandObserved(look).build();
    }

    private static QueuePicture.Builder queue(String name, int waiting) {
        return QueuePicture.newBuilder().setName(name).setWaiting(waiting).addFirst(WaitingTask.newBuilder().setTask("t").setProject("p").setUser("u"));
    }

    private static WorkerSeen worker(String id) {
        return WorkerSeen.newBuilder().setWorker(id).build();
    }
}
