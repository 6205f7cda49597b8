package dev.muster.contracts;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.GenericDescriptor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;

/**
 * What the protos say about each service, call, message, field and value: the comment above it. Descriptors in Java don't have comments, so
 * that they are read from the protos themselves, which this module's jar holds.
 *
 * <p>It reads the protos as this module writes them: one declaration a line, comments by {@code //} on lines of their own. Its test holds them
 * to that.
 */
public final class ProtoComments {

    private static final Pattern BLOCK = Pattern.compile("(message|enum|service|oneof|extend) ([\\w.]+) \\{(})?");
    private static final Pattern CALL = Pattern.compile("rpc (\\w+)\\(.*\\) returns \\(.*\\)( \\{|;)");
    private static final Pattern FIELD = Pattern.compile("(?:optional |repeated )?(?:map<[\\w., ]+>|[\\w.]+) (\\w+) = \\d+;");
    private static final Pattern VALUE = Pattern.compile("(\\w+) = \\d+;");

    /** By proto: the same for every caller, and read once. */
    private static final Map<String, ProtoComments> FILES = new ConcurrentHashMap<>();

    private final Map<String, String> byName = new HashMap<>();
    /** Comments that stand by themselves: about the file. */
    private final List<String> alone = new ArrayList<>();

    private ProtoComments() {}

    /** The comment above it as one line of text; empty if there is none, or if it is another's than Muster's. */
    public static String of(GenericDescriptor described) {
        if (described instanceof FileDescriptor file) {
            return String.join(" ", file(file).alone);
        }
        return file(described.getFile()).byName.getOrDefault(described.getFullName(), "");
    }

    private static ProtoComments file(FileDescriptor file) {
        return FILES.computeIfAbsent(file.getName(), name -> name.startsWith("muster/") ? read(text(name)) : new ProtoComments());
    }

    private static String text(String name) {
        try (var proto = ProtoComments.class.getResourceAsStream("/" + name)) {
            if (proto == null) {
                throw new IllegalStateException(name + " is not on the class path");
            }
            return new String(proto.readAllBytes(), UTF_8);
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    static ProtoComments read(String proto) {
        var comments = new ProtoComments();
        var within = new ArrayDeque<String>();
        var above = new ArrayList<String>();
        for (var raw : proto.lines().toList()) {
            var line = raw.strip();
            if (line.startsWith("//")) {
                above.add(line.substring(2).strip());
                continue;
            }
            if (line.isEmpty() && within.size() <= 1 && !above.isEmpty()) {
                comments.alone.add(String.join(" ", above));
            }
            comments.declaration(line, within, String.join(" ", above));
            above.clear();
        }
        return comments;
    }

    private void declaration(String line, ArrayDeque<String> within, String comment) {
        var scope = within.isEmpty() ? "" : within.peek();
        var block = BLOCK.matcher(line);
        var call = CALL.matcher(line);
        var field = FIELD.matcher(line);
        var value = VALUE.matcher(line);
        if (line.startsWith("package ")) {
            within.push(line.substring("package ".length(), line.length() - 1));
        } else if (block.matches()) {
            var name = scope + "." + block.group(2);
            put(name, comment);
            if (block.group(3) == null) {
                // Fields of a oneof are the message's, fields of an extension the file's.
                within.push(block.group(1).equals("oneof") || block.group(1).equals("extend") ? scope : name);
            }
        } else if (call.matches()) {
            put(scope + "." + call.group(1), comment);
            if (call.group(2).endsWith("{")) {
                within.push(scope + "." + call.group(1));
            }
        } else if (field.matches()) {
            put(scope + "." + field.group(1), comment);
        } else if (value.matches()) {
            // Names of values are known beside their enum, not in it; Java's descriptors name them as if in it.
            put(scope + "." + value.group(1), comment);
        } else if (line.equals("}")) {
            within.pop();
        }
    }

    private void put(String name, String comment) {
        if (!comment.isEmpty()) {
            byName.put(name, comment);
        }
    }

    /** Every comment that was found, for whoever looks for one that was not. */
    List<String> all() {
        var all = new ArrayList<>(alone);
        all.addAll(byName.values());
        return all;
    }

    Set<String> names() {
        return byName.keySet();
    }
}
