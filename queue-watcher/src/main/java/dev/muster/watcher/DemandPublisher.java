package dev.muster.watcher;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.muster.contracts.CloudEvents;
import dev.muster.contracts.DeadLetters;
import dev.muster.contracts.Times;
import dev.muster.telemetry.Traces;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.Observation;
import dev.muster.v1.ServiceReported;
import io.quarkus.runtime.ShutdownEvent;
import io.smallrye.reactive.messaging.OutgoingMessageMetadata;
import io.smallrye.reactive.messaging.kafka.api.OutgoingKafkaRecordMetadata;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.eclipse.microprofile.reactive.messaging.Emitter;
import org.eclipse.microprofile.reactive.messaging.Message;
import org.eclipse.microprofile.reactive.messaging.OnOverflow;

/**
 * Everything that the watcher writes to Kafka: demand, what it could not read, and how it is itself. One producer, so that what
 * is handed over first is first on the topic. Thread-safe.
 *
 * <p>What is returned ends when the broker has the record for good, or exceptionally when it doesn't.
 */
@ApplicationScoped
public class DemandPublisher {

    /** A slower way to the broker says nothing about clocks. */
    private static final Duration MOST_ROUND_TRIP = Duration.ofSeconds(1);
    /** As long as a record that Kafka doesn't take is tried; only before the first one ever. */
    private static final Duration MOST_WAIT = Duration.ofSeconds(10);

    private final Settings settings;
    private final Emitter<byte[]> channel;
    private final KafkaAccess access;
    private final Clock clock = Clock.systemUTC();
    private final AtomicLong ids = new AtomicLong();
    private final String idPrefix;
    private final Traces traces;
    private final LookTrail trail;
    /** Since when Kafka has taken nothing of what it was given, {@link System#nanoTime}; null: it takes what comes. */
    private final AtomicReference<Long> untakenSince = new AtomicReference<>();
    private volatile Duration skew = Duration.ZERO;

    public DemandPublisher(Settings settings,
            // Of a whole tick with thousands of fleets; what is beyond that is refused, which the sender takes as lost.
            @Channel("demand") @OnOverflow(value = OnOverflow.Strategy.BUFFER, bufferSize = 20_000) Emitter<byte[]> channel, KafkaAccess access,
            @ConfigProperty(name = "quarkus.application.version") String version) {
        this.settings = settings;
        this.channel = channel;
        this.access = access;
        this.traces = settings.traces(version);
        this.trail = new LookTrail(traces);
        this.idPrefix = settings.instance() + "/" + Long.toString(clock.millis(), 36) + "/";
    }

    CompletionStage<Void> publish(DemandEvent event) {
        var now = clock.instant();
        var record = record(settings.topics().demand(), event.getFleet(), event, now);
        var step = trail.begin(event);
        if (step == null) {
            // The broker stamps this topic's records with its own time.
            return send(record, now);
        }
        step.context().write(record.headers());
        return send(record, now).whenComplete((taken, lost) -> {
            if (lost == null) {
                step.end();
            } else {
                step.failed("Kafka did not take it");
            }
        });
    }

    CompletionStage<Void> publish(ServiceReported report) {
        return send(record(settings.topics().services(), settings.source(), report, clock.instant()), null);
    }

    /** Keeps a record that can't be read, and why. */
    CompletionStage<Void> deadLetter(ConsumerRecord<byte[], byte[]> unread, String reason) {
        return send(DeadLetters.of(settings.topics(), Settings.SERVICE, unread, reason), null);
    }

    /** Where an answer to a command comes from; it is part of no sequence. */
    Observation.Builder answering() {
        return Observation.newBuilder().setSource(settings.source()).setReadStartedAt(Times.timestamp(clock.instant()))
                .setPart(1).setParts(1);
    }

    void stop(@Observes ShutdownEvent event) {
        traces.close();
    }

    /** For how long Kafka has taken nothing of what it was given; zero: it takes what comes. */
    Duration untakenFor() {
        var since = untakenSince.get();
        return since == null ? Duration.ZERO : Duration.ofNanos(System.nanoTime() - since);
    }

    /** How far this machine's clock is ahead of the broker's, as last seen. */
    Duration skew() {
        return skew;
    }

    private ProducerRecord<byte[], byte[]> record(String topic, String key, com.google.protobuf.Message value, Instant now) {
        var headers = CloudEvents.headers(value, idPrefix + ids.incrementAndGet(), "/muster/" + settings.source(), now);
        return new ProducerRecord<>(topic, null, key.getBytes(UTF_8), value.toByteArray(), headers);
    }

    /** @param stampedFrom when it was sent, if the broker stamps it; else null */
    private CompletionStage<Void> send(ProducerRecord<byte[], byte[]> record, Instant stampedFrom) {
        var target = OutgoingKafkaRecordMetadata.<byte[]>builder()
                .withTopic(record.topic()).withKey(record.key()).withHeaders(record.headers()).build();
        var receipt = new OutgoingMessageMetadata<RecordMetadata>();
        var sent = new CompletableFuture<Void>();
        untakenSince.compareAndSet(null, System.nanoTime());
        var message = Message.of(record.value())
                .addMetadata(target)
                .addMetadata(receipt)
                .withAck(() -> {
                    untakenSince.set(null);
                    if (stampedFrom != null && receipt.getResult() != null) {
                        measureSkew(stampedFrom, Instant.ofEpochMilli(receipt.getResult().timestamp()));
                    }
                    sent.complete(null);
                    return CompletableFuture.completedFuture(null);
                })
                .withNack(failure -> {
                    sent.completeExceptionally(failure);
                    return CompletableFuture.completedFuture(null);
                });
        try {
            if (access.awaitAdmitted(MOST_WAIT)) {
                channel.send(message);
            } else {
                sent.completeExceptionally(new IllegalStateException(access.problem().orElse("Kafka has not answered yet")));
            }
        } catch (InterruptedException ended) {
            Thread.currentThread().interrupt();
            sent.completeExceptionally(ended);
        } catch (RuntimeException refused) {
            sent.completeExceptionally(refused);
        }
        return sent;
    }

    private void measureSkew(Instant sent, Instant appended) {
        var roundTrip = Duration.between(sent, clock.instant());
        if (roundTrip.compareTo(MOST_ROUND_TRIP) < 0) {
            skew = Duration.between(appended, sent.plus(roundTrip.dividedBy(2)));
        }
    }
}
