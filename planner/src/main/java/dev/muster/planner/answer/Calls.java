package dev.muster.planner.answer;

import dev.muster.planner.topic.TopicReaders;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import org.apache.kafka.common.KafkaException;
import org.jboss.logging.Logger;

/** How calls end: with one answer, or with the error that says why there is none. */
public final class Calls {

    private static final Logger LOG = Logger.getLogger(Calls.class);

    private Calls() {}

    /** Ends the call with what is made for it, or with the error that making it threw. */
    public static <R> void answer(StreamObserver<R> call, Supplier<R> work) {
        R made;
        try {
            made = work.get();
        } catch (RuntimeException failure) {
            call.onError(failure(failure));
            return;
        }
        call.onNext(made);
        call.onCompleted();
    }

    /** As {@link #answer}, once it was read or worked out on another thread. */
    public static <R> void answerLater(StreamObserver<R> call, Supplier<CompletableFuture<R>> work) {
        CompletableFuture<R> answer;
        try {
            answer = work.get();
        } catch (RuntimeException failure) {
            call.onError(failure(failure));
            return;
        }
        answer.whenComplete((made, failure) -> {
            if (failure == null) {
                call.onNext(made);
                call.onCompleted();
            } else {
                call.onError(failure(failure));
            }
        });
    }

    /** What a call is told of work that failed. */
    public static StatusRuntimeException failure(Throwable failure) {
        var cause = cause(failure);
        if (cause instanceof StatusRuntimeException refused) {
            return refused;
        } else if (cause instanceof TopicReaders.Busy) {
            return ApiErrors.busy("As many calls read topics as may at once.");
        } else if (cause instanceof TopicReaders.TooLong) {
            return ApiErrors.tooLate("This was not done within the time that the call has: ask for a shorter stretch, or wait longer.");
        } else if (cause instanceof KafkaException) {
            LOG.warnf("A topic could not be read for a call; reason=%s", cause);
            return ApiErrors.unavailable("Kafka did not answer in time. Try again in a few seconds.");
        }
        LOG.error("A call of the API failed", cause);
        return ApiErrors.internal(cause);
    }

    /** What failed, without what carried it from its thread. */
    public static Throwable cause(Throwable failure) {
        return failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
    }
}
