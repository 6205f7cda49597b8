package dev.muster.contracts;

import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorSet;
import com.google.protobuf.DescriptorProtos.ServiceDescriptorProto;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Compares a contract with a released one: what was there must still be there and mean the same on the wire. */
final class ReleasedContract {

    private ReleasedContract() {}

    /** What the newer contract breaks, one sentence each; adding is free. */
    static List<String> broken(FileDescriptorSet released, FileDescriptorSet now) {
        var before = elements(released);
        var after = elements(now);
        var problems = new ArrayList<String>();
        before.forEach((name, meaning) -> {
            var still = after.get(name);
            if (still == null) {
                problems.add(name + " (" + meaning + ") is gone");
            } else if (!still.equals(meaning)) {
                problems.add(name + " was " + meaning + " and is " + still);
            }
        });
        return problems;
    }

    /** Every element by its name, with what it is on the wire. */
    private static Map<String, String> elements(FileDescriptorSet files) {
        var elements = new TreeMap<String, String>();
        for (FileDescriptorProto file : files.getFileList()) {
            file.getMessageTypeList().forEach(message -> messages(file.getPackage(), message, elements));
            file.getEnumTypeList().forEach(values -> enums(file.getPackage(), values, elements));
            file.getServiceList().forEach(service -> services(file.getPackage(), service, elements));
        }
        return elements;
    }

    private static void messages(String under, DescriptorProto message, Map<String, String> elements) {
        var name = under + "." + message.getName();
        elements.put(name, "a message");
        message.getFieldList().forEach(field -> {
            var oneof = field.hasOneofIndex() && !field.getProto3Optional() ? " of " + message.getOneofDecl(field.getOneofIndex()).getName() : "";
            elements.put(name + "." + field.getName(), field.getLabel() + " " + field.getType() + " " + field.getTypeName() + " = "
                    + field.getNumber() + oneof + (field.getProto3Optional() ? " optional" : ""));
        });
        message.getNestedTypeList().forEach(nested -> messages(name, nested, elements));
        message.getEnumTypeList().forEach(values -> enums(name, values, elements));
    }

    private static void enums(String under, EnumDescriptorProto values, Map<String, String> elements) {
        var name = under + "." + values.getName();
        values.getValueList().forEach(value -> elements.put(name + "." + value.getName(), "= " + value.getNumber()));
    }

    private static void services(String under, ServiceDescriptorProto service, Map<String, String> elements) {
        var name = under + "." + service.getName();
        service.getMethodList().forEach(method -> elements.put(name + "." + method.getName(),
                method.getInputType() + (method.getClientStreaming() ? " stream" : "") + " -> " + method.getOutputType()
                        + (method.getServerStreaming() ? " stream" : "")));
    }
}
