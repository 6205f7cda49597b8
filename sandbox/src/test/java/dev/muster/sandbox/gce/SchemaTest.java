package dev.muster.sandbox.gce;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.cloud.compute.v1.AcceleratorType;
import com.google.cloud.compute.v1.BulkInsertInstanceResource;
import com.google.cloud.compute.v1.DiskType;
import com.google.cloud.compute.v1.Image;
import com.google.cloud.compute.v1.InstanceTemplate;
import com.google.cloud.compute.v1.InstancesSetLabelsRequest;
import com.google.cloud.compute.v1.MachineType;
import com.google.cloud.compute.v1.Network;
import com.google.cloud.compute.v1.Operation;
import com.google.cloud.compute.v1.Region;
import com.google.cloud.compute.v1.Router;
import com.google.cloud.compute.v1.Subnetwork;
import com.google.cloud.compute.v1.TestPermissionsRequest;
import com.google.cloud.compute.v1.Zone;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

final class SchemaTest {

    private final TreeMap<String, String> messages = new TreeMap<>();

    /** {@code -Dschema.write=true} writes it anew, after a newer version of Google's classes. */
    @Test
    void theSchemaIsGooglesOwn() throws IOException {
        // When
        List.of(com.google.cloud.compute.v1.Instance.getDescriptor(), BulkInsertInstanceResource.getDescriptor(), com.google.cloud.compute.v1.Metadata.getDescriptor(),
                InstancesSetLabelsRequest.getDescriptor(), TestPermissionsRequest.getDescriptor(), Operation.getDescriptor(), MachineType.getDescriptor(),
                AcceleratorType.getDescriptor(), DiskType.getDescriptor(), Zone.getDescriptor(), Region.getDescriptor(), Image.getDescriptor(), Network.getDescriptor(),
                Subnetwork.getDescriptor(), Router.getDescriptor(), com.google.cloud.compute.v1.Route.getDescriptor(), InstanceTemplate.getDescriptor()).forEach(this::visit);
        var lines = new StringBuilder();
        messages.forEach((name, fields) -> lines.append(name).append(fields).append('\n'));

        // Then
        if (Boolean.getBoolean("schema.write")) {
            Files.writeString(Path.of("src/main/resources/dev/muster/sandbox/gce/compute-v1.schema"), lines);
        }
        try (var told = Schema.class.getResourceAsStream("compute-v1.schema")) {
            assertThat(new String(told.readAllBytes(), StandardCharsets.UTF_8)).isEqualTo(lines.toString());
        }
    }

    private void visit(Descriptor message) {
        if (messages.putIfAbsent(message.getName(), "") != null) {
            return;
        }
        var all = new StringBuilder();
        var fields = new ArrayList<>(message.getFields());
        fields.sort(Comparator.comparing(FieldDescriptor::getJsonName));
        for (var field : fields) {
            all.append(' ').append(field.getJsonName()).append(':').append(field.isMapField() ? "{" + type(field.getMessageType().findFieldByName("value")) + "}"
                    : field.isRepeated() ? "[" + type(field) + "]" : type(field));
        }
        messages.put(message.getName(), all.toString());
    }

    private String type(FieldDescriptor field) {
        return switch (field.getType()) {
            case MESSAGE -> {
                visit(field.getMessageType());
                yield field.getMessageType().getName();
            }
            case ENUM -> "string";
            default -> field.getType().name().toLowerCase(Locale.ROOT);
        };
    }

    @Test
    void whatIsNotOfTheSchemaIsRefusedWithItsPlace() {
        var cloud = new Cloud();

        var unknown = cloud.post(Cloud.INSTANCES, Cloud.instance("m-1").put("flavor", "large"));
        var deep = cloud.post(Cloud.INSTANCES, Cloud.instance("m-1").put("disks", new JsonArray().add(new JsonObject().put("initializeParams", new JsonObject().put("size", 1)))));
        var type = cloud.post(Cloud.INSTANCES, Cloud.instance("m-1").put("canIpForward", "yes"));
        var query = cloud.post(Cloud.INSTANCES, Cloud.instance("m-1"), "request_id", "x");

        assertThat(List.of(unknown.status, deep.status, type.status, query.status)).containsOnly(400);
        assertThat(unknown.message()).isEqualTo("Invalid JSON payload received. Unknown name \"flavor\": Cannot find field.");
        assertThat(deep.message()).isEqualTo("Invalid JSON payload received. Unknown name \"size\" at 'disks[0].initializeParams': Cannot find field.");
        assertThat(type.message()).isEqualTo("Invalid value at 'canIpForward' (TYPE_BOOL), \"yes\"");
        assertThat(query.message()).isEqualTo("Invalid JSON payload received. Unknown name \"request_id\": Cannot bind query parameter. Field 'request_id' could not be found in request message.");
        assertThat(unknown.text("error/status")).isEqualTo("INVALID_ARGUMENT");
        assertThat(cloud.gce.books().instances(cloud.time.now())).isEmpty();
    }

    @Test
    void nullIsAsIfItWereNotThereAndNumbersAreAsLargeAsTheirTypes() {
        var cloud = new Cloud();
        var huge = Cloud.instance("m-2");
        huge.getJsonArray("disks").getJsonObject(0).getJsonObject("initializeParams").put("diskSizeGb", "9223372036854775808");

        var nothing = cloud.post(Cloud.INSTANCES, Cloud.instance("m-1").putNull("labels").put("scheduling", new JsonObject().putNull("preemptible")));

        assertThat(nothing.status).isEqualTo(200);
        assertThat(cloud.post(Cloud.INSTANCES, huge).message()).isEqualTo("Invalid value at 'disks[0].initializeParams.diskSizeGb' (TYPE_INT64), \"9223372036854775808\"");
        huge.getJsonArray("disks").getJsonObject(0).getJsonObject("initializeParams").put("diskSizeGb", "4294967306");
        assertThat(cloud.post(Cloud.INSTANCES, huge).message()).contains("Disk size must be between 10 GB and 65536 GB inclusive.");
    }
}
