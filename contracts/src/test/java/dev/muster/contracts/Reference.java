package dev.muster.contracts;

import static java.util.stream.Collectors.joining;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor.JavaType;
import com.google.protobuf.Descriptors.GenericDescriptor;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Messages and enums as tables of a page: what descriptors and the protos' comments say of them. */
final class Reference {

    private final Map<String, Descriptor> messages = new TreeMap<>();
    private final Map<String, EnumDescriptor> enums = new TreeMap<>();
    /** Page and names of what is there already, and only linked from here. */
    private final String elsewhere;
    private final Reference there;

    /** All that these messages are made of, themselves included. */
    Reference(Collection<Descriptor> roots) {
        this(roots, "", null);
    }

    /** As above, without what the other page has. */
    Reference(Collection<Descriptor> roots, String elsewhere, Reference there) {
        this.elsewhere = elsewhere;
        this.there = there;
        roots.forEach(this::add);
    }

    private void add(Descriptor message) {
        if (!isOurs(message) || isThere(message) || message.getOptions().getMapEntry() || messages.putIfAbsent(message.getName(), message) != null) {
            return;
        }
        message.getFields().forEach(this::addType);
    }

    private void addType(FieldDescriptor field) {
        if (field.isMapField()) {
            addType(field.getMessageType().findFieldByName("value"));
        } else if (field.getJavaType() == JavaType.MESSAGE) {
            add(field.getMessageType());
        } else if (field.getJavaType() == JavaType.ENUM && !isThere(field.getEnumType())) {
            enums.put(field.getEnumType().getName(), field.getEnumType());
        }
    }

    private static boolean isOurs(GenericDescriptor type) {
        return type.getFullName().startsWith("muster.");
    }

    private boolean isThere(GenericDescriptor type) {
        return there != null && (there.messages.containsValue(type) || there.enums.containsValue(type));
    }

    String messages() {
        return messages.values().stream().map(this::table).collect(joining("\n"));
    }

    String enums() {
        return enums.values().stream().map(Reference::table).collect(joining("\n"));
    }

    private String table(Descriptor message) {
        var heading = "### " + message.getName() + "\n" + paragraph(message);
        if (message.getFields().isEmpty()) {
            return heading + "\nIt has no fields.\n";
        }
        var rows = message.getFields().stream().map(field -> "| `" + field.getName() + "` | " + type(field) + " | " + said(field) + " |\n").collect(joining());
        return heading + "\n| field | type | |\n| --- | --- | --- |\n" + rows;
    }

    private static String table(EnumDescriptor type) {
        var rows = type.getValues().stream().map(value -> "| `" + value.getName() + "` | " + value.getNumber() + " | " + text(ProtoComments.of(value)) + " |\n").collect(joining());
        return "### " + type.getName() + "\n" + paragraph(type) + "\n| value | number | |\n| --- | --- | --- |\n" + rows;
    }

    static String paragraph(GenericDescriptor described) {
        var comment = ProtoComments.of(described);
        return comment.isEmpty() ? "" : "\n" + text(comment) + "\n";
    }

    private static String said(FieldDescriptor field) {
        var oneof = field.getRealContainingOneof();
        var choice = oneof == null ? "" : "One of `" + oneof.getName() + "`.";
        return Stream.of(choice, text(ProtoComments.of(field))).filter(words -> !words.isEmpty()).collect(joining(" "));
    }

    private String type(FieldDescriptor field) {
        if (field.isMapField()) {
            return "map of " + type(field.getMessageType().findFieldByName("key")) + " to " + type(field.getMessageType().findFieldByName("value"));
        }
        return (field.isRepeated() ? "list of " : field.toProto().getProto3Optional() ? "optional " : "") + switch (field.getJavaType()) {
            case MESSAGE -> link(field.getMessageType());
            case ENUM -> link(field.getEnumType());
            default -> field.getType().name().toLowerCase(java.util.Locale.ROOT);
        };
    }

    String link(GenericDescriptor type) {
        if (!isOurs(type)) {
            return type.getName();
        }
        return "[" + type.getName() + "](" + (isThere(type) ? elsewhere : "") + "#" + type.getName().toLowerCase(java.util.Locale.ROOT) + ")";
    }

    /** A comment as Markdown shows it: what looks like a tag is none, and a column is one. */
    static String text(String comment) {
        var parts = comment.split("`", -1);
        for (int i = 0; i < parts.length; i += 2) {
            parts[i] = parts[i].replace("<", "&lt;");
        }
        return String.join("`", parts).replace("|", "\\|");
    }
}
