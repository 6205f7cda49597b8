package dev.muster.provisioner.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.muster.provisioner.boot.BootPlan;
import dev.muster.provisioner.boot.Given;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What every provider must do, whatever its cloud. A provider's test extends this and says how its cloud is made to misbehave.
 * Cases tagged {@code conformance} ask nothing of the cloud but that it behaves, so that they also run against parts made elsewhere.
 */
public abstract class MachineProviderContract {

    protected static final String FLEET = "train";
    protected static final String POOL = "gpu";
    protected static final KeepUntil KEEP = new KeepUntil(Instant.parse("2026-03-01T12:00:00Z"), "q1Sh-9_kTzOmUQ");

    private static int batches;

    private Cloud cloud;
    private MachineProvider provider;

    /** The cloud under the provider, as a test must be able to handle it. */
    protected interface Cloud extends AutoCloseable {

        /** A provider that knows nothing yet, as after a restart. */
        MachineProvider newProvider();

        /** Something the cloud has. */
        Offer offer();

        /** An image the cloud has; empty where there are none. */
        String image();

        /** As the cloud's own books say. */
        int liveMachines();

        /** Room for so many live machines of the offer. */
        void capacity(int machines);

        /** What a launch is refused with where that room is used up. */
        default FailureKind full() {
            return FailureKind.OUT_OF_CAPACITY;
        }

        /** The next launch is refused with an error of the kind. @return false if the cloud has none such */
        boolean refuseNextLaunch(FailureKind kind);

        /** The next launch has its effect and is not answered. */
        void loseNextLaunchAnswer();

        /** The next list can't be read. */
        void failNextList();

        /** A machine powers off from inside. */
        void powerOff(String cloudId);

        /** How the cloud shows a machine that is off: gone, or standing still until it is ended. */
        default CloudStatus off() {
            return CloudStatus.TERMINATED;
        }

        /** A live machine without any of Muster's tags. @return its cloud id */
        String strange();

        @Override
        void close();
    }

    protected abstract Cloud open();

    @BeforeEach
    final void start() {
        cloud = open();
        provider = cloud.newProvider();
    }

    @AfterEach
    final void end() {
        if (cloud != null) {
            cloud.close();
        }
    }

    protected final Cloud cloud() {
        return cloud;
    }

    protected final MachineBatch batch(int size) {
        return batch(size, plan("s3cret"));
    }

    protected final MachineBatch batch(int size, BootPlan boot) {
        int first = 1_000 * ++batches;
        var ids = IntStream.range(first, first + size).mapToObj(i -> "mabcdefgh-" + i).toList();
        return new MachineBatch(ids.get(0), ids, FLEET, POOL, cloud.offer(), 0,
                new LaunchSettings(cloud.image(), List.of(), Map.of("cost-center", "research"), Optional.empty()), boot, KEEP);
    }

    protected static BootPlan plan(String secret) {
        return new BootPlan("lab-train:gpu:any", 1, List.of("0123456789abcdef0123456789abcdef"),
                new BootPlan.Hosts("http://api", "http://web", "http://files"), new BootPlan.Keys(Given.text("access"), Given.text(secret)), false, "", "3.0.3", false,
                new TreeMap<>(), Given.NOTHING, Given.NOTHING, Given.NOTHING, false, BootPlan.Storage.NONE, Optional.empty());
    }

    private Scope scope() {
        return cloud.offer().scope();
    }

    /** The launch's outcome: clouds may decide later. */
    protected static Delivery launched(MachineProvider provider, MachineBatch batch) throws ProviderException {
        return decided(() -> provider.launch(batch));
    }

    /** One call of a provider. */
    protected interface Call<R> {
        R make() throws ProviderException;
    }

    /** What came of it, once the cloud says so. */
    protected static <R> R decided(Call<R> call) throws ProviderException {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (true) {
            try {
                return call.make();
            } catch (ProviderException notYet) {
                if (notYet.again().isEmpty() || System.nanoTime() > deadline) {
                    throw notYet;
                }
                LockSupport.parkNanos(Math.min(notYet.again().get().toNanos(), 20_000_000));
            }
        }
    }

    /** The list, once it shows so many that are not gone: clouds show their machines a little later. */
    protected final List<MachineSeen> listed(int live) throws ProviderException {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (true) {
            var shown = provider.list(scope()).machines().stream().filter(machine -> !machine.status().isGone()
                    && machine.status() != CloudStatus.SHUTTING_DOWN).toList();
            if (shown.size() == live || System.nanoTime() > deadline) {
                assertThat(shown).hasSize(live);
                return shown;
            }
            LockSupport.parkNanos(20_000_000);
        }
    }

    private MachineSeen listedAs(String cloudId, CloudStatus... statuses) throws ProviderException {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (true) {
            var shown = provider.list(scope()).machines().stream().filter(machine -> machine.cloudId().equals(cloudId)).findFirst();
            if (shown.isPresent() && List.of(statuses).contains(shown.get().status()) || System.nanoTime() > deadline) {
                assertThat(shown).isPresent();
                assertThat(shown.get().status()).isIn((Object[]) statuses);
                return shown.get();
            }
            LockSupport.parkNanos(20_000_000);
        }
    }

    @Test
    @Tag("conformance")
    void checksAnAccountThatAnswers() throws ProviderException {
        provider.check(scope());
    }

    @Test
    @Tag("conformance")
    void launchesAMachineThatSaysWhoseItIs() throws ProviderException {
        var batch = batch(1);

        var delivery = launched(provider, batch);

        assertThat(delivery.undelivered()).isEmpty();
        assertThat(delivery.machines()).hasSize(1);
        var machine = delivery.machines().get(0);
        assertThat(machine.machineId()).isEqualTo(batch.batchId());
        assertThat(machine.fleet()).isEqualTo(FLEET);
        assertThat(machine.pool()).isEqualTo(POOL);
        assertThat(machine.mark()).isEqualTo(Mark.UNMARKED);
        assertThat(machine.keepUntil()).contains(KEEP);
        assertThat(machine.offer().machineType()).isEqualTo(cloud.offer().machineType());
        assertThat(machine.offer().market()).isEqualTo(cloud.offer().market());
        assertThat(listed(1).get(0).machineId()).isEqualTo(batch.batchId());
    }

    @Test
    void givesTheMachineWithLaunchIndexIThatPlacesId() throws ProviderException {
        var batch = batch(7);

        var delivery = launched(provider, batch);

        assertThat(delivery.machines()).extracting(MachineSeen::machineId).containsExactlyElementsOf(batch.machineIds());
        assertThat(delivery.machines()).extracting(MachineSeen::cloudId).doesNotHaveDuplicates();
    }

    @Test
    void launchingABatchAgainStartsNothingMore() throws ProviderException {
        var batch = batch(3);
        var first = launched(provider, batch);

        var second = launched(provider, batch);

        assertThat(second.machines()).extracting(MachineSeen::cloudId)
                .containsExactlyElementsOf(first.machines().stream().map(MachineSeen::cloudId).toList());
        assertThat(cloud.liveMachines()).isEqualTo(3);
    }

    @Test
    void launchingABatchAgainAfterACrashStartsNothingMore() throws ProviderException {
        var batch = batch(3);
        var first = launched(provider, batch);

        var second = launched(cloud.newProvider(), batch);

        assertThat(second.machines()).extracting(MachineSeen::cloudId)
                .containsExactlyElementsOf(first.machines().stream().map(MachineSeen::cloudId).toList());
        assertThat(cloud.liveMachines()).isEqualTo(3);
    }

    @Test
    void aLaunchWhoseAnswerIsLostIsAskedAgain() throws ProviderException {
        var batch = batch(2);
        cloud.loseNextLaunchAnswer();

        var lost = catchThrowableOfType(ProviderException.class, () -> launched(provider, batch));
        var delivery = launched(provider, batch);

        assertThat(lost.kind()).isEqualTo(FailureKind.UNAVAILABLE);
        assertThat(delivery.machines()).hasSize(2);
        assertThat(cloud.liveMachines()).isEqualTo(2);
    }

    @Test
    void otherParametersForOneTokenMeanThatItWasAskedBefore() throws ProviderException {
        var batch = batch(2, plan("old"));
        var first = launched(provider, batch);
        listed(2);
        var rotated = new MachineBatch(batch.batchId(), batch.machineIds(), FLEET, POOL, batch.offer(), 0, batch.settings(), plan("new"), KEEP);

        var second = launched(cloud.newProvider(), rotated);

        assertThat(second.machines()).extracting(MachineSeen::cloudId)
                .containsExactlyElementsOf(first.machines().stream().map(MachineSeen::cloudId).toList());
        assertThat(cloud.liveMachines()).isEqualTo(2);
    }

    @Test
    void whatACloudDoesNotDeliverIsNamedByItsIndex() throws ProviderException {
        cloud.capacity(2);

        var delivery = launched(provider, batch(5));

        assertThat(delivery.machines()).extracting(MachineSeen::launchIndex).containsExactly(0, 1);
        assertThat(delivery.undelivered()).containsExactly(2, 3, 4);
        assertThat(cloud.liveMachines()).isEqualTo(2);
    }

    @Test
    void aCloudWithNothingLeftStartsNothing() {
        cloud.capacity(0);

        var refused = catchThrowableOfType(ProviderException.class, () -> launched(provider, batch(2)));

        assertThat(refused.kind()).isEqualTo(cloud.full());
        assertThat(cloud.liveMachines()).isZero();
    }

    @ParameterizedTest
    @EnumSource(FailureKind.class)
    void refusalsAreSortedByWhatToDoAboutThem(FailureKind kind) {
        if (!cloud.refuseNextLaunch(kind)) {
            return;
        }

        var refused = catchThrowableOfType(ProviderException.class, () -> launched(provider, batch(1)));

        assertThat(refused.kind()).isEqualTo(kind);
        assertThat(refused.code()).isNotEmpty();
        assertThat(cloud.liveMachines()).isZero();
    }

    @Test
    void findsWhatWasAskedForWithoutAskingAgain() throws ProviderException {
        var batch = batch(2);
        launched(provider, batch);
        listed(2);

        var found = cloud.newProvider().find(scope(), batch.batchId(), 2);
        var nothing = provider.find(scope(), "mabcdefgh-999999", 2);

        assertThat(found.machines()).extracting(MachineSeen::machineId).containsExactlyElementsOf(batch.machineIds());
        assertThat(nothing.isEmpty()).isTrue();
        assertThat(cloud.liveMachines()).isEqualTo(2);
    }

    @Test
    @Tag("conformance")
    void endsAMachineAndMayBeToldTwice() throws ProviderException {
        var machine = launched(provider, batch(1)).machines().get(0);
        listed(1);

        var first = decided(() -> provider.terminate(machine.ref()));
        var second = decided(() -> provider.terminate(machine.ref()));

        assertThat(first).isIn(CloudStatus.SHUTTING_DOWN, CloudStatus.TERMINATED);
        assertThat(second).isIn(CloudStatus.SHUTTING_DOWN, CloudStatus.TERMINATED, CloudStatus.NOT_FOUND);
        assertThat(listedAs(machine.cloudId(), CloudStatus.TERMINATED).endedBy()).isIn(EndedBy.ASKED, EndedBy.UNKNOWN);
        listed(0);
    }

    @Test
    void endsAMachineThatIsNamedOnlyByItsId() throws ProviderException {
        var batch = batch(3);
        launched(provider, batch);
        listed(3);

        provider.terminate(new MachineRef(scope(), batch.machineIds().get(1), ""));

        assertThat(listed(2)).extracting(MachineSeen::machineId).containsExactlyInAnyOrder(batch.machineIds().get(0), batch.machineIds().get(2));
    }

    @Test
    @Tag("conformance")
    void endingAMachineThatIsNotThereIsASuccess() throws ProviderException {
        assertThat(decided(() -> provider.terminate(new MachineRef(scope(), "mabcdefgh-77", "i-0123456789abcdef0")))).isEqualTo(CloudStatus.NOT_FOUND);
    }

    @Test
    void oneUnknownMachineDoesNotKeepOthersFromEnding() throws Exception {
        var machines = launched(provider, batch(3)).machines();
        listed(3);
        var unknown = new MachineRef(scope(), "mabcdefgh-78", "i-0fedcba9876543210");

        var all = new java.util.ArrayList<MachineRef>(machines.stream().map(MachineSeen::ref).toList());
        all.add(1, unknown);
        all.parallelStream().forEach(ref -> {
            try {
                decided(() -> provider.terminate(ref));
            } catch (ProviderException failed) {
                throw new AssertionError(failed);
            }
        });

        listed(0);
    }

    @Test
    @Tag("conformance")
    void marksAMachineAndClearsTheMark() throws ProviderException {
        var machine = launched(provider, batch(1)).machines().get(0);
        listed(1);

        decided(() -> provider.mark(machine.ref(), new Mark(Mark.Word.DRAIN, 3)));
        var marked = listed(1).get(0).mark();
        decided(() -> provider.mark(machine.ref(), new Mark(Mark.Word.DRAIN, 3)));
        decided(() -> provider.mark(machine.ref(), new Mark(Mark.Word.NONE, 4)));
        var cleared = listed(1).get(0).mark();
        decided(() -> provider.mark(machine.ref(), new Mark(Mark.Word.DRAIN_NOW, 5)));
        var now = listed(1).get(0).mark();

        assertThat(marked).isEqualTo(new Mark(Mark.Word.DRAIN, 3));
        assertThat(cleared).isEqualTo(new Mark(Mark.Word.NONE, 4));
        assertThat(now).isEqualTo(new Mark(Mark.Word.DRAIN_NOW, 5));
    }

    @Test
    @Tag("conformance")
    void anOlderMarkIsIgnored() throws ProviderException {
        var machine = launched(provider, batch(1)).machines().get(0);
        listed(1);
        decided(() -> provider.mark(machine.ref(), new Mark(Mark.Word.DRAIN, 9)));

        decided(() -> provider.mark(machine.ref(), new Mark(Mark.Word.NONE, 8)));

        assertThat(listed(1).get(0).mark()).isEqualTo(new Mark(Mark.Word.DRAIN, 9));
    }

    @Test
    @Tag("conformance")
    void anOlderMarkIsIgnoredAlsoAfterARestart() throws ProviderException {
        var machine = launched(provider, batch(1)).machines().get(0);
        listed(1);
        decided(() -> provider.mark(machine.ref(), new Mark(Mark.Word.DRAIN, 9)));
        var restarted = cloud.newProvider();
        restarted.list(scope());

        decided(() -> restarted.mark(machine.ref(), new Mark(Mark.Word.NONE, 8)));

        assertThat(listed(1).get(0).mark()).isEqualTo(new Mark(Mark.Word.DRAIN, 9));
    }

    @Test
    void markingAMachineThatIsNotThereSaysSo() throws ProviderException {
        assertThat(decided(() -> provider.mark(new MachineRef(scope(), "mabcdefgh-79", "i-0123456789abcdef1"), new Mark(Mark.Word.DRAIN, 1))))
                .isEqualTo(CloudStatus.NOT_FOUND);
    }

    @Test
    @Tag("conformance")
    void lettingAMachineGoTakesItsKeepUntilAway() throws ProviderException {
        var machine = launched(provider, batch(1)).machines().get(0);
        listed(1);

        decided(() -> provider.mark(machine.ref(), new Mark(Mark.Word.RELEASED, 2)));

        var released = listed(1).get(0);
        assertThat(released.mark()).isEqualTo(new Mark(Mark.Word.RELEASED, 2));
        assertThat(released.keepUntil()).isEmpty();
    }

    @Test
    @Tag("conformance")
    void renewsKeepUntilOfMany() throws ProviderException {
        launched(provider, batch(1));
        launched(provider, batch(1));
        var ids = listed(2).stream().map(MachineSeen::cloudId).toList();
        var later = new KeepUntil(KEEP.until().plusSeconds(3_600), "another-cluster");

        provider.renewKeepUntil(scope(), ids, later);

        assertThat(listed(2)).allSatisfy(machine -> assertThat(machine.keepUntil()).contains(later));
    }

    @Test
    @Tag("conformance")
    void takesAMachineThatAnotherHandLaunched() throws ProviderException {
        var cloudId = cloud.strange();
        assertThat(provider.list(scope()).machines()).isEmpty();

        var adoption = decided(() -> provider.adopt(wish(cloudId, FLEET)));

        var adopted = listed(1).get(0);
        assertThat(adopted.machineId()).isEqualTo(MachineIds.ADOPTED + cloudId);
        assertThat(adopted.fleet()).isEqualTo(FLEET);
        assertThat(adopted.pool()).isEqualTo(POOL);
        assertThat(adoption.machine().map(MachineSeen::ref)).contains(adopted.ref());
        assertThat(adoption.machine().map(MachineSeen::offer)).contains(adopted.offer());
        // A command may be read twice.
        assertThat(decided(() -> provider.adopt(wish(cloudId, FLEET))).machine()).isPresent();
        assertThat(listed(1).get(0).machineId()).isEqualTo(MachineIds.ADOPTED + cloudId);
    }

    @Test
    @Tag("conformance")
    void leavesAMachineToTheFleetThatHadItFirst() throws ProviderException {
        var cloudId = cloud.strange();
        decided(() -> provider.adopt(wish(cloudId, "first")));

        var adoption = decided(() -> provider.adopt(wish(cloudId, "second")));

        assertThat(adoption.refusal()).isEqualTo(Adoption.Refusal.OF_ANOTHER);
        assertThat(adoption.detail()).contains("fleet first");
        assertThat(listed(1).get(0).fleet()).isEqualTo("first");
    }

    @Test
    @Tag("conformance")
    void takesNoMachineOfItsOwnTwice() throws ProviderException {
        var machine = launched(provider, batch(1)).machines().get(0);
        listed(1);

        assertThat(decided(() -> provider.adopt(wish(machine.cloudId(), FLEET))).refusal()).isEqualTo(Adoption.Refusal.OF_ANOTHER);
        assertThat(listed(1).get(0).machineId()).isEqualTo(machine.machineId());
    }

    @Test
    @Tag("conformance")
    void takesNoMachineThatIsNotThere() throws ProviderException {
        assertThat(decided(() -> provider.adopt(wish("i-0123456789abcdef0", FLEET))).refusal()).isEqualTo(Adoption.Refusal.NOT_THERE);

        var ended = cloud.strange();
        decided(() -> provider.adopt(wish(ended, FLEET)));
        decided(() -> provider.terminate(listed(1).get(0).ref()));
        assertThat(decided(() -> provider.adopt(wish(ended, FLEET))).refusal()).isEqualTo(Adoption.Refusal.NOT_THERE);
    }

    @Test
    @Tag("conformance")
    void takesAMachineOnlyAsOneOfTheOffersThatItMayBe() throws ProviderException {
        var first = cloud.strange();
        var offer = decided(() -> provider.adopt(wish(first, FLEET))).machine().orElseThrow().offer();
        var other = new Offer(scope(), offer.zone(), offer.subnet(), "x9.huge", offer.market());
        var open = new Offer(scope(), "", "", offer.machineType(), offer.market());
        var cloudId = cloud.strange();

        var refused = decided(() -> provider.adopt(new AdoptWish(ref(cloudId), FLEET, POOL, List.of(other), KEEP)));
        assertThat(refused.refusal()).isEqualTo(Adoption.Refusal.NO_SUCH_OFFER);
        assertThat(refused.detail()).contains("is a " + offer.machineType());
        listed(1);

        assertThat(decided(() -> provider.adopt(new AdoptWish(ref(cloudId), FLEET, POOL, List.of(other, open), KEEP))).machine()).isPresent();
        listed(2);
    }

    private AdoptWish wish(String cloudId, String fleet) {
        return new AdoptWish(ref(cloudId), fleet, POOL, List.of(), KEEP);
    }

    private MachineRef ref(String cloudId) {
        return new MachineRef(scope(), MachineIds.ADOPTED + cloudId, cloudId);
    }

    @Test
    void aListThatCanNotBeReadIsNoList() {
        cloud.failNextList();

        assertThatThrownBy(() -> provider.list(scope())).isInstanceOf(ProviderException.class);
    }

    @Test
    void showsWhatEndedAMachine() throws ProviderException {
        var machine = launched(provider, batch(1)).machines().get(0);
        listedAs(machine.cloudId(), CloudStatus.RUNNING, CloudStatus.PENDING);

        cloud.powerOff(machine.cloudId());

        assertThat(listedAs(machine.cloudId(), cloud.off()).endedBy()).isEqualTo(EndedBy.INSIDE);
    }

    @Test
    void listsMoreThanOnePageHolds() throws ProviderException {
        for (int i = 0; i < 11; i++) {
            // Of two processes, since one alone might be at the end of the cloud's rate.
            launched(i < 6 ? provider : cloud.newProvider(), batch(MachineBatch.MOST));
        }

        assertThat(listed(1_100)).extracting(MachineSeen::machineId).doesNotHaveDuplicates();
    }
}
