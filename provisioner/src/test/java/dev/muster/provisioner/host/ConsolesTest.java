package dev.muster.provisioner.host;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.contracts.SecretsFolder;
import dev.muster.provisioner.memory.InMemoryCloud;
import dev.muster.provisioner.memory.InMemoryProvider;
import dev.muster.provisioner.spi.CloudStatus;
import dev.muster.provisioner.spi.EndedBy;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.MachineSeen;
import dev.muster.provisioner.spi.Mark;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.Scope;
import dev.muster.v1.ConsoleReported;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** When consoles are looked at, and what of them is kept. Time moves only when the test moves it. */
class ConsolesTest {

    private static final Scope SCOPE = new Scope(InMemoryProvider.NAME, "default", "here");
    private static final Offer OFFER = new Offer(SCOPE, "", "", "any", Offer.Market.ON_DEMAND);

    private final InMemoryCloud cloud = new InMemoryCloud(Clock.systemUTC());
    private final List<ConsoleReported> kept = new ArrayList<>();
    private final Consoles consoles = new Consoles(new InMemoryProvider(cloud, "lab", List.of(SCOPE)), SCOPE, new SecretsFolder(Path.of("none")),
            (fleet, console) -> kept.add(console));
    private Instant now = Instant.parse("2026-01-01T00:00:00Z");

    private static MachineSeen machine(int number, CloudStatus status, EndedBy endedBy, Mark.Word mark) {
        return new MachineSeen("i-" + number, "train", "gpu", "mabcdefgh-" + number, 0, OFFER, status, endedBy, null, new Mark(mark, 1), Optional.empty());
    }

    private static MachineSeen drained(int number) {
        return machine(number, CloudStatus.TERMINATED, EndedBy.INSIDE, Mark.Word.DRAIN);
    }

    private static MachineSeen byItself(int number, CloudStatus status) {
        return machine(number, status, EndedBy.INSIDE, Mark.Word.NONE);
    }

    /** One list, and then so much time. */
    private void list(Duration then, MachineSeen... machines) {
        consoles.read(List.of(machines), now, machine -> false);
        now = now.plus(then);
    }

    @Test
    void oneThatIsGoneIsLookedAtThriceInTenMinutes() {
        for (int i = 0; i < 40; i++) {
            list(Duration.ofSeconds(30), drained(1));
        }
        assertThat(cloud.consoleCalls()).isEqualTo(3);
        assertThat(kept).isEmpty();
    }

    @Test
    void whatComesLateIsKeptAndWhatStaysTheSameOnlyOnce() {
        list(Duration.ofMinutes(3), drained(1));
        cloud.writeConsole("i-1", "boots\n");
        list(Duration.ofMinutes(7), drained(1));
        list(Duration.ofMinutes(1), drained(1));
        assertThat(kept).extracting(ConsoleReported::getText).containsExactly("boots\n");

        list(Duration.ofMinutes(3), drained(2));
        cloud.writeConsole("i-2", "boots\n");
        list(Duration.ofMinutes(7), drained(2));
        cloud.writeConsole("i-2", "ends\n");
        list(Duration.ofMinutes(1), drained(2));
        assertThat(kept).extracting(ConsoleReported::getText).containsExactly("boots\n", "boots\n", "boots\nends\n");
    }

    @Test
    void oneThatLivesOrIsStillEndingInOrderCostsNothing() {
        list(Duration.ofMinutes(1), machine(1, CloudStatus.RUNNING, EndedBy.UNKNOWN, Mark.Word.NONE),
                machine(2, CloudStatus.SHUTTING_DOWN, EndedBy.INSIDE, Mark.Word.DRAIN), machine(3, CloudStatus.IMPAIRED, EndedBy.UNKNOWN, Mark.Word.NONE));
        assertThat(cloud.consoleCalls()).isZero();
    }

    @Test
    void aBootThatFailedTellsWhyWhileItsMachineStillEnds() {
        cloud.refuseNext("console", FailureKind.UNAVAILABLE);
        list(Duration.ofSeconds(2), byItself(1, CloudStatus.SHUTTING_DOWN));
        assertThat(consoles.failure("i-1")).isEmpty();
        cloud.writeConsole("i-1", "MUSTER-BOOT-FAILED step=agent reason=no network\n");
        list(Duration.ofSeconds(2), byItself(1, CloudStatus.SHUTTING_DOWN));

        assertThat(consoles.failure("i-1")).get().satisfies(failure -> assertThat(failure.reason()).isEqualTo("no network"));
        assertThat(kept).hasSize(1);
    }

    @Test
    void fiveAListAndThoseThatThePlannerWaitsForFirst() {
        cloud.writeConsole("i-99", "MUSTER-BOOT-FAILED step=agent reason=no network\n");
        var machines = new ArrayList<>(IntStream.range(1, 13).mapToObj(ConsolesTest::drained).toList());
        machines.add(byItself(99, CloudStatus.TERMINATED));

        list(Duration.ofSeconds(2), machines.toArray(MachineSeen[]::new));

        assertThat(cloud.consoleCalls()).isEqualTo(5);
        assertThat(consoles.failure("i-99")).isPresent();
        list(Duration.ofSeconds(2), machines.toArray(MachineSeen[]::new));
        list(Duration.ofSeconds(2), machines.toArray(MachineSeen[]::new));
        assertThat(cloud.consoleCalls()).isEqualTo(13);
    }

    @Test
    void whatTheBooksHadEndedLongAgoIsNotReadAgainByANewOwner() {
        consoles.read(List.of(drained(1), drained(2)), now, machine -> machine.cloudId().equals("i-1"));
        assertThat(cloud.consoleCalls()).isEqualTo(1);
    }

    @Test
    void onlyItsLast64KilobytesAreKeptFromTheBeginOfALine() {
        var line = "a line of a console, as machines write them by the thousand\n";
        cloud.writeConsole("i-1", "first " + line.repeat(2_000));

        list(Duration.ZERO, drained(1));

        assertThat(kept).singleElement().satisfies(console -> {
            assertThat(console.getTruncated()).isTrue();
            assertThat(console.getText()).startsWith("a line of").endsWith("thousand\n").hasSizeBetween(64 * 1024 - line.length(), 64 * 1024);
            assertThat(console.getMachineId()).isEqualTo("mabcdefgh-1");
        });
    }
}
