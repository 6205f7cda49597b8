package dev.muster.planner.http;

import io.grpc.Attributes;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.quarkus.grpc.GlobalInterceptor;
import jakarta.inject.Singleton;

/** An interceptor as any other; it remembers what the last call of each method looked like to it. */
@GlobalInterceptor
@Singleton
public final class SeenCalls implements ServerInterceptor {

    /** @param headers names and values */
    record Seen(String method, Attributes attributes, Metadata headers) {}

    private volatile Seen last;

    Seen last() {
        return last;
    }

    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        var copy = new Metadata();
        copy.merge(headers);
        last = new Seen(call.getMethodDescriptor().getFullMethodName(), call.getAttributes(), copy);
        return next.startCall(call, headers);
    }
}
