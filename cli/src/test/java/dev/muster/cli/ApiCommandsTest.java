package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Duration;
import com.google.protobuf.Message;
import com.google.protobuf.Timestamp;
import com.google.protobuf.util.JsonFormat;
import com.google.rpc.Code;
import dev.muster.v1.*;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each call of the API has a command: what it asks, what it says to people, and that programs get the answer itself. */
class ApiCommandsTest {

    private static final Timestamp NOON = Timestamp.newBuilder().setSeconds(1_795_867_200).build();
    private static final Timestamp ONE = Timestamp.newBuilder().setSeconds(1_795_870_800).build();
    static final String FLEET = """
            name: demo
            queues: {cpu: [cpu]}
            pools:
              cpu: {provider: aws, region: us-east-1, type: m6i.large, max: 2}
            """;

    @TempDir
    Path folder;

    private FakeControl control;
    private String file;

    @BeforeEach
    void startControl() throws IOException {
        control = new FakeControl();
        file = Files.writeString(folder.resolve("fleet.yaml"), FLEET).toString();
    }

    @AfterEach
    void stopControl() {
        control.close();
    }

    private String[] line(String command) {
        var words = new ArrayList<>(List.of(command.replace("FILE", file).split(" ")));
        words.addAll(List.of("--server", control.address()));
        return words.toArray(String[]::new);
    }

    private Ran ask(String command) {
        return Ran.of(line(command));
    }

    private static String json(Message message) throws IOException {
        return JsonFormat.printer().alwaysPrintFieldsWithNoPresence().print(message) + "\n";
    }

    /** A command sends this request, says this text, and with --json the answer itself. */
    private void says(String command, String call, Message request, Message answer, String text) throws IOException {
        control.answer(call, answer);
        assertThat(ask(command)).isEqualTo(new Ran(0, text, ""));
        assertThat(ask(command + " --json")).isEqualTo(new Ran(0, json(answer), ""));
        assertThat(ask(command + " --yaml").out()).isNotEmpty();
        assertThat(control.asked(call)).hasSize(3).allSatisfy(asked -> assertThat(withoutRequestId(asked)).isEqualTo(request));
    }

    /** Each writing call has an id of its own, so that it may be repeated. */
    private static Message withoutRequestId(Message request) {
        var id = request.getDescriptorForType().findFieldByName("request_id");
        if (id == null) {
            return request;
        }
        assertThat((String) request.getField(id)).isNotEmpty();
        return request.toBuilder().clearField(id).build();
    }

    private static FleetRecord.Builder record(long version) {
        return FleetRecord.newBuilder().setFleet("demo").setVersion(version).setState(FleetState.ACTIVE).setChangedBy("oidc:ann@example.org").setChangedAt(NOON);
    }

    private static MachineRecord.Builder machine() {
        return MachineRecord.newBuilder().setMachineId("m-1").setFleet("demo").setPool("cpu").setQueue("cpu").setPhase(Phase.READY).setCounted(true).setCloudId("i-1")
                .addTasks("t1").setOffer(OfferKey.newBuilder().setProvider("aws").setAccount("default").setRegion("us-east-1").setMachineType("m6i.large").setZone("us-east-1a").setMarket(Market.SPOT))
                .setCommittedMicrosPerHour(96_000);
    }

    @Test
    void showsVersionsAndWhatDiffersAndRollsBack() throws IOException {
        says("fleet versions demo --last 2", "ListFleetVersions", ListFleetVersionsRequest.newBuilder().setName("demo").setPageSize(2).build(),
                ListFleetVersionsResponse.newBuilder().addVersions(record(2).setManagedBy("argo")).addVersions(record(1)).build(), """
                VERSION  CHANGED           BY                    TOOL  STATE
                2        %1$s  oidc:ann@example.org  argo  active
                1        %1$s  oidc:ann@example.org        active
                """.formatted(Times.local(NOON)));
        says("fleet diff demo --from 1", "DiffFleet", DiffFleetRequest.newBuilder().setName("demo").setFromVersion(1).build(),
                DiffFleetResponse.newBuilder().setFromVersion(1).setToVersion(2).addChanges(FieldChange.newBuilder().setField("pools.cpu.max").setBefore("2").setAfter("4"))
                        .addChanges(FieldChange.newBuilder().setField("budgets.day.limit").setAfter("300")).build(), """
                version 1 → version 2
                  pools.cpu.max: 2 → 4
                  budgets.day.limit: (nothing) → 300
                """);
        says("fleet roll-back demo --to 1 --expected-version 2", "RollBackFleet", RollBackFleetRequest.newBuilder().setName("demo").setToVersion(1).setExpectedVersion(2).build(),
                record(3).build(), "fleet demo is at version 3, active, with the spec of version 1\n");
        says("fleet clone demo two", "CloneFleet", CloneFleetRequest.newBuilder().setName("demo").setNewName("two").build(),
                record(1).setFleet("two").build(), "fleet two is at version 1, active, as a copy of demo\n");
    }

    @Test
    void exportsImportsAndPreviews() throws IOException {
        says("fleet export demo --at 3", "ExportFleet", ExportFleetRequest.newBuilder().setName("demo").setVersion(3).build(),
                ExportFleetResponse.newBuilder().setYaml("name: demo\nqueues: {}\n").build(), "name: demo\nqueues: {}\n");
        assertThat(ask("fleet export demo -o " + folder.resolve("out.yaml"))).isEqualTo(new Ran(0, "fleet demo is in " + folder.resolve("out.yaml") + "\n", ""));
        assertThat(folder.resolve("out.yaml")).hasContent("name: demo\nqueues: {}\n");

        control.answer("ImportFleet", ImportFleetResponse.newBuilder().setYaml("name: x\n").addNotes("hyper-threads are not known here").addOthers(FleetSpec.newBuilder().setName("y")).build());
        assertThat(ask("fleet import FILE --format clearml-aws --name x")).isEqualTo(new Ran(0, "name: x\n",
                "note: hyper-threads are not known here\nnote: " + file + " describes other fleets, too, which --json shows: y\n"));
        assertThat(control.asked("ImportFleet")).containsExactly(ImportFleetRequest.newBuilder().setText(FLEET).setName("x").setFormat(SpecFormat.CLEARML_AWS_YAML).build());

        control.answer("PreviewFleet", PreviewFleetResponse.newBuilder().setRecord(record(2).setSpec(FleetSpec.newBuilder().setCurrency("USD")).addNotes("disks are not counted"))
                .addDecisions(Decision.newBuilder().setText("2 machines would be launched")).addRefusals(Refusal.newBuilder().setText("1 task would wait"))
                .setMicrosPerHourCurrent(96_000).setMicrosPerHourProposed(288_000).build());
        assertThat(ask("fleet preview -f FILE")).isEqualTo(new Ran(0, """
                at once:
                  2 machines would be launched
                ! 1 task would wait
                cost: $0.096/h → $0.288/h
                  note: disks are not counted
                """, ""));
        control.answer("PreviewFleetOnRecord", PreviewFleetOnRecordResponse.newBuilder().setSince(NOON).setUntil(ONE).addNotes("tasks are as long as they were")
                .setCurrent(Course.newBuilder().setSpentMicros(1_000_000).setMachines(3).setMostMachines(2).setStarted(5).setWaitP50(Duration.newBuilder().setSeconds(60)).putPaidMs("useful", 3_600_000))
                .setProposed(Course.newBuilder().setSpentMicros(500_000)).build());
        assertThat(ask("fleet preview -f FILE --on-record --since 2026-11-27T12:00:00Z")).isEqualTo(new Ran(0, """
                %s to %s

                                      NOW    PROPOSED
                spent                 $1.00  $0.50
                machines launched     3      0
                most machines at once  2      0
                """.formatted(Times.local(NOON), Times.local(ONE)).replace("                      NOW    PROPOSED\nspent                 $1.00  $0.50\nmachines launched     3      0\n",
                "                       NOW    PROPOSED\nspent                  $1.00  $0.50\nmachines launched      3      0\n") + """
                tasks started          5      0
                wait, median           1m00s  -
                wait, 90 of 100        -      -
                wait, longest          -      -
                machine time useful    1h00m  0.0s
                machine time idle      0.0s   0.0s
                machine time booting   0.0s   0.0s
                machine time wasted    0.0s   0.0s
                  note: tasks are as long as they were
                """, ""));
        assertThat(((PreviewFleetOnRecordRequest) control.asked("PreviewFleetOnRecord").get(0)).getSince()).isEqualTo(Timestamp.newBuilder().setSeconds(1_795_780_800).build());
        assertThat(ask("fleet preview -f FILE --since 1h")).isEqualTo(new Ran(2, "", "muster: --since and --until go with --on-record\n"));
    }

    @Test
    void aDryRunSaysWhatWouldChangeAndChangesNothing() throws IOException {
        control.answer("DiffFleet", DiffFleetResponse.newBuilder().setFromVersion(4).addChanges(FieldChange.newBuilder().setField("pools.cpu.max").setBefore("4").setAfter("2")).build());
        assertThat(ask("fleet apply -f FILE --dry-run")).isEqualTo(new Ran(0, "fleet demo would change from version 4\n  pools.cpu.max: 4 → 2\n", ""));
        control.answer("DiffFleet", request -> {
            throw StatusProto.toStatusRuntimeException(com.google.rpc.Status.newBuilder().setCode(Code.NOT_FOUND_VALUE).setMessage("there is no fleet demo").build());
        });
        assertThat(ask("fleet apply -f FILE --dry-run")).isEqualTo(new Ran(0, "fleet demo would be created\n", ""));
        assertThat(control.fleets).isEmpty();
    }

    @Test
    void theSecondOfTwoEditorsIsToldWhatTheFirstDidAndHowToGoOn() throws IOException {
        control.answer("ApplyFleet", request -> {
            throw StatusProto.toStatusRuntimeException(com.google.rpc.Status.newBuilder().setCode(Code.ABORTED_VALUE).setMessage("fleet demo is at version 5").build());
        });
        control.answer("GetFleet", FleetView.newBuilder().setRecord(record(5).clearChangedAt()).build());
        control.answer("DiffFleet", DiffFleetResponse.newBuilder().setFromVersion(3).setToVersion(5).addChanges(FieldChange.newBuilder().setField("pools.cpu.max").setBefore("2").setAfter("9")).build());

        assertThat(ask("fleet apply -f FILE --expected-version 3 --managed-by argo")).isEqualTo(new Ran(1, "", """
                muster: fleet demo is at version 5, not 3: oidc:ann@example.org changed it
                  pools.cpu.max: 2 → 9
                see what your file would change of it: ./muster fleet apply -f FILE --dry-run; then apply it with --expected-version 5, or take theirs: ./muster fleet export demo
                """));
        var asked = (ApplyFleetRequest) control.asked("ApplyFleet").get(0);
        assertThat(asked.getExpectedVersion()).isEqualTo(3);
        assertThat(asked.getManagedBy()).isEqualTo("argo");
        assertThat(control.asked("DiffFleet")).containsExactly(DiffFleetRequest.newBuilder().setName("demo").setFromVersion(3).build());
        assertThat(Output.JSON.readTree(ask("fleet apply -f FILE --expected-version 3 --json").out()).at("/error/code").asText()).isEqualTo("version-conflict");
        assertThat(ask("fleet apply -f FILE")).isEqualTo(new Ran(1, "", "muster: fleet demo is at version 5\n"));
    }

    @Test
    void showsPoolsAndPausesThem() throws IOException {
        says("pool list --fleet demo", "ListPools", ListPoolsRequest.newBuilder().setFleet("demo").build(), ListPoolsResponse.newBuilder().addPools(PoolView.newBuilder().setFleet("demo").setName("cpu")
                .setMin(1).setMax(4).setWarm(1).putMachines("READY", 2).putMachines("BOOTING", 1).setBusy(1).setIdle(1).setMicrosPerHour(288_000).setUnpriced(1).addQueues("cpu")
                .addRefusals(Refusal.newBuilder().setText("2 tasks wait: the pool is at its limit of 4"))).build(), """
                POOL  FLEET  QUEUES  MIN  MAX  WARM  BUSY  IDLE  MACHINES            COST                   STATE
                cpu   demo   cpu     1    4    1     1     1     1 booting, 2 ready  $0.288/h + 1 unpriced  active
                ! demo/cpu: 2 tasks wait: the pool is at its limit of 4
                """);
        ask("fleet apply -f FILE");
        says("pool pause cpu", "PauseFleet", PauseFleetRequest.newBuilder().setName("demo").setPool("cpu").build(),
                record(2).setSpec(FleetSpec.newBuilder().addPools(PoolSpec.newBuilder().setName("cpu").setPaused(true))).build(), "fleet demo is active, paused pools: cpu\n");
        says("pool resume cpu --fleet demo", "ResumeFleet", PauseFleetRequest.newBuilder().setName("demo").setPool("cpu").build(), record(3).build(), "fleet demo is active\n");
        assertThat(ask("pool pause gpu")).isEqualTo(new Ran(1, "", "muster: no fleet has a pool gpu: ./muster pool list shows those that there are\n"));
    }

    @Test
    void showsQueuesAndTheirTasks() throws IOException {
        says("queue list", "ListQueues", ListQueuesRequest.getDefaultInstance(), ListQueuesResponse.newBuilder().addQueues(QueueView.newBuilder().setFleet("demo").setName("cpu").setWaiting(2)
                .setOldestWait(Duration.newBuilder().setSeconds(192)).setOurWorkers(1).setOtherWorkers(3).setAge(Duration.newBuilder().setSeconds(4)).addPools("cpu").addPools("big")
                .setProblem("is missing")).build(), """
                QUEUE  FLEET  WAITING  OLDEST  OUR WORKERS  OTHERS  POOLS    SEEN      PROBLEM
                cpu    demo   2        3m12s   1            3       cpu,big  4.0s ago  is missing
                """);
        says("queue tasks cpu --fleet demo --last 1", "ListWaitingTasks", ListWaitingTasksRequest.newBuilder().setFleet("demo").setQueue("cpu").setPageSize(1).build(),
                ListWaitingTasksResponse.newBuilder().setWaiting(2).setAge(Duration.newBuilder().setSeconds(4)).addTasks(WaitingTask.newBuilder().setTask("t1").setProject("p").setUser("u").setSignature("gpu:1"))
                        .build(), """
                2 tasks wait, seen 4.0s ago

                TASK  PROJECT  USER  WAITS  KIND
                t1    p        u     -      gpu:1
                """);
    }

    @Test
    void showsOneMachineAndItsLife() throws IOException {
        says("machine get m-1", "GetMachine", GetMachineRequest.newBuilder().setMachineId("m-1").build(), machine().setRequestedAt(NOON).setProtected(true).build(), """
                machine m-1 is busy
                  fleet               demo, pool cpu
                  launched for queue  cpu
                  type                m6i.large, spot, us-east-1a, aws/default
                  cloud id            i-1
                  cost                $0.096/h
                  tasks               t1
                  protected           neither idleness nor age lets it go
                  requested           %s
                """.formatted(Times.second(NOON)));
        says("machine life m-1", "GetMachineLife", GetMachineRequest.newBuilder().setMachineId("m-1").build(), MachineLife.newBuilder()
                .setMachine(MachineRecord.newBuilder().setMachineId("m-1").setFleet("demo").setPhase(Phase.GONE).setCause("IDLE_TOO_LONG"))
                .addEvents(MachineEvent.newBuilder().setAt(NOON).setPhase(Phase.REQUESTED).setText("2 tasks wait in cpu")).addEvents(MachineEvent.newBuilder().setAt(ONE).setPhase(Phase.GONE))
                .addTasks(TaskRun.newBuilder().setTask("t1").setQueue("cpu").setProject("p").setUser("u").setStarted(NOON).setEnded(ONE).setStatus(TaskStatus.COMPLETED).setSpentMicros(96_000)).build(), """
                machine m-1 is gone (IDLE_TOO_LONG)
                  fleet        demo
                  cost         unknown
                  why it goes  IDLE_TOO_LONG

                (decisions that are older than what can be read are missing)
                %1$s  requested: 2 tasks wait in cpu
                %2$s  gone

                TASK  QUEUE  PROJECT  USER  STARTED           TOOK   STATE      COST
                t1    cpu    p        u     %3$s  1h00m  completed  $0.096
                """.formatted(Times.second(NOON), Times.second(ONE), Times.local(NOON)));
        says("machine cancel-drain m-1", "CancelMachineDrain", MachineNameRequest.newBuilder().setMachineId("m-1").build(), machine().build(), "machine m-1 works on\n");
        says("machine drain m-1", "DrainMachine", MachineNameRequest.newBuilder().setMachineId("m-1").build(), machine().setPhase(Phase.DRAINING).build(), "machine m-1 is draining\n");
        says("machine terminate m-1 --busy", "TerminateMachine", TerminateMachineRequest.newBuilder().setMachineId("m-1").setBusyToo(true).build(),
                machine().setPhase(Phase.TERMINATING).build(), "machine m-1 is terminating\n");
    }

    @Test
    void listsMachinesOfPhasesTypesAndTasks() throws IOException {
        says("machine list --fleet demo --pool cpu --phase booting,draining --no-busy --type m6i.large --task t1", "ListMachines", ListMachinesRequest.newBuilder().setFleet("demo").setPool("cpu")
                .addPhases(Phase.BOOTING).addPhases(Phase.DRAINING).setBusy(false).setMachineType("m6i.large").setTaskId("t1").setPageSize(500).build(),
                ListMachinesResponse.getDefaultInstance(), "no machines\n");
        assertThat(ask("machine list --phase asleep").err()).contains("Invalid value for option '--phase'").contains("asleep");
    }

    @Test
    void listsDecisionsByWhatTheyAreAbout() throws IOException {
        control.answer("ListDecisions", ListDecisionsResponse.newBuilder().addDecisions(DecisionEvent.newBuilder().setFleet("demo").setAt(ONE).setRefusal(Refusal.newBuilder().setText("1 task waits")))
                .addDecisions(DecisionEvent.newBuilder().setFleet("demo").setAt(NOON).setAudit(Audit.newBuilder().setCaller("token:ci").setWhat("apply"))).build());
        assertThat(ask("decision list demo --kind refused,audited --reason at_budget --pool cpu --task t1 --since 2026-11-28T12:00:00Z --last 5").out().lines().map(line -> line.substring(12)))
                .containsExactly("  token:ci: apply", "  ! 1 task waits");
        assertThat(control.asked("ListDecisions")).containsExactly(ListDecisionsRequest.newBuilder().setFleet("demo").addKinds(DecisionKind.DECISION_REFUSED).addKinds(DecisionKind.DECISION_AUDITED)
                .addReasons(Reason.AT_BUDGET).setPool("cpu").setTaskId("t1").setSince(NOON).setPageSize(5).build());
        assertThat(ask("decision list demo --since yesterday")).isEqualTo(new Ran(2, "",
                "muster: --since is 'yesterday': write a span before now, such as 90m or 2d, or a moment, such as 2026-11-28T08:00:00Z\n"));
    }

    @Test
    void showsBudgetsAndWhatWasSpent() throws IOException {
        says("budget list", "ListBudgets", ListBudgetsRequest.getDefaultInstance(), ListBudgetsResponse.newBuilder()
                .addBudgets(BudgetView.newBuilder().setFleet("demo").setCurrency("USD").setState(BudgetState.AT_SOFT_LIMIT).setPeriodStart(NOON).setPeriodEnd(ONE).setAsOf(NOON)
                        .setBudget(BudgetSpec.newBuilder().setPeriod(BudgetPeriod.PER_DAY).setHardMicros(300_000_000).setSoftMicros(250_000_000))
                        .setSpentMicros(251_000_000).setReservedMicros(3_000_000).setForecastMicros(290_000_000))
                .addBudgets(BudgetView.newBuilder().setFleet("demo").setPool("gpu").setCurrency("USD").setState(BudgetState.WITHIN)
                        .setBudget(BudgetSpec.newBuilder().setPeriod(BudgetPeriod.PER_HOUR).setHardMicros(40_000_000)))
                .addBudgets(BudgetView.newBuilder().setFleet("demo").setQueue("train").setCurrency("USD").setState(BudgetState.WITHIN)
                        .setBudget(BudgetSpec.newBuilder().setPeriod(BudgetPeriod.PER_HOUR).setHardMicros(20_000_000))).build(), """
                FLEET  POOL         PERIOD  SOFT     HARD     SPENT    RESERVED  EXPECTED  ENDS              STATE
                demo   all          day     $250.00  $300.00  $251.00  $3.00     $290.00   %s  at soft limit
                demo   gpu          hour    -        $40.00   -        -         -         -                 within
                demo   queue train  hour    -        $20.00   -        -         -         -                 within
                """.formatted(Times.local(ONE)));
        says("spend demo --since 2026-11-28T12:00:00Z --until 2026-11-28T13:00:00Z --by pool,user --step 1h", "GetSpend", GetSpendRequest.newBuilder().setFleet("demo").setSince(NOON).setUntil(ONE)
                .addGroupBy(SpendGroup.BY_POOL).addGroupBy(SpendGroup.BY_USER).setStep(Duration.newBuilder().setSeconds(3600)).build(), GetSpendResponse.newBuilder().setCurrency("USD")
                .addRows(SpendRow.newBuilder().setStart(NOON).setLength(Duration.newBuilder().setSeconds(3600)).putLabels("pool", "cpu").setSpentMicros(1_250_000).putPaidMs("useful", 3_600_000).putPaidMs("idle", 60_000))
                .build(), """
                FROM              LENGTH  POOL  USER  SPENT  USEFUL  IDLE   BOOT  WASTE
                %s  1h00m   cpu   -     $1.25  1h00m   1m00s  0.0s  0.0s
                not complete: the hour that runs is not closed yet, or books were lost in that time
                """.formatted(Times.local(NOON)));
        says("history demo --series hour --label pool=cpu --since 2026-11-28T12:00:00Z", "QueryHistory", QueryHistoryRequest.newBuilder().setFleet("demo").setSeries("hour").putLabels("pool", "cpu").setSince(NOON).build(),
                QueryHistoryResponse.newBuilder().addRows(HistoryRow.newBuilder().setFleet("demo").setStart(NOON).putLabels("pool", "cpu").putLabels("user", "u").setWaiting(3).setRunning(2)
                        .putMachines("READY", 2).setSpentMicros(500_000).addWaits(1).addWaits(2)).build(), """
                FROM              OF               WAITING  RUNNING  MACHINES  SPENT                 STARTED
                %s  pool=cpu user=u  3        2        2 ready   $0.50 (not complete)  3
                """.formatted(Times.local(NOON)));
    }

    @Test
    void showsTheInstallationItsCallerItsSecretsAndItsLogLevels() throws IOException {
        says("whoami", "GetCaller", GetCallerRequest.getDefaultInstance(), Caller.newBuilder().setName("token:ci").setExpiresAt(NOON).addGrants(Grant.newBuilder().setRole(Role.VIEWER).setFleet("*"))
                .addGrants(Grant.newBuilder().setRole(Role.OPERATOR).setFleet("demo")).build(), """
                token:ci, until %s
                ROLE      FLEET
                viewer    all, and the installation
                operator  demo
                """.formatted(Times.local(NOON)));
        says("status", "GetInstallation", GetInstallationRequest.getDefaultInstance(), InstallationView.newBuilder().setName("lab").setVersion("1.2").setAuthenticated(true)
                .addServices(ServiceReported.newBuilder().setService("planner").setInstance("p-0").setVersion("1.2").setReady(true).addOwned("0").addOwned("1")
                        .addAccounts(NamedState.newBuilder().setName("default").setDetail("keys are wrong"))).build(), """
                installation lab, release 1.2, callers are asked who they are

                SERVICE  INSTANCE  RELEASE  STATE  HEARD  OWNS  PROBLEMS
                planner  p-0       1.2      ready  -      2     account default: keys are wrong

                no fleets yet: ./muster fleet apply -f FILE
                """);
        says("secret list", "ListSecrets", ListSecretsRequest.getDefaultInstance(), ListSecretsResponse.newBuilder().addSecrets(SecretView.newBuilder().setName("git-token").addServices("aws-provisioner").addFleets("demo"))
                .addSecrets(SecretView.newBuilder().setName("hook").setMissing(true)).addSecrets(SecretView.newBuilder().setName("ssm:/key").setOnMachines(true)).build(), """
                SECRET     STATE             SERVICES         FLEETS
                git-token  there             aws-provisioner  demo
                hook       missing
                ssm:/key   read on machines
                """);
        says("log-level list", "ListLogLevels", ListLogLevelsRequest.getDefaultInstance(), ListLogLevelsResponse.newBuilder().addLevels(LogLevel.newBuilder().setService("planner").setCategory("dev.muster")
                .setLevel("DEBUG").setUntil(NOON).setCaller("token:ci")).build(), """
                SERVICE  CATEGORY    LEVEL  UNTIL             BY
                planner  dev.muster  DEBUG  %s  token:ci
                """.formatted(Times.local(NOON)));
        says("log-level set planner dev.muster DEBUG --for 10m", "SetLogLevel", SetLogLevelRequest.newBuilder().setService("planner").setCategory("dev.muster").setLevel("DEBUG")
                .setLasts(Duration.newBuilder().setSeconds(600)).build(), LogLevel.newBuilder().setLevel("DEBUG").setUntil(NOON).build(), "planner logs dev.muster at DEBUG until " + Times.local(NOON) + "\n");
        assertThat(ask("log-level reset planner dev.muster").out()).isEqualTo("planner logs dev.muster as configured\n");
    }

    /** Each call by its name, and the command that makes it. */
    static Map<String, String> commands() {
        var commands = new LinkedHashMap<String, String>();
        commands.put("ApplyFleet", "fleet apply -f FILE");
        commands.put("GetFleet", "fleet get demo");
        commands.put("ListFleets", "fleet list");
        commands.put("WatchFleets", "fleet list --watch");
        commands.put("ValidateFleet", "fleet validate -f FILE");
        commands.put("DeleteFleet", "fleet delete demo");
        commands.put("PauseFleet", "fleet pause demo");
        commands.put("ResumeFleet", "fleet resume demo");
        commands.put("RestoreLedger", "budget restore demo --day 1 --month 2");
        commands.put("ReleaseIdle", "fleet release-idle demo");
        commands.put("AdoptMachines", "fleet adopt demo");
        commands.put("TakeOverMachines", "takeover q1Sh9kTz demo");
        commands.put("ListFleetVersions", "fleet versions demo");
        commands.put("GetFleetVersion", "fleet get demo --at 1");
        commands.put("DiffFleet", "fleet diff demo");
        commands.put("RollBackFleet", "fleet roll-back demo --to 1");
        commands.put("CloneFleet", "fleet clone demo two");
        commands.put("ExportFleet", "fleet export demo");
        commands.put("ImportFleet", "fleet import FILE");
        commands.put("PreviewFleet", "fleet preview -f FILE");
        commands.put("PreviewFleetOnRecord", "fleet preview -f FILE --on-record");
        commands.put("ListPools", "pool list");
        commands.put("ListMachines", "machine list");
        commands.put("GetMachine", "machine get m-1");
        commands.put("WatchMachines", "machine list --watch");
        commands.put("GetMachineLife", "machine life m-1");
        commands.put("DrainMachine", "machine drain m-1");
        commands.put("CancelMachineDrain", "machine cancel-drain m-1");
        commands.put("TerminateMachine", "machine terminate m-1");
        commands.put("ProtectMachine", "machine protect m-1");
        commands.put("UnprotectMachine", "machine unprotect m-1");
        commands.put("GetConsole", "machine logs mabcdefgh-1");
        commands.put("ListQueues", "queue list");
        commands.put("ListWaitingTasks", "queue tasks cpu --fleet demo");
        commands.put("ListDecisions", "decision list demo");
        commands.put("WatchDecisions", "decision watch");
        commands.put("Explain", "why machine m-1");
        commands.put("ListBudgets", "budget list");
        commands.put("GetSpend", "spend demo");
        commands.put("QueryHistory", "history demo");
        commands.put("GetCaller", "whoami");
        commands.put("GetInstallation", "status");
        commands.put("ListSecrets", "secret list");
        commands.put("SetLogLevel", "log-level set planner dev.muster DEBUG");
        commands.put("ListLogLevels", "log-level list");
        commands.put("TestNotifications", "notify test demo");
        return commands;
    }

    static List<MethodDescriptor> calls() {
        return FleetView.getDescriptor().getFile().getServices().stream().flatMap(service -> service.getMethods().stream()).toList();
    }

    @Test
    void everyCallHasACommand() {
        assertThat(commands().keySet()).isEqualTo(calls().stream().map(MethodDescriptor::getName).collect(Collectors.toCollection(java.util.LinkedHashSet::new)));
        commands().forEach((call, command) -> {
            control.answer(call, request -> {
                throw Status.PERMISSION_DENIED.withDescription("viewers may not do that").asRuntimeException();
            });
            var ran = Ran.until(() -> false, line(command));
            assertThat(control.asked(call)).as(command).isNotEmpty();
            assertThat(ran).as(command).isEqualTo(new Ran(1, "", "muster: viewers may not do that\n"));
            control.forget(call);
        });
    }

    @Test
    void anOlderServerIsOneSentence() {
        Set.of("pool list", "fleet versions demo", "budget list", "whoami", "history demo", "fleet list --watch", "queue list").forEach(command ->
                assertThat(ask(command)).as(command).isEqualTo(new Ran(1, "", "muster: the server at " + control.address() + " is older than this command line: it doesn't know this call\n")));
    }

    @Test
    void aCallerThatIsNotKnownIsToldHowToSayIt() throws IOException {
        control.answer("ListFleets", request -> {
            throw Status.UNAUTHENTICATED.withDescription("the token is not known").asRuntimeException();
        });
        var token = Files.writeString(folder.resolve("token"), "very-secret\n");
        var ran = ask("fleet list --token-file " + token);
        assertThat(ran).isEqualTo(new Ran(1, "", "muster: the token is not known: say it by --token-file, MUSTER_TOKEN or a context; ./muster context show says which server this was\n"));
        assertThat(control.authorization()).isEqualTo("Bearer very-secret");
    }
}
