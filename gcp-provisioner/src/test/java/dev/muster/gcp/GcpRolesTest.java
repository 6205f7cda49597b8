package dev.muster.gcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.api.gax.rpc.ApiException;
import com.google.cloud.compute.v1.AggregatedListInstancesRequest;
import com.google.cloud.compute.v1.AggregatedListMachineTypesRequest;
import com.google.cloud.compute.v1.BulkInsertInstanceRequest;
import com.google.cloud.compute.v1.BulkInsertRegionInstanceRequest;
import com.google.cloud.compute.v1.DeleteInstanceRequest;
import com.google.cloud.compute.v1.GetInstanceRequest;
import com.google.cloud.compute.v1.GetRegionOperationRequest;
import com.google.cloud.compute.v1.GetSerialPortOutputInstanceRequest;
import com.google.cloud.compute.v1.GetZoneOperationRequest;
import com.google.cloud.compute.v1.ListZoneOperationsRequest;
import com.google.cloud.compute.v1.SetLabelsInstanceRequest;
import com.google.cloud.compute.v1.SetMetadataInstanceRequest;
import dev.muster.contracts.SecretsFolder;
import dev.muster.sandbox.gce.GceConfig;
import dev.muster.sandbox.gce.GceServer;
import io.vertx.core.Vertx;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.yaml.snakeyaml.Yaml;

/** The roles of deploy/gcp and the calls that the code makes are each other's match: nothing lacks, nothing is too much. */
class GcpRolesTest {

    private static final Path ROLES = Path.of("..", "deploy", "gcp");
    private static final Path PAGE = Path.of("..", "docs", "gcp.md");
    private static final Path SOURCES = Path.of("src", "main", "java", "dev", "muster", "gcp");
    /** A method of one of Google's services, as the doctor names each that it calls. */
    private static final Pattern METHOD = Pattern.compile("\"((?:(?:iam|cloudkms|resourcemanager)\\.)?[a-z]\\w+\\.(?:get|getFromFamily|getIamPolicy|list|aggregatedList|testIamPermissions))\"");
    private static final String PROJECT = GceConfig.PROJECT;
    private static final String ZONE = "us-central1-a";

    /** Each call of the provisioner, by the method that it is. */
    private static final Map<String, Consumer<GceApi>> CALLS = Map.ofEntries(
            Map.entry("instances.bulkInsert", api -> api.bulkInsert(BulkInsertInstanceRequest.newBuilder().setProject(PROJECT).setZone(ZONE).build())),
            Map.entry("regionInstances.bulkInsert", api -> api.bulkInsert(BulkInsertRegionInstanceRequest.newBuilder().setProject(PROJECT).setRegion("us-central1").build())),
            Map.entry("instances.aggregatedList", api -> api.instances(AggregatedListInstancesRequest.newBuilder().setProject(PROJECT).build())),
            Map.entry("instances.get", api -> api.instance(GetInstanceRequest.newBuilder().setProject(PROJECT).setZone(ZONE).setInstance("m-1").build())),
            Map.entry("instances.delete", api -> api.delete(DeleteInstanceRequest.newBuilder().setProject(PROJECT).setZone(ZONE).setInstance("m-1").build())),
            Map.entry("instances.setMetadata", api -> api.setMetadata(SetMetadataInstanceRequest.newBuilder().setProject(PROJECT).setZone(ZONE).setInstance("m-1").build())),
            Map.entry("instances.setLabels", api -> api.setLabels(SetLabelsInstanceRequest.newBuilder().setProject(PROJECT).setZone(ZONE).setInstance("m-1").build())),
            Map.entry("instances.getSerialPortOutput", api -> api.serialPort(GetSerialPortOutputInstanceRequest.newBuilder().setProject(PROJECT).setZone(ZONE).setInstance("m-1").build())),
            Map.entry("zoneOperations.get", api -> api.operation(GetZoneOperationRequest.newBuilder().setProject(PROJECT).setZone(ZONE).setOperation("operation-1").build())),
            Map.entry("regionOperations.get", api -> api.operation(GetRegionOperationRequest.newBuilder().setProject(PROJECT).setRegion("us-central1").setOperation("operation-1").build())),
            Map.entry("zoneOperations.list", api -> api.operations(ListZoneOperationsRequest.newBuilder().setProject(PROJECT).setZone(ZONE).build())),
            Map.entry("machineTypes.aggregatedList", api -> api.machineTypes(AggregatedListMachineTypesRequest.newBuilder().setProject(PROJECT).build())));

    @Test
    void everyCallOfTheProvisionerHasItsPermissions() {
        assertThat(CALLS).as("as many as the narrow interface has").hasSize(GceApi.class.getDeclaredMethods().length);
        assertThat(GcePermissions.PROVISIONER).containsOnlyKeys(CALLS.keySet());
    }

    @Test
    void eachCallIsRefusedWithoutItsPermission(@TempDir Path secrets) throws Exception {
        var vertx = Vertx.vertx();
        try (var google = GceServer.start(vertx, GceConfig.defaults(), hardware -> () -> {})) {
            Files.writeString(secrets.resolve("gcp-research-key"), google.keyFile());
            var api = new SdkGceApi(Optional.of(URI.create(google.url())), new AccountCredentials(new SecretsFolder(secrets), "research"));
            CALLS.forEach((method, call) -> {
                var permission = GcePermissions.PROVISIONER.get(method).get(0);
                google.faults().deny(permission);
                assertThatThrownBy(() -> call.accept(api)).as(method).isInstanceOfSatisfying(ApiException.class,
                        refused -> assertThat(GceFailures.translate(refused)).hasMessageContaining("Required '" + permission + "' permission"));
                google.faults().allow(permission);
            });
        } finally {
            vertx.close().toCompletionStage().toCompletableFuture().join();
        }
    }

    @Test
    void everyCallOfTheDoctorHasItsPermissions() throws IOException {
        var called = new TreeSet<String>();
        try (var files = Files.list(SOURCES)) {
            for (var source : files.filter(file -> file.toString().matches(".*(Doctor\\w*|Checks)\\.java") && !file.endsWith("DoctorCheck.java")).toList()) {
                METHOD.matcher(Files.readString(source)).results().forEach(found -> called.add(found.group(1)));
            }
        }
        assertThat(called).hasSizeGreaterThan(15).isEqualTo(new TreeSet<>(GcePermissions.DOCTOR.keySet()));
        assertThat(Arrays.stream(DoctorCheck.values()).flatMap(check -> check.permissions().stream())).isSubsetOf(flat(GcePermissions.DOCTOR.values()));
    }

    @Test
    void rolesAreWhatCallsNeed() throws IOException {
        var muster = flat(GcePermissions.PROVISIONER.values());
        muster.addAll(GcePermissions.OF_SOME_LAUNCHES.keySet());
        var doctor = flat(GcePermissions.DOCTOR.values());
        doctor.removeAll(muster);

        assertThat(permissions("role-muster.yaml")).isEqualTo(List.copyOf(muster));
        assertThat(permissions("role-doctor.yaml")).isEqualTo(List.copyOf(doctor));
        // Machines call nothing: these are tasks', for a bucket.
        assertThat(permissions("role-machine.yaml")).allMatch(permission -> permission.startsWith("storage.")).doesNotContain("storage.buckets.delete");
        assertThat(muster).as("bound on machines' accounts alone").doesNotContain(GcePermissions.ACT_AS).noneMatch(permission -> permission.endsWith("setIamPolicy"));
    }

    @Test
    void theReadmeHasEveryPermissionAndFile() throws IOException {
        var readme = Files.readString(ROLES.resolve("README.md"));
        assertThat(permissions("role-muster.yaml")).allSatisfy(permission -> assertThat(readme).contains("`" + permission + "`"));
        try (var files = Files.list(ROLES)) {
            assertThat(files.map(file -> file.getFileName().toString()).filter(name -> name.endsWith(".yaml"))).hasSize(3).allSatisfy(name -> assertThat(readme).contains("--file " + name));
        }
        assertThat(readme).contains(GcePermissions.ACT_AS, "roles/iam.serviceAccountUser", "roles/iam.workloadIdentityUser", "roles/compute.networkUser");
    }

    /** Google's own parser reads each command of the pages to its end, and each role as it would be sent. */
    @Test
    void gcloudReadsTheCommandsAndRoles() throws Exception {
        var gcloud = Arrays.stream(System.getenv("PATH").split(File.pathSeparator)).map(folder -> Path.of(folder, "gcloud")).filter(GcpRolesTest::isReadable).findFirst();
        if (gcloud.isEmpty()) {
            System.out.println("Skipped: what reads the commands of deploy/gcp/README.md and docs/gcp.md; no gcloud on PATH, or one whose library isn't beside it");
        }
        Assumptions.assumeTrue(gcloud.isPresent(), "gcloud is missing");
        var process = new ProcessBuilder("python3", "-B", "src/test/python/gcloud_commands.py", gcloud.get().toString(), ROLES.resolve("README.md").toString(), PAGE.toString(),
                ROLES.resolve("role-muster.yaml").toString(), ROLES.resolve("role-doctor.yaml").toString(), ROLES.resolve("role-machine.yaml").toString())
                .redirectErrorStream(true).start();
        var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(process.waitFor()).as(said).isZero();
        assertThat(said).endsWith("21 commands and 3 roles, 0 wrong\n");
    }

    /** Packages of some systems have only a starter there. */
    private static boolean isReadable(Path gcloud) {
        try {
            return Files.isExecutable(gcloud) && Files.isDirectory(gcloud.toRealPath().getParent().resolveSibling("lib").resolve("googlecloudsdk"));
        } catch (IOException none) {
            return false;
        }
    }

    private static TreeSet<String> flat(Collection<List<String>> permissions) {
        return permissions.stream().flatMap(List::stream).collect(Collectors.toCollection(TreeSet::new));
    }

    /** In the shape of IAM's Role, as {@code gcloud iam roles create --file} reads it. */
    private static List<String> permissions(String role) throws IOException {
        Map<String, Object> yaml = new Yaml().load(Files.readString(ROLES.resolve(role)));
        assertThat(yaml).as(role).containsOnlyKeys("title", "description", "stage", "includedPermissions").containsEntry("stage", "GA");
        // IAM's limits.
        assertThat((String) yaml.get("title")).hasSizeLessThanOrEqualTo(100);
        assertThat((String) yaml.get("description")).hasSizeLessThanOrEqualTo(300);
        return ((List<?>) yaml.get("includedPermissions")).stream().map(String.class::cast).toList();
    }
}
