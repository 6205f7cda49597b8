package dev.muster.planner.control;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.Message;
import dev.muster.contracts.CloudEvents;
import dev.muster.contracts.KafkaSettings;
import dev.muster.planner.Settings;
import dev.muster.planner.view.Answers;
import dev.muster.planner.view.ReadModel;
import dev.muster.v1.LogLevel;
import dev.muster.v1.Request;
import dev.muster.v1.RequestAnswered;
import dev.muster.v1.ServiceReported;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Sends writes of the API to the fleets' owners, and what this service reports of itself. Thread-safe; callers are never blocked:
 * waiting for the broker's metadata is done on a thread of its own.
 */
public final class RequestPublisher implements AutoCloseable {

    private final Settings settings;
    private final Answers answers;
    private final ExecutorService sender = Executors.newSingleThreadExecutor(task -> {
        var thread = new Thread(task, "request-publisher");
        thread.setDaemon(true);
        return thread;
    });
    private KafkaProducer<byte[], byte[]> producer;

    public RequestPublisher(Settings settings, ReadModel model) {
        this.settings = settings;
        this.answers = model.answers();
    }

    /**
     * The answer of the fleet's owner.
     *
     * @return fails with {@link java.util.concurrent.TimeoutException} when none came in time; the request may still be taken
     */
    CompletableFuture<RequestAnswered> ask(Request request, Duration within) {
        var answer = answers.await(request.getRequestId()).copy();
        send(settings.topics().requests(), request.getFleet(), request, request.getRequestId()).whenComplete((sent, failure) -> {
            if (failure != null) {
                answer.completeExceptionally(failure);
            }
        });
        return answer.orTimeout(within.toMillis(), TimeUnit.MILLISECONDS)
                .whenComplete((answered, failure) -> answers.giveUp(request.getRequestId()));
    }

    /** Writes what this service says of itself. */
    public CompletableFuture<Void> report(ServiceReported report) {
        var key = report.getService() + "/" + report.getInstance();
        return send(settings.topics().services(), key, report, key + "@" + Instant.now());
    }

    /** Writes a level of a log. @param level null: as configured */
    CompletableFuture<Void> level(String key, LogLevel level) {
        return level == null ? send(new ProducerRecord<>(settings.topics().logLevels(), key.getBytes(UTF_8), null))
                : send(settings.topics().logLevels(), key, level, key + "@" + Instant.now());
    }

    /** Writes a dead letter. */
    public void putAside(ProducerRecord<byte[], byte[]> letter) {
        send(letter);
    }

    private CompletableFuture<Void> send(String topic, String key, Message value, String id) {
        return send(new ProducerRecord<>(topic, null, null, key.getBytes(UTF_8), value.toByteArray(),
                CloudEvents.headers(value, id, settings.source(), Instant.now())));
    }

    private CompletableFuture<Void> send(ProducerRecord<byte[], byte[]> record) {
        var sent = new CompletableFuture<Void>();
        try {
            sender.execute(() -> {
                try {
                    producer().send(record, (metadata, failure) -> {
                        if (failure == null) {
                            sent.complete(null);
                        } else {
                            sent.completeExceptionally(failure);
                        }
                    });
                } catch (RuntimeException failure) {
                    sent.completeExceptionally(failure);
                }
            });
        } catch (RejectedExecutionException closed) {
            sent.completeExceptionally(closed);
        }
        return sent;
    }

    /** Made by the sending thread, with its first record. */
    private KafkaProducer<byte[], byte[]> producer() {
        if (producer == null) {
            var config = KafkaSettings.producer(settings.kafka());
            config.put("client.id", Settings.SERVICE + "-api");
            // What can't be sent while its caller waits is not sent behind the caller's back.
            config.put("max.block.ms", settings.answerTimeout().toMillis());
            config.put("request.timeout.ms", (int) settings.answerTimeout().toMillis());
            config.put("delivery.timeout.ms", (int) settings.answerTimeout().toMillis());
            producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
        }
        return producer;
    }

    @Override
    public void close() {
        sender.execute(() -> {
            if (producer != null) {
                producer.close(Duration.ofSeconds(2));
            }
        });
        sender.shutdown();
        try {
            sender.awaitTermination(5, TimeUnit.SECONDS);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
