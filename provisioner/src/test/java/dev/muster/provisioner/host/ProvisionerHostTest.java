package dev.muster.provisioner.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.muster.contracts.DeadLetters;
import dev.muster.contracts.KafkaConnection;
import dev.muster.contracts.SecretsFolder;
import dev.muster.contracts.Times;
import dev.muster.contracts.Topics;
import dev.muster.provisioner.memory.InMemoryCloud;
import dev.muster.provisioner.memory.InMemoryProvider;
import dev.muster.provisioner.spi.Await;
import dev.muster.provisioner.spi.EndedBy;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.KeepUntil;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.Scope;
import dev.muster.provisioner.spi.TypeSeen;
import dev.muster.v1.AdoptMachine;
import dev.muster.v1.AdoptRefusal;
import dev.muster.v1.BootSpec;
import dev.muster.v1.CloudState;
import dev.muster.v1.Command;
import dev.muster.v1.CommandAnswered;
import dev.muster.v1.ConsoleReported;
import dev.muster.v1.DrainMachine;
import dev.muster.v1.DrainMode;
import dev.muster.v1.FetchConsole;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.LaunchMachines;
import dev.muster.v1.LaunchParameters;
import dev.muster.v1.MachineReport;
import dev.muster.v1.MachineReported;
import dev.muster.v1.Mark;
import dev.muster.v1.Market;
import dev.muster.v1.OfferKey;
import dev.muster.v1.OfferPrice;
import dev.muster.v1.OfferSpec;
import dev.muster.v1.PoolSpec;
import dev.muster.v1.PricesReported;
import dev.muster.v1.ScopeState;
import dev.muster.v1.ServiceReported;
import dev.muster.v1.TerminateMachine;
import dev.muster.v1.TypeFacts;
import dev.muster.telemetry.Meters;
import dev.muster.telemetry.Traces;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The host between a real broker and a cloud that is a Java object. */
class ProvisionerHostTest {

    private static final Scope SCOPE = new Scope(InMemoryProvider.NAME, "default", "here");
    private static final String FLEET = "train";
    private static final Map<String, Connection> CONNECTIONS = Map.of("default",
            Connection.of("default", "http://127.0.0.1:8008", Optional.empty(), Optional.empty(), Optional.empty()));

    @TempDir
    private static Path folder;

    private static TestKafka kafka;
    private static int tests;

    private final List<ProvisionerHost> hosts = new ArrayList<>();
    private final InMemoryCloud cloud = new InMemoryCloud(Clock.systemUTC());
    private Topics topics;
    private Path secrets;
    private int batches;

    @BeforeAll
    static void startKafka() throws Exception {
        kafka = new TestKafka(folder.resolve("kafka"));
    }

    @AfterAll
    static void endKafka() {
        kafka.close();
    }

    @BeforeEach
    void newTopics() throws Exception {
        int test = ++tests;
        topics = kafka.newTopics("t" + test + ".");
        secrets = Files.createDirectories(folder.resolve("secrets-" + test));
        secret("clearml-default-access-key", "ACCESS");
        secret("clearml-default-secret-key", "SECRET");
    }

    @AfterEach
    void endHosts() {
        hosts.forEach(ProvisionerHost::close);
    }

    private void secret(String name, String value) throws IOException {
        Files.writeString(secrets.resolve(name), value);
    }

    private ProvisionerHost start() {
        return start(batch -> Duration.ZERO);
    }

    private ProvisionerHost start(Function<MachineBatch, Duration> pace) {
        var settings = new HostSettings("memory-provisioner", "0", "one", true, "lab", KafkaConnection.plaintext(kafka.bootstrapServers()), topics, CONNECTIONS,
                Duration.ofMillis(300), Duration.ofSeconds(5), new Backoff(Duration.ofMillis(20), Duration.ofMillis(200)), Optional.empty());
        var host = new ProvisionerHost(settings, new InMemoryProvider(cloud, "lab", List.of(SCOPE), pace), new SecretsFolder(secrets),
                new Meters(new SimpleMeterRegistry()), Traces.OFF, Clock.systemUTC());
        host.start();
        hosts.add(host);
        return host;
    }

    private static void awaitReady(ProvisionerHost host) {
        Await.until(host::notReadyBecause, String::isEmpty);
    }

    private LaunchMachines.Builder launch(int size) {
        int first = 100 * ++batches;
        return LaunchMachines.newBuilder()
                .setBatchId("mabcdefgh-" + first)
                .addAllMachineIds(IntStream.range(first, first + size).mapToObj(i -> "mabcdefgh-" + i).toList())
                .setPool("gpu")
                .setOffer(OfferKey.newBuilder().setProvider(SCOPE.provider()).setAccount(SCOPE.account()).setRegion(SCOPE.region())
                        .setMachineType("any").setMarket(Market.ON_DEMAND))
                .setExpiresAt(Times.timestamp(Instant.now().plusSeconds(300)))
                .setWorkerPrefix("lab-train:gpu:any")
                .setParameters(LaunchParameters.newBuilder().setBoot(BootSpec.newBuilder().addQueueIds("0123456789abcdef0123456789abcdef")));
    }

    private static LaunchMachines.Builder expired(LaunchMachines.Builder launch) {
        return launch.setExpiresAt(Times.timestamp(Instant.now().minusSeconds(1)));
    }

    /** Makes the call as a process does that says nothing of it any more. */
    private void launchSilently(LaunchMachines.Builder launch, String cluster) throws Exception {
        var command = (HostCommand.Launch) new CommandTranslator(InMemoryProvider.NAME)
                .translate(Command.newBuilder().setFleet(FLEET).setScope(SCOPE.toString()).setLaunch(launch).build());
        var boot = new BootTranslator(CONNECTIONS, new SecretsFolder(secrets)).translate(command.workerPrefix(), command.boot(), "default");
        new InMemoryProvider(cloud, "lab", List.of(SCOPE)).launch(new MachineBatch(command.batchId(), command.machineIds(), FLEET, command.pool(),
                command.offer(), 0, command.settings(), boot, KeepUntil.from(Instant.now(), cluster)));
    }

    private void send(Command.Builder command) {
        kafka.send(topics.commands(InMemoryProvider.NAME), SCOPE.toString(), command.setFleet(FLEET).setScope(SCOPE.toString())
                .setCommandId("c").setIssuedAt(Times.timestamp(Instant.now())).build());
    }

    private void send(LaunchMachines.Builder launch) {
        send(Command.newBuilder().setLaunch(launch));
    }

    private void drain(MachineReported machine) {
        send(Command.newBuilder().setDrain(DrainMachine.newBuilder().setMachineId(machine.getMachineId()).setCloudId(machine.getCloudId())
                .setOrdinal(4).setMode(DrainMode.WHEN_IDLE)));
    }

    private void declareFleet() {
        kafka.send(topics.fleets(), FLEET, FleetRecord.newBuilder().setFleet(FLEET).addScopes(SCOPE.toString()).build());
    }

    private MachineReport accepted(LaunchMachines.Builder launch) {
        return kafka.report(topics, report -> report.hasLaunchAccepted() && report.getLaunchAccepted().getBatchId().equals(launch.getBatchId()));
    }

    private MachineReport refused(LaunchMachines.Builder launch) {
        return kafka.report(topics, report -> report.hasLaunchRefused() && report.getLaunchRefused().getBatchId().equals(launch.getBatchId()));
    }

    @Test
    void launchesAndSaysSo() {
        awaitReady(start());
        var launch = launch(2);

        send(launch);

        var report = accepted(launch);
        assertThat(report.getFleet()).isEqualTo(FLEET);
        assertThat(report.getScope()).isEqualTo(SCOPE.toString());
        assertThat(report.getLaunchAccepted().getMachinesList()).extracting(machine -> machine.getMachineId())
                .containsExactlyElementsOf(launch.getMachineIdsList());
        assertThat(cloud.live()).isEqualTo(2);
    }

    @Test
    void whatIsNotDeliveredIsRefusedInTheSameBreath() {
        cloud.capacity(1);
        awaitReady(start());
        var launch = launch(3);

        send(launch);

        var refusal = refused(launch).getLaunchRefused();
        assertThat(refusal.getKind()).isEqualTo(dev.muster.v1.FailureKind.OUT_OF_CAPACITY);
        assertThat(refusal.getMachineIdsList()).containsExactlyElementsOf(launch.getMachineIdsList().subList(1, 3));
        assertThat(accepted(launch).getLaunchAccepted().getMachinesList()).hasSize(1);
    }

    @Test
    void aCallWithoutAnAnswerIsRepeatedWithTheSameToken() {
        cloud.refuseNext("launch", FailureKind.THROTTLED);
        cloud.loseNextAnswer("launch");
        awaitReady(start());
        var launch = launch(2);

        send(launch);

        assertThat(accepted(launch).getLaunchAccepted().getMachinesList()).hasSize(2);
        assertThat(cloud.live()).isEqualTo(2);
        assertThat(cloud.launchCalls()).isEqualTo(3);
    }

    @Test
    void aLaunchThatTheCloudDecidesLaterIsAskedAgainUntilItHas() {
        for (int i = 0; i < 3; i++) {
            cloud.decideLater("launch");
        }
        awaitReady(start());
        var launch = launch(2);

        send(launch);

        assertThat(accepted(launch).getLaunchAccepted().getMachinesList()).hasSize(2);
        assertThat(cloud.launchCalls()).isEqualTo(4);
    }

    @Test
    void aLaunchThatTheCloudRefusesLaterIsRefused() {
        cloud.decideLater("launch");
        cloud.refuseNext("launch", FailureKind.OUT_OF_CAPACITY);
        awaitReady(start());
        var launch = launch(2);

        send(launch);

        assertThat(refused(launch).getLaunchRefused().getMachineIdsList()).containsExactlyElementsOf(launch.getMachineIdsList());
        assertThat(cloud.live()).isZero();
    }

    @Test
    void aFreshLaunchReadTooLateIsExpiredAndNotCalled() {
        awaitReady(start());
        var launch = expired(launch(1));

        send(launch);

        assertThat(refused(launch).getLaunchRefused().getKind()).isEqualTo(dev.muster.v1.FailureKind.EXPIRED);
        assertThat(cloud.launchCalls()).isZero();
    }

    @Test
    void anExpiredLaunchThatAPredecessorMayHaveMadeIsLookedUp() throws Exception {
        var made = launch(1);
        var notMade = launch(1);
        var after = launch(1);
        launchSilently(made, "x");
        send(expired(made));
        send(expired(notMade));

        awaitReady(start());
        send(after);

        assertThat(accepted(made).getLaunchAccepted().getMachinesList()).hasSize(1);
        accepted(after);
        var said = kafka.reports(topics, report -> report.hasLaunchAccepted() && report.getLaunchAccepted().getBatchId().equals(after.getBatchId()));
        assertThat(said).noneMatch(MachineReport::hasLaunchRefused);
        assertThat(cloud.live()).isEqualTo(2);
    }

    @Test
    void aTerminateDoesNotWaitBehindAPacedLaunch() {
        var first = launch(1);
        awaitReady(start(batch -> batch.batchId().equals(first.getBatchId()) ? Duration.ZERO : Duration.ofHours(1)));
        send(first);
        var machine = accepted(first).getLaunchAccepted().getMachines(0);
        send(launch(1));

        send(Command.newBuilder().setTerminate(TerminateMachine.newBuilder().setMachineId(machine.getMachineId()).setCloudId(machine.getCloudId())
                .setOrdinal(1)));

        var answer = kafka.report(topics, MachineReport::hasCommandAnswered).getCommandAnswered();
        assertThat(answer.getDone()).isTrue();
        assertThat(answer.getVerb()).isEqualTo("terminate");
        assertThat(answer.getOrdinal()).isEqualTo(1);
        assertThat(cloud.live()).isZero();
    }

    @Test
    void aSuccessorRepeatsWhatWasNotFinishedAndOnlyThat() {
        var paced = launch(1);
        var host = start(batch -> batch.batchId().equals(paced.getBatchId()) ? Duration.ofHours(1) : Duration.ZERO);
        awaitReady(host);
        cloud.refuseNext("launch", FailureKind.QUOTA_EXCEEDED);
        var refused = launch(1);
        send(paced);
        send(refused);
        refused(refused);
        host.close();
        hosts.clear();

        awaitReady(start());

        accepted(paced);
        assertThat(cloud.live()).isEqualTo(1);
        assertThat(cloud.launchCalls()).isEqualTo(2);
    }

    @Test
    void drainsAreMarkedAndAnswered() {
        declareFleet();
        awaitReady(start());
        var launch = launch(1);
        send(launch);
        var machine = accepted(launch).getLaunchAccepted().getMachines(0);

        drain(machine);

        assertThat(kafka.report(topics, MachineReport::hasCommandAnswered).getCommandAnswered().getVerb()).isEqualTo("drain");
        kafka.report(topics, report -> report.hasInventory() && report.getInventory().getMachinesList().stream()
                .anyMatch(seen -> seen.getMark() == Mark.DRAIN && seen.getMarkOrdinal() == 4));
    }

    @Test
    void anAdoptedMachineIsReportedWithAllThatItIsAndAnswered() {
        declareFleet();
        awaitReady(start());
        var cloudId = cloud.strange(new Offer(SCOPE, "here-a", "", "any", Offer.Market.ON_DEMAND));

        adopt(cloudId, "any", 3);

        var seen = kafka.report(topics, MachineReport::hasMachine).getMachine();
        assertThat(seen.getMachineId()).isEqualTo("a-" + cloudId);
        assertThat(seen.getPool()).isEqualTo("gpu");
        assertThat(seen.getState()).isEqualTo(CloudState.RUNNING_STATE);
        assertThat(seen.getOffer().getZone()).isEqualTo("here-a");
        var answer = kafka.report(topics, MachineReport::hasCommandAnswered).getCommandAnswered();
        assertThat(answer).isEqualTo(CommandAnswered.newBuilder().setMachineId("a-" + cloudId).setOrdinal(3).setVerb("adopt").setDone(true).build());
        assertThat(cloud.live()).isEqualTo(1);
    }

    @Test
    void aMachineThatIsNotAdoptedIsAnsweredWithTheReasonAndNotReported() {
        declareFleet();
        awaitReady(start());
        var cloudId = cloud.strange(new Offer(SCOPE, "here-a", "", "any", Offer.Market.ON_DEMAND));

        adopt(cloudId, "other", 1);

        assertThat(kafka.report(topics, MachineReport::hasCommandAnswered).getCommandAnswered()).isEqualTo(CommandAnswered.newBuilder()
                .setMachineId("a-" + cloudId).setOrdinal(1).setVerb("adopt").setAdoptRefusal(AdoptRefusal.NO_SUCH_OFFER)
                .setMessage("is a any in here-a, on demand").build());
        kafka.report(topics, report -> report.hasInventory() && report.getInventory().getMachinesCount() == 0);
    }

    @Test
    void anAdoptionThatTheCloudDoesNotAnswerIsRepeated() {
        declareFleet();
        awaitReady(start());
        var cloudId = cloud.strange(new Offer(SCOPE, "here-a", "", "any", Offer.Market.ON_DEMAND));
        cloud.refuseNext("adopt", FailureKind.THROTTLED);
        cloud.loseNextAnswer("adopt");

        adopt(cloudId, "any", 1);

        assertThat(kafka.report(topics, MachineReport::hasCommandAnswered).getCommandAnswered().getDone()).isTrue();
    }

    private void adopt(String cloudId, String type, long ordinal) {
        send(Command.newBuilder().setAdopt(AdoptMachine.newBuilder().setMachineId("a-" + cloudId).setCloudId(cloudId).setPool("gpu").setOrdinal(ordinal)
                .addOffers(OfferKey.newBuilder().setProvider(SCOPE.provider()).setAccount(SCOPE.account()).setRegion(SCOPE.region())
                        .setMachineType(type).setMarket(Market.ON_DEMAND))));
    }

    @Test
    void aMachineThatGaveUpBootingIsReportedWithWhatItsConsoleSays() {
        declareFleet();
        awaitReady(start());
        var launch = launch(2);
        send(launch);
        var machines = accepted(launch).getLaunchAccepted().getMachinesList();
        cloud.writeConsole(machines.get(0).getCloudId(), "[    3.1] cloud-init[812]: MUSTER-BOOT-FAILED step=agent reason=pip can't install clearml-agent 9\r\n");
        cloud.refuseNext("console", FailureKind.UNAVAILABLE);
        machines.forEach(machine -> cloud.end(machine.getCloudId(), EndedBy.INSIDE));

        var said = kafka.report(topics, report -> report.hasInventory() && report.getInventory().getMachinesList().stream()
                .anyMatch(seen -> !seen.getBootFailedStep().isEmpty()));

        var failed = said.getInventory().getMachinesList().stream().filter(seen -> !seen.getBootFailedStep().isEmpty()).toList();
        assertThat(failed).singleElement().satisfies(seen -> {
            assertThat(seen.getMachineId()).isEqualTo(machines.get(0).getMachineId());
            assertThat(seen.getBootFailedStep()).isEqualTo("agent");
            assertThat(seen.getBootFailedReason()).isEqualTo("pip can't install clearml-agent 9");
        });
        // The silent one is asked thrice, the other until it has told.
        Await.until(cloud::consoleCalls, calls -> calls >= 4);
        var sequence = kafka.report(topics, MachineReport::hasInventory).getSeen().getSequence();
        kafka.report(topics, report -> report.hasInventory() && report.getSeen().getSequence() > sequence + 6);
        assertThat(cloud.consoleCalls()).isBetween(4, 5);
    }

    @Test
    void theConsoleOfAMachineThatIsGoneIsKeptWithoutItsSecrets() throws Exception {
        declareFleet();
        awaitReady(start());
        secret("git-password", "correct horse");
        var launch = launch(1);
        send(launch);
        var machine = accepted(launch).getLaunchAccepted().getMachines(0);
        drain(machine);
        kafka.report(topics, MachineReport::hasCommandAnswered);
        cloud.writeConsole(machine.getCloudId(), "MUSTER-BOOT-DONE machine=x\r\n+ git clone https://me:correct horse@host/x\r\nkeys ACCESS SECRET\r\n");
        assertThat(cloud.consoleCalls()).isZero();
        cloud.end(machine.getCloudId(), EndedBy.INSIDE);

        var kept = kafka.read(topics.consoles(), record -> true).get(0);

        assertThat(new String(kept.key())).isEqualTo(FLEET + "/" + machine.getMachineId());
        var console = ConsoleReported.parseFrom(kept.value());
        assertThat(console.getMachineId()).isEqualTo(machine.getMachineId());
        assertThat(console.getText()).isEqualTo("MUSTER-BOOT-DONE machine=x\n+ git clone https://[redacted]@host/x\nkeys [redacted] [redacted]\n");
        assertThat(console.getTruncated()).isFalse();
        assertThat(console.getCapturedAt().getSeconds()).isCloseTo(Instant.now().getEpochSecond(), within(60L));
        assertThat(cloud.consoleCalls()).isEqualTo(1);
    }

    private void fetchConsole(MachineReported machine, Instant at) {
        kafka.send(topics.commands(InMemoryProvider.NAME), SCOPE.toString(), Command.newBuilder().setFleet(FLEET).setScope(SCOPE.toString()).setCommandId("c")
                .setIssuedAt(Times.timestamp(at)).setFetchConsole(FetchConsole.newBuilder().setMachineId(machine.getMachineId()).setCloudId(machine.getCloudId())
                        .setOrdinal(1)).build());
    }

    /** The first so many texts on the topic, in order. */
    private List<String> consoles(int count) {
        var read = new AtomicInteger();
        return kafka.read(topics.consoles(), record -> read.incrementAndGet() == count).stream().map(record -> {
            try {
                return ConsoleReported.parseFrom(record.value()).getText();
            } catch (InvalidProtocolBufferException garbled) {
                throw new IllegalStateException(garbled);
            }
        }).toList();
    }

    @Test
    void theConsoleOfALiveMachineIsReadWhenItIsAskedForWithoutItsSecrets() throws Exception {
        declareFleet();
        awaitReady(start());
        secret("git-password", "correct horse");
        var launch = launch(1);
        send(launch);
        var machine = accepted(launch).getLaunchAccepted().getMachines(0);

        fetchConsole(machine, Instant.now());
        assertThat(consoles(1)).as("its cloud shows none yet").containsExactly("");
        cloud.writeConsole(machine.getCloudId(), "+ git clone https://me:correct horse@host/x\r\nkeys ACCESS SECRET\r\n");
        fetchConsole(machine, Instant.now());

        assertThat(consoles(2).get(1)).isEqualTo("+ git clone https://[redacted]@host/x\nkeys [redacted] [redacted]\n");
        // It has no answer among the reports, and a successor doesn't do it again.
        fetchConsole(machine, Instant.now().minusSeconds(600));
        drain(machine);
        assertThat(kafka.report(topics, MachineReport::hasCommandAnswered).getCommandAnswered().getVerb()).isEqualTo("drain");
        hosts.forEach(ProvisionerHost::close);
        awaitReady(start());
        assertThat(cloud.consoleCalls()).isEqualTo(2);
    }

    @Test
    void aConsoleThatItsCloudDoesNotGiveHoldsUpNoDrain() throws Exception {
        declareFleet();
        awaitReady(start());
        var launch = launch(1);
        send(launch);
        var machine = accepted(launch).getLaunchAccepted().getMachines(0);
        var release = cloud.holdConsoles();
        try {
            for (int i = 0; i < 5; i++) {
                fetchConsole(machine, Instant.now());
            }
            drain(machine);

            var answer = kafka.report(topics, MachineReport::hasCommandAnswered).getCommandAnswered();
            assertThat(answer.getVerb()).isEqualTo("drain");
            assertThat(answer.getDone()).isTrue();
        } finally {
            release.run();
        }
    }

    private static OfferSpec.Builder offer(String type) {
        return OfferSpec.newBuilder().setKey(OfferKey.newBuilder().setProvider(SCOPE.provider()).setAccount(SCOPE.account()).setRegion(SCOPE.region())
                .setMachineType(type).setMarket(Market.SPOT));
    }

    private void declareFleet(String currency, OfferSpec.Builder... offers) {
        var pool = PoolSpec.newBuilder().setName("gpu");
        for (var offer : offers) {
            pool.addOffers(offer);
        }
        kafka.send(topics.fleets(), FLEET, FleetRecord.newBuilder().setFleet(FLEET).addScopes(SCOPE.toString())
                .setSpec(FleetSpec.newBuilder().setName(FLEET).setCurrency(currency).addPools(pool)).build());
    }

    @Test
    void pricesOfTheCloudAndWhatItsTypesAreAreReportedAndAskedForAtOnceWhenAFleetChanges() {
        cloud.price("small", 100_000);
        cloud.price("large", 900_000);
        cloud.price("declared", 5);
        cloud.type(new TypeSeen("small", 2, 4096, 0, "", "x86_64", true));
        cloud.type(new TypeSeen("large", 8, 62_464, 1, "V100", "x86_64", false));
        cloud.refuseNext("types", FailureKind.UNAVAILABLE);
        declareFleet("USD", offer("small"), offer("declared").setPriceMicrosPerHour(70_000));
        awaitReady(start());

        var first = kafka.report(topics, MachineReport::hasPrices).getPrices();
        assertThat(first.getPricesList()).extracting(price -> price.getOffer().getMachineType() + " " + price.getMicrosPerHour() + " " + price.getCurrency()
                + " " + price.getSource()).containsExactly("small 100000 USD the cloud in memory");
        assertThat(cloud.priceCalls()).isEqualTo(1);

        declareFleet("USD", offer("small"), offer("large"));
        var second = kafka.report(topics, report -> report.hasPrices() && report.getPrices().getPricesCount() == 2).getPrices();
        assertThat(second.getPricesList()).extracting(OfferPrice::getMicrosPerHour).containsExactlyInAnyOrder(100_000L, 900_000L);
        assertThat(cloud.priceCalls()).isEqualTo(2);

        declareFleet("EUR", offer("small"), offer("large"), offer("other"));
        Await.until(cloud::priceCalls, calls -> calls == 3);
        cloud.price("small", 110_000);
        declareFleet("USD", offer("small"));
        var said = kafka.reports(topics, report -> report.hasPrices() && report.getPrices().getPricesList().stream().anyMatch(price -> price.getMicrosPerHour() == 110_000));
        assertThat(said.stream().filter(MachineReport::hasPrices)).as("a price in dollars is none in euros, and what is known is not said again").hasSize(3);
    }

    @Test
    void whatTypesAreIsAskedOnce() {
        cloud.type(new TypeSeen("large", 8, 62_464, 1, "V100", "x86_64", false));
        declareFleet("USD", offer("large"), offer("unknown"));
        awaitReady(start());

        assertThat(kafka.report(topics, MachineReport::hasPrices).getPrices()).isEqualTo(PricesReported.newBuilder().addFacts(TypeFacts.newBuilder()
                .setMachineType("large").setVcpus(8).setMemoryMib(62_464).setGpus(1).setGpuModel("V100").setArchitecture("x86_64")).build());
        cloud.type(new TypeSeen("third", 2, 4096, 0, "", "arm64", true));
        declareFleet("USD", offer("large"), offer("third"));
        assertThat(kafka.report(topics, report -> report.hasPrices() && report.getPrices().getFactsCount() == 2).getPrices().getFactsList())
                .extracting(TypeFacts::getMachineType).containsExactly("large", "third");
        assertThat(cloud.typesAsked()).containsExactly("large unknown", "third");
    }

    @Test
    void garbageAndUnknownKindsArePutAsideAndTheLoopGoesOn() {
        awaitReady(start());
        kafka.send(topics.commands(InMemoryProvider.NAME), SCOPE.toString(), new byte[] {1, 2, 3});
        send(Command.newBuilder());
        var launch = launch(1);

        send(launch);

        accepted(launch);
        var reasons = new ArrayList<String>();
        kafka.read(topics.deadLetters(), letter -> {
            reasons.add(new String(letter.headers().lastHeader(DeadLetters.REASON).value()));
            return reasons.size() == 2;
        });
        assertThat(reasons.get(0)).contains("not Protobuf");
        assertThat(reasons.get(1)).contains("no kind that this version knows");
    }

    @Test
    void anUnknownConnectionAndAMissingSecretAreRefusedWithTheirFix() throws Exception {
        awaitReady(start());
        var unknown = launch(1);
        unknown.getParametersBuilder().getBootBuilder().setConnection("other");
        send(unknown);
        Files.delete(secrets.resolve("clearml-default-secret-key"));
        var missing = launch(1);
        send(missing);

        var first = refused(unknown).getLaunchRefused();
        var second = refused(missing).getLaunchRefused();

        assertThat(first.getKind()).isEqualTo(dev.muster.v1.FailureKind.INVALID_SPEC);
        assertThat(first.getMessage()).contains("muster.connections.other.api");
        assertThat(second.getKind()).isEqualTo(dev.muster.v1.FailureKind.UNAUTHORIZED);
        assertThat(second.getMessage()).contains("clearml-default-secret-key");
        assertThat(cloud.launchCalls()).isZero();
    }

    @Test
    void aFleetWithoutMachinesHasAnEmptyInventory() {
        awaitReady(start());

        declareFleet();

        var report = kafka.report(topics, MachineReport::hasInventory);
        assertThat(report.getFleet()).isEqualTo(FLEET);
        assertThat(report.getInventory().getScopeState()).isEqualTo(ScopeState.LISTED_ALL);
        assertThat(report.getInventory().getMachinesList()).isEmpty();
        assertThat(report.getSeen().getSequence()).isEqualTo(1);
        assertThat(report.getSeen().getGeneration()).isPositive();
    }

    @Test
    void aListThatFailsIsNeverAnEmptyOne() {
        declareFleet();
        cloud.refuseNext("list", FailureKind.UNAVAILABLE);
        start();

        var inventory = kafka.report(topics, MachineReport::hasInventory).getInventory();

        assertThat(inventory.getScopeState()).isEqualTo(ScopeState.LIST_FAILED);
        assertThat(inventory.getKind()).isEqualTo(dev.muster.v1.FailureKind.UNAVAILABLE);
        kafka.report(topics, report -> report.hasInventory() && report.getInventory().getScopeState() == ScopeState.LISTED_ALL);
    }

    @Test
    void changesAreReportedAsTheyAreSeen() {
        declareFleet();
        awaitReady(start());
        var launch = launch(1);
        send(launch);
        accepted(launch);
        kafka.report(topics, report -> report.hasInventory() && report.getInventory().getMachinesCount() == 1);

        cloud.bootAll();

        var change = kafka.report(topics, MachineReport::hasMachine).getMachine();
        assertThat(change.getState()).isEqualTo(CloudState.RUNNING_STATE);
        assertThat(change.getMachineId()).isEqualTo(launch.getBatchId());
    }

    @Test
    void aLiveMarkOfAnotherClusterIsReportedAndMakesItUnready() throws Exception {
        declareFleet();
        launchSilently(launch(1), "another-cluster");

        var host = start();

        var inventory = kafka.report(topics, MachineReport::hasInventory).getInventory();
        assertThat(inventory.getForeignCluster()).isEqualTo("another-cluster");
        assertThat(Await.until(host::notReadyBecause, because -> because.contains("another-cluster"))).contains(SCOPE.toString()).contains("muster takeover another-cluster");
    }

    @Test
    void aMarkHoldsNobodyBackWhoWasToldThatItsClusterIsNoMore() throws Exception {
        declareFleet();
        kafka.send(topics.fleets(), "careful", FleetRecord.newBuilder().setFleet("careful").addScopes(SCOPE.toString()).build());
        launchSilently(launch(1), "another-cluster");
        var host = start();
        kafka.report(topics, report -> report.getFleet().equals(FLEET) && report.getInventory().getForeignCluster().equals("another-cluster"));

        kafka.send(topics.fleets(), FLEET, FleetRecord.newBuilder().setFleet(FLEET).addScopes(SCOPE.toString()).addTakenOverClusters("another-cluster").build());

        kafka.report(topics, report -> report.getFleet().equals(FLEET) && report.hasInventory() && report.getInventory().getForeignCluster().isEmpty());
        // Its own people have not said so.
        kafka.report(topics, report -> report.getFleet().equals("careful") && report.getInventory().getForeignCluster().equals("another-cluster"));
        assertThat(host.notReadyBecause()).contains("another-cluster");
        kafka.send(topics.fleets(), "careful", FleetRecord.newBuilder().setFleet("careful").addScopes(SCOPE.toString()).addTakenOverClusters("another-cluster").build());
        awaitReady(host);
    }

    @Test
    void saysThatItRuns() throws Exception {
        awaitReady(start());

        var records = kafka.read(topics.services(), record -> service(record.value()).getReady());

        var report = service(records.get(records.size() - 1).value());
        assertThat(report.getService()).isEqualTo("memory-provisioner");
        assertThat(report.getAccountsList()).singleElement().satisfies(account -> assertThat(account.getOk()).isTrue());
        assertThat(report.getConnectionsList()).singleElement().satisfies(connection -> assertThat(connection.getOk()).isTrue());
    }

    private static ServiceReported service(byte[] value) {
        try {
            return ServiceReported.parseFrom(value);
        } catch (InvalidProtocolBufferException broken) {
            throw new AssertionError(broken);
        }
    }
}
