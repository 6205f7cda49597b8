package dev.muster.planner.http;

import com.google.protobuf.Descriptors;
import com.google.protobuf.Message;
import io.grpc.MethodDescriptor;

/**
 * One way to make a call over HTTP.
 *
 * @param hasBody the request's fields are in a JSON body; else in the query
 */
record Binding(String verb, PathTemplate path, boolean hasBody, Descriptors.MethodDescriptor rpc, MethodDescriptor<Message, Message> call) {

    boolean isStream() {
        return rpc.isServerStreaming();
    }

    Message.Builder newRequest() {
        return ((MethodDescriptor.PrototypeMarshaller<Message>) call.getRequestMarshaller()).getMessagePrototype().newBuilderForType();
    }
}
