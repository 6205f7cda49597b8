package dev.muster.planner.http;

import io.grpc.Attributes;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.vertx.core.http.HttpConnection;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnknownHostException;
import javax.net.ssl.SSLSession;

/**
 * Who is at the other end of a connection that a call came in by. It goes with the call as an object and never as bytes: no header that
 * somebody sends can be one.
 *
 * @param session null without TLS
 */
record Peer(SocketAddress remote, SocketAddress local, SSLSession session) {

    static final Metadata.Key<Peer> KEY = Metadata.Key.of("muster-peer" + Metadata.BINARY_HEADER_SUFFIX, new Metadata.BinaryStreamMarshaller<Peer>() {
        @Override
        public InputStream toStream(Peer peer) {
            return new Carrier(peer);
        }

        @Override
        public Peer parseStream(InputStream stream) {
            return stream instanceof Carrier carrier ? carrier.peer : null;
        }
    });

    /** A stream without bytes. */
    private static final class Carrier extends InputStream {
        private final Peer peer;

        Carrier(Peer peer) {
            this.peer = peer;
        }

        @Override
        public int read() {
            return -1;
        }
    }

    static Peer of(HttpConnection connection) {
        return new Peer(address(connection.remoteAddress()), address(connection.localAddress()), connection.isSsl() ? connection.sslSession() : null);
    }

    /** Of its own name nothing is looked up. */
    private static SocketAddress address(io.vertx.core.net.SocketAddress address) {
        if (address == null || !address.isInetSocket() || address.hostAddress() == null) {
            return null;
        }
        try {
            return new InetSocketAddress(InetAddress.getByName(address.hostAddress()), address.port());
        } catch (UnknownHostException noAddress) {
            return null;
        }
    }

    private Attributes attributes(Attributes of) {
        var attributes = of.toBuilder();
        if (remote != null) {
            attributes.set(Grpc.TRANSPORT_ATTR_REMOTE_ADDR, remote);
        }
        if (local != null) {
            attributes.set(Grpc.TRANSPORT_ATTR_LOCAL_ADDR, local);
        }
        if (session != null) {
            attributes.set(Grpc.TRANSPORT_ATTR_SSL_SESSION, session);
        }
        return attributes.build();
    }

    /**
     * Gives a call the attributes that it would have had over gRPC. Whoever asks who calls asks behind it. It is a ServerInterceptor by its shape:
     * a class of that type would be taken for one that was forgotten on the network's server.
     */
    static <Q, A> ServerCall.Listener<Q> intercept(ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        var peer = headers.get(KEY);
        headers.discardAll(KEY);
        if (peer == null) {
            throw new IllegalStateException("a call within this process says not for whom it is made");
        }
        var attributes = peer.attributes(call.getAttributes());
        return next.startCall(new SimpleForwardingServerCall<>(call) {
            @Override
            public Attributes getAttributes() {
                return attributes;
            }
        }, headers);
    }
}
