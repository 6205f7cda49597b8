package dev.muster.planner.control;

import dev.muster.v1.FleetRecord;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import org.apache.kafka.common.KafkaException;
import org.jboss.logging.Logger;

/** How calls end whose answer is read or worked out on another thread. */
final class Calls {

    private static final Logger LOG = Logger.getLogger(Calls.class);
    /** Readings take a second or two. */
    private static final Duration AGAIN = Duration.ofSeconds(2);

    private Calls() {}

    /** Ends the call with what comes of it, in the right code. */
    static <R> void answer(StreamObserver<R> call, Supplier<CompletableFuture<R>> work) {
        CompletableFuture<R> answer;
        try {
            answer = work.get();
        } catch (RuntimeException wrong) {
            answer = CompletableFuture.failedFuture(wrong);
        }
        answer.whenComplete((made, failure) -> {
            if (failure == null) {
                call.onNext(made);
                call.onCompleted();
            } else {
                call.onError(error(failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure));
            }
        });
    }

    private static RuntimeException error(Throwable failure) {
        if (failure instanceof StatusRuntimeException refused) {
            return refused;
        }
        if (failure instanceof TopicRange.Busy) {
            return ApiErrors.busy("Too many calls read the topics of this planner.", AGAIN);
        }
        if (failure instanceof TopicRange.TooLong) {
            return ApiErrors.tooLate("This was not done within the time that the call has: ask for a shorter stretch, or wait longer.");
        }
        if (failure instanceof KafkaException passing) {
            LOG.warnf("A topic could not be read for a call; reason=%s", passing);
            return ApiErrors.busy("Kafka did not answer.", AGAIN);
        }
        LOG.error("A call of the API failed", failure);
        return ApiErrors.internal(failure);
    }

    /** @throws StatusRuntimeException NOT_FOUND, or INVALID_ARGUMENT where none is named */
    static FleetRecord requireFleet(ReadModel model, String name) {
        if (name.isEmpty()) {
            throw ApiErrors.invalid("fleet", "is missing", "name a fleet");
        }
        return model.fleet(name).orElseThrow(() -> ApiErrors.notFound("There is no fleet '" + name + "'."));
    }
}
