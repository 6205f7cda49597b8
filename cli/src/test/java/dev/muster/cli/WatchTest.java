package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Message;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.FleetChange;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetState;
import dev.muster.v1.FleetView;
import dev.muster.v1.ListPoolsResponse;
import dev.muster.v1.MachineChange;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.Phase;
import dev.muster.v1.PoolView;
import dev.muster.v1.Refusal;
import dev.muster.v1.WatchDecisionsRequest;
import dev.muster.v1.WatchMachinesRequest;
import io.grpc.Status;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is watched: over streams that break, and by asking again. */
class WatchTest {

    private FakeControl control;

    @BeforeEach
    void startControl() throws IOException {
        control = new FakeControl();
    }

    @AfterEach
    void stopControl() {
        control.close();
    }

    private Ran watch(String call, int times, String command) {
        var line = new ArrayList<>(List.of(command.split(" ")));
        line.addAll(List.of("--server", control.address()));
        return Ran.until(() -> control.asked(call).size() >= times, line.toArray(String[]::new));
    }

    private static MachineChange machine(String id, Phase phase, String token) {
        return MachineChange.newBuilder().setMachine(MachineRecord.newBuilder().setMachineId(id).setFleet("demo").setPool("cpu").setPhase(phase).setCounted(true)).setResumeToken(token).build();
    }

    private static MachineChange synced(boolean full, String token) {
        return MachineChange.newBuilder().setSynced(true).setFull(full).setResumeToken(token).build();
    }

    @Test
    void aBrokenStreamGoesOnBehindItsLastMessage() throws IOException {
        var connection = new AtomicInteger();
        control.answer("WatchMachines", request -> switch (connection.incrementAndGet()) {
            case 1 -> List.<Message>of(machine("m-1", Phase.BOOTING, ""), synced(true, "t1"));
            case 2 -> throw Status.UNAVAILABLE.withDescription("restarts").asRuntimeException();
            case 3 -> List.<Message>of(machine("m-1", Phase.READY, "t2"));
            default -> List.<Message>of();
        });
        var ran = watch("WatchMachines", 4, "machine list --watch --json --fleet demo");

        assertThat(ran.err()).isEmpty();
        assertThat(ran.out().lines()).hasSize(3).allSatisfy(line -> assertThat(Output.JSON.readTree(line).isObject()).isTrue());
        assertThat(control.asked("WatchMachines").subList(0, 4)).containsExactly(asked(""), asked("t1"), asked("t1"), asked("t2"));
        assertThat(watch("WatchMachines", 5, "machine watch --fleet demo").exitCode()).isZero();
    }

    private static WatchMachinesRequest asked(String token) {
        return WatchMachinesRequest.newBuilder().setFleet("demo").setResumeToken(token).build();
    }

    @Test
    void whatIsForgottenMeanwhileIsForgottenHere() {
        var book = new MachineBook();
        book.opened(true);
        book.take(machine("m-1", Phase.READY, ""));
        book.take(machine("m-2", Phase.READY, ""));
        assertThat(book.isSynced()).isFalse();
        book.take(synced(true, "t1"));
        assertThat(book.isSynced()).isTrue();

        book.opened(false);
        book.take(synced(false, "t1"));
        assertThat(book.all()).extracting(MachineRecord::getMachineId).containsExactly("m-1", "m-2");

        book.opened(false);
        book.take(machine("m-2", Phase.READY, ""));
        book.take(synced(true, "t9"));
        assertThat(book.all()).extracting(MachineRecord::getMachineId).containsExactly("m-2");
        book.take(MachineChange.newBuilder().setForgotten("m-2").build());
        assertThat(book.all()).isEmpty();
    }

    @Test
    void fleetsAreWatchedAndALineIsWrittenForEachChange() {
        control.answer("WatchFleets", FleetChange.newBuilder().setFleet(FleetView.newBuilder().setRecord(FleetRecord.newBuilder().setFleet("demo").setVersion(1).setState(FleetState.ACTIVE))).build(),
                FleetChange.newBuilder().setSynced(true).build(), FleetChange.newBuilder().setForgotten("old").build());
        assertThat(watch("WatchFleets", 2, "fleet list --watch").out()).startsWith("demo  active  1  0  0  0    $0.00/h\nold  is forgotten\n");
    }

    @Test
    void decisionsGoOnBehindTheLastThatWasSeenAndSayWhereSomeAreMissing() {
        var connection = new AtomicInteger();
        control.answer("WatchDecisions", request -> switch (connection.incrementAndGet()) {
            case 1 -> List.<Message>of(DecisionEvent.newBuilder().setFleet("demo").setResumeToken("d1").setRefusal(Refusal.newBuilder().setText("1 task waits")).build());
            case 2 -> throw Status.OUT_OF_RANGE.withDescription("no longer kept").asRuntimeException();
            default -> List.<Message>of();
        });
        var ran = watch("WatchDecisions", 3, "decision watch --kind refused");

        assertThat(ran.out()).endsWith("  demo: ! 1 task waits\n");
        assertThat(ran.err()).isEqualTo("muster: what came meanwhile is no longer kept; going on from now\n");
        assertThat(control.asked("WatchDecisions").stream().limit(3).map(one -> ((WatchDecisionsRequest) one).getResumeToken())).containsExactly("", "d1", "");
    }

    @Test
    void aServerThatNeverWasThereIsNotWaitedFor() {
        control.close();
        assertThat(watch("WatchFleets", 1, "fleet list --watch").exitCode()).isEqualTo(3);
        assertThat(watch("WatchDecisions", 1, "decision watch").exitCode()).isEqualTo(3);
    }

    @Test
    void aPolledListIsWrittenWhereItChanged() throws IOException {
        var polls = new AtomicInteger();
        control.answer("ListPools", request -> {
            if (polls.incrementAndGet() == 3) {
                throw Status.UNAVAILABLE.asRuntimeException();
            }
            return List.of(ListPoolsResponse.newBuilder().addPools(PoolView.newBuilder().setFleet("demo").setName("cpu").setBusy(polls.get() < 5 ? 1 : 2)).build());
        });
        var ran = watch("ListPools", 6, "pool list --watch --json");
        assertThat(ran.out().lines().map(WatchTest::busy)).containsExactly("1", "1", "2");
        assertThat(ran.err()).isEqualTo("muster: the control API does not answer; it is asked again until it does\n");

        polls.set(3);
        assertThat(watch("ListPools", 10, "pool list --watch").out()).isEqualTo("""
                POOL  FLEET  QUEUES  MIN  MAX  WARM  BUSY  IDLE  MACHINES  COST     STATE
                cpu   demo           0    0    0     1     0               $0.00/h  active

                POOL  FLEET  QUEUES  MIN  MAX  WARM  BUSY  IDLE  MACHINES  COST     STATE
                cpu   demo           0    0    0     2     0               $0.00/h  active
                """);
    }

    private static String busy(String line) {
        try {
            return Output.JSON.readTree(line).at("/pools/0/busy").asText();
        } catch (IOException broken) {
            throw new IllegalStateException(broken);
        }
    }

    @Test
    void aScreenHoldsWhatFitsAndSaysWhatIsLeftOut() {
        assertThat(WatchOption.fit(List.of("a", "b", "c", "d"), new Terminal.Size(80, 4))).containsExactly("a", "b", "… and 2 more");
        assertThat(WatchOption.fit(List.of("abcdef", "ü€"), new Terminal.Size(4, 24))).containsExactly("abc…", "ü€");
    }
}
