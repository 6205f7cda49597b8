package dev.muster.gcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import com.fasterxml.jackson.databind.JsonNode;
import dev.muster.contracts.SecretsFolder;
import dev.muster.provisioner.doctor.Check;
import dev.muster.provisioner.doctor.DoctorContract;
import dev.muster.provisioner.doctor.Findings.State;
import dev.muster.provisioner.spi.Await;
import dev.muster.provisioner.spi.LaunchSettings;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.sandbox.gce.GceConfig;
import dev.muster.sandbox.gce.GceServer;
import dev.muster.sandbox.gce.Surroundings;
import io.vertx.core.Vertx;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GcpDoctorTest extends DoctorContract<GcpDoctorTest.Asked> {

    private static final String SECRET = "the-secret-of-the-key";
    private static final String ACCOUNT = "research";
    private static final String KEY = "projects/" + GceConfig.PROJECT + "/locations/us-central1/keyRings/muster/cryptoKeys/disks";
    private static final String IMAGE = "projects/debian-cloud/global/images/family/debian-12";

    @TempDir
    static Path secrets;
    private static final Vertx VERTX = Vertx.vertx();
    private static GceServer google;

    @BeforeAll
    static void start() throws IOException {
        google = GceServer.start(VERTX, GceConfig.defaults().withTemplates(List.of("""
                {"name": "gpu-base", "properties": {"machineType": "n1-standard-8"}}""")), hardware -> () -> {});
        Files.writeString(secrets.resolve("gcp-" + ACCOUNT + "-key"), google.keyFile());
        Files.writeString(secrets.resolve("clearml-default-access-key"), "the-key\n");
        Files.writeString(secrets.resolve("clearml-default-secret-key"), SECRET + "\n");
    }

    @AfterAll
    static void end() {
        google.close();
        VERTX.close().toCompletionStage().toCompletableFuture().join();
    }

    @AfterEach
    void inOrderAgain() {
        google.faults().reset();
        google.capacity().reset();
        google.surroundings().reset();
    }

    /** A fleet with one pool, and what the doctor is told beside it. */
    static final class Asked {
        String provider = "gcp";
        String region = "us-central1";
        String zone = "us-central1-a";
        String subnet = "default";
        String type = "n1-standard-4";
        String market = "SPOT";
        String image = "";
        String gcp = "\"gpuType\": \"nvidia-tesla-t4\", \"gpuCount\": 1";
        String tags = "\"team\": \"vision\"";
        String networkTags = "\"ml\"";
        String environment = "";
        String storage = "";
        String disk = "{\"sizeGib\": 30}";
        int max = 4;
        String account = ACCOUNT;
        String project = GceConfig.PROJECT;
        String endpoint = google.url();
        String machineApi = "https://api.example.com";
        Path folder = secrets;

        String json() {
            return """
                    {"settings": {"muster.installation": "lab", "muster.secrets.folder": "%s", "muster.gcp.accounts.\\"%s\\".endpoint": "%s",
                      "muster.gcp.accounts.\\"%s\\".project": "%s", "muster.gcp.accounts.\\"%s\\".image": "%s", "muster.gcp.accounts.\\"%s\\".regions": "us-central1",
                      "muster.connections.\\"default\\".api": "http://127.0.0.1:8008", "muster.connections.\\"default\\".machine-hosts.api": "%s"},
                     "fleets": [{"name": "train", "connection": "default", "workersPrefix": "lab-train", "queues": [{"name": "gpu", "pools": ["main"]}],
                       "pools": [{"name": "main", "slots": 1, "limits": {"max": %d}, "offers": [{"key": {"provider": "%s", "account": "%s", "region": "%s",
                         "zone": "%s", "subnet": "%s", "machineType": "%s", "market": "%s"}}],
                        "launch": {"image": "%s", "disks": [%s], "tags": {%s}, "boot": {"docker": true, "environment": {%s}%s},
                          "gcp": {"networkTags": [%s], %s}}}]}]}
                    """.formatted(folder, ACCOUNT, endpoint, ACCOUNT, project, ACCOUNT, IMAGE, ACCOUNT, machineApi, max, provider, account, region, zone, subnet, type, market,
                    image, disk, tags, environment, storage, networkTags, gcp);
        }
    }

    @Override
    protected Check[] checks() {
        return DoctorCheck.values();
    }

    @Override
    protected Path page() {
        return Path.of("..", "docs", "gcp-doctor.md");
    }

    @Override
    protected Asked asked() {
        return new Asked();
    }

    @Override
    protected JsonNode answer(Asked asked) throws IOException {
        var answer = GcpDoctor.examine(new ByteArrayInputStream(asked.json().getBytes(StandardCharsets.UTF_8)));
        assertThat(answer.toString()).doesNotContain(SECRET).doesNotContain("PRIVATE KEY").doesNotContain("ya29");
        return answer;
    }

    @Test
    void saysWhatItSaw() throws IOException {
        var said = examine(new Asked());
        assertThat(said).filteredOn(one -> one.check().equals("credentials")).singleElement().satisfies(one -> assertThat(one.seen()).isEqualTo(google.account()));
        assertThat(said).filteredOn(one -> one.check().equals("metadata")).singleElement()
                .satisfies(one -> assertThat(one.seen()).matches("startup script [0-9]+ of 262144 bytes, all [0-9]+ of 524288"));
        assertThat(said).filteredOn(one -> one.check().equals("quota")).extracting(Said::of, Said::seen).contains(tuple("NVIDIA_T4_GPUS", "5000 of 5000, for at most 4"),
                tuple("CPUS", "20000 of 20000, for at most 16"), tuple("SSD_TOTAL_GB", "10000000 of 10000000, for at most 120"),
                tuple("GPUS_ALL_REGIONS", "10000 of 10000, for at most 4"), tuple("IN_USE_ADDRESSES", "20000 of 20000, for at most 4"));
        assertThat(google.books().live()).as("it starts nothing").isZero();
    }

    @Override
    protected Stream<Fault<Asked>> faults() {
        var all = new ArrayList<Fault<Asked>>(List.of(
                fails("nobody answers", DoctorCheck.ENDPOINT, "gives no answer", asked -> asked.endpoint = "http://127.0.0.1:" + freePort()),
                fails("a clock ten minutes off", DoctorCheck.CLOCK, "ahead of this computer's", asked -> google.surroundings().clockAhead(Duration.ofMinutes(10))),
                warns("a clock ten seconds off", DoctorCheck.CLOCK, "behind this computer's", asked -> google.surroundings().clockAhead(Duration.ofSeconds(-10))),
                fails("a key that Google took away", DoctorCheck.CREDENTIALS, "Google gives no token", asked -> asked.folder = otherKey(revokedKey())),
                fails("a file that is no key", DoctorCheck.CREDENTIALS, "is no key file of Google's", asked -> asked.folder = otherKey("{}")),
                fails("an account that isn't configured", DoctorCheck.CREDENTIALS, "no Google Cloud account 'other' is configured here", asked -> asked.account = "other"),
                fails("a project that isn't there", DoctorCheck.PROJECT, "is not there", asked -> asked.project = "another-project"),
                fails("Compute Engine isn't switched on", DoctorCheck.PROJECT, "is not switched on", asked -> google.surroundings().off(Surroundings.Service.COMPUTE)),
                fails("nobody pays", DoctorCheck.PROJECT, "nobody pays", asked -> google.surroundings().withoutBill()),
                fails("a region that there isn't", DoctorCheck.REGION, "there is no such region", asked -> {
                    asked.region = "us-nowhere1";
                    asked.zone = "";
                }),
                fails("a zone that there isn't", DoctorCheck.REGION, "there is no such zone", asked -> asked.zone = "us-central1-z"),
                fails("a zone that is down", DoctorCheck.REGION, "is DOWN", asked -> google.faults().outage("us-central1-a")),
                fails("a secret that isn't there", DoctorCheck.BOOT, "no secret git-token", asked -> asked.environment = "\"GIT_PASS\": {\"secretRef\": \"git-token\"}"),
                warns("machines are given a loopback address", DoctorCheck.MACHINE_HOSTS, "each one's own", asked -> asked.machineApi = "http://localhost:8008"),
                fails("an instance spec that is none", DoctorCheck.REQUEST, "instanceSpec", asked -> asked.gcp += ", \"instanceSpec\": \"{\\\"nothing\\\": 1}\""),
                fails("a long boot script", DoctorCheck.METADATA, "262144", asked -> asked.environment = "\"NOISE\": {\"text\": \"" + noise(400_000) + "\"}"),
                fails("a long value of metadata", DoctorCheck.METADATA, "notes has 262145 bytes", asked -> asked.gcp += ", \"metadata\": {\"notes\": \"" + "x".repeat(262_145) + "\"}"),
                fails("much metadata", DoctorCheck.METADATA, "Google takes 524288", asked -> asked.gcp += ", \"metadata\": {\"a\": \"" + "x".repeat(262_000) + "\", \"b\": \""
                        + "x".repeat(262_000) + "\"}"),
                fails("a label in capitals", DoctorCheck.LABELS, "Team: vision", asked -> asked.tags = "\"Team\": \"vision\""),
                fails("a network tag with an underscore", DoctorCheck.NETWORK_TAGS, "'m_l'", asked -> asked.networkTags = "\"m_l\""),
                warns("Resource Manager isn't switched on", DoctorCheck.PERMISSIONS, "SERVICE_DISABLED", asked -> google.surroundings().off(Surroundings.Service.RESOURCE_MANAGER)),
                fails("a service account that isn't there", DoctorCheck.SERVICE_ACCOUNT, "is not there", asked -> {
                    asked.gcp += ", \"serviceAccount\": \"machines@muster-sandbox.iam.gserviceaccount.com\"";
                    google.surroundings().account("machines@muster-sandbox.iam.gserviceaccount.com", Surroundings.Account.MISSING);
                }),
                fails("a service account that is disabled", DoctorCheck.SERVICE_ACCOUNT, "is disabled",
                        asked -> google.surroundings().account(google.account(), Surroundings.Account.DISABLED)),
                fails("a project without a default account", DoctorCheck.SERVICE_ACCOUNT, "no default account", asked -> google.surroundings().withoutUsualAccount()),
                fails("machines may not be the account", DoctorCheck.ACT_AS, "iam.serviceAccounts.actAs", asked -> google.faults().deny("iam.serviceAccounts.actAs")),
                fails("a scope of nobody's", DoctorCheck.SCOPES, "https://example.com/auth/x", asked -> asked.gcp += ", \"scopes\": [\"https://example.com/auth/x\"]"),
                fails("storage of a machine that is no account", DoctorCheck.SCOPES, "the machine is no account", asked -> {
                    asked.gcp += ", \"serviceAccount\": \"none\"";
                    asked.storage = ", \"storage\": {\"machineIdentity\": true}";
                }),
                warns("storage without a scope", DoctorCheck.SCOPES, "no scope lets them into Cloud Storage", asked -> {
                    asked.gcp += ", \"scopes\": [\"logging.write\"]";
                    asked.storage = ", \"storage\": {\"machineIdentity\": true}";
                }),
                fails("an instance template that isn't there", DoctorCheck.TEMPLATE, "is not there", asked -> {
                    asked.gcp += ", \"instanceTemplate\": \"gone\"";
                    asked.image = IMAGE;
                }),
                fails("a type that isn't sold in the zone", DoctorCheck.TYPE, "us-central1-b, us-central1-c, us-central1-f",
                        asked -> google.capacity().withhold("n1-standard-4", "us-central1-a")),
                fails("a type that there isn't", DoctorCheck.TYPE, "is sold in no zone", asked -> asked.type = "n1-huge-4"),
                fails("a GPU that isn't sold in the zone", DoctorCheck.GPU, "it is in us-central1-a, us-central1-c", asked -> {
                    asked.zone = "us-central1-b";
                    asked.gcp = "\"gpuType\": \"nvidia-tesla-p4\", \"gpuCount\": 1";
                }),
                fails("a GPU that there isn't", DoctorCheck.GPU, "is sold in no zone", asked -> asked.gcp = "\"gpuType\": \"nvidia-riva\", \"gpuCount\": 1"),
                fails("more GPUs than a machine takes", DoctorCheck.GPU, "one machine takes 4", asked -> asked.gcp = "\"gpuType\": \"nvidia-tesla-t4\", \"gpuCount\": 8"),
                fails("too many local SSDs", DoctorCheck.LOCAL_SSD, "and not 9", asked -> asked.gcp += ", \"localSsds\": 9"),
                fails("local SSDs for a type without", DoctorCheck.LOCAL_SSD, "takes none", asked -> {
                    asked.type = "e2-standard-4";
                    asked.gcp = "\"localSsds\": 1";
                }),
                warns("GPUs that are to move", DoctorCheck.HOST_MAINTENANCE, "can't", asked -> asked.gcp += ", \"hostMaintenance\": \"MIGRATE\""),
                fails("a quota for no machine", DoctorCheck.QUOTA, "one machine needs 4", asked -> google.capacity().quota("us-central1", "CPUS", 3.0)),
                warns("a quota for some machines", DoctorCheck.QUOTA, "may grow to 16", asked -> google.capacity().quota("us-central1", "CPUS", 12.0)),
                warns("a preemptible quota for some machines", DoctorCheck.QUOTA, "PREEMPTIBLE_CPUS", asked -> google.capacity().quota("us-central1", "PREEMPTIBLE_CPUS", 12.0)),
                fails("a quota for no GPU", DoctorCheck.QUOTA, "NVIDIA_T4_GPUS", asked -> google.capacity().quota("us-central1", "NVIDIA_T4_GPUS", 0.0)),
                fails("a quota for no GPU anywhere", DoctorCheck.QUOTA, "GPUS_ALL_REGIONS", asked -> google.capacity().quota(null, "GPUS_ALL_REGIONS", 0.0)),
                warns("a quota for some addresses", DoctorCheck.QUOTA, "IN_USE_ADDRESSES", asked -> google.capacity().quota("us-central1", "IN_USE_ADDRESSES", 2.0)),
                warns("a quota for some instances", DoctorCheck.QUOTA, "INSTANCES", asked -> google.capacity().quota("us-central1", "INSTANCES", 2.0)),
                warns("a quota for some disks", DoctorCheck.QUOTA, "SSD_TOTAL_GB", asked -> google.capacity().quota("us-central1", "SSD_TOTAL_GB", 100.0)),
                fails("an image of another architecture", DoctorCheck.IMAGE, "is for ARM64", asked -> asked.image = "projects/debian-cloud/global/images/" + GceConfig.DEBIAN_ARM.name()),
                fails("an image that isn't there", DoctorCheck.IMAGE, "is not there", asked -> asked.image = "mine"),
                fails("a family without an image", DoctorCheck.IMAGE, "no image of the family", asked -> asked.image = "projects/debian-cloud/global/images/family/debian-99"),
                fails("a disk smaller than its image", DoctorCheck.DISK, "9 GB, and its image has 10", asked -> asked.disk = "{\"sizeGib\": 9}"),
                fails("a disk key that isn't there", DoctorCheck.DISK_KEY, "is not there", asked -> diskKey(asked, Surroundings.DiskKey.MISSING)),
                fails("a disabled disk key", DoctorCheck.DISK_KEY, "DISABLED", asked -> diskKey(asked, Surroundings.DiskKey.DISABLED)),
                warns("a disk key without a grant", DoctorCheck.DISK_KEY, "doesn't let Compute Engine use it", asked -> diskKey(asked, Surroundings.DiskKey.NOT_GRANTED)),
                fails("a subnet that isn't there", DoctorCheck.SUBNET, "is not there", asked -> asked.subnet = "other"),
                fails("a full subnet", DoctorCheck.ADDRESSES, "none is free", asked -> google.capacity().noAddresses("us-central1")),
                warns("a small subnet", DoctorCheck.ADDRESSES, "4092 free", asked -> asked.max = 4_500),
                fails("a network without a way out", DoctorCheck.ROUTE, "no route leads out", asked -> google.surroundings().withoutRoute()),
                fails("a firewall rule that keeps all in", DoctorCheck.FIREWALL, "keep-in lets nothing out", asked -> google.surroundings().letNothingOut()),
                fails("a shared subnet that Muster may not use", DoctorCheck.PERMISSIONS, "subnetworks.use", asked -> {
                    asked.subnet = "projects/host-4711/regions/us-central1/subnetworks/default";
                    google.surroundings().hostProject("host-4711");
                    google.faults().deny("compute.subnetworks.use");
                }),
                warns("IAM isn't switched on", DoctorCheck.SERVICE_ACCOUNT, "SERVICE_DISABLED", asked -> google.surroundings().off(Surroundings.Service.IAM)),
                warns("KMS isn't switched on", DoctorCheck.DISK_KEY, "SERVICE_DISABLED", asked -> {
                    diskKey(asked, Surroundings.DiskKey.GRANTED);
                    google.surroundings().off(Surroundings.Service.KMS);
                }),
                fails("no external address, and no Cloud NAT", DoctorCheck.ROUTE, "no Cloud NAT serves default", asked -> asked.gcp += ", \"publicIp\": false"),
                fails("Private Google Access alone", DoctorCheck.ROUTE, "Google and nothing else", asked -> {
                    asked.gcp += ", \"publicIp\": false";
                    google.surroundings().privateAccess("us-central1");
                })));
        // Whatever pools launch; what only some launches need follows below.
        Stream.concat(GcePermissions.ofCalls().stream(), Stream.of("compute.instances.create", "compute.disks.create", "compute.subnetworks.use", "compute.subnetworks.useExternalIp",
                "compute.instances.setTags", "compute.instances.setServiceAccount")).forEach(permission ->
                        all.add(fails(permission + " is denied", DoctorCheck.PERMISSIONS, permission, asked -> google.faults().deny(permission))));
        all.add(fails("compute.instanceTemplates.useReadOnly is denied", DoctorCheck.PERMISSIONS, "compute.instanceTemplates.useReadOnly", asked -> {
            asked.gcp += ", \"instanceTemplate\": \"gpu-base\"";
            asked.image = IMAGE;
            google.faults().deny("compute.instanceTemplates.useReadOnly");
        }));
        for (var denial : List.of(List.of("compute.regions.get", DoctorCheck.REGION), List.of("compute.zones.list", DoctorCheck.REGION),
                List.of("iam.serviceAccounts.get", DoctorCheck.SERVICE_ACCOUNT), List.of("compute.machineTypes.get", DoctorCheck.TYPE),
                List.of("compute.projects.get", DoctorCheck.PROJECT), List.of("compute.acceleratorTypes.get", DoctorCheck.GPU), List.of("compute.images.get", DoctorCheck.IMAGE),
                List.of("compute.images.getFromFamily", DoctorCheck.IMAGE), List.of("compute.instanceTemplates.get", DoctorCheck.TEMPLATE),
                List.of("compute.subnetworks.get", DoctorCheck.SUBNET), List.of("compute.networks.get", DoctorCheck.SUBNET), List.of("compute.routes.list", DoctorCheck.ROUTE),
                List.of("compute.routers.list", DoctorCheck.ROUTE), List.of("compute.firewalls.list", DoctorCheck.FIREWALL), List.of("cloudkms.cryptoKeys.get", DoctorCheck.DISK_KEY),
                List.of("cloudkms.cryptoKeys.getIamPolicy", DoctorCheck.DISK_KEY), List.of("resourcemanager.projects.get", DoctorCheck.DISK_KEY))) {
            var permission = (String) denial.get(0);
            all.add(warns(permission + " is denied", (DoctorCheck) denial.get(1), permission + " is not allowed", asked -> {
                switch (permission) {
                    case "compute.images.get" -> asked.image = "projects/" + GceConfig.PROJECT + "/global/images/mine";
                    case "compute.images.getFromFamily" -> asked.image = "projects/" + GceConfig.PROJECT + "/global/images/family/mine";
                    case "compute.networks.get" -> asked.subnet = "";
                    case "compute.routers.list" -> asked.gcp += ", \"publicIp\": false";
                    case "compute.instanceTemplates.get" -> {
                        asked.gcp += ", \"instanceTemplate\": \"gpu-base\"";
                        asked.image = IMAGE;
                    }
                    default -> {
                        if (denial.get(1) == DoctorCheck.DISK_KEY) {
                            diskKey(asked, Surroundings.DiskKey.GRANTED);
                        }
                    }
                }
                google.faults().deny(permission);
            }));
        }
        return all.stream();
    }

    private static void diskKey(Asked asked, Surroundings.DiskKey how) {
        asked.disk = "{\"sizeGib\": 30, \"kmsKey\": \"" + KEY + "\"}";
        google.surroundings().diskKey(how);
    }

    /** A fault that the stand-in gets is one that is tried here. */
    @Test
    void everyFaultOfTheSurroundingsIsTried() throws IOException {
        var tried = Files.readString(Path.of("src", "test", "java", "dev", "muster", "gcp", "GcpDoctorTest.java"));
        assertThat(Arrays.stream(Surroundings.class.getDeclaredMethods()).filter(method -> Modifier.isPublic(method.getModifiers())).map(Method::getName))
                .hasSizeGreaterThan(10).allSatisfy(fault -> assertThat(tried).contains("surroundings()." + fault + "("));
        assertThat(Stream.of(Surroundings.Service.values(), Surroundings.Account.values(), Surroundings.DiskKey.values()).flatMap(Arrays::stream)
                .filter(value -> value != Surroundings.Account.THERE)).allSatisfy(value -> assertThat(tried).contains(value.getDeclaringClass().getSimpleName() + "." + value.name()));
    }

    @Test
    void aSharedSubnetIsAsked() throws IOException {
        var asked = new Asked();
        asked.subnet = "projects/host-4711/regions/us-central1/subnetworks/default";
        google.surroundings().hostProject("host-4711");
        var said = examine(asked);
        assertThat(inState(said, State.FAILED, State.WARNING, State.SKIPPED)).as(said.toString()).isEmpty();
        assertThat(said).filteredOn(one -> one.check().equals("permissions")).extracting(Said::of, Said::seen).containsExactly(tuple("", "all that calls and these launches need: 14"),
                tuple(asked.subnet, "machines may be in it"));
    }

    @Test
    void machinesOfOnesOwnTakeNothingFromTheQuotaThatTheyMayGrowInto() throws Exception {
        try (var busy = GceServer.start(VERTX, GceConfig.defaults().withProvisionTime(Duration.ofMillis(20)).withStagingTime(Duration.ofMillis(20)), hardware -> () -> {})) {
            // Given four machines of four, and one of somebody else's
            var folder = Files.createDirectories(secrets.resolve("busy"));
            for (var file : List.of("clearml-default-access-key", "clearml-default-secret-key")) {
                Files.writeString(folder.resolve(file), "any\n");
            }
            Files.writeString(folder.resolve("gcp-" + ACCOUNT + "-key"), busy.keyFile());
            var accounts = new GcpAccounts(Map.of(ACCOUNT, new GcpAccounts.Account(GceConfig.PROJECT, Optional.of(URI.create(busy.url())), Optional.of(IMAGE), List.of("us-central1"))),
                    new SecretsFolder(folder));
            var offer = new Offer(Batches.SCOPE, "us-central1-a", "", "n1-standard-4", Offer.Market.SPOT);
            underWay(new GceMachines(accounts, "lab"), Batches.of(offer, 4, LaunchSettings.DEFAULTS));
            underWay(new GceMachines(accounts, "others"), Batches.of(offer, 1, LaunchSettings.DEFAULTS));
            Await.until(() -> busy.books().live(), live -> live == 5);
            var asked = new Asked();
            asked.endpoint = busy.url();
            asked.folder = folder;
            asked.gcp = "\"serviceAccount\": \"none\"";

            // When the quota is what all five take, and when it is one machine less
            busy.capacity().quota("us-central1", "CPUS", 20.0);
            var enough = examine(asked);
            busy.capacity().quota("us-central1", "CPUS", 16.0);
            var tooFew = examine(asked);

            // Then
            assertThat(inState(enough, State.FAILED, State.WARNING)).as(enough.toString()).isEmpty();
            assertThat(tooFew).filteredOn(one -> one.of().equals("CPUS")).singleElement().satisfies(one ->
                    assertThat(one.seen()).isEqualTo("12 of 16, since others use 4, and the fleets may grow to 16"));
        }
    }

    private static void underWay(GceMachines machines, MachineBatch batch) {
        assertThatThrownBy(() -> machines.launch(batch)).isInstanceOf(ProviderException.class);
    }

    @Test
    void anOfferWithoutAZoneNeedsOneThatHasAll() throws IOException {
        var asked = new Asked();
        asked.zone = "";
        assertThat(inState(examine(asked), State.FAILED, State.WARNING, State.SKIPPED)).isEmpty();
        for (var zone : List.of("a", "b", "c")) {
            google.capacity().withhold("n1-standard-4", "us-central1-" + zone);
        }
        asked.gcp = "\"gpuType\": \"nvidia-tesla-p4\", \"gpuCount\": 1";
        var said = examine(asked);
        assertThat(inState(said, State.FAILED)).containsExactly("gpu");
    }

    @Test
    void cloudNatIsAWayOut() throws IOException {
        var asked = new Asked();
        asked.gcp += ", \"publicIp\": false";
        google.surroundings().translate("us-central1");
        var said = examine(asked);
        assertThat(inState(said, State.FAILED, State.WARNING, State.SKIPPED)).as(said.toString()).isEmpty();
        assertThat(said).filteredOn(one -> one.check().equals("route")).singleElement().satisfies(one -> assertThat(one.seen()).isEqualTo("by Cloud NAT way-out of router way-out"));
    }

    @Test
    void anInstanceTemplateIsLeftWhatItSays() throws IOException {
        var asked = new Asked();
        asked.subnet = "";
        asked.disk = "";
        asked.gcp = "\"instanceTemplate\": \"gpu-base\"";
        var said = examine(asked);
        assertThat(inState(said, State.FAILED, State.WARNING, State.SKIPPED)).as(said.toString()).isEmpty();
        assertThat(said).filteredOn(one -> List.of("image", "subnet", "service-account").contains(one.check())).hasSize(3)
                .allSatisfy(one -> assertThat(one.seen()).isEqualTo("is left to the instance template"));
    }

    @Test
    void fleetsOfOtherCloudsAreNoneOfItsBusiness() throws IOException {
        var asked = new Asked();
        asked.provider = "aws";
        asked.gcp = "\"localSsds\": 0";
        assertThat(examine(asked)).extracting(Said::check).containsExactly("endpoint", "clock", "credentials", "project", "region", "permissions");
        asked.project = "another-project";
        assertThat(examine(asked)).extracting(Said::check, Said::state).containsExactly(tuple("endpoint", "ok"), tuple("clock", "ok"), tuple("credentials", "ok"),
                tuple("project", "failed"), tuple("region", "skipped"), tuple("permissions", "skipped"));
    }

    @Test
    void servicesAreAtGooglesOwnAddresses() {
        var calls = new DoctorCalls(new GcpAccounts.Account("p-12345", Optional.empty(), Optional.empty(), List.of()), null);
        assertThat(Arrays.stream(DoctorCalls.Api.values()).map(calls::endpoint)).containsExactly("https://compute.googleapis.com", "https://cloudresourcemanager.googleapis.com",
                "https://iam.googleapis.com", "https://cloudkms.googleapis.com");
    }

    private static String revokedKey() {
        var key = google.keyFile();
        google.revoke(new io.vertx.core.json.JsonObject(key).getString("private_key_id"));
        return key;
    }

    private static Path otherKey(String key) {
        try {
            var folder = Files.createDirectories(secrets.resolve("other"));
            Files.writeString(folder.resolve("clearml-default-access-key"), "any\n");
            Files.writeString(folder.resolve("clearml-default-secret-key"), "any\n");
            Files.writeString(folder.resolve("gcp-" + ACCOUNT + "-key"), key);
            return folder;
        } catch (IOException unwritable) {
            throw new java.io.UncheckedIOException(unwritable);
        }
    }
}
