package dev.muster.watcher;

import dev.muster.contracts.ProtobufSerde;
import dev.muster.contracts.UnreadableRecordException;
import dev.muster.v1.ClearmlCommand;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.RescueOutcome;
import dev.muster.v1.TaskRescued;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.eclipse.microprofile.reactive.messaging.Incoming;
import org.jboss.logging.Logger;

/**
 * Carries out commands to queue systems, one after the other. A command's offset is committed when this method returns, which
 * is after its answer is on the topic; a command that is read again changes nothing more.
 */
@ApplicationScoped
public class CommandConsumer {

    private static final Logger LOG = Logger.getLogger(CommandConsumer.class);
    private static final ProtobufSerde<ClearmlCommand> COMMANDS = new ProtobufSerde<>(ClearmlCommand.parser());

    private final Connections connections;
    private final FleetTable fleets;
    private final DemandPublisher publisher;
    private final WatchMetrics metrics;

    public CommandConsumer(Connections connections, FleetTable fleets, DemandPublisher publisher, WatchMetrics metrics) {
        this.connections = connections;
        this.fleets = fleets;
        this.publisher = publisher;
        this.metrics = metrics;
    }

    @Incoming(Connections.CHANNEL)
    void on(ConsumerRecord<byte[], byte[]> record) throws InterruptedException {
        try {
            carryOut(COMMANDS.parse(record.value()));
        } catch (UnreadableRecordException garbage) {
            LOG.warnf("A command can't be carried out; it is kept as a dead letter. topic=%s partition=%d offset=%d reason=%s",
                    record.topic(), record.partition(), record.offset(), garbage.getMessage());
            metrics.unreadable(record.topic());
            untilSent(() -> publisher.deadLetter(record, garbage.getMessage()));
        }
    }

    private void carryOut(ClearmlCommand command) throws UnreadableRecordException, InterruptedException {
        var source = connections.find(command.getConnection());
        if (source == null) {
            throw new UnreadableRecordException("no connection '" + command.getConnection()
                    + "' is configured: set muster.connections." + command.getConnection() + ".api");
        }
        switch (command.getWhatCase()) {
            case RESCUE -> rescue(source, command);
            case UNREGISTER -> unregister(source, command);
            case WHAT_NOT_SET -> throw new UnreadableRecordException("it holds no command that this release knows");
        }
    }

    private void rescue(QueueSource source, ClearmlCommand command) throws InterruptedException {
        var fleet = fleets.find(command.getFleet());
        // The spec may have changed since the planner sent it. How often a task was put back only the planner knows.
        var rescued = fleet != null && !fleet.isRescued() ? declined(command) : source.rescue(command.getRescue());
        LOG.logf(rescued.getOutcome() == RescueOutcome.RESCUE_FAILED ? Logger.Level.WARN : Logger.Level.INFO,
                "A rescue ended. fleet=%s task=%s attempt=%d outcome=%s reason=%s",
                command.getFleet(), rescued.getTask(), rescued.getAttempt(), rescued.getOutcome(), rescued.getDetail());
        metrics.rescued(rescued.getOutcome().name());
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
