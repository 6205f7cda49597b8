package dev.muster.clearml;

import io.quarkus.rest.client.reactive.QuarkusRestClientBuilder;
import io.smallrye.mutiny.TimeoutException;
import io.smallrye.mutiny.Uni;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClosedException;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.MultivaluedMap;
import jakarta.ws.rs.ext.MessageBodyReader;
import java.io.IOException;
import java.io.InputStream;
import java.lang.annotation.Annotation;
import java.lang.reflect.Type;
import java.nio.file.Files;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.jboss.resteasy.reactive.RestResponse;
import org.jboss.resteasy.reactive.client.api.QuarkusRestClientProperties;

/** The way to one server: connections, time limits and what their failures mean. */
final class Transport implements AutoCloseable {

    private static final int PIECE_BYTES = 256 * 1024;

    private final ClearmlApi api;
    private final LongAnswers longAnswers;
    private final Duration timeout;

    Transport(Vertx vertx, ClearmlAddress address) {
        this.timeout = address.timeout();
        var builder = QuarkusRestClientBuilder.newBuilder()
                .baseUri(address.api())
                .connectTimeout(address.connectTimeout().toMillis(), TimeUnit.MILLISECONDS)
                // A backstop that frees the connection; the limit that callers see is the one in call().
                .readTimeout(address.timeout().toMillis(), TimeUnit.MILLISECONDS)
                // Errors come with an envelope, too; it is read as every other.
                .disableDefaultMapper(true)
                .enableCompression(address.isCompressed())
                // Pieces of the usual 8 KB cost more than what is in them.
                .property(QuarkusRestClientProperties.MAX_CHUNK_SIZE, PIECE_BYTES)
                .register(new WholeBody())
                .userAgent("muster");
        address.caBundle().ifPresent(file -> builder.trustStore(authorities(file)));
        address.proxy().ifPresent(proxy -> builder.proxyAddress(proxy.getHost(), proxy.getPort()));
        this.api = builder.build(ClearmlApi.class);
        this.longAnswers = new LongAnswers(vertx, address, PIECE_BYTES);
    }

    /**
     * @param bytes begin with the answer's body
     * @param length of the body
     * @param date the server's time as it answered, to the second; null if it doesn't say
     */
    record Reply(int status, byte[] bytes, int length, Instant date) {

        /** The body alone. */
        byte[] body() {
            return length == bytes.length ? bytes : Arrays.copyOf(bytes, length);
        }
    }

    /** A call before the server's version is known. Blocks as {@link #call}. */
    Reply ask(String call, String authorization, byte[] body) throws ClearmlException {
        return reply(call, await(call, api.post(call, authorization, body)));
    }

    /** Blocks for the whole answer, whatever its status. Must not run on an event loop. */
    Reply call(ApiVersion version, String call, String authorization, String mediaType, byte[] body) throws ClearmlException {
        return reply(call, await(call, mediaType.equals(ClearmlApi.JSON_LINES)
                ? api.postLines(version.toString(), call, authorization, body)
                : api.post(version.toString(), call, authorization, body)));
    }

    /**
     * As {@link #call}, for an answer of megabytes.
     *
     * @param into where the answer is put if it fits; not to be used by the caller any more, unless the reply has it
     */
    Reply callLong(ApiVersion version, String call, String authorization, byte[] body, byte[] into) throws ClearmlException {
        return await(call, longAnswers.post(version, call, authorization, body, into));
    }

    private static Reply reply(String call, RestResponse<?> response) throws ClearmlException {
        try {
            var body = bytes(response.getEntity());
            return new Reply(response.getStatus(), body, body.length, date(response));
        } catch (IOException cut) {
            throw ClearmlException.unreadable(call, "the answer could not be read: " + cut.getMessage());
        }
    }

    private <T> T await(String call, Uni<T> answer) throws ClearmlException {
        try {
            return answer.await().atMost(timeout);
        } catch (TimeoutException late) {
            throw ClearmlException.tooSlow(call, timeout.toMillis());
        } catch (RuntimeException failed) {
            throw sort(call, failed);
        }
    }

    private static Instant date(RestResponse<?> response) {
        try {
            var date = response.getDate();
            return date == null ? null : date.toInstant();
        } catch (RuntimeException unreadable) {
            // Only of use to people; a server's odd header is no reason to fail a call.
            return null;
        }
    }

    /** The entity of an error's answer is not mapped to what the method returns, and comes as a stream of the bytes that are there. */
    private static byte[] bytes(Object entity) throws IOException {
        if (entity instanceof InputStream stream) {
            return readWhole(stream);
        }
        return entity instanceof byte[] read ? read : new byte[0];
    }

    /** In one piece: all of it is there already, and it is megabytes. */
    private static byte[] readWhole(InputStream stream) throws IOException {
        var bytes = new byte[stream.available()];
        var length = stream.readNBytes(bytes, 0, bytes.length);
        var rest = stream.readAllBytes();
        var whole = length == bytes.length && rest.length == 0 ? bytes : Arrays.copyOf(bytes, length + rest.length);
        System.arraycopy(rest, 0, whole, length, rest.length);
        return whole;
    }

    /** Instead of the client's own, which puts together an answer from pieces of 8 KB. */
    private static final class WholeBody implements MessageBodyReader<byte[]> {

        @Override
        public boolean isReadable(Class<?> type, Type genericType, Annotation[] annotations, MediaType mediaType) {
            return type == byte[].class;
        }

        @Override
        public byte[] readFrom(Class<byte[]> type, Type genericType, Annotation[] annotations, MediaType mediaType,
                MultivaluedMap<String, String> headers, InputStream stream) throws IOException {
            return readWhole(stream);
        }
    }

    private ClearmlException sort(String call, RuntimeException failed) {
        for (Throwable cause = failed; cause != null; cause = cause.getCause()) {
            if (cause instanceof HttpClosedException) {
                return ClearmlException.unreadable(call, "the connection ended before the answer was whole");
            }
            // Of the backstop above; a connection's own timeout is a ConnectException.
            if (cause instanceof java.util.concurrent.TimeoutException) {
                return ClearmlException.tooSlow(call, timeout.toMillis());
            }
            if (cause instanceof InterruptedException) {
                Thread.currentThread().interrupt();
                return ClearmlException.unreachable(call, "interrupted", failed);
            }
        }
        var root = rootOf(failed);
        return ClearmlException.unreachable(call, root.getClass().getSimpleName() + ": " + root.getMessage(), failed);
    }

    private static Throwable rootOf(Throwable failed) {
        var root = failed;
        while (root.getCause() != null && root.getCause() != root) {
            root = root.getCause();
        }
        return root;
    }

    private static KeyStore authorities(java.nio.file.Path pem) {
        try (var in = Files.newInputStream(pem)) {
            var store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            var number = 0;
            for (var certificate : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
                store.setCertificateEntry("authority-" + number++, certificate);
            }
            if (number == 0) {
                throw new IllegalArgumentException("CA bundle " + pem + " holds no certificate; it must be PEM");
            }
            return store;
        } catch (IOException | GeneralSecurityException unreadable) {
            throw new IllegalArgumentException("CA bundle " + pem + " can't be read: " + unreadable.getMessage(), unreadable);
        }
    }

    @Override
    public void close() {
        longAnswers.close();
        if (api instanceof AutoCloseable closeable) {
            try {
                closeable.close();
            } catch (Exception ignored) {
                // Nothing is lost: the connections end with the process.
                return;
            }
        }
    }
}
