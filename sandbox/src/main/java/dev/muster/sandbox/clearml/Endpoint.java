package dev.muster.sandbox.clearml;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.function.Function;

/**
 * One endpoint.
 *
 * @param version the newest API version that changed it; an answer names it unless an older one was asked for
 * @param open    true if anybody may call it without logging in
 */
record Endpoint(String version, boolean open, Function<Call, ObjectNode> answer) {

    static Endpoint since(String version, Function<Call, ObjectNode> answer) {
        return new Endpoint(version, false, answer);
    }

    static Endpoint open(String version, Function<Call, ObjectNode> answer) {
        return new Endpoint(version, true, answer);
    }
}
