package dev.muster.planner.http;

import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http2.Http2CodecUtil;
import io.netty.handler.codec.http2.Http2Exception.StreamException;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.net.impl.ConnectionBase;

/**
 * Keeps the failure of one HTTP/2 stream from the connection, which other calls of its client share. When a client leaves a stream whose trailers still wait for
 * its window, Netty fails their write. Vert.x writes trailers without anybody to be told of that, so the failure comes as one of the channel, and there Vert.x
 * closes the connection, without a word to the client. The stream itself has been reset by then. One for all connections. Thread-safe.
 */
@Sharable
final class StreamFailures extends ChannelInboundHandlerAdapter {

    private static final String NAME = "muster-stream-failures";

    /** Looks after a request's connection from now on. On the connection's event loop. */
    void keepFrom(HttpServerRequest request) {
        if (request.version() == HttpVersion.HTTP_2 && request.connection() instanceof ConnectionBase connection) {
            var handler = connection.channelHandlerContext();
            if (handler.pipeline().get(NAME) == null) {
                handler.pipeline().addBefore(handler.name(), NAME, this);
            }
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext channel, Throwable cause) {
        if (!(Http2CodecUtil.getEmbeddedHttp2Exception(cause) instanceof StreamException)) {
            channel.fireExceptionCaught(cause);
        }
    }
}
