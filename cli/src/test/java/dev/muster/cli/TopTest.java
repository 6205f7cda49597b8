package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Duration;
import dev.muster.v1.BudgetPeriod;
import dev.muster.v1.BudgetSpec;
import dev.muster.v1.BudgetState;
import dev.muster.v1.BudgetView;
import dev.muster.v1.Decision;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.FleetState;
import dev.muster.v1.FleetView;
import dev.muster.v1.ListBudgetsResponse;
import dev.muster.v1.ListDecisionsResponse;
import dev.muster.v1.ListFleetsResponse;
import dev.muster.v1.ListMachinesResponse;
import dev.muster.v1.ListQueuesResponse;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.OfferKey;
import dev.muster.v1.Phase;
import dev.muster.v1.PoolSpec;
import dev.muster.v1.QueueView;
import dev.muster.v1.Refusal;
import java.io.IOException;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TopTest {

    private static final Instant NOW = Instant.parse("2026-11-28T12:00:00Z");
    private static final Terminal.Size SMALL = new Terminal.Size(80, 24);

    private static FleetView fleet(String name) {
        return FleetView.newBuilder().setRecord(FleetRecord.newBuilder().setFleet(name).setVersion(1).setState(FleetState.ACTIVE).setSpec(FleetSpec.newBuilder().setName(name).setCurrency("USD")
                        .addPools(PoolSpec.newBuilder().setName("gpu").setIdleTimeout(Duration.newBuilder().setSeconds(900)))))
                .putMachines("READY", 2).setWaiting(12).setBusy(1).setIdle(1).setMicrosPerHour(1_052_000).addRefusals(Refusal.newBuilder().setQueue("gpu").setText("12 tasks wait: the pool is at its limit of 2")).build();
    }

    private static MachineRecord.Builder machine(String fleet, int number) {
        return MachineRecord.newBuilder().setMachineId("m" + fleet + "-" + number).setFleet(fleet).setPool("gpu").setCounted(true).setPhase(Phase.READY)
                .setOffer(OfferKey.newBuilder().setMachineType("g4dn.xlarge").setZone("us-east-1a")).setCommittedMicrosPerHour(526_000);
    }

    private static DecisionEvent decision(String fleet, int secondsAgo) {
        return DecisionEvent.newBuilder().setFleet(fleet).setAt(Times.timestamp(NOW.minusSeconds(secondsAgo))).setDecision(Decision.newBuilder().setText("decided " + secondsAgo + " s ago")).build();
    }

    private static TopFrame frame(String selected, int fleets, int machines) {
        var names = IntStream.range(0, fleets).mapToObj(i -> "f" + i).toList();
        return new TopFrame(NOW, "lab:1", names.stream().map(TopTest::fleet).toList(),
                names.stream().map(name -> BudgetView.newBuilder().setFleet(name).setCurrency("USD").setState(BudgetState.WITHIN).setSpentMicros(12_000_000).setReservedMicros(3_000_000)
                        .setForecastMicros(45_000_000).setBudget(BudgetSpec.newBuilder().setPeriod(BudgetPeriod.PER_DAY).setHardMicros(300_000_000)).build()).toList(),
                names.stream().map(name -> QueueView.newBuilder().setFleet(name).setName("gpu").setWaiting(12).setOldestWait(Duration.newBuilder().setSeconds(192)).setOurWorkers(2).build()).toList(),
                names.stream().flatMap(name -> IntStream.range(0, machines).mapToObj(i -> switch (i) {
                    case 0 -> machine(name, 0).setPhase(Phase.BOOTING).setRequestedAt(Times.timestamp(NOW.minusSeconds(40))).build();
                    case 1 -> machine(name, 1).addTasks("t1").build();
                    default -> machine(name, i).setIdleSince(Times.timestamp(NOW.minusSeconds(600))).build();
                })).toList(),
                names.stream().flatMap(name -> IntStream.range(1, 30).mapToObj(i -> decision(name, i))).toList(), selected, "");
    }

    private static List<String> texts(TopFrame frame, Terminal.Size size) {
        return frame.lines(size).stream().map(TopFrame.Line::text).toList();
    }

    private static String clock(Instant at) {
        return DateTimeFormatter.ofPattern("HH:mm:ss").withZone(ZoneId.systemDefault()).format(at);
    }

    @Test
    void showsAFleetOnTheSmallestScreen() {
        assertThat(texts(frame("", 1, 3), SMALL)).containsExactly(
                "muster top  lab:1" + " ".repeat(80 - 8 - 17) + clock(NOW),
                "     FLEET  STATE   WAITING  BUSY  IDLE  RATE      MACHINES",
                "   1 f0     active  12       1     1     $1.052/h  2 ready".replace("   1 f0", "  1  f0"),
                "    BUDGET                SPENT   OF       RESERVED  EXPECTED  STATE",
                "    f0 day  [#---------]  $12.00  $300.00  $3.00     $45.00    within",
                "    QUEUE  WAITING  OLDEST  OURS  OTHERS  WHY",
                "    gpu    12       3m12s   2     0       12 tasks wait: the pool is at its lim…",
                "    MACHINE  POOL  NOW                     TYPE         ZONE        COST",
                "    mf0-0    gpu   booting  for 40s        g4dn.xlarge  us-east-1a  $0.526/h",
                "    mf0-2    gpu   idle     goes in 5m00s  g4dn.xlarge  us-east-1a  $0.526/h",
                "    mf0-1    gpu   busy     t1             g4dn.xlarge  us-east-1a  $0.526/h",
                "    DECISIONS",
                "    " + clock(NOW.minusSeconds(1)) + "  decided 1 s ago",
                "    " + clock(NOW.minusSeconds(2)) + "  decided 2 s ago",
                "    " + clock(NOW.minusSeconds(3)) + "  decided 3 s ago",
                "    " + clock(NOW.minusSeconds(4)) + "  decided 4 s ago",
                "    " + clock(NOW.minusSeconds(5)) + "  decided 5 s ago",
                "    " + clock(NOW.minusSeconds(6)) + "  decided 6 s ago",
                "    " + clock(NOW.minusSeconds(7)) + "  decided 7 s ago",
                "    " + clock(NOW.minusSeconds(8)) + "  decided 8 s ago",
                "    " + clock(NOW.minusSeconds(9)) + "  decided 9 s ago",
                "    " + clock(NOW.minusSeconds(10)) + "  decided 10 s ago",
                "  … and 19 more",
                "q quit   up, down or 1-9 choose a fleet   a all fleets");
    }

    @Test
    void fitsEveryScreenWhateverThereIs() {
        for (var columns : List.of(20, 80, 132, 300)) {
            for (var rows : List.of(5, 10, 24, 25, 60, 200)) {
                for (var fleets : List.of(0, 1, 5, 40)) {
                    var lines = texts(frame("", fleets, 30), new Terminal.Size(columns, rows));
                    assertThat(lines).as(columns + "x" + rows).hasSizeLessThanOrEqualTo(rows).allSatisfy(line -> assertThat(line.length()).isLessThanOrEqualTo(columns));
                    assertThat(lines.get(0)).startsWith("muster top");
                }
            }
        }
        var many = texts(frame("", 5, 30), SMALL);
        assertThat(many).hasSize(24).anyMatch(line -> line.contains("FLEET ")).anyMatch(line -> line.contains("BUDGET")).anyMatch(line -> line.contains("QUEUE"))
                .anyMatch(line -> line.contains("MACHINE ")).anyMatch(line -> line.contains("DECISIONS")).contains("  … and 146 more");
    }

    @Test
    void aChosenFleetIsShownAlone() {
        var lines = texts(frame("f1", 3, 2), new Terminal.Size(120, 60));
        assertThat(lines.get(0)).startsWith("muster top  lab:1  fleet f1");
        assertThat(lines).anyMatch(line -> line.startsWith("> 2  f1")).anyMatch(line -> line.startsWith("  1  f0")).noneMatch(line -> line.contains("mf0-") || line.contains("mf2-"))
                .anyMatch(line -> line.contains("mf1-0"));
        var names = List.of("f0", "f1", "f2");
        assertThat(List.of(TopCommand.chosen('j', "", names), TopCommand.chosen('j', "f2", names), TopCommand.chosen('k', "f0", names), TopCommand.chosen('3', "", names),
                TopCommand.chosen('9', "f1", names), TopCommand.chosen('a', "f1", names))).containsExactly("f0", "f2", "", "f2", "f1", "");
    }

    @Test
    void barsAreFilledByWhatIsUsed() {
        assertThat(List.of(TopFrame.bar(0, 10), TopFrame.bar(1, 300), TopFrame.bar(10, 10), TopFrame.bar(90, 10), TopFrame.bar(5, 0)))
                .containsExactly("[----------]", "[#---------]", "[##########]", "[##########]", "[##########]");
    }

    @Test
    void onceIsOneFrameWithoutKeys() throws IOException {
        try (var control = new FakeControl()) {
            control.answer("ListFleets", ListFleetsResponse.newBuilder().addFleets(fleet("f0")).build());
            control.answer("ListQueues", ListQueuesResponse.newBuilder().addQueues(QueueView.newBuilder().setFleet("f0").setName("gpu").setProblem("is missing")).build());
            control.answer("ListMachines", ListMachinesResponse.newBuilder().addMachines(machine("f0", 1)).build());
            control.answer("ListDecisions", ListDecisionsResponse.newBuilder().addDecisions(decision("f0", 1)).build());
            // A server without a list of budgets is an older one, and shows the rest.
            var ran = Ran.of("top", "--once", "--server", control.address());
            assertThat(ran.exitCode()).as(ran.err()).isZero();
            assertThat(ran.out()).startsWith("muster top  " + control.address()).contains("mf0-1", "is missing", "decided 1 s ago").doesNotContain("BUDGET", "q quit", "\u001b");
            control.answer("ListBudgets", ListBudgetsResponse.newBuilder().addBudgets(BudgetView.newBuilder().setFleet("f0").setCurrency("USD").setState(BudgetState.OVERRUN)).build());
            assertThat(Ran.of("top", "--once", "--server", control.address()).out()).contains("BUDGET", "overrun");
        }
        assertThat(Ran.of("top", "--json", "--server", "127.0.0.1:9").exitCode()).isEqualTo(2);
    }
}
