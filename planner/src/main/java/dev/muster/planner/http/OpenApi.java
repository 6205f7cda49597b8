package dev.muster.planner.http;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor.JavaType;
import com.google.protobuf.Descriptors.GenericDescriptor;
import com.google.protobuf.Duration;
import com.google.protobuf.Timestamp;
import dev.muster.contracts.ProtoComments;
import dev.muster.planner.Settings;
import dev.muster.v1.AccessOuterClass;
import dev.muster.v1.Control;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** The API as OpenAPI 3.1 describes it, made of the calls' descriptors and the protos' comments. */
final class OpenApi {

    private static final String SCHEMAS = "#/components/schemas/";
    /** Headers that every call takes, or those with one field; the description says what they do. */
    private static final Map<String, String[]> HEADERS = Map.of(
            "request_id", new String[] {"Idempotency-Key", "Stands for requestId: a repeated call with the same one has no further effect."},
            "expected_version", new String[] {"If-Match", "A version in quotes, as ETag has it. Stands for expectedVersion. If-None-Match: * stands for 0."},
            "resume_token", new String[] {"Last-Event-ID", "Stands for resumeToken, and comes before it."});

    private final JsonObject schemas = new JsonObject();
    private final Map<String, JsonObject> ordered = new TreeMap<>();

    private OpenApi() {}

    static JsonObject of(Bindings bindings) {
        return new OpenApi().document(bindings);
    }

    private JsonObject document(Bindings bindings) {
        var paths = new JsonObject();
        var operations = new TreeMap<String, Integer>();
        for (var binding : bindings.all()) {
            var path = path(binding);
            if (!paths.has(path)) {
                paths.add(path, new JsonObject());
            }
            var id = binding.rpc().getService().getName() + "_" + binding.rpc().getName();
            var times = operations.merge(id, 1, Integer::sum);
            paths.getAsJsonObject(path).add(binding.verb().toLowerCase(Locale.ROOT), operation(binding, times == 1 ? id : id + "_" + times));
        }
        ordered.forEach(schemas::add);
        schemas.add("Status", status());
        var tags = new JsonArray();
        Control.getDescriptor().getServices().forEach(service -> {
            var tag = new JsonObject();
            tag.addProperty("name", service.getName());
            describe(tag, service);
            tags.add(tag);
        });
        var document = new JsonObject();
        document.addProperty("openapi", "3.1.0");
        document.add("info", info());
        document.add("servers", list(object("url", "/")));
        document.add("security", security());
        document.add("tags", tags);
        document.add("paths", paths);
        document.add("components", components());
        return document;
    }

    private JsonObject info() {
        var info = object("title", "Muster");
        info.addProperty("version", Settings.version());
        info.addProperty("description", ProtoComments.of(Control.getDescriptor()));
        var license = object("name", "Apache-2.0");
        license.addProperty("identifier", "Apache-2.0");
        info.add("license", license);
        return info;
    }

    /** A token, a certificate, or nothing where nobody is asked who they are. */
    private static JsonArray security() {
        var security = new JsonArray();
        for (var scheme : new String[] {"token", "certificate"}) {
            var one = new JsonObject();
            one.add(scheme, new JsonArray());
            security.add(one);
        }
        security.add(new JsonObject());
        return security;
    }

    private JsonObject components() {
        var token = object("type", "http");
        token.addProperty("scheme", "bearer");
        var schemes = new JsonObject();
        schemes.add("token", token);
        schemes.add("certificate", object("type", "mutualTLS"));
        var error = object("description", "What is wrong, as google.rpc.Status; the code of HTTP is the one that google.rpc.Code documents.");
        error.add("content", content("application/json", ref("Status")));
        var responses = new JsonObject();
        responses.add("Error", error);
        var timeout = header("Grpc-Timeout", "How long the caller waits: up to 8 digits and H, M, S, m, u or n. Absent: 20S, and of a stream for ever.");
        timeout.getAsJsonObject("schema").addProperty("pattern", "^[0-9]{1,8}[HMSmun]$");
        var parameters = new JsonObject();
        parameters.add("Timeout", timeout);
        var components = new JsonObject();
        components.add("schemas", schemas);
        components.add("responses", responses);
        components.add("parameters", parameters);
        components.add("securitySchemes", schemes);
        return components;
    }

    /** Names of a path's fields count for nothing in OpenAPI: {spec.name} and {name} at one place are one path. */
    private static String path(Binding binding) {
        var segments = binding.path().segments().stream().map(segment -> segment.field() == null ? segment.word() : "{" + last(segment.field()) + "}")
                .collect(Collectors.joining("/"));
        return "/" + segments + binding.path().verb();
    }

    private static String last(String path) {
        return path.substring(path.lastIndexOf('.') + 1);
    }

    private JsonObject operation(Binding binding, String id) {
        var operation = object("operationId", id);
        operation.add("tags", list(binding.rpc().getService().getName()));
        describe(operation, binding.rpc());
        var access = binding.rpc().getOptions().getExtension(AccessOuterClass.access);
        var needs = object("role", access.getRole().name());
        if (access.getEverywhere()) {
            needs.addProperty("everywhere", true);
        }
        if (!access.getFleet().isEmpty()) {
            needs.addProperty("fleet", access.getFleet());
        }
        if (!access.getMachine().isEmpty()) {
            needs.addProperty("machine", access.getMachine());
        }
        operation.add("x-muster-access", needs);
        operation.add("parameters", parameters(binding));
        if (binding.hasBody()) {
            var body = new JsonObject();
            body.addProperty("required", true);
            body.add("content", content("application/json", ref(schema(binding.rpc().getInputType()))));
            operation.add("requestBody", body);
        }
        var answer = object("description", binding.isStream() ? "Server-sent events. The data of each is JSON of this schema, its id a token to resume from; the "
                + "last may be of type error, and its data a Status." : "The call's answer.");
        answer.add("content", content(binding.isStream() ? "text/event-stream" : "application/json", ref(schema(binding.rpc().getOutputType()))));
        var responses = new JsonObject();
        responses.add("200", answer);
        responses.add("default", object("$ref", "#/components/responses/Error"));
        operation.add("responses", responses);
        return operation;
    }

    private JsonArray parameters(Binding binding) {
        var parameters = new JsonArray();
        var inPath = binding.path().fields();
        for (var path : inPath) {
            var parameter = object("name", last(path));
            parameter.addProperty("in", "path");
            parameter.addProperty("required", true);
            var field = field(binding.rpc().getInputType(), path);
            describe(parameter, field);
            parameter.add("schema", single(field));
            parameters.add(parameter);
        }
        for (var field : binding.rpc().getInputType().getFields()) {
            if (!binding.hasBody() && !inPath.contains(field.getName()) && isInQuery(field)) {
                var parameter = object("name", field.getJsonName());
                parameter.addProperty("in", "query");
                describe(parameter, field);
                if (field.isMapField()) {
                    parameter.addProperty("style", "deepObject");
                    parameter.addProperty("explode", true);
                }
                parameter.add("schema", type(field));
                parameters.add(parameter);
            }
            if (HEADERS.containsKey(field.getName())) {
                parameters.add(header(HEADERS.get(field.getName())[0], HEADERS.get(field.getName())[1]));
            }
        }
        parameters.add(object("$ref", "#/components/parameters/Timeout"));
        return parameters;
    }

    /** Fields of objects are named with dots there; OpenAPI has no words for it, and the one such call has a twin with a body. */
    private static boolean isInQuery(FieldDescriptor field) {
        return field.isMapField() || field.getJavaType() != JavaType.MESSAGE || FieldText.isText(field);
    }

    private static FieldDescriptor field(Descriptor message, String path) {
        int dot = path.indexOf('.');
        return dot < 0 ? message.findFieldByName(path) : field(message.findFieldByName(path.substring(0, dot)).getMessageType(), path.substring(dot + 1));
    }

    private static JsonObject header(String name, String description) {
        var header = object("name", name);
        header.addProperty("in", "header");
        header.addProperty("description", description);
        header.add("schema", object("type", "string"));
        return header;
    }

    /** Name of the message's schema, which is made if it isn't there. */
    private String schema(Descriptor message) {
        var name = message.getFullName().substring(message.getFile().getPackage().length() + 1);
        if (!ordered.containsKey(name)) {
            var schema = object("type", "object");
            ordered.put(name, schema);
            describe(schema, message);
            var properties = new JsonObject();
            message.getFields().forEach(field -> properties.add(field.getJsonName(), property(field)));
            schema.add("properties", properties);
        }
        return name;
    }

    private String schema(EnumDescriptor type) {
        if (!ordered.containsKey(type.getName())) {
            var schema = object("type", "string");
            ordered.put(type.getName(), schema);
            var lines = type.getValues().stream().filter(value -> !ProtoComments.of(value).isEmpty())
                    .map(value -> "- `" + value.getName() + "`: " + ProtoComments.of(value)).collect(Collectors.joining("\n"));
            schema.addProperty("description", (ProtoComments.of(type) + "\n\n" + lines).strip());
            var values = new JsonArray();
            type.getValues().forEach(value -> values.add(value.getName()));
            schema.add("enum", values);
        }
        return type.getName();
    }

    private JsonObject property(FieldDescriptor field) {
        var property = type(field);
        describe(property, field);
        return property;
    }

    private JsonObject type(FieldDescriptor field) {
        if (field.isMapField()) {
            var map = object("type", "object");
            map.add("additionalProperties", single(field.getMessageType().findFieldByNumber(2)));
            return map;
        }
        if (field.isRepeated()) {
            var array = object("type", "array");
            array.add("items", single(field));
            return array;
        }
        return single(field);
    }

    private JsonObject single(FieldDescriptor field) {
        return switch (field.getType()) {
            case STRING -> object("type", "string");
            case BOOL -> object("type", "boolean");
            case INT32, SINT32, SFIXED32 -> number("integer", "int32");
            case UINT32, FIXED32 -> {
                var number = number("integer", "int64");
                number.addProperty("minimum", 0);
                number.addProperty("maximum", 4294967295L);
                yield number;
            }
            case INT64, SINT64, SFIXED64 -> text("int64", "^-?[0-9]{1,19}$");
            case UINT64, FIXED64 -> text("uint64", "^[0-9]{1,20}$");
            case DOUBLE -> number("number", "double");
            case FLOAT -> number("number", "float");
            case BYTES -> {
                var bytes = object("type", "string");
                bytes.addProperty("contentEncoding", "base64");
                yield bytes;
            }
            case ENUM -> ref(schema(field.getEnumType()));
            case MESSAGE, GROUP -> {
                if (field.getMessageType().equals(Timestamp.getDescriptor())) {
                    var moment = object("type", "string");
                    moment.addProperty("format", "date-time");
                    yield moment;
                }
                yield field.getMessageType().equals(Duration.getDescriptor()) ? text("duration-in-seconds", "^-?[0-9]+(\\.[0-9]{1,9})?s$")
                        : ref(schema(field.getMessageType()));
            }
        };
    }

    private static JsonObject status() {
        var detail = object("type", "object");
        var type = new JsonObject();
        type.add("@type", object("type", "string"));
        detail.add("properties", type);
        detail.add("required", list("@type"));
        var details = object("type", "array");
        details.add("items", detail);
        var properties = new JsonObject();
        properties.add("code", number("integer", "int32"));
        properties.add("message", object("type", "string"));
        properties.add("details", details);
        var status = object("type", "object");
        status.addProperty("description", "google.rpc.Status: a code of google.rpc.Code, a sentence for people, and details for programs: BadRequest with a violation for "
                + "each field that is wrong, PreconditionFailure, RetryInfo where repeating helps, ErrorInfo with a reason.");
        status.add("properties", properties);
        return status;
    }

    private void describe(JsonObject what, GenericDescriptor described) {
        var comment = ProtoComments.of(described);
        if (!comment.isEmpty()) {
            what.addProperty("description", comment);
        }
    }

    private static JsonObject content(String type, JsonObject schema) {
        var media = new JsonObject();
        media.add("schema", schema);
        var content = new JsonObject();
        content.add(type, media);
        return content;
    }

    private static JsonObject ref(String schema) {
        return object("$ref", SCHEMAS + schema);
    }

    private static JsonObject number(String type, String format) {
        var number = object("type", type);
        number.addProperty("format", format);
        return number;
    }

    private static JsonObject text(String format, String pattern) {
        var text = number("string", format);
        text.addProperty("pattern", pattern);
        return text;
    }

    private static JsonObject object(String key, String value) {
        var object = new JsonObject();
        object.addProperty(key, value);
        return object;
    }

    private static JsonArray list(String one) {
        var list = new JsonArray();
        list.add(one);
        return list;
    }

    private static JsonArray list(JsonObject one) {
        var list = new JsonArray();
        list.add(one);
        return list;
    }
}
