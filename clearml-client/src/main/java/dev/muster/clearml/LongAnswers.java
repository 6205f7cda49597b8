package dev.muster.clearml;

import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.subscription.UniEmitter;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.PemTrustOptions;
import io.vertx.core.net.ProxyOptions;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;

/**
 * Calls whose answers are megabytes: each piece is put where it belongs as it comes, into an array that the caller had for an earlier answer.
 *
 * <p>It is the REST client's own HTTP client without the REST client, which puts an answer together in a buffer that doubles and then copies it: for
 * ten thousand workers that cost more than all else that a tick does. Everything else is called the usual way.
 */
final class LongAnswers implements AutoCloseable {

    private final HttpClient http;
    private final String path;
    private final long timeoutMillis;

    LongAnswers(Vertx vertx, ClearmlAddress address, int pieceBytes) {
        var api = address.api();
        var isTls = api.getScheme().equals("https");
        var options = new HttpClientOptions()
                .setDefaultHost(api.getHost())
                .setDefaultPort(api.getPort() >= 0 ? api.getPort() : isTls ? 443 : 80)
                .setSsl(isTls)
                .setConnectTimeout(Math.toIntExact(address.connectTimeout().toMillis()))
                .setDecompressionSupported(address.isCompressed())
                .setMaxChunkSize(pieceBytes);
        address.caBundle().ifPresent(file -> options.setTrustOptions(new PemTrustOptions().addCertPath(file.toString())));
        address.proxy().ifPresent(proxy -> options.setProxyOptions(new ProxyOptions().setHost(proxy.getHost()).setPort(proxy.getPort())));
        this.http = vertx.createHttpClient(options);
        this.path = api.getRawPath().replaceAll("/+$", "");
        this.timeoutMillis = address.timeout().toMillis();
    }

    /**
     * A call that is made when the answer is awaited; given up, it ends its connection.
     *
     * @param into where the answer is put, or what is too small for it; the caller's no longer, even if the call fails: something may still be coming
     */
    Uni<Transport.Reply> post(ApiVersion version, String call, String authorization, byte[] body, byte[] into) {
        var options = new RequestOptions().setMethod(HttpMethod.POST).setURI(path + "/v" + version + "/" + call).setTimeout(timeoutMillis)
                .putHeader("Authorization", authorization).putHeader("Content-Type", ClearmlApi.JSON).putHeader("Accept", ClearmlApi.JSON)
                .putHeader("User-Agent", "muster");
        return Uni.createFrom().emitter(emitter -> {
            var answer = new Incoming(into);
            http.request(options).onFailure(emitter::fail).onSuccess(request -> {
                emitter.onTermination(() -> {
                    // Of one that is whole, the connection is the next call's.
                    if (!answer.isWhole) {
                        request.reset();
                    }
                });
                // Before anything is sent, and on the event loop: what comes before there is somebody to take it is lost.
                request.response().onFailure(emitter::fail).onSuccess(response -> answer.take(response, emitter));
                request.end(Buffer.buffer(body));
            });
        });
    }

    /** What has come so far. On one event loop. */
    private static final class Incoming {

        private byte[] bytes;
        private int length;
        private volatile boolean isWhole;

        Incoming(byte[] bytes) {
            this.bytes = bytes;
        }

        void take(HttpClientResponse response, UniEmitter<? super Transport.Reply> emitter) {
            response.handler(this::add)
                    .exceptionHandler(emitter::fail)
                    .endHandler(end -> {
                        isWhole = true;
                        emitter.complete(new Transport.Reply(response.statusCode(), bytes, length, date(response)));
                    });
        }

        private void add(Buffer piece) {
            var needed = Math.addExact(length, piece.length());
            if (needed > bytes.length) {
                // By half: the next answer has about the same length, and this array stays.
                bytes = Arrays.copyOf(bytes, (int) Math.min(Integer.MAX_VALUE - 8, Math.max(needed, bytes.length * 3L / 2)));
            }
            piece.getBytes(0, piece.length(), bytes, length);
            length = needed;
        }

        private static Instant date(HttpClientResponse response) {
            try {
                var date = response.getHeader("Date");
                return date == null ? null : Instant.from(DateTimeFormatter.RFC_1123_DATE_TIME.parse(date));
            } catch (DateTimeException unreadable) {
                // Only of use to people; a server's odd header is no reason to fail a call.
                return null;
            }
        }
    }

    @Override
    public void close() {
        http.close();
    }
}
