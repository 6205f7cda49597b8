package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.v1.TakeOverMachinesRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MusterTest {

    private static final String FLEET = """
            name: %s
            queues: {cpu: [cpu]}
            pools:
              cpu: {provider: aws, region: us-east-1, type: m6i.large, max: 2}
            """;

    @TempDir
    Path folder;

    private FakeControl control;

    @BeforeEach
    void startControl() throws IOException {
        control = new FakeControl();
    }

    @AfterEach
    void stopControl() {
        control.close();
    }

    private Ran ask(String... arguments) {
        var line = new ArrayList<>(List.of(arguments));
        line.addAll(List.of("--server", control.address()));
        return Ran.of(line.toArray(String[]::new));
    }

    private String file(String text) throws IOException {
        return Files.writeString(Files.createTempFile(folder, "fleet", ".yaml"), text).toString();
    }

    @Test
    void wrongUsageIsTwo() {
        var ran = Ran.of("fleet", "aply");

        assertThat(ran.exitCode()).isEqualTo(2);
        assertThat(ran.err()).startsWith("muster: Unmatched argument").contains("see: ./muster fleet --help");
        assertThat(Ran.of("machine", "drain").exitCode()).isEqualTo(2);
        assertThat(Ran.of("up", "--speed", "0.5", "--folder", folder.toString()))
                .isEqualTo(new Ran(2, "", "muster: --speed is 0.5: it must be from 1 to 100000\n"));
    }

    @Test
    void nothingRunningIsThreeAndSaysWhatToDo() {
        var expected = "muster: nothing runs in " + folder + ": start it with ./muster up, or name a control API with --server\n";
        for (var command : List.of("status", "down", "fleet list", "machine list", "queue list", "task enqueue cpu")) {
            assertThat(Ran.of((command + " --folder " + folder).split(" "))).as(command).isEqualTo(new Ran(3, "", expected));
        }
    }

    @Test
    void aServerThatDoesNotAnswerIsThreeToo() {
        control.close();

        var ran = ask("fleet", "list");

        assertThat(ran.exitCode()).isEqualTo(3);
        assertThat(ran.err()).startsWith("muster: the control API at " + control.address() + " does not answer: see ./muster status");
    }

    @Test
    void appliesAndShowsFleets() throws IOException {
        assertThat(ask("fleet", "apply", "-f", file(FLEET.formatted("one") + "---\n" + FLEET.formatted("two"))))
                .isEqualTo(new Ran(0, "fleet one is at version 1, active\nfleet two is at version 1, active\n", ""));
        assertThat(ask("fleet", "list").out()).isEqualTo("""
                FLEET  STATE   VERSION  WAITING  BUSY  IDLE  MACHINES  COST
                one    active  1        0        0     0               $0.00/h
                two    active  1        0        0     0               $0.00/h
                """);
        assertThat(ask("fleet", "get", "one").out())
                .startsWith("FLEET  STATE").contains("\n\nname: one\nqueues:\n  cpu:\n  - cpu\n").contains("type: m6i.large");
        assertThat(ask("fleet", "get", "one", "--yaml").out()).startsWith("record:\n  fleet: one\n").contains("    - name: cpu\n", "microsPerHour: '192000'\n");
        assertThat(Output.JSON.readTree(ask("fleet", "get", "one", "--json").out()).at("/record/spec/pools/0/limits/max").asInt()).isEqualTo(2);
        assertThat(ask("fleet", "delete", "one", "--machines", "all")).isEqualTo(new Ran(0, "fleet one is deleting\n", ""));
    }

    @Test
    void showsWhatPeopleShouldKnowOfASpec() throws IOException {
        var fleet = file(FLEET.formatted("one") + "currency: USD\nbudgets: {day: 300}\n");

        assertThat(ask("fleet", "validate", "-f", fleet)).isEqualTo(new Ran(0, "fleet one is valid\n  note: pools.cpu: disks are not counted.\n", ""));
        assertThat(control.fleets).isEmpty();
        assertThat(ask("fleet", "apply", "-f", fleet))
                .isEqualTo(new Ran(0, "fleet one is at version 1, active\n  note: pools.cpu: disks are not counted.\n", ""));
        assertThat(Output.JSON.readTree(ask("fleet", "validate", "-f", fleet, "--json").out()).at("/notes/0").asText()).startsWith("pools.cpu");
    }

    @Test
    void restoresWhatWasSpentAndReleasesAndProtects() throws IOException {
        ask("fleet", "apply", "-f", file(FLEET.formatted("one")));

        assertThat(ask("budget", "restore", "one", "--day", "12.5", "--month", "130"))
                .isEqualTo(new Ran(0, "fleet one goes on from $12.50 spent today and $130.00 this month\n", ""));
        assertThat(control.restored.getDayMicros()).isEqualTo(12_500_000);
        assertThat(control.restored.getMonthMicros()).isEqualTo(130_000_000);
        assertThat(control.restored.getRequestId()).isNotEmpty();
        assertThat(ask("budget", "restore", "one", "--day", "-1", "--month", "1"))
                .isEqualTo(new Ran(2, "", "muster: --day is '-1': write an amount such as 12.50, with at most six decimals\n"));
        assertThat(ask("fleet", "release-idle", "one", "--pool", "cpu").out()).isEqualTo("fleet one lets its idle machines of pool cpu go\n");
        assertThat(control.released.getPool()).isEqualTo("cpu");
        assertThat(ask("machine", "protect", "m-1").out()).isEqualTo("machine m-1 is protected: neither idleness nor age lets it go\n");
        assertThat(control.isProtected).containsExactly("m-1");
        assertThat(ask("machine", "unprotect", "m-1").out()).isEqualTo("machine m-1 is no longer protected\n");
        assertThat(control.isProtected).isEmpty();
    }

    @Test
    void showsWhatIsKeptOfAMachinesConsoleByItsIdOrItsCloudsNameOfIt() {
        assertThat(ask("machine", "logs", "mabcdefgh-1")).isEqualTo(new Ran(0, "[…]\nlast words\n", ""));
        assertThat(ask("machine", "logs", "i-1")).isEqualTo(new Ran(0, "[…]\nlast words\n", ""));
        assertThat(ask("machine", "logs", "mabcdefgh-1", "--json").out()).contains("\"cloudId\" : \"i-1\"", "\"capturedAt\" : \"2023-11-14T22:13:20Z\"", "\"truncated\" : true");
        assertThat(ask("machine", "logs", "m-2")).isEqualTo(new Ran(1, "", "muster: there is no machine m-2: ./muster machine list --all shows them\n"));
    }

    @Test
    void adoptsMachinesWithAnApplyOrAfterIt() throws IOException {
        var fleet = file(FLEET.formatted("one"));
        ask("fleet", "apply", "-f", fleet);
        assertThat(control.applied.hasAdoptPrefix()).isFalse();

        assertThat(ask("fleet", "apply", "--adopt", "-f", fleet).exitCode()).isZero();
        assertThat(control.applied.hasAdoptPrefix()).isTrue();
        assertThat(control.applied.getAdoptPrefix()).isEmpty();
        assertThat(ask("fleet", "apply", "-f", fleet, "--adopt", "dynamic_worker").exitCode()).isZero();
        assertThat(control.applied.getAdoptPrefix()).isEqualTo("dynamic_worker");

        assertThat(ask("fleet", "adopt", "one", "--prefix", "dynamic_worker"))
                .isEqualTo(new Ran(0, "fleet one adopts machines\n  note: Machines are adopted until tea time.\n", ""));
        assertThat(control.adopted.getWorkerPrefix()).isEqualTo("dynamic_worker");
        assertThat(control.adopted.getRequestId()).isNotEmpty();
    }

    @Test
    void takesOverForFleetsThatAreNamedOrForAll() throws IOException {
        assertThat(ask("takeover", "q1Sh9kTz")).isEqualTo(new Ran(1, "", "muster: there is no fleet yet: apply the fleets first, then take over\n"));
        ask("fleet", "apply", "-f", file(FLEET.formatted("one")));
        ask("fleet", "apply", "-f", file(FLEET.formatted("two")));

        assertThat(ask("takeover", "q1Sh9kTz")).isEqualTo(new Ran(0, "fleet one takes over from Kafka cluster q1Sh9kTz\nfleet two takes over from Kafka cluster q1Sh9kTz\n", ""));
        assertThat(ask("takeover", "q1Sh9kTz", "two").out()).isEqualTo("fleet two takes over from Kafka cluster q1Sh9kTz\n");
        assertThat(control.takenOver).extracting(TakeOverMachinesRequest::getName).containsExactly("one", "two", "two");
        assertThat(control.takenOver).allSatisfy(request -> assertThat(request.getCluster()).isEqualTo("q1Sh9kTz"));
    }

    @Test
    void showsAllViolationsOneALine() throws IOException {
        var fleet = file("name: one\nqueues: {cpu: [cpu]}\npools:\n  cpu: {provider: aws, region: us-east-1, type: m6i.large}\n");

        assertThat(ask("fleet", "apply", "-f", fleet)).isEqualTo(new Ran(1, "", """
                muster: the spec has 2 mistakes
                  pools.cpu.max: is missing; write max: 10
                  queues: is empty; name a queue
                """));
        var json = Output.JSON.readTree(ask("fleet", "apply", "-f", fleet, "--json").out());
        assertThat(json.at("/error/code").asText()).isEqualTo("invalid-argument");
        assertThat(json.at("/error/violations/1/field").asText()).isEqualTo("queues");
    }

    @Test
    void aFileWithMistakesIsNotSent() throws IOException {
        var fleet = file("name: one\nqueus: {cpu: [cpu]}\npools: 7\n");

        assertThat(ask("fleet", "apply", "-f", fleet)).isEqualTo(new Ran(1, "", """
                muster: %s has 2 mistakes:
                  pools: line 3: must be an object by name, or a list; write a name, a colon, and its keys below it
                  queus: line 2: there is no such key; write 'queues'
                """.formatted(fleet)));
        assertThat(control.fleets).isEmpty();
    }

    @Test
    void anUnknownFleetIsOneSentence() {
        assertThat(ask("fleet", "get", "nope")).isEqualTo(new Ran(1, "", "muster: there is no fleet nope\n"));
        assertThat(ask("fleet", "get", "nope", "--json").out()).contains("\"code\" : \"fleet-unknown\"");
        assertThat(ask("fleet", "apply", "-f", folder.resolve("none.yaml").toString()).err())
                .isEqualTo("muster: there is no file " + folder.resolve("none.yaml") + "\n");
    }

    @Test
    void listsMachinesForPeopleAndPrograms() throws IOException {
        assertThat(ask("machine", "list").out()).isEqualTo("""
                MACHINE      FLEET  POOL  PHASE  TYPE       ZONE        CLOUD ID  TASKS  AGE  COST
                mabcdefgh-1  demo   cpu   busy   m6i.large  us-east-1a  i-1       t1     -    $0.096/h
                """);
        assertThat(Output.JSON.readTree(ask("machine", "list", "--json").out()).at("/machines/0/phase").asText()).isEqualTo("READY");
    }

    @Test
    void saysItsVersion() throws IOException {
        assertThat(Ran.of("version").out()).startsWith("muster ");
        assertThat(Output.JSON.readTree(Ran.of("version", "--json").out()).has("version")).isTrue();
    }
}
