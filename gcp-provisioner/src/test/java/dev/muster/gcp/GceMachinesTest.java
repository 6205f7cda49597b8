package dev.muster.gcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.cloud.compute.v1.BulkInsertInstanceRequest;
import com.google.cloud.compute.v1.BulkInsertInstanceResource;
import com.google.cloud.compute.v1.Instance;
import com.google.cloud.compute.v1.GetInstanceRequest;
import dev.muster.provisioner.spi.Await;
import dev.muster.provisioner.spi.CloudStatus;
import dev.muster.provisioner.spi.EndedBy;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.KeepUntil;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.MachineProvider;
import dev.muster.provisioner.spi.MachineProviderContract;
import dev.muster.provisioner.spi.MachineRef;
import dev.muster.provisioner.spi.MachineSeen;
import dev.muster.provisioner.spi.Mark;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.TypeSeen;
import dev.muster.sandbox.gce.Books;
import dev.muster.sandbox.gce.Capacity;
import dev.muster.sandbox.gce.Faults.ApiFault;
import dev.muster.sandbox.gce.Faults.LaunchFault;
import dev.muster.sandbox.gce.GceConfig;
import dev.muster.sandbox.gce.OfferFilter;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What every provider must do, and what only Compute Engine's has to. */
class GceMachinesTest extends MachineProviderContract {

    private GceStandIn gce;
    private final AtomicInteger strangers = new AtomicInteger();

    @Override
    protected Cloud open() {
        gce = new GceStandIn();
        return new Cloud() {

            @Override
            public MachineProvider newProvider() {
                return gce.machines();
            }

            @Override
            public Offer offer() {
                return Batches.OFFER;
            }

            @Override
            public String image() {
                return GceStandIn.IMAGE;
            }

            @Override
            public int liveMachines() {
                return gce.server.books().live();
            }

            @Override
            public void capacity(int machines) {
                gce.server.capacity().atMost(OfferFilter.type(offer().machineType()), machines);
            }

            @Override
            public boolean refuseNextLaunch(FailureKind kind) {
                var refusal = switch (kind) {
                    case QUOTA_EXCEEDED -> new ApiFault.Refuse(403, "quotaExceeded", "Quota 'CPUS' exceeded.  Limit: 24.0 in region us-central1.");
                    case THROTTLED -> ApiFault.Refuse.rateLimited(403);
                    case UNAVAILABLE -> new ApiFault.Refuse(503, "backendError", "sorry");
                    case UNAUTHORIZED -> new ApiFault.Refuse(403, "forbidden", "Required 'compute.instances.create' permission");
                    case INVALID_SPEC -> new ApiFault.Refuse(400, "invalid", "Invalid value for field 'resource.disks'");
                    // Said by an operation, as in other cases here, and only by the host.
                    case OUT_OF_CAPACITY, EXPIRED -> null;
                };
                if (refusal != null) {
                    gce.server.faults().onCall("instances.bulkInsert", 1, refusal);
                }
                return refusal != null;
            }

            @Override
            public void loseNextLaunchAnswer() {
                gce.server.faults().onCall("instances.bulkInsert", 1, new ApiFault.LoseAnswer(true));
            }

            @Override
            public void failNextList() {
                gce.server.faults().onCall("instances.aggregatedList", 1, new ApiFault.Refuse(503, "backendError", "down"));
            }

            @Override
            public void powerOff(String cloudId) {
                gce.hardware(cloudId).powerOff();
            }

            @Override
            public CloudStatus off() {
                return CloudStatus.STOPPED;
            }

            @Override
            public String strange() {
                return GceMachinesTest.this.strange("desk-" + strangers.incrementAndGet(), "us-central1-a");
            }

            @Override
            public void close() {
                gce.close();
            }
        };
    }

    /** A machine that somebody else started. */
    private String strange(String name, String zone) {
        try {
            var like = new LaunchRequests("lab", gce.accounts()).of(batch(1));
            var api = gce.accounts().api(Batches.SCOPE);
            var properties = like.getInstanceProperties().toBuilder().clearLabels().clearMetadata();
            api.bulkInsert(BulkInsertInstanceRequest.newBuilder().setProject(GceConfig.PROJECT).setZone(zone).setBulkInsertInstanceResourceResource(
                    BulkInsertInstanceResource.newBuilder().setCount(1).setInstanceProperties(properties).putPerInstanceProperties(name,
                            com.google.cloud.compute.v1.BulkInsertInstanceResourcePerInstanceProperties.newBuilder().setName(name).build()).build()).build());
            Await.until(() -> instance(name, zone), instance -> instance.getStatus().equals("RUNNING"));
            return name;
        } catch (ProviderException failed) {
            throw new AssertionError(failed);
        }
    }

    private Instance instance(String name, String zone) throws ProviderException {
        try {
            return gce.accounts().api(Batches.SCOPE).instance(GetInstanceRequest.newBuilder().setProject(GceConfig.PROJECT).setZone(zone).setInstance(name).build());
        } catch (com.google.api.gax.rpc.ApiException notYet) {
            return Instance.getDefaultInstance();
        }
    }

    private static MachineBatch at(MachineBatch batch, Offer offer) {
        return new MachineBatch(batch.batchId(), batch.machineIds(), batch.fleet(), batch.pool(), offer, 0, batch.settings(), batch.boot(), batch.keepUntil());
    }

    private static Map<String, CloudStatus> statuses(MachineProvider provider) throws ProviderException {
        return provider.list(Batches.SCOPE).machines().stream().collect(Collectors.toMap(MachineSeen::cloudId, MachineSeen::status));
    }

    private MachineSeen listedUntil(MachineProvider provider, java.util.function.Predicate<MachineSeen> wanted) {
        return Await.until(() -> provider.list(Batches.SCOPE).machines().stream().findFirst().orElse(null), seen -> seen != null && wanted.test(seen));
    }

    @Test
    void aThousandMachinesTakeTenLaunchCalls() throws ProviderException {
        var provider = gce.machines();

        for (int i = 0; i < 10; i++) {
            launched(provider, batch(MachineBatch.MOST));
        }

        assertThat(gce.server.books().launchCalls()).hasSize(10);
        assertThat(gce.server.books().live()).isEqualTo(1_000);
    }

    @Test
    void aStockOutIsTheOperationsAndNamesTheZonesThatHaveIt() {
        gce.server.capacity().none(OfferFilter.type("n1-standard-8").inZone("us-central1-a"));

        var refused = catchThrowableOfType(ProviderException.class, () -> launched(gce.machines(), batch(2)));

        assertThat(refused.kind()).isEqualTo(FailureKind.OUT_OF_CAPACITY);
        assertThat(refused.code()).isEqualTo("ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS");
        assertThat(refused.getMessage()).contains("Google says that these have it: ").contains("us-central1-b");
        assertThat(gce.server.books().live()).isZero();
    }

    @Test
    void addressesThatRunOutAreToldApart() {
        gce.server.capacity().noAddresses("us-central1");

        var refused = catchThrowableOfType(ProviderException.class, () -> launched(gce.machines(), batch(1)));

        assertThat(List.of(refused.kind(), refused.code())).containsExactly(FailureKind.OUT_OF_CAPACITY, "IP_SPACE_EXHAUSTED");
    }

    @Test
    void aQuotaIsToldByTheCallAndByTheOperation() {
        gce.server.capacity().quota("us-central1", "CPUS", 8.0);
        for (var how : Capacity.QuotaRefusal.values()) {
            gce.server.capacity().quotaRefusal(how);

            var refused = catchThrowableOfType(ProviderException.class, () -> launched(gce.machines(),
                    at(batch(1), new Offer(Batches.SCOPE, "us-central1-a", "", "n1-standard-16", Offer.Market.ON_DEMAND))));

            assertThat(refused.kind()).as(how.name()).isEqualTo(FailureKind.QUOTA_EXCEEDED);
            assertThat(refused.getMessage()).as(how.name()).contains("CPUS");
        }
    }

    @Test
    void aBatchThatAQuotaLetsThroughInPartSaysWhyTheRestIsMissing() throws ProviderException {
        gce.server.capacity().quotaRefusal(Capacity.QuotaRefusal.BY_OPERATION);
        gce.server.capacity().quota("us-central1", "CPUS", 16.0);

        var delivery = launched(gce.machines(), batch(3));

        assertThat(delivery.machines()).hasSize(2);
        assertThat(delivery.undelivered()).containsExactly(2);
        assertThat(delivery.why().map(ProviderException::kind)).contains(FailureKind.QUOTA_EXCEEDED);
    }

    @Test
    void anOperationThatFailsLateIsRefusedAndItsMachineIsNeverShown() throws Exception {
        try (var slow = new GceStandIn(GceConfig.defaults().withProvisionTime(Duration.ofMillis(600)))) {
            slow.server.faults().onLaunch(OfferFilter.any(), 1, LaunchFault.Fail.internalError());
            var provider = slow.machines();
            var batch = batch(1);

            var underWay = catchThrowableOfType(ProviderException.class, () -> provider.launch(batch));
            var listed = provider.list(Batches.SCOPE);
            var refused = catchThrowableOfType(ProviderException.class, () -> launched(provider, batch));

            assertThat(underWay.again()).isPresent();
            assertThat(listed.machines()).isEmpty();
            assertThat(List.of(refused.kind(), refused.code())).containsExactly(FailureKind.OUT_OF_CAPACITY, "INTERNAL_ERROR");
            assertThat(refused.again()).isEmpty();
            assertThat(provider.list(Batches.SCOPE).machines()).isEmpty();
        }
    }

    @Test
    void aLaunchWithoutAZoneLeavesItToGoogle() throws ProviderException {
        gce.server.capacity().none(OfferFilter.type("n1-standard-8").inZone("us-central1-a"));

        var delivery = launched(gce.machines(), at(batch(2), new Offer(Batches.SCOPE, "", "", "n1-standard-8", Offer.Market.ON_DEMAND)));

        assertThat(delivery.undelivered()).isEmpty();
        assertThat(delivery.machines()).extracting(machine -> machine.offer().zone()).doesNotContain("us-central1-a").doesNotContain("");
        assertThat(gce.server.books().launchCalls()).extracting(Books.LaunchCall::method).containsExactly("regionInstances.bulkInsert");
    }

    @Test
    void aNameThatAStrangerHasIsNotTaken() throws ProviderException {
        var batch = batch(1);
        strange(batch.batchId(), "us-central1-a");

        var refused = catchThrowableOfType(ProviderException.class, () -> launched(gce.machines(), batch));

        assertThat(refused.kind()).isEqualTo(FailureKind.INVALID_SPEC);
        assertThat(refused.getMessage()).contains("not Muster's");
        assertThat(gce.server.books().live()).isEqualTo(1);
    }

    @Test
    void aRequestThatGoogleForgotFindsItsMachinesByTheirNames() throws ProviderException {
        var batch = batch(2);
        launched(gce.machines(), batch);
        gce.server.forgetRequests();

        var again = launched(gce.machines(), batch);

        assertThat(again.machines()).extracting(MachineSeen::machineId).containsExactlyElementsOf(batch.machineIds());
        assertThat(gce.server.books().live()).isEqualTo(2);
    }

    @Test
    void aZoneThatCannotBeReachedIsUnknownAndTheOthersAreKnown() throws ProviderException {
        var provider = gce.machines();
        var here = launched(provider, batch(1)).machines().get(0);
        launched(provider, at(batch(1), new Offer(Batches.SCOPE, "us-central1-b", "", "n1-standard-8", Offer.Market.ON_DEMAND)));
        listed(2);

        gce.server.faults().outage("us-central1-b");
        var partly = provider.list(Batches.SCOPE);
        gce.server.faults().outage("europe-west4-a");
        gce.server.faults().reachable("us-central1-b");
        var whole = provider.list(Batches.SCOPE);

        assertThat(partly.machines()).extracting(MachineSeen::cloudId).containsExactly(here.cloudId());
        assertThat(partly.incomplete().orElseThrow().kind()).isEqualTo(FailureKind.UNAVAILABLE);
        assertThat(partly.incomplete().get().getMessage()).contains("us-central1-b");
        assertThat(whole.machines()).hasSize(2);
        assertThat(whole.incomplete()).isEmpty();
    }

    @Test
    void aMachineThatPowersOffIsStoppedUntilItIsDeletedAndThenGone() throws ProviderException {
        var provider = gce.machines();
        var machine = launched(provider, batch(1)).machines().get(0);
        gce.hardware(machine.cloudId()).powerOff();

        var stopped = listedUntil(provider, seen -> seen.status() == CloudStatus.STOPPED && seen.endedBy() == EndedBy.INSIDE);
        assertThat(provider.terminate(stopped.ref())).isEqualTo(CloudStatus.SHUTTING_DOWN);

        var gone = listedUntil(provider, seen -> seen.status() == CloudStatus.TERMINATED);
        assertThat(gone.endedBy()).isEqualTo(EndedBy.INSIDE);
        assertThat(gce.server.books().instances(Instant.now()).get(0).gone()).isNotNull();
    }

    @Test
    void aPreemptedMachineSaysSo() throws ProviderException {
        var provider = gce.machines();
        var machine = launched(provider, at(batch(1), Batches.SPOT)).machines().get(0);
        gce.hardware(machine.cloudId());

        gce.server.preempt(machine.cloudId());

        assertThat(listedUntil(provider, seen -> seen.status() == CloudStatus.STOPPED && seen.endedBy() != EndedBy.UNKNOWN).endedBy())
                .isEqualTo(EndedBy.INTERRUPTED);
    }

    @Test
    void aPreemptedMachineRunsUntilItsHalfMinuteIsOver() throws Exception {
        try (var slow = new GceStandIn(GceConfig.defaults().withProvisionTime(Duration.ofMillis(30)).withStagingTime(Duration.ofMillis(30))
                .withPreemptionNotice(Duration.ofSeconds(3)).withShutdownTime(Duration.ofMillis(60)))) {
            var provider = slow.machines();
            var machine = launched(provider, at(batch(1), Batches.SPOT)).machines().get(0);
            slow.hardware(machine.cloudId());

            slow.server.preempt(machine.cloudId());
            var noticed = listedUntil(provider, seen -> seen.endedBy() == EndedBy.INTERRUPTED);

            assertThat(noticed.status()).isEqualTo(CloudStatus.RUNNING);
            listedUntil(provider, seen -> seen.status() == CloudStatus.STOPPED && seen.endedBy() == EndedBy.INTERRUPTED);
        }
    }

    @Test
    void aMachineWhoseHostFailedSaysSo() throws ProviderException {
        var provider = gce.machines();
        var machine = launched(provider, batch(1)).machines().get(0);
        gce.hardware(machine.cloudId());

        gce.server.hostError(machine.cloudId());

        assertThat(listedUntil(provider, seen -> seen.status() == CloudStatus.STOPPED && seen.endedBy() != EndedBy.UNKNOWN).endedBy()).isEqualTo(EndedBy.CLOUD);
    }

    @Test
    void aMachineThatSomebodyDeletedIsGoneAtOnce() throws ProviderException {
        var provider = gce.machines();
        var machine = launched(provider, batch(1)).machines().get(0);
        gce.hardware(machine.cloudId());
        listed(1);
        provider.list(Batches.SCOPE);

        gce.server.delete(machine.cloudId());

        assertThat(listedUntil(provider, seen -> seen.status() == CloudStatus.TERMINATED).endedBy()).isEqualTo(EndedBy.ASKED);
    }

    @Test
    void whatAMachineWroteOutlivesIt() throws ProviderException {
        var provider = gce.machines();
        var machine = launched(provider, batch(1)).machines().get(0);
        gce.hardware(machine.cloudId()).writeConsole("MUSTER-BOOT-FAILED step=agent reason=größer");

        assertThat(provider.console(machine.ref())).contains("reason=größer");
        provider.terminate(machine.ref());
        Await.until(() -> statuses(provider), Map.of(machine.cloudId(), CloudStatus.TERMINATED)::equals);

        assertThat(provider.console(machine.ref())).contains("reason=größer");
    }

    @Test
    void aMarkReachesTheMachineAndLeavesItsOtherMetadataAlone() throws ProviderException {
        var provider = gce.machines();
        var machine = launched(provider, batch(1)).machines().get(0);
        var before = GceNames.metadata(instance(machine.cloudId(), "us-central1-a"));

        decided(() -> provider.mark(machine.ref(), new Mark(Mark.Word.DRAIN, 3)));

        var after = GceNames.metadata(instance(machine.cloudId(), "us-central1-a"));
        before.put(GceNames.MARK, "drain:3");
        assertThat(after).isEqualTo(before).containsKey(GceNames.STARTUP_SCRIPT);
    }

    @Test
    void aRenewalThatCameTooLateUndoesNoMark() throws ProviderException {
        var provider = gce.machines();
        var machine = launched(provider, batch(1)).machines().get(0);
        listed(1);
        provider.list(Batches.SCOPE);
        decided(() -> gce.machines().mark(machine.ref(), new Mark(Mark.Word.DRAIN, 3)));

        // By what the list before the mark has shown.
        provider.renewKeepUntil(Batches.SCOPE, List.of(machine.cloudId()), new KeepUntil(KEEP.until().plusSeconds(60), KEEP.cluster()));

        var seen = provider.list(Batches.SCOPE).machines().get(0);
        assertThat(seen.mark()).isEqualTo(new Mark(Mark.Word.DRAIN, 3));
        assertThat(seen.keepUntil()).contains(KEEP);
    }

    @Test
    void aMachineOfWhichTwoZonesHaveTheNameIsNotGuessed() throws ProviderException {
        strange("desk", "us-central1-a");
        strange("desk", "us-central1-b");

        var refused = catchThrowableOfType(ProviderException.class, () -> gce.machines().terminate(new MachineRef(Batches.SCOPE, "a-desk", "desk")));

        assertThat(List.of(refused.kind(), refused.code())).containsExactly(FailureKind.INVALID_SPEC, "AmbiguousName");
        assertThat(gce.server.books().live()).isEqualTo(2);
    }

    @Test
    void aRevokedKeyIsUnauthorizedUntilAnotherIsThere() throws ProviderException {
        var provider = gce.machines();
        provider.check(Batches.SCOPE);
        gce.server.revokeAll();

        var refused = Await.until(() -> {
            try {
                provider.check(Batches.SCOPE);
                return null;
            } catch (ProviderException failed) {
                return failed;
            }
        }, failed -> failed != null);
        gce.key(gce.server.keyFile());

        assertThat(refused.kind()).isEqualTo(FailureKind.UNAUTHORIZED);
        provider.check(Batches.SCOPE);
    }

    @Test
    void aKeyFileThatIsNoneIsNamedAndNotQuoted() {
        gce.key("{\"type\": \"service_account\", \"private_key\": \"s3cret\"}");

        var refused = catchThrowableOfType(ProviderException.class, () -> gce.machines().check(Batches.SCOPE));

        assertThat(refused.kind()).isEqualTo(FailureKind.UNAUTHORIZED);
        assertThat(refused.getMessage()).contains("gcp-research-key").doesNotContain("s3cret");
    }

    @Test
    void aPermissionThatIsMissingIsUnauthorized() {
        gce.server.faults().deny("compute.instances.create");

        var refused = catchThrowableOfType(ProviderException.class, () -> launched(gce.machines(), batch(1)));

        assertThat(refused.kind()).isEqualTo(FailureKind.UNAUTHORIZED);
        assertThat(refused.getMessage()).contains("compute.instances.create");
    }

    @Test
    void typesAreWhatGoogleSaysTheyAre() throws ProviderException {
        assertThat(gce.machines().types(Batches.SCOPE, List.of("n1-standard-8", "g2-standard-8", "x9-huge"))).containsExactlyInAnyOrder(
                new TypeSeen("n1-standard-8", 8, 30_720, 0, "", "x86_64", true), new TypeSeen("g2-standard-8", 8, 32_768, 1, "nvidia-l4", "x86_64", true));
    }

    @Test
    void nothingSecretIsInTheProvidersWords() throws ProviderException {
        assertThat(gce.accounts().credentials(Batches.SCOPE.account()).toString()).isEqualTo("credentials of account research");
        assertThat(gce.accounts().toString()).doesNotContain("PRIVATE KEY");
    }
}
