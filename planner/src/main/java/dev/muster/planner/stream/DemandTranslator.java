package dev.muster.planner.stream;

import dev.muster.contracts.Times;
import dev.muster.contracts.UnreadableRecordException;
import dev.muster.planner.core.FleetEvent;
import dev.muster.planner.core.QueueSeen;
import dev.muster.planner.core.Worker;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.Observation;
import dev.muster.v1.QueuePicture;
import dev.muster.v1.QueueState;
import dev.muster.v1.TaskAdrift;
import dev.muster.v1.WaitingTask;
import dev.muster.v1.WorkerState;
import java.time.Instant;
import java.util.Optional;

/** What the watcher saw, between the topic {@code demand}, the store and the core. */
final class DemandTranslator {

    private DemandTranslator() {}

    /**
     * What a fleet learns from it; empty if it is not about planning.
     *
     * @param at when the broker took the record
     * @throws UnreadableRecordException if it says nothing that this release knows
     */
    static Optional<FleetEvent> event(DemandEvent message, Instant at) throws UnreadableRecordException {
        var seen = seen(message.getSeen());
        switch (message.getWhatCase()) {
            case DEMAND_OBSERVED -> {
                var look = message.getDemandObserved();
                return Optional.of(new FleetEvent.DemandSeen(at, seen, look.getTick(), Times.duration(look.getInterval()), look.getFull(),
                        look.getQueuesList().stream().map(DemandTranslator::queue).toList(),
                        look.getWorkersList().stream().map(worker -> new FleetEvent.WorkerSeen(worker.getWorker(), worker.getUser(),
                                worker.getTask(), worker.getProject(), worker.getQueueIdsList())).toList(),
                        look.getWorkersGoneList(),
                        look.getAdriftList().stream().map(DemandTranslator::adrift).toList()));
            }
            case READ_FAILED -> {
                var failed = message.getReadFailed();
                return Optional.of(new FleetEvent.ReadFailed(at, seen, failed.getKind().name(), failed.getCall(), failed.getDetail(),
                        failed.getConsecutive()));
            }
            case TASKS_OBSERVED -> {
                return Optional.of(new FleetEvent.TasksSeen(at, seen, message.getTasksObserved().getTasksList().stream()
                        .map(task -> new FleetEvent.TaskSeen(task.getTask(), task.getQueue(), task.getProject(), task.getUser(), task.getLastWorker(), task.getStatusReason(),
                                Words.taskStatus(task.getStatus()), Times.instantOrNull(task.hasEnqueued(), task.getEnqueued()),
                                Times.instantOrNull(task.hasStarted(), task.getStarted()), Times.instantOrNull(task.hasEnded(), task.getEnded())))
                        .toList()));
            }
            case TASK_RESCUED -> {
                var rescued = message.getTaskRescued();
                return Optional.of(new FleetEvent.TaskRescued(at, rescued.getTask(), rescued.getAttempt(), switch (rescued.getOutcome()) {
                    case RESCUED -> FleetEvent.RescueOutcome.RESCUED;
                    case NOT_NEEDED -> FleetEvent.RescueOutcome.NOT_NEEDED;
                    case RUNNING -> FleetEvent.RescueOutcome.RUNNING;
                    case DECLINED -> FleetEvent.RescueOutcome.DECLINED;
                    case MARKED_FAILED -> FleetEvent.RescueOutcome.MARKED_FAILED;
                    // An outcome that only a newer watcher knows is no success that could be relied on: it is asked again.
                    case RESCUE_FAILED, RESCUE_OUTCOME_UNSPECIFIED, UNRECOGNIZED -> FleetEvent.RescueOutcome.FAILED;
                }, Words.taskStatus(rescued.getStatus()), rescued.getWorker(), rescued.getDetail()));
            }
            case CHECK_ANSWERED -> {
                return Optional.empty();
            }
            case WHAT_NOT_SET -> throw new UnreadableRecordException("the event says nothing that this release knows");
        }
        throw new IllegalStateException("no such case: " + message.getWhatCase());
    }

    static FleetEvent.Seen seen(Observation seen) {
        return new FleetEvent.Seen(seen.getSource(), seen.getGeneration(), seen.getSequence(),
                Times.instantOrNull(seen.hasReadStartedAt(), seen.getReadStartedAt()), Math.max(1, seen.getPart()), Math.max(1, seen.getParts()));
    }

    static QueueSeen queue(QueuePicture queue) {
        return new QueueSeen(queue.getName(), queue.getId(), switch (queue.getState()) {
            case SERVED -> QueueSeen.State.SERVED;
            case OWNED_BY_OTHER -> QueueSeen.State.OWNED_BY_OTHER;
            // Nothing is launched for a queue of which it is not known that it may be served.
            case MISSING, QUEUE_STATE_UNSPECIFIED, UNRECOGNIZED -> QueueSeen.State.MISSING;
        }, queue.getOwnerFleet(), queue.getWaiting(), Times.instantOrNull(queue.hasOldest(), queue.getOldest()),
                queue.getFirstList().stream().map(WaitingTask::getTask).toList());
    }

    static QueuePicture queue(QueueSeen queue) {
        var picture = QueuePicture.newBuilder().setName(queue.name()).setId(queue.id()).setOwnerFleet(queue.ownerFleet())
                .setWaiting(queue.waiting()).setState(switch (queue.state()) {
                    case SERVED -> QueueState.SERVED;
                    case MISSING -> QueueState.MISSING;
                    case OWNED_BY_OTHER -> QueueState.OWNED_BY_OTHER;
                });
        if (queue.oldest() != null) {
            picture.setOldest(Times.timestamp(queue.oldest()));
        }
        queue.first().forEach(task -> picture.addFirst(WaitingTask.newBuilder().setTask(task)));
        return picture.build();
    }

    static Worker worker(WorkerState worker) {
        return new Worker(worker.getId(), worker.getUser(), worker.getTask(), worker.getProject(), worker.getQueueIdsList(),
                Times.instant(worker.getIdleSince()), Times.instantOrNull(worker.hasUnregisteredAt(), worker.getUnregisteredAt()));
    }

    static WorkerState worker(Worker worker) {
        var state = WorkerState.newBuilder().setId(worker.id()).setUser(worker.user()).setTask(worker.task()).setProject(worker.project())
                .addAllQueueIds(worker.queueIds()).setIdleSince(Times.timestamp(worker.idleSince()));
        if (worker.unregisteredAt() != null) {
            state.setUnregisteredAt(Times.timestamp(worker.unregisteredAt()));
        }
        return state.build();
    }

    static FleetEvent.TaskAdrift adrift(TaskAdrift task) {
        return new FleetEvent.TaskAdrift(task.getTask(), task.getQueue(), task.getLastWorker(), Words.taskStatus(task.getStatus()),
                Times.instantOrNull(task.hasLastUpdate(), task.getLastUpdate()), Times.instantOrNull(task.hasSince(), task.getSince()));
    }

    static TaskAdrift adrift(FleetEvent.TaskAdrift task) {
        var adrift = TaskAdrift.newBuilder().setTask(task.task()).setQueue(task.queueId()).setLastWorker(task.lastWorker())
                .setStatus(Words.taskStatus(task.status()));
        if (task.lastUpdate() != null) {
            adrift.setLastUpdate(Times.timestamp(task.lastUpdate()));
        }
        if (task.since() != null) {
            adrift.setSince(Times.timestamp(task.since()));
        }
        return adrift.build();
    }
}
