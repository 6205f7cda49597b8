package dev.muster.aws;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.muster.provisioner.spi.Await;
import dev.muster.provisioner.spi.CloudStatus;
import dev.muster.provisioner.spi.EndedBy;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.LaunchSettings;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.MachineProvider;
import dev.muster.provisioner.spi.MachineProviderContract;
import dev.muster.provisioner.spi.MachineRef;
import dev.muster.provisioner.spi.MachineSeen;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.sandbox.TimeScale;
import dev.muster.sandbox.ec2.Ec2Config;
import dev.muster.sandbox.ec2.Faults.ApiFault;
import dev.muster.sandbox.ec2.OfferFilter;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.ec2.model.DescribeInstancesRequest;
import software.amazon.awssdk.services.ec2.model.RunInstancesRequest;

/** The provider contract, kept by EC2 as the sandbox plays it, and what is EC2's alone. */
class Ec2MachinesTest extends MachineProviderContract {

    private Ec2StandIn ec2;

    @Override
    protected Cloud open() {
        ec2 = new Ec2StandIn();
        return new Cloud() {
            @Override
            public MachineProvider newProvider() {
                return ec2.machines();
            }

            @Override
            public Offer offer() {
                return Ec2StandIn.OFFER;
            }

            @Override
            public String image() {
                return "";
            }

            @Override
            public int liveMachines() {
                return ec2.server.books().live();
            }

            @Override
            public void capacity(int machines) {
                ec2.server.capacity().atMost(OfferFilter.type(offer().machineType()), machines);
            }

            @Override
            public boolean refuseNextLaunch(FailureKind kind) {
                var refusal = switch (kind) {
                    case OUT_OF_CAPACITY -> new ApiFault.Refuse(500, "InsufficientInstanceCapacity", "none left");
                    case QUOTA_EXCEEDED -> new ApiFault.Refuse(400, "VcpuLimitExceeded", "too many");
                    case THROTTLED -> new ApiFault.Refuse(503, "RequestLimitExceeded", "too often");
                    case UNAVAILABLE -> new ApiFault.Refuse(500, "InternalError", "sorry");
                    case UNAUTHORIZED -> new ApiFault.Refuse(403, "UnauthorizedOperation", "not you");
                    case INVALID_SPEC -> new ApiFault.Refuse(400, "InvalidAMIID.NotFound", "no such image");
                    // Said only by the host.
                    case EXPIRED -> null;
                };
                if (refusal != null) {
                    ec2.server.faults().onCall("RunInstances", 1, refusal);
                }
                return refusal != null;
            }

            @Override
            public void loseNextLaunchAnswer() {
                ec2.server.faults().onCall("RunInstances", 1, new ApiFault.LoseAnswer(true));
            }

            @Override
            public void failNextList() {
                ec2.server.faults().onCall("DescribeInstances", 1, new ApiFault.Refuse(503, "Unavailable", "down"));
            }

            @Override
            public void powerOff(String cloudId) {
                ec2.hardware(cloudId).powerOff();
            }

            @Override
            public String strange() {
                var id = ec2.api().runInstances(RunInstancesRequest.builder().minCount(1).maxCount(1).instanceType("m5.large")
                        .imageId(dev.muster.sandbox.ec2.Ec2Config.UBUNTU.id()).build()).instances().get(0).instanceId();
                // EC2 does not describe an instance at once; one that is taken over has long been there.
                Await.until(() -> ec2.api().describeInstances(DescribeInstancesRequest.builder().build()),
                        answer -> answer.reservations().stream().flatMap(reservation -> reservation.instances().stream())
                                .anyMatch(instance -> instance.instanceId().equals(id)));
                return id;
            }

            @Override
            public void close() {
                ec2.close();
            }
        };
    }

    private MachineBatch like(MachineBatch batch, Offer offer, long maxPrice, LaunchSettings settings) {
        return new MachineBatch(batch.batchId(), batch.machineIds(), batch.fleet(), batch.pool(), offer, maxPrice, settings, batch.boot(),
                batch.keepUntil());
    }

    @Test
    void aThousandMachinesTakeTenLaunchCalls() throws ProviderException {
        var provider = ec2.machines();

        for (int i = 0; i < 10; i++) {
            launched(provider, batch(MachineBatch.MOST));
        }

        assertThat(ec2.server.books().launchCalls()).hasSize(10);
        assertThat(ec2.server.books().live()).isEqualTo(1_000);
    }

    /** Version 2 alone, with tags for the guard, and a hop more than the machine itself needs: a task in a container may use the machine's identity. */
    @Test
    void metadataIsOfVersion2AndReachesContainers() throws ProviderException {
        var machine = ec2.machines().launch(batch(1)).machines().get(0);
        var seen = Await.until(() -> ec2.api().describeInstances(DescribeInstancesRequest.builder().build()),
                answer -> answer.reservations().stream().anyMatch(reservation -> !reservation.instances().isEmpty()));

        var instance = seen.reservations().get(0).instances().get(0);
        assertThat(instance.instanceId()).isEqualTo(machine.cloudId());
        assertThat(instance.metadataOptions().httpTokensAsString()).isEqualTo("required");
        assertThat(instance.metadataOptions().httpPutResponseHopLimit()).isEqualTo(2);
        assertThat(instance.metadataOptions().instanceMetadataTagsAsString()).isEqualTo("enabled");
    }

    @Test
    void aConsoleIsReadAsItWasWritten() throws ProviderException {
        var provider = ec2.machines();
        var machine = provider.launch(batch(1)).machines().get(0);
        ec2.hardware(machine.cloudId()).writeConsole("MUSTER-BOOT-FAILED step=agent reason=größer als 76 Zeichen, damit EC2s Umbrüche eine Rolle spielen würden");

        assertThat(provider.console(machine.ref())).endsWith("eine Rolle spielen würden\n");
        var unknown = new MachineRef(machine.ref().scope(), machine.machineId(), "i-00000000000000000");
        assertThat(catchThrowableOfType(ProviderException.class, () -> provider.console(unknown))).isNotNull();
    }

    @Test
    void aMachineWithoutPowerIsImpairedAndStaysSoWhileEc2SaysNothingOfItsChecks() throws Exception {
        // EC2 finds out a tenth of a second after, and is asked for it with each list.
        var nanos = new AtomicLong();
        try (var fast = new Ec2StandIn(Ec2Config.defaults().withTimeScale(new TimeScale(600)).withDescribeDelay(Duration.ofMillis(20)))) {
            var provider = new Ec2Machines(fast.accounts(), "lab", () -> nanos.addAndGet(Ec2Checks.EVERY.toNanos()));
            var started = provider.launch(batch(2)).machines();
            var cut = started.get(0).cloudId();
            Await.until(() -> statuses(provider), seen -> Map.of(cut, CloudStatus.RUNNING, started.get(1).cloudId(), CloudStatus.RUNNING).equals(seen));

            fast.server.die(cut);
            var impaired = Map.of(cut, CloudStatus.IMPAIRED, started.get(1).cloudId(), CloudStatus.RUNNING);
            Await.until(() -> statuses(provider), impaired::equals);

            fast.server.faults().onCall("DescribeInstanceStatus", 1, new ApiFault.Refuse(503, "Unavailable", "down"));
            assertThat(statuses(provider)).isEqualTo(impaired);

            // As a launch that is asked for again shows it, too.
            assertThat(provider.find(Ec2StandIn.SCOPE, started.get(0).batchId(), 2).machines()).extracting(MachineSeen::status)
                    .containsExactlyInAnyOrder(CloudStatus.IMPAIRED, CloudStatus.RUNNING);
        }
    }

    @Test
    void aMachineThatSomebodyStoppedIsShownStoppedAndCanBeEnded() throws ProviderException {
        var provider = ec2.machines();
        var machine = provider.launch(batch(1)).machines().get(0);
        ec2.hardware(machine.cloudId());
        ec2.server.stop(machine.cloudId());

        var stopped = Await.until(() -> provider.list(Ec2StandIn.SCOPE).machines(), list -> list.size() == 1 && list.get(0).status() == CloudStatus.STOPPED);

        assertThat(stopped.get(0).endedBy()).isEqualTo(EndedBy.ASKED);
        provider.terminate(machine.ref());
        Await.until(() -> statuses(provider), Map.of(machine.cloudId(), CloudStatus.TERMINATED)::equals);
    }

    private static Map<String, CloudStatus> statuses(MachineProvider provider) throws ProviderException {
        return provider.list(Ec2StandIn.SCOPE).machines().stream().collect(Collectors.toMap(MachineSeen::cloudId, MachineSeen::status));
    }

    @Test
    void manyEndsAreFewCalls() throws ProviderException {
        var provider = ec2.machines();
        var machines = provider.launch(batch(50)).machines();
        ec2.server.faults().onCall("TerminateInstances", 1, new ApiFault.Slow(java.time.Duration.ofMillis(100)));

        var threads = machines.stream().map(machine -> new Thread(() -> {
            try {
                provider.terminate(machine.ref());
            } catch (ProviderException failed) {
                throw new AssertionError(failed);
            }
        })).toList();
        threads.forEach(Thread::start);
        threads.forEach(thread -> Await.until(thread::isAlive, alive -> !alive));

        Await.until(() -> ec2.server.books().live(), live -> live == 0);
    }

    @Test
    void aSpotMachineHasAMaximumPrice() throws ProviderException {
        var batch = batch(1);
        var spot = new Offer(Ec2StandIn.SCOPE, "us-east-1b", "", "m5.large", Offer.Market.SPOT);

        var machine = ec2.machines().launch(like(batch, spot, 90_000, batch.settings())).machines().get(0);

        assertThat(machine.offer().market()).isEqualTo(Offer.Market.SPOT);
        assertThat(machine.offer().zone()).isEqualTo("us-east-1b");
        assertThat(ec2.server.books().launchCalls().get(0).market()).isEqualTo(OfferFilter.SPOT);
    }

    @Test
    void aSpotPriceAboveTheMaximumIsOutOfCapacity() {
        var spot = new Offer(Ec2StandIn.SCOPE, "us-east-1b", "", "m5.large", Offer.Market.SPOT);
        var batch = batch(1);

        var refused = catchThrowableOfType(ProviderException.class, () -> ec2.machines().launch(like(batch, spot, 1, batch.settings())));

        assertThat(refused.kind()).isEqualTo(FailureKind.OUT_OF_CAPACITY);
    }

    @Test
    void aTagKeyThatMachinesCouldNotReadIsRefusedWithItsFix() {
        var batch = batch(1);
        var settings = new LaunchSettings("", List.of(), Map.of("cost center", "x"), Optional.empty());

        var refused = catchThrowableOfType(ProviderException.class, () -> ec2.machines().launch(like(batch, batch.offer(), 0, settings)));

        assertThat(refused.kind()).isEqualTo(FailureKind.INVALID_SPEC);
        assertThat(refused.getMessage()).contains("'cost center'", "rename it");
        assertThat(ec2.server.books().launchCalls()).isEmpty();
    }

    @Test
    void disksAreEncryptedAndTheRootDeviceIsLookedUp() throws ProviderException {
        var batch = batch(1);
        var settings = new LaunchSettings("", List.of(new LaunchSettings.Disk("", 100, "", 0, 0)), Map.of(), Optional.empty());

        assertThat(ec2.machines().launch(like(batch, batch.offer(), 0, settings)).machines()).hasSize(1);
    }

    @Test
    void anUnknownAccountIsRefusedWithItsFix() {
        var batch = batch(1);
        var offer = new Offer(new dev.muster.provisioner.spi.Scope("aws", "other", "us-east-1"), "", "", "m5.large", Offer.Market.ON_DEMAND);

        var refused = catchThrowableOfType(ProviderException.class, () -> ec2.machines().launch(like(batch, offer, 0, batch.settings())));

        assertThat(refused.kind()).isEqualTo(FailureKind.INVALID_SPEC);
        assertThat(refused.getMessage()).contains("muster.aws.accounts.other");
    }

    @Test
    void aRotatedKeyIsUsedWithoutARestart() throws Exception {
        var provider = ec2.machines();
        provider.check(Ec2StandIn.SCOPE);
        var key = ec2.secrets().resolve("aws-" + Ec2StandIn.ACCOUNT + "-access-key-id");

        java.nio.file.Files.writeString(key, "UNKNOWNKEY");
        var refused = catchThrowableOfType(ProviderException.class, () -> provider.check(Ec2StandIn.SCOPE));
        java.nio.file.Files.writeString(key, dev.muster.sandbox.ec2.Ec2Config.ACCESS_KEY);

        assertThat(refused.kind()).isEqualTo(FailureKind.UNAUTHORIZED);
        provider.check(Ec2StandIn.SCOPE);
    }

    @Test
    void noServerIsUnavailable() {
        var provider = ec2.machines();
        var batch = batch(1);
        ec2.server.close();

        var failed = catchThrowableOfType(ProviderException.class, () -> provider.launch(batch));

        assertThat(failed.kind()).isEqualTo(FailureKind.UNAVAILABLE);
    }

    @Test
    void aMachineReadsItsBootScriptAsItWasWritten() throws ProviderException {
        var machine = ec2.machines().launch(batch(1, plan("s'e$(c)`r`\"et"))).machines().get(0);

        var script = ec2.hardware(machine.cloudId()).userData();

        assertThat(script).startsWith("#!/bin/sh").contains("clearml.secret-key=s'e$(c)`r`\"et\n", "worker.prefix=lab-train:gpu:any\n");
    }

    @Test
    void noSecretShowsInLogsOrFailuresOrText() throws ProviderException {
        var batch = batch(1, plan("TOPSECRET"));
        var said = new StringBuffer();
        var handler = new Handler() {
            @Override
            public void publish(LogRecord record) {
                said.append(record.getMessage()).append(Arrays.toString(record.getParameters())).append(record.getThrown());
            }

            @Override
            public void flush() {
                // Nothing is held back.
            }

            @Override
            public void close() {
                // Nothing is open.
            }
        };
        var root = Logger.getLogger("");
        root.addHandler(handler);
        try {
            var provider = ec2.machines();
            provider.launch(batch);
            listed(1);
            provider.launch(like(batch, new Offer(Ec2StandIn.SCOPE, "us-east-1b", "", "m5.large", Offer.Market.ON_DEMAND), 0, batch.settings()));
            ec2.server.faults().onCall("RunInstances", 1, new ApiFault.Refuse(400, "InvalidParameterValue", "no"));
            var refused = catchThrowableOfType(ProviderException.class, () -> provider.launch(batch));
            said.append(refused).append(refused.getCause()).append(batch).append(provider).append(ec2.accounts());
        } finally {
            root.removeHandler(handler);
        }

        assertThat(said.toString()).contains("lab-train", "asked for before").doesNotContain("TOPSECRET")
                .doesNotContain(java.util.Base64.getEncoder().encodeToString("TOPSECRET".getBytes()));
    }

    @Test
    void tagsAreInTheLaunchCall() throws ProviderException {
        var batch = batch(2);

        ec2.machines().launch(batch);

        assertThat(ec2.server.books().instances(java.time.Instant.now())).allSatisfy(entry -> {
            assertThat(entry.clientToken()).isEqualTo(batch.batchId());
            assertThat(entry.tags()).containsEntry("muster-installation", "lab").containsEntry("muster-fleet", FLEET)
                    .containsEntry("muster-pool", POOL).containsEntry("muster-batch", batch.batchId()).containsEntry("muster-mark", "none:0")
                    .containsEntry("muster-keep-until", KEEP.text()).containsEntry("cost-center", "research").containsKey("Name");
        });
    }

    @Test
    void anotherInstallationsMachinesAreNotShown() throws ProviderException {
        ec2.machines().launch(batch(1));

        var other = new Ec2Machines(ec2.accounts(), "field");

        assertThat(listed(1)).hasSize(1);
        assertThat(other.list(Ec2StandIn.SCOPE).machines()).isEmpty();
    }

    @Test
    void marksOfManyMachinesAreWrittenTogether() throws ProviderException {
        var provider = ec2.machines();
        var machines = provider.launch(batch(20)).machines();
        listed(20);

        IntStream.range(0, 20).parallel().forEach(i -> {
            try {
                provider.mark(machines.get(i).ref(), new dev.muster.provisioner.spi.Mark(dev.muster.provisioner.spi.Mark.Word.DRAIN, 1));
            } catch (ProviderException failed) {
                throw new AssertionError(failed);
            }
        });

        assertThat(listed(20)).extracting(MachineSeen::mark)
                .containsOnly(new dev.muster.provisioner.spi.Mark(dev.muster.provisioner.spi.Mark.Word.DRAIN, 1));
    }
}
