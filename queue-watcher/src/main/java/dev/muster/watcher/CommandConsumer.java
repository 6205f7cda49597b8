package dev.muster.watcher;

import dev.muster.contracts.ProtobufSerde;
import dev.muster.contracts.UnreadableRecordException;
import dev.muster.v1.ClearmlCommand;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.RescueOutcome;
import dev.muster.v1.TaskRescued;
import io.quarkus.runtime.ShutdownEvent;
import io.smallrye.reactive.messaging.kafka.api.IncomingKafkaRecordMetadata;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.eclipse.microprofile.reactive.messaging.Acknowledgment;
import org.eclipse.microprofile.reactive.messaging.Incoming;
import org.eclipse.microprofile.reactive.messaging.Message;
import org.jboss.logging.Logger;

/**
 * Carries out commands to queue systems, those of one connection one after the other. A command's offset is committed after its answer is
 * on the topic, and after those before it; a command that is read again changes nothing more.
 */
@ApplicationScoped
public class CommandConsumer {

    private static final Logger LOG = Logger.getLogger(CommandConsumer.class);
    private static final ProtobufSerde<ClearmlCommand> COMMANDS = new ProtobufSerde<>(ClearmlCommand.parser());

    private final Connections connections;
    private final FleetTable fleets;
    private final DemandPublisher publisher;
    private final WatchMetrics metrics;
    /** By connection: one thread each, so that its commands are carried out in order. */
    private final Map<String, ExecutorService> workers = new ConcurrentHashMap<>();
    private final ExecutorService letters = worker("unreadable");

    public CommandConsumer(Connections connections, FleetTable fleets, DemandPublisher publisher, WatchMetrics metrics) {
        this.connections = connections;
        this.fleets = fleets;
        this.publisher = publisher;
        this.metrics = metrics;
    }

    /** Returns at once: a connection's commands wait for each other only, so that a server that stalls holds no other one's rescues. */
    @Incoming(Connections.CHANNEL)
    @Acknowledgment(Acknowledgment.Strategy.MANUAL)
    CompletionStage<Void> on(Message<byte[]> message) {
        ConsumerRecord<byte[], byte[]> record = recordOf(message);
        try {
            var command = parse(record);
            var worker = workers.computeIfAbsent(command.getConnection(), CommandConsumer::worker);
            worker.execute(() -> attempt(message, () -> carryOut(command)));
        } catch (UnreadableRecordException garbage) {
            LOG.warnf("A command can't be carried out; it is kept as a dead letter. topic=%s partition=%d offset=%d reason=%s",
                    record.topic(), record.partition(), record.offset(), garbage.getMessage());
            metrics.unreadable(record.topic());
            letters.execute(() -> attempt(message, () -> untilSent(() -> publisher.deadLetter(record, garbage.getMessage()))));
        }
        return CompletableFuture.completedFuture(null);
    }

    @SuppressWarnings("unchecked")
    private static ConsumerRecord<byte[], byte[]> recordOf(Message<byte[]> message) {
        return message.getMetadata(IncomingKafkaRecordMetadata.class).orElseThrow().getRecord();
    }

    private ClearmlCommand parse(ConsumerRecord<byte[], byte[]> record) throws UnreadableRecordException {
        var command = COMMANDS.parse(record.value());
        if (connections.find(command.getConnection()) == null) {
            throw new UnreadableRecordException("no connection '" + command.getConnection()
                    + "' is configured: set muster.connections." + command.getConnection() + ".api");
        }
        if (command.getWhatCase() == ClearmlCommand.WhatCase.WHAT_NOT_SET) {
            throw new UnreadableRecordException("it holds no command that this release knows");
        }
        return command;
    }

    private interface Work {
        void run() throws InterruptedException;
    }

    /** What is acknowledged is answered; what is not, because the process ended, is read again. */
    private static void attempt(Message<byte[]> message, Work work) {
        try {
            work.run();
            message.ack();
        } catch (InterruptedException ended) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException ours) {
            LOG.error("A command met a defect.", ours);
            message.nack(ours);
        }
    }

    private static ExecutorService worker(String name) {
        return Executors.newSingleThreadExecutor(task -> {
            var thread = new Thread(task, "commands-" + name);
            thread.setDaemon(true);
            return thread;
        });
    }

    void stop(@Observes ShutdownEvent event) {
        workers.values().forEach(ExecutorService::shutdownNow);
        letters.shutdownNow();
    }

    private void carryOut(ClearmlCommand command) throws InterruptedException {
        var source = connections.find(command.getConnection());
        switch (command.getWhatCase()) {
            case RESCUE -> rescue(source, command);
            case UNREGISTER -> unregister(source, command);
            case WHAT_NOT_SET -> throw new IllegalStateException("a command that was not refused holds none");
        }
    }

    private void rescue(QueueSource source, ClearmlCommand command) throws InterruptedException {
        var fleet = fleets.find(command.getFleet());
        // The spec may have changed since the planner sent it. How often a task was put back only the planner knows. To fail a task is not to
        // put it back: it runs no second time.
        var isPutBack = command.getRescue().getFailReason().isEmpty();
        var rescued = isPutBack && fleet != null && !fleet.isRescued() ? declined(command) : source.rescue(command.getRescue());
        LOG.logf(rescued.getOutcome() == RescueOutcome.RESCUE_FAILED ? Logger.Level.WARN : Logger.Level.INFO,
                "A rescue ended. fleet=%s task=%s attempt=%d outcome=%s reason=%s",
                command.getFleet(), rescued.getTask(), rescued.getAttempt(), rescued.getOutcome(), rescued.getDetail());
        metrics.rescued(command.getFleet(), rescued.getOutcome().name());
        var answer = DemandEvent.newBuilder().setFleet(command.getFleet()).setSeen(publisher.answering()).setTaskRescued(rescued).build();
        untilSent(() -> publisher.publish(answer));
        metrics.published(answer.getWhatCase().name());
    }

    private static TaskRescued declined(ClearmlCommand command) {
        return TaskRescued.newBuilder().setTask(command.getRescue().getTask()).setAttempt(command.getRescue().getAttempt())
                .setOutcome(RescueOutcome.DECLINED).setDetail("the fleet's spec says that no task is rescued").build();
    }

    private static void unregister(QueueSource source, ClearmlCommand command) {
        var worker = command.getUnregister().getWorker();
        try {
            source.unregister(worker);
            LOG.infof("A worker was unregistered. fleet=%s worker=%s", command.getFleet(), worker);
        } catch (FailedRead failed) {
            // Not worth a repeat: the server forgets a worker that is silent for ten minutes.
            LOG.warnf("A worker could not be unregistered. fleet=%s worker=%s reason=%s", command.getFleet(), worker, failed.getMessage());
        }
    }

    /** Each attempt ends within the producer's delivery timeout. Given up only when the process ends; then it is read again. */
    private static void untilSent(Supplier<CompletionStage<Void>> send) throws InterruptedException {
        while (true) {
            try {
                send.get().toCompletableFuture().get();
                return;
            } catch (ExecutionException lost) {
                LOG.warnf("Kafka did not take an answer; it is sent again. reason=%s", String.valueOf(lost.getCause()));
            }
        }
    }
}
