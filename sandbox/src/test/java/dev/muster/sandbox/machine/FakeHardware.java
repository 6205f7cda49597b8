package dev.muster.sandbox.machine;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** One machine's cloud, written for tests: a metadata service whose answers the test sets, a console, a power switch. */
final class FakeHardware implements MachineImage.Hardware, AutoCloseable {

    private final String cloudId;
    private final String userData;
    private final HttpServer metadata;
    final List<String> console = new CopyOnWriteArrayList<>();
    final AtomicInteger powerOffs = new AtomicInteger();
    final AtomicInteger tokensGiven = new AtomicInteger();
    /** Whether the machine's id is told only to who has a token. */
    volatile boolean tokensRequired;
    /** Null is no mark: 404. */
    volatile String mark;
    /** Null is no notice: 404. */
    volatile String notice;

    FakeHardware(Vertx vertx, String cloudId, String userData) {
        this.cloudId = cloudId;
        this.userData = userData;
        this.metadata = vertx.createHttpServer(new HttpServerOptions().setHost("127.0.0.1").setPort(0)).requestHandler(this::answer)
                .listen().toCompletionStage().toCompletableFuture().join();
    }

    private void answer(HttpServerRequest request) {
        var response = request.response();
        if (request.method() == HttpMethod.PUT && request.path().equals("/latest/api/token")
                && request.getHeader("X-aws-ec2-metadata-token-ttl-seconds") != null) {
            response.end("token-" + tokensGiven.incrementAndGet());
            return;
        }
        if (!tokensRequired && request.path().equals("/latest/meta-data/instance-id")) {
            response.end(cloudId);
            return;
        }
        if (!("token-" + tokensGiven.get()).equals(request.getHeader("X-aws-ec2-metadata-token"))) {
            response.setStatusCode(401).end();
            return;
        }
        var page = switch (request.path()) {
            case "/latest/meta-data/tags/instance/muster-mark" -> mark;
            case "/latest/meta-data/spot/instance-action" -> notice;
            default -> null;
        };
        if (page == null) {
            response.setStatusCode(404).end();
        } else {
            response.end(page);
        }
    }

    /** The service forgets every token it gave. */
    void forgetTokens() {
        tokensGiven.incrementAndGet();
    }

    @Override
    public String cloudId() {
        return cloudId;
    }

    @Override
    public String userData() {
        return userData;
    }

    @Override
    public String metadataUrl() {
        return "http://127.0.0.1:" + metadata.actualPort();
    }

    @Override
    public void writeConsole(String line) {
        console.add(line);
    }

    @Override
    public void powerOff() {
        powerOffs.incrementAndGet();
    }

    @Override
    public void close() {
        metadata.close().toCompletionStage().toCompletableFuture().join();
    }
}
