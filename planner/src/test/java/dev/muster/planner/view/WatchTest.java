package dev.muster.planner.view;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.planner.answer.ApiErrors;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class WatchTest {

    private final FakeClient client = new FakeClient();
    private final Watch<String> watch = new Watch<>(client, 3);

    /** A client that reads when a test lets it. */
    private static final class FakeClient extends ServerCallStreamObserver<String> {
        private boolean ready = true;
        private Runnable onReady = () -> { };
        private Runnable onCancel = () -> { };
        private final List<String> read = new ArrayList<>();
        private Throwable error;

        @Override
        public boolean isReady() {
            return ready;
        }

        @Override
        public void setOnReadyHandler(Runnable handler) {
            onReady = handler;
        }

        @Override
        public void setOnCancelHandler(Runnable handler) {
            onCancel = handler;
        }

        @Override
        public void onNext(String value) {
            read.add(value);
        }

        @Override
        public void onError(Throwable thrown) {
            error = thrown;
        }

        @Override
        public void onCompleted() {}

        @Override
        public boolean isCancelled() {
            return false;
        }

        @Override
        public void setCompression(String compression) {}

        @Override
        public void disableAutoInboundFlowControl() {}

        @Override
        public void request(int count) {}

        @Override
        public void setMessageCompression(boolean enable) {}
    }

    @Test
    void whoeverReadsAheadWaitsForTheClient() throws Exception {
        client.ready = false;
        watch.offer("a", "1");
        watch.offer("b", "2");
        assertThat(watch.awaitRoom(Duration.ZERO)).as("more waits than half").isFalse();
        assertThat(Status.fromThrowable(client.error).getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    }

    @Test
    void roomIsThereOnceTheClientHasRead() throws Exception {
        client.ready = false;
        watch.offer("a", "1");
        watch.offer("b", "2");
        var waits = CompletableFuture.supplyAsync(() -> watch.awaitRoom(Duration.ofSeconds(30)));
        client.ready = true;
        client.onReady.run();
        assertThat(waits.get()).isTrue();
        client.onCancel.run();
        assertThat(watch.awaitRoom(Duration.ofSeconds(30))).as("gone").isFalse();
    }

    @Test
    void aMessageIsMadeWhenItsTurnHasCome() {
        watch.offer("a", () -> null);
        watch.offer("b", () -> "2");
        assertThat(client.read).containsExactly("2");
    }

    @Test
    void whatFailsIsOver() {
        var over = new ArrayList<String>();
        watch.whenOver(() -> over.add("over"));
        watch.fail(ApiErrors.outOfRange("gone"));
        watch.fail(ApiErrors.outOfRange("gone"));
        watch.offer("a", "1");
        assertThat(over).containsExactly("over");
        assertThat(client.read).isEmpty();
        assertThat(Status.fromThrowable(client.error).getCode()).isEqualTo(Status.Code.OUT_OF_RANGE);
    }

    @Test
    void sendsAtOnceToAClientThatReads() {
        watch.offer("a", "a1");
        watch.offer("a", "a2");
        assertThat(client.read).containsExactly("a1", "a2");
    }

    @Test
    void keepsOnlyTheNewestOfAKeyForAClientThatDoesNot() {
        // Given
        client.ready = false;
        watch.offer("a", "a1");
        watch.offer("b", "b1");
        watch.offer("a", "a2");
        // When
        client.ready = true;
        client.onReady.run();
        // Then
        assertThat(client.read).containsExactly("b1", "a2");
    }

    @Test
    void dropsAClientThatNeverReads() {
        // Given
        var over = new ArrayList<String>();
        watch.whenOver(() -> over.add("over"));
        client.ready = false;
        // When
        for (int i = 0; i < 10; i++) {
            watch.offer("k" + i, "m");
        }
        // Then
        assertThat(((StatusRuntimeException) client.error).getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
        assertThat(over).containsExactly("over");
        assertThat(client.read).isEmpty();
    }

    @Test
    void endsWithItsClient() {
        var over = new ArrayList<String>();
        client.onCancel.run();
        watch.whenOver(() -> over.add("over"));
        watch.offer("a", "a1");
        assertThat(over).containsExactly("over");
        assertThat(client.read).isEmpty();
    }
}
