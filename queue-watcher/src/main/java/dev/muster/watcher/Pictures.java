package dev.muster.watcher;

import com.google.protobuf.ByteString;
import dev.muster.contracts.Times;
import dev.muster.v1.QueuePicture;
import dev.muster.v1.QueueState;
import dev.muster.v1.ShapeCount;
import dev.muster.v1.TaskAdrift;
import dev.muster.v1.TaskSeen;
import dev.muster.v1.TaskStatus;
import dev.muster.v1.WaitingTask;
import dev.muster.v1.WorkerSeen;
import java.time.Instant;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** What was seen, in the contract's messages. */
final class Pictures {

    /** Tasks of a queue that are named one by one; the others are only counted. */
    static final int NAMED_TASKS = 500;
    /** Different shapes of a queue that are told apart; tasks of others count as of none. */
    static final int SHAPES = 100;

    private Pictures() {}

    /** @param known of the tasks that were read so far, by id */
    static QueuePicture served(Seen.Queue queue, Map<String, Seen.Task> known) {
        var shapes = new TreeMap<String, ShapeCount.Builder>();
        var picture = QueuePicture.newBuilder()
                .setId(queue.id())
                .setName(queue.name())
                .setState(QueueState.SERVED)
                .setWaiting(queue.waiting().size());
        Instant oldest = null;
        for (var entry : queue.waiting()) {
            if (entry.added() != null && (oldest == null || entry.added().isBefore(oldest))) {
                oldest = entry.added();
            }
            if (picture.getFirstCount() < NAMED_TASKS) {
                // As bytes: a picture is sent again and again, and its texts would be encoded each time.
                var task = WaitingTask.newBuilder().setTaskBytes(ByteString.copyFromUtf8(entry.task()));
                if (entry.added() != null) {
                    task.setAdded(Times.timestamp(entry.added()));
                }
                var read = known.get(entry.task());
                if (read != null) {
                    task.setSignatureBytes(ByteString.copyFromUtf8(read.signature())).setProjectBytes(ByteString.copyFromUtf8(read.project()))
                            .setUserBytes(ByteString.copyFromUtf8(read.user()));
                }
                picture.addFirst(task);
                count(shapes, read);
            }
        }
        if (oldest != null) {
            picture.setOldest(Times.timestamp(oldest));
        }
        var others = queue.waiting().size() - shapes.values().stream().mapToInt(ShapeCount.Builder::getWaiting).sum();
        if (others > 0) {
            var none = shapes.computeIfAbsent("", signature -> ShapeCount.newBuilder());
            none.setWaiting(none.getWaiting() + others);
        }
        shapes.values().forEach(picture::addShapes);
        return picture.build();
    }

    private static void count(SortedMap<String, ShapeCount.Builder> shapes, Seen.Task task) {
        var signature = task == null ? "" : task.signature();
        var shape = shapes.get(signature);
        if (shape == null) {
            if (shapes.size() >= SHAPES) {
                return;
            }
            shape = ShapeCount.newBuilder().setSignature(signature);
            if (task != null) {
                shape.putAllAttributes(task.attributes());
            }
            shapes.put(signature, shape);
        }
        shape.setWaiting(shape.getWaiting() + 1);
    }

    static QueuePicture missing(String name) {
        return QueuePicture.newBuilder().setName(name).setState(QueueState.MISSING).build();
    }

    /** @param queue null if the server doesn't have it */
    static QueuePicture ownedBy(String fleet, String name, Seen.Queue queue) {
        return QueuePicture.newBuilder()
                .setId(queue == null ? "" : queue.id())
                .setName(name)
                .setState(QueueState.OWNED_BY_OTHER)
                .setOwnerFleet(fleet)
                .build();
    }

    static WorkerSeen worker(Seen.Worker worker) {
        var seen = WorkerSeen.newBuilder()
                .setWorker(worker.id())
                .setUser(worker.user())
                .setTask(worker.task())
                .setProject(worker.project())
                .addAllQueueIds(worker.queues());
        if (worker.registered() != null) {
            seen.setRegisteredAt(Times.timestamp(worker.registered()));
        }
        if (worker.lastReport() != null) {
            seen.setLastReportAt(Times.timestamp(worker.lastReport()));
        }
        return seen.build();
    }

    /** @param enqueued when it entered the queue that it was seen in; null: as the task says */
    static TaskSeen task(Seen.Task task, Instant enqueued) {
        var seen = TaskSeen.newBuilder()
                .setTask(task.id())
                .setQueue(task.queue())
                .setLastWorker(task.lastWorker())
                .setStatusReason(task.statusReason())
                .setProject(task.project())
                .setUser(task.user())
                .setSignature(task.signature())
                .setStatus(task.status());
        var entered = enqueued == null ? task.enqueued() : enqueued;
        if (entered != null) {
            seen.setEnqueued(Times.timestamp(entered));
        }
        if (task.started() != null) {
            seen.setStarted(Times.timestamp(task.started()));
        }
        if (task.ended() != null) {
            seen.setEnded(Times.timestamp(task.ended()));
        }
        return seen.build();
    }

    static TaskSeen notFound(String task) {
        return TaskSeen.newBuilder().setTask(task).setStatus(TaskStatus.TASK_NOT_FOUND).build();
    }

    static TaskAdrift adrift(Seen.Task task, Instant since) {
        var adrift = TaskAdrift.newBuilder()
                .setTask(task.id())
                .setQueue(task.queue())
                .setLastWorker(task.lastWorker())
                .setStatus(task.status())
                .setSince(Times.timestamp(since));
        if (task.lastUpdate() != null) {
            adrift.setLastUpdate(Times.timestamp(task.lastUpdate()));
        }
        return adrift.build();
    }
}
