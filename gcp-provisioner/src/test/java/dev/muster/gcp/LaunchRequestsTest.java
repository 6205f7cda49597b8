package dev.muster.gcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.cloud.compute.v1.InstanceProperties;
import com.google.protobuf.util.JsonFormat;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.LaunchSettings;
import dev.muster.provisioner.spi.LaunchSettings.Gcp;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.ProviderException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What Google is asked for, field by field. */
class LaunchRequestsTest {

    private static final GcpAccounts ACCOUNTS = new GcpAccounts(Map.of("research",
            new GcpAccounts.Account("lab-4711", Optional.empty(), Optional.of("ml-base"), List.of())), account -> null);

    private final LaunchRequests requests = new LaunchRequests("lab", ACCOUNTS);

    @Test
    void aBatchIsOneCallWhoseMachinesHaveTheirIdsAsNames() throws ProviderException {
        var batch = Batches.of(Batches.OFFER, 3, LaunchSettings.DEFAULTS);

        var sent = requests.of(batch);

        assertThat(sent.getCount()).isEqualTo(3);
        assertThat(sent.getMinCount()).isEqualTo(1);
        assertThat(sent.getPerInstancePropertiesMap().keySet()).containsExactlyInAnyOrderElementsOf(batch.machineIds());
        assertThat(sent.getPerInstancePropertiesMap().values()).extracting(machine -> machine.getName()).containsExactlyInAnyOrderElementsOf(batch.machineIds());
    }

    @Test
    void aPoolThatSaysNothingGetsAMachineThatCleansUpAfterItself() throws Exception {
        var batch = Batches.of(LaunchSettings.DEFAULTS);

        assertThat(withoutScript(properties(batch))).isEqualTo(json("""
                {"machineType": "n1-standard-8",
                 "labels": {"muster-installation": "lab", "muster-fleet": "train", "muster-pool": "gpu", "muster-batch": "%s"},
                 "metadata": {"items": [{"key": "muster-mark", "value": "none:0"}, {"key": "muster-keep-until", "value": "1795881600@q1Sh-9_kTzOmUQ"},
                   {"key": "serial-port-logging-enable", "value": "true"}]},
                 "scheduling": {"automaticRestart": false, "provisioningModel": "STANDARD", "onHostMaintenance": "MIGRATE"},
                 "serviceAccounts": [{"email": "default", "scopes": ["https://www.googleapis.com/auth/cloud-platform"]}],
                 "networkInterfaces": [{"network": "global/networks/default", "accessConfigs": [{"type": "ONE_TO_ONE_NAT", "name": "External NAT"}]}],
                 "disks": [{"boot": true, "autoDelete": true, "initializeParams": {"diskType": "pd-balanced", "sourceImage": "projects/lab-4711/global/images/ml-base"}}]}
                """.formatted(batch.batchId())));
    }

    @Test
    void everyFieldOfASpecReachesGoogle() throws Exception {
        var gcp = new Gcp("nvidia-tesla-t4", 2, false, "ml@lab-4711.iam.gserviceaccount.com", List.of("devstorage.read_only", "https://www.googleapis.com/auth/logging.write"),
                List.of("egress", "ml"), Map.of("team", "vision"), false, 2, Optional.of(false), "Intel Skylake", "", Optional.of(Duration.ofHours(12)), "");
        var settings = new LaunchSettings("projects/deeplearning-platform-release/global/images/family/common-cu128-ubuntu-2204-nvidia-570",
                List.of(new LaunchSettings.Disk("", 200, "pd-ssd", 0, 0, "projects/lab-4711/locations/us-central1/keyRings/r/cryptoKeys/k", ""),
                        new LaunchSettings.Disk("data", 500, "hyperdisk-balanced", 4000, 300, "", "dataset")),
                Map.of("cost-center", "research"), Optional.empty(), Optional.of(gcp));
        var batch = Batches.of(new Offer(Batches.SCOPE, "us-central1-a", "projects/host/regions/us-central1/subnetworks/ml", "n1-standard-8", Offer.Market.ON_DEMAND), 1, settings);

        assertThat(withoutScript(properties(batch))).isEqualTo(json("""
                {"machineType": "n1-standard-8", "minCpuPlatform": "Intel Skylake",
                 "labels": {"cost-center": "research", "muster-installation": "lab", "muster-fleet": "train", "muster-pool": "gpu", "muster-batch": "%s"},
                 "metadata": {"items": [{"key": "team", "value": "vision"}, {"key": "muster-mark", "value": "none:0"},
                   {"key": "muster-keep-until", "value": "1795881600@q1Sh-9_kTzOmUQ"}, {"key": "serial-port-logging-enable", "value": "true"}]},
                 "tags": {"items": ["egress", "ml"]},
                 "guestAccelerators": [{"acceleratorType": "nvidia-tesla-t4", "acceleratorCount": 2}],
                 "scheduling": {"automaticRestart": false, "provisioningModel": "STANDARD", "onHostMaintenance": "TERMINATE",
                   "maxRunDuration": {"seconds": "43200"}, "instanceTerminationAction": "STOP"},
                 "serviceAccounts": [{"email": "ml@lab-4711.iam.gserviceaccount.com",
                   "scopes": ["https://www.googleapis.com/auth/devstorage.read_only", "https://www.googleapis.com/auth/logging.write"]}],
                 "networkInterfaces": [{"subnetwork": "projects/host/regions/us-central1/subnetworks/ml"}],
                 "disks": [
                   {"boot": true, "autoDelete": true, "diskEncryptionKey": {"kmsKeyName": "projects/lab-4711/locations/us-central1/keyRings/r/cryptoKeys/k"},
                    "initializeParams": {"diskType": "pd-ssd", "diskSizeGb": "200",
                      "sourceImage": "projects/deeplearning-platform-release/global/images/family/common-cu128-ubuntu-2204-nvidia-570"}},
                   {"deviceName": "data", "autoDelete": true, "initializeParams": {"diskType": "hyperdisk-balanced", "diskSizeGb": "500",
                      "provisionedIops": "4000", "provisionedThroughput": "300", "sourceSnapshot": "projects/lab-4711/global/snapshots/dataset"}},
                   {"type": "SCRATCH", "interface": "NVME", "autoDelete": true, "initializeParams": {"diskType": "local-ssd"}},
                   {"type": "SCRATCH", "interface": "NVME", "autoDelete": true, "initializeParams": {"diskType": "local-ssd"}}]}
                """.formatted(batch.batchId())));
    }

    @Test
    void spotIsStoppedWhenItIsTakenBackAndNeverMoves() throws ProviderException {
        var scheduling = properties(Batches.of(Batches.SPOT, 1, LaunchSettings.DEFAULTS)).getScheduling();

        assertThat(List.of(scheduling.getProvisioningModel(), scheduling.getInstanceTerminationAction(), scheduling.getOnHostMaintenance()))
                .containsExactly("SPOT", "STOP", "TERMINATE");
    }

    @Test
    void spotMayBeBoughtAsPreemptible() throws ProviderException {
        var scheduling = properties(Batches.of(Batches.SPOT, 1, Batches.gcp(gcp -> new Gcp("", 0, true, "", List.of(), List.of(), Map.of(), true, 0,
                Optional.empty(), "", "", Optional.empty(), "")))).getScheduling();

        assertThat(scheduling.getPreemptible()).isTrue();
        assertThat(scheduling.hasProvisioningModel()).isFalse();
    }

    @Test
    void gpusAreAttachedOnlyToTypesThatTakeThem() throws ProviderException {
        var settings = Batches.gcp(gcp -> new Gcp("nvidia-tesla-t4", 1, false, "", List.of(), List.of(), Map.of(), true, 0, Optional.empty(), "", "", Optional.empty(), ""));
        var g2 = properties(Batches.of(new Offer(Batches.SCOPE, "us-central1-a", "", "g2-standard-8", Offer.Market.ON_DEMAND), 1, settings));

        assertThat(g2.getGuestAcceleratorsList()).isEmpty();
        assertThat(g2.getScheduling().getOnHostMaintenance()).isEqualTo("TERMINATE");
    }

    @Test
    void aMachineMayBeNoServiceAccount() throws ProviderException {
        assertThat(properties(Batches.of(Batches.gcp(gcp -> new Gcp("", 0, false, "none", List.of(), List.of(), Map.of(), true, 0, Optional.empty(), "", "",
                Optional.empty(), "")))).getServiceAccountsList()).isEmpty();
    }

    @Test
    void aTemplateKeepsWhatTheSpecDoesNotSay() throws ProviderException {
        var sent = requests.of(Batches.of(template("ml-gpu", "")));

        assertThat(sent.getSourceInstanceTemplate()).isEqualTo("projects/lab-4711/global/instanceTemplates/ml-gpu");
        var properties = sent.getInstanceProperties();
        assertThat(properties.getDisksList()).isEmpty();
        assertThat(properties.getNetworkInterfacesList()).isEmpty();
        assertThat(properties.getServiceAccountsList()).isEmpty();
        assertThat(properties.getMachineType()).isEqualTo("n1-standard-8");
    }

    @Test
    void disksBesideATemplateNeedAnImage() {
        var gcp = template("ml-gpu", "").gcp();
        var refused = catchThrowableOfType(ProviderException.class, () -> requests.of(Batches.of(new LaunchSettings("",
                List.of(new LaunchSettings.Disk("", 100, "", 0, 0)), Map.of(), Optional.empty(), gcp))));

        assertThat(refused.kind()).isEqualTo(FailureKind.INVALID_SPEC);
        assertThat(refused.getMessage()).contains("name the image too");
    }

    @Test
    void whatElseGoogleKnowsComesBelowWhatTheSpecAndMusterSay() throws Exception {
        var properties = properties(Batches.of(template("", """
                {"canIpForward": true, "machineType": "e2-micro", "labels": {"muster-fleet": "x", "team": "vision"},
                 "metadata": {"items": [{"key": "enable-oslogin", "value": "TRUE"}, {"key": "muster-mark", "value": "drain:9"}]},
                 "shieldedInstanceConfig": {"enableSecureBoot": true},
                 "disks": [{"boot": true, "initializeParams": {"diskType": "pd-ssd", "diskSizeGb": "77"}}]}""")));

        assertThat(properties.getCanIpForward()).isTrue();
        assertThat(properties.getShieldedInstanceConfig().getEnableSecureBoot()).isTrue();
        assertThat(properties.getMachineType()).isEqualTo("n1-standard-8");
        assertThat(properties.getLabelsMap()).containsEntry("muster-fleet", "train").containsEntry("team", "vision");
        assertThat(properties.getDisksList()).singleElement().satisfies(disk -> {
            assertThat(disk.getInitializeParams().getDiskSizeGb()).isEqualTo(77);
            assertThat(disk.getInitializeParams().getDiskType()).isEqualTo("pd-ssd");
            assertThat(disk.getInitializeParams().getSourceImage()).isEqualTo("projects/lab-4711/global/images/ml-base");
        });
        assertThat(GceNames.metadata(properties.getMetadata())).containsEntry("enable-oslogin", "TRUE").containsEntry("muster-mark", "none:0");
    }

    @Test
    void whatGoogleDoesNotKnowIsRefusedByName() {
        var refused = catchThrowableOfType(ProviderException.class, () -> requests.of(Batches.of(template("", "{\"canIpForwrad\": true}"))));

        assertThat(refused.kind()).isEqualTo(FailureKind.INVALID_SPEC);
        assertThat(refused.getMessage()).contains("canIpForwrad");
    }

    @Test
    void theSameBatchIsTheSameCall() throws ProviderException {
        var batch = Batches.of(LaunchSettings.DEFAULTS);

        assertThat(requests.of(batch)).isEqualTo(new LaunchRequests("lab", ACCOUNTS).of(batch));
    }

    private static LaunchSettings template(String template, String spec) {
        return Batches.gcp(gcp -> new Gcp("", 0, false, "", List.of(), List.of(), Map.of(), true, 0, Optional.empty(), "", template, Optional.empty(), spec));
    }

    private InstanceProperties properties(MachineBatch batch) throws ProviderException {
        return requests.of(batch).getInstanceProperties();
    }

    private static InstanceProperties withoutScript(InstanceProperties properties) {
        var metadata = GceNames.metadata(properties.getMetadata());
        assertThat(metadata.remove(GceNames.STARTUP_SCRIPT)).startsWith("#!/bin/sh\n# muster-boot-gzip\n");
        return properties.toBuilder().setMetadata(GceNames.metadata(metadata, "")).build();
    }

    private static InstanceProperties json(String json) throws Exception {
        var properties = InstanceProperties.newBuilder();
        JsonFormat.parser().merge(json, properties);
        return properties.build();
    }
}
