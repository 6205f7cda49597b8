package dev.muster.sandbox.gce;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.api.gax.core.FixedCredentialsProvider;
import com.google.api.gax.rpc.ApiException;
import com.google.api.gax.rpc.NotFoundException;
import com.google.auth.oauth2.ServiceAccountCredentials;
import com.google.cloud.compute.v1.AttachedDisk;
import com.google.cloud.compute.v1.AttachedDiskInitializeParams;
import com.google.cloud.compute.v1.BulkInsertInstanceRequest;
import com.google.cloud.compute.v1.BulkInsertInstanceResource;
import com.google.cloud.compute.v1.BulkInsertInstanceResourcePerInstanceProperties;
import com.google.cloud.compute.v1.BulkInsertRegionInstanceRequest;
import com.google.cloud.compute.v1.ImagesClient;
import com.google.cloud.compute.v1.ImagesSettings;
import com.google.cloud.compute.v1.InsertInstanceRequest;
import com.google.cloud.compute.v1.InstanceProperties;
import com.google.cloud.compute.v1.InstancesClient;
import com.google.cloud.compute.v1.InstancesSettings;
import com.google.cloud.compute.v1.MachineTypesClient;
import com.google.cloud.compute.v1.MachineTypesSettings;
import com.google.cloud.compute.v1.NetworkInterface;
import com.google.cloud.compute.v1.RegionInstancesClient;
import com.google.cloud.compute.v1.RegionInstancesSettings;
import com.google.cloud.compute.v1.RegionOperationsClient;
import com.google.cloud.compute.v1.RegionOperationsSettings;
import com.google.cloud.compute.v1.Scheduling;
import com.google.cloud.compute.v1.ZoneOperationsClient;
import com.google.cloud.compute.v1.ZoneOperationsSettings;
import com.google.cloud.compute.v1.ZonesClient;
import com.google.cloud.compute.v1.ZonesSettings;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Google's own client, with its own credentials from the stand-in's key file, drives the stand-in. */
final class JavaClientTest {

    private static final GceConfig FAST = GceConfig.defaults().withProvisionTime(Duration.ofMillis(100)).withStagingTime(Duration.ofMillis(100))
            .withShutdownTime(Duration.ofMillis(200)).withOperationTime(Duration.ofMillis(50));
    private static final String ZONE = "us-central1-a";

    private final Vertx vertx = Vertx.vertx();
    private final GceServer server = GceServer.start(vertx, FAST, hardware -> () -> {
    });
    private final String keyFile = server.keyFile();

    @AfterEach
    void closeAll() {
        server.close();
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    private FixedCredentialsProvider credentials() throws IOException {
        return FixedCredentialsProvider.create(ServiceAccountCredentials.fromStream(new ByteArrayInputStream(keyFile.getBytes(StandardCharsets.UTF_8)))
                .createScoped("https://www.googleapis.com/auth/cloud-platform"));
    }

    private InstancesClient instances() throws IOException {
        return InstancesClient.create(InstancesSettings.newBuilder().setEndpoint(server.url()).setCredentialsProvider(credentials()).build());
    }

    private static List<AttachedDisk> disks() {
        return List.of(AttachedDisk.newBuilder().setBoot(true).setAutoDelete(true).setInitializeParams(AttachedDiskInitializeParams.newBuilder()
                .setSourceImage("projects/debian-cloud/global/images/family/debian-12").setDiskSizeGb(20)).build());
    }

    private static InsertInstanceRequest insert(String name, UUID requestId) {
        return InsertInstanceRequest.newBuilder().setProject(GceConfig.PROJECT).setZone(ZONE).setRequestId(requestId.toString())
                .setInstanceResource(com.google.cloud.compute.v1.Instance.newBuilder().setName(name).setMachineType("zones/" + ZONE + "/machineTypes/n1-standard-4")
                        .putLabels("muster-pool", "gpu").addAllDisks(disks()).addNetworkInterfaces(NetworkInterface.newBuilder().setNetwork("global/networks/default"))
                        .setScheduling(Scheduling.newBuilder().setProvisioningModel("SPOT").setInstanceTerminationAction("DELETE")))
                .build();
    }

    private static BulkInsertInstanceResource bulk(int least, String... names) {
        var resource = BulkInsertInstanceResource.newBuilder().setCount(names.length).setMinCount(least).setInstanceProperties(InstanceProperties.newBuilder()
                .setMachineType("e2-standard-2").addAllDisks(disks()).addNetworkInterfaces(NetworkInterface.newBuilder().setNetwork("global/networks/default")));
        for (var name : names) {
            resource.putPerInstanceProperties(name, BulkInsertInstanceResourcePerInstanceProperties.newBuilder().setName(name).build());
        }
        return resource.build();
    }

    @Test
    void createsListsMarksAndDeletesAnInstance() throws Exception {
        try (var client = instances()) {
            // When
            var made = client.insertAsync(insert("m-1", UUID.randomUUID())).get(20, TimeUnit.SECONDS);
            var shown = client.get(GceConfig.PROJECT, ZONE, "m-1");
            var listed = client.list(GceConfig.PROJECT, ZONE).iterateAll();
            client.setMetadataAsync(GceConfig.PROJECT, ZONE, "m-1", shown.getMetadata().toBuilder()
                    .addItems(com.google.cloud.compute.v1.Items.newBuilder().setKey("muster-mark").setValue("drain:1")).build()).get(20, TimeUnit.SECONDS);
            var marked = client.get(GceConfig.PROJECT, ZONE, "m-1");
            client.deleteAsync(GceConfig.PROJECT, ZONE, "m-1").get(20, TimeUnit.SECONDS);

            // Then
            assertThat(made.getError().getErrorsList()).isEmpty();
            assertThat(shown.getStatus()).isEqualTo("RUNNING");
            assertThat(shown.getLabelsMap()).containsExactly(java.util.Map.entry("muster-pool", "gpu"));
            assertThat(listed).extracting(com.google.cloud.compute.v1.Instance::getName).containsExactly("m-1");
            assertThat(marked.getMetadata().getItems(0).getValue()).isEqualTo("drain:1");
            assertThatThrownBy(() -> client.get(GceConfig.PROJECT, ZONE, "m-1")).isInstanceOf(NotFoundException.class);
        }
    }

    @Test
    void theSameRequestIdIsTheSameOperation() throws Exception {
        try (var client = instances(); var operations = ZoneOperationsClient.create(
                ZoneOperationsSettings.newBuilder().setEndpoint(server.url()).setCredentialsProvider(credentials()).build())) {
            // When
            var id = UUID.randomUUID();
            var first = client.insertCallable().call(insert("m-1", id));
            var done = operations.wait(GceConfig.PROJECT, ZONE, first.getName());
            var second = client.insertCallable().call(insert("m-2", id));

            // Then
            assertThat(second.getName()).isEqualTo(first.getName());
            assertThat(second).isEqualTo(done);
            assertThat(client.list(GceConfig.PROJECT, ZONE).iterateAll()).extracting(com.google.cloud.compute.v1.Instance::getName).containsExactly("m-1");
        }
    }

    @Test
    void tellsAClientWhatIsMissingAndWhereThereIsSome() throws Exception {
        server.capacity().none(OfferFilter.type("n1-standard-4").inZone(ZONE));
        try (var client = instances(); var operations = ZoneOperationsClient.create(
                ZoneOperationsSettings.newBuilder().setEndpoint(server.url()).setCredentialsProvider(credentials()).build())) {
            // When
            var started = client.insertCallable().call(insert("m-1", UUID.randomUUID()));
            var done = operations.wait(GceConfig.PROJECT, ZONE, started.getName());

            // Then
            var error = done.getError().getErrors(0);
            assertThat(error.getCode()).isEqualTo("ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS");
            assertThat(error.getErrorDetailsList().stream().filter(detail -> detail.hasErrorInfo()).findFirst().orElseThrow().getErrorInfo().getMetadatasMap())
                    .containsEntry("zonesAvailable", "us-central1-b,us-central1-c,us-central1-f").containsEntry("vmType", "n1-standard-4");
        }
    }

    @Test
    void bulkInsertsInAZoneAndInARegion() throws Exception {
        server.capacity().atMost(OfferFilter.type("e2-standard-2"), 3);
        try (var client = instances(); var regional = RegionInstancesClient.create(RegionInstancesSettings.newBuilder().setEndpoint(server.url())
                .setCredentialsProvider(credentials()).build()); var operations = RegionOperationsClient.create(RegionOperationsSettings.newBuilder()
                .setEndpoint(server.url()).setCredentialsProvider(credentials()).build())) {
            // When
            client.bulkInsertAsync(BulkInsertInstanceRequest.newBuilder().setProject(GceConfig.PROJECT).setZone(ZONE)
                    .setBulkInsertInstanceResourceResource(bulk(2, "a-1", "a-2")).build()).get(20, TimeUnit.SECONDS);
            var started = regional.bulkInsertCallable().call(BulkInsertRegionInstanceRequest.newBuilder().setProject(GceConfig.PROJECT).setRegion("us-central1")
                    .setBulkInsertInstanceResourceResource(bulk(1, "b-1", "b-2", "b-3")).build());
            var done = operations.wait(GceConfig.PROJECT, "us-central1", started.getName());

            // Then
            var status = done.getInstancesBulkInsertOperationMetadata().getPerLocationStatusMap();
            assertThat(status).hasSize(1);
            assertThat(status.values().iterator().next().getTargetVmCount()).isEqualTo(3);
            assertThat(status.values().iterator().next().getCreatedVmCount()).isEqualTo(1);
            assertThat(status.values().iterator().next().getFailedToCreateVmCount()).isEqualTo(2);
            var all = StreamSupport.stream(client.aggregatedList(GceConfig.PROJECT).iterateAll().spliterator(), false)
                    .flatMap(scope -> scope.getValue().getInstancesList().stream()).map(com.google.cloud.compute.v1.Instance::getName).toList();
            assertThat(all).hasSize(3).contains("a-1", "a-2");
        }
    }

    @Test
    void readsPlacesTypesAndImages() throws Exception {
        try (var zones = ZonesClient.create(ZonesSettings.newBuilder().setEndpoint(server.url()).setCredentialsProvider(credentials()).build());
                var types = MachineTypesClient.create(MachineTypesSettings.newBuilder().setEndpoint(server.url()).setCredentialsProvider(credentials()).build());
                var images = ImagesClient.create(ImagesSettings.newBuilder().setEndpoint(server.url()).setCredentialsProvider(credentials()).build())) {
            assertThat(zones.list(GceConfig.PROJECT).iterateAll()).extracting(com.google.cloud.compute.v1.Zone::getName).contains(ZONE, "europe-west4-b");
            assertThat(types.get(GceConfig.PROJECT, ZONE, "a2-highgpu-2g").getAccelerators(0).getGuestAcceleratorCount()).isEqualTo(2);
            assertThat(images.getFromFamily("debian-cloud", "debian-12").getName()).isEqualTo(GceConfig.DEBIAN.name());
        }
    }

    @Test
    void aRevokedKeyOpensNothing() throws Exception {
        try (var client = instances()) {
            // Given
            client.list(GceConfig.PROJECT, ZONE);

            // When
            server.revoke(new JsonObject(keyFile).getString("private_key_id"));

            // Then
            assertThatThrownBy(() -> client.list(GceConfig.PROJECT, ZONE)).isInstanceOf(ApiException.class);
        }
        try (var client = instances()) {
            assertThatThrownBy(() -> client.list(GceConfig.PROJECT, ZONE)).hasStackTraceContaining("invalid_grant");
        }
    }
}
